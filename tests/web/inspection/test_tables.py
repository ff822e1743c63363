"""一单, 用语, 一细则: dated rows, changed only by new versions; the rule book made from them and signed by another."""

import datetime
import hashlib
import json

import pytest

from tests.web.inspection.conftest import moment
from zhunsheng.engine import tables
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import CheckItem, ResultWording, RuleBook
from zhunsheng.web.people.models import Office, ProductClass
from zhunsheng.web.public_log.models import Act, LogEntry

pytestmark = pytest.mark.django_db
JUNE = datetime.date(2026, 6, 1)


@pytest.fixture
def named_offices(db):
    for code in sorted({row["office_code"] for row in tables.load("inspection/check_items").rows}):
        Office.objects.create(code=code, name=code)
    for row in tables.load("registry/product_classes").rows:
        ProductClass.objects.create(code=row["code"], name=row["name"])


def test_the_tables_load_once(named_offices):
    added = actions.load_tables(by=None, at=moment(1))
    assert added == CheckItem.objects.count() + ResultWording.objects.count()
    assert CheckItem.objects.count() == len(tables.load("inspection/check_items").rows)
    assert queries.wordings_on(JUNE).filter(code="04").get().estimation_role == "non_response"
    acts = Act.objects.count()
    assert actions.load_tables(by=None, at=moment(2)) == 0
    assert Act.objects.count() == acts


def test_what_was_edited_stays_when_the_tables_are_loaded_again(named_offices, town):
    actions.load_tables(by=None, at=moment(1))
    officer = town.user("lead_office")
    wording = queries.wordings_on(JUNE).get(code="01")
    actions.revise_wording(wording, by=officer, at=moment(2), valid_from=JUNE, name="未发现问题（新）")
    assert actions.load_tables(by=officer, at=moment(3)) == 0
    assert queries.wordings_on(JUNE).get(code="01").name == "未发现问题（新）"


def test_missing_offices_are_named(db):
    with pytest.raises(Refused, match="market"):
        actions.load_tables(by=None, at=moment(1))


def test_loading_is_for_the_quality_office(named_offices, town):
    with pytest.raises(NotAllowed):
        actions.load_tables(by=town.user("member"), at=moment(1))


def test_a_new_version_leaves_the_old_one_to_its_time(bureau):
    item = bureau.items[0]
    fresh = actions.revise_item(item, by=bureau.quality_office, at=moment(1), valid_from=JUNE, content="新的检查内容")
    assert queries.items_on(datetime.date(2026, 5, 31)).get(code="CJ-01").content == ""
    assert queries.items_on(JUNE).get(code="CJ-01") == fresh
    acts = Act.objects.count()
    assert (
        actions.revise_item(item, by=bureau.quality_office, at=moment(1), valid_from=JUNE, content="新的检查内容")
        == fresh
    )
    assert Act.objects.count() == acts


def test_an_overtaken_version_is_not_changed(bureau):
    item = bureau.items[0]
    actions.revise_item(item, by=bureau.quality_office, at=moment(1), valid_from=JUNE, content="二版")
    with pytest.raises(Refused, match="最新版本"):
        actions.revise_item(
            item, by=bureau.quality_office, at=moment(1), valid_from=datetime.date(2026, 7, 1), content="三版"
        )


def test_a_version_does_not_reach_back(bureau):
    with pytest.raises(Refused) as refusal:
        actions.revise_item(
            bureau.items[0], by=bureau.quality_office, at=moment(1), valid_from=datetime.date(2019, 1, 1), content="改"
        )
    assert refusal.value.field == "valid_from"


def test_ratios_are_checked(bureau):
    with pytest.raises(Refused, match="下限"):
        actions.revise_item(
            bureau.items[0], by=bureau.quality_office, at=moment(1), valid_from=JUNE, ratio_min=1, ratio_max=0.5
        )
    with pytest.raises(Refused, match="0.05"):
        actions.revise_item(bureau.items[0], by=bureau.quality_office, at=moment(1), valid_from=JUNE, ratio_max=5)


