"""Sealed draws, joint ones, draws by size, re-entry within a year: what each adds, and what must not get out."""

import datetime
import json
import re
from fractions import Fraction

import pytest
import time_machine
from django.urls import reverse

from tests.web.inspection.conftest import ANNOUNCED, CLOSED, DRAWN, SECOND, announce, ceremony, moment
from zhunsheng.engine.draw import verify
from zhunsheng.engine.signing import PublicKey
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import Draw, DrawKey, Inclusion, PlanList, TeamMember
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.public_log import signer
from zhunsheng.web.public_log.models import Act, LogEntry
from zhunsheng.web.registry.models import BusinessEntity, Recusal

pytestmark = pytest.mark.django_db


def check(draw: Draw):
    """The verdict on the draw as it stands, which must be good."""
    found = verify(queries.bundle_bytes(Draw.objects.get(pk=draw.pk)))
    assert found.ok, [step for step in found.steps if step.ok is False]
    return found


def everything_public() -> str:
    return "".join(LogEntry.objects.values_list("body", flat=True))


# -- sealed ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def sealed(staffed):
    return staffed.announced(staffed.plan(mode="sealed", name="突击检查"))


def test_a_sealed_draw_keeps_its_secret_until_it_is_opened(staffed, sealed):
    key = DrawKey.objects.get(draw=sealed).key
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    steps = [(sealed, check(sealed))]
    for step in (staffed.executed, staffed.closed, staffed.assigned):
        draw = step(steps[-1][0])
        steps.append((draw, check(draw)))
        text = queries.bundle_bytes(draw).decode() + everything_public()
        assert key not in text
        assert not any(unit in text for unit in draw.tasks.values_list("unit_id", flat=True))
    opened = actions.open_draw(draw, by=staffed.member, at=moment(5))
    assert (opened.state, opened.secret) == (Draw.State.OPENED, False)
    found = check(opened)
    assert found.step("withheld").ok and found.step("selection").ok and found.step("assignment").ok
    assert key in queries.bundle_bytes(opened).decode()
    acts = Act.objects.count()
    assert actions.open_draw(opened, by=staffed.member, at=moment(6)).opened_at == opened.opened_at
    assert Act.objects.count() == acts


def test_the_key_stands_nowhere_but_in_its_table(staffed, sealed):
    key = DrawKey.objects.get(draw=sealed)
    assert key.key not in str(key) + repr(key) + repr(sealed)
    for model in (Draw, Act, LogEntry):
        for row in model.objects.values():
            assert key.key not in str(row)
    assert DrawKey not in __import__("django.contrib.admin", fromlist=["site"]).site._registry


def test_no_result_is_published_before_the_seal_is_opened(staffed, sealed):
    draw = staffed.assigned(staffed.executed(sealed))
    task = draw.tasks.first()
    visit = actions.review_visit(staffed.submitted(task), by=staffed.reviewer, at=moment(5))
    with pytest.raises(Refused, match="开封"):
        actions.publish_visit(visit, by=staffed.head, at=moment(6))
    with pytest.raises(Refused, match="派员"):
        actions.open_draw(
            staffed.announced(staffed.plan(mode="sealed", name="另一个")), by=staffed.member, at=moment(6)
        )
    actions.open_draw(draw, by=staffed.member, at=moment(6))
    assert actions.publish_visit(visit, by=staffed.head, at=moment(6)).is_public


def test_withdrawing_and_replacing_under_seal_tells_nothing(staffed, sealed):
    draw = staffed.assigned(staffed.executed(sealed))
    first, second = draw.tasks.order_by("no")[:2]
    actions.withdraw_task(first, by=staffed.head, at=moment(4), reason="企业已停产待拆迁")
    out = second.team.get(lead=False).inspector
    actions.replace_inspector(second, out, by=staffed.member, at=moment(4), reason="突发疾病")
    text = everything_public() + queries.bundle_bytes(draw).decode()
    assert first.unit_id not in text and second.unit_id not in text
    check(draw)
    actions.open_draw(draw, by=staffed.member, at=moment(5))
    found = check(draw)
    assert found.step("changes").ok
    assert first.unit_id in queries.bundle_bytes(Draw.objects.get(pk=draw.pk)).decode()


