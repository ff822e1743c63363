from django.urls import path, register_converter

from zhunsheng.web.public_log import views


class Hash:
    """64 lower-case hexadecimal digits."""

    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Hash, "hash64")
app_name = "public_log"
urlpatterns = [
    path("log/", views.home, name="home"),
    path("log/export.jsonl", views.export, name="export"),
    path("log/head.json", views.head, name="head"),
    path("log/consistency/", views.consistency, name="consistency"),
    path("log/checkpoint", views.checkpoint, name="checkpoint"),
    path("log/checkpoint/<int:size>", views.old_checkpoint, name="old_checkpoint"),
    path("log/checkpoint/<int:size>.tsr", views.stamp, name="stamp"),
    path("log/tile/<path:path>", views.tile, name="tile"),
    path("log/cosign", views.cosign, name="cosign"),
    path("log/inclusion.json", views.inclusion_api, name="inclusion_api"),
    path("log/consistency.json", views.consistency_api, name="consistency_api"),
    path("log/witnesses/", views.witnesses, name="witnesses"),
    path("log/witnesses/add/", views.add_witness, name="add_witness"),
    path("log/witnesses/import/", views.import_cosignature, name="import_cosignature"),
    path("log/witnesses/<int:pk>/end/", views.end_witness, name="end_witness"),
    path("log/<int:index>/", views.entry, name="entry"),
    path("log/<int:index>/proof.json", views.proof, name="proof"),
    path("log/<int:index>/entry.tlog-proof", views.tlog_proof, name="tlog_proof"),
    path("log/by-hash/<hash64:leaf_hash>/", views.waiting, name="waiting"),
    path("audit/", views.acts, name="acts"),
    path("audit/<int:pk>/", views.act, name="act"),
]
