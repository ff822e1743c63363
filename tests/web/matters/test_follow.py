"""Number and code open a matter for who filed it, and nothing else opens it."""

import datetime
import re

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.web.matters.test_public import MONDAY, PNG, offices  # noqa: F401 - a fixture
from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.matters import actions, queries, words
from zhunsheng.web.matters.models import Filing, Matter
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db

TOLD = {"channel": "web", "subject": "热水器漏水不退", "complainant": "张小三", "contact": "13912345678"}
HOME = "198.51.100.7"


@pytest.fixture(autouse=True)
def _monday():
    with time_machine.travel(MONDAY + datetime.timedelta(hours=2), tick=False):
        yield


@pytest.fixture
def filed(offices):  # noqa: F811
    """A complaint that was also filed as a report."""
    report = {
        "channel": "web",
        "subject": TOLD["subject"],
        "informant_named": True,
        "informant": "张小三",
        "contact": TOLD["contact"],
    }
    found = actions.file(
        [actions.Wish("complaint", TOLD), actions.Wish("violation_report", report)],
        office=offices.office, division=None, at=MONDAY, once="a" * 32, address=HOME,
    )  # fmt: skip
    return offices, found


def later(**by):
    return MONDAY + datetime.timedelta(**by)


def enter(client, no, code):
    return client.post(reverse("matters:follow_home"), {"no": no, "code": code})


def test_the_code_opens_its_matter_and_no_other(filed):
    _town, (one, twin) = filed
    client = Client()
    for wrong in ("", "AAAAAAAAAA", twin.code, "张三"):
        assert enter(client, one.matter.no, wrong).status_code == 422
    assert enter(client, one.matter.no.lower(), f" {one.code[:5].lower()}-{one.code[5:]} ").status_code == 302
    page = client.get(reverse("matters:follow", args=[one.matter.no])).content.decode()
    assert "已收到" in page and str(queries.standing(one.matter).next.deadline.due) in page
    assert twin.matter.no in page, "the other half of the same text is named"
    assert "查询码" in client.get(reverse("matters:follow", args=[twin.matter.no])).content.decode()


def test_who_someone_is_stays_masked_even_there(filed):
    _town, (one, _twin) = filed
    client = Client()
    enter(client, one.matter.no, one.code)
    page = client.get(reverse("matters:follow", args=[one.matter.no])).content.decode()
    assert "张小三" not in page and "13912345678" not in page
    assert "139＊＊＊＊5678" in page and TOLD["subject"] in page


def test_a_number_that_exists_is_not_told_from_one_that_does_not(filed):
    _town, (one, _twin) = filed
    client = Client()

    def said(answer, no):
        page = answer.content.decode().replace(no, "NO")
        return answer.status_code, re.sub(r'value="[^"]*"|id="[^"]*"', "", page.split("<main")[1].split("</main")[0])

    known, unknown = one.matter.no, "TS-2026-99999"
    assert said(client.get(reverse("matters:follow", args=[known])), known) == said(
        client.get(reverse("matters:follow", args=[unknown])), unknown
    )
    assert said(enter(client, known, "WRONGWRONG"), known) == said(enter(client, unknown, "WRONGWRONG"), unknown)
    for name in ("follow_material", "follow_step", "follow_paper"):
        extra = {"follow_step": ["withdraw"], "follow_paper": [1]}.get(name, [])
        for no in (known, unknown):
            assert client.get(reverse(f"matters:{name}", args=[no, *extra])).status_code == 403


def test_five_wrong_codes_close_the_matter_for_a_quarter_of_an_hour(filed):
    _town, (one, _twin) = filed
    no, code = one.matter.no, one.code
    for n in range(5):
        address = HOME if n == 4 else f"203.0.113.{n}"
        assert actions.enter(no, "WRONGWRONG", at=later(minutes=n), address=address) is None
    assert actions.enter(no, code, at=later(minutes=5), address=HOME) is None, "the right code neither"
    assert actions.enter(no, code, at=later(minutes=18), address=HOME) is None
    assert actions.enter(no, code, at=later(minutes=20), address=HOME) == one.matter
    assert Act.objects.filter(verb="matter.follow_block", subject_id=no).count() == 1


def test_who_knows_the_number_only_cannot_keep_out_who_has_the_code(filed):
    """The firm knows the number of a complaint about it; wrong codes of its own close nothing for who complained."""
    _town, (one, _twin) = filed
    no, code = one.matter.no, one.code
    for n in range(5):
        assert actions.enter(no, "WRONGWRONG", at=later(minutes=n), address="203.0.113.9") is None
    one.matter.refresh_from_db()
    assert one.matter.follow_blocked_until is not None
    assert actions.enter(no, code, at=later(minutes=5), address="203.0.113.9") is None
    assert actions.enter(no, code, at=later(minutes=5), address=HOME) == one.matter


