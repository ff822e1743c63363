"""公文: drafted, checked, countersigned by offices, signed, numbered, sealed, sent, received. By the pages, as people do."""

import datetime
import itertools
import re

import pytest
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone

from tests.web.matters.conftest import paper
from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.common.records import Publicity
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.desk.models import Notice
from zhunsheng.web.documents import queries as documents
from zhunsheng.web.documents.models import IssuedDocument, Series
from zhunsheng.web.matters import actions, dispatching, jobs, providers, queries
from zhunsheng.web.matters.models import Disclosure, Matter, MatterLink, Party
from zhunsheng.web.people import actions as people
from zhunsheng.web.people.models import Post

pytestmark = pytest.mark.django_db
TEXT = "一、总体要求\n现就联合检查有关事项通知如下。\n二、工作安排\n请认真组织实施。"


class Desk:
    """A drafting office with its people, two offices that countersign, one that receives; their clients."""

    def __init__(self, room):
        self.room = room
        town = room.town
        self.drafter, self.head = room.users["member"], room.users["head"]
        self.clerk = town.user("member", username="clerk")
        self.offices = [town.other_office, town.county_office]
        self.heads = [town.user("head", office=one, username=f"head-{n}") for n, one in enumerate(self.offices)]
        self.reader = town.user("member", office=town.county_office, username="reader")

    def client(self, user) -> Client:
        client = Client()
        client.force_login(user)
        session = client.session
        session["step_up_at"] = timezone.now().timestamp()
        session.save()
        return client

    def typed(self, **given):
        return {
            "document_kind": "notice", "title": "关于开展联合检查的通知", "addressee": "有关企业", "body": TEXT,
            "step_addressees": [self.offices[1].pk], "countersigners": [one.pk for one in self.offices],
            "normative": "no", "needs_legal_review": "no", "column": "notices",
        } | given  # fmt: skip

    def draft(self, source=None, **given) -> Matter:
        url = reverse("matters:open", args=["official_document"])
        if source is not None:
            url += f"?source={source.no}&link=signs"
        answer = self.client(self.drafter).post(url, self.typed(**given))
        assert answer.status_code == 302, answer.content.decode()[:3000]
        return Matter.objects.get(procedure="official_document", no=answer.url.strip("/").rpartition("/")[2])

    def step(self, user, matter, verb, expected=302, **typed):
        url = reverse("matters:step", args=[matter.no, verb])
        with TestCase.captureOnCommitCallbacks(execute=True):
            answer = self.client(user).post(url, typed | {"step_after": matter.steps.count()})
        said = re.findall(r'<div class="notice bad.*?</div></div>', answer.content.decode(), re.S)
        assert answer.status_code == expected, said or answer.content.decode()[:4000]
        matter.refresh_from_db()
        return answer

    def to(self, matter, state):
        """Takes the matter on to a state, the usual way."""
        users = self.room.users
        way = {
            "drafted": (users["reviewer"], "check", {}),
            "checked": (self.drafter, "send_round" if matter.parties.filter(kind="countersigner").exists() else "skip_countersigning", {}),
            "countersigning": (self.drafter, "finish_countersigning", {}),
            "legal_review": (self.drafter, "skip_legal_review", {}),
            "ready": (self.head, "sign", {}),
            "signed": (self.drafter, "number", {}),
            "numbered": (self.drafter, "seal", {}),
            "sealed": (self.drafter, "send", {}),
        }  # fmt: skip
        while matter.state != state:
            user, verb, typed = way[matter.state]
            if verb == "finish_countersigning":
                for party in matter.parties.filter(kind="countersigner", answer=""):
                    self.step(self.heads[self.offices.index(party.office)], matter, "countersign")
            if verb == "send" and matter.publicity_approved_at is None:
                actions.classify(matter, Publicity.ACTIVE, by=users["reviewer"], at=timezone.now())
                matter.refresh_from_db()
            self.step(user, matter, verb, **typed)
        return matter


@pytest.fixture
def office(room):
    return Desk(room)


def step_facts(matter):
    return queries.standing(matter).facts


