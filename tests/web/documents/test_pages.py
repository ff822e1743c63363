"""The room's pages: the register, a document, its series, writing one; and the public page that proves one."""

import datetime

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from zhunsheng.web.documents import actions, policy, queries
from zhunsheng.web.documents.models import IssuedDocument, State
from zhunsheng.web.public_log.models import Act

AT = datetime.datetime(2026, 11, 24, 9, 30, tzinfo=datetime.UTC)
LETTER = {"addressee": "各县（市、区）市场监督管理局", "body": "一、总体要求\n请认真落实。"}


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def letter(town, office=None, title="关于报送材料的函", **values):
    fields = LETTER | values
    return actions.issue("official.letter", office=office or town.office, fields=fields, title=title, by=None, at=AT)


def order(town, **values):
    fields = {"party": "张某某", "violation": "问题", "demand": "改正"} | values
    return actions.issue(
        "rectification.order", office=town.office, fields=fields, title="责令张某某改正", by=None, at=AT
    )


def login(client, user):
    client.force_login(user)
    session = client.session
    from zhunsheng.web.people import step_up

    session[step_up.CONFIRMED] = timezone.now().timestamp()
    session.save()
    return client


# -- staff ------------------------------------------------------------------------------------------------------------
def test_the_register_shows_the_own_offices_documents(client, town):
    mine, theirs = letter(town), letter(town, office=town.other_office, title="别家的函")
    page = login(client, town.user("member")).get(reverse("documents:home"))
    assert mine.number in page.text and theirs.number not in page.text
    assert theirs.number in login(client, town.user("auditor")).get(reverse("documents:home")).text


def test_the_register_filters_and_exports(client, town, django_assert_max_num_queries):
    one, other = letter(town), order(town)
    actions.void(other, by=town.user("head"), at=AT, reason="写错")
    login(client, town.user("member"))
    with django_assert_max_num_queries(16):
        page = client.get(reverse("documents:home"), {"state": "void"})
    assert other.number in page.text and one.number not in page.text
    assert one.number in client.get(reverse("documents:home"), {"q": "报送材料"}).text
    assert other.number not in client.get(reverse("documents:home"), {"kind": "official.letter"}).text
    table = b"".join(client.get(reverse("documents:home"), {"export": "csv"}).streaming_content).decode()
    assert one.number in table and other.content_sha256 in table


def test_a_page_with_many_documents_asks_no_more(client, town, django_assert_max_num_queries):
    for number in range(30):
        letter(town, title=f"函{number}")
    login(client, town.user("member"))
    with django_assert_max_num_queries(16):
        client.get(reverse("documents:home"))
    with django_assert_max_num_queries(14):
        client.get(reverse("documents:series"))


def test_a_document_is_shown_printed_and_voided(client, town):
    one = letter(town)
    login(client, town.user("head"))
    page = client.get(one.get_absolute_url())
    assert "请认真落实。" in page.text and one.content_sha256 in page.text and "还没有打印" in page.text
    pdf = client.get(reverse("documents:pdf", args=[one.pk]))
    assert pdf["Content-Type"] == "application/pdf" and pdf.content[:5] == b"%PDF-"
    one.refresh_from_db()
    assert one.pdf_sha256 in client.get(one.get_absolute_url()).text
    client.post(reverse("documents:void", args=[one.pk]), {"reason": "标题有误"})
    one.refresh_from_db()
    assert one.state == State.VOID
    assert "标题有误" in client.get(one.get_absolute_url()).text


def test_a_void_without_a_reason_is_told(client, town):
    one = letter(town)
    page = login(client, town.user("head")).post(reverse("documents:void", args=[one.pk]), {"reason": ""}, follow=True)
    one.refresh_from_db()
    assert "请写明作废的原因" in page.text and one.state == State.ISSUED


def test_the_wrong_office_and_the_wrong_role_are_refused(client, town):
    one = letter(town)
    for user in (
        town.user("member", office=town.other_office),
        town.user("head", office=town.county_office),
        town.user("lab"),
        town.firm_user(town.entity()),
    ):
        login(client, user)
        assert client.get(one.get_absolute_url()).status_code == 403
        assert client.get(reverse("documents:pdf", args=[one.pk])).status_code == 403
        assert client.post(reverse("documents:void", args=[one.pk]), {"reason": "x"}).status_code == 403
    for role in ("member", "auditor"):
        login(client, town.user(role))
        assert client.get(one.get_absolute_url()).status_code == 200
        assert client.post(reverse("documents:void", args=[one.pk]), {"reason": "x"}).status_code == 403
        assert client.get(reverse("documents:replace", args=[one.pk])).status_code == 403
        assert client.post(reverse("documents:disclose", args=[one.pk])).status_code == 403
    client.logout()
    assert client.get(one.get_absolute_url()).status_code == 302
    assert IssuedDocument.objects.get().state == State.ISSUED