def test_a_right_code_forgets_the_wrong_ones(filed):
    _town, (one, _twin) = filed
    no, code = one.matter.no, one.code
    for n in range(12):
        right = n % 4 == 3
        found = actions.enter(no, code if right else "WRONGWRONG", at=later(minutes=n), address=HOME)
        assert (found is not None) == right


def test_one_address_cannot_try_its_way_through_the_numbers(filed):
    for n in range(20):
        assert actions.enter(f"TS-2026-{n + 100:05d}", "WRONGWRONG", at=later(seconds=n), address=HOME) is None
    with pytest.raises(actions.TooMany):
        actions.enter("TS-2026-00200", "WRONGWRONG", at=later(minutes=1), address=HOME)
    client = Client(REMOTE_ADDR=HOME)
    Filing.objects.update(at=MONDAY + datetime.timedelta(hours=2))
    answer = enter(client, "TS-2026-00201", "WRONGWRONG")
    assert answer.status_code == 429
    assert "分钟以后再试" in answer.content.decode()


@pytest.mark.parametrize("no", ["../../admin", "TS-2026-00001' OR '1'='1", "a" * 500, "\0", "%00", "<script>"])
def test_numbers_that_are_none_are_answered_calmly(filed, no):
    assert enter(Client(), no, "WRONGWRONG").status_code == 422


def test_after_two_hours_the_code_is_asked_for_again(filed, settings):
    settings.SESSION_COOKIE_AGE = 12 * 3600  # the session outlives it
    _town, (one, _twin) = filed
    client = Client()
    enter(client, one.matter.no, one.code)
    address = reverse("matters:follow", args=[one.matter.no])
    with time_machine.travel(MONDAY + datetime.timedelta(hours=3, minutes=59), tick=False):
        assert "接下来" in client.get(address).content.decode()
    with time_machine.travel(MONDAY + datetime.timedelta(hours=4, minutes=1), tick=False):
        assert "接下来" not in client.get(address).content.decode()


def test_leaving_closes_it_in_this_browser(filed):
    _town, (one, _twin) = filed
    client = Client()
    enter(client, one.matter.no, one.code)
    client.post(reverse("matters:follow_leave", args=[one.matter.no]))
    assert "接下来" not in client.get(reverse("matters:follow", args=[one.matter.no])).content.decode()


def test_who_filed_may_withdraw_and_complete(filed):
    _town, (one, _twin) = filed
    client = Client()
    enter(client, one.matter.no, one.code)
    page = client.get(reverse("matters:follow", args=[one.matter.no])).content.decode()
    complete = reverse("matters:follow_step", args=[one.matter.no, "complete"])
    withdraw = reverse("matters:follow_step", args=[one.matter.no, "withdraw"])
    assert complete in page and withdraw in page
    form = client.get(complete).content.decode()
    assert 'name="respondent"' not in form, "the register is for its own readers"
    assert "张小三" not in form and "13912345678" not in form
    answer = client.post(complete, {"subject": "热水器漏水，第二次维修仍漏，要求退货", "step_after": 1})
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    assert client.post(withdraw, {"step_after": 2}).status_code == 302
    one.matter.refresh_from_db()
    assert one.matter.state == "withdrawn"
    assert one.matter.steps.filter(by=None, role="public").count() == 3


def test_steps_of_the_office_are_not_the_public_s(filed):
    _town, (one, _twin) = filed
    client = Client()
    enter(client, one.matter.no, one.code)
    for verb in ("admit", "refuse", "transfer", "close", "nonsense"):
        address = reverse("matters:follow_step", args=[one.matter.no, verb])
        assert client.get(address).status_code == 404
        assert client.post(address, {}).status_code == 404
    one.matter.refresh_from_db()
    assert one.matter.state == "received"


def test_a_paper_can_be_added_while_the_matter_is_open(filed):
    _town, (one, _twin) = filed
    client = Client()
    enter(client, one.matter.no, one.code)
    address = reverse("matters:follow_material", args=[one.matter.no])
    assert client.post(address, {"title": "", "upload": SimpleUploadedFile("a.png", PNG)}).status_code == 422
    assert client.post(address, {"title": "照片", "upload": SimpleUploadedFile("a.exe", b"MZ")}).status_code == 422
    assert client.post(address, {"title": "照片", "upload": SimpleUploadedFile("a.png", PNG)}).status_code == 302
    paper = one.matter.documents.get()
    assert (paper.title, paper.added_by) == ("照片", None)
    got = client.get(reverse("matters:follow_paper", args=[one.matter.no, paper.pk]))
    assert b"".join(got.streaming_content) == PNG
    assert "attachment" in got["Content-Disposition"]


