"""Issuing: numbers without gaps, content fixed, refusals before a number is taken, voiding and replacing."""

import datetime
import json
import threading
from hashlib import sha256

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from zhunsheng.engine import documents as engine
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.documents import actions, queries
from zhunsheng.web.documents.models import IssuedDocument, Series, State
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log.models import Act, LogEntry

AT = datetime.datetime(2026, 11, 24, 9, 30, tzinfo=datetime.UTC)
ORDER = {
    "party": "测试企业甲有限公司",
    "violation": "生产记录不完整",
    "demand": "补齐生产记录",
    "correct_by": datetime.date(2026, 12, 24),
}


def order(town, by=None, at=AT, **values):
    return actions.issue(
        "rectification.order", office=values.pop("office", town.office), fields=ORDER | values.pop("fields", {}),
        subject_type="matter", subject_id="M-1", title="责令改正：测试企业甲", by=by, at=at, **values,
    )  # fmt: skip


# -- it works ---------------------------------------------------------------------------------------------------------
def test_a_document_gets_a_number_a_content_and_a_code(town):
    head = town.user("head")
    one = order(town, by=head)
    assert one.number == "（测）市监责改〔2026〕1号"
    assert (one.year, one.seq, one.day, one.state) == (2026, 1, datetime.date(2026, 11, 24), "issued")
    text = "\n".join(engine.texts(one.content))
    assert "补齐生产记录" in text and "2026年12月24日" in text and one.number in text
    assert one.content_sha256 == queries.content_hash(one.content)
    one.refresh_from_db()
    assert one.content_sha256 == queries.content_hash(one.content), "the database keeps the content as it was hashed"
    assert len(one.code) == 16 and not set(one.code) - set(queries.CODE_LETTERS)
    act = Act.objects.get(subject_type="document", subject_id=str(one.pk))
    assert act.verb == "document.issue" and act.by == head and act.changes["number"] == one.number


def test_numbers_run_on_by_office_series_and_year(town):
    assert [order(town).seq for _time in range(3)] == [1, 2, 3]
    assert order(town, office=town.county_office).number == "（东）市监责改〔2026〕1号"
    assert (
        order(town, at=datetime.datetime(2027, 1, 1, 1, 0, tzinfo=datetime.UTC)).number == "（测）市监责改〔2027〕1号"
    )
    letter = actions.issue(
        "official.letter", office=town.office, fields={"addressee": "省局", "body": "现将有关情况函告如下。"},
        title="关于商请协查的函", by=None, at=AT,
    )  # fmt: skip
    assert letter.number == "（测）市监函〔2026〕1号" and letter.content["title"] == "关于商请协查的函"


def test_the_year_is_that_of_the_citys_clock(town):
    # 2026-12-31 17:00 UTC is New Year's Day in China
    assert order(town, at=datetime.datetime(2026, 12, 31, 17, 0, tzinfo=datetime.UTC)).year == 2027


def test_an_office_of_2017_numbers_as_it_did_then(town):
    then = datetime.datetime(2017, 5, 3, 4, 0, tzinfo=datetime.UTC)
    fields = {"party": "甲公司", "cause": "quality.fake", "discretion": "从轻", "fine": 1_000_000}
    numbers = []
    for name in ("测试市质量技术监督局", "测试市工商行政管理局", "测试市食品药品监督管理局"):
        office = Office.objects.create(code=f"old-{name}", name=name, level="city", division_code="990100")
        made = actions.issue("penalty.decision", office=office, fields=fields, by=None, at=then)
        numbers.append(made.number)
        text = "".join(engine.texts(made.content))
        assert "上一级主管部门或者" in text, "the reviewing organs of 2017"
        assert "10000元（大写：壹万元整）" in text and "生产、销售伪劣产品" in text
    assert numbers == ["（测）质监罚字〔2017〕1号", "测工商处字〔2017〕1号", "（测）食药监食罚〔2017〕1号"]


def test_the_same_key_finds_the_same_document(town):
    first = order(town, key="matter:M-1:3:order")
    again = order(town, key="matter:M-1:3:order", fields={"demand": "别的"})
    assert again.pk == first.pk and Series.objects.get().last == 1
    assert Act.objects.filter(verb="document.issue").count() == 1
    with pytest.raises(Refused):
        order(town, key="matter:M-1:3:order", office=town.county_office)


