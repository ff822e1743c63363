"""A draw from the register to a bundle that anybody can check; and everything that must not be possible on the way."""

import datetime
import gzip
import hashlib
import json
from collections import Counter

import pytest

from tests.web.inspection.conftest import (
    ANNOUNCED,
    CLOSED,
    DRAWN,
    NOT_BEFORE,
    announce,
    ceremony,
    moment,
    promised,
    secret,
)
from zhunsheng.engine.draw import Fallback, Source, Value, round_time, seed, seed_text, select, verify
from zhunsheng.engine.public_log import parse_json
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import Draw, Task, TeamMember
from zhunsheng.web.public_log.models import Act, LogEntry
from zhunsheng.web.registry.models import BusinessEntity, Qualification, Recusal

pytestmark = pytest.mark.django_db


def kinds() -> list[str]:
    return list(LogEntry.objects.order_by("index").values_list("kind", flat=True))


def test_it_works(staffed):
    draw = staffed.assigned()
    assert draw.no == "T-SJ-2026-001"
    assert (draw.frame_size, draw.selected_count) == (40, 18)
    # A 10 × 0.1, B 10 × 0.2, C 10 × 0.5, D all ten.
    assert {one["key"]: (one["size"], one["n"]) for one in draw.strata} == {
        "A": (10, 1),
        "B": (10, 2),
        "C": (10, 5),
        "D": (10, 10),
    }
    tasks = list(draw.tasks.all())
    assert {task.state for task in tasks} == {Task.State.ASSIGNED}
    assert all(task.team.count() == 2 and task.team.filter(lead=True).count() == 1 for task in tasks)
    for task in tasks[:3]:
        staffed.published(task)
    found = verify(queries.bundle_bytes(Draw.objects.get(pk=draw.pk)))
    assert found.ok, [step for step in found.steps if step.ok is False]
    assert found.outcome == "executed"
    assert found.step("log-inclusion").ok
    assert found.step("assignment").ok
    drawn = ["draw.announce", "draw.execute", "draw.close_list", "draw.assign"]
    assert kinds()[-7:] == [*drawn, *["visit.publish"] * 3]


def test_an_announced_draw_verifies_before_anything_is_drawn(staffed):
    found = verify(queries.bundle_bytes(staffed.announced()))
    assert found.ok
    assert found.outcome == "announced"


def test_the_announcement_names_the_rule_book_and_the_plan(staffed):
    draw = staffed.announced()
    said = json.loads(draw.announcement)
    assert said["rule_book_sha256"] == staffed.book.sha256
    assert said["plan"].endswith(f"sha256:{actions.plan_hash(draw.plan)}")
    entry = json.loads(LogEntry.objects.get(kind="draw.announce").body)
    assert entry["data"]["announce"] == draw.announcement_hash
    assert entry["data"]["root"] == draw.frame_root


def test_no_name_enters_frame_log_or_bundle(staffed):
    task = staffed.assigned().tasks.first()
    staffed.published(task, "05")
    text = queries.bundle_bytes(task.draw).decode() + "".join(LogEntry.objects.values_list("body", flat=True))
    assert task.entity.name not in text
    assert all(one.name not in text for one in staffed.inspectors)
    assert staffed.inspectors[0].person_no in text


# -- the register after the announcement -------------------------------------------------------------------------------
def test_the_register_cannot_change_a_draw_that_is_announced(staffed):
    draw = staffed.announced()
    for entity in BusinessEntity.objects.filter(risk_class="D"):
        entity.risk_class, entity.status = "A", "cancelled"
        entity.save()
    BusinessEntity.objects.create(
        unit_id="demo:LATE", name="新来的", risk_class="D", industry="1411", created_at=DRAWN, updated_at=DRAWN
    )
    staffed.executed(draw)
    assert draw.tasks.filter(inclusions__stratum="D").count() == 10
    assert not draw.tasks.filter(entity__unit_id="demo:LATE").exists()


def test_an_entity_renumbered_after_the_announcement_stays_drawn(staffed):
    draw = staffed.announced()
    for entity in BusinessEntity.objects.filter(risk_class="D"):
        entity.unit_id = f"demo:N{entity.pk}"
        entity.save()
    draw = staffed.executed(draw)
    assert draw.tasks.filter(inclusions__stratum="D").count() == 10
    assert verify(queries.bundle_bytes(draw)).ok


