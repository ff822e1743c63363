"""A change is proposed by one and approved by another; it takes effect by date; nothing is rewritten."""

import datetime
import os
import subprocess
import sys

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from tests.web.law.conftest import (
    DAY,
    KEY,
    NOW,
    RATIOS,
    approved,
    later,
    propose_limit,
    propose_ratio,
    ratio,
    ratio_cells,
)
from zhunsheng.engine import clock, procedure, tables
from zhunsheng.web.common import law
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.law import actions, queries
from zhunsheng.web.law.models import Change
from zhunsheng.web.people.models import Post
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.public_log.models import Act, LogEntry

pytestmark = pytest.mark.django_db


def test_a_change_is_proposed_approved_and_in_force_from_its_day(people):
    before = ratio()
    change = propose_ratio(people["member"])
    assert (change.state, change.old["ratio"], change.new["ratio"]) == ("proposed", before, "0.07")
    assert ratio() == before  # a proposal is no law
    change = approved(change, people["head"])
    assert (change.state, change.edition, change.decided_by) == ("approved", 1, people["head"])
    assert (ratio(DAY - datetime.timedelta(days=1)), ratio()) == (before, "0.07")
    rows = queries.same_key(tables.load(RATIOS), KEY)
    assert [(row.valid_from, row.valid_to, row.change) for row in rows][-2:] == [
        (rows[-2].valid_from, datetime.date(2026, 11, 8), ""),
        (DAY, None, change.no),
    ]


def test_the_public_log_names_table_key_old_new_source_and_day(people):
    change = approved(propose_ratio(people["member"]), people["head"])
    entry = LogEntry.objects.get(kind="law.approve")
    assert entry.subject == f"law_change:{change.no}"
    for said in (RATIOS, '"ratio":"0.07"', "某市文件第3条", "2026-11-09", '"key":["default","A"]'):
        assert said in entry.body
    assert "年度调整" not in entry.body  # the reason is for inside
    assert [act.verb for act in Act.objects.order_by("id")] == ["law.propose", "law.approve"]


class TestWho:
    def test_the_proposer_never_decides(self, people):
        change = propose_ratio(people["head"])
        with pytest.raises(NotAllowed):
            actions.decide(change, approve=True, by=people["head"], at=NOW)
        assert approved(change, people["leader"]).state == "approved"

    def test_a_post_lent_by_the_proposer_decides_nothing_of_the_proposer_s(self, people, town):
        change = propose_ratio(people["head"])
        Post.objects.create(
            user=people["inspector"], office=town.office, role="head", valid_from=DAY.replace(day=1),
            delegated_by=people["head"],
        )  # fmt: skip
        with pytest.raises(NotAllowed):
            actions.decide(change, approve=True, by=people["inspector"], at=NOW)

    def test_who_lent_the_post_by_which_it_was_proposed_does_not_decide(self, people, town):
        Post.objects.filter(user=people["member"]).update(role="head", delegated_by=people["head"])
        change = propose_ratio(people["member"])
        with pytest.raises(NotAllowed):
            actions.decide(change, approve=True, by=people["head"], at=NOW)
        assert approved(change, people["leader"]).state == "approved"

    @pytest.mark.parametrize("role", ["auditor", "inspector", "sysadmin", "lab"])
    def test_who_has_no_say_proposes_nothing(self, people, role):
        with pytest.raises(NotAllowed):
            propose_ratio(people[role])
        assert not Change.objects.exists()

    @pytest.mark.parametrize("role", ["reviewer", "member", "auditor", "sysadmin", "inspector"])
    def test_who_may_not_decide(self, people, town, role):
        change = propose_ratio(people["lead_office"])
        with pytest.raises(NotAllowed):
            actions.decide(change, approve=True, by=people[role], at=NOW)
        assert Change.objects.get().state == "proposed"

    def test_the_roles_of_a_rule_are_those_of_its_owner_s_row(self, people):
        row = tables.load("people/roles").rows[0]
        cells = {c: row[c] for c in tables.columns(tables.load("people/roles"))} | {"may": "提出和提交本单位的数据"}
        change = actions.propose_row(
            "people/roles", (row["code"],), cells, source="某文件", confidence="sure", valid_from=DAY, reason="写明", by=people["member"], at=NOW,
        )  # fmt: skip
        with pytest.raises(NotAllowed):
            actions.decide(change, approve=True, by=people["head"], at=NOW)
        assert actions.decide(change, approve=True, by=people["leader"], at=NOW).state == "approved"

    def test_the_database_itself_wants_a_second_person(self, people):
        change = propose_ratio(people["head"])
        with pytest.raises(IntegrityError), transaction.atomic():
            Change.objects.filter(pk=change.pk).update(state="approved", edition=1, decided_by=people["head"])

    def test_only_the_proposer_withdraws(self, people):
        change = propose_ratio(people["member"])
        with pytest.raises(NotAllowed):
            actions.withdraw(change, by=people["head"], at=NOW)
        assert actions.withdraw(change, by=people["member"], at=NOW).state == "withdrawn"
        actions.withdraw(change, by=people["member"], at=NOW)
        assert Act.objects.filter(verb="law.withdraw").count() == 1
        with pytest.raises(Refused, match="已经处理"):
            actions.decide(change, approve=True, by=people["head"], at=NOW)


