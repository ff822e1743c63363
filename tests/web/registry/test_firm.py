"""A firm's first page: what the state holds on it, and on nobody else."""

import datetime

import pytest
from django.urls import reverse

from zhunsheng.web.desk import providers
from zhunsheng.web.registry.models import Premises

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours(town):
    entity = town.entity(
        name="我们公司",
        address="甲路1号",
        risk_class="D",
        risk_class_source="内部评分",
        risk_class_on=datetime.date(2026, 1, 1),
        handling_organ="东河区市场监督管理局",
    )
    Premises.objects.create(entity=entity, no=1, address="乙路2号")
    return entity


def test_it_works(town, ours, client):
    client.force_login(town.firm_user(ours))
    body = client.get("/firm/").content.decode()
    assert "我们公司" in body and "甲路1号" in body and "乙路2号" in body
    assert "请向登记机关“东河区市场监督管理局”提出更正" in body


def test_the_risk_class_is_internal(town, ours, client):
    client.force_login(town.firm_user(ours))
    body = client.get("/firm/").content.decode()
    assert "只供监管部门内部" in body
    assert "内部评分" not in body and "信用风险高" not in body


def test_a_firm_sees_no_other_by_any_address(town, ours, client):
    other = town.entity(name="别家公司")
    premises = Premises.objects.create(entity=other, no=1, address="丙路3号")
    client.force_login(town.firm_user(ours))
    body = client.get(f"/firm/?entity={other.pk}&pk={other.pk}&unit_id={other.unit_id}").content.decode()
    assert "别家公司" not in body and "我们公司" in body
    for name, key in [
        ("entity", other.pk), ("edit_entity", other.pk), ("add_premises", other.pk), ("add_account", other.pk), ("edit_premises", premises.pk),
        ("close_premises", premises.pk), ("entity", ours.pk), ("edit_entity", ours.pk),
    ]:  # fmt: skip
        assert client.get(reverse(f"registry:{name}", args=[key])).status_code == 403, name
        assert client.post(reverse(f"registry:{name}", args=[key]), {"name": "x", "address": "x"}).status_code in (
            403,
            405,
        ), name
    other.refresh_from_db()
    assert other.name == "别家公司"


def test_staff_and_strangers_have_no_firm_page(town, client):
    assert client.get("/firm/").status_code == 302
    client.force_login(town.user("member"))
    assert client.get("/firm/").status_code == 403


def test_what_other_rooms_know_is_shown_to_the_audience_it_is_for(town, ours, client, monkeypatch):
    monkeypatch.setattr(providers, "_sections", {})
    for audience in ("firm", "staff"):
        providers.add_section(
            providers.Section(
                f"s-{audience}",
                f"只给{audience}",
                "registry/_tabs.html",
                frozenset({audience}),
                lambda entity, request: {"entity": entity},
            )
        )
    client.force_login(town.firm_user(ours))
    body = client.get("/firm/").content.decode()
    assert "只给firm" in body and "只给staff" not in body
    client.force_login(town.user("member"))
    body = client.get(reverse("registry:entity", args=[ours.pk])).content.decode()
    assert "只给staff" in body and "只给firm" not in body