def test_a_frame_altered_in_the_store_is_detected_and_not_drawn_from(staffed):
    draw = staffed.announced()
    lines = queries.frame_lines(draw)
    lines[3] = lines[3].replace(b'"risk_class":"', b'"risk_class":"Z')
    draw.file.frame = queries.pack(lines)
    draw.file.save()
    assert verify(queries.bundle_bytes(Draw.objects.get(pk=draw.pk))).step("root").ok is False
    with pytest.raises(Refused, match="哈希不符"):
        staffed.executed(Draw.objects.get(pk=draw.pk))
    assert not Task.objects.exists()


def test_a_frame_altered_after_the_draw_is_detected(staffed):
    draw = staffed.executed()
    lines = queries.frame_lines(draw)
    draw.file.frame = queries.pack(lines[1:])
    draw.file.save()
    found = verify(queries.bundle_bytes(Draw.objects.get(pk=draw.pk)))
    assert not found.ok
    assert found.step("root").ok is False


def test_a_task_moved_to_another_entity_is_detected(staffed):
    draw = staffed.executed()
    drawn = draw.tasks.filter(inclusions__stratum="A").get()
    other = BusinessEntity.objects.filter(risk_class="A").exclude(pk=drawn.entity_id).first()
    Task.objects.filter(pk=drawn.pk).update(entity=other, unit_id=other.unit_id)
    assert not verify(queries.bundle_bytes(draw)).ok


def test_a_damaged_store_is_said(staffed):
    draw = staffed.announced()
    draw.file.frame = gzip.compress(b"not json")
    draw.file.save()
    with pytest.raises(Refused, match="名录快照"):
        staffed.executed(draw)


# -- announcing --------------------------------------------------------------------------------------------------------
def test_announcing_again_changes_nothing(staffed):
    draw = staffed.announced()
    acts = Act.objects.count()
    assert staffed.announced(draw.plan) == draw
    assert Act.objects.count() == acts


def test_a_second_announcement_beside_the_first_is_refused(staffed):
    draw = staffed.announced()
    with pytest.raises(Refused, match="T-SJ-2026-001"):
        staffed.announced(draw.plan, not_before=moment(4, 10))


def test_numbers_are_consecutive_even_after_giving_up(staffed):
    draw = staffed.announced()
    actions.abandon_draw(draw, by=staffed.head, at=moment(2, 12), reason="名录更新，另行公告")
    assert staffed.announced(draw.plan).no == "T-SJ-2026-002"


def test_less_than_a_day_is_refused(staffed):
    with pytest.raises(Refused, match="24"):
        staffed.announced(not_before=moment(2, 20))
    assert not Draw.objects.exists()


def test_randomness_after_the_end_of_the_inspections_is_refused(staffed):
    """An announcement cannot be taken back, so a slip of the pen in the year must not get into the log."""
    plan = staffed.plan(ends_on=datetime.date(2026, 3, 20))
    with pytest.raises(Refused, match="2026-03-20") as refusal:
        staffed.announced(plan, not_before=moment(21, 0))
    assert refusal.value.field == "not_before"
    assert not Draw.objects.exists()
    assert staffed.announced(plan, not_before=moment(20, 23)).not_before == moment(20, 23)


def test_one_party_alone_is_refused(staffed):
    with pytest.raises(Refused):
        staffed.announced(sources=[Source("ceremony:party-1", {"party": "甲"})])


def test_an_unapproved_plan_is_refused(staffed):
    with pytest.raises(Refused, match="尚未批准"):
        staffed.announced(staffed.plan(approved=False))


def test_a_class_without_a_ratio_is_refused_by_name(staffed):
    staffed.town.entity(risk_class="")
    with pytest.raises(Refused, match=r"\*"):
        staffed.plan()


def test_codes_that_do_not_check_are_all_named(staffed):
    plan = staffed.plan()
    for code in ("uscc:91350100M000100Y44", "uscc:91350100M000100Y45"):
        staffed.town.entity(unit_id=code)
    with pytest.raises(Refused) as refusal:
        staffed.announced(plan)
    assert "Y44" in str(refusal.value)
    assert "Y45" in str(refusal.value)