class TestRefusals:
    def test_a_refusal_has_a_reason(self, people):
        change = propose_ratio(people["member"])
        with pytest.raises(Refused, match="理由"):
            actions.decide(change, approve=False, by=people["head"], at=NOW)
        change = actions.decide(change, approve=False, reason="依据不足", by=people["head"], at=NOW)
        assert (change.state, change.edition) == ("refused", None)
        assert actions.decide(change, approve=False, reason="依据不足", by=people["head"], at=NOW).state == "refused"
        assert not LogEntry.objects.filter(kind="law.approve").exists()

    def test_a_past_day_wants_a_reason(self, people):
        with pytest.raises(Refused) as refused:
            propose_ratio(people["member"], valid_from=NOW.date())
        assert set(refused.value.fields) == {"past_reason"}
        change = propose_ratio(
            people["member"], valid_from=datetime.date(2026, 10, 1), past_reason="文件自10月1日施行，10月没有抽取"
        )
        assert approved(change, people["head"]).state == "approved"
        assert ratio(datetime.date(2026, 10, 1)) == "0.07"

    def test_an_overlap_is_refused_with_the_day_that_fits(self, people):
        approved(propose_ratio(people["member"], valid_from=datetime.date(2027, 1, 1)), people["head"])
        with pytest.raises(Refused, match="2026-12-31") as refused:
            propose_ratio(people["member"], "0.09", valid_to=datetime.date(2027, 2, 1))
        assert set(refused.value.fields) == {"valid_to"}
        change = propose_ratio(people["member"], "0.09", valid_to=datetime.date(2026, 12, 31))
        approved(change, people["head"])
        assert [ratio(day) for day in (DAY, datetime.date(2026, 12, 31), datetime.date(2027, 1, 1))] == [
            "0.09",
            "0.09",
            "0.07",
        ]

    def test_days_that_run_backwards(self, people):
        with pytest.raises(Refused) as refused:
            propose_ratio(people["member"], valid_to=datetime.date(2026, 11, 1))
        assert "valid_to" in refused.value.fields

    @pytest.mark.parametrize(("value", "field"), [("很多", "cell_ratio"), ("", "cell_ratio"), ("NaN", "cell_ratio")])
    def test_an_invalid_value_is_refused_with_its_cell(self, people, value, field):
        with pytest.raises(Refused) as refused:
            propose_ratio(people["member"], value)
        assert field in refused.value.fields

    def test_a_key_cannot_be_changed(self, people):
        with pytest.raises(Refused) as refused:
            actions.propose_row(
                RATIOS, KEY, ratio_cells("0.1") | {"risk_class": "B"}, source="x", confidence="sure", valid_from=DAY, reason="r",
                by=people["member"], at=NOW,
            )  # fmt: skip
        assert "cell_scheme" in refused.value.fields

    @pytest.mark.parametrize(
        "said", [{"source": " "}, {"confidence": "certain"}, {"reason": ""}, {"source": "长" * 400}]
    )
    def test_ground_grade_and_reason_are_needed(self, people, said):
        with pytest.raises(Refused) as refused:
            propose_ratio(people["member"], **said)
        assert set(refused.value.fields) == set(said)

    def test_no_change_is_no_change(self, people):
        row = tables.load(RATIOS).find(DAY, scheme="default", risk_class="A")
        with pytest.raises(Refused, match="没有修改"):
            propose_ratio(people["member"], row["ratio"], source=row.source, confidence=row.confidence)

    def test_one_proposal_a_row_at_a_time(self, people):
        first = propose_ratio(people["member"])
        with pytest.raises(Refused, match=first.no):
            propose_ratio(people["reviewer"], "0.09")

    def test_a_person_in_the_cells_is_refused(self, people):
        with pytest.raises(Refused):
            propose_ratio(people["member"], source="电话13912345678")
        assert not Change.objects.exists()

    def test_what_other_pages_keep_is_not_changed_here(self, people):
        with pytest.raises(Refused, match="不在这里"):
            actions.propose_row(
                "inspection/check_items",
                ("x",),
                {},
                source="x",
                confidence="sure",
                valid_from=DAY,
                reason="r",
                by=people["member"],
                at=NOW,
            )

    def test_it_is_checked_again_when_it_is_approved(self, people):
        change = propose_limit(people["member"])
        with pytest.raises(Refused, match="明天"):
            actions.decide(change, approve=True, by=people["head"], at=later(days=7))
        assert Change.objects.get().state == "proposed"

    def test_what_was_changed_meanwhile_is_proposed_anew(self, people):
        late = propose_ratio(people["member"], "0.09", valid_from=datetime.date(2026, 12, 1))
        Change.objects.filter(pk=late.pk).update(state="withdrawn")  # out of the way of the other proposal
        approved(propose_ratio(people["reviewer"]), people["head"])
        Change.objects.filter(pk=late.pk).update(state="proposed")
        with pytest.raises(Refused, match="重新提出"):
            actions.decide(late, approve=True, by=people["head"], at=NOW)

    def test_a_procedure_changes_from_tomorrow_at_the_earliest(self, people):
        with pytest.raises(Refused) as refused:
            propose_limit(people["member"], valid_from=NOW.date())
        assert "valid_from" in refused.value.fields

    @pytest.mark.parametrize(
        ("kind", "code", "cells"),
        [("step", "admit", {"roles": ["wizard"]}), ("limit", "admit", {"unit": "hour"}), ("publication", "statistics", {"facts": ["complainant"]})],
    )  # fmt: skip
    def test_a_procedure_that_would_not_be_sound_is_refused(self, people, kind, code, cells):
        with pytest.raises(Refused):
            propose_limit(people["member"], code=code, cells=cells, kind=kind)
        assert not Change.objects.exists()


