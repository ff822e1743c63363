"""A special operation adds up what belongs to it, and tells the public the same numbers."""

import datetime

import pytest
from django.urls import reverse

from tests.web.matters.test_actions import MONDAY, later
from zhunsheng.web.matters import actions, operations, queries
from zhunsheng.web.matters.models import MatterLink

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(town):
    return {role: town.user(role) for role in ("member", "reviewer", "head", "inspector")}


@pytest.fixture
def operation(town, staff):
    facts = {
        "title": "质监利剑", "lead": "市场监管局", "starts_on": datetime.date(2026, 11, 2), "ends_on": datetime.date(2026, 12, 31),
        "target_inspections": 10, "target_cases": 2,
    }  # fmt: skip
    return actions.open_matter("special_operation", by=staff["member"], at=MONDAY, office=town.office, facts=facts)


def case(town, staff, at=MONDAY, opened=True):
    entity = town.entity()
    matter = actions.open_matter(
        "penalty", by=staff["member"], at=at, office=town.office,
        facts={"clue_source": "inspection", "party": entity.unit_id, "party_kind": "entity", "cause": "quality.substandard"},
    )  # fmt: skip
    if opened:
        facts = {
            "party": entity.unit_id, "party_kind": "entity", "cause": "quality.substandard", "handlers": 2,
            "act_ended_on": datetime.date(2026, 9, 1), "found_on": at.date(), "life_safety": False,
        }  # fmt: skip
        actions.take(matter, "open_case", by=staff["head"], at=at + datetime.timedelta(days=1), facts=facts)
    return matter


def test_what_belongs_to_it_is_counted_once(town, staff, operation):
    opened, clue = case(town, staff), case(town, staff, opened=False)
    assert operations.totals(operation) == []
    for one in (opened, clue, opened):
        actions.link(operation, one, MatterLink.Kind.PART_OF, by=staff["member"], at=later(days=2))
    office, whole = operations.totals(operation)
    assert (whole.matters, whole.entities, whole.cases, whole.decided) == (2, 2, 1, 0)
    assert office.office == town.office.name and office.matters == whole.matters


def test_candidates_are_of_its_days_and_not_in_it_yet(town, staff, operation):
    inside, before = case(town, staff), case(town, staff, at=MONDAY - datetime.timedelta(days=30))
    now = queries.standing(operation)
    assert list(operations.candidates(operation, now, staff["member"])) == [inside]
    actions.link(operation, inside, MatterLink.Kind.PART_OF, by=staff["member"], at=later(days=2))
    assert not operations.candidates(operation, now, staff["member"]).exists()
    assert before.no
    stranger = town.user("member", town.other_office)
    assert not operations.candidates(operation, now, stranger).exists()


def test_the_page_gathers_and_shows(client, town, staff, operation):
    one = case(town, staff)
    client.force_login(staff["member"])
    page = reverse("matters:gather", args=[operation.no])
    assert one.no in client.get(page).content.decode()
    for _n in range(2):
        assert client.post(page, {"no": [one.no, "CF-2026-99999"]}).status_code == 302
    assert MatterLink.objects.filter(source=operation, target=one, kind="part_of").count() == 1
    shown = client.get(operation.get_absolute_url()).content.decode()
    assert 'id="operation"' in shown
    client.force_login(town.user("auditor"))
    assert client.get(page).status_code == 403
    client.force_login(staff["member"])
    assert client.get(reverse("matters:gather", args=[one.no])).status_code == 403