# -- the whole way -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", list(itertools.permutations((0, 1))))
def test_a_document_goes_its_whole_way_whichever_office_countersigns_first(office, order):
    matter = office.draft()
    assert matter.title == "关于开展联合检查的通知" and step_facts(matter)["countersigners"] == 2
    assert step_facts(matter)["addressee"] == f"{office.offices[1].name}、有关企业"
    office.to(matter, "countersigning")
    for n in order:
        assert "有部门未会签" in office.client(office.drafter).get(matter.get_absolute_url()).content.decode()
        office.step(office.heads[n], matter, "countersign", opinion=f"意见{n}")
    office.to(matter, "signed")
    number = step_facts(office.to(matter, "numbered"))["number"]
    document = IssuedDocument.objects.get(number=number)
    assert (
        document.kind == "official.notice" and document.title == matter.title and document.office == office.room.office
    )
    office.to(matter, "sent")
    party = matter.parties.get(kind="addressee")
    assert office.client(office.reader).post(reverse("matters:sign_for", args=[party.pk])).status_code == 302
    party.refresh_from_db()
    assert party.received_by == office.reader and step_facts(matter)["receipts"] == 1
    office.step(office.drafter, matter, "deliver", received_on=timezone.localdate().isoformat())
    assert matter.state == "delivered" and matter.ended_at is not None


def test_the_document_is_drafted_from_a_matter_and_stands_among_its_papers(office, matter_of):
    source = matter_of("transfer", title="关于无证生产电缆的案件")
    page = office.client(office.drafter).get(source.get_absolute_url()).content.decode()
    url = f"{reverse('matters:open', args=['official_document'])}?source={source.no}&link=signs"
    assert url.replace("&", "&amp;") in page
    form = office.client(office.drafter).get(url).content.decode()
    assert "关于关于无证生产电缆的案件的函" in form and "东河电器有限公司" in form
    matter = office.draft(source=source, countersigners=[])
    link = MatterLink.objects.get(source=source, target=matter)
    assert link.kind == MatterLink.Kind.SIGNS
    assert "签发的公文" not in office.client(office.drafter).get(source.get_absolute_url()).content.decode()
    office.to(matter, "sent")
    page = office.client(office.drafter).get(source.get_absolute_url()).content.decode()
    assert "签发的公文" in page and step_facts(matter)["number"] in page and "已发出" in page


def test_what_a_report_says_of_who_filed_it_is_not_put_into_the_draft(office, matter_of):
    source = matter_of("violation_report")
    form = office.client(office.drafter).get(
        f"{reverse('matters:open', args=['official_document'])}?source={source.no}&link=signs"
    )
    for fact in queries.personal_facts(source):
        assert str(fact.value) not in form.content.decode()


def test_each_redraft_is_a_version_of_the_draft_and_changes_the_offices(office):
    matter = office.draft()
    office.step(
        office.drafter,
        matter,
        "redraft",
        **office.typed(title="关于检查的通知", countersigners=[office.offices[0].pk], step_addressees=[]),
    )
    drafts = [one.issued for one in matter.documents.filter(code="draft").order_by("pk")]
    assert [one.fields["title"] for one in drafts] == [
        "关于开展联合检查的通知",
        "关于检查的通知",
    ] and matter.title == "关于检查的通知"
    assert [one.office for one in matter.parties.filter(kind="countersigner")] == [office.offices[0]]
    assert not matter.parties.filter(kind="addressee").exists()
    assert step_facts(matter)["countersigners"] == 1 and step_facts(matter)["addressee"] == "有关企业"


def test_a_draft_without_addressee_or_countersigned_by_itself_is_refused_with_everything_typed(office):
    url = reverse("matters:open", args=["official_document"])
    client = office.client(office.drafter)
    answer = client.post(url, office.typed(addressee="", step_addressees=[]))
    assert (
        answer.status_code == 422
        and "请选择主送机构" in answer.content.decode()
        and "工作安排" in answer.content.decode()
    )
    assert client.post(url, office.typed(countersigners=[office.room.office.pk])).status_code == 422
    with pytest.raises(Refused, match="拟稿机构不会签自己的公文"):
        actions.open_matter(
            "official_document", by=office.drafter, at=timezone.now(), office=office.room.office,
            facts={"title": "甲", "addressee": "乙", "body": "丙", "needs_legal_review": False, "countersigners": 9},
            offices={"countersigner": [office.room.office]},
        )  # fmt: skip
    assert not Matter.objects.exists()


