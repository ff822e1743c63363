"""Procedures: every file is sound, every matter of the vectors walks as counted by hand, and what is refused."""

import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from zhunsheng.engine import procedure as P
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Event, Status

VECTORS = sorted((Path(__file__).parents[1] / "vectors/procedures").glob("*.toml"))
WALKS = [
    pytest.param(walk, id=f"{path.stem}: {walk['what']}")
    for path in VECTORS
    for walk in tomllib.loads(path.read_text(encoding="utf-8"))["walk"]
]
PAPER = "0" * 64


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=CHINA)


def facts_of(procedure: P.Procedure, step: dict) -> dict[str, object]:
    """The facts of a step of a vector; documents that the step needs are attached."""
    papers = dict.fromkeys(procedure.steps[step["verb"]].documents, PAPER)
    return papers | {c: P.read_value(procedure.facts[c], v) for c, v in step.get("facts", {}).items()}


def walked(walk: dict) -> list[tuple[dict, P.Standing]]:
    """Every standing of a walk, with the step that led to it."""
    first = moment(walk["step"][0]["at"])
    procedure = P.load(walk["procedure"], first, walk.get("organ", ""))
    found, history = [], ()
    for step in walk["step"]:
        role = step.get("role") or procedure.steps[step["verb"]].roles[0]
        event = Event(step["verb"], moment(step["at"]), step.get("by", f"{role}-1"), role, facts_of(procedure, step))
        standing = P.apply(procedure, history, event)
        history = standing.history
        found.append((step, standing))
    return found


@pytest.mark.parametrize("code", P.codes())
def test_every_procedure_is_sound(code):
    assert [reason.text("en") for reason in P.check_file(code)] == []
    assert [reason.text("zh") for reason in P.check_file(code)] == []


@pytest.mark.parametrize("code", P.codes())
def test_every_procedure_has_a_walk_to_an_end(code):
    ends = [walk.values[0] for walk in WALKS if walk.values[0]["procedure"] == code]
    assert any(walked(walk)[-1][1].ended for walk in ends), f"tests/vectors/procedures/{code}.toml"


@pytest.mark.parametrize("walk", WALKS)
def test_every_walk_goes_as_counted_by_hand(walk):
    procedure = None
    for number, (step, standing) in enumerate(walked(walk), 1):
        procedure, place = standing.procedure, f"step {number}, {step['verb']}"
        if "state" in step:
            assert standing.state.code == step["state"], place
        last = {}
        for due in standing.dues:
            last[due.limit.code] = due
        for code, expected in step.get("due", {}).items():
            due = last[code]
            if expected == "suspended":
                assert due.status(standing.history[-1].at) is Status.SUSPENDED, f"{place}: {code}"
                continue
            assert due.deadline is not None, f"{place}: {code}"
            assert str(due.deadline.due_at or due.deadline.due) == str(expected), f"{place}: {code}"
            assert all(r.text("zh") and r.text("en") for r in due.reasons)
        for code, expected in step.get("status", {}).items():
            assert last[code].status(standing.history[-1].at) == expected, f"{place}: {code}"
        for lang in ("zh", "en"):
            assert "{" not in P.wording(procedure, standing.history, lang)
    assert procedure is not None
    assert procedure.version.code == walk["version"]
    for refused in walk.get("refused", ()):
        after = refused["after"]
        history = walked(walk)[after - 1][1].history if after else ()
        role = refused.get("role") or procedure.steps[refused["verb"]].roles[0]
        at, by = moment(refused["at"]), refused.get("by", f"{role}-2")
        event = Event(refused["verb"], at, by, role, facts_of(procedure, refused))
        codes = {reason.code for reason in P.may(procedure, history, event).reasons}
        assert codes == set([refused["why"]] if isinstance(refused["why"], str) else refused["why"]), (
            f"after step {after}, {refused['verb']}"
        )


def test_it_says_when_it_is_due_and_why():
    procedure = P.load("complaint", date(2024, 9, 25))
    at = moment("2024-09-25T10:00")
    facts = {"channel": "web", "subject": "电压力锅漏气", "complainant": "张某", "contact": "1", "claim": 29900}
    standing = P.start(procedure, Event("receive", at, "p", "public", facts))
    due = standing.next
    # 2024-09-29 (Sunday) and 10-12 (Saturday) are worked, 1 to 7 October are off: 26 27 29 30 | 8 9 10.
    assert due.deadline.due == date(2024, 10, 10)
    assert [r.code for r in due.reasons] == [
        "procedure.due.at_most", "procedure.grade.sure", "clock.rule.working_day", "clock.weekends", "clock.holiday",
        "clock.makeup", "clock.ends",
    ]  # fmt: skip
    assert "市场监管总局令第20号" in due.reasons[0].text()
    assert due.status(at) is Status.RUNNING
    assert due.status(at + timedelta(days=30)) is Status.OVERDUE


def test_a_year_without_a_calendar_says_so():
    procedure = P.load("complaint", date(2027, 3, 1))
    facts = {"channel": "web", "subject": "x", "complainant": "张某", "contact": "1"}
    standing = P.start(procedure, Event("receive", moment("2027-03-01T10:00"), "p", "public", facts))
    assert standing.next.deadline.provisional
    assert "2027" in standing.next.reasons[-1].text("en")
    assert standing.next.reasons[-1].code == "clock.notice_missing"


def test_a_publication_with_a_condition_is_made_only_where_it_holds():
    procedure = P.load("circular", date(2026, 11, 2))
    (one,) = procedure.publications
    assert one.when == "public"
    assert P.publishes(procedure, "issue", {"public": True}) == (one,)
    assert P.publishes(procedure, "issue", {"public": False}) == ()
    assert P.publishes(procedure, "issue", {}) == ()
    assert P.publishes(procedure, "draft", {"public": True}) == ()