def test_words_as_the_matters_room_gives_them_are_understood(town):
    """The room of matters hands over what people read: names of choices, amounts in yuan, days in words."""
    made = actions.issue(
        "penalty.decision", office=town.office, by=None, at=AT,
        fields={"party": "甲公司", "party_code": "91350100M000100Y43", "party_address": "东河区1号", "cause": "quality.fake",
                "fine": "5000元", "confiscated": "0元", "other_penalty": "警告", "discretion": "从轻", "nonsense": "不印"},
    )  # fmt: skip
    text = "\n".join(engine.texts(made.content))
    assert "5000元（大写：伍仟元整）" in text and "没收" not in text.replace("罚没", "")
    assert "警告。" in text and "91350100M000100Y43" in text and "东河区1号" in text and "不印" not in text
    assert "nonsense" not in made.fields


def test_a_document_of_a_procedure_without_a_template_is_a_plain_letter(town, monkeypatch):
    fact = queries.procedures.Fact("odd", "新文书", "new paper", queries.procedures.Kind.DOCUMENT, issued=True)
    monkeypatch.setattr(queries, "facts", lambda procedure, on: {"odd": fact} if procedure == "complaint" else {})
    made = actions.issue("complaint.odd", office=town.office, fields={"wording": "特此告知。"}, by=None, at=AT)
    assert made.kind_name == "新文书" and made.number.startswith("测市监〔2026〕")
    assert "特此告知。" in list(engine.texts(made.content))


# -- refusals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"demand": ""}, "改正要求"),
        ({"violation": None, "demand": None}, "违法行为或者问题、改正要求"),
        ({"demand": "\x00"}, "U+0000"),
        ({"demand": "正\u202e反"}, "U+202E"),
        ({"demand": "𠮷野家"}, "𠮷（U+20BB7）"),
        ({"demand": "字" * 100_000}, "100000"),
    ],
)
def test_what_cannot_be_printed_takes_no_number(town, fields, said):
    with pytest.raises(Refused) as refusal:
        order(town, fields=fields)
    assert said in str(refusal.value)
    assert not Series.objects.exists() and not IssuedDocument.objects.exists() and not Act.objects.exists()


def test_unknown_kinds_and_offices_without_a_series_are_refused(town):
    with pytest.raises(Refused, match="文书种类"):
        actions.issue("penalty.nothing", office=town.office, fields={}, by=None, at=AT)
    odd = Office.objects.create(code="odd", name="测试市志办", level="city")
    with pytest.raises(Refused, match="机关代字"):
        order(town, office=odd)
    assert not Series.objects.exists()


def test_an_act_that_fails_gives_its_number_back(town):
    order(town)
    with pytest.raises(RuntimeError), transaction.atomic():
        assert order(town).seq == 2
        raise RuntimeError("the step that wanted the document failed")
    assert order(town).seq == 2 and Series.objects.get().last == 2


# -- void and replaced ------------------------------------------------------------------------------------------------
def test_a_void_document_keeps_its_number(town):
    head = town.user("head")
    one = order(town)
    actions.void(one, by=head, at=AT, reason="当事人名称写错")
    actions.void(one, by=head, at=AT, reason="再来一次")
    one.refresh_from_db()
    assert (one.state, one.void_reason) == (State.VOID, "当事人名称写错")
    assert Act.objects.filter(verb="document.void").count() == 1
    assert order(town).seq == 2
    (state,) = queries.series_states()
    assert state.whole and state.void == 1 and state.next == 3


def test_only_the_head_of_the_office_voids_and_says_why(town):
    one = order(town)
    for user in (town.user("member"), town.user("auditor"), town.user("head", office=town.other_office)):
        with pytest.raises(NotAllowed):
            actions.void(one, by=user, at=AT, reason="x")
    with pytest.raises(Refused):
        actions.void(one, by=town.user("head"), at=AT, reason="  ")
    one.refresh_from_db()
    assert one.state == State.ISSUED


def test_a_corrected_document_takes_a_new_number_and_both_say_so(town):
    head = town.user("head")
    one = order(town)
    with pytest.raises(NotAllowed):
        actions.replace(one, fields=ORDER, title="改", by=town.user("member"), at=AT)
    new = actions.replace(one, fields=ORDER | {"demand": "补齐全部记录"}, title="责令改正", by=head, at=AT)
    one.refresh_from_db()
    assert one.state == State.REPLACED and new.replaces == one and new.seq == 2 and new.subject_id == "M-1"
    with pytest.raises(Refused):
        actions.replace(one, fields=ORDER, title="改", by=head, at=AT)
    with pytest.raises(Refused):
        actions.void(one, by=head, at=AT, reason="x")