def test_who_complains_is_shown_to_those_who_handle_it_and_each_look_is_recorded(client, town):
    """A notice to a complainant names them: the colleagues see that it exists, not what it says; nor do auditors."""
    handler = town.user("member")
    notice = actions.issue(
        "complaint.admission_notice", office=town.office, fields={"complainant": "赵某某", "respondent": "甲商店"},
        subject_type="matter", subject_id="nobody's", title="投诉受理决定书", by=handler, at=AT,
    )  # fmt: skip
    assert notice.protected and notice.personal and not letter(town).protected and not order(town).protected
    pdf = reverse("documents:pdf", args=[notice.pk])
    for role in ("member", "reviewer", "auditor"):
        login(client, town.user(role))
        page = client.get(notice.get_absolute_url())
        assert page.status_code == 200 and notice.number in page.text and "赵某某" not in page.text
        assert client.get(pdf).status_code == 403
    assert not Act.objects.filter(verb="document.read").exists()
    for user in (handler, town.user("head")):
        login(client, user)
        assert "赵某某" not in client.get(notice.get_absolute_url()).text
        assert client.get(pdf).status_code == 200
    assert [act.by for act in Act.objects.filter(verb="document.read").order_by("pk")] == [handler, user]
    login(client, town.user("head", office=town.other_office))
    assert client.get(notice.get_absolute_url()).status_code == 403


def test_the_handler_of_a_matter_reads_its_protected_documents(town):
    from zhunsheng.web.matters import actions as matters

    opener, other = town.user("member"), town.user("member")
    matter = matters.open_matter(
        "complaint", by=opener, at=timezone.now(), office=town.office,
        facts={"channel": "web", "subject": "漏水", "complainant": "赵某某", "contact": "13912345678"},
    )  # fmt: skip
    notice = actions.issue(
        "complaint.refusal_notice", office=town.office, fields={"complainant": "赵某某"}, subject_type="matter",
        subject_id=matter.no, title="x", by=None, at=AT,
    )  # fmt: skip
    assert policy.may_read(opener, notice) and not policy.may_read(other, notice)


def test_an_altered_file_is_not_handed_out(client, town):
    one = letter(town)
    actions.render(one)
    name = one.pdf.name
    one.pdf.storage.delete(name)
    one.pdf.storage.save(name, ContentFile(b"%PDF-other"))
    page = login(client, town.user("member")).get(reverse("documents:pdf", args=[one.pk]), follow=True)
    assert "摘要不符" in page.text


# -- writing ----------------------------------------------------------------------------------------------------------
def test_an_officer_writes_previews_and_issues(client, town):
    member = town.user("member")
    login(client, member)
    assert "询问笔录" in client.get(reverse("documents:choose")).text
    where = reverse("documents:write", args=["official.letter"])
    typed = {"office": town.office.pk, "title": "关于商请协查的函", "attachments": "清单\n照片"} | LETTER
    draft = client.post(where, typed | {"preview": "1"})
    assert draft["Content-Type"] == "application/pdf" and not IssuedDocument.objects.exists()
    client.post(where, typed)
    one = IssuedDocument.objects.get()
    assert one.issued_by == member and one.content["attachments"] == ["清单", "照片"] and one.seq == 1


def test_a_list_and_moments_are_typed_and_kept(client, town):
    login(client, town.user("member"))
    where = reverse("documents:write", args=["penalty.seized_list"])
    typed = {"office": town.office.pk, "title": "", "party": "甲公司", "items": "食用油|5L|乙厂|A1|12\n大米 | 10kg"}
    client.post(where, typed)
    one = IssuedDocument.objects.get()
    assert one.fields["items"][1] == {"name": "大米", "spec": "10kg"}
    bad = client.post(where, typed | {"items": "a|b|c|d|e|f|g"})
    assert bad.status_code == 422 and "第 1 行有 7 列" in bad.text
    client.post(reverse("documents:write", args=["penalty.scene_record"]), {
        "office": town.office.pk, "title": "", "party": "甲公司", "began_at": "2026-11-24T09:30", "place": "厂区", "handler_names": "某、某", "record_text": "见货架。",
    })  # fmt: skip
    record = IssuedDocument.objects.latest("pk")
    assert "2026年11月24日9时30分" in str(record.content) and queries.typed_values(record)["began_at"].minute == 30


