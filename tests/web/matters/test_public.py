"""Filing without an account: what is asked, looked over, sent once; what is hidden, limited and refused."""

import datetime
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common import city
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.matters import actions, intake, queries
from zhunsheng.web.matters.actions.filing import address_hash
from zhunsheng.web.matters.models import Filing, Matter, MatterLink, StepFact
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.registry.models import Division

pytestmark = pytest.mark.django_db

MONDAY = datetime.datetime(2026, 11, 2, 9, 0, tzinfo=CHINA)
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"
    b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\r\xefF\xb8\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture
def offices(town, settings, tmp_path):
    """The market offices of the city and of the county, as table matters/intake names them."""
    settings.HOME = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    city.choose("hengchuan")
    Office.objects.filter(pk=town.office.pk).update(code="market")
    Office.objects.filter(pk=town.county_office.pk).update(code=f"market_{town.county.code}")
    town.office.refresh_from_db()
    town.county_office.refresh_from_db()
    return town


COMPLAINT = {
    "subject": "在该店买的热水器用了三天就漏水，商家不肯退货，要求退还货款。",
    "claim": "1,299.50",
    "four_meters": "",
    "business": "",
    "division": "",
    "complainant": "张小三",
    "contact": "13912345678",
    "website": "",
}


def fill(client, name, **answers):
    """The form as a reader fills it in: with the mark that the empty form came with."""
    page = client.get(reverse(f"matters:{name}")).content.decode()
    once = re.search(r'name="once" value="([0-9a-f]{32})"', page)
    assert once, page[:400]
    return {**answers, "once": once[1]}


def carried(page: str) -> dict[str, str]:
    """The hidden fields of the page on which answers are looked over."""
    found = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', page)
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def send(client, name, answers, **more):
    """Looks the answers over and sends them. Returns the receipt page."""
    look = client.post(reverse(f"matters:{name}"), {**answers, "stage": "check", **more})
    assert look.status_code == 200, re.findall(r"error-summary.*?</ul>", look.content.decode(), re.DOTALL)
    assert not Matter.objects.exists(), "nothing is filed before it was looked over"
    hidden = carried(look.content.decode())
    sent = client.post(reverse(f"matters:{name}"), {**hidden, "stage": "send"})
    assert sent.status_code == 302, sent.content.decode()[-3000:]
    return client.get(sent["Location"]).content.decode(), hidden


def codes(page: str) -> list[tuple[str, str]]:
    """Numbers and codes on a receipt."""
    found = re.findall(r'<strong class="number">([^<]+)</strong>', page)
    return list(zip(found[::2], found[1::2], strict=True))


def test_a_complaint_is_looked_over_then_filed_with_a_code_that_is_shown_once(offices, client):
    entity = offices.entity(name="衡川好家电有限公司")
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": entity.name})
    page, _hidden = send(client, "complain_new", answers)
    ((no, code),) = codes(page)
    matter = Matter.objects.get()
    assert (matter.no, matter.state, matter.opened_by) == (no, "received", None)
    assert matter.entity == entity
    assert matter.office == offices.county_office, "the county in which the business is"
    assert matter.facts.get(code="claim").number == 129950
    assert matter.facts.get(code="channel").text == "web"
    assert matter.follow_hash == queries.follow_hash(no, code)
    assert code not in str(list(Matter.objects.values())), "the code itself is kept nowhere"
    assert "最迟" in page and str(matter.next_due_on) in page
    stranger = Client().get(reverse("matters:filed"))
    assert stranger.status_code == 302


