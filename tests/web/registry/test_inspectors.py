"""Inspectors: certificates that end, leave, qualifications, recusals; whose word counts."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.registry import actions
from zhunsheng.web.registry.models import Inspector, Recusal
from zhunsheng.web.registry.queries import certificate_state, on_leave, recusals_on

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 11, 24)


def now():
    return timezone.now()


@pytest.fixture
def member(town):
    return town.user("member")


@pytest.fixture
def inspector(town, member):
    return actions.register_inspector(
        {"person_no": "HC-1", "name": "李", "office": town.office, "status": "active", "level": "city"},
        by=member,
        at=now(),
    )


def test_it_works(inspector, member):
    changed = actions.change_inspector(inspector, {"name": "李检查"}, version=1, by=member, at=now())
    assert (changed.name, changed.version) == ("李检查", 2)
    with pytest.raises(actions.ChangedMeanwhile):
        actions.change_inspector(inspector, {"name": "别名"}, version=1, by=member, at=now())
    assert [act.verb for act in Act.objects.order_by("pk")] == ["register_inspector", "change_inspector"]


def test_a_number_is_given_once(inspector, member, town):
    with pytest.raises(Refused) as caught:
        actions.register_inspector({"person_no": "HC-1", "name": "王", "office": town.office}, by=member, at=now())
    assert "已存在" in caught.value.fields["person_no"]


def test_who_may_register(town, inspector):
    for role in ("inspector", "reviewer", "auditor", "leader", "sysadmin"):
        with pytest.raises(NotAllowed):
            actions.change_inspector(inspector, {"name": "x"}, version=1, by=town.user(role), at=now())
    county = town.user("member", town.county_office)
    with pytest.raises(NotAllowed):
        actions.change_inspector(inspector, {"name": "x"}, version=1, by=county, at=now())
    own = actions.register_inspector(
        {"person_no": "C-1", "name": "县", "office": town.county_office}, by=county, at=now()
    )
    with pytest.raises(NotAllowed):
        actions.change_inspector(own, {"office": town.office}, version=1, by=county, at=now())
    assert (
        actions.change_inspector(own, {"name": "市里也可改"}, version=1, by=town.user("member"), at=now()).version == 2
    )


@pytest.mark.parametrize(("until", "state"), [(None, "none"), (-1, "expired"), (0, "soon"), (60, "soon"), (61, "good")])
def test_a_certificate_warns_before_it_ends(until, state):
    assert certificate_state(None if until is None else DAY + datetime.timedelta(days=until), DAY) == state


def test_the_pages_warn(town, inspector, member, client):
    Inspector.objects.update(certificate_valid_to=timezone.localdate() + datetime.timedelta(days=5))
    client.force_login(member)
    assert "六十天内到期" in client.get(reverse("registry:inspectors")).content.decode()
    assert "执法证将到期" in client.get(reverse("registry:inspector", args=[inspector.pk])).content.decode()
    Inspector.objects.update(certificate_valid_to=timezone.localdate() - datetime.timedelta(days=1))
    assert "执法证已过期" in client.get(reverse("registry:inspector", args=[inspector.pk])).content.decode()
    assert "HC-1" in client.get(reverse("registry:inspectors") + "?certificate=expired").content.decode()


def test_leave(inspector, member):
    with pytest.raises(Refused):
        actions.set_leave(inspector, leave_from=DAY, leave_to=DAY - datetime.timedelta(days=1), by=member, at=now())
    with pytest.raises(Refused):
        actions.set_leave(inspector, leave_from=None, leave_to=DAY, by=member, at=now())
    away = actions.set_leave(inspector, leave_from=DAY, leave_to=DAY + datetime.timedelta(days=2), by=member, at=now())
    assert [on_leave(away, DAY + datetime.timedelta(days=offset)) for offset in (-1, 0, 2, 3)] == [
        False,
        True,
        True,
        False,
    ]
    actions.set_leave(inspector, leave_from=DAY, leave_to=DAY + datetime.timedelta(days=2), by=member, at=now())
    assert Act.objects.filter(verb="set_leave").count() == 1
    assert not on_leave(actions.set_leave(inspector, leave_from=None, leave_to=None, by=member, at=now()), DAY)


def test_qualifications(inspector, member):
    row = actions.add_qualification(inspector, "food_sale", valid_from=DAY, by=member, at=now())
    assert actions.add_qualification(inspector, "food_sale", valid_from=DAY, by=member, at=now()).pk == row.pk
    with pytest.raises(Refused):
        actions.add_qualification(inspector, "alchemy", by=member, at=now())
    with pytest.raises(Refused):
        actions.end_qualification(row, on=DAY - datetime.timedelta(days=1), by=member, at=now())
    for _ in range(2):
        assert actions.end_qualification(row, on=DAY, by=member, at=now()).valid_to == DAY
    assert [act.verb for act in Act.objects.order_by("pk")][1:] == ["add_qualification", "end_qualification"]


# -- recusals ----------------------------------------------------------------------------------------------------------
def declare(inspector, entity, by, kind="relative", **more):
    return actions.declare_recusal(inspector, entity, kind, declared_on=DAY, by=by, at=now(), **more)


def test_an_inspector_declares_for_themselves_and_does_not_end_it(town, inspector, member):
    own = town.user("inspector")
    Inspector.objects.update(user=own)
    inspector.refresh_from_db()
    row = declare(inspector, town.entity(), own, note="配偶任职")
    with pytest.raises(NotAllowed, match="不能由本人解除"):
        actions.end_recusal(row, on=DAY, reason="没有了", by=own, at=now())
    with pytest.raises(NotAllowed):
        declare(inspector, town.entity(), town.user("inspector"))
    with pytest.raises(Refused, match="理由"):
        actions.end_recusal(row, on=DAY, reason=" ", by=member, at=now())
    ended = actions.end_recusal(row, on=DAY, reason="已离婚", by=member, at=now())
    assert ended.valid_to == DAY
    assert list(recusals_on(DAY)) == [row] and not recusals_on(DAY + datetime.timedelta(days=1)).exists()


def test_a_member_who_is_the_inspector_does_not_end_the_own_recusal(town, inspector):
    both = town.user("member")
    Inspector.objects.update(user=both)
    inspector.refresh_from_db()
    row = declare(inspector, town.entity(), both)
    with pytest.raises(NotAllowed):
        actions.end_recusal(row, on=DAY, reason="x", by=both, at=now())


def test_the_same_relation_is_one(town, inspector, member):
    entity = town.entity()
    row = declare(inspector, entity, member)
    assert declare(inspector, entity, member).pk == row.pk
    assert Act.objects.filter(verb="declare_recusal").count() == 1
    actions.end_recusal(row, on=DAY, reason="x", by=member, at=now())
    assert declare(inspector, entity, member).valid_to is None
    assert Recusal.objects.count() == 1


@pytest.mark.parametrize("kind", ["repeat_visit", "home_township", "nonsense"])
def test_what_the_draw_computes_is_not_declared(town, inspector, member, kind):
    with pytest.raises(Refused):
        declare(inspector, town.entity(), member, kind=kind)


# -- pages -------------------------------------------------------------------------------------------------------------
def test_the_pages_of_an_inspector(town, inspector, member, client):
    entity = town.entity(unit_id="uscc:91350100M000100Y43", name="甲公司")
    client.force_login(member)
    url = lambda name: reverse(f"registry:{name}", args=[inspector.pk])  # noqa: E731
    added = client.post(
        reverse("registry:add_inspector"),
        {"person_no": "HC-2", "name": "王", "office": town.office.pk, "status": "active", "level": "city"},
    )
    assert added.status_code == 302 and Inspector.objects.count() == 2
    assert client.post(url("add_qualification"), {"speciality": "metrology", "valid_to": "20271231"}).status_code == 302
    assert client.post(url("leave"), {"leave_from": "2026-12-01", "leave_to": "2026-12-05"}).status_code == 302
    assert (
        client.post(
            url("declare_recusal"), {"unit_id": "91350100M000100Y44", "kind": "other", "declared_on": "2026-11-24"}
        ).status_code
        == 422
    )
    assert (
        client.post(
            url("declare_recusal"), {"unit_id": "91350100M000100Y43", "kind": "other", "declared_on": "2026-11-24"}
        ).status_code
        == 302
    )
    page = client.get(url("inspector")).content.decode()
    assert "计量" in page and "甲公司" in page and "回避中" in page and "2027-12-31" in page
    row = Recusal.objects.get()
    assert (
        client.post(reverse("registry:end_recusal", args=[row.pk]), {"on": "2026-11-24", "reason": "误报"}).status_code
        == 302
    )
    assert (
        client.post(
            reverse("registry:end_qualification", args=[inspector.qualifications.get().pk]), {"on": "2026-11-30"}
        ).status_code
        == 302
    )
    edited = client.post(
        url("edit_inspector"),
        {
            "person_no": "HC-1",
            "name": "李改",
            "office": town.office.pk,
            "status": "left",
            "level": "city",
            "version": "2",
        },
    )
    assert edited.status_code == 302, edited.content.decode()
    assert "李改" in client.get(reverse("registry:inspectors") + "?status=left&speciality=metrology").content.decode()
    assert "李改" in client.get(reverse("registry:entity", args=[entity.pk])).content.decode() or not row.valid_to


def test_who_saves_second_sees_both_values(town, inspector, member, client):
    actions.change_inspector(inspector, {"name": "别人改的"}, version=1, by=member, at=now())
    client.force_login(member)
    answer = client.post(
        reverse("registry:edit_inspector", args=[inspector.pk]),
        {
            "person_no": "HC-1",
            "name": "我改的",
            "office": town.office.pk,
            "status": "active",
            "level": "city",
            "version": "1",
        },
    )
    assert answer.status_code == 422
    assert "别人改的" in answer.content.decode() and "我改的" in answer.content.decode()


def test_a_county_officer_sees_the_own_inspectors(town, inspector, client):
    county = town.user("member", town.county_office)
    Inspector.objects.create(person_no="C-1", name="县里的", office=town.county_office)
    client.force_login(county)
    body = client.get(reverse("registry:inspectors")).content.decode()
    assert "C-1" in body and "HC-1" not in body
    assert client.get(reverse("registry:inspector", args=[inspector.pk])).status_code == 403


def test_the_list_of_inspectors_goes_out_and_comes_in_again_unchanged(town, inspector, member, client):
    from django.core.files.base import ContentFile

    from zhunsheng.web.desk.importing import actions as importing
    from zhunsheng.web.desk.importing import find_kind

    actions.change_inspector(
        inspector,
        {"certificate_no": "豫1", "certificate_valid_to": DAY, "home_division": town.township},
        version=1,
        by=member,
        at=now(),
    )
    actions.add_qualification(inspector, "metrology", by=member, at=now())
    client.force_login(member)
    data = b"".join(
        client.get(
            reverse("registry:inspectors")
            + "?export=csv&columns=person_no,name,office,status,certificate,certificate_no,level,home,specialities"
        ).streaming_content
    )
    run = importing.receive(find_kind("inspectors"), ContentFile(data, name="a.csv"), "a.csv", by=member, at=now())
    assert (run.unchanged, run.problems) == (1, [])