# -- countersigning ----------------------------------------------------------------------------------------------------
def test_offices_countersign_and_not_people(office):
    """One person heads both offices: each office has its own say, and two heads of one office have one."""
    one, other = office.offices
    Post.objects.create(user=office.heads[0], office=other, role="head", valid_from=datetime.date(2020, 1, 1))
    second = office.room.town.user("head", office=one, username="second-head")
    matter = office.to(office.draft(), "countersigning")
    office.step(office.heads[0], matter, "countersign")
    assert step_facts(matter)["answered"] == 1 and matter.steps.get(verb="countersign").office == one
    answer = office.client(second).get(reverse("matters:step", args=[matter.no, "countersign"]))
    assert answer.status_code == 403 and "已经办理过" in answer.content.decode()
    with pytest.raises(NotAllowed, match="已经办理过"):
        actions.take(matter, "countersign", by=second, at=timezone.now())
    with pytest.raises(Refused, match="有部门未会签"):
        actions.take(matter, "finish_countersigning", by=office.drafter, at=timezone.now())
    office.step(office.heads[0], matter, "countersign")
    assert step_facts(matter)["answered"] == 2
    office.step(office.drafter, matter, "finish_countersigning")


def test_only_the_heads_concerned_countersign_and_they_do_nothing_else(office):
    matter = office.to(office.draft(countersigners=[office.offices[0].pk]), "countersigning")
    for user in (office.head, office.drafter, office.room.users["leader"]):
        with pytest.raises(NotAllowed):
            actions.take(matter, "countersign", by=user, at=timezone.now())
    assert office.client(office.heads[1]).get(matter.get_absolute_url()).status_code == 404
    head = office.heads[0]
    for verb, facts in (("return_draft", {"opinion": "退"}), ("abandon", {"opinion": "不发"})):
        with pytest.raises(NotAllowed):
            actions.take(matter, verb, by=head, at=timezone.now(), facts=facts)
    office.step(head, matter, "countersign")
    office.to(matter, "ready")
    with pytest.raises(NotAllowed):
        actions.take(matter, "sign", by=head, at=timezone.now())


def test_an_objection_is_reported_to_who_signs_or_settled(office):
    matter = office.to(office.draft(), "countersigning")
    office.step(office.heads[0], matter, "object", expected=422)
    office.step(office.heads[0], matter, "object", opinion="时间与我局安排冲突")
    office.step(office.heads[1], matter, "countersign")
    with pytest.raises(Refused, match="提出了异议"):
        actions.take(matter, "finish_countersigning", by=office.drafter, at=timezone.now())
    assert "时间与我局安排冲突" in dispatching.sheet(matter, step_facts(matter))["countersign"]
    office.step(office.heads[0], matter, "countersign", opinion="已调整，同意")
    assert step_facts(matter)["objections"] == 0 and step_facts(matter)["answered"] == 2
    with pytest.raises(Refused, match="没有异议"):
        actions.take(matter, "report_objections", by=office.drafter, at=timezone.now(), facts={"opinion": "无"})
    office.step(office.drafter, matter, "finish_countersigning")
    other = office.to(office.draft(), "countersigning")
    office.step(office.heads[0], other, "object", opinion="不同意")
    office.step(office.heads[1], other, "countersign")
    office.step(office.drafter, other, "report_objections", opinion="两次协商未果，建议按原方案")
    assert other.state == "legal_review"


def test_what_was_returned_goes_round_anew(office):
    matter = office.to(office.draft(), "countersigning")
    for head in office.heads:
        office.step(head, matter, "countersign")
    office.step(office.head, matter, "return_draft", opinion="依据不足")
    office.to(matter, "countersigning")
    assert step_facts(matter)["answered"] == 0
    with pytest.raises(Refused, match="有部门未会签"):
        actions.take(matter, "finish_countersigning", by=office.drafter, at=timezone.now())
    for head in office.heads:
        office.step(head, matter, "countersign")
    office.step(office.drafter, matter, "finish_countersigning")


