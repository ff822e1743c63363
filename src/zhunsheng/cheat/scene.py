"""The honest draws on which the levers are pulled: one open, one sealed, one given up, and the public log of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from zhunsheng.engine import draw
from zhunsheng.engine import public_log as log
from zhunsheng.engine.draw import Inspector, Source, Target, Value, nonce
from zhunsheng.engine.draw.assignment import read_teams
from zhunsheng.engine.identifiers import make_uscc
from zhunsheng.engine.signing import Ed25519Signer

Section = dict[str, Any]

HIDDEN = ("selection", "assign_announce", "assign")
#: what the public log records of a draw, in the order of the acts
LOGGED = (
    "announce", "execute", "selection", "assign_announce", "assign", "changes", "open", "results", "abandon",
)  # fmt: skip
ORIGIN = "demo.invalid/log"
KEY = sha256(b"zhunsheng/cheat|seal").hexdigest()
OPEN, SEALED, GIVEN_UP = "demo-2023-001", "demo-2023-002", "demo-2023-003"

ANNOUNCED = datetime(2023, 8, 22, 1, 0, tzinfo=UTC)
NOT_BEFORE = ANNOUNCED + timedelta(hours=24)
REVEALED = NOT_BEFORE + timedelta(minutes=30)
CLOSED = REVEALED + timedelta(hours=4)
ROUND = datetime(2023, 8, 23, 15, 59, 24, tzinfo=UTC)  # of drand quicknet round 1000
DAY = date(2023, 8, 28)

PARTIES = ("ceremony:party-1", "ceremony:party-2")
SECRETS = ("3f9c0c1be2a54e6d8a17b4470d21aa52", "a07144e1c9d3420fb8c61f5e02b97d33")
DICE = "4-2-6-1-5-3-3-6-2-1"
DRAND = "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
RANDOMNESS = sha256(bytes.fromhex(SIGNATURE)).hexdigest()

SLACK = 1
INSPECTORS = tuple(
    Inspector(
        f"P{number:02d}",
        date(2027, 1, 1),
        frozenset({"food", "metrology"} if number % 3 == 0 else {"food"} if number % 2 else {"metrology"}),
        leave=((DAY - timedelta(days=1), DAY + timedelta(days=1)),) if number == 7 else (),
    )
    for number in range(1, 10)
)


def signer(name: str = "demo.invalid/office") -> Ed25519Signer:
    """The key of the office, or of the log. It is made of its name: it guards nothing."""
    return Ed25519Signer(name, sha256(f"zhunsheng/cheat|{name}".encode()).digest())


def code(number: int) -> str:
    """The 统一社会信用代码 of an invented firm."""
    return f"uscc:{make_uscc('91', '990102', f'MADE{number:04d}')}"


def units() -> list[dict[str, log.Json]]:
    """The list of firms: three strata in two divisions, two firms that were visited often enough."""
    made: list[dict[str, log.Json]] = []
    for number in range(36):
        unit: dict[str, log.Json] = {
            "id": code(number), "stratum": "ABC"[number % 3], "division": f"99010{1 + number % 2}",
        }  # fmt: skip
        if unit["stratum"] == "C":
            unit["speciality"] = "metrology"
        if number in (5, 22):
            unit["exclusion"] = "CAP"
        made.append(unit)
    return made


def targets(made: Section) -> tuple[Target, ...]:
    """The drawn units as targets, with what the list says that the lead must know: metrology in stratum C."""
    columns = leaves(made)
    return tuple(
        Target(unit, draw.speciality_of(columns[unit])) for unit in sorted({one["id"] for one in made["selection"]})
    )


@dataclass
class Log:
    """The public log of the platform: its entries, and its files as everyone can fetch them."""

    entries: list[Section] = field(default_factory=list)
    key: str = ORIGIN
    absent: bool = False  # of a bundle from elsewhere: there is neither its log here nor its key

    def add(self, kind: str, subject: str, at: datetime, **data: Any) -> None:
        self.entries.append({
            "kind": kind, "subject": subject, "at": at.isoformat(), "office": "demo", "rule": draw.PROTOCOL, "data": data,
        })  # fmt: skip

    def lines(self) -> list[bytes]:
        return [log.canonical(entry) for entry in self.entries]

    def proofs(self) -> tuple[str, Callable[[int], list[str]]]:
        """The root, and the proof of each entry, in hexadecimal digits."""
        leaves = [log.leaf_hash(line) for line in self.lines()]
        return log.tree_root(leaves).hex(), lambda index: [node.hex() for node in log.inclusion_proof(leaves, index)]

    def files(self) -> Files:
        """Checkpoint, tiles and entry bundles, signed with the log's key."""
        made: dict[str, bytes] = {}

        def keep(tile: log.Tile, data: bytes) -> None:
            made[tile.path] = data

        lines = self.lines()
        leaves = [log.leaf_hash(line) for line in lines]
        writer = log.TileWriter(0, lambda _: (), keep)
        for leaf in leaves:
            writer.add(leaf)
        writer.close()
        for number in range(-(-len(lines) // log.WIDTH)):
            part = lines[number * log.WIDTH : (number + 1) * log.WIDTH]
            made[log.tile(log.ENTRIES, number, len(lines)).path] = log.bundle(part)
        head = log.Checkpoint(ORIGIN, len(lines), log.tree_root(leaves))
        made["checkpoint"] = str(log.sign_checkpoint(head, [signer(self.key)])).encode()
        return Files(made)


@dataclass
class Files:
    """The files of a log in memory."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str, /) -> bytes | None:
        return self.files.get(path)


@dataclass
class Mirror:
    """A copy of the log that somebody else keeps, and what it remembers."""

    known: log.Known
    files: Files
    last: str = ""

    @classmethod
    def new(cls) -> Mirror:
        return cls(log.start(ORIGIN, log.note_key(signer(ORIGIN))), Files())

    def follow(self, files: Files) -> log.Followed:
        """Looks at the log once more; keeps what is new if all is well."""
        fresh: dict[str, bytes] = {}
        found = log.follow(
            self.known, files, self.files, lambda tile, data: fresh.__setitem__(tile.path, data), last_time=self.last
        )
        if found.ok:
            self.files.files |= fresh
            self.known, self.last = found.known, found.known.newest
        return found


@dataclass
class Scene:
    """What the public holds: three bundles, a sealed one before its opening, a firm's proof, the log and a copy of it.

    closed: the sealed draw as it stood before the opening. proof: of one firm, in the sealed draw.
    """

    open: Section
    sealed: Section
    closed: Section
    given_up: Section
    proof: Section
    log: Log
    mirror: Mirror


def digest(made: Mapping[str, Any], section: str) -> str:
    """The digest of a section, after section 7 of the protocol."""
    value, key = made[section], made.get("open", {}).get("key", "")
    if section == "open":
        sealed = {"key": key, "at": value["at"]} if key else {}
        return sha256(log.canonical({**made["announce"]["frame"], **sealed})).hexdigest()
    return draw.section_digest(made["announce"]["draw"], section, value, key)


def around(made: Section) -> Scene:
    """A scene with a bundle from elsewhere in the place of the open draw. Its log and its key are not here."""
    return Scene(made, {}, {}, {}, {}, Log(absent=True), Mirror.new())


def honest() -> Scene:
    """The honest story. Its parts come from the same functions that the platform uses."""
    public = Log()
    public.add("rule_book.publish", "rule_book:1", ANNOUNCED - timedelta(days=9), sha256="0" * 64)
    opened = _open_draw(public)
    sealed, closed, proof = _sealed_draw(public)
    given_up = _given_up(public)
    mirror = Mirror.new()
    mirror.follow(public.files())
    for made in (opened, sealed, closed, given_up):
        attach(made, public)
    return Scene(opened, sealed, closed, given_up, proof, public, mirror)


def attach(made: Section, public: Log, subject: str = "") -> None:
    """Signs a bundle, gives it its digests, and its proofs from the log as it is now. subject: of the acts in the log, where
    they are not those of the draw."""
    made.pop("log", None)
    made.pop("digests", None)
    made.pop("signatures", None)
    if public.absent:
        made["digests"] = _digests(made)
        return
    sections = [name for name in made if name not in ("protocol", "sealed")]
    key = signer()
    made["signatures"] = [
        one.as_json()
        for one in draw.sign(key, made["announce"]["draw"], {name: digest(made, name) for name in sections})
    ]
    root, proof = public.proofs()
    subject = subject or f"draw:{made['announce']['draw']}"
    acts = [
        {"act": section, "index": index, "entry": entry, "proof": proof(index)}
        for index, entry in enumerate(public.entries)
        if entry["subject"] == subject
        for section in LOGGED
        if section in entry["data"] and (section in made or section in made.get("withheld", ()))
        if draw.log_act(section)[0] == entry["kind"]
    ]
    made["log"] = {"origin": ORIGIN, "size": len(public.entries), "root": root, "acts": acts}
    made["digests"] = _digests(made)


def _digests(made: Section) -> dict[str, str]:
    return {name: digest(made, name) for name in made if name not in ("protocol", "sealed", "digests")}


# ── the open draw ────────────────────────────────────────────────────────────────────────────────────────────────────


def _open_draw(public: Log) -> Section:
    frame = draw.freeze(units())
    announced = draw.announcement(
        draw=OPEN,
        frame=frame,
        n={"A": 3, "B": 2, "C": 2},
        sources=(
            *(
                Source(party, {"commitment": draw.commitment(OPEN, party, secret), "default": "00"})
                for party, secret in zip(PARTIES, SECRETS, strict=True)
            ),
            Source("ceremony:dice", {"rolls": 10}),
        ),
        announced_at=ANNOUNCED,
        not_before=NOT_BEFORE,
        fallback=[draw.Fallback(48, _lotteries("2023099", "23099"))],
        assignment=draw.AssignmentRule(
            2, (Source(DRAND, {"round": 1000}),), directory=draw.directory_hash(INSPECTORS), slack=SLACK
        ),
        scope={"division": ["9901"]},
        items=["登记事项检查"],
        plan="2023-01",
    )
    announce(public, announced, ANNOUNCED)
    made: Section = {
        "protocol": draw.PROTOCOL, "announce": announced, "open": {"leaves": [line.decode() for line in frame.leaves]},
    }  # fmt: skip
    thrown = [Value(party, secret, REVEALED) for party, secret in zip(PARTIES, SECRETS, strict=True)]
    _execute(made, frame, [*thrown, Value("ceremony:dice", DICE, REVEALED)], public)
    second = [Value(DRAND, RANDOMNESS, ROUND, {"signature": SIGNATURE})]
    _assign(made, second, CLOSED, DAY, public)
    _stand_in(made, public)
    made["results"] = [
        {"id": unit, "code": "1" if place else "6", "date": DAY.isoformat()}
        for place, unit in enumerate(sorted({one["id"] for one in made["selection"]})[:3])
    ]
    public.add("draw.results", f"draw:{OPEN}", datetime(2023, 8, 30, tzinfo=UTC), results=digest(made, "results"))
    return made


def announce(public: Log, announced: Section, at: datetime) -> None:
    """Records an announcement, with what the history of draws reads of it."""
    public.add(
        "draw.announce", f"draw:{announced['draw']}", at, announce=draw.announcement_hash(announced),
        plan=announced.get("plan", ""), mode=announced["mode"], not_before=announced["not_before"],
    )  # fmt: skip


def _lotteries(ssq: str, dlt: str) -> tuple[Source, Source]:
    return Source("lottery:ssq", {"issue": ssq}), Source("lottery:dlt", {"issue": dlt})


def _execute(made: Section, frame: draw.Frame, given: Sequence[Value], public: Log) -> None:
    done = draw.execute(made["announce"], given)
    made["execute"] = done.as_json()
    made["selection"] = [one.as_json() for one in draw.select(frame, done.seed, made["announce"]["n"])]
    number = made["announce"]["draw"]
    public.add(
        "draw.execute", f"draw:{number}", done.at + timedelta(minutes=5),
        announcement=done.announcement_hash, execute=digest(made, "execute"), selection=digest(made, "selection"),
    )  # fmt: skip


def leaves(made: Section) -> dict[str, Mapping[str, log.Json]]:
    """id → columns of the open lines of a bundle."""
    found = (log.parse_json(line.encode()) for line in made["open"]["leaves"])
    return {str(leaf["id"]): leaf for leaf in found if isinstance(leaf, dict)}


def _assign(made: Section, second: Sequence[Value], closed: datetime, day: date, public: Log, nonce: str = "") -> None:
    close(made, closed, day, nonce)
    number = made["announce"]["draw"]
    public.add("draw.close_list", f"draw:{number}", closed, assign_announce=digest(made, "assign_announce"))
    choose(made, second)
    named = {"assign": digest(made, "assign")}
    if nonce:
        made["withheld"] = {section: digest(made, section) for section in HIDDEN}
    public.add("draw.assign", f"draw:{number}", second[-1].at + timedelta(minutes=5), **named)


def close(
    made: Section,
    closed: datetime,
    day: date,
    nonce: str = "",
    inspectors: Sequence[Inspector] = INSPECTORS,
    most: int | None = None,
) -> draw.Constraints:
    """Closes the recusals and leave of the bundle's drawn units: the section assign_announce. most: visits that somebody
    may make, where they are not to follow from the rule."""
    wanted = targets(made)
    barred = {"P02": ((wanted[0].id, "recusal"),), "P05": ((wanted[-1].id, "former_employer"),)}
    people = [
        replace(one, forbidden=one.forbidden or barred.get(one.number, ()))
        for one in draw.load_bounds(wanted, inspectors, on=day, slack=SLACK)
    ]
    if most is not None:
        people = [replace(one, most=most) for one in people]
    found = draw.constraints(wanted, people, on=day, at=closed, team_size=2, steps_per_slot=50, nonce=nonce)
    made["assign_announce"] = found.as_json()
    return found


def choose(made: Section, second: Sequence[Value]) -> None:
    """The teams, from the constraints and the values of the second round: the section assign."""
    found = draw.read_constraints(made["assign_announce"])
    seed2 = draw.assignment_seed(
        draw.announcement_hash(made["announce"]), draw.constraints_hash(made["assign_announce"]), second
    )
    made["assign"] = draw.assign(found, seed2, values=second).as_json()


def _stand_in(made: Section, public: Log) -> None:
    """The lead of the first team falls ill: the next in order comes in."""
    found = draw.read_constraints(made["assign_announce"])
    team = read_teams(made["assign"]["teams"], "assign.teams")[0]
    change = draw.substitute(
        found, made["assign"]["seed"], team, team.lead, reason="生病", at=datetime(2023, 8, 27, tzinfo=UTC)
    )
    made["changes"] = [change.as_json()]
    public.add("team.replace", f"draw:{OPEN}", change.at, changes=digest(made, "changes"))


# ── the sealed draw ──────────────────────────────────────────────────────────────────────────────────────────────────


def _sealed_draw(public: Log) -> tuple[Section, Section, Section]:
    """Opened, before the opening, and the proof of one firm. Stratum A is drawn by size."""
    made_of = [
        {**unit, "size": 1 + number % 7} if unit["stratum"] == "A" else unit for number, unit in enumerate(units())
    ]
    n = {"A": 3, "B": 2, "C": 2}
    frame = draw.freeze(made_of, pareto={"A": n["A"]}, seal_key=KEY, draw=SEALED)
    day = timedelta(days=1)
    announced = draw.announcement(
        draw=SEALED,
        frame=frame,
        n=n,
        sources=_lotteries("2023101", "23101"),
        announced_at=ANNOUNCED + 9 * day,
        not_before=ANNOUNCED + 10 * day,
        assignment=draw.AssignmentRule(
            2,
            (
                *(
                    Source(
                        party,
                        {
                            "commitment": draw.commitment(SEALED, party, secret[::-1], second=True),
                            "default": "00",
                        },
                    )
                    for party, secret in zip(PARTIES, SECRETS, strict=True)
                ),
                Source("ceremony:balls", {"balls": 40, "draws": 6}),
            ),
            directory=draw.directory_hash(INSPECTORS),
            slack=SLACK,
        ),
        open_by=date(2023, 9, 20),
        plan="2023-02",
    )
    announce(public, announced, ANNOUNCED + 9 * day)
    made: Section = {
        "protocol": draw.PROTOCOL,
        "announce": announced,
        "open": {
            "key": KEY, "at": "2023-09-18T02:00:00Z", "leaves": [line.decode() for line in frame.leaves],
        },
    }  # fmt: skip
    drawn_at = ANNOUNCED + 10 * day + timedelta(hours=12)
    balls = [
        Value("lottery:ssq", "03-11-15-22-28-31+07", drawn_at),
        Value("lottery:dlt", "02-09-17-25-33+04-11", drawn_at),
    ]
    _execute(made, frame, balls, public)
    second_at = drawn_at + day
    second = [Value(party, secret[::-1], second_at) for party, secret in zip(PARTIES, SECRETS, strict=True)]
    second.append(Value("ceremony:balls", "7-31-2-18-25-9", second_at))
    _assign(made, second, drawn_at + timedelta(hours=10), date(2023, 9, 6), public, nonce(KEY, SEALED))
    closed = {
        **{section: value for section, value in made.items() if section not in ("open", *HIDDEN)},
        "sealed": {"lines": [line.decode() for line in frame.lines]},
    }
    made["results"] = [{"id": made["selection"][0]["id"], "code": "1"}]
    public.add("draw.open", f"draw:{SEALED}", datetime(2023, 9, 18, 2, tzinfo=UTC), open=digest(made, "open"))
    public.add("draw.results", f"draw:{SEALED}", datetime(2023, 9, 18, 2, tzinfo=UTC), results=digest(made, "results"))
    return made, closed, draw.membership_proof(announced, frame, code(1))


def _given_up(public: Log) -> Section:
    frame = draw.freeze(units())
    at = datetime(2023, 9, 20, 1, tzinfo=UTC)
    announced = draw.announcement(
        draw=GIVEN_UP,
        frame=frame,
        n={"A": 1, "B": 1, "C": 1},
        sources=_lotteries("2023109", "23109"),
        announced_at=at,
        not_before=at + timedelta(days=2),
        plan="2023-03",
    )
    announce(public, announced, at)
    made: Section = {
        "protocol": draw.PROTOCOL, "announce": announced, "open": {"leaves": [line.decode() for line in frame.leaves]},
        "abandon": draw.Abandonment("名单中混入外市企业", "demo head", at + timedelta(days=1)).as_json(),
    }  # fmt: skip
    public.add(
        "draw.abandon", f"draw:{GIVEN_UP}", at + timedelta(days=1),
        announcement=draw.announcement_hash(announced), abandon=digest(made, "abandon"),
    )  # fmt: skip
    return made