class TestInForce:
    def test_a_change_is_taken_back_by_a_further_one(self, people):
        before = ratio()
        approved(propose_ratio(people["member"]), people["head"])
        day = datetime.date(2026, 12, 1)
        approved(propose_ratio(people["member"], before, valid_from=day), people["head"])
        assert [ratio(d) for d in (datetime.date(2026, 11, 8), DAY, day)] == [before, "0.07", before]

    def test_one_that_has_not_begun_gives_way_on_the_same_day(self, people):
        approved(propose_ratio(people["member"]), people["head"])
        change = approved(propose_ratio(people["member"], "0.08"), people["head"])
        assert (ratio(), change.edition) == ("0.08", 2)

    def test_a_row_ends(self, people):
        change = actions.propose_row(
            RATIOS, KEY, None, source="x", confidence="sure", valid_from=DAY, reason="r", by=people["member"], at=NOW
        )
        assert queries.preview(change, NOW.date()).warnings
        approved(change, people["head"])
        with pytest.raises(tables.TableError):
            ratio()

    def test_a_new_row_begins(self, people):
        cells = ratio_cells("0.6") | {"risk_class": "E", "name": "E类"}
        change = actions.propose_row(
            RATIOS,
            ("default", "E"),
            cells,
            source="x",
            confidence="sure",
            valid_from=DAY,
            reason="r",
            by=people["member"],
            at=NOW,
        )
        assert change.old == {}
        approved(change, people["head"])
        assert tables.load(RATIOS).find(DAY, scheme="default", risk_class="E")["ratio"] == "0.6"

    def test_a_procedure_gets_a_new_version(self, people):
        approved(propose_limit(people["member"]), people["head"])
        assert procedure.load("complaint", DAY).limits["admit"].amount == 5
        assert procedure.load("complaint", DAY - datetime.timedelta(days=1)).limits["admit"].amount == 7
        assert procedure.check_file("complaint") == ()

    def test_a_year_of_holidays(self, people):
        days = [
            {"date": "2027-01-01", "kind": "放假", "name": "元旦", "name_en": ""},
            {"date": "2026-12-27", "kind": "补班", "name": "元旦"},
        ]
        assert 2027 in queries.calendar_missing(NOW.date())
        change = actions.propose_calendar(
            2027, days, source="国办发明电〔2026〕8号", confidence="sure", reason="年度", by=people["member"], at=NOW
        )
        approved(change, people["lead_office"])
        assert queries.calendar_missing(NOW.date()) == []
        assert not clock.default_calendar().is_working(datetime.date(2027, 1, 1))
        with pytest.raises(Refused, match="已经载入"):
            actions.propose_calendar(
                2027, days, source="x", confidence="sure", reason="年度", by=people["member"], at=NOW
            )

    @pytest.mark.parametrize(
        ("cells", "said"),
        [
            ({"date": "2027-13-01", "kind": "放假", "name": "x"}, "第 2 行"),
            ({"date": "2028-01-01", "kind": "放假", "name": "x"}, "不在 2027 年"),
            ({"date": "2027-01-01", "kind": "休息", "name": "x"}, "放假"),
            ({"date": "2027-01-01", "kind": "放假", "name": ""}, "节日名称"),
            ({}, "第 2 行"),
        ],
    )
    def test_a_line_of_the_notice_that_is_wrong_is_named(self, people, cells, said):
        with pytest.raises(Refused, match=said):
            actions.propose_calendar(
                2027, [cells], source="x", confidence="sure", reason="r", by=people["member"], at=NOW
            )

    def test_a_change_that_no_longer_fits_the_package_is_left_out_and_said(self, people):
        good = approved(propose_ratio(people["member"]), people["head"])
        change = approved(propose_limit(people["member"]), people["head"])
        Change.objects.filter(pk=change.pk).update(key=["limit", "gone", ""])
        law.follow(now=True)
        tables.lay(queries.overlay())
        assert ratio() == "0.07"
        assert [one.no for one, _problem in queries.broken()] == [change.no]
        assert good.no not in [one.no for one, _problem in queries.broken()]