def test_each_head_has_it_on_the_desk_until_the_office_has_answered(office):
    matter = office.to(office.draft(), "countersigning")
    assert Notice.objects.filter(user=office.heads[0], text__contains="请会签公文").exists()
    assert _waits(office.heads[0], "等我会签的公文") == [matter]
    office.step(office.heads[0], matter, "countersign")
    assert _waits(office.heads[0], "等我会签的公文") == [] and _waits(office.heads[1], "等我会签的公文") == [matter]


def _waits(user, kind):
    user.__dict__.pop("_posts_by_day", None)
    for one in providers.tasks(user, timezone.localdate()):
        if str(one.kind) == kind:
            return list(one.things)
    return []


# -- legal review ------------------------------------------------------------------------------------------------------
def test_a_normative_document_is_reviewed_whatever_the_drafter_says(office):
    matter = office.draft(normative="yes", needs_legal_review="no", countersigners=[])
    assert step_facts(matter)["needs_legal_review"] is True
    office.to(matter, "legal_review")
    with pytest.raises(Refused, match="须经合法性审核"):
        actions.take(matter, "skip_legal_review", by=office.drafter, at=timezone.now())
    office.step(office.room.users["reviewer"], matter, "pass_legal_review", opinion="合法")
    assert not dispatching.needs_review(True, datetime.date(2009, 1, 1)) and not dispatching.needs_review(
        False, datetime.date(2026, 1, 1)
    )


# -- numbers and seals -------------------------------------------------------------------------------------------------
def test_numbers_have_no_gap_and_nobody_types_them(office):
    numbers = []
    for n in range(3):
        matter = office.to(office.draft(countersigners=[], title=f"第{n}号"), "signed")
        page = office.client(office.drafter).get(reverse("matters:step", args=[matter.no, "number"])).content.decode()
        assert 'name="number"' not in page
        preview = office.client(office.drafter).get(reverse("matters:final_preview", args=[matter.no]))
        assert preview.status_code == 200 and preview.content.startswith(b"%PDF")
        office.step(office.drafter, matter, "number", number="测市监〔2026〕999号")
        numbers.append(step_facts(matter)["number"])
    year = timezone.localdate().year
    assert [one.rpartition("〕")[2] for one in numbers] == ["1号", "2号", "3号"] and all(
        f"〔{year}〕" in one for one in numbers
    )
    assert Series.objects.get(series__startswith="letter").last == 3
    with pytest.raises(Refused):
        actions.take(matter, "number", by=office.drafter, at=timezone.now())
    assert Series.objects.get(series__startswith="letter").last == 3


def test_the_preview_says_that_the_number_is_still_to_come(office):
    matter = office.draft(countersigners=[])
    assert actions.NO_NUMBER == "待编号"
    made = documents.content(
        documents.kind("official.notice", timezone.localdate()), office=matter.office, values=step_facts(matter),
        title=matter.title, number=actions.NO_NUMBER, day=timezone.localdate(),
    )  # fmt: skip
    assert made["number"] == "待编号"
    answer = office.client(office.drafter).post(
        reverse("matters:open", args=["official_document"]), office.typed(step_preview="final")
    )
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert Matter.objects.count() == 1


def test_the_sealed_document_is_the_print_or_the_scan(office):
    matter = office.to(office.draft(countersigners=[]), "sealed")
    final, sealed = dispatching.final_of(matter), dispatching.sealed_of(matter)
    assert sealed.issued == final.issued and sealed.sha256 == final.sha256 == step_facts(matter)["sealed"]
    proof = Client().get(reverse("documents:proof", args=[final.issued.code]))
    assert proof.status_code == 200 and final.issued.number in proof.content.decode()
    other = office.to(office.draft(countersigners=[]), "numbered")
    office.step(office.drafter, other, "seal", sealed=paper("用印.txt", "扫描件"))
    assert dispatching.sealed_of(other).attachment.name == "用印.txt"