def test_the_codes_lie_sealed_in_the_session(offices, client):
    page, _hidden = send(client, "complain_new", fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"}))
    ((no, code),) = codes(page)
    assert code not in str(dict(client.session))


def test_one_text_becomes_two_linked_matters_or_none(offices, client, monkeypatch):
    answers = fill(client, "complain_new", **COMPLAINT) | {"also_report": "on", "business": "无名小店"}
    page, _hidden = send(client, "complain_new", answers)
    complaint, report = Matter.objects.order_by("pk")
    assert [complaint.procedure, report.procedure] == ["complaint", "violation_report"]
    link = MatterLink.objects.get()
    assert (link.source, link.target, link.kind) == (complaint, report, "same_text")
    assert len(codes(page)) == 2
    assert len({code for _no, code in codes(page)}) == 2
    assert report.facts.get(code="informant").personal
    assert report.publicity == "closed"


def test_where_the_second_matter_is_refused_the_first_is_not_filed_either(offices):
    told = {"channel": "web", "subject": "热水器漏水不退", "complainant": "张三", "contact": "13912345678"}
    with pytest.raises(Refused):
        actions.file(
            [actions.Wish("complaint", told), actions.Wish("violation_report", {"channel": "web"})],
            office=offices.office, division=None, at=MONDAY, once="a" * 32, address="198.51.100.7",
        )  # fmt: skip
    assert not Matter.objects.exists()
    assert not Filing.objects.exists()


def test_sent_twice_it_is_filed_once(offices, client):
    answers = fill(client, "complain_new", **COMPLAINT) | {"business": "无名小店"}
    _page, hidden = send(client, "complain_new", answers)
    again = client.post(reverse("matters:complain_new"), {**hidden, "stage": "send"})
    assert again.status_code == 302
    assert Matter.objects.count() == 1


def test_of_businesses_with_like_names_one_is_chosen(offices, client):
    first, second = offices.entity(name="衡川大福超市东店"), offices.entity(name="衡川大福超市西店")
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "大福超市"})
    asked = client.post(reverse("matters:complain_new"), {**answers, "stage": "check"})
    assert asked.status_code == 422
    page = asked.content.decode()
    assert first.name in page and second.name in page
    send(client, "complain_new", {**answers, "unit": second.unit_id})
    assert Matter.objects.get().entity == second


def test_a_business_that_the_register_does_not_have_is_kept_as_it_was_named(offices, client):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "街角的无名小店"})
    send(client, "complain_new", {**answers, "division": offices.county.code})
    matter = Matter.objects.get()
    assert matter.entity is None
    assert matter.facts.get(code="respondent_name").text == "街角的无名小店"
    assert (matter.division, matter.office) == (offices.county, offices.county_office)


def test_a_closed_business_is_not_offered(offices, client):
    offices.entity(name="衡川已经关门的店", status="cancelled")
    send(client, "complain_new", fill(client, "complain_new", **{**COMPLAINT, "business": "衡川已经关门的店"}))
    assert Matter.objects.get().facts.filter(code="respondent_name").exists()