def test_an_open_frame_does_not_tell_who_was_drawn_under_seal(staffed, sealed):
    """A cap of one a year would mark the firms of a sealed draw in the next open frame."""
    drawn = staffed.executed(sealed)
    day = datetime.date(2026, 3, 5)
    assert not any(queries.capped(staffed.items[:1], day).values())
    assert len(queries.capped(staffed.items[:1], day, sealed=True)[staffed.items[0].pk]) == drawn.selected_count
    actions.open_draw(staffed.assigned(drawn), by=staffed.member, at=moment(5))
    assert len(queries.capped(staffed.items[:1], day)[staffed.items[0].pk]) == drawn.selected_count


def test_a_sealed_draw_that_is_given_up_is_opened(staffed, sealed):
    key = DrawKey.objects.get(draw=sealed).key
    late = actions.abandon_draw(sealed, by=staffed.head, at=moment(3, 12), reason="见证方未能到场")
    assert (late.state, late.secret) == (Draw.State.ABANDONED, False)
    found = check(late)
    assert found.outcome == "abandoned" and found.reason.code == "draw.verdict.abandoned_late"
    assert key in queries.bundle_bytes(late).decode()
    kinds = list(LogEntry.objects.order_by("index").values_list("kind", flat=True))
    assert kinds[-2:] == ["draw.open", "draw.abandon"]


def test_the_log_of_a_sealed_draw_counts_nobody(staffed, sealed):
    staffed.assigned(staffed.executed(sealed))
    for entry in LogEntry.objects.filter(subject=f"draw:{sealed.no}"):
        assert not {"drawn", "targets", "inspectors", "load", "moved", "teams"} & set(json.loads(entry.body)["data"])


def test_only_the_offices_of_the_plan_look_and_each_look_is_noted(staffed, sealed, client):
    draw = staffed.executed(sealed)
    outsider = staffed.town.user("member", staffed.town.other_office)
    with time_machine.travel(DRAWN + datetime.timedelta(minutes=5), tick=False):
        for view in ("frame", "drawn", "recuse"):
            client.force_login(outsider)
            assert client.get(reverse(f"inspection:{view}", args=[draw.no])).status_code == 403
            client.force_login(staffed.member)
            assert client.get(reverse(f"inspection:{view}", args=[draw.no])).status_code == 200
        looks = Act.objects.filter(verb="draw.look", subject_id=draw.no)
        assert looks.count() == 3 and {act.by for act in looks} == {staffed.member}
        assert not any(hasattr(act, "log_entry") for act in looks)
        unit = draw.tasks.first()
        client.force_login(outsider)
        page = client.get(reverse("inspection:draw", args=[draw.no]), {"unit": unit.unit_id}).content.decode()
        assert unit.no not in page
        assert unit.no not in client.get(reverse("inspection:tasks")).content.decode()
        assert client.get(reverse("inspection:task", args=[unit.pk])).status_code == 404
        file = client.get(reverse("inspection:bundle", args=[draw.no])).content.decode()
        assert unit.unit_id not in file
        ceremony_page = reverse("inspection:ceremony", args=[draw.no])
        client.force_login(staffed.member)
        assert unit.unit_id not in client.get(ceremony_page).content.decode()


def test_an_overdue_seal_opens_late_and_says_so(staffed):
    plan = staffed.plan(mode="sealed", name="突击检查")
    draw = staffed.announced(plan, open_by=datetime.date(2026, 3, 10))
    draw = staffed.assigned(staffed.executed(draw))
    assert queries.days_overdue(draw, moment(10)) == 0
    assert queries.days_overdue(draw, moment(14)) == 4
    actions.open_draw(draw, by=staffed.member, at=moment(14))
    said = json.loads(LogEntry.objects.get(kind="draw.open").body)["data"]
    assert (said["open_by"], said["days_late"]) == ("2026-03-10", 4)
    assert check(draw).step("opened").ok is None  # said, not judged


def test_an_open_draw_cannot_be_opened(staffed):
    with pytest.raises(Refused, match="公开抽取"):
        actions.open_draw(staffed.assigned(), by=staffed.member, at=moment(5))
    with pytest.raises(Refused, match="最早抽取"):
        staffed.announced(staffed.plan(mode="sealed", name="封存"), open_by=datetime.date(2026, 3, 1))


# -- joint -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def shops(staffed):
    """Every entity sells food, so that both offices' items concern it."""
    BusinessEntity.objects.update(industry="5211")
    for one in staffed.inspectors:
        one.qualifications.create(speciality="food_sale")
    return staffed