# -- the approval sheet ------------------------------------------------------------------------------------------------
def test_the_approval_sheet_is_printed_in_every_state_and_says_who_said_what(office):
    matter = office.draft()
    url = reverse("matters:approval_sheet", args=[matter.no])
    issued = IssuedDocument.objects.count()
    assert office.client(office.drafter).get(url).content.startswith(b"%PDF")
    assert IssuedDocument.objects.count() == issued
    sheet = dispatching.sheet(matter, step_facts(matter))
    assert sheet["drafter"] == str(office.drafter) and "核稿人（签名）" in sheet["check_signed"]
    office.step(office.room.users["reviewer"], matter, "check", opinion="文字已改")
    office.to(matter, "countersigning")
    office.step(office.heads[0], matter, "countersign", opinion="同意")
    office.step(office.heads[1], matter, "countersign")
    office.to(matter, "ready")
    office.step(office.head, matter, "sign", opinion="同意，抓紧发出")
    sheet = dispatching.sheet(matter, step_facts(matter))
    assert sheet["check_opinion"] == "文字已改" and str(office.room.users["reviewer"]) in sheet["check_signed"]
    assert f"{office.offices[0].name}：会签同意：同意（{office.heads[0]}" in sheet["countersign"]
    assert sheet["legal_opinion"] == "无须合法性审核" and sheet["instruction"] == "同意，抓紧发出"
    assert str(office.head) in sheet["instruction_signed"]
    assert office.client(office.drafter).get(url).status_code == 200
    other = office.room.matter_of("complaint")
    assert office.client(office.drafter).get(reverse("matters:approval_sheet", args=[other.no])).status_code == 404


# -- the scanned instruction -------------------------------------------------------------------------------------------
def test_a_written_instruction_counts_with_its_scan_and_the_leader_named(office):
    matter = office.to(office.draft(countersigners=[]), "ready")
    scan = {"written_instruction": paper("批示.txt", "同意。")}
    office.step(office.clerk, matter, "record_instruction", expected=422, instructed_by=office.head.pk)
    office.step(office.clerk, matter, "record_instruction", expected=422, **scan)
    office.step(
        office.clerk,
        matter,
        "record_instruction",
        expected=422,
        instructed_by=office.reader.pk,
        written_instruction=paper(),
    )
    office.step(
        office.drafter,
        matter,
        "record_instruction",
        expected=403,
        instructed_by=office.head.pk,
        written_instruction=paper(),
    )
    office.step(
        office.clerk,
        matter,
        "record_instruction",
        instructed_by=office.head.pk,
        instruction="同意",
        written_instruction=paper(),
    )
    taken = matter.steps.get(verb="record_instruction")
    assert matter.state == "signed" and taken.by == office.clerk and taken.on_behalf_of == office.head
    assert step_facts(matter)["instructed_by"] == str(office.head)
    assert Notice.objects.filter(user=office.head, text__contains="批示").exists()
    page = office.client(office.drafter).get(matter.get_absolute_url()).content.decode()
    assert f"登记 {office.head} 的批示" in page
    assert f"批示见扫描件，{office.clerk}登记" in dispatching.sheet(matter, step_facts(matter))["instruction_signed"]


def test_the_leader_named_must_not_have_drafted(office):
    Post.objects.create(
        user=office.head, office=office.room.office, role="member", valid_from=datetime.date(2020, 1, 1)
    )
    matter = office.draft(countersigners=[])
    office.step(office.head, matter, "redraft", **office.typed(countersigners=[]))
    office.to(matter, "ready")
    scan = actions.Paper(attach(paper(), by=office.clerk, at=timezone.now()))
    with pytest.raises(NotAllowed, match="职责分离"):
        actions.take(
            matter, "record_instruction", by=office.clerk, at=timezone.now(), papers={"written_instruction": scan},
            behalf=office.head,
        )  # fmt: skip
    with pytest.raises(Refused, match="请选择批示人"):
        actions.take(
            matter, "record_instruction", by=office.clerk, at=timezone.now(), papers={"written_instruction": scan}
        )


def test_the_heads_desk_still_shows_what_waits_for_the_signature(office):
    matter = office.to(office.draft(countersigners=[]), "ready")
    assert matter in _waits(office.head, "等我审核、决定的办件")


# -- delegation --------------------------------------------------------------------------------------------------------
def _delegate(post, to, days=10):
    today = timezone.localdate()
    return people.delegate_post(
        post, to, by=post.user, at=timezone.now(), valid_from=today, valid_to=today + datetime.timedelta(days=days)
    )