@pytest.mark.parametrize("division", ["990199", "abc", "990101001", "-1", "99' OR 1=1"])
def test_a_division_that_is_none_is_refused(offices, client, division):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    answer = client.post(reverse("matters:complain_new"), {**answers, "division": division, "stage": "check"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("subject", "短"),
        ("subject", "长" * 5001),
        ("subject", "有零字节\0的很长的一段文字"),
        ("contact", "没有号码"),
        ("complainant", ""),
        ("claim", "-1"),
        ("claim", "1e999"),
        ("business", ""),
        ("four_meters", "telephone"),
        ("once", "not-a-mark"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(offices, client, field, text):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    answer = client.post(reverse("matters:complain_new"), {**answers, field: text, "stage": "send"})
    assert answer.status_code == 422
    assert not Matter.objects.exists()


def test_a_text_too_large_for_any_form_is_turned_away(offices, client):
    answers = fill(client, "complain_new", **COMPLAINT)
    assert client.post(reverse("matters:complain_new"), {**answers, "subject": "长" * 2_000_000}).status_code == 400


def test_a_program_that_fills_in_every_field_is_told_to_leave_one_empty(offices, client):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店", "website": "https://example.org"})
    answer = client.post(reverse("matters:complain_new"), {**answers, "stage": "send"})
    assert answer.status_code == 422
    assert "请清空" in answer.content.decode()
    assert not Matter.objects.exists()


def test_from_one_address_only_so_many_in_an_hour(offices):
    told = {"channel": "web", "subject": "热水器漏水不退", "complainant": "张三", "contact": "13912345678"}

    def file(n, at, address="198.51.100.7"):
        wishes = [actions.Wish("complaint", told)]
        return actions.file(wishes, office=offices.office, division=None, at=at, once=f"{n:032x}", address=address)

    for n in range(5):
        file(n, MONDAY + datetime.timedelta(minutes=n))
    with pytest.raises(actions.TooMany):
        file(5, MONDAY + datetime.timedelta(minutes=10))
    assert Matter.objects.count() == 5
    file(6, MONDAY + datetime.timedelta(minutes=10), "203.0.113.9")
    file(7, MONDAY + datetime.timedelta(minutes=61))
    assert Matter.objects.count() == 7


def test_what_is_kept_of_an_address_does_not_tell_it_and_goes_after_two_days(offices):
    told = {"channel": "web", "subject": "热水器漏水不退", "complainant": "张三", "contact": "13912345678"}
    for n, days in enumerate((0, 3)):
        actions.file(
            [actions.Wish("complaint", told)], office=offices.office, division=None,
            at=MONDAY + datetime.timedelta(days=days), once=f"{n:032x}", address="198.51.100.7",
        )  # fmt: skip
    kept = Filing.objects.get()
    assert kept.at > MONDAY
    assert "198.51.100.7" not in str(vars(kept))
    assert kept.address == address_hash("198.51.100.7") != address_hash("198.51.100.8")


def test_behind_a_proxy_the_address_is_the_one_our_proxy_saw(offices, rf, settings):
    from zhunsheng.web.matters.views.reading import address_of

    request = rf.get("/", headers={"X-Forwarded-For": "10.0.0.1, 203.0.113.9"})
    settings.SECURE_PROXY_SSL_HEADER = None
    assert address_of(request) == "127.0.0.1", "without a proxy of ours the header is anybody's word"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert address_of(request) == "203.0.113.9"


def test_evidence_waits_while_the_answers_are_looked_over(offices, client):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    send(
        client,
        "complain_new",
        answers,
        evidence=[SimpleUploadedFile("发票.png", PNG), SimpleUploadedFile("合同.png", PNG)],
    )
    matter = Matter.objects.get()
    assert matter.documents.filter(added_by=None).count() == 1, "the same bytes are one paper"
    assert matter.documents.first().attachment.created_by is None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("virus.exe", b"MZ\x90\x00"),
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.png", b"<svg onload=alert(1)>"),
        ("empty.png", b""),
    ],
)
def test_a_hostile_file_is_refused_at_its_field(offices, client, name, data):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    answer = client.post(
        reverse("matters:complain_new"), {**answers, "stage": "check", "evidence": [SimpleUploadedFile(name, data)]}
    )
    assert answer.status_code == 422
    assert not Attachment.objects.exists()


def test_a_name_that_climbs_out_of_its_folder_is_only_a_name(offices, client, settings):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    send(client, "complain_new", answers, evidence=[SimpleUploadedFile("../../../evil.png", PNG)])
    kept = Attachment.objects.get()
    assert kept.name == "evil.png"
    assert kept.file.path.startswith(str(settings.MEDIA_ROOT))


def test_files_from_one_address_are_limited_as_well(offices):
    for n in range(60):
        Filing.objects.create(kind="uploaded", address=address_hash("198.51.100.7"), at=MONDAY, once=str(n))
    with pytest.raises(actions.TooMany):
        actions.upload(SimpleUploadedFile("a.png", PNG), at=MONDAY, address="198.51.100.7")
    assert actions.upload(SimpleUploadedFile("a.png", PNG), at=MONDAY, address="203.0.113.9").mime == "image/png"


def test_files_of_somebody_else_cannot_be_named(offices, client):
    mine = Attachment.objects.create(
        sha256="0" * 64, name="秘密.pdf", mime="application/pdf", size=1, file="x", created_at=MONDAY
    )
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    look = client.post(
        reverse("matters:complain_new"), {**answers, "kept": f"{{'files': [{mine.pk}]}}", "stage": "check"}
    )
    assert look.status_code == 200
    assert "秘密" not in look.content.decode()


def test_answers_can_be_mended_before_sending(offices, client):
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    hidden = carried(client.post(reverse("matters:complain_new"), {**answers, "stage": "check"}).content.decode())
    page = client.post(reverse("matters:complain_new"), {**hidden, "stage": "edit"})
    assert page.status_code == 200
    assert COMPLAINT["subject"] in page.content.decode()
    assert "有内容需要修改" not in page.content.decode()


def test_a_report_without_a_name_keeps_none(offices, client):
    answers = fill(
        client, "report_new", subject="该作坊夜间生产没有标签的食用油，车牌见照片。", business="", division="", website="",
        named="no", informant="王五", contact="13712345678",
    )  # fmt: skip
    page, _hidden = send(client, "report_new", answers)
    matter = Matter.objects.get()
    assert not StepFact.objects.filter(matter=matter, personal=True).exists()
    assert matter.facts.get(code="informant_named").number == 0
    assert len(codes(page)) == 1


def test_a_named_report_leaves_a_name_and_a_contact(offices, client):
    answers = fill(
        client, "report_new", subject="该作坊夜间生产没有标签的食用油，车牌见照片。", business="", division="", website="",
        named="yes", informant="", contact="",
    )  # fmt: skip
    answer = client.post(reverse("matters:report_new"), {**answers, "stage": "check"})
    assert answer.status_code == 422
    assert "请写姓名" in answer.content.decode() and "请留联系方式" in answer.content.decode()


def claim(offices, **answers):
    return {
        "product": "电热水器 DS-60", "product_class": "other", "bought_on": "2026-01-05", "trouble_on": "2026-01-08", "basis": "return", "claimed": "1299",
        "division": "", "claimant": "张小三", "contact": "13912345678", "website": "", **answers,
    }  # fmt: skip


def test_a_claim_goes_to_the_business_with_its_proof(offices, client):
    entity = offices.entity(name="衡川好家电有限公司")
    answers = fill(client, "claim_new", **claim(offices, business=entity.name))
    without = client.post(reverse("matters:claim_new"), {**answers, "stage": "check"})
    assert without.status_code == 422 and "购货凭证" in without.content.decode()
    send(client, "claim_new", answers, proof=SimpleUploadedFile("发票.png", PNG))
    matter = Matter.objects.get()
    assert (matter.procedure, matter.entity, matter.firm_sees) == ("compensation", entity, True)
    assert matter.documents.get(code="proof").attachment.name == "发票.png"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("trouble_on", "2026-01-01", "早于购买"),
        ("bought_on", "2999-01-01", "晚于今天"),
        ("business", "查无此店", "没有找到"),
    ],
)
def test_a_claim_that_cannot_be_is_refused(offices, client, field, text, said):
    entity = offices.entity(name="衡川好家电有限公司")
    answers = fill(client, "claim_new", **claim(offices, business=entity.name)) | {field: text}
    answer = client.post(
        reverse("matters:claim_new"), {**answers, "stage": "check", "proof": SimpleUploadedFile("发票.png", PNG)}
    )
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_a_request_for_information_goes_to_the_organ_asked(offices, client):
    answers = fill(
        client, "disclosure_new", organ=str(offices.other_office.pk), wanted="2026年上半年农资抽查计划（电子版）", applicant="李四",
        contact="li@example.org", website="",
    )  # fmt: skip
    send(client, "disclosure_new", answers)
    matter = Matter.objects.get()
    assert (matter.procedure, matter.office) == ("disclosure_request", offices.other_office)