def test_an_item_version_outside_the_rule_book_is_refused(staffed):
    item = actions.revise_item(
        staffed.items[0], by=staffed.quality_office, at=moment(1), valid_from=datetime.date(2026, 2, 1), content="更严"
    )
    with pytest.raises(Refused, match="细则"):
        staffed.announced(staffed.plan(items=[item]))


@pytest.mark.parametrize("who", ["reviewer", "quality_office"])
def test_others_may_not_announce(staffed, who):
    plan = staffed.plan()
    with pytest.raises(NotAllowed):
        announce(plan, by=getattr(staffed, who), at=ANNOUNCED, not_before=NOT_BEFORE)


# -- executing ---------------------------------------------------------------------------------------------------------
def test_executing_again_with_the_same_values_changes_nothing(staffed):
    draw = staffed.executed()
    acts, drawn = Act.objects.count(), set(draw.tasks.values_list("entity_id", flat=True))
    staffed.executed(draw)
    assert (Act.objects.count(), set(draw.tasks.values_list("entity_id", flat=True))) == (acts, drawn)


def test_there_is_no_redraw(staffed):
    draw = staffed.executed()
    before = set(draw.tasks.values_list("entity_id", flat=True))
    with pytest.raises(Refused, match="没有第二次"):
        staffed.executed(draw, ceremony(dice="1-1-1-1-1-1-1-1-1-1"))
    with pytest.raises(Refused):
        actions.abandon_draw(draw, by=staffed.head, at=moment(4), reason="结果不合适，想重来")
    assert set(draw.tasks.values_list("entity_id", flat=True)) == before


def test_too_early_is_refused(staffed):
    draw = staffed.announced()
    with pytest.raises(Refused, match="未到"):
        actions.execute_draw(draw, by=staffed.member, at=moment(3, 9), values=ceremony(moment(3, 9)), witnesses="3人")


def test_values_from_before_the_announced_time_are_refused(staffed):
    with pytest.raises(Refused):
        staffed.executed(values=ceremony(moment(3, 9)))


def test_values_from_the_future_are_refused(staffed):
    with pytest.raises(Refused, match="晚于现在"):
        staffed.executed(values=ceremony(moment(4)))


@pytest.mark.parametrize(
    "values",
    [
        ceremony(dice="7-2-6-1-5-3-3-6-2-1"),
        ceremony(dice="1-2"),
        ceremony()[:2],
        [*ceremony()[:2], Value("ceremony:other", "3f", DRAWN)],
        ceremony(strings=("a|b", "c")),
        ceremony(strings=("not-what-was-committed-to-1", secret(2))),
        [Value("ceremony:dice", "4-2-6-1-5-3-3-6-2-1", DRAWN + datetime.timedelta(seconds=1)), *ceremony()[1:]],
    ],
)
def test_values_of_the_wrong_form_are_refused_and_nothing_is_stored(staffed, values):
    draw = staffed.announced()
    with pytest.raises(Refused):
        staffed.executed(draw, values)
    draw.refresh_from_db()
    assert (draw.seed, draw.state) == ("", Draw.State.ANNOUNCED)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dice": "4-2-6-1-5"}, "value_0"),
        ({"strings": (secret(1), "a|71" * 6)}, "value_2"),
        ({"strings": ("", secret(2))}, "value_1"),
        ({"strings": (secret(2), secret(2))}, "value_1"),
        ({"strings": (secret(1, second=True), secret(2))}, "value_1"),
        ({"at": moment(3, 9)}, "at_0"),
        ({"at": moment(3, 12)}, "at_0"),
    ],
)
def test_a_refusal_names_the_value_at_fault(staffed, changes, field):
    draw = staffed.announced()
    with pytest.raises(Refused) as refusal:
        staffed.executed(draw, ceremony(**changes))
    assert refusal.value.field == field
    assert "T0" not in str(refusal.value)  # a time is shown as the city's clocks show it


def test_a_time_too_early_is_told_as_the_citys_clocks_show_it(staffed):
    with pytest.raises(Refused, match=r"2026-03-03 09:00，早于公告的 2026-03-03 10:00"):
        staffed.executed(values=ceremony(moment(3, 9)))


