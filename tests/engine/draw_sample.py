"""The draw of tests/vectors/draw/own-12.json made into a whole bundle, with inspectors, results and log proofs."""

import hashlib
import json
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from zhunsheng.engine.draw import (
    Abandonment,
    AssignmentRule,
    DrawList,
    Fallback,
    Frame,
    Inspector,
    Source,
    Target,
    Value,
    announcement,
    announcement_hash,
    assign,
    assignment_seed,
    bundle,
    commitment,
    constraints,
    constraints_hash,
    directory_hash,
    execute,
    freeze,
    log_act,
    nonce,
    read_terms,
    select,
    specialities,
    substitute,
    targets,
)
from zhunsheng.engine.public_log import canonical, inclusion_proof, leaf_hash, tree_root
from zhunsheng.engine.signing import Ed25519Signer
from zhunsheng.engine.suites import SHA256

OWN = json.loads((Path(__file__).parents[1] / "vectors/draw/own-12.json").read_text(encoding="utf-8"))
OWN_UNITS = [json.loads(leaf) for leaf in OWN["leaves"]]
UNITS = [unit | ({"speciality": "食品"} if unit["stratum"] == "B" else {}) for unit in OWN_UNITS]
N = {"A": 1, "B": 2, "C": 1, "D": 2}

DRAND = "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
ROUND_1000 = datetime(2023, 8, 23, 15, 59, 24, tzinfo=UTC)  # 1692803367 + 3 × 999
SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
RANDOMNESS = OWN["drand"]["values"][0]

ANNOUNCED_AT = datetime(2023, 8, 22, 1, 0, tzinfo=UTC)
NOT_BEFORE = ANNOUNCED_AT + timedelta(hours=24)
REVEALED_AT = datetime(2023, 8, 23, 1, 30, tzinfo=UTC)
DAY = date(2023, 8, 28)

SECRETS = ("3f9c0c1be2a54e6d8a17b4470d21aa52", "a07144e1c9d3420fb8c61f5e02b97d33")
DICE = "4-2-6-1-5-3-3-6-2-1"


def ceremony(draw="demo-2026-003", suite=SHA256, second=False):
    """Two parties, who committed before the announcement, and dice; of the second round, other secrets and other dice."""
    names, secrets = ("ceremony:party-1", "ceremony:party-2"), [one[::-1] for one in SECRETS] if second else SECRETS
    promised = [
        commitment(draw, name, secret, suite, second=second) for name, secret in zip(names, secrets, strict=True)
    ]
    terms = [{"commitment": promise, "default": "none"} for promise in promised]
    return (*map(Source, names, terms), Source("ceremony:dice-2" if second else "ceremony:dice", {"rolls": 10}))


def ceremony_values(at=REVEALED_AT, secrets=SECRETS, dice=DICE, second=False):
    ids = ("ceremony:party-1", "ceremony:party-2", "ceremony:dice-2" if second else "ceremony:dice")
    secrets = [one[::-1] for one in secrets] if second else secrets
    return tuple(Value(i, v, at, {"record": "笔录第3页"}) for i, v in zip(ids, (*secrets, dice), strict=True))


def drand_source(number=1000):
    return Source(DRAND, {"round": number})


def drand_value(at=ROUND_1000, value=RANDOMNESS, signature=SIGNATURE):
    return Value(DRAND, value, at, {"signature": signature})


def announce(**changed):
    """The announcement of the sample; what is changed may be anything, the second round of randomness with it."""
    given = {
        "draw": "demo-2026-003",
        "frame": freeze(UNITS),
        "n": N,
        "sources": ceremony(),
        "announced_at": ANNOUNCED_AT,
        "not_before": NOT_BEFORE,
        "fallback": [
            Fallback(48, (Source("lottery:ssq", {"issue": "2023099"}), Source("lottery:dlt", {"issue": "23099"})))
        ],
        "assignment": rule(),
        "items": ["登记事项检查", "公示信息检查"],
        "legal_basis": "国发〔2019〕5号",
        "plan": "2026-计划-07",
        "frame_date": "2023-08-21",
        "rule_version": "2026-01",
        "rule_book_sha256": "0" * 63 + "1",
    }
    given |= changed
    frame = given["frame"]
    if isinstance(given["assignment"], AssignmentRule):  # the directory by the suite of the draw
        given["assignment"] = replace(given["assignment"], directory=directory_hash(INSPECTORS, frame.suite))
    return announcement(**given)


def rule(team_size=2, sources=None, steps_per_slot=50, fallback=(), slack=1):
    """How inspectors will be assigned, with the directory of the sample."""
    given = (drand_source(),) if sources is None else tuple(sources)
    return AssignmentRule(team_size, given, steps_per_slot, tuple(fallback), directory_hash(INSPECTORS), slack)


INSPECTORS = (
    Inspector("P01", date(2027, 1, 1), frozenset({"食品", "计量"})),
    Inspector("P02", date(2027, 1, 1), frozenset({"食品"}), forbidden=(("demo:T012", "recusal"),)),
    Inspector("P03", date(2027, 1, 1), frozenset({"计量"})),
    Inspector("P04", date(2023, 8, 27)),
    Inspector("P05", date(2027, 1, 1), leave=((date(2023, 8, 27), date(2023, 8, 29)),)),
    Inspector("P06", date(2027, 1, 1), frozenset({"特种设备"})),
)
CLOSED_AT = REVEALED_AT + timedelta(hours=4)
OPENED_AT = datetime(2023, 9, 20, 8, 0, tzinfo=UTC)
KEY = hashlib.sha256(b"the key of the sealed sample").hexdigest()
SIGNER = Ed25519Signer("demo.city/draw", hashlib.sha256(b"the signer of the samples").digest())