def test_a_joint_draw_visits_a_firm_once(shops):
    draw = shops.assigned(shops.executed(shops.announced(shops.joint(name="联合抽查"))))
    said = json.loads(draw.announcement)
    assert set(said["lists"]) == {"t_sj", "t_ny"}
    assert {one.partition("/")[0] for one in said["n"]} == {"t_sj", "t_ny"}
    # both lists divide the same firms alike, so with one ticket each they draw the same
    assert draw.selected_count == 18
    assert Inclusion.objects.filter(task__draw=draw).count() == 36
    task = draw.tasks.first()
    assert {one.list for one in task.inclusions.all()} == {"t_sj", "t_ny"}
    assert [item.code for item in queries.items_for(task)] == ["CJ-01", "CJ-07"]
    assert check(draw).step("selection").ok
    whole, mine = queries.pass_rate_inputs(draw), queries.pass_rate_inputs(draw, list="t_ny")
    assert (len(whole.units), len(mine.units), whole.pending) == (36, 18, 18)


def test_a_joint_plan_waits_for_each_office(shops):
    plan = shops.joint(name="联合抽查", confirm=False)
    part = plan.further_lists.get()
    for who in (shops.member, shops.head, shops.reviewer):
        with pytest.raises(NotAllowed):
            actions.confirm_list(part, by=who, at=moment(1, 10))
        with pytest.raises(NotAllowed):
            actions.fill_list(part, by=who, at=moment(1, 10), items=shops.items[:1])
    with pytest.raises(Refused, match="农业农村局"):
        actions.approve_plan(plan, by=shops.head, at=moment(1, 10))
    officer = shops.town.user("head", shops.town.other_office)
    with pytest.raises(Refused) as refusal:
        actions.fill_list(part, by=officer, at=moment(1, 10), items=[])
    assert "items" in refusal.value.fields
    part = actions.confirm_list(part, by=officer, at=moment(1, 10))
    acts = Act.objects.count()
    actions.confirm_list(part, by=officer, at=moment(1, 11))
    assert Act.objects.count() == acts
    # What all lists rest on changes: the office is asked again.
    actions.edit_plan(plan, by=shops.member, at=moment(1, 11), mode="sealed")
    assert PlanList.objects.get().confirmed_at is None
    actions.confirm_list(PlanList.objects.get(), by=officer, at=moment(1, 12))
    plan = actions.approve_plan(plan, by=shops.head, at=moment(1, 13))
    with pytest.raises(Refused, match="已批准"):
        actions.fill_list(part, by=officer, at=moment(1, 14), items=shops.items[:1])
    assert queries.preview_of(plan, ANNOUNCED.date()).n == 36


# -- by size -----------------------------------------------------------------------------------------------------------
def test_a_draw_by_size_stores_what_each_unit_had(staffed):
    for number, entity in enumerate(BusinessEntity.objects.order_by("pk")):
        BusinessEntity.objects.filter(pk=entity.pk).update(size=("large", "medium", "small", "micro", "")[number % 5])
    plan = staffed.plan(measure="size", ratios={"A": "0.2", "B": "0.2", "C": "0.5", "D": "1"})
    draw = staffed.executed(staffed.announced(plan))
    said = json.loads(draw.announcement)
    assert said["pareto"]["strata"] == ["A", "B", "C"]  # of D everybody is drawn: nothing to share out
    leaves = [json.loads(line) for line in queries.frame_lines(draw)]
    for stratum in ("A", "B", "C"):
        assert sum(leaf["lambda"] for leaf in leaves if leaf["stratum"] == stratum) == 1_000_000 * said["n"][stratum]
    weight = {leaf["id"]: leaf.get("lambda") for leaf in leaves}
    for one in Inclusion.objects.select_related("task"):
        share = Fraction(weight[one.task.unit_id], 1_000_000) if one.stratum != "D" else Fraction(1)
        assert one.probability == share
    assert check(draw).step("pareto").ok
    row = queries.find_in_frame(draw, leaves[0]["id"])
    assert queries.rank_in_stratum(draw, row) >= 1