def test_a_record_that_cannot_be_published_is_refused_at_its_field(staffed):
    draw = staffed.announced()
    values = ceremony()
    values[1] = Value(values[1].source, values[1].value, values[1].at, {"record": "录像\x01号"})
    with pytest.raises(Refused) as refusal:
        staffed.executed(draw, values)
    assert refusal.value.field == "record_1"
    draw.refresh_from_db()
    assert draw.state == Draw.State.ANNOUNCED


def test_without_witnesses_it_is_refused(staffed):
    draw = staffed.announced()
    with pytest.raises(Refused, match="见证"):
        actions.execute_draw(draw, by=staffed.member, at=DRAWN, values=ceremony(), witnesses=" ")


# -- other sources -----------------------------------------------------------------------------------------------------
SSQ, DLT = "03-11-15-22-28-31+07", "02-09-17-25-33+04-11"
LOTTERY = [Source("lottery:ssq", {"issue": "2026024"}), Source("lottery:dlt", {"issue": "2026023"})]


def test_both_lotteries_make_a_seed(staffed):
    draw = staffed.announced(sources=LOTTERY)
    draw = staffed.executed(draw, [Value("lottery:ssq", SSQ, DRAWN), Value("lottery:dlt", DLT, DRAWN)])
    assert verify(queries.bundle_bytes(draw)).ok


def test_the_announced_fallback_is_used_late_and_with_a_reason(staffed):
    draw = staffed.announced(sources=LOTTERY, fallback=[Fallback(48, promised("T-SJ-2026-001"))])

    def execute(at, reason="双色球停售"):
        return actions.execute_draw(
            draw,
            by=staffed.member,
            at=at,
            values=ceremony(at),
            witnesses="公证员1人",
            fallback=1,
            fallback_reason=reason,
        )

    with pytest.raises(Refused):
        execute(moment(4))
    for reason in ("", "停售\x01"):
        with pytest.raises(Refused) as refusal:
            execute(moment(5, 11), reason=reason)
        assert refusal.value.field == "fallback_reason"
    done = execute(moment(5, 11))
    assert (done.fallback, done.fallback_reason) == (1, "双色球停售")
    found = verify(queries.bundle_bytes(done))
    assert found.ok, [step for step in found.steps if step.ok is False]


def test_a_drand_round_is_verified_offline(staffed):
    signature = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
    chain = "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
    source = Source(chain, {"round": 1000})
    staffed.book.valid_from = datetime.date(2023, 1, 1)
    staffed.book.save()
    then = round_time(source)
    day = datetime.timedelta(days=1)
    plan = actions.draft_plan(
        by=staffed.member,
        at=then - 3 * day,
        office=staffed.town.office,
        name="2023年抽查",
        year=2023,
        items=staffed.items[:1],
        ratios={"A": "0.1", "B": "0.1", "C": "0.1", "D": "0.1"},
        starts_on=datetime.date(2023, 8, 20),
        ends_on=datetime.date(2023, 12, 31),
    )
    plan = actions.approve_plan(plan, by=staffed.head, at=then - 3 * day)
    draw = announce(plan, by=staffed.member, at=then - 2 * day, not_before=then - day / 2, sources=[source])
    randomness = hashlib.sha256(bytes.fromhex(signature)).hexdigest()
    forged = Value(chain, "00" * 32, then, {"signature": signature})
    with pytest.raises(Refused) as refusal:
        actions.execute_draw(draw, by=staffed.member, at=then + day, values=[forged], witnesses="无")
    assert refusal.value.field == "signature_0"
    true = Value(chain, randomness, then, {"signature": signature})
    draw = actions.execute_draw(draw, by=staffed.member, at=then + day, values=[true], witnesses="公证员1人")
    found = verify(queries.bundle_bytes(draw))
    assert found.step("drand-signature").ok
    assert found.ok


# -- giving up ---------------------------------------------------------------------------------------------------------
def test_giving_up_is_public_with_its_reason(staffed):
    draw = actions.abandon_draw(staffed.announced(), by=staffed.head, at=moment(2, 12), reason="名录有误，另行公告")
    found = verify(queries.bundle_bytes(draw))
    assert found.ok
    assert found.outcome == "abandoned"
    assert json.loads(LogEntry.objects.get(kind="draw.abandon").body)["data"]["reason"] == "名录有误，另行公告"
    with pytest.raises(Refused, match="放弃"):
        staffed.executed(draw)