def test_a_form_that_lacks_something_comes_back(client, town):
    login(client, town.user("member"))
    where = reverse("documents:write", args=["official.letter"])
    page = client.post(where, {"office": town.office.pk, "title": "", "addressee": "某"})
    assert page.status_code == 422 and not IssuedDocument.objects.exists()
    page = client.post(where, {"office": town.office.pk, "title": "函", "addressee": "𠮷", "body": "正文"})
    assert page.status_code == 422 and "U+20BB7" in page.text
    page = client.post(where, {"office": town.other_office.pk, "title": "函"} | LETTER)
    assert page.status_code == 422, "another office's name"
    assert client.get(reverse("documents:write", args=["penalty.decision"])).status_code == 404, (
        "made by a matter's step"
    )
    assert client.get(reverse("documents:write", args=["nothing"])).status_code == 404
    login(client, town.user("auditor"))
    assert client.get(reverse("documents:choose")).status_code == 403
    assert client.post(where, {"office": town.office.pk, "title": "函"} | LETTER).status_code == 403


def test_a_head_replaces_a_document(client, town):
    one = letter(town)
    login(client, town.user("head"))
    where = reverse("documents:replace", args=[one.pk])
    assert "请认真落实。" in client.get(where).text
    client.post(where, {"office": town.office.pk, "title": one.title} | LETTER | {"body": "请抓紧落实。"})
    new = IssuedDocument.objects.get(replaces=one)
    assert new.seq == 2 and new.number in client.get(one.get_absolute_url()).text


# -- series -----------------------------------------------------------------------------------------------------------
def test_the_series_page_says_what_comes_next_and_whether_all_is_there(client, town):
    letter(town)
    page = login(client, town.user("member")).get(reverse("documents:series"))
    assert "1…1 完整" in page.text
    year = timezone.localdate().year
    assert f"（测）市监罚〔{year}〕1号" in page.text
    letter(town)
    IssuedDocument.objects.filter(seq=1).delete()  # what no action does
    assert "有空号" in client.get(reverse("documents:series")).text


# -- the public -------------------------------------------------------------------------------------------------------
def proof(client, code):
    return client.get(reverse("documents:proof", args=[code]))


def test_anyone_learns_that_a_document_is_genuine(client, town):
    one = letter(town)
    actions.render(one)
    page = proof(client, one.code)
    assert page.status_code == 200 and "文书真实有效" in page.text
    for said in (one.number, one.title, one.office.name, one.content_sha256, one.pdf_sha256):
        assert said in page.text
    assert "请认真落实" not in page.text, "the text is not public"
    assert proof(client, one.code.lower()).status_code == 200
    assert proof(client, f"{one.code[:4]}-{one.code[4:8]}-{one.code[8:]}").status_code == 200


def test_a_disclosed_document_shows_its_text(client, town):
    one = letter(town)
    login(client, town.user("head")).post(reverse("documents:disclose", args=[one.pk]))
    client.logout()
    assert "请认真落实" in proof(client, one.code).text


def test_a_personal_document_shows_number_organ_day_and_hash_alone(client, town):
    one = order(town)
    page = proof(client, one.code)
    assert one.number in page.text and one.content_sha256 in page.text and "2026-11-24" in page.text
    assert "张某某" not in page.text and "责令" not in page.text.replace("责改", "")


def test_void_and_replaced_documents_say_so(client, town):
    head = town.user("head")
    one, two = order(town), letter(town)
    actions.void(one, by=head, at=AT, reason="当事人张某某写错")
    new = actions.replace(two, fields=LETTER, title="关于报送材料的函", by=head, at=AT)
    page = proof(client, one.code)
    assert "文书已作废" in page.text and "张某某" not in page.text and "真实有效" not in page.text
    page = proof(client, two.code)
    assert "文书已被替换" in page.text and new.number in page.text


@pytest.mark.parametrize(
    "code", ["ABCDEFGHJKMNPQRS", "x", "0" * 16, "ABCDEFGH'OR'1=1-", "%00", "A" * 500, "<script>alert(1)</script>"]
)
def test_an_unknown_code_is_told(client, town, code):
    page = proof(client, code) if "/" not in code else client.get("/q/" + code.replace("/", "%2F") + "/")
    assert page.status_code == 404
    assert "<script>alert" not in page.text
    if len(code) <= 16 and "%" not in code:
        assert "没有这份文书" in page.text


def test_the_address_in_the_code_is_absolute(town, settings):
    one = letter(town)
    settings.SITE_URL = "https://zl.example.gov.cn/"
    assert queries.address(one) == f"https://zl.example.gov.cn/q/{one.code}/"
    settings.SITE_URL, settings.ALLOWED_HOSTS, settings.HTTPS = "", ["*", ".zl.example.gov.cn"], True
    assert queries.address(one) == f"https://zl.example.gov.cn/q/{one.code}/"