def test_the_office_of_a_day_is_the_one_the_table_names(offices):
    day = datetime.date(2026, 11, 2)
    assert intake.office_for("complaint", day, division=offices.township) == offices.county_office
    assert intake.office_for("complaint", day) == offices.office
    elsewhere = Division.objects.create(code="990109", name="西河区", level="county", parent=offices.city)
    assert intake.office_for("complaint", day, division=elsewhere) == offices.office, "no office there: the city's"
    assert intake.office_for("accident", day, case="construction") is None, "no housing office in this town"
    assert intake.office_for("nonsense", day) is None


def test_without_an_office_nothing_is_filed(town, client, settings, tmp_path):
    settings.HOME = tmp_path
    answers = fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"})
    answer = client.post(reverse("matters:complain_new"), {**answers, "stage": "send"})
    assert answer.status_code == 422
    assert "12315" in answer.content.decode()


def test_nothing_personal_stands_in_the_audit_trail(offices, client):
    send(client, "complain_new", fill(client, "complain_new", **{**COMPLAINT, "business": "无名小店"}))
    said = str(list(Act.objects.values_list("verb", "changes", "reason")))
    assert "张小三" not in said and "13912345678" not in said


def test_without_the_token_of_the_form_nothing_is_taken(offices):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(reverse("matters:complain_new"), COMPLAINT).status_code == 403