def test_whoever_announced_cannot_give_up_alone(staffed):
    draw = announce(staffed.plan(), by=staffed.head, at=ANNOUNCED, not_before=NOT_BEFORE)
    with pytest.raises(NotAllowed):
        actions.abandon_draw(draw, by=staffed.head, at=moment(2, 12), reason="名录有误，另行公告")
    with pytest.raises(NotAllowed):
        actions.abandon_draw(draw, by=staffed.member, at=moment(2, 12), reason="名录有误，另行公告")
    assert (
        actions.abandon_draw(draw, by=staffed.second_head, at=moment(2, 12), reason="名录有误，另行公告").state
        == "abandoned"
    )


def test_a_reason_in_several_lines_is_published_as_one(staffed):
    draw = actions.abandon_draw(staffed.announced(), by=staffed.head, at=moment(2, 12), reason="名录有误\n另行公告")
    assert verify(queries.bundle_bytes(draw)).ok


def test_a_reason_that_cannot_be_published_is_refused(staffed):
    draw = staffed.announced()
    with pytest.raises(Refused) as refusal:
        actions.abandon_draw(draw, by=staffed.head, at=moment(3), reason="彩票停售\x01另行公告")
    assert refusal.value.field == "reason"
    draw.refresh_from_db()
    assert draw.state == Draw.State.ANNOUNCED


def test_a_reason_is_asked_for(staffed):
    with pytest.raises(Refused, match="理由"):
        actions.abandon_draw(staffed.announced(), by=staffed.head, at=moment(2, 12), reason="")


# -- teams -------------------------------------------------------------------------------------------------------------
def test_assigning_again_changes_nothing(staffed):
    draw = staffed.assigned()
    acts = Act.objects.count()
    teams = set(TeamMember.objects.values_list("task_id", "inspector_id", "lead"))
    staffed.assigned(draw)
    assert Act.objects.count() == acts
    assert set(TeamMember.objects.values_list("task_id", "inspector_id", "lead")) == teams


def test_nobody_is_sent_to_whom_they_are_recused_from(staffed):
    barred = staffed.inspectors[0]
    draw = staffed.executed()
    for task in draw.tasks.all():
        Recusal.objects.create(
            inspector=barred, entity=task.entity, kind="relative", declared_on=datetime.date(2026, 3, 3)
        )
    staffed.assigned(draw)
    assert not TeamMember.objects.filter(inspector=barred).exists()
    assert verify(queries.bundle_bytes(Draw.objects.get(pk=draw.pk))).ok


def test_a_recusal_that_has_run_out_does_not_count(staffed):
    draw = staffed.executed()
    for task in draw.tasks.all():
        for one in staffed.inspectors:
            Recusal.objects.create(
                inspector=one,
                entity=task.entity,
                kind="ex_employer",
                declared_on=datetime.date(2020, 1, 1),
                valid_to=datetime.date(2023, 1, 1),
            )
    assert staffed.assigned(draw).state == Draw.State.ASSIGNED


def test_nobody_inspects_at_home(staffed):
    at_home = staffed.inspectors[0]
    at_home.home_division = staffed.town.township
    at_home.save()
    staffed.assigned()
    assert not TeamMember.objects.filter(inspector=at_home).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"certificate_valid_to": datetime.date(2026, 3, 1)},
        {"certificate_valid_to": None},
        {"status": "left"},
        {"status": "leave"},
        {"leave_from": datetime.date(2026, 3, 1), "leave_to": datetime.date(2026, 3, 31)},
    ],
)
def test_nobody_goes_without_certificate_or_on_leave(staffed, change):
    absent = staffed.inspectors[0]
    for name, value in change.items():
        setattr(absent, name, value)
    absent.save()
    staffed.assigned()
    assert not TeamMember.objects.filter(inspector=absent).exists()


