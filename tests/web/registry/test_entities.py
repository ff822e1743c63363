"""Business entities: registering, changing with both values shown, premises, accounts; who may, and what the trail keeps."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.public_log.models import Act, LogEntry
from zhunsheng.web.registry import actions
from zhunsheng.web.registry.models import BusinessEntity, Division, Premises
from zhunsheng.web.registry.queries import code_range, visible_to

pytestmark = pytest.mark.django_db
USCC = "91350100M000100Y43"
ROLES_THAT_EDIT = ["member", "inspector", "reviewer", "head"]
ROLES_THAT_READ = ["lead_office", "leader", "auditor", "sysadmin"]


def register(town, by, **values):
    return actions.register_entity(
        {"unit_id": USCC, "name": "甲公司", "division": town.township, **values}, by=by, at=timezone.now()
    )


def change(entity, by, version=None, **values):
    return actions.change_entity(
        entity, values, version=entity.version if version is None else version, by=by, at=timezone.now()
    )


@pytest.fixture
def member(town):
    return town.user("member")


# -- register ----------------------------------------------------------------------------------------------------------
def test_it_works(town, member):
    entity = register(town, member, established_on=datetime.date(2017, 5, 3), industry="1411")
    assert (entity.unit_id, entity.code, entity.scheme, entity.version) == (f"uscc:{USCC}", USCC, "uscc", 1)
    act = Act.objects.get()
    assert (act.verb, act.subject_type, act.subject_id, act.by) == ("register_entity", "entity", str(entity.pk), member)
    assert act.changes["established_on"] == [None, "2017-05-03"] and act.changes["division"] == [None, "990101001"]
    assert not LogEntry.objects.exists()  # keeping a register is no public act


def test_first_premises_come_with_it(town, member):
    entity = actions.register_entity(
        {"unit_id": USCC, "name": "甲公司", "division": town.township},
        {"address": "甲路1号"},
        by=member,
        at=timezone.now(),
    )
    assert [(one.no, one.address) for one in entity.premises.all()] == [(1, "甲路1号")]


def test_without_a_code_it_gets_the_next_local_number(town, member):
    assert [register(town, member, unit_id="", name=name).unit_id for name in "甲乙"] == [
        "local:00000001",
        "local:00000002",
    ]


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"unit_id": "91350100M000100Y44"}, "unit_id", "校验码应为“3”"),
        ({"unit_id": "91350100M000100Y4"}, "unit_id", "应为 18 位"),
        ({"unit_id": "9.135E+17"}, "unit_id", "科学计数"),
        ({"unit_id": "resident:11010519491231002X"}, "unit_id", "公民身份号码"),
        ({"unit_id": "11010519491231002X"}, "unit_id", "公民身份号码"),
        ({"unit_id": "12345"}, "unit_id", "类别：号码"),
        ({"industry": "9999"}, "industry", "没有代码"),
        ({"name": ""}, "name", ""),
        ({"risk_class": "B"}, "risk_class_source", "来源和日期"),
        ({"status": "dead"}, "status", ""),
    ],
)
def test_what_is_wrong_is_said_at_its_field(town, member, values, field, said):
    with pytest.raises(Refused) as caught:
        register(town, member, **values)
    assert said in caught.value.fields[field]
    assert not BusinessEntity.objects.exists() and not Act.objects.exists()


def test_a_code_is_in_the_register_once(town, member):
    register(town, member)
    with pytest.raises(Refused) as caught:
        register(town, member, name="乙公司")
    assert "已在名录库中" in caught.value.fields["unit_id"]


def test_full_width_and_small_letters_are_the_same_code(town, member):
    assert register(town, member, unit_id=" 91350100m000100y43 ").unit_id == f"uscc:{USCC}"


# -- who may -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES_THAT_EDIT)
def test_roles_that_edit(town, role):
    user = town.user(role)
    assert change(register(town, user), user, name="乙公司").name == "乙公司"


@pytest.mark.parametrize("role", ROLES_THAT_READ)
def test_roles_that_read(town, role, client):
    user = town.user(role)
    entity = town.entity()
    for act in (
        lambda: register(town, user),
        lambda: change(entity, user, name="x"),
        lambda: actions.add_premises(entity, {"address": "x"}, by=user, at=timezone.now()),
    ):
        with pytest.raises(NotAllowed):
            act()
    client.force_login(user)
    assert client.get(reverse("registry:entity", args=[entity.pk])).status_code == 200
    assert client.get(reverse("registry:edit_entity", args=[entity.pk])).status_code == 403
    assert client.get(reverse("registry:add_entity")).status_code == 403


def elsewhere(town):
    return Division.objects.create(code="990102", name="西岭区", level="county", parent=town.city)


def test_a_county_officer_has_the_own_county_only(town, client):
    west = elsewhere(town)
    user = town.user("member", town.county_office)
    ours, theirs, nowhere = town.entity(), town.entity(division=west), town.entity(division=None)
    assert list(visible_to(user)) == [ours]
    with pytest.raises(NotAllowed):
        change(theirs, user, name="x")
    with pytest.raises(Refused) as caught:
        change(ours, user, division=west)
    assert "辖区" in caught.value.fields["division"]
    with pytest.raises(Refused):
        register(town, user, division=west)
    with pytest.raises(Refused):
        register(town, user, division=None)
    client.force_login(user)
    for entity in (theirs, nowhere):
        assert client.get(reverse("registry:entity", args=[entity.pk])).status_code == 403
        assert client.get(reverse("registry:edit_entity", args=[entity.pk])).status_code == 403
    body = client.get(reverse("registry:home")).content.decode()
    assert ours.name in body and theirs.name not in body


@pytest.mark.parametrize(
    ("code", "first", "after"),
    [
        ("990100", "9901", "9902"),
        ("990101", "990101", "990102"),
        ("990101009", "990101009", "99010100:"),
        ("990199", "990199", "99019:"),
    ],
)
def test_the_codes_of_a_division_and_of_what_lies_in_it(code, first, after):
    assert code_range(code) == (first, after)


def test_a_firm_and_a_stranger_see_nothing(town, client):
    firm = town.firm_user(town.entity())
    assert not visible_to(firm).exists()
    client.force_login(firm)
    assert client.get(reverse("registry:home")).status_code == 403
    client.logout()
    assert client.get(reverse("registry:home")).status_code == 302


# -- change ------------------------------------------------------------------------------------------------------------
def test_the_same_values_change_nothing(town, member):
    entity = register(town, member)
    changed = change(entity, member, name=entity.name, address=entity.address)
    assert (changed.version, Act.objects.count()) == (1, 1)
    # even from an old page: there is nothing to lose
    assert change(entity, member, version=0, name=entity.name).version == 1


def test_a_change_keeps_old_and_new(town, member):
    entity = change(register(town, member), member, name="乙公司", park=None, status="suspended")
    assert entity.version == 2
    assert Act.objects.get(verb="change_entity").changes == {
        "name": ["甲公司", "乙公司"],
        "status": ["active", "suspended"],
    }


def test_who_saves_second_sees_both_values(town, member, client):
    entity = register(town, member)
    client.force_login(member)
    form = client.get(reverse("registry:edit_entity", args=[entity.pk])).context["form"]
    mine = {name: "" if value is None else value for name, value in form.initial.items()} | {
        "name": "我改的名",
        "version": "1",
    }
    change(entity, town.user("head"), name="别人改的名", address="新地址")
    answer = client.post(reverse("registry:edit_entity", args=[entity.pk]), mine)
    body = answer.content.decode()
    assert answer.status_code == 422
    assert "有人改了这条记录" in body and "别人改的名" in body and "我改的名" in body and "新地址" in body
    entity.refresh_from_db()
    assert entity.name == "别人改的名"
    again = mine | {"version": str(answer.context["form"]["version"].value()), "address": "新地址"}
    assert client.post(reverse("registry:edit_entity", args=[entity.pk]), again).status_code == 302
    entity.refresh_from_db()
    assert (entity.name, entity.address, entity.version) == ("我改的名", "新地址", 3)


def test_editing_in_the_page_changes_only_what_was_typed(town, member, client):
    entity = register(town, member, established_on=datetime.date(2017, 5, 3), industry="1411", tags="食品", park=None)
    client.force_login(member)
    form = client.get(reverse("registry:edit_entity", args=[entity.pk])).context["form"]
    data = {name: "" if value is None else value for name, value in form.initial.items()}
    client.post(
        reverse("registry:edit_entity", args=[entity.pk]), data | {"established_on": "2018年1月2日", "reason": "更正"}
    )
    act = Act.objects.get(verb="change_entity")
    assert act.changes == {"established_on": ["2017-05-03", "2018-01-02"]} and act.reason == "更正"


def test_registering_in_the_page(town, member, client):
    client.force_login(member)
    url = reverse("registry:add_entity")
    data = {
        "unit_id": USCC,
        "name": "甲公司",
        "status": "active",
        "level": "city",
        "division": "990101001",
        "premises_address": "甲路1号",
    }
    wrong = client.post(url, data | {"unit_id": "91350100M000100Y44"})
    assert wrong.status_code == 422 and "校验码应为" in wrong.content.decode()
    assert client.post(url, data).status_code == 302
    entity = BusinessEntity.objects.get()
    assert entity.premises.get().address == "甲路1号"
    page = client.get(reverse("registry:entity", args=[entity.pk])).content.decode()
    assert "甲公司" in page and "登记经营主体" in page and "东河区 河东街道" in page


def test_a_new_code_for_a_local_number_keeps_the_history(town, member, client):
    entity = register(town, member, unit_id="")
    change(entity, member, unit_id=f"uscc:{USCC}")
    client.force_login(member)
    page = client.get(reverse("registry:entity", args=[entity.pk])).content.decode()
    assert "local:00000001" in page and USCC in page and "登记经营主体" in page


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="the test database of SQLite is in memory, for one connection"
)
@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_once_do_not_overwrite_each_other(town):
    """Both read version 1; one wins, the other is told."""
    first, second = town.user("member"), town.user("head")
    entity = register(town, first)

    def save(user, name):
        try:
            change(entity, user, version=1, name=name)
            return "saved"
        except actions.ChangedMeanwhile:
            return "told"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(save, (first, second), ("甲", "乙")))
    assert outcomes == ["saved", "told"]
    assert Act.objects.filter(verb="change_entity").count() == 1


# -- premises ----------------------------------------------------------------------------------------------------------
def test_premises_are_added_changed_and_closed(town, member, client):
    entity = register(town, member)
    client.force_login(member)
    add = reverse("registry:add_premises", args=[entity.pk])
    assert client.post(add, {"address": "一号店"}).status_code == 302
    assert (
        client.post(
            add,
            {
                "address": "二号店",
                "latitude": "35.1",
                "longitude": "113.2",
                "datum": "CGCS2000",
                "division": "990101001",
            },
        ).status_code
        == 302
    )
    second = Premises.objects.get(no=2)
    assert client.post(reverse("registry:edit_premises", args=[second.pk]), {"address": "二号新店"}).status_code == 302
    assert client.post(reverse("registry:close_premises", args=[second.pk]), {"on": "2026-01-01"}).status_code == 302
    second.refresh_from_db()
    assert (second.address, second.latitude, second.closed_on) == ("二号新店", None, datetime.date(2026, 1, 1))
    assert list(Act.objects.order_by("pk").values_list("verb", flat=True))[1:] == [
        "add_premises",
        "add_premises",
        "change_premises",
        "close_premises",
    ]
    entity.refresh_from_db()
    assert entity.version == 5  # who edits the entity notices
    page = client.get(reverse("registry:entity", args=[entity.pk])).content.decode()
    assert "二号新店" in page and "已关闭" in page


@pytest.mark.parametrize(
    ("values", "field"),
    [({"address": ""}, "address"), ({"address": "x", "latitude": 91, "longitude": 1, "datum": "WGS84"}, "latitude"), ({"address": "x", "latitude": 1}, "longitude"),
     ({"address": "x", "latitude": 1, "longitude": 1}, "datum")],
)  # fmt: skip
def test_premises_that_nobody_finds_are_refused(town, member, values, field):
    with pytest.raises(Refused) as caught:
        actions.add_premises(register(town, member), values, by=member, at=timezone.now())
    assert field in caught.value.fields
    assert not Premises.objects.exists()


def test_closing_twice_is_silent(town, member):
    premises = actions.add_premises(register(town, member), {"address": "x"}, by=member, at=timezone.now())
    for _ in range(2):
        actions.close_premises(premises, on=datetime.date(2026, 1, 1), by=member, at=timezone.now())
    assert Act.objects.filter(verb="close_premises").count() == 1


# -- accounts ----------------------------------------------------------------------------------------------------------
def test_a_firm_account_is_opened_by_the_administrator(town, client):
    entity = town.entity()
    client.force_login(town.user("sysadmin"))
    answer = client.post(
        reverse("registry:add_account", args=[entity.pk]),
        {"username": "firm1", "display_name": "赵经办", "password": "a-first-password-9"},
    )
    assert answer.status_code == 302
    account = entity.accounts.get()
    assert account.user.is_firm and account.user.must_change_password
    client.force_login(town.user("member"))
    assert client.get(reverse("registry:add_account", args=[entity.pk])).status_code == 403
