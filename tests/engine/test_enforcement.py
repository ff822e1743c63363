"""Transfer to the police, hearings, limitation, late fees, warranty: amounts and days by hand."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import enforcement, tables, warranty
from zhunsheng.engine import procedure as P
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import TableError
from zhunsheng.engine.procedure import Event

DAY = date(2023, 3, 1)
CAUSES = sorted({row["code"] for row in tables.load("enforcement/causes").rows})
WAN = 1_000_000  # ten thousand yuan in fen


@pytest.mark.parametrize(
    ("cause", "facts", "on", "due", "missing"),
    [
        ("quality.fake", {"sales": 5 * WAN}, DAY, True, ()),
        ("quality.fake", {"sales": 5 * WAN - 1}, DAY, False, ("stock",)),
        ("quality.fake", {"sales": 5 * WAN - 1, "stock": 15 * WAN - 1}, DAY, False, ()),
        ("quality.fake", {"stock": 15 * WAN}, DAY, True, ()),
        ("trademark.counterfeit", {"turnover": 5 * WAN}, DAY, True, ()),
        ("trademark.counterfeit", {"gain": 3 * WAN, "turnover": 0}, DAY, True, ()),
        ("trademark.selling", {"sales": 5 * WAN}, date(2017, 5, 12), True, ()),
        ("trademark.selling", {"sales": 5 * WAN}, DAY, False, ("act",)),  # the rows have run out: the officer judges
        ("trademark.selling", {"act": True}, DAY, True, ()),
        ("trademark.selling", {"act": False}, DAY, False, ()),
        ("secret.infringement", {"loss": 40 * WAN, "gain": 0}, date(2019, 1, 1), False, ()),
        ("secret.infringement", {"loss": 40 * WAN}, DAY, True, ()),
        ("patent.passing_off", {"turnover": 20 * WAN}, DAY, True, ()),
        ("food.toxic", {}, DAY, False, ("act",)),
        ("food.toxic", {"act": True}, DAY, True, ()),
        ("licence.none", {}, DAY, False, ()),
        ("licence.none", {"sales": 10**12}, DAY, False, ()),
    ],
)
def test_a_case_goes_to_the_police_from_the_standard_on(cause, facts, on, due, missing):
    found = enforcement.must_transfer(cause, facts, on)
    assert (found.due, found.missing) == (due, missing)
    assert bool(found.reasons) == (due or bool(missing))
    assert all(reason.text("zh") and reason.text("en") for reason in found.reasons)


def test_an_unknown_cause_is_refused():
    with pytest.raises(TableError, match="no.such"):
        enforcement.must_transfer("no.such", {}, DAY)


amounts = st.dictionaries(st.sampled_from(enforcement.AMOUNTS), st.integers(0, 10**8))


@given(st.sampled_from(CAUSES), amounts, st.sampled_from(enforcement.AMOUNTS), st.integers(1, 10**8), st.dates(date(2012, 1, 1), date(2026, 1, 1)))  # fmt: skip
def test_a_larger_amount_never_frees_a_case(cause, facts, which, more, on):
    before = enforcement.must_transfer(cause, facts, on)
    after = enforcement.must_transfer(cause, {**facts, which: facts.get(which, 0) + more}, on)
    assert after.due or not before.due


def test_the_causes_cover_the_fields_of_the_policy_and_each_has_a_basis():
    rows = tables.load("enforcement/causes").rows
    fields = {row["field"] for row in rows}
    assert {"counterfeit", "intellectual_property", "online", "licence", "false_promotion", "metrology", "special_equipment", "food"} <= fields  # fmt: skip
    assert all(row["basis"] and row.label("zh") and row.label("en") for row in rows)
    assert {row.confidence for row in rows} <= {"likely", "assumed"}, "none was compared with the official text yet"


@pytest.mark.parametrize(
    ("party", "on", "organ", "yuan"),
    [
        ("entity", date(2017, 5, 12), "aic", 30_000),
        ("person", date(2017, 5, 12), "aic", 3_000),
        ("person", date(2019, 4, 1), "", 10_000),
        ("entity", DAY, "", 100_000),
    ],
)
def test_a_hearing_is_offered_from_the_amount_of_the_time(party, on, organ, yuan):
    assert enforcement.hearing_threshold(party, on, organ) == yuan * 100


def test_a_department_without_a_rule_on_that_day_is_refused():
    with pytest.raises(TableError):
        enforcement.hearing_threshold("entity", DAY, "aic")


@pytest.mark.parametrize(
    ("ended", "life", "on", "last"),
    [
        (date(2021, 2, 1), False, DAY, date(2023, 2, 1)),
        (date(2021, 2, 1), True, DAY, date(2026, 2, 1)),
        (date(2020, 2, 29), False, DAY, date(2022, 2, 28)),
        (date(2016, 5, 12), True, date(2017, 5, 12), date(2018, 5, 12)),  # five years only since 2021
    ],
)
def test_an_act_is_too_old_after_two_years_or_five(ended, life, on, last):
    assert enforcement.limitation_ends(ended, life, on) == last


@pytest.mark.parametrize(
    ("fine", "due", "paid", "most"),
    [
        (10_000_000, date(2023, 6, 9), date(2023, 6, 9), 0),
        (10_000_000, date(2023, 6, 9), date(2023, 6, 10), 300_000),
        (10_000_000, date(2023, 6, 9), date(2023, 7, 12), 9_900_000),
        (10_000_000, date(2023, 6, 9), date(2023, 7, 13), 10_000_000),  # 34 days are 102 %
        (10_000_000, date(2023, 6, 9), date(2033, 1, 1), 10_000_000),
        (10_000_000, date(2010, 6, 9), date(2010, 7, 19), 12_000_000),  # before 2012 nothing capped it
    ],
)
def test_a_late_fee_is_three_per_cent_a_day_and_capped(fine, due, paid, most):
    assert enforcement.late_fee(fine, due, paid) == most


@given(st.integers(0, 10**12), st.dates(date(2012, 1, 1), date(2030, 1, 1)), st.integers(-10, 500))
def test_a_late_fee_never_exceeds_the_fine(fine, due, days):
    fee = enforcement.late_fee(fine, due, date.fromordinal(due.toordinal() + days))
    assert 0 <= fee <= fine


# ---- in a case


def at(month: int, day: int) -> datetime:
    return datetime(2023, month, day, 9, tzinfo=CHINA)


def case(cause: str, source: str = "report", **figures: int | bool) -> P.Standing:
    """A case whose notice was served long enough ago to decide."""
    procedure = P.load("penalty", at(2, 1))
    opened = {
        "party": "uscc:1",
        "party_kind": "entity",
        "cause": cause,
        "handlers": 2,
        "act_ended_on": date(2023, 1, 1),
    }
    opened |= {"found_on": date(2023, 1, 5), "life_safety": False, "opening_approval": "0" * 64}
    notice = {"fine": WAN, "other_penalty": "none", "hearing_right": False, "notice_served_on": date(2023, 3, 3)}
    return P.replay(
        procedure,
        (
            Event("register_clue", at(2, 1), "z", "member", {"clue_source": source}),
            Event("open_case", at(2, 2), "w", "head", opened),
            Event(
                "conclude", at(3, 1), "z", "member", {"discretion": "x", "investigation_report": "0" * 64, **figures}
            ),
            Event("approve_review", at(3, 2), "l", "reviewer", {"review_opinion": "0" * 64}),
            Event("give_notice", at(3, 3), "z", "member", {**notice, "penalty_notice": "0" * 64}),
        ),
    )


def decision(standing: P.Standing, verb: str = "decide_penalty", **more: object) -> list[str]:
    facts = {"fine": WAN, "other_penalty": "none", "discretion_level": "ordinary", "discretion": "x", "grave": False}
    facts |= {"collective": False, "decision": "0" * 64}
    if verb == "drop":
        facts = {"discretion": "x"}
    if verb == "decide_no_penalty":
        facts = {"discretion": "x", "served_on": date(2023, 4, 3), "no_penalty_decision": "0" * 64}
    verdict = P.judge(standing, Event(verb, at(4, 3), "w", "head", {**facts, **more}))
    assert all(reason.text("zh") and reason.text("en") for reason in verdict.reasons)
    return [reason.code for reason in verdict.reasons]


@pytest.mark.parametrize("verb", ["decide_penalty", "decide_no_penalty", "drop"])
def test_nothing_replaces_a_transfer_that_is_due(verb):
    standing = case("quality.fake", sales=5 * WAN, stock_value=0)
    assert decision(standing, verb) == ["procedure.rule.transfer_due"]
    assert P.judge(standing, Event("decide_transfer", at(4, 3), "w", "head")).allowed


def test_a_case_that_came_back_is_decided_here():
    assert decision(case("quality.fake", source="returned", sales=5 * WAN, stock_value=0)) == []


def test_no_decision_before_the_figures_are_known():
    standing = case("quality.fake", sales=1)
    assert decision(standing) == ["procedure.rule.transfer_unknown"]
    assert decision(standing, "drop") == [], "a case without ground may be dropped before the figures are known"
    assert decision(case("quality.fake", sales=1, stock_value=1)) == []
    stated = Event("state_amounts", at(3, 20), "z", "member", {"stock_value": 15 * WAN - 1})
    assert decision(P.apply(standing.procedure, standing.history, stated)) == []
    assert decision(case("other")) == []


def test_a_heavier_decision_than_noticed_still_needs_the_hearing_right():
    standing = case("other")
    assert decision(standing, fine=10 * WAN) == ["procedure.rule.hearing_told"]
    assert decision(standing, fine=10 * WAN - 1) == []
    assert decision(standing, other_penalty="licence") == ["procedure.rule.hearing_told"]
    assert decision(standing, other_penalty="restriction") == ["procedure.rule.hearing_told"]
    assert decision(standing, confiscated=6 * WAN, confiscated_goods=4 * WAN) == ["procedure.rule.hearing_told"]


def executing(**decided: object) -> P.Standing:
    standing = case("other")
    facts = {"fine": WAN, "other_penalty": "none", "discretion_level": "ordinary", "discretion": "x", "grave": False}
    facts |= {"collective": False, "decision": "0" * 64, **decided}
    served = {"served_on": date(2023, 4, 4), "service_receipt": "0" * 64}
    return P.replay(
        standing.procedure,
        (*standing.history, Event("decide_penalty", at(4, 3), "w", "head", facts), Event("serve", at(4, 4), "z", "member", served)),
    )  # fmt: skip


def test_what_is_owed_is_paid_in_full():
    standing = executing(confiscated=WAN)
    for paid, fee, day, codes in (
        (2 * WAN, None, 10, []),
        (2 * WAN - 1, None, 10, ["procedure.rule.not_paid_in_full"]),
        # due 4 April + 15 = 19 April; two days late: 6 %
        (2 * WAN + 6 * WAN // 100, 6 * WAN // 100, 21, []),
        (2 * WAN, 6 * WAN // 100, 21, ["procedure.rule.not_paid_in_full"]),
        (3 * WAN, 6 * WAN // 100 + 1, 21, ["procedure.rule.late_fee"]),
    ):
        facts = {"paid": paid, "paid_on": date(2023, 4, day)} | ({} if fee is None else {"late_fee": fee})
        verdict = P.judge(standing, Event("pay", at(4, day), "z", "member", facts))
        assert [reason.code for reason in verdict.reasons] == codes, (paid, fee, day)


def test_instalments_move_the_day_and_nothing_is_late_before_it():
    standing = executing()
    plan = {"pay_until": date(2023, 6, 30), "instalment_decision": "0" * 64}
    part = {"paid": WAN // 2, "paid_on": date(2023, 5, 4)}
    assert not P.judge(standing, Event("pay_part", at(5, 4), "z", "member", part)).allowed
    allowed = P.apply(standing.procedure, standing.history, Event("allow_instalments", at(4, 18), "w", "head", plan))
    assert {d.limit.code: d.deadline.due for d in allowed.dues if d.live}["pay"] == date(2023, 6, 30)
    halfway = P.apply(standing.procedure, allowed.history, Event("pay_part", at(5, 4), "z", "member", part))
    done = P.judge(halfway, Event("pay", at(6, 30), "z", "member", {"paid": WAN, "paid_on": date(2023, 6, 30)}))
    assert done.allowed


def test_the_publicity_lasts_as_long_as_a_restriction():
    standing = case("other")
    notice = standing.history[-1]
    told = Event(notice.verb, notice.at, notice.by, notice.role, {**notice.facts, "hearing_right": True})
    facts = {
        "fine": 0,
        "other_penalty": "restriction",
        "restricted_until": date(2033, 4, 3),
        "discretion_level": "heavier",
    }
    facts |= {"discretion": "x", "grave": True, "collective": True, "decision": "0" * 64}
    served = {"served_on": date(2023, 4, 4), "service_receipt": "0" * 64}
    history = (
        *standing.history[:-1],
        told,
        Event("decide_penalty", at(4, 3), "w", "head", facts),
        Event("publish", at(4, 4), "z", "member", {"light_publicity": False}),
        Event("serve", at(4, 4), "z", "member", served),
        Event("finish_without_fine", at(4, 5), "z", "member"),
        Event("close", at(4, 6), "w", "head"),
    )
    closed = P.replay(standing.procedure, history)

    def codes(day: date) -> list[str]:
        end = Event("end_publicity", datetime(day.year, day.month, day.day, 9, tzinfo=CHINA), "clock", "clock")
        return [reason.code for reason in P.judge(closed, end).reasons]

    assert codes(date(2026, 4, 8)) == ["procedure.too_early"], "three years are over, the restriction is not"
    assert codes(date(2033, 4, 3)) == ["procedure.too_early"]
    assert codes(date(2033, 4, 4)) == []
    (public,) = P.published(closed)
    assert public.ends.deadline.due == date(2033, 4, 3)
    assert not public.over(datetime(2030, 1, 1, tzinfo=CHINA))


# ---- warranty


@pytest.mark.parametrize(
    ("goods", "basis", "bought", "last"),
    [
        ("appliance", "return", date(2023, 1, 10), date(2023, 1, 17)),
        ("appliance", "exchange", date(2023, 1, 10), date(2023, 1, 25)),
        ("appliance", "repair", date(2020, 2, 29), date(2021, 2, 28)),
        ("car", "return", date(2020, 1, 1), date(2020, 3, 1)),
        ("car", "repair", date(2020, 1, 1), date(2023, 1, 1)),
        ("other", "return", date(2020, 1, 1), date(2020, 1, 8)),
        ("other", "repair", date(2020, 1, 1), None),
        ("phone", "return", date(2001, 1, 1), None),
    ],
)
def test_goods_are_returned_exchanged_and_repaired_in_their_terms(goods, basis, bought, last):
    term = warranty.term(goods, basis, bought)
    assert (term.last if term else None) == last


@pytest.mark.parametrize(
    ("goods", "basis", "trouble", "code"),
    [
        ("appliance", "return", date(2023, 1, 17), None),
        ("appliance", "return", date(2023, 1, 18), "procedure.rule.warranty_over"),
        ("other", "exchange", date(2023, 1, 12), "procedure.rule.no_such_right"),
        ("other", "damage", date(2033, 1, 12), None),
    ],
)
def test_a_claim_out_of_its_term_is_refused(goods, basis, trouble, code):
    procedure = P.load("compensation", DAY)
    facts = {
        "claimant": "赵某",
        "contact": "1",
        "firm": "uscc:1",
        "product": "x",
        "product_class": goods,
        "basis": basis,
    }
    facts |= {"bought_on": date(2023, 1, 10), "trouble_on": trouble, "claimed": 1, "proof": "0" * 64}
    verdict = P.judge(P.Standing(procedure, ()), Event("claim", at(3, 1), "p", "public", facts))
    assert [reason.code for reason in verdict.reasons] == ([code] if code else [])
    assert all(reason.text("zh") and reason.text("en") for reason in verdict.reasons)


def test_what_may_be_done_says_beforehand_what_a_rule_objects():
    """The list of possible steps asks the rules whose facts are known; the clock takes nothing that a rule bars."""

    def offered(standing: P.Standing, verb: str, when: datetime, role: str = "head") -> list[str]:
        found = next(v for v in P.options(standing, by="w", role=role, at=when) if v.step and v.step.code == verb)
        return [reason.code for reason in found.reasons]

    assert offered(case("quality.fake", sales=5 * WAN), "decide_penalty", at(4, 3)) == ["procedure.rule.transfer_due"]
    assert offered(case("quality.fake"), "decide_penalty", at(4, 3)) == ["procedure.rule.transfer_unknown"]
    assert offered(case("other"), "decide_penalty", at(4, 3)) == []
    listed = P.load("abnormal_list", date(2018, 6, 15))
    facts = {"party": "uscc:1", "ground": "unreachable", "verified_on": date(2018, 6, 15)}
    history = (
        Event("verify", datetime(2018, 6, 15, 9, tzinfo=CHINA), "a", "member", facts),
        Event("list", datetime(2018, 7, 2, 9, tzinfo=CHINA), "b", "head", {"entry_decision": "0" * 64}),
    )
    standing = P.replay(listed, history)
    early, inside = datetime(2021, 5, 2, 9, tzinfo=CHINA), datetime(2021, 5, 3, 9, tzinfo=CHINA)
    assert offered(standing, "warn_serious", early, "clock") == ["procedure.rule.warning_window"]
    assert offered(standing, "warn_serious", inside, "clock") == []
    warned = P.apply(listed, history, Event("warn_serious", inside, "clock", "clock"))
    assert offered(warned, "warn_serious", inside, "clock") == ["procedure.guard_fails"], "a clock step that stays ends"
