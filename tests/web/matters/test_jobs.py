"""What the clock does: it takes its steps once, reminds once a stage, and goes up the ladder."""

import datetime

import pytest

from tests.web.matters.test_actions import MONDAY, complaint, later
from zhunsheng.engine.clock import CHINA
from zhunsheng.web.desk.models import Notice
from zhunsheng.web.matters import actions, jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(town):
    return {role: town.user(role) for role in ("member", "reviewer", "head", "lead_office", "leader")}


def told(user):
    return Notice.objects.filter(user=user).count()


def at(day, hour=8):
    return datetime.datetime(2026, 11, day, hour, tzinfo=CHINA)


def test_the_ladder_goes_from_the_handler_to_the_leaders_once_a_stage(town, staff):
    matter = complaint(town)
    actions.hand_over(matter, staff["member"], by=staff["head"], at=MONDAY, reason="分派")
    Notice.objects.all().delete()
    matter.refresh_from_db()
    assert matter.next_due_on == datetime.date(2026, 11, 11)
    assert jobs.reminders(at(4)) == 0  # five working days left
    assert jobs.reminders(at(6)) == 1 and told(staff["member"]) == 1  # three left
    assert jobs.reminders(at(6)) == 0
    Notice.objects.update(read_at=at(6, 9))
    assert jobs.reminders(at(6)) == 0, "read is not a reason to be told again"
    assert jobs.reminders(at(11)) == 1
    assert told(staff["head"]) == 0
    assert jobs.reminders(at(12)) == 2 and told(staff["head"]) == 1
    assert jobs.reminders(at(18)) == 3 and told(staff["lead_office"]) == 1
    assert told(staff["leader"]) == 0
    jobs.reminders(datetime.datetime(2026, 12, 3, 8, tzinfo=CHINA))
    assert told(staff["leader"]) == 1
    assert "张三" not in " ".join(Notice.objects.values_list("text", flat=True))


def test_a_matter_that_nobody_handles_is_told_to_the_office(town, staff):
    complaint(town)
    Notice.objects.all().delete()
    assert jobs.reminders(at(6)) == 1 and told(staff["member"]) == 1


def test_what_has_ended_is_not_reminded_of(town, staff):
    matter = complaint(town)
    actions.take(matter, "refuse", by=staff["head"], at=later(days=1), facts={"refusal_ground": "not_consumption"})
    Notice.objects.all().delete()
    assert jobs.reminders(at(20)) == 0


def test_hours_that_have_run_out_are_told_to_the_head_at_once(town, staff):
    facts = {
        "kind": "product",
        "manner": "other",
        "drill": False,
        "occurred_at": MONDAY,
        "known_at": MONDAY,
        "place": "一号车间",
    }
    actions.open_matter("accident", by=staff["member"], at=later(minutes=20), office=town.office, facts=facts)
    Notice.objects.all().delete()
    assert jobs.hours_gone(later(minutes=59)) == 0
    assert jobs.hours_gone(later(minutes=61)) == 2 and told(staff["head"]) == 1
    assert jobs.hours_gone(later(minutes=91)) == 0


def test_the_passing_of_time_takes_its_steps_once(town, staff):
    entity = town.entity()
    facts = {
        "regime": "product", "sample_no": "S-1", "party": entity.unit_id, "first_lab": "市质检所", "received_at": MONDAY,
    }  # fmt: skip
    matter = actions.open_matter("re_test", by=staff["member"], at=MONDAY, office=town.office, facts=facts)
    assert jobs.by_the_clock(later(days=10)) == 0
    assert jobs.by_the_clock(later(days=40)) == 1
    matter.refresh_from_db()
    assert matter.state == "unobjected" and matter.ended_at is not None
    step = matter.steps.last()
    assert (step.role, step.by) == ("clock", None)
    assert jobs.by_the_clock(later(days=41)) == 0


def test_a_matter_that_does_not_replay_stops_no_other(town, staff, caplog):
    entity = town.entity()
    facts = {
        "regime": "product", "sample_no": "S-1", "party": entity.unit_id, "first_lab": "市质检所", "received_at": MONDAY,
    }  # fmt: skip
    broken, sound = (
        actions.open_matter("re_test", by=staff["member"], at=MONDAY, office=town.office, facts=facts)
        for _n in range(2)
    )
    broken.steps.update(verb="no_such_step")
    assert jobs.by_the_clock(later(days=40)) == 1
    sound.refresh_from_db()
    assert sound.state == "unobjected" and broken.no in caplog.text
