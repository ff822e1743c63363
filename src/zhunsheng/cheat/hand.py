"""The organiser's hand: changes a published bundle, and computes everything again that follows, so that nothing else betrays it.

A careless cheat is caught by any digest. The levers are pulled as well as they can be: whoever changes the list also
changes what is computed from it, signs it with the office's true key, and names the new digests in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from typing import Any

from zhunsheng.cheat.scene import (
    CLOSED,
    DAY,
    INSPECTORS,
    LOGGED,
    Log,
    Section,
    attach,
    choose,
    close,
    digest,
    leaves,
)
from zhunsheng.engine import draw
from zhunsheng.engine import public_log as log
from zhunsheng.engine.draw import Value
from zhunsheng.engine.draw.fields import instant


def edit_list(made: Section, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Changes the open list in place; the lines are written and sorted as they must be."""
    units: list[dict[str, Any]] = [dict(leaf) for leaf in leaves(made).values()]
    change(units)
    units.sort(key=lambda unit: str(unit["id"]))
    made["open"]["leaves"] = [log.canonical(unit).decode() for unit in units]


def recommit(made: Section) -> None:
    """Root, size and N of the announcement follow from the list."""
    _plain(made)
    lines = [line.encode() for line in made["open"]["leaves"]]
    root = log.tree_root([log.leaf_hash(line) for line in lines]).hex()
    made["announce"]["frame"] = {"root": root, "size": len(lines)}
    made["announce"]["N"] = {stratum: len(ids) for stratum, ids in sorted(_strata(made).items())}


def _plain(made: Section) -> None:
    """Raises LookupError for a draw that is more than one open list of equal chances: the hand cannot do those again."""
    if made["announce"]["mode"] != "open" or made["announce"].keys() & {"lists", "pareto", "suite"}:
        raise LookupError("a plain open draw is needed")


def _strata(made: Section) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in made["open"]["leaves"]:
        leaf = log.parse_json(line.encode())
        if isinstance(leaf, dict):
            members = found.setdefault(str(leaf["stratum"]), [])
            if not leaf.get("exclusion"):
                members.append(str(leaf["id"]))
    return found


def reseed(made: Section) -> None:
    """The execution is of this announcement, and its seed follows from the values."""
    bound = draw.announcement_hash(made["announce"])
    pairs = "|".join(f"{one['source']}={one['value']}" for one in made["execute"]["values"])
    made["execute"]["announcement_hash"] = bound
    made["execute"]["seed"] = sha256(f"{draw.PROTOCOL}|{bound}|{pairs}".encode()).hexdigest()
    made["execute"]["at"] = max(one["at"] for one in made["execute"]["values"])


def redraw(made: Section) -> None:
    """The selection follows from the list and the seed."""
    _plain(made)
    seed, chosen = made["execute"]["seed"], []
    for stratum, ids in sorted(_strata(made).items()):
        n = made["announce"]["n"][stratum]
        smallest = sorted((draw.ticket(seed, unit), unit) for unit in ids)[:n]
        share = str(Fraction(n, len(ids)))
        chosen += [
            {"id": unit, "stratum": stratum, "ticket": ticket, "rank": rank, "probability": share}
            for rank, (ticket, unit) in enumerate(smallest, 1)
        ]
    made["selection"] = chosen
    if "results" in made:
        drawn = sorted({str(one["id"]) for one in chosen})
        made["results"] = [{**one, "id": unit} for one, unit in zip(made["results"], drawn, strict=False)]


def second_values(made: Section) -> list[Value]:
    return [
        Value(one["source"], one["value"], instant(one["at"], "at"), one.get("evidence", {}))
        for one in made["assign"]["values"]
    ]


def reassign(made: Section) -> None:
    """Constraints, teams and what came after follow from the selection; the people of other offices are not known here."""
    people = [str(one["number"]) for one in made.get("assign_announce", {}).get("inspectors", ())]
    if people != [person.number for person in INSPECTORS]:
        for section in ("assign_announce", "assign", "changes"):
            made.pop(section, None)
        return
    second = second_values(made)
    close(made, CLOSED, DAY)
    choose(made, second)
    made.pop("changes", None)


def follow_from(made: Section, level: str) -> None:
    """Everything below a level again: list, announce, execute, selection, constraints."""
    steps: Sequence[tuple[str, Callable[[Section], None]]] = (
        ("list", recommit), ("announce", reseed), ("execute", redraw), ("selection", reassign),
    )  # fmt: skip
    names = [name for name, _ in steps]
    for _, step in steps[names.index(level) :]:
        step(made)


def rename_in_log(made: Section, public: Log) -> None:
    """Rewrites the entries of this draw in the log, so that they name the digests of the changed bundle."""
    subject = f"draw:{made['announce']['draw']}"
    for entry in public.entries:
        if entry["subject"] == subject:
            data = entry["data"]
            if "announcement" in data:
                data["announcement"] = draw.announcement_hash(made["announce"])
            for section in LOGGED:
                if section in data and section in made:
                    data[section] = digest(made, section)


def append_to_log(made: Section, public: Log, sections: Mapping[str, str], at: Any) -> None:
    """Adds new entries for changed sections instead of rewriting the old ones."""
    announced = made["announce"]
    for section, kind in sections.items():
        of = {"mode": announced["mode"], "not_before": announced["not_before"], "plan": announced.get("plan", "")}
        named = of if section == "announce" else {"announcement": draw.announcement_hash(announced)}
        public.add(kind, f"draw:{announced['draw']}", at, **{section: digest(made, section)}, **named)


def publish(made: Section, public: Log) -> None:
    """Signs and proves what is there now."""
    attach(made, public)


def exchange_others(teams: list[dict[str, Any]]) -> None:
    """Exchanges the others of the first two teams where that makes a difference. Raises StopIteration if there are none."""
    one, two = next((a, b) for a in teams for b in teams if a["others"] != b["others"])
    one["others"], two["others"] = two["others"], one["others"]
