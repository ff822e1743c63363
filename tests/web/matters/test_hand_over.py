"""What is done beside the steps: hand-over, links, papers, web evidence, parties; each by those who may, each once."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.web.matters.conftest import PDF, colleague, paper
from zhunsheng.web.matters import actions
from zhunsheng.web.matters.models import MatterDocument, MatterLink, Party
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db


def at(matter, name, *more):
    return reverse(f"matters:{name}", args=[matter.no, *more])


def test_the_handler_gives_a_matter_to_a_colleague_with_a_reason(room):
    matter, other = room.matter_of("complaint"), colleague(room, "member", "other-member")
    client = room.client("member")
    url = at(matter, "hand_over")
    assert client.get(url).status_code == 200
    missing = client.post(url, {"office": room.office.pk, "handler": other.pk})
    assert missing.status_code == 422 and "reason" in missing.context["form"].errors
    assert client.post(url, {"office": room.office.pk, "handler": other.pk, "reason": "休假"}).status_code == 302
    matter.refresh_from_db()
    assert matter.handler == other
    assert Act.objects.get(verb="matter.hand_over").reason == "休假"
    assert client.get(url).status_code == 403  # no longer the handler


def test_only_the_head_gives_it_to_another_office(room):
    matter = room.matter_of("complaint")
    away = room.town.user("member", office=room.town.county_office, username="county-member")
    url = at(matter, "hand_over")
    typed = {"office": room.town.county_office.pk, "handler": away.pk, "reason": "属地办理"}
    assert room.client("member").post(url, typed).status_code == 422  # not among the handler's choices
    head = room.client("head")
    people = head.get(f"{url}?office={room.town.county_office.pk}").context["form"].fields["handler"].queryset
    assert list(people) == [away]
    assert head.post(url, typed).status_code == 302
    matter.refresh_from_db()
    assert (matter.office, matter.handler) == (room.town.county_office, away)


@pytest.mark.parametrize("role", ["reviewer", "inspector", "leader"])
def test_others_do_not_hand_over(room, role):
    matter = room.matter_of("complaint")
    assert room.client(role).get(at(matter, "hand_over")).status_code == 403


def test_an_ended_matter_stays_where_it_is(room):
    matter = room.matter_of("complaint")
    actions.take(matter, "transfer", by=room.users["member"], at=matter.opened_at, facts={"receiving_organ": "法院"})
    answer = room.client("head").post(
        at(matter, "hand_over"), {"office": room.office.pk, "handler": colleague(room, "member").pk, "reason": "试试"}
    )
    assert answer.status_code == 422 and "办结" in str(answer.context["form"].errors)


def test_two_matters_are_linked_once_and_both_pages_show_it(room):
    source, target = room.matter_of("complaint"), room.matter_of("violation_report")
    client = room.client("member")
    for _n in range(2):
        assert client.post(at(source, "link"), {"target": target.no.lower(), "kind": "same_text"}).status_code == 302
    assert MatterLink.objects.count() == 1 and Act.objects.filter(verb="matter.link").count() == 1
    assert target.no in client.get(source.get_absolute_url()).content.decode()
    assert source.no in client.get(target.get_absolute_url()).content.decode()


def test_a_matter_that_one_may_not_see_is_not_named_by_a_link(room):
    own = room.matter_of("complaint")
    member = room.town.user("member", office=room.town.other_office)
    hidden = room.matter_of("special_operation", office=room.town.other_office, by=member, title="另一机构的行动")
    client = room.client("member")
    assert client.post(at(own, "link"), {"target": hidden.no, "kind": "part_of"}).status_code == 422
    actions.link(own, hidden, "part_of", by=room.users["lead_office"], at=own.opened_at)
    page = client.get(own.get_absolute_url()).content.decode()
    assert hidden.no not in page and "另一机构的行动" not in page and "专项行动" in page


def test_a_paper_is_added_once_with_its_hash(room):
    matter = room.matter_of("complaint")
    client = room.client("member")
    for _n in range(2):
        assert client.post(at(matter, "add_document"), {"upload": paper(), "title": "购物小票"}).status_code == 302
    row = MatterDocument.objects.get(title="购物小票")
    page = client.get(matter.get_absolute_url()).content.decode()
    assert row.sha256 in page
    assert client.get(reverse("desk:attachment", args=[row.attachment_id])).status_code == 200


@pytest.mark.parametrize("role", ["reviewer", "inspector"])
def test_papers_about_a_person_open_for_the_handlers_only(room, role):
    matter = room.matter_of("complaint")
    room.client("member").post(at(matter, "add_document"), {"upload": paper(), "title": "身份证", "personal": "on"})
    row = MatterDocument.objects.get(title="身份证")
    url = reverse("desk:attachment", args=[row.attachment_id])
    assert room.client(role).get(url).status_code == 404
    assert url not in room.client(role).get(matter.get_absolute_url()).content.decode()
    assert room.client("head").get(url).status_code == 200


def test_a_hostile_file_is_refused_and_nothing_is_added(room):
    matter = room.matter_of("complaint")
    upload = SimpleUploadedFile("小票.pdf", b"MZ\x90\x00" + b"\0" * 300)
    answer = room.client("member").post(at(matter, "add_document"), {"upload": upload, "title": "小票"})
    assert answer.status_code == 422 and "upload" in answer.context["form"].errors
    assert not matter.documents.exists()


def test_web_evidence_keeps_address_and_instant(room):
    matter = room.matter_of("violation_report")
    client, url = room.client("member"), at(matter, "capture")
    typed = {"title": "店铺首页", "url": "https://shop.example.com/1", "captured_at": "2020-11-20T09:30"}
    assert client.post(url, typed | {"upload": SimpleUploadedFile("页面.pdf", PDF)}).status_code == 302
    row = matter.documents.get()
    assert (row.source_url, row.code) == ("https://shop.example.com/1", "web_evidence")
    for wrong in ({"url": "javascript:alert(1)"}, {"captured_at": "2999-01-01T00:00"}):
        answer = client.post(url, typed | wrong | {"upload": paper()})
        assert answer.status_code == 422 and list(answer.context["form"].errors) == list(wrong)


def test_a_shop_is_linked_to_the_entity_behind_it_and_an_addressee_signs(room):
    matter = room.matter_of("penalty")
    client, url = room.client("member"), at(matter, "add_party")
    shop = {"kind": "shop", "name": "鑫源旗舰店", "entity": room.entity.code, "note": "某平台 店铺号 1"}
    assert client.post(url, shop).status_code == 302
    assert Party.objects.get(kind="shop").entity == room.entity
    assert client.post(url, {"kind": "shop"}).status_code == 422
    assert client.post(url, {"kind": "addressee", "office": room.town.other_office.pk}).status_code == 302
    party = Party.objects.get(kind="addressee")
    assert client.post(at(matter, "receive", party.pk)).status_code == 403
    other = Client()
    other.force_login(room.town.user("member", office=room.town.other_office))
    for _n in range(2):
        assert other.post(at(matter, "receive", party.pk)).status_code == 302
    party.refresh_from_db()
    assert party.received_at is not None and Act.objects.filter(verb="matter.receive").count() == 1
