"""What matters show the public: publications in all their versions, and numbers in which nobody can be found."""

import csv
import datetime
import io
import json

import pytest
from django.test import Client
from django.urls import reverse

from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common import city
from zhunsheng.web.matters import actions
from zhunsheng.web.matters.models import Deadline, DisclosedFact, Disclosure, Matter
from zhunsheng.web.portal.queries import matters
from zhunsheng.web.public_log.models import LogEntry

pytestmark = pytest.mark.django_db
MONDAY = datetime.datetime(2026, 11, 2, 9, 0, tzinfo=CHINA)


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    city.choose("hengchuan")


@pytest.fixture
def circular(town):
    """A circular that names a firm, published by its issuing."""
    head, member, reviewer = town.user("head"), town.user("member"), town.user("reviewer")
    entity = town.entity(name="衡川某某食品有限公司")
    matter = actions.open_matter(
        "circular", by=member, at=MONDAY, office=town.office,
        facts={"kind": "criticism", "subject": "抽查不合格后未整改", "addressee": entity.unit_id, "public": True},
    )  # fmt: skip
    actions.classify(matter, "active", by=reviewer, at=MONDAY)
    for verb in _way(matter):
        step(matter, verb, head, member)
    return town, matter, head


def _way(matter):
    """The verbs that lead to the issuing."""
    from zhunsheng.web.matters import queries

    procedure, state, way = queries.procedure_of(matter), matter.state, []
    while not any(verb == "issue" for verb in way):
        found = next(one for one in procedure.leading_from(state) if one.target and one.target != state)
        way.append(found.code)
        state = found.target
    return way


def step(matter, verb, head, member):
    from zhunsheng.web.matters import queries

    now = queries.standing(matter)
    asked = now.procedure.steps[verb]
    by = head if "head" in asked.roles else member
    actions.take(matter, verb, by=by, at=MONDAY + datetime.timedelta(hours=len(now.history)))
    matter.refresh_from_db()


def page(name, *args, **query):
    answer = Client().get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def disclosed(town, matter=None, version=1, state="published", replaces=None, **facts):
    """A publication laid directly: what the pages make of it is what is tested here."""
    entity = matter.entity if matter is not None else town.entity(name=f"衡川第{Matter.objects.count()}食品厂")
    if matter is None:
        matter = Matter.objects.create(
            no=f"CF-2026-{Matter.objects.count() + 1:05d}", procedure="penalty", version="2021", title=f"{entity.name}：无证生产",
            office=town.office, entity=entity, division=entity.division, state="closed", state_since=MONDAY, opened_at=MONDAY,
        )  # fmt: skip
    one = Disclosure.objects.create(
        matter=matter, publication="decision", version=version, title=f"行政处罚决定信息：{matter.title}", state=state,
        published_at=MONDAY, replaces=replaces, until=datetime.date(2029, 11, 2), reason="笔误" if replaces or state == "withdrawn" else "",
        ended_at=None if state == "published" else MONDAY,
    )  # fmt: skip
    shown = {"party": entity.name, "fine": "3000元", **facts}
    for code, text in shown.items():
        DisclosedFact.objects.create(
            disclosure=one, code=code, name={"party": "当事人", "fine": "罚款"}.get(code, code), shown=text
        )
    return one


def test_a_publication_is_listed_and_shown_with_its_facts(town):
    one = disclosed(town)
    assert one.title in page("portal:decisions")
    shown = page("portal:decision", one.pk)
    assert "3000元" in shown and one.matter.entity.name in shown and "2029-11-02" in shown
    assert "提出异议" in shown


def test_a_correction_stands_beside_what_it_corrects(town):
    first = disclosed(town, state="corrected")
    second = disclosed(town, first.matter, 2, replaces=first, fine="300元")
    shown = page("portal:decision", second.pk)
    assert "<del>3000元</del>" in shown and "<ins>300元</ins>" in shown and "笔误" in shown
    old = page("portal:decision", first.pk)
    assert "已被更正" in old and reverse("portal:decision", args=[second.pk]) in old and "3000元" in old


@pytest.mark.parametrize("state", ["withdrawn", "ended"])
def test_what_no_longer_stands_shows_no_name_in_any_version_list_or_file(town, state):
    first = disclosed(town, state="corrected")
    second = disclosed(town, first.matter, 2, state=state, replaces=first)
    name = first.matter.entity.name
    for one in (first, second):
        shown = page("portal:decision", one.pk)
        assert name not in shown and "3000元" not in shown
        assert first.matter.no in shown
    listing = page("portal:decisions", state=state)
    assert second.matter.no in listing and name not in listing
    # the version that was corrected before it fell says no more than the one that fell
    assert name not in page("portal:decisions")
    assert name not in page("portal:decisions", state="corrected")
    shown = page("portal:decisions", q=name).replace(f'value="{name}"', "")
    assert first.matter.no not in shown
    found = Client().get(reverse("portal:decisions"), {"q": name, "export": "csv"})
    assert second.matter.no not in b"".join(found.streaming_content if found.streaming else [found.content]).decode()
    data = b"".join(Client().get(reverse("portal:dataset", args=["decisions", "csv"])).streaming_content).decode()
    assert name not in data and "3000元" not in data and first.matter.no in data