def test_the_directory_is_the_announced_one(staffed):
    """Who comes later is not sent; who has left or lost what the directory names is told as on leave."""
    draw = staffed.executed()
    late = staffed.inspector()
    gone, changed = staffed.inspectors[0], staffed.inspectors[1]
    gone.status = "left"
    gone.save()
    Qualification.objects.filter(inspector=changed).delete()
    draw = staffed.assigned(draw)
    assert not TeamMember.objects.filter(inspector__in=[late, gone, changed]).exists()
    closed = queries.stored_constraints(draw)
    assert closed is not None and [one.number for one in closed.inspectors] == ["P001", "P002", "P003", "P004"]
    assert [one.number for one in closed.inspectors if one.leave] == ["P001", "P002"]
    assert verify(queries.bundle_bytes(Draw.objects.get(pk=draw.pk))).ok


def test_the_second_round_waits_an_hour_after_the_closing(staffed):
    draw = staffed.closed()
    soon = CLOSED + datetime.timedelta(minutes=59)
    with pytest.raises(Refused):
        staffed.assigned(draw, ceremony(soon, second=True))
    assert staffed.assigned(draw, ceremony(CLOSED + datetime.timedelta(hours=1), second=True)).second_seed


def test_other_bounds_need_a_public_reason(staffed):
    draw = staffed.executed()
    with pytest.raises(Refused, match="理由") as refusal:
        staffed.closed(draw, least=0, most=18)
    assert refusal.value.field == "bounds_reason"
    staffed.closed(draw, least=0, most=18, bounds_reason="两人同期还承担专项任务")
    entry = json.loads(LogEntry.objects.get(kind="draw.close_list").body)
    assert entry["data"]["bounds"] == "两人同期还承担专项任务"


def test_the_lead_holds_the_speciality(staffed):
    other = staffed.inspector(speciality="food_sale")
    staffed.assigned()
    assert not TeamMember.objects.filter(inspector=other, lead=True).exists()
    assert TeamMember.objects.filter(inspector=other, lead=False).exists()


def test_a_shortage_is_told_in_words_before_anything_is_done(bureau):
    bureau.inspector(speciality="food_sale")
    for _ in range(8):
        bureau.town.entity()
    draw = bureau.executed()
    with pytest.raises(Refused) as refusal:
        bureau.assigned(draw)
    assert "信息公示与登记" in str(refusal.value)
    draw.refresh_from_db()
    assert draw.state == Draw.State.EXECUTED
    assert not TeamMember.objects.exists()


def test_the_lead_of_a_joint_plan_holds_every_speciality_of_the_leading_office(staffed):
    for entity in BusinessEntity.objects.all():
        entity.industry = "5211"
        entity.save()
    plan = staffed.joint(name="联合抽查", ratios={"A": "0.1", "B": "0.1", "C": "0.1", "D": "0.1"})
    draw = staffed.executed(staffed.announced(plan))
    with pytest.raises(Refused) as refusal:
        staffed.assigned(draw)
    assert "信息公示与登记" in str(refusal.value)
    assert "食品销售" in str(refusal.value)


def test_the_lead_of_a_joint_plan_is_who_holds_them_all(staffed):
    for entity in BusinessEntity.objects.all():
        entity.industry = "5211"
        entity.save()
    both = staffed.inspector(speciality="publicity", office=staffed.town.other_office)
    Qualification.objects.create(inspector=both, speciality="food_sale")
    plan = staffed.joint(name="联合抽查", ratios={"A": "0.1", "B": "0.1", "C": "0.1", "D": "0.1"})
    draw = staffed.assigned(staffed.executed(staffed.announced(plan)))
    assert set(TeamMember.objects.filter(lead=True).values_list("inspector_id", flat=True)) == {both.pk}
    assert verify(queries.bundle_bytes(Draw.objects.get(pk=draw.pk))).ok


def test_inspectors_of_offices_outside_the_plan_are_not_sent(staffed):
    outsider = staffed.inspector(office=staffed.town.other_office)
    insider = staffed.inspector(office=staffed.town.county_office)
    staffed.assigned()
    assert not TeamMember.objects.filter(inspector=outsider).exists()
    assert TeamMember.objects.filter(inspector=insider).exists()