def test_only_what_names_no_person_is_disclosed_and_the_public_log_binds_it(town):
    head = town.user("head")
    with pytest.raises(Refused):
        actions.disclose(order(town), by=head, at=AT)
    circular = actions.issue(
        "official.circular", office=town.office, fields={"addressee": "各有关单位", "body": "现将情况通报如下。"},
        title="关于抽查情况的通报", by=None, at=AT,
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        actions.disclose(circular, by=town.user("member"), at=AT)
    actions.disclose(circular, by=head, at=AT)
    actions.disclose(circular, by=head, at=AT)
    entry = LogEntry.objects.get(kind="document.disclose")
    assert json.loads(entry.body)["data"]["content_sha256"] == circular.content_sha256


def test_what_was_public_does_not_fall_in_silence(town):
    """The public log says that a disclosed document was declared void or replaced; of others it says nothing."""
    head = town.user("head")

    def circular():
        return actions.issue(
            "official.circular", office=town.office, fields={"addressee": "各有关单位", "body": "现将情况通报如下。"},
            title="关于抽查情况的通报", by=None, at=AT,
        )  # fmt: skip

    voided, replaced, internal = circular(), circular(), circular()
    for one in (voided, replaced):
        actions.disclose(one, by=head, at=AT)
    for one in (voided, internal):
        one.refresh_from_db()
        actions.void(one, by=head, at=AT, reason="张三的数据有误")
    replaced.refresh_from_db()
    fields = {"addressee": "各有关单位", "body": "更正如下。"}
    actions.replace(replaced, fields=fields, title="关于抽查情况的通报", by=head, at=AT)
    told = {entry.kind: json.loads(entry.body) for entry in LogEntry.objects.exclude(kind="document.disclose")}
    assert {kind: body["data"]["number"] for kind, body in told.items()} == {
        "document.void": voided.number, "document.replace": replaced.number,
    }  # fmt: skip
    assert "张三" not in str(told)


def test_a_gap_is_found(town):
    for _time in range(4):
        order(town)
    IssuedDocument.objects.filter(seq=2).delete()  # what no action does
    (state,) = queries.series_states()
    assert not state.whole and state.missing == (2,)


# -- the file ---------------------------------------------------------------------------------------------------------
def test_the_file_is_made_once_and_kept(town, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    one = order(town)
    data = actions.render(one)
    assert data[:5] == b"%PDF-" and sha256(data).hexdigest() == one.pdf_sha256
    assert actions.render(IssuedDocument.objects.get(pk=one.pk)) == data
    (file,) = tmp_path.rglob("*.pdf")
    # gone, and made anew: the same bytes
    file.unlink()
    assert actions.render(IssuedDocument.objects.get(pk=one.pk)) == data
    # altered on the disk: refused
    (file,) = tmp_path.rglob("*.pdf")
    file.write_bytes(data + b"x")
    with pytest.raises(Refused, match="摘要"):
        actions.render(IssuedDocument.objects.get(pk=one.pk))


# -- concurrency ------------------------------------------------------------------------------------------------------
@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="in-memory SQLite is one connection; tests/faults does this on a file"
)
@pytest.mark.django_db(transaction=True)
def test_eight_officers_at_once_leave_no_gap(transactional_db):
    office = Office.objects.create(code="T", name="测试市市场监督管理局", level="city", division_code="990100")
    failures = []

    def work(number: int) -> None:
        try:
            for turn in range(6):
                try:
                    with transaction.atomic():
                        actions.issue(
                            "rectification.order", office=office, fields=ORDER, by=None, at=timezone.now(), title=f"{number}-{turn}"
                        )  # fmt: skip
                        if (number + turn) % 3 == 0:
                            raise InterruptedError  # this one fails after it took its number
                except InterruptedError:
                    pass
        except Exception as problem:  # noqa: BLE001 - told to the test
            failures.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    taken = sorted(IssuedDocument.objects.values_list("seq", flat=True))
    assert taken == list(range(1, 33))
    (state,) = queries.series_states()
    assert state.whole and state.series.last == 32
