"""What the preview says is what then happens."""

import datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.web.inspection.conftest import bureau, staffed  # noqa: F401 - fixtures
from tests.web.law.conftest import DAY, NOW, approved, complaint, later, propose_limit
from zhunsheng.engine import tables
from zhunsheng.web.common import law
from zhunsheng.web.law import actions, queries, tasks
from zhunsheng.web.law.models import Change
from zhunsheng.web.matters import queries as matters
from zhunsheng.web.matters.models import Deadline
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorded_visit(staffed):  # noqa: F811
    return staffed.submitted(staffed.assigned().tasks.order_by("no").first())


def stored() -> dict[tuple[str, int], datetime.date | None]:
    return {(row.matter.no, row.ordinal): row.due_on for row in Deadline.objects.select_related("matter")}


def test_a_shorter_limit_moves_open_matters_and_says_which_become_late(town, people):
    old, new = complaint(town, later(days=-3), 1), complaint(town, NOW, 2)
    change = propose_limit(people["member"], 4)
    preview = queries.preview(change, NOW.date())
    assert preview.touched == [("投诉", town.office.name, 2)]
    assert [(one.no, one.old, one.new) for one in preview.moves] == [
        (old.no, datetime.date(2026, 11, 10), datetime.date(2026, 11, 5)),
        (new.no, datetime.date(2026, 11, 11), datetime.date(2026, 11, 6)),
    ]
    assert preview.counts == {"touched": 2, "moved": 2, "late": 2, "no_longer_late": 0}
    change = approved(change, people["head"])
    assert change.foreseen == preview.counts
    assert stored()[old.no, 0] == datetime.date(2026, 11, 10)  # not before its day
    assert tasks.recount(later(days=6)) == 0
    assert tasks.recount(later(days=7)) == 2
    assert stored() == {(one.no, 0): one.new for one in preview.moves}
    assert tasks.recount(later(days=8)) == 0
    assert Act.objects.filter(verb="matter.recount").count() == 2


def test_a_change_for_new_matters_moves_none_and_says_so(town, people):
    complaint(town)
    preview = queries.preview(propose_limit(people["member"], 4, applies_to_open=False), NOW.date())
    assert (preview.counts["touched"], preview.moves) == (1, [])
    assert any("新开始" in one for one in preview.warnings)


def test_matters_of_other_versions_are_named_as_left_alone(town, people):
    approved(propose_limit(people["member"], 6, applies_to_open=False), people["head"])
    complaint(town)
    second = propose_limit(people["member"], 5, valid_from=datetime.date(2026, 12, 1))
    preview = queries.preview(second, NOW.date())
    assert preview.touched == []
    assert any("另有 1 件" in one for one in preview.warnings)


def test_a_holiday_notice_moves_what_runs_into_its_days(town, people):
    matter = complaint(town, datetime.datetime(2026, 12, 28, 9, tzinfo=NOW.tzinfo))
    at = datetime.datetime(2026, 12, 29, 9, tzinfo=NOW.tzinfo)
    row = Deadline.objects.get(matter=matter)
    assert (row.due_on, row.provisional) == (datetime.date(2027, 1, 6), True)
    days = [
        {"date": "2027-01-01", "kind": "放假", "name": "元旦"},
        {"date": "2027-01-04", "kind": "放假", "name": "元旦"},
    ]
    change = actions.propose_calendar(
        2027, days, source="国办发明电", confidence="sure", reason="年度", by=people["member"], at=at
    )
    preview = queries.preview(change, at.date())
    assert [(one.no, one.old, one.new) for one in preview.moves] == [(matter.no, row.due_on, datetime.date(2027, 1, 8))]
    change = approved(change, people["head"], at)
    assert actions.take_effect(change, at=at) == 1
    row.refresh_from_db()
    assert (row.due_on, row.provisional) == (datetime.date(2027, 1, 8), False)


def test_a_limit_of_inspection_moves_visits_of_its_days(staffed, people, recorded_visit):  # noqa: F811
    visit = recorded_visit
    table = "time_limits/inspection"
    row = tables.load(table).find(visit.visited_on, code="inspection.publish_result")
    cells = {column: row[column] for column in tables.columns(tables.load(table))} | {"amount": "10"}
    at = datetime.datetime(2026, 3, 9, 9, tzinfo=NOW.tzinfo)
    change = actions.propose_row(
        table, ("inspection.publish_result",), cells, source="某文件", confidence="sure", valid_from=datetime.date(2026, 3, 1),
        reason="提速", past_reason="文件自3月1日施行", by=people["member"], at=at,
    )  # fmt: skip
    preview = queries.preview(change, at.date())
    assert [(one.no, one.old) for one in preview.moves] == [(visit.no, visit.publish_due)]
    change = approved(change, people["head"], at)
    assert actions.take_effect(change, at=at) == 1
    visit.refresh_from_db()
    assert visit.publish_due == preview.moves[0].new < preview.moves[0].old
    assert Act.objects.filter(verb="visit.recount").count() == 1


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amount=st.integers(1, 40), begun=st.lists(st.integers(-20, 6), min_size=1, max_size=4), waits=st.integers(1, 12))
def test_the_preview_is_what_then_happens(town, people, amount, begun, waits):
    assume(amount != 7)
    try:
        with transaction.atomic():
            for n, days in enumerate(begun):
                complaint(town, later(days=min(days, 0)), n)
            day = NOW.date() + datetime.timedelta(days=waits)
            change = propose_limit(people["member"], amount, valid_from=day)
            said = {(one.no, one.new) for one in queries.preview(change, NOW.date()).moves}
            before = stored()
            change = approved(change, people["head"])
            moved = actions.take_effect(change, at=later(days=waits))
            after = stored()
            assert {(no, due) for (no, n), due in after.items() if before[no, n] != due} == said
            assert moved == len({no for no, _ in said})
            for matter in matters.open_matters():
                assert matters.standing(matter, day).next.deadline.due == after[matter.no, 0]
            raise _Undo
    except _Undo:
        Change.objects.all().delete()
        law.follow(now=True)


class _Undo(Exception):
    pass


def test_the_day_is_that_of_effect(town, people):
    assert queries.preview(propose_limit(people["member"]), NOW.date()).day == DAY