class TestEveryProcess:
    def test_a_request_that_comes_later_reads_the_new_law(self, people, client, at_once):
        change = actions.decide(propose_ratio(people["member"]), approve=True, by=people["head"], at=NOW)
        tables.lay(tables.NOTHING)  # another process, which has not heard of it
        page = client.get(f"/law/{RATIOS}/", {"on": "2026-11-09"}).content.decode()
        assert "0.07" in page
        assert change.no in page

    def test_an_act_begun_under_the_old_law_is_refused(self, people):
        with tables.under(law.follow(now=True)):
            actions.decide(propose_ratio(people["member"]), approve=True, by=people["head"], at=NOW)
            with pytest.raises(Refused, match="规则刚刚有修改"):
                record("x", "y", 1, by=people["head"], at=NOW)
        with tables.under(law.follow(now=True)):
            record("x", "y", 1, by=people["head"], at=NOW)

    def test_it_asks_once_a_second_at_most(self, people, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(law, "_ask_again", 0.0)
        with django_assert_num_queries(1):
            law.follow()
            law.follow()

    def test_a_command_reads_the_law_first_and_runs_without_one(self, people, monkeypatch):
        actions.decide(propose_ratio(people["member"]), approve=True, by=people["head"], at=NOW)
        law.begin()
        assert ratio() == "0.07"

        def no_table() -> int:
            raise DatabaseError("no such table: law_change")

        monkeypatch.setattr(law, "_edition", no_table)
        law.begin()


ANOTHER = """
import datetime, sys, django
django.setup()
from zhunsheng.engine import tables
from zhunsheng.web.common import law
read = lambda: tables.load("inspection/ratios").find(datetime.date(2026, 11, 9), scheme="default", risk_class="A")["ratio"]
law.SECONDS = 0
law.follow()
print(read(), flush=True)
sys.stdin.readline()
law.follow()
print(read(), flush=True)
"""


@pytest.mark.slow
def test_two_processes_see_the_change(tmp_path):
    """One process approves, another that runs already reads the new law at its next look."""
    env = {**os.environ, "ZHUNSHENG_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings"}
    env.pop("ZHUNSHENG_DATABASE_URL", None)  # a database of their own, in a file

    def python(code: str, **more) -> subprocess.Popen:
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", code], env=env, stdin=pipe, stdout=pipe, text=True, **more)

    assert (
        python(
            "from django.core.management import call_command as c; import django; django.setup(); c('migrate', verbosity=0)"
        ).wait(300)
        == 0
    )
    other = python(ANOTHER)
    before = other.stdout.readline().strip()
    approving = python(APPROVING)
    assert approving.wait(120) == 0
    after = other.communicate("\n", timeout=60)[0].strip()
    assert (before, after) == (ratio(), "0.07")


APPROVING = """
import datetime, django
django.setup()
from zhunsheng.engine.clock import CHINA
from zhunsheng.web.people.models import Office, Post, User
from tests.web.law.conftest import NOW, propose_ratio
from zhunsheng.web.law import actions
office = Office.objects.create(code="T", name="测试局", level="city")
who = [User.objects.create_user(role, password="x") for role in ("member", "head")]
for user in who:
    Post.objects.create(user=user, office=office, role=user.username)
actions.decide(propose_ratio(who[0]), approve=True, by=who[1], at=NOW)
"""
