"""Changes of a procedure: the version they make, and what they do to matters that are open."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.engine.test_procedure import WALKS, facts_of, moment
from zhunsheng.engine import clock, tables
from zhunsheng.engine import procedure as P
from zhunsheng.engine.clock import CHINA, Unit
from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure import Edit, Event, Status

DAY = date(2027, 3, 1)
PAPER = "0" * 64


def edit(cells=None, kind="limit", code="mediate", procedure="complaint", day=DAY, open_too=True, no="G-1") -> Edit:
    return Edit(no, procedure, kind, code, "市监规〔2027〕1号", "sure", day, cells or {}, "", open_too)


def overlay(*edits: Edit) -> tables.Overlay:
    return tables.Overlay("x", (), {}, P.overlaid(edits))


def complaint(received: datetime, admitted: datetime | None = None) -> tuple[Event, ...]:
    told = {"channel": "web", "subject": "漏气", "complainant": "张某", "contact": "138"}
    events = [Event("receive", received, "web", "public", told)]
    if admitted:
        facts = {"respondent": "uscc:91350100M000100Y43", "admission_notice": PAPER}
        events.append(Event("admit", admitted, "zhang", "member", facts))
    return tuple(events)


RECEIVED, ADMITTED = datetime(2027, 2, 1, 9, tzinfo=CHINA), datetime(2027, 2, 3, 9, tzinfo=CHINA)


class TestTheVersion:
    def test_it_follows_the_one_in_force_and_differs_in_one_limit(self):
        with tables.under(overlay(edit({"amount": 30}))):
            before, after = P.versions("complaint")[-2:]
            assert P.check_file("complaint") == ()
            assert P.load("complaint", DAY - timedelta(days=1)).version.code == "2020"
            assert P.load("complaint", DAY).version.code == "2020@2027-03-01"
        assert (before.version.valid_to, after.version.valid_from) == (date(2027, 2, 28), DAY)
        assert (before.limits["mediate"].amount, after.limits["mediate"].amount) == (45, 30)
        assert (after.limits["mediate"].source, after.limits["mediate"].confidence) == ("市监规〔2027〕1号", "sure")
        assert (
            replace(after.limits["mediate"], amount=45, source=before.limits["mediate"].source)
            == before.limits["mediate"]
        )
        assert {**after.limits, "mediate": 0} == {**before.limits, "mediate": 0}
        assert (after.steps, after.states, after.facts, after.metrics) == (
            before.steps,
            before.states,
            before.facts,
            before.metrics,
        )
        assert after.version.name == "现行（2027-03-01 修订）"
        assert before.successor == after
        assert P.versions("complaint")[-1].version.code == "2020"

    def test_older_versions_stay_as_they_were(self):
        old = P.versions("complaint")[:3]
        with tables.under(overlay(edit({"amount": 30}))):
            assert P.versions("complaint")[:3] == old

    def test_two_changes_of_a_day_make_one_version(self):
        first, second = edit({"amount": 30}), edit({"amount": 5}, code="admit", no="G-2")
        with tables.under(overlay(first, second)):
            last = P.versions("complaint")[-1]
            assert [p.version.code for p in P.versions("complaint")][-2:] == ["2020", "2020@2027-03-01"]
            assert P.check_file("complaint") == ()
        assert (last.limits["mediate"].amount, last.limits["admit"].amount) == (30, 5)

    def test_changes_of_two_days_follow_each_other(self):
        with tables.under(overlay(edit({"amount": 30}), edit({"amount": 45}, day=date(2028, 1, 1)))):
            spans = [(p.version.code, p.version.valid_to) for p in P.versions("complaint")][-3:]
            assert spans == [
                ("2020", date(2027, 2, 28)), ("2020@2027-03-01", date(2027, 12, 31)), ("2020@2028-01-01", None),
            ]  # fmt: skip
            assert P.versions("complaint")[-1].limits["mediate"].amount == 45

    def test_a_step_and_a_publication_can_change(self):
        step = edit(
            {"roles": ["head"], "wording": "自{on}起受理。", "wording_en": "Admitted on {on}."}, "step", "admit"
        )
        publication = edit({"facts": ["four_meters"]}, "publication", "statistics", no="G-2")
        with tables.under(overlay(step, publication)):
            last = P.versions("complaint")[-1]
            assert P.check_file("complaint") == ()
        assert (last.steps["admit"].roles, last.steps["admit"].says()) == (("head",), "自{on}起受理。")
        assert last.publications[0].facts == ("four_meters",)
        assert P.load("complaint", DAY).steps["admit"].roles == ("member",)

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            (edit({"starts": ["receive"]}), "procedure.amend.not_changeable"),
            (edit({"amount": 3}, code="nothing"), "procedure.amend.no_element"),
            (edit({"amount": 3}, day=date(2020, 1, 1)), "procedure.amend.same_day"),
            (edit({"amount": 3}, day=date(2019, 1, 1)), "procedure.none_in_force"),
            (edit({"amount": 3}, kind="state"), "procedure.amend.not_changeable"),
        ],
    )
    def test_what_cannot_be_changed_is_refused(self, wrong, code):
        with pytest.raises(ProcedureError) as refused:
            overlay(wrong)
        assert refused.value.code == code

    def test_two_changes_of_a_day_agree_about_open_matters(self):
        with pytest.raises(ProcedureError) as refused:
            overlay(edit({"amount": 30}), edit({"amount": 5}, code="admit", open_too=False))
        assert refused.value.code == "procedure.amend.open_or_not"

    @pytest.mark.parametrize(
        ("cells", "kind", "code", "found"),
        [
            ({"roles": ["wizard"]}, "step", "admit", "procedure.check.unknown_role"),
            ({"needs": ["nothing"]}, "step", "admit", "procedure.check.unknown_fact"),
            (
                {"wording": "{nothing}", "wording_en": "{nothing}"},
                "step",
                "admit",
                "procedure.check.unknown_placeholder",
            ),
            ({"facts": ["complainant"]}, "publication", "statistics", "procedure.check.personal_published"),
            ({"amount": 0}, "limit", "mediate", "procedure.check.no_length"),
            ({"unit": "hour"}, "limit", "mediate", "procedure.check.hours_changed"),
        ],
    )
    def test_a_change_that_is_not_sound_is_found_before_it_is_law(self, cells, kind, code, found):
        document = P.amended(tables.read_document("procedures/complaint"), edit(cells, kind, code))
        assert found in {reason.code for reason in P.problems(document, "complaint")}
        for reason in P.problems(document, "complaint"):
            assert reason.text("zh") and reason.text("en")

    def test_the_file_says_what_an_element_was(self):
        document = tables.read_document("procedures/complaint")
        assert P.entry(document, "limit", "mediate", "2020")["amount"] == 45
        assert P.entry(document, "limit", "mediate", "2017-qts") is None


class TestOpenMatters:
    def test_a_running_limit_is_counted_anew_from_its_own_trigger(self):
        with tables.under(overlay(edit({"amount": 30}))):
            begun = P.load("complaint", RECEIVED)
            history = complaint(RECEIVED, ADMITTED)
            before = P.replay(begun, history, on=DAY - timedelta(days=1)).next
            after = P.replay(begun, history, on=DAY).next
        assert (before.limit.amount, after.limit.amount) == (45, 30)
        assert before.trigger == after.trigger == ADMITTED
        assert after.deadline.due == clock.deadline(ADMITTED, 30, Unit.WORKING_DAY).due
        assert after.deadline.due < before.deadline.due

    def test_without_a_day_it_stands_as_after_its_last_step(self):
        with tables.under(overlay(edit({"amount": 30}))):
            assert P.replay(P.load("complaint", RECEIVED), complaint(RECEIVED, ADMITTED)).next.limit.amount == 45

    def test_a_later_step_is_judged_by_the_version_of_its_day(self):
        step = edit({"roles": ["head"]}, "step", "admit")
        with tables.under(overlay(step)):
            begun = P.load("complaint", RECEIVED)
            history = complaint(RECEIVED)
            admit = complaint(RECEIVED, ADMITTED)[1]
            assert P.may(begun, history, admit).allowed
            late = replace(admit, at=datetime(2027, 3, 1, 0, 0, tzinfo=CHINA))
            assert [r.code for r in P.may(begun, history, late).reasons] == ["procedure.wrong_role"]
            standing = P.apply(begun, history, replace(late, role="head"))
            assert (standing.procedure.version.code, standing.begun.version.code) == ("2020@2027-03-01", "2020")
            assert P.replay(begun, standing.history) == standing

    def test_a_change_for_new_matters_only_leaves_open_ones(self):
        with tables.under(overlay(edit({"amount": 30}, open_too=False))):
            begun = P.load("complaint", RECEIVED)
            assert begun.successor is None
            assert P.replay(begun, complaint(RECEIVED, ADMITTED), on=date(2028, 1, 1)).next.limit.amount == 45
            new = datetime(2027, 3, 1, 9, tzinfo=CHINA)
            assert P.load("complaint", new).limits["mediate"].amount == 30

    def test_a_matter_moves_on_through_every_version_that_reaches_it(self):
        with tables.under(overlay(edit({"amount": 30}), edit({"amount": 90}, day=date(2027, 3, 10)))):
            begun, history = P.load("complaint", RECEIVED), complaint(RECEIVED, ADMITTED)
            amounts = [P.replay(begun, history, on=date(2027, 3, d)).next.limit.amount for d in (1, 9, 10, 31)]
        assert amounts == [30, 30, 90, 90]

    def test_the_wording_and_the_publication_are_those_of_the_step_s_day(self):
        changed = edit({"wording": "新{on}", "wording_en": "new {on}"}, "step", "admit")
        with tables.under(overlay(changed)):
            begun = P.load("complaint", RECEIVED)
            assert "组织调解" in P.wording(begun, complaint(RECEIVED, ADMITTED))
            assert P.wording(begun, complaint(RECEIVED, datetime(2027, 3, 2, tzinfo=CHINA))) == "新2027年3月2日"

    def test_a_suspended_limit_waits_and_resumes_by_the_new_amount(self):
        with tables.under(overlay(edit({"amount": 30}))):
            begun, history = P.load("complaint", RECEIVED), complaint(RECEIVED, ADMITTED)

            def day(d: int, m: int = 2) -> datetime:
                return datetime(2027, m, d, 9, tzinfo=CHINA)

            for verb, at in (("mediate", day(4)), ("send_to_test", day(10))):
                history += (Event(verb, at, "zhang", "member"),)
            waiting = P.replay(begun, history, on=DAY)
            assert waiting.dues[-1].status(day(2, 3)) is Status.SUSPENDED
            back = P.apply(begun, history, Event("test_returned", day(5, 3), "zhang", "member"))
        assert back.next.limit.amount == 30
        assert back.next.suspensions[0].start == date(2027, 2, 10)


OPEN = [
    walk
    for walk in (w.values[0] for w in WALKS)
    if P.load(walk["procedure"], moment(walk["step"][0]["at"]), walk.get("organ", "")).version.valid_to is None
]


@st.composite
def changed_matters(draw):
    """A matter of the vectors cut short, one of its version's limits changed on a day after its last step, and how."""
    walk = draw(st.sampled_from(OPEN))
    first = moment(walk["step"][0]["at"])
    procedure = P.load(walk["procedure"], first, walk.get("organ", ""))
    steps = walk["step"][: draw(st.integers(1, len(walk["step"])))]
    history = tuple(
        Event(s["verb"], moment(s["at"]), s.get("by", (s.get("role") or procedure.steps[s["verb"]].roles[0]) + "-1"),
              s.get("role") or procedure.steps[s["verb"]].roles[0], facts_of(procedure, s))
        for s in steps
    )  # fmt: skip
    limits = [limit for limit in procedure.limits.values() if limit.amount and not limit.until]
    assume(limits)
    limit = draw(st.sampled_from(limits))
    day = history[-1].at.astimezone(CHINA).date() + timedelta(days=draw(st.integers(1, 400)))
    more = draw(st.integers(0, 60))
    made = Edit(
        "G",
        walk["procedure"],
        "limit",
        limit.code,
        "某文件",
        "sure",
        day,
        {"amount": limit.amount + more},
        procedure.version.organ,
        True,
    )
    return procedure.version.code, history, made, more


@given(changed_matters())
def test_longer_never_earlier_and_ended_never_moves_and_nothing_changes_nothing(given_):
    version, history, made, more = given_
    before = P.replay(P.version(made.procedure, version), history)
    with tables.under(overlay(made)):
        begun = P.version(made.procedure, version)
        eve = P.replay(begun, history, on=made.valid_from - timedelta(days=1))
        after = P.replay(begun, history, on=made.valid_from)
        assert P.replay(begun, history, on=made.valid_from) == after
    assert [d.last for d in eve.dues] == [d.last for d in before.dues]
    assert (after.state.code, after.facts, after.takers) == (before.state.code, before.facts, before.takers)
    assert len(after.dues) == len(before.dues)
    for old, new in zip(before.dues, after.dues, strict=True):
        assert (new.trigger, new.opened_by, new.ended_at, new.lapsed_at) == (
            old.trigger,
            old.opened_by,
            old.ended_at,
            old.lapsed_at,
        )
        if not old.live or old.limit.code != made.code or not more:
            assert new.last == old.last
        elif old.last is not None:
            assert new.last >= old.last
            assert new.limit.amount == made.cells["amount"]