def test_a_delegate_acts_for_an_absent_head_and_the_course_says_so(office):
    _delegate(office.heads[0].posts.get(), office.room.town.user("member", office=office.offices[0], username="deputy"))
    deputy = office.room.town.users["deputy"]
    matter = office.to(office.draft(), "countersigning")
    assert Notice.objects.filter(user=deputy, text__contains="请会签公文").exists()
    assert _waits(deputy, "等我会签的公文") == [matter]
    office.step(deputy, matter, "countersign")
    assert matter.steps.get(verb="countersign").on_behalf_of == office.heads[0]
    page = office.client(office.drafter).get(matter.get_absolute_url()).content.decode()
    assert f"受 {office.heads[0]} 委托" in page
    with pytest.raises(NotAllowed, match="已经办理过"):
        actions.take(matter, "countersign", by=office.heads[0], at=timezone.now())


def test_separation_counts_who_delegated_as_well_as_who_acts(office):
    users = office.room.users
    drafting = Post.objects.create(
        user=users["reviewer"], office=office.room.office, role="member", valid_from=datetime.date(2020, 1, 1)
    )
    # the reviewer drafts: whoever holds the reviewer's post by delegation does not check it
    matter = office.draft(countersigners=[])
    office.step(users["reviewer"], matter, "redraft", **office.typed(countersigners=[]))
    stand_in = office.room.town.user("inspector", username="stand-in")
    _delegate(users["reviewer"].posts.get(role="reviewer"), stand_in)
    answer = office.client(stand_in).get(reverse("matters:step", args=[matter.no, "check"]))
    assert answer.status_code == 403 and "职责分离" in answer.content.decode()
    with pytest.raises(NotAllowed, match="职责分离"):
        actions.take(matter, "check", by=stand_in, at=timezone.now())
    # and who let another draft in their place does not check what was drafted so
    other = office.draft(countersigners=[])
    drafting.delete()
    post = Post.objects.create(
        user=users["lead_office"], office=office.room.office, role="member", valid_from=datetime.date(2020, 1, 1)
    )
    writer = office.room.town.user("auditor", username="writer")
    writer.posts.update(role="inspector")
    _delegate(post, writer)
    office.step(writer, other, "redraft", **office.typed(countersigners=[]))
    assert other.steps.get(verb="redraft").on_behalf_of == users["lead_office"]
    with pytest.raises(NotAllowed, match="职责分离"):
        actions.take(other, "check", by=users["lead_office"], at=timezone.now())


# -- receipts ----------------------------------------------------------------------------------------------------------
def test_addressees_see_the_final_document_only(office):
    matter = office.draft(countersigners=[])
    party = matter.parties.get(kind="addressee")
    client = office.client(office.reader)
    assert client.get(party.get_absolute_url()).status_code == 404 and _waits(office.reader, "待签收的公文") == []
    office.step(office.room.users["reviewer"], matter, "check", opinion="内部意见不外传")
    office.to(matter, "numbered")
    office.step(office.drafter, matter, "seal", sealed=paper("用印.txt", "扫描件"))
    office.to(matter, "sent")
    assert Notice.objects.filter(user=office.reader, url=party.get_absolute_url()).exists()
    assert _waits(office.reader, "待签收的公文") == [party]
    assert matter.title in client.get(reverse("desk:home")).content.decode()
    page = client.get(party.get_absolute_url())
    assert (
        page.status_code == 200
        and "工作安排" in page.content.decode()
        and "内部意见不外传" not in page.content.decode()
    )
    assert "待签收" in client.get(reverse("matters:received")).content.decode()
    for name in ("matter", "file", "approval_sheet", "final_preview"):
        assert client.get(reverse(f"matters:{name}", args=[matter.no])).status_code == 404
    scan = client.get(reverse("matters:received_paper", args=[party.pk]))
    assert b"".join(scan.streaming_content).decode() == "扫描件"
    draft = matter.documents.filter(code="draft").first()
    assert client.get(draft.issued.get_absolute_url()).status_code == 403
    assert office.client(office.heads[0]).get(party.get_absolute_url()).status_code == 404


