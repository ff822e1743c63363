"""Plans: drafted, approved by a head who did not draft them, closed when nothing is open; what a preview warns of."""

import datetime
import json
from fractions import Fraction

import pytest

from tests.web.inspection.conftest import moment
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import Plan
from zhunsheng.web.public_log.models import Act, LogEntry

pytestmark = pytest.mark.django_db
MARCH = datetime.date(2026, 3, 2)


def test_it_works(staffed):
    plan = staffed.plan()
    assert plan.no == "T-SJ-JH-2026-001"
    assert plan.state == Plan.State.APPROVED
    assert plan.is_public
    said = json.loads(LogEntry.objects.get(kind="plan.approve").body)["data"]
    assert (said["N"], said["n"], said["items"]) == (40, 18, ["CJ-01@2019-01-01"])


def test_the_same_draft_twice_is_one_plan(staffed):
    assert staffed.plan(approved=False) == staffed.plan(approved=False)
    assert staffed.plan(approved=False, name="另一个").no == "T-SJ-JH-2026-002"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"items": []}, "items"),
        ({"ratios": {}}, "ratios"),
        ({"ratios": {"A": "0"}}, "ratios"),
        ({"ratios": {"A": "5%"}}, "ratios"),
        ({"ratios": {"A": "1.5"}}, "ratios"),
        ({"team_size": 1}, "team_size"),
        ({"kind": "joint"}, "joint_offices"),
        ({"scope": {"industries": ["C"]}}, "kind"),
        ({"scope": {"weather": ["rain"]}}, "scope"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_field(staffed, values, field):
    with pytest.raises(Refused) as refusal:
        staffed.plan(approved=False, **values)
    assert field in ({refusal.value.field} | set(refusal.value.fields))
    assert not Plan.objects.exists()


def test_dates_are_checked(staffed):
    item = staffed.items[0]
    for values, field in [
        ({"starts_on": datetime.date(2026, 5, 1), "ends_on": datetime.date(2026, 4, 1)}, "ends_on"),
        ({"starts_on": datetime.date(2025, 5, 1), "ends_on": datetime.date(2026, 4, 1)}, "year"),
        ({"starts_on": datetime.date(2018, 5, 1), "ends_on": datetime.date(2018, 6, 1)}, "items"),
    ]:
        with pytest.raises(Refused) as refusal:
            actions.draft_plan(
                by=staffed.member,
                at=moment(1),
                office=staffed.town.office,
                name="计划",
                year=2026,
                items=[item],
                ratios={"*": "0.1"},
                **values,
            )
        assert field in refusal.value.fields


def test_nobody_approves_their_own_plan(staffed):
    plan = staffed.plan(approved=False)
    actions.edit_plan(plan, by=staffed.head, at=moment(1, 10), team_size=3)
    for who in (staffed.head, staffed.member, staffed.reviewer, staffed.town.user("head", staffed.town.other_office)):
        with pytest.raises(NotAllowed):
            actions.approve_plan(plan, by=who, at=moment(1, 11))
    plan = actions.approve_plan(plan, by=staffed.second_head, at=moment(1, 11))
    acts = Act.objects.count()
    actions.approve_plan(plan, by=staffed.second_head, at=moment(1, 12))
    assert Act.objects.count() == acts


def test_others_do_not_draft(staffed):
    for who in (staffed.reviewer, staffed.inspectors[0].user, staffed.town.user("member", staffed.town.other_office)):
        with pytest.raises(NotAllowed):
            actions.draft_plan(
                by=who,
                at=moment(1),
                office=staffed.town.office,
                name="计划",
                year=2026,
                items=staffed.items[:1],
                ratios={"*": "0.1"},
                starts_on=MARCH,
                ends_on=MARCH,
            )


def test_an_approved_plan_is_not_edited(staffed):
    plan = staffed.plan()
    with pytest.raises(Refused, match="已批准"):
        actions.edit_plan(plan, by=staffed.member, at=moment(2), team_size=3)


def test_an_empty_plan_is_not_approved(bureau):
    with pytest.raises(Refused, match="没有可抽取"):
        bureau.plan()


def test_a_plan_closes_when_nothing_is_open(staffed):
    draw = staffed.assigned()
    plan = Plan.objects.get()
    assert plan.state == Plan.State.RUNNING
    with pytest.raises(Refused, match="18"):
        actions.close_plan(plan, by=staffed.head, at=moment(20))
    visits = actions.record_visits(
        [staffed.entry(task) for task in draw.tasks.all()], by=staffed.member, at=moment(4, 16)
    )
    actions.review_visits(visits, by=staffed.reviewer, at=moment(5))
    actions.publish_visits(visits, by=staffed.head, at=moment(6))
    with pytest.raises(NotAllowed):
        actions.close_plan(plan, by=staffed.member, at=moment(20))
    assert actions.close_plan(plan, by=staffed.head, at=moment(20)).state == Plan.State.CLOSED
    assert json.loads(LogEntry.objects.get(kind="plan.close").body)["data"] == {
        "drawn": 18,
        "visited": 18,
        "published": 18,
        "withdrawn": 0,
    }


def test_a_plan_with_an_open_announcement_does_not_close(staffed):
    staffed.announced()
    with pytest.raises(Refused, match="执行或放弃"):
        actions.close_plan(Plan.objects.get(), by=staffed.head, at=moment(20))


# -- preview -----------------------------------------------------------------------------------------------------------
def test_the_preview_is_what_the_draw_does(staffed):
    plan = staffed.plan(stratify_by="risk_class+county")
    found = queries.preview_of(plan, MARCH)
    draw = staffed.announced(plan)
    assert {one.key: (one.size, one.n) for one in found.strata} == {
        one["key"]: (one["size"], one["n"]) for one in draw.strata
    }
    assert (found.size, found.n, found.pi) == (40, 18, Fraction(18, 40))


def test_the_preview_counts_the_capped_as_the_draw_does(staffed):
    staffed.executed()
    found = queries.preview_of(staffed.plan(name="再来"), datetime.date(2026, 9, 10))
    assert (found.size, found.capped) == (22, 18)
    assert any("CAP" in warning for warning in found.warnings)


def test_ratios_outside_the_items_bounds_are_warned_of(staffed):
    def warnings(ratios, items=staffed.items[:1]):
        return " ".join(
            queries.preview(scope={}, items=items, stratify_by="risk_class", ratios=ratios, on=MARCH).warnings
        )

    assert "不得高于 5%" in warnings({"A": "0.5", "B": "0.5", "C": "0.5", "D": "0.5"})
    # 4 of 40: each stratum draws at least one.
    assert "不得高于" in warnings({"A": "0.01", "B": "0.01", "C": "0.01", "D": "0.01"})
    for _ in range(160):
        staffed.town.entity(risk_class="A")
    assert warnings({"A": "0.02", "B": "0.01", "C": "0.01", "D": "0.01"}) == ""
    assert "不低于 3%" in warnings({"A": "0.001", "B": "0.001", "C": "0.001", "D": "0.001"})
    staffed.items[0].kind = "key"  # no upper limit for a key item
    assert warnings({"A": "1", "B": "1", "C": "1", "D": "1"}) == ""


def test_a_class_without_ratio_is_shown(staffed):
    found = queries.preview(scope={}, items=staffed.items[:1], stratify_by="risk_class", ratios={"A": "0.1"}, on=MARCH)
    assert found.missing == ("B", "C", "D")


def test_industries_of_items_and_scopes(staffed):
    food = staffed.items[1]
    shop, maker = staffed.town.entity(industry="5211"), staffed.town.entity(industry="1411")
    unknown = staffed.town.entity(industry="")
    assert queries.applies_to(food, "5211")
    assert not queries.applies_to(food, "1411")
    assert not queries.applies_to(food, "")
    assert queries.applies_to(staffed.items[0], "")
    assert list(queries.in_scope({}, [food])) == [shop]
    retail = set(queries.in_scope({"industries": ["F"]}).values_list("pk", flat=True))
    assert retail == {shop.pk}
    manufacture = set(queries.in_scope({"industries": ["C"]}).values_list("pk", flat=True))
    assert maker.pk in manufacture
    assert unknown.pk not in manufacture
    assert unknown.pk in set(queries.in_scope({}, staffed.items).values_list("pk", flat=True))