def targets_of(frame, drawn):
    return tuple(Target(*one) for one in specialities(frame, drawn).items())


@dataclass
class Parts:
    """A draw carried out to the end: what `bundle` takes."""

    announcement: dict
    frame: Frame
    execution: object = None
    selection: tuple = ()
    constraints: object = None
    assignment: object = None
    changes: tuple = ()
    results: tuple = ()
    abandon: object = None
    opened_at: object = None
    signatures: tuple = ()

    def bundle(self, log=True, order=None, **more):
        given = {field.name: getattr(self, field.name) for field in fields(self)} | more
        made = bundle(**given)
        if log:
            made = bundle(**given, log=log_of(made, order or ACTS))
        return made


def carry_out(announced, frame, *, values=None, second=None, fallback=0, reason="", assigned=True):
    """Executes, selects, closes the constraints, assigns, lets one inspector be replaced, gives one result."""
    execution = execute(announced, values or ceremony_values(), fallback=fallback, fallback_reason=reason)
    drawn = select(frame, execution.seed, announced["n"])
    parts = Parts(announced, frame, execution, drawn)
    if assigned:
        secret = nonce(frame.seal_key, announced["draw"], frame.suite) if frame.seal_key else ""
        steps = read_terms(announced).assignment.steps_per_slot
        parts.constraints = constraints(
            targets_of(frame, drawn), INSPECTORS, on=DAY, at=CLOSED_AT, steps_per_slot=steps, nonce=secret
        )
        second = second or (drand_value(),)
        fixed = constraints_hash(parts.constraints.as_json(), frame.suite)
        seed2 = assignment_seed(announcement_hash(announced), fixed, second, suite=frame.suite)
        parts.assignment = assign(parts.constraints, seed2, values=second, suite=frame.suite)
        team = parts.assignment.teams[0]
        out = team.others[0]
        parts.changes = (
            substitute(parts.constraints, seed2, team, out, reason="突发疾病", at=ROUND_1000, suite=frame.suite),
        )
    parts.results = ({"id": targets(drawn)[0], "code": "01", "date": "2023-08-28"},)
    return parts


def whole(abandoned=False, **changed):
    """A bundle with every section, executed by the ceremony, assigned by a later drand round."""
    announced = announce(**changed)
    parts = carry_out(announced, changed.get("frame") or freeze(UNITS))
    if abandoned:
        parts.abandon = Abandonment("名单中混入外市企业", "P00", ROUND_1000)
    return parts.bundle()


def sealed_frame(units=UNITS, **more):
    return freeze(units, **({"seal_key": KEY, "draw": "demo-2026-003"} | more))


def sealed(opened=True, suite=SHA256, at=OPENED_AT):
    """The same units under seal: before the opening, or after it."""
    frame = sealed_frame(suite=suite)
    announced = announce(frame=frame, open_by=date(2023, 9, 20), sources=ceremony(suite=suite))
    parts = carry_out(announced, frame)
    parts.opened_at = at if opened else None
    return parts.bundle()


LISTS = {
    "food": DrawList("市场监管局", ("食品经营检查",)),
    "fire": DrawList("消防救援支队", ("消防安全检查",)),
}
JOINT_UNITS = [
    {"id": f"demo:J{number:02}", "division": f"4116{number % 3:02}"}
    | ({"food.stratum": "AB"[number % 2], "food.speciality": ["", "食品"][number % 2]} if number % 4 else {})
    | ({"fire.stratum": "general", "fire.size": number} if number % 3 else {})
    | ({"fire.stratum": "general", "fire.exclusion": "CAP"} if number % 12 == 0 else {})
    for number in range(24)
    if number % 4 or number % 3 or number % 12 == 0
]
JOINT_N = {"food/A": 2, "food/B": 3, "fire/general": 5}


def joint_frame(**more):
    return freeze(JOINT_UNITS, lists=LISTS, pareto={"fire/general": 5}, **more)


def joint():
    """Two departments, one seed: a stratum by size in one list, two plain ones in the other, and a committed scope."""
    frame = joint_frame()
    scope = {"division": ["411600", "411601", "411602"]}
    announced = announce(frame=frame, n=JOINT_N, lists=LISTS, scope=scope)
    return carry_out(announced, frame).bundle()


ACTS = (
    "announce", "execute", "selection", "assign_announce", "assign", "changes", "open", "results", "abandon",
)  # fmt: skip


def recorded_at(made, act):
    """When an act went into the log: what promises something at once, the rest when it was known."""
    at = made["announce"]["announced_at"] if act == "announce" else made.get("execute", made["announce"]).get("at", "")
    late = act in ("assign_announce", "assign") and "assign_announce" in made
    return made["assign_announce"]["at"] if late else at


def log_of(made, order=ACTS):
    """A small log in which the acts of this bundle were recorded in that order, with the proofs."""
    known = made.get("withheld", {}) | made["digests"]
    acts = [name for name in order if name in known]
    entries = [{"act": "unrelated", "n": 1}]
    entries += [
        {
            "kind": log_act(act)[0],
            "subject": f"draw:{made['announce']['draw']}",
            "at": recorded_at(made, act),
            "data": {log_act(act)[1]: known[act]},
        }
        for act in acts
    ]
    entries.append({"act": "unrelated", "n": 2})
    leaves = [leaf_hash(canonical(entry)) for entry in entries]
    return {
        "origin": "demo.city/log",
        "size": len(entries),
        "root": tree_root(leaves).hex(),
        "acts": [
            {
                "act": act,
                "index": index,
                "entry": entries[index],
                "proof": [node.hex() for node in inclusion_proof(leaves, index)],
            }
            for index, act in enumerate(acts, 1)
        ],
    }