# -- within a year -----------------------------------------------------------------------------------------------------
def test_who_was_drawn_this_year_stands_apart_and_is_drawn_less(staffed):
    item = staffed.items[0]
    item.frequency_max_per_year = None
    item.save()
    first = staffed.executed(staffed.announced(staffed.plan(ratios=dict.fromkeys("ABCD", "0.5"))))
    drawn = set(first.tasks.values_list("unit_id", flat=True))
    plan = staffed.plan(again=True, name="再抽", ratios=dict.fromkeys("ABCD", "0.4"))
    found = queries.preview_of(plan, datetime.date(2026, 5, 4))
    second = announce(plan, by=staffed.member, at=moment(4, month=5), not_before=moment(5, 10, month=5))
    leaves = [json.loads(line) for line in queries.frame_lines(second)]
    assert {leaf["id"] for leaf in leaves if leaf["stratum"] == "again"} == drawn
    # 20 firms that would have had 0.4 each, times a quarter: 2
    assert {one["key"]: (one["size"], one["n"]) for one in second.strata}["again"] == (20, 2)
    assert {one.key: (one.size, one.n) for one in found.strata} == {
        one["key"]: (one["size"], one["n"]) for one in second.strata
    }
    check(second)
    assert "again" not in {one.key for one in queries.preview_of(plan, datetime.date(2027, 1, 4)).strata}


# -- the list is closed --------------------------------------------------------------------------------------------------
def test_recusals_are_declared_on_the_drawn_list_until_it_is_closed(staffed):
    draw, one = staffed.executed(), staffed.inspectors[0]
    task = draw.tasks.first()
    outsider = staffed.inspector(office=staffed.town.other_office)
    for who, problem in ((staffed.reviewer, NotAllowed), (staffed.inspectors[1].user, NotAllowed)):
        with pytest.raises(problem):
            actions.declare_recusals(draw, one, [task], kind="relative", note="亲属", by=who, at=DRAWN)
    with pytest.raises(Refused, match="名录"):
        actions.declare_recusals(draw, outsider, [], kind="", note="", by=staffed.member, at=DRAWN)
    actions.declare_recusals(draw, one, [task], kind="relative", note="亲属任职", by=one.user, at=DRAWN)
    assert Recusal.objects.get(inspector=one, entity=task.entity).kind == "relative"
    assert queries.have_declared(draw) == 1
    closed = staffed.closed(draw)
    section = json.loads(closed.file.constraints)
    mine = next(row for row in section["inspectors"] if row["number"] == one.person_no)
    assert [task.unit_id, "recusal"] in mine["forbidden"]  # one code, never which relation it is
    assert "relative" not in closed.file.constraints
    with pytest.raises(Refused, match="已经关闭"):
        actions.declare_recusals(closed, one, [], kind="", note="", by=one.user, at=CLOSED)
    assigned = staffed.assigned(closed)
    assert not TeamMember.objects.filter(task=task, inspector=one).exists()
    assert check(assigned).step("assignment").ok


def test_the_constraints_come_before_the_second_round(staffed):
    draw = staffed.executed()
    with pytest.raises(Refused, match="先关闭名单"):
        actions.assign_teams(
            draw, by=staffed.member, at=moment(3, 12), values=ceremony(SECOND, second=True), witnesses="2人"
        )
    closed = staffed.closed(draw)
    acts = Act.objects.count()
    assert staffed.closed(draw).list_closed_at == closed.list_closed_at
    assert Act.objects.count() == acts
    with pytest.raises(Refused) as refusal:  # thrown before the closing
        staffed.assigned(closed, values=ceremony(DRAWN, second=True))
    assert refusal.value.field == "at_0" and "见证" not in str(refusal.value)
    assert "骰子" in str(refusal.value) and "ceremony" not in str(refusal.value)  # the name of the source, not its id
    done = staffed.assigned(closed)
    assert staffed.assigned(done).second_seed == done.second_seed
    with pytest.raises(Refused, match="不能重派"):
        actions.assign_teams(
            done,
            by=staffed.member,
            at=moment(3, 13),
            values=ceremony(SECOND, second=True, dice="1-1-1-1-1-1-1-1-1-1"),
            witnesses="2人",
        )


def test_bounds_of_visits_are_kept_and_published(staffed):
    draw = staffed.executed()  # 18 firms, 36 visits, four inspectors
    with pytest.raises(Refused) as refusal:
        staffed.closed(draw, most=8, bounds_reason="另有专项任务")
    assert "36" in str(refusal.value) and "增加 1" in str(refusal.value)
    draw = staffed.assigned(staffed.closed(draw, least=9, most=9, bounds_reason="每人次数相同"))
    load = json.loads(LogEntry.objects.get(kind="draw.assign").body)["data"]["load"]
    assert set(load.values()) == {9}
    assert {(row["least"], row["most"]) for row in json.loads(draw.file.constraints)["inspectors"]} == {(9, 9)}
    report = queries.fairness_of(draw)
    assert [part.visits for part in report.parts] == [9, 9, 9, 9]
    assert sum(part.leads for part in report.parts) == 18
    year = queries.fairness_over(Draw.objects.all(), 2026)
    assert any(row.divisions for row in year), "where the inspectors went is counted over the year"
    assert [row.visits for row in year] == [9, 9, 9, 9]