def test_a_drill_is_never_public(town):
    one = disclosed(town)
    Matter.objects.filter(pk=one.matter_id).update(drill=True)
    assert one.title not in page("portal:decisions")
    assert Client().get(reverse("portal:decision", args=[one.pk])).status_code == 404


def test_the_list_is_filtered(town):
    one, other = disclosed(town), disclosed(town)
    assert one.title in page("portal:decisions", q=one.matter.entity.name)
    assert other.title not in page("portal:decisions", q=one.matter.entity.name)
    assert one.title in page("portal:decisions", q=one.matter.no)
    assert one.title not in page("portal:decisions", since="2026-11-03")
    assert one.title in page("portal:decisions", until="2026-11-02", division=town.county.code)
    assert one.title in page("portal:decisions", kind="penalty", state="published")


def test_the_firm_page_lists_what_was_published_of_it(town):
    one = disclosed(town)
    other = disclosed(town)
    shown = page("portal:firm", one.matter.entity.unit_id)
    assert one.title in shown and other.title not in shown
    assert "决定和公告" not in page("portal:firm", town.entity().unit_id).split("<main")[1].split("</main")[0]


def test_what_an_action_publishes_has_its_entry_in_the_public_log(circular):
    town, matter, head = circular
    one = Disclosure.objects.get(matter=matter)
    entry = LogEntry.objects.get(subject=f"disclosure:{one.pk}")
    assert entry.get_absolute_url() in page("portal:decision", one.pk)
    new = actions.correct(
        one, {"subject": "抽查不合格后逾期整改"}, reason="表述不准确", by=head, at=MONDAY + datetime.timedelta(days=1)
    )
    assert "表述不准确" in page("portal:decision", new.pk)
    actions.withdraw(new, reason="依法撤回", by=head, at=MONDAY + datetime.timedelta(days=2))
    assert "依法撤回" in page("portal:decision", one.pk)


# -- statistics -------------------------------------------------------------------------------------------------------
def filed(town, n, code="complaint", month=3, division=None, **more):
    """Matters as the numbers see them."""
    start = Matter.objects.count()
    at = datetime.datetime(2026, month, 2, 9, 0, tzinfo=CHINA)
    return Matter.objects.bulk_create(
        Matter(
            no=f"X-{start + i:06d}", procedure=code, version="2020", title="t", office=town.office, division=division or town.township,
            state="received", state_since=at, opened_at=at, **more,
        )
        for i in range(n)
    )  # fmt: skip


def test_small_counts_are_held_back_in_page_and_file(town):
    filed(town, 23, month=3)
    filed(town, 2, month=4)
    filed(town, 11, month=5)
    table = matters.by_month(2026, MONDAY.date())
    column = [values[0] for _name, values in table.rows]
    assert (column[2], column[3], column[4], table.totals[0]) == (23, None, None, 36)
    assert "＊" in page("portal:complaints_year", 2026)
    data = b"".join(Client().get(reverse("portal:dataset", args=["complaints", "csv"])).streaming_content).decode(
        "utf-8-sig"
    )
    rows = {
        row["key"]: row
        for row in csv.DictReader(io.StringIO(data))
        if row["kind"] == "complaint" and row["dimension"] == "month"
    }
    assert rows["2026-04"]["amount"] == "" and rows["2026-04"]["held_back"] == "yes"
    assert rows["2026-03"]["amount"] == "23"
    shown = json.loads(b"".join(Client().get(reverse("portal:dataset", args=["complaints", "json"])).streaming_content))
    assert {row["amount"] for row in shown if row["key"] == "2026-04" and row["kind"] == "complaint"} == {None}


def test_a_single_report_is_nowhere_to_be_seen(town):
    filed(town, 1, code="violation_report", month=6)
    shown = page("portal:complaints_year", 2026)
    table = matters.by_month(2026, MONDAY.date())
    assert [values[1] for _name, values in table.rows][5] is None and table.totals[1] is None
    assert "＊" in shown


def test_places_are_counted_by_county(town):
    filed(town, 7, division=town.township)
    filed(town, 6, division=town.county)
    filed(town, 5, division=town.city)
    rows = dict(matters.by_division(2026).rows)
    assert rows["东河区"][0] == 13 and rows["市级或者不明"][0] == 5


def test_on_time_has_numerator_and_denominator_and_too_few_have_none(town):
    for n, one in enumerate(filed(town, 8)):
        Deadline.objects.create(
            matter=one,
            ordinal=0,
            limit="admit",
            name="决定是否受理",
            starts_on=MONDAY.date(),
            status="met" if n < 6 else "late",
        )
    one = next(row for row in matters.figures(2026, MONDAY) if row.code == "admit_on_time")
    assert (one.amount, one.of, one.value, one.held_back) == (6, 8, "75.0%", False)
    assert "6/8" in page("portal:complaints_year", 2026)
    Deadline.objects.filter(matter__no__lt="X-000005").delete()
    one = next(row for row in matters.figures(2026, MONDAY) if row.code == "admit_on_time")
    assert (one.amount, one.of, one.held_back) == (None, None, True)


def test_an_empty_year_says_so_and_an_unknown_one_is_missing(town):
    assert "还没有登记" in page("portal:complaints")
    assert Client().get(reverse("portal:complaints_year", args=[2001])).status_code == 404


def test_drills_are_not_counted(town):
    filed(town, 9, drill=True)
    assert matters.by_month(2026, MONDAY.date()).empty