def test_the_head_of_the_office_edits_its_items_and_nobody_else(bureau):
    actions.revise_item(bureau.items[0], by=bureau.head, at=moment(1), valid_from=JUNE, method="书面检查")
    for who in (bureau.member, bureau.reviewer, bureau.town.user("head", bureau.town.other_office)):
        with pytest.raises(NotAllowed):
            actions.revise_item(bureau.items[1], by=who, at=moment(1), valid_from=JUNE, method="书面检查")
        with pytest.raises(NotAllowed):
            actions.revise_wording(bureau.wordings["01"], by=who, at=moment(1), valid_from=JUNE, name="好")


def test_adding_and_ending(bureau):
    values = {"name": "计量器具检查", "office": bureau.town.office}
    item = actions.add_item(by=bureau.quality_office, at=moment(1), code="CJ-99", valid_from=JUNE, **values)
    with pytest.raises(Refused, match="已存在"):
        actions.add_item(by=bureau.quality_office, at=moment(1), code="CJ-99", valid_from=JUNE, **values)
    actions.end_item(item, by=bureau.quality_office, at=moment(1), valid_to=datetime.date(2026, 12, 31))
    assert not queries.items_on(datetime.date(2027, 1, 1)).filter(code="CJ-99").exists()
    actions.add_wording(
        by=bureau.quality_office, at=moment(1), code="10", valid_from=JUNE, name="其他", estimation_role="ineligible"
    )
    assert LogEntry.objects.filter(kind="inspection.wording.add").exists()


def test_the_rule_book_is_the_tables_and_its_hash_is_of_its_bytes(bureau):
    body = json.loads(bureau.book.body)
    assert hashlib.sha256(bureau.book.body.encode()).hexdigest() == bureau.book.sha256
    assert [item["code"] for item in body["items"]] == ["CJ-01", "CJ-07"]
    assert [one["code"] for one in body["wordings"]] == ["01", "04", "05", "R1"]
    assert body["draw"]["wait_hours"] == 24
    assert {limit["code"]: limit["amount"] for limit in body["time_limits"]}["inspection.publish_result"] == 20
    assert json.loads(LogEntry.objects.get(kind="rule_book.approve").body)["data"]["sha256"] == bureau.book.sha256


def test_the_same_rules_make_no_second_book(bureau):
    again = actions.draft_rule_book(by=bureau.member, at=moment(1), valid_from=datetime.date(2026, 3, 1))
    assert again == bureau.book
    assert RuleBook.objects.count() == 1


def test_changed_rules_make_the_next_version(bureau):
    actions.revise_wording(
        bureau.wordings["01"], by=bureau.quality_office, at=moment(1), valid_from=JUNE, name="没有问题"
    )
    book = actions.draft_rule_book(by=bureau.member, at=moment(2), valid_from=JUNE)
    assert book.version == "2026-02"
    actions.approve_rule_book(book, by=bureau.head, at=moment(3))
    assert queries.rule_book_on(datetime.date(2026, 5, 31)) == bureau.book
    assert queries.rule_book_on(JUNE) == book


def test_nobody_signs_their_own_rule_book(bureau):
    actions.revise_wording(
        bureau.wordings["01"], by=bureau.quality_office, at=moment(1), valid_from=JUNE, name="没有问题"
    )
    book = actions.draft_rule_book(by=bureau.head, at=moment(2), valid_from=JUNE)
    for who in (bureau.head, bureau.member, bureau.reviewer, bureau.quality_office):
        with pytest.raises(NotAllowed):
            actions.approve_rule_book(book, by=who, at=moment(3))
    book = actions.approve_rule_book(book, by=bureau.second_head, at=moment(3))
    acts = Act.objects.count()
    actions.approve_rule_book(book, by=bureau.second_head, at=moment(4))
    assert Act.objects.count() == acts


@pytest.mark.parametrize("role", ["inspector", "reviewer", "auditor"])
def test_others_do_not_draft_rule_books(bureau, role):
    with pytest.raises(NotAllowed):
        actions.draft_rule_book(by=bureau.town.user(role), at=moment(1), valid_from=JUNE)


def test_no_rules_no_book(town):
    with pytest.raises(Refused, match="没有生效"):
        actions.draft_rule_book(by=town.user("member"), at=moment(1), valid_from=JUNE)
