"""What other rooms count: inputs of rates, publication on time, completion, draws given up."""

import datetime

import pytest
import time_machine
from django.urls import reverse

from tests.web.inspection.conftest import moment
from zhunsheng.engine.estimate import Role, pass_rate
from zhunsheng.web.appraisal.queries import figures
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import Draw, Plan

pytestmark = pytest.mark.django_db
YEAR = (datetime.date(2026, 1, 1), datetime.date(2026, 12, 31))


def test_every_drawn_unit_enters_the_rate_once_with_its_stratum(staffed):
    draw = staffed.assigned()
    tasks = list(draw.tasks.order_by("no"))
    staffed.published(tasks[0])
    staffed.published(tasks[1], "05")
    staffed.submitted(tasks[2])
    actions.withdraw_task(tasks[3], by=staffed.head, at=moment(4), reason="企业已停产待拆迁")
    found = queries.pass_rate_inputs(draw)
    assert len(found.units) == 18
    assert found.pending == 15
    assert found.draws == (draw.no,)
    roles = [unit.role for unit in found.units]
    assert (roles.count(Role.ELIGIBLE_PASS), roles.count(Role.ELIGIBLE_FAIL), roles.count(Role.NON_RESPONSE)) == (
        1,
        1,
        16,
    )
    rate = pass_rate(found.units)
    assert rate.rate.numerator == 1
    assert rate.bounds.worst < rate.bounds.best


def test_a_corrected_result_counts_once(staffed):
    task = staffed.assigned().tasks.first()
    old = staffed.published(task, "05")
    fresh = actions.correct_visit(
        old, staffed.entry(task), by=staffed.lead(task), at=moment(9), reason="录入时选错了结果"
    )
    actions.review_visit(fresh, by=staffed.reviewer, at=moment(10))
    actions.publish_visit(fresh, by=staffed.head, at=moment(11))
    roles = [unit.role for unit in queries.pass_rate_inputs(start=YEAR[0], end=YEAR[1]).units]
    assert roles.count(Role.ELIGIBLE_PASS) == 1
    assert roles.count(Role.ELIGIBLE_FAIL) == 0


def test_draws_of_a_period_and_of_items(staffed):
    staffed.assigned()
    assert len(queries.pass_rate_inputs(start=YEAR[0], end=YEAR[1], items=("CJ-01",)).units) == 18
    assert queries.pass_rate_inputs(start=YEAR[0], end=YEAR[1], items=("CJ-07",)).units == ()
    assert queries.pass_rate_inputs(start=datetime.date(2027, 1, 1)).units == ()


def test_publication_on_time(staffed):
    tasks = list(staffed.assigned().tasks.order_by("no"))
    staffed.published(tasks[0])  # in time
    late = staffed.submitted(tasks[1])
    actions.review_visit(late, by=staffed.reviewer, at=moment(5))
    waiting = staffed.submitted(tasks[2])
    assert waiting.publish_due == datetime.date(2026, 4, 1)
    on_the_last_day = queries.on_time_publication(*YEAR, on=datetime.date(2026, 4, 1))
    assert (on_the_last_day.numerator, on_the_last_day.denominator) == (1, 1)
    after = queries.on_time_publication(*YEAR, on=datetime.date(2026, 4, 2))
    assert (after.numerator, after.denominator) == (1, 3)
    actions.publish_visit(late, by=staffed.head, at=moment(2, month=4))
    assert queries.on_time_publication(*YEAR, on=datetime.date(2026, 4, 3)).numerator == 1


def test_completion_coverage_and_draws_given_up(staffed):
    draw = staffed.assigned()
    tasks = list(draw.tasks.order_by("no"))
    staffed.published(tasks[0])
    actions.withdraw_task(tasks[1], by=staffed.head, at=moment(4), reason="企业已停产待拆迁")
    done = queries.plan_completion(*YEAR)
    assert (done.numerator, done.denominator) == (2, 18)
    seen = queries.coverage(*YEAR)
    assert (seen.numerator, seen.denominator) == (1, 40)
    other = staffed.announced(staffed.plan(name="另一个", ratios={"A": "1", "B": "1", "C": "1", "D": "1"}))
    actions.abandon_draw(other, by=staffed.head, at=moment(2, 12), reason="名录有误，另行公告")
    given_up = queries.abandonment(*YEAR)
    assert (given_up.numerator, given_up.denominator) == (1, 2)
    assert queries.abandonment(datetime.date(2020, 1, 1), datetime.date(2020, 2, 1)).value is None
    assert queries.item_coverage(2026).value == 0.5
    assert queries.joint_share(2026).numerator == 0
    assert queries.draw_progress(draw) == {"drawn": 18, "visited": 1, "published": 1, "withdrawn": 1}


def test_problems_by_class(staffed):
    draw = staffed.assigned()
    for task in draw.tasks.filter(inclusions__stratum="D")[:2]:
        staffed.published(task, "05")
    staffed.published(draw.tasks.filter(inclusions__stratum="C").first())
    found = queries.problem_rate_by_class(*YEAR)
    assert (found["D"].numerator, found["D"].denominator) == (2, 2)
    assert (found["C"].numerator, found["C"].denominator) == (0, 1)


def test_behind_each_figure_of_the_scoreboard_lie_its_own_rows(staffed, client):
    """The link of a figure opens the list of what it counts, not of everything."""
    first = staffed.assigned()
    staffed.published(first.tasks.order_by("no")[0])
    next_year = staffed.plan(name="跨年度")
    Plan.objects.filter(pk=next_year.pk).update(ends_on=datetime.date(2027, 1, 31))
    last = staffed.executed(staffed.announced(next_year))
    last_year = {
        "announced_at": moment(1) - datetime.timedelta(days=365),
        "executed_at": moment(2) - datetime.timedelta(days=365),
    }
    Draw.objects.filter(pk=last.pk).update(**last_year)
    last.tasks.update(due_on=datetime.date(2027, 1, 31))
    on = datetime.date(2026, 12, 31)
    found = {figure.code: figure for figure in figures(2026, on)}
    rows = {}
    with time_machine.travel(moment(31, month=12), tick=False):
        client.force_login(staffed.member)
        for code, figure in found.items():
            page = client.get(f"{reverse(figure.rows[0])}?{figure.rows[1]}")
            assert page.status_code == 200 and page.context["listing"].filter_form.errors == {}
            asked = {part.partition("=")[0] for part in figure.rows[1].split("&") if part}
            assert asked <= set(page.context["listing"].filter_form.fields)
            rows[code] = {row["object"] for row in page.context["listing"].rows}
    mine = set(first.tasks.all())
    assert rows["P01"] == rows["P02"] == rows["P03"] == mine
    assert rows["P05"] == {first}
    assert (found["P03"].numerator, found["P03"].denominator) == (1, len(mine))
    assert (found["P04"].denominator, found["P05"].denominator) == (len(rows["P04"]), 1) == (1, 1)