# -- who may be drawn --------------------------------------------------------------------------------------------------
def test_an_entity_at_its_cap_stays_in_the_frame_and_is_not_drawn(staffed):
    first = staffed.executed()
    drawn = set(first.tasks.values_list("unit_id", flat=True))
    plan = staffed.plan(name="下半年再抽", ends_on=datetime.date(2026, 12, 31))
    second = announce(plan, by=staffed.member, at=moment(10, month=9), not_before=moment(11, 10, month=9))
    leaves = [json.loads(line) for line in queries.frame_lines(second)]
    assert {leaf["id"] for leaf in leaves if leaf.get("exclusion") == "CAP"} == drawn
    assert {one["key"]: (one["size"], one["capped"], one["n"]) for one in second.strata}["D"] == (0, 10, 0)
    second = actions.execute_draw(
        second, by=staffed.member, at=moment(11, 11, month=9), values=ceremony(moment(11, 11, month=9)), witnesses="3人"
    )
    assert not set(second.tasks.values_list("unit_id", flat=True)) & drawn
    assert verify(queries.bundle_bytes(second)).ok


def test_after_a_year_an_entity_may_be_drawn_again(staffed):
    staffed.executed()
    plan = staffed.plan(name="次年", ends_on=datetime.date(2027, 3, 31))
    draw = announce(
        plan,
        by=staffed.member,
        at=datetime.datetime(2027, 3, 4, 9, tzinfo=ANNOUNCED.tzinfo),
        not_before=datetime.datetime(2027, 3, 6, 9, tzinfo=ANNOUNCED.tzinfo),
    )
    assert not any(one["capped"] for one in draw.strata)


def test_a_withdrawn_unit_does_not_count_towards_the_cap(staffed):
    task = staffed.assigned().tasks.first()
    actions.withdraw_task(task, by=staffed.head, at=moment(3, 13), reason="企业已停产待拆迁")
    reached = queries.capped(staffed.items[:1], datetime.date(2026, 9, 1))[staffed.items[0].pk]
    assert task.entity_id not in reached
    assert len(reached) == 17


def test_a_cancelled_entity_stays_in_the_frame(staffed):
    gone = staffed.town.entity(status="cancelled", risk_class="D")
    draw = staffed.executed()
    assert draw.tasks.filter(entity=gone).exists()
    assert json.loads(queries.frame_lines(draw)[-1])["status"] == "cancelled"


def test_only_entities_that_an_item_concerns_are_in_the_frame(staffed):
    shop = staffed.town.entity(industry="5211", risk_class="A")
    draw = staffed.announced(staffed.plan(items=staffed.items[1:], name="食品销售", ratios={"A": "1"}))
    assert [json.loads(line)["id"] for line in queries.frame_lines(draw)] == [shop.unit_id]


def test_scope_and_strata(staffed):
    other = staffed.town.entity(division=staffed.town.city, risk_class="A", size="large", tags="重点 出口")
    by_county = staffed.announced(staffed.plan(stratify_by="risk_class+county", name="分县区"))
    assert {one["key"] for one in by_county.strata} == {"A/990101", "B/990101", "C/990101", "D/990101", "A/990100"}
    for scope, kind in [
        ({"divisions": ["990101"]}, "undirected"),
        ({"tags": ["出口"]}, "directed"),
        ({"sizes": ["large"]}, "directed"),
    ]:
        found = set(queries.in_scope(scope).values_list("pk", flat=True))
        assert (other.pk in found) == (kind == "directed"), scope
        assert len(found) in {1, 40}
    assert parse_json(by_county.announcement.encode())["n"]["A/990101"] == 1


# -- sanity of the draw ------------------------------------------------------------------------------------------------
def test_every_entity_of_a_stratum_is_drawn_about_as_often(staffed):
    draw = staffed.announced()
    frame, terms = queries.stored_frame(draw), json.loads(draw.announcement)
    counts: Counter[str] = Counter()
    for number in range(2000):
        made = seed(seed_text(terms, ["1-1-1-1-1-1-1-1-1-1", f"{number:04d}", "a071"]))
        counts.update(one.id for one in select(frame, made, terms["n"]) if one.stratum == "C")
    # Each of the ten is drawn with probability 1/2: 1,000 of 2,000, standard deviation 22.4; five of them allowed.
    assert len(counts) == 10
    assert all(abs(count - 1000) < 112 for count in counts.values())