# -- results -------------------------------------------------------------------------------------------------------------
def test_results_are_recorded_when_the_last_one_is_out_and_again_after_a_correction(staffed):
    draw = staffed.assigned()
    tasks = list(draw.tasks.order_by("no"))
    for task in tasks[:-2]:
        staffed.published(task)
    actions.withdraw_task(tasks[-2], by=staffed.head, at=moment(6), reason="企业已停产待拆迁")
    assert not LogEntry.objects.filter(kind="draw.results").exists()
    last = staffed.published(tasks[-1])
    said = json.loads(LogEntry.objects.get(kind="draw.results").body)["data"]
    assert (said["count"], said["corrected"]) == (18, False)
    assert check(draw).step("results").ok
    fresh = actions.correct_visit(
        last, staffed.entry(tasks[-1], "05"), by=staffed.lead(tasks[-1]), at=moment(8), reason="录入时选错了结果"
    )
    actions.review_visit(fresh, by=staffed.reviewer, at=moment(8, 12))
    actions.publish_visit(fresh, by=staffed.head, at=moment(8, 14))
    entries = LogEntry.objects.filter(kind="draw.results").order_by("index")
    assert [json.loads(entry.body)["data"]["corrected"] for entry in entries] == [False, True]
    assert check(draw).step("log-inclusion").ok


def test_who_is_passed_over_in_a_substitution_is_named_with_the_reason(staffed):
    staffed.inspector()
    staffed.inspector()
    draw = staffed.assigned()
    task = draw.tasks.order_by("no").first()
    out = task.team.get(lead=False).inspector
    order = dict(queries.substitutes(task))[out.person_no]
    assert len(order) >= 2
    with pytest.raises(Refused) as refusal:  # not the head of the order
        actions.replace_inspector(
            task, out, by=staffed.member, at=moment(4), reason="突发疾病", passed=[(order[1], "请假")]
        )
    assert refusal.value.field == "passed"
    fresh = actions.replace_inspector(
        task, out, by=staffed.member, at=moment(4), reason="突发疾病", passed=[(order[0], "外出培训")]
    )
    assert fresh.inspector.person_no == order[1]
    change = queries.bundle(draw)["changes"][0]
    assert (change["out"], change["in"], change["passed"]) == (
        out.person_no,
        order[1],
        [{"number": order[0], "reason": "外出培训"}],
    )
    assert check(draw).step("changes").ok


def test_every_published_section_is_signed_with_the_sites_key(staffed):
    draw = staffed.announced(staffed.plan(mode="sealed", name="突击检查"))
    key = PublicKey(log.origin(), "ed25519", signer.signers(log.origin())[0].public_key)
    wanted = [{"announce"}, {"announce", "execute", "withheld"}]
    for step, sections in zip((lambda draw: draw, staffed.executed), wanted, strict=True):
        draw = step(draw)
        made = queries.bundle(draw)
        assert {one["section"] for one in made["signatures"]} == sections
        assert verify(made, [key]).step("signatures").ok
    draw = actions.open_draw(staffed.assigned(draw), by=staffed.member, at=moment(5))
    made = queries.bundle(draw)
    everything = {"announce", "execute", "withheld", "selection", "assign_announce", "assign", "open"}
    assert {one["section"] for one in made["signatures"]} == everything
    assert verify(made, [key]).step("signatures").ok
    other = PublicKey(log.origin(), "ed25519", bytes(32))
    assert verify(made, [other]).step("signatures").ok is False


def test_no_result_is_published_while_the_draw_is_sealed(staffed):
    draw = staffed.assigned(staffed.closed(staffed.executed(staffed.announced(staffed.plan(mode="sealed")))))
    visit = staffed.submitted(draw.tasks.order_by("no").first())
    actions.review_visit(visit, by=staffed.reviewer, at=moment(5))
    with pytest.raises(Refused, match="先开封"):
        actions.publish_visit(visit, by=staffed.head, at=moment(6))
    assert not LogEntry.objects.filter(kind="visit.publish").exists()