def test_so_many_papers_and_no_more(filed, monkeypatch):
    _town, (one, _twin) = filed
    for n in range(40):
        picture = PNG + bytes([n])
        kept = actions.upload(SimpleUploadedFile(f"{n}.png", picture), at=MONDAY, address=f"203.0.113.{n}")
        actions.add_material(one.matter, kept, title=str(n), at=MONDAY)
    kept = actions.upload(SimpleUploadedFile("x.png", PNG), at=MONDAY, address=HOME)
    with pytest.raises(Refused, match="40"):
        actions.add_material(one.matter, kept, title="x", at=MONDAY)


def test_notices_to_the_person_can_be_read_the_office_s_own_papers_not(filed):
    town, (one, twin) = filed
    head, member = town.user("head"), town.user("member")
    actions.hand_over(twin.matter, member, by=head, at=later(hours=1), reason="分派")
    actions.take(twin.matter, "verify", by=member, at=later(hours=1))
    actions.take(twin.matter, "refuse_case", by=head, at=later(hours=1), facts={"finding": "现场核查未发现违法行为"})
    actions.take(twin.matter, "inform", by=member, at=later(hours=1))
    client = Client()
    enter(client, twin.matter.no, twin.code)
    page = client.get(reverse("matters:follow", args=[twin.matter.no])).content.decode()
    internal = twin.matter.documents.get(code="no_case_approval")
    reply = twin.matter.documents.get(code="reply")
    assert reverse("matters:follow_paper", args=[twin.matter.no, reply.pk]) in page
    assert reverse("matters:follow_paper", args=[twin.matter.no, internal.pk]) not in page
    assert client.get(reverse("matters:follow_paper", args=[twin.matter.no, internal.pk])).status_code == 404
    assert client.get(reverse("matters:follow_paper", args=[one.matter.no, reply.pk])).status_code == 403
    got = client.get(reverse("matters:follow_paper", args=[twin.matter.no, reply.pk]))
    assert got.status_code == 200 and got.content.startswith(b"%PDF")
    assert member.display_name not in page and head.display_name not in page


def test_staff_give_a_code_to_who_filed_at_the_counter(offices):  # noqa: F811
    member, stranger = offices.user("member"), offices.user("member", offices.other_office)
    told = {**TOLD, "channel": "hotline"}
    matter = actions.open_matter("complaint", by=member, at=MONDAY, office=offices.office, facts=told)
    assert matter.follow_hash == ""
    assert actions.enter(matter.no, "", at=MONDAY, address=HOME) is None, "without a code nothing opens it"
    with pytest.raises(NotAllowed):
        actions.renew_code(matter, by=stranger, at=MONDAY)
    first = actions.renew_code(matter, by=member, at=MONDAY)
    second = actions.renew_code(matter, by=member, at=MONDAY)
    assert actions.enter(matter.no, first, at=MONDAY, address=HOME) is None
    assert actions.enter(matter.no, second, at=MONDAY, address=HOME) == matter
    assert second not in str(list(Act.objects.values_list("changes", "reason")))
    client = Client()
    client.force_login(member)
    address = reverse("matters:renew_code", args=[matter.no])
    assert "字母" not in client.get(address).content.decode()
    page = client.post(address).content.decode()
    code = re.findall(r'<strong class="number">([^<]+)</strong>', page)[1]
    assert enter(Client(), matter.no, code).status_code == 302
    client.force_login(stranger)
    assert client.get(address).status_code == 404


def test_a_new_code_closes_what_the_old_one_opened(filed):
    town, (one, _twin) = filed
    client = Client()
    enter(client, one.matter.no, one.code)
    actions.renew_code(one.matter, by=town.user("head"), at=later(hours=1))
    assert "接下来" not in client.get(reverse("matters:follow", args=[one.matter.no])).content.decode()


def test_what_table_shown_names_exists():
    for row in tables.load("matters/shown").rows:
        assert row["code"] in words.kinds()
        assert any(row["item"] in version.facts for version in engine.versions(row["code"])), (row["code"], row["item"])


def test_the_table_shows_nobody_s_name_to_others_but_the_claimant_s_to_the_firm():
    for row in tables.load("matters/shown").rows:
        personal = any(
            row["item"] in version.facts and version.facts[row["item"]].personal
            for version in engine.versions(row["code"])
        )
        if personal:
            assert (row["code"], row["filer"]) == ("compensation", "")


def test_only_matters_that_the_public_may_file_get_a_code(offices):  # noqa: F811
    member = offices.user("member")
    entity = offices.entity()
    matter = actions.open_matter(
        "circular", by=member, at=MONDAY, office=offices.office,
        facts={"kind": "criticism", "subject": "抽查不合格", "addressee": entity.unit_id, "public": True},
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        actions.renew_code(matter, by=member, at=MONDAY)
    assert Matter.objects.get(pk=matter.pk).follow_hash == ""
