from django.urls import path, register_converter
from django.urls.converters import StringConverter

from zhunsheng.web.portal.views import (
    burden,
    data,
    draws,
    firms,
    home,
    matters,
    methods,
    pages,
    results,
    sampling,
    scoreboard,
    upstream,
    verify,
)


class YearConverter(StringConverter):
    regex = "20[0-9]{2}"

    def to_python(self, value: str) -> int:  # type: ignore[override]
        return int(value)

    def to_url(self, value: int) -> str:  # type: ignore[override]
        return str(value)


register_converter(YearConverter, "year")

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("robots.txt", home.robots, name="robots"),
    path("favicon.ico", home.favicon, name="favicon"),
    path("firms/<path:code>/", firms.firm, name="firm"),
    path("draws/", draws.listing, name="draws"),
    path("draws/upstream/", upstream.listing, name="upstream"),
    path("draws/upstream/<int:pk>/", upstream.draw, name="upstream_draw"),
    path("draws/commitment/", verify.commitment, name="commitment"),
    path("draws/<str:no>/", draws.draw, name="draw"),
    path("draws/<str:no>/announcement.json", draws.announcement, name="announcement"),
    path("draws/<str:no>/bundle.json", draws.bundle, name="bundle"),
    path("draws/<str:no>/frame/", draws.frame, name="frame"),
    path("draws/<str:no>/frame.jsonl", draws.leaves, name="leaves"),
    path("draws/<str:no>/opened.jsonl", draws.opened, name="opened"),
    path("draws/<str:no>/unit/", draws.unit, name="unit"),
    path("draws/<str:no>/unit/membership.json", draws.membership, name="membership"),
    path("verify/", verify.verify, name="verify"),
    path("results/", results.listing, name="results"),
    path("results/<str:no>/", results.result, name="result"),
    path("decisions/", matters.decisions, name="decisions"),
    path("decisions/<int:pk>/", matters.decision, name="decision"),
    path("complaints/", matters.complaints, name="complaints"),
    path("complaints/<year:year>/", matters.complaints, name="complaints_year"),
    path("burden/", burden.burden, name="burden"),
    path("burden/<year:year>/", burden.burden, name="burden_year"),
    path("scoreboard/", scoreboard.scoreboard, name="scoreboard"),
    path("scoreboard/<year:year>/", scoreboard.scoreboard, name="scoreboard_year"),
    path("scoreboard/snapshots/<str:no>/", scoreboard.snapshot, name="snapshot"),
    path("scoreboard/snapshots/<str:no>.json", scoreboard.raw, name="snapshot_json"),
    path("sampling/", sampling.sampling, name="sampling"),
    path("methods/", methods.methods, name="methods"),
    path("methods/tables/", methods.tables, name="tables"),
    path("methods/tables/<path:name>.csv", methods.table_csv, name="table_csv"),
    path("methods/tables/<path:name>/", methods.table, name="table"),
    path("methods/verify_draw.py", methods.verifier, name="verifier"),
    path("methods/<slug:rule>/", methods.method, name="method"),
    path("data/", data.data, name="data"),
    path("data/<slug:code>.<slug:kind>", data.dataset, name="dataset"),
    path("help/", methods.guide, name="help"),
    path("help/<slug:code>/", methods.guide, name="guide"),
    path("accessibility/", pages.accessibility, name="accessibility"),
    path("privacy/", pages.privacy, name="privacy"),
]