def test_the_sender_sees_who_has_signed_and_delivers_when_all_have_or_says_why(office):
    matter = office.to(office.draft(countersigners=[], step_addressees=[one.pk for one in office.offices]), "sent")
    today = timezone.localdate().isoformat()
    office.step(office.drafter, matter, "deliver", expected=422, received_on=today)
    first, second = matter.parties.filter(kind="addressee").order_by("office__code")
    for _again in range(2):
        office.client(office.heads[0]).post(
            reverse("matters:sign_for", args=[first.pk if first.office == office.offices[0] else second.pk])
        )
    assert step_facts(matter)["receipts"] == 1 and matter.steps.filter(verb="receipt").count() == 1
    page = office.client(office.drafter).get(matter.get_absolute_url()).content.decode()
    assert "未签收" in page and "已签收" in page
    with pytest.raises(NotAllowed):
        actions.take(matter, "receipt", by=office.drafter, at=timezone.now())
    office.step(office.drafter, matter, "deliver", expected=422, received_on=today)
    office.step(office.drafter, matter, "deliver", received_on=today, undelivered_reason="对方电话确认已收到")
    assert matter.state == "delivered"
    late = matter.parties.get(kind="addressee", received_at=None)
    reader = office.reader if late.office == office.offices[1] else office.heads[0]
    assert "不必再签收" in office.client(reader).get(late.get_absolute_url()).content.decode()
    office.client(reader).post(reverse("matters:sign_for", args=[late.pk]))
    assert Party.objects.get(pk=late.pk).received_at is None


def test_who_has_not_signed_is_reminded_once_a_stage(office):
    matter = office.to(office.draft(countersigners=[]), "sent")
    party = matter.parties.get(kind="addressee")
    sent = datetime.datetime(2026, 3, 2, 10, tzinfo=datetime.UTC)
    Matter.objects.filter(pk=matter.pk).update(state_since=sent)
    assert jobs.receipts(sent + datetime.timedelta(days=1)) == 0
    told = jobs.receipts(sent + datetime.timedelta(days=2))
    assert told == 2 and Notice.objects.filter(user=office.reader, text__contains="满两个工作日未签收").count() == 1
    assert jobs.receipts(sent + datetime.timedelta(days=3)) == 0
    assert jobs.receipts(sent + datetime.timedelta(days=7)) == 3
    assert Notice.objects.filter(user=office.drafter, text__contains=str(party.office)).count() == 1
    actions.receive(party, by=office.reader, at=timezone.now())
    assert jobs.receipts(sent + datetime.timedelta(days=30)) == 0


# -- 主动公开 ----------------------------------------------------------------------------------------------------------
def test_a_published_document_stands_in_its_column_and_another_does_not(office):
    matter = office.to(office.draft(countersigners=[]), "sealed")
    shown = office.to(matter, "sent").disclosures.get()
    facts = {one.code: one.shown for one in shown.facts.all()}
    assert (
        facts["column"] == "通知公告"
        and facts["document_kind"] == "通知"
        and facts["number"] == step_facts(matter)["number"]
    )
    page = Client().get(reverse("portal:decisions"), {"column": "notices"}).content.decode()
    assert matter.title in page
    assert matter.title not in Client().get(reverse("portal:decisions"), {"column": "rules"}).content.decode()
    closed = office.to(office.draft(countersigners=[], title="内部通知"), "sealed")
    with pytest.raises(Refused, match="核定本件的信息公开属性"):
        actions.take(closed, "send", by=office.drafter, at=timezone.now())
    actions.classify(
        closed, Publicity.CLOSED, by=office.room.users["reviewer"], at=timezone.now(), reason="内部事务信息"
    )
    closed.refresh_from_db()
    office.to(closed, "sent")
    assert not Disclosure.objects.filter(matter=closed).exists()


def test_the_columns_of_the_procedure_are_those_of_the_dated_table():
    procedure = engine.load("official_document", datetime.date(2026, 1, 1))
    choices = {(one.code, one.name, one.name_en) for one in procedure.facts["column"].choices}
    assert choices == {(row["code"], row["name"], row["name_en"]) for row in tables.load("publicity/columns").rows}
    kinds = {
        one.code.partition(".")[2]
        for one in documents.free_kinds(datetime.date(2026, 1, 1))
        if one.code.startswith("official.")
    }
    assert {one.code for one in procedure.facts["document_kind"].choices} == kinds
