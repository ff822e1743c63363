"""The levers: what an organiser could try. Each is pulled as well as it can be, and says who should notice.

A lever is a function that changes the scene in place and returns what the public is now shown: a bundle or a proof to
verify, the log to be followed by whoever keeps a copy, or the log whose history is read. Its texts are in
engine/data/messages/cheat.toml under its name.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from zhunsheng.cheat import hand
from zhunsheng.cheat.scene import (
    ANNOUNCED,
    CLOSED,
    DAY,
    DRAND,
    INSPECTORS,
    KEY,
    NOT_BEFORE,
    OPEN,
    RANDOMNESS,
    REVEALED,
    ROUND,
    SEALED,
    SIGNATURE,
    Scene,
    attach,
    choose,
    close,
    code,
    digest,
    leaves,
    signer,
    targets,
    units,
)
from zhunsheng.engine import draw
from zhunsheng.engine import public_log as log
from zhunsheng.engine.draw import Value
from zhunsheng.engine.draw.assignment import read_teams

Shown = Literal["open", "sealed", "closed", "given_up", "proof", "mirror", "history", "guessed", "not guessed"]
Watch = Literal["verify", "pinned", "mirror", "history", "impossible"]


@dataclass(frozen=True, slots=True)
class Lever:
    """One lever: its name, how it is pulled, who watches (see kit.py), and what they should say: the step that does not
    hold, or the code of the alarm; of what is impossible, the section that keeps it from being done. told: the step is one
    that tells and leaves the judgement to the reader. portable:
    it can be pulled on any bundle, if that has what is needed; others know the people and the rounds of the scene.
    """

    name: str
    pull: Callable[[Scene], Shown]
    watch: Watch
    catches: str
    told: bool = False
    portable: bool = True


LEVERS: dict[str, Lever] = {}

Pull = Callable[[Scene], Shown]


def _lever(watch: Watch, catches: str, *, told: bool = False, portable: bool = True) -> Callable[[Pull], Pull]:
    def keep(pull: Pull) -> Pull:
        name = pull.__name__.strip("_").replace("_", "-")
        LEVERS[name] = Lever(name, pull, watch, catches, told, portable)
        return pull

    return keep


def _finished(scene: Scene, level: str = "") -> Shown:
    """Everything below the level again; signed and proved with the log as it is."""
    if level:
        hand.follow_from(scene.open, level)
    attach(scene.open, scene.log)
    return "open"


def _covered(scene: Scene, level: str) -> Shown:
    """Everything again, and the log rewritten to match: the bundle alone cannot show it any more."""
    hand.follow_from(scene.open, level)
    hand.rename_in_log(scene.open, scene.log)
    scene.log.add("scoreboard.publish", "snapshot:1", datetime(2023, 9, 30, tzinfo=UTC))
    attach(scene.open, scene.log)
    return "mirror"


def _made_without_reading(scene: Scene) -> Shown:
    """Seed and selection follow from an announcement that our own reader would refuse; so it is put together by hand."""
    hand.reseed(scene.open)
    hand.redraw(scene.open)
    for section in ("assign_announce", "assign", "changes"):
        scene.open.pop(section, None)
    hand.rename_in_log(scene.open, scene.log)
    attach(scene.open, scene.log)
    return "open"


def _unlucky(scene: Scene) -> str:
    """The drawn firm that the organiser would rather not see inspected."""
    return str(scene.open["selection"][0]["id"])


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@_lever("verify", "root")
def _edited_list(scene: Scene) -> Shown:
    unit = _unlucky(scene)
    hand.edit_list(scene.open, lambda units: units.remove(next(one for one in units if one["id"] == unit)))
    return _finished(scene)


@_lever("verify", "log-inclusion")
def _edited_list_announced_again(scene: Scene) -> Shown:
    unit = _unlucky(scene)
    hand.edit_list(scene.open, lambda units: units.remove(next(one for one in units if one["id"] == unit)))
    return _finished(scene, "list")


@_lever("mirror", "public_log.follow.changed")
def _edited_list_and_log(scene: Scene) -> Shown:
    unit = _unlucky(scene)
    hand.edit_list(scene.open, lambda units: units.remove(next(one for one in units if one["id"] == unit)))
    return _covered(scene, "list")


@_lever("verify", "leaves-canonical")
def _renamed_firm(scene: Scene) -> Shown:
    unit = _unlucky(scene)
    if not unit.startswith("uscc:"):
        raise LookupError("an id with check digits is needed")

    def change(units: list[dict[str, Any]]) -> None:
        next(one for one in units if one["id"] == unit)["id"] = unit[:-1] + ("0" if unit[-1] != "0" else "1")

    hand.edit_list(scene.open, change)
    hand.recommit(scene.open)
    return _finished(scene, "list")


@_lever("verify", "ids-unique")
def _duplicated_firm(scene: Scene) -> Shown:
    hand.edit_list(scene.open, lambda units: units.append({**units[1], "name": "一照两签"}))
    return _finished(scene, "list")


@_lever("verify", "root")
def _changed_stratum(scene: Scene) -> Shown:
    unit = _unlucky(scene)
    hand.edit_list(scene.open, lambda units: [one for one in units if one["id"] == unit][0].update(stratum="B"))
    return _finished(scene)


@_lever("verify", "root")
def _excluded_afterwards(scene: Scene) -> Shown:
    unit = _unlucky(scene)
    hand.edit_list(scene.open, lambda units: [one for one in units if one["id"] == unit][0].update(exclusion="CAP"))
    return _finished(scene)


@_lever("verify", "ids-unique")
def _firm_under_two_codes(scene: Scene) -> Shown:
    """The 组织机构代码 is the middle of the 统一社会信用代码: the same firm once more, with a second ticket."""
    unit = _unlucky(scene)
    if not unit.startswith("uscc:"):
        raise LookupError("a 统一社会信用代码 is needed")

    def change(units: list[dict[str, Any]]) -> None:
        one = next(one for one in units if one["id"] == unit)
        units.append({**one, "id": f"org:{unit[13:22]}"})

    hand.edit_list(scene.open, change)
    return _finished(scene, "list")


@_lever("verify", "scope")
def _outside_the_filter(scene: Scene) -> Shown:
    strange = dict.fromkeys(scene.open["announce"]["scope"], "别处")
    hand.edit_list(scene.open, lambda units: units.append({"stratum": "A", **strange, "id": code(99)}))
    return _finished(scene, "list")


@_lever("verify", "announcement-hash")
def _changed_filter(scene: Scene) -> Shown:
    scene.open["announce"]["scope"] = {"division": ["990101"]}
    return _finished(scene)


@_lever("verify", "sizes")
def _understated_stratum(scene: Scene) -> Shown:
    scene.open["announce"]["N"]["A"] -= 1
    hand.reseed(scene.open)
    hand.redraw(scene.open)
    hand.reassign(scene.open)
    return _finished(scene)


# ── the announcement ─────────────────────────────────────────────────────────────────────────────────────────────────


@_lever("verify", "announcement-hash")
def _changed_n(scene: Scene) -> Shown:
    scene.open["announce"]["n"]["A"] = 2
    hand.redraw(scene.open)
    hand.reassign(scene.open)
    return _finished(scene)


@_lever("verify", "n")
def _nobody_from_a_stratum(scene: Scene) -> Shown:
    scene.open["announce"]["n"]["B"] = 0
    return _finished(scene, "announce")


@_lever("verify", "n")
def _fewer_than_the_ratio(scene: Scene) -> Shown:
    scene.open["announce"]["ratio"] = {"A": "1/2"}
    return _finished(scene, "announce")


@_lever("verify", "format")
def _look_alike_number(scene: Scene) -> Shown:
    """Another draw whose number looks the same in print: a full-width digit."""
    made = scene.open
    made["announce"]["draw"] = made["announce"]["draw"][:-1] + "１"
    hand.follow_from(made, "announce")
    for entry in scene.log.entries:
        if entry["subject"] == f"draw:{OPEN}":
            entry["subject"] = f"draw:{made['announce']['draw']}"
    attach(made, scene.log)
    return "open"


@_lever("history", "history.announced_twice")
def _second_commitment(scene: Scene) -> Shown:
    hand.edit_list(scene.open, lambda units: units.pop(0))
    hand.recommit(scene.open)
    hand.append_to_log(scene.open, scene.log, {"announce": "draw.announce"}, datetime(2023, 10, 1, tzinfo=UTC))
    return "history"


@_lever("history", "history.plan_open")
def _two_announcements_pick_one(scene: Scene) -> Shown:
    at = datetime(2023, 10, 1, tzinfo=UTC)
    for number in ("demo-2023-004", "demo-2023-005"):
        scene.log.add("draw.announce", f"draw:{number}", at, announce=number.encode().hex(), plan="2023-04")
    scene.log.add("draw.execute", "draw:demo-2023-005", at + timedelta(days=2), announcement=b"demo-2023-005".hex())
    return "history"


@_lever("history", "history.left_out")
def _unlogged_announcement(scene: Scene) -> Shown:
    at = datetime(2023, 10, 1, tzinfo=UTC)
    scene.log.add("draw.announce", "draw:demo-2023-005", at, announce="ab" * 32, plan="2023-05")
    return "history"


@_lever("history", "history.executed_twice")
def _redraw(scene: Scene) -> Shown:
    scene.open["execute"]["values"][2]["value"] = "1-1-1-1-1-1-1-1-1-1"
    hand.follow_from(scene.open, "announce")
    hand.append_to_log(scene.open, scene.log, {"execute": "draw.execute"}, datetime(2023, 10, 1, tzinfo=UTC))
    return "history"


@_lever("verify", "log-inclusion")
def _redraw_shown(scene: Scene) -> Shown:
    scene.open["execute"]["values"][2]["value"] = "1-1-1-1-1-1-1-1-1-1"
    return _finished(scene, "announce")


@_lever("history", "history.abandoned_late")
def _abandoned_when_the_outcome_was_known(scene: Scene) -> Shown:
    """The seed does not please: the draw is given up for a reason that sounds good, and another is announced."""
    late = next(entry for entry in scene.log.entries if entry["kind"] == "draw.abandon")
    late["at"] = scene.given_up["announce"]["not_before"].replace("Z", "+00:00")
    return "history"


@_lever("verify", "abandoned", told=True)
def _abandoned_with_a_good_reason(scene: Scene) -> Shown:
    """The same in the bundle that is published of it."""
    made = scene.given_up
    made["abandon"]["at"] = made["announce"]["not_before"]
    hand.rename_in_log(made, scene.log)
    attach(made, scene.log)
    return "given_up"


@_lever("history", "history.abandoned_unopened")
def _abandoned_and_never_opened(scene: Scene) -> Shown:
    """A sealed draw is given up, and nobody is to see of which list."""
    at = datetime(2023, 10, 1, tzinfo=UTC)
    scene.log.add(
        "draw.announce", "draw:demo-2023-004", at, announce="ab" * 32, plan="2023-04", mode="sealed",
        not_before="2023-10-03T00:00:00Z",
    )  # fmt: skip
    scene.log.add("draw.abandon", "draw:demo-2023-004", at + timedelta(hours=1), announcement="ab" * 32)
    return "history"


@_lever("history", "history.executed_after_abandoned")
def _revived_draw(scene: Scene) -> Shown:
    scene.log.add(
        "draw.execute", "draw:demo-2023-003", datetime(2023, 10, 1, tzinfo=UTC),
        announcement=draw.announcement_hash(scene.given_up["announce"]),
    )  # fmt: skip
    return "history"


# ── the randomness ───────────────────────────────────────────────────────────────────────────────────────────────────


@_lever("verify", "announced-when", told=True)
def _everything_made_afterwards(scene: Scene) -> Shown:
    """List, announcement, values, log and proofs are all made on one evening, dated as they should be. The bundle holds;
    only whoever kept the announcement hash knows another."""
    unit = _unlucky(scene)
    hand.edit_list(scene.open, lambda units: units.remove(next(one for one in units if one["id"] == unit)))
    hand.follow_from(scene.open, "list")
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "sources")
def _dice_to_suit_the_round(scene: Scene) -> Shown:
    """Dice beside drand: they are thrown until they suit the round that everyone knows."""
    announced = scene.open["announce"]
    announced["sources"] = [{"id": DRAND, "round": 900}, *announced["sources"]]
    known = {"source": DRAND, "value": RANDOMNESS, "at": scene.open["execute"]["at"], "evidence": {}}
    scene.open["execute"]["values"].insert(0, known)
    return _finished(scene, "announce")


@_lever("verify", "time-order")
def _thrown_until_it_suits_the_reveals(scene: Scene) -> Shown:
    scene.open["execute"]["values"][2]["at"] = (REVEALED + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _finished(scene, "announce")


@_lever("verify", "format")
def _party_that_promises_nothing(scene: Scene) -> Shown:
    """A party without commitment speaks last, and chooses."""
    del scene.open["announce"]["sources"][1]["commitment"]
    return _made_without_reading(scene)


@_lever("verify", "format")
def _fallbacks_to_choose_from(scene: Scene) -> Shown:
    """The same fallback over and over: one of them will please."""
    announced = scene.open["announce"]
    announced["fallback"] = [{**announced["fallback"][0], "after_hours": 48 + day} for day in range(3)]
    return _made_without_reading(scene)


@_lever("verify", "sources")
def _fallback_for_a_round_that_never_fails(scene: Scene) -> Shown:
    """A past round of drand can always be had; a fallback for it is a second throw."""
    scene.open["announce"]["assignment"]["fallback"] = deepcopy(scene.open["announce"]["fallback"])
    return _finished(scene, "announce")


@_lever("verify", "sources")
def _one_source_for_both_rounds(scene: Scene) -> Shown:
    """The value that chose the firms chooses the inspectors too: it is known when the recusals are closed."""
    announced = scene.open["announce"]
    announced["assignment"]["sources"] = [{**one, "note": "second round"} for one in announced["sources"]]
    return _finished(scene, "announce")


@_lever("verify", "sources")
def _promise_used_twice(scene: Scene) -> Shown:
    """A commitment of the first round, revealed by then, stands under another name in the second."""
    first = scene.open["announce"]["sources"]
    scene.open["announce"]["assignment"]["sources"] = [
        *({**one, "id": one["id"] + "-again"} for one in first[:2]), {**first[2], "id": "ceremony:dice-again"},
    ]  # fmt: skip
    return _finished(scene, "announce")


@_lever("verify", "time-order", portable=False)
def _closed_when_the_next_round_could_be_seen(scene: Scene) -> Shown:
    """Less than an hour between the closing of the recusals and the second round."""
    second = hand.second_values(scene.open)
    close(scene.open, ROUND - timedelta(minutes=30), DAY)
    choose(scene.open, second)
    scene.open.pop("changes", None)
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "time-order")
def _early_seed(scene: Scene) -> Shown:
    for value in scene.open["execute"]["values"]:
        value["at"] = scene.open["announce"]["announced_at"]
    hand.reseed(scene.open)
    return _finished(scene)


@_lever("verify", "time-order")
def _short_wait(scene: Scene) -> Shown:
    scene.open["announce"]["not_before"] = scene.open["announce"]["announced_at"]
    return _finished(scene, "announce")


@_lever("verify", "log-inclusion")
def _announced_when_the_dice_had_fallen(scene: Scene) -> Shown:
    """The list is chosen when the values are known; the announcement claims to be older than it is."""
    late = next(entry for entry in scene.log.entries if entry["subject"] == f"draw:{OPEN}")
    scene.log.entries.remove(late)
    place = next(i for i, entry in enumerate(scene.log.entries) if entry["kind"] == "draw.execute")
    scene.log.entries.insert(place, {**late, "at": (REVEALED + timedelta(minutes=4)).isoformat()})
    return _finished(scene)


@_lever("verify", "log-inclusion")
def _recusals_closed_when_the_round_was_known(scene: Scene) -> Shown:
    late = next(entry for entry in scene.log.entries if entry["kind"] == "draw.close_list")
    late["at"] = (ROUND + timedelta(minutes=4)).isoformat()
    return _finished(scene)


@_lever("verify", "log-inclusion")
def _recusals_never_logged(scene: Scene) -> Shown:
    scene.log.entries = [entry for entry in scene.log.entries if entry["kind"] != "draw.close_list"]
    return _finished(scene)


@_lever("verify", "log-inclusion", told=True)
def _no_proof_at_all(scene: Scene) -> Shown:
    """The bundle leaves the log out: nobody can tell from it when the list was promised."""
    scene.open.pop("log")
    scene.open["digests"].pop("log")
    return "open"


@_lever("verify", "time-order", portable=False)
def _wrong_round(scene: Scene) -> Shown:
    scene.open["announce"]["assignment"]["sources"][0]["round"] = 1001
    return _finished(scene, "announce")


@_lever("verify", "drand-signature", portable=False)
def _wrong_round_dated_right(scene: Scene) -> Shown:
    """An earlier round, whose value was known, is given the date of the announced one."""
    scene.open["announce"]["assignment"]["sources"][0]["round"] = 1001
    hand.follow_from(scene.open, "announce")
    choose(scene.open, [Value(DRAND, RANDOMNESS, ROUND + timedelta(seconds=3), {"signature": SIGNATURE})])
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "drand-signature", portable=False)
def _invented_round(scene: Scene) -> Shown:
    forged = SIGNATURE[:-1] + "0"
    value = sha256(bytes.fromhex(forged)).hexdigest()
    choose(scene.open, [Value(DRAND, value, ROUND, {"signature": forged})])
    scene.open.pop("changes", None)
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "source-values")
def _own_value_instead_of_the_promised(scene: Scene) -> Shown:
    scene.open["execute"]["values"][1]["value"] = "b" * 32
    hand.reseed(scene.open)
    hand.redraw(scene.open)
    hand.reassign(scene.open)
    return _finished(scene)


@_lever("verify", "defaults", told=True)
def _withheld_reveal(scene: Scene) -> Shown:
    """The last party does not like what would come out, and stays away: the announced default counts."""
    scene.open["execute"]["values"][1]["value"] = "00"
    hand.follow_from(scene.open, "announce")
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "source-values")
def _eleventh_throw(scene: Scene) -> Shown:
    scene.open["execute"]["values"][2]["value"] += "-6"
    return _finished(scene, "announce")


@_lever("verify", "time-order", portable=False)
def _fallback_before_its_hour(scene: Scene) -> Shown:
    _lotteries(scene, NOT_BEFORE + timedelta(hours=12))
    return _finished(scene)


@_lever("verify", "fallback", told=True)
def _fallback_without_need(scene: Scene) -> Shown:
    _lotteries(scene, NOT_BEFORE + timedelta(hours=60))
    return _finished(scene)


def _lotteries(scene: Scene, at: datetime) -> None:
    """The seed from the announced fallback."""
    made = scene.open
    when = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    drawn = (("lottery:ssq", "03-11-15-22-28-31+07"), ("lottery:dlt", "02-09-17-25-33+04-11"))
    made["execute"]["values"] = [{"source": name, "value": value, "at": when, "evidence": {}} for name, value in drawn]
    made["execute"] |= {"fallback": 1, "fallback_reason": "骰子遗失"}
    hand.reseed(made)
    hand.redraw(made)
    for section in ("assign_announce", "assign", "changes"):  # there was no time for them yet
        made.pop(section, None)
    hand.rename_in_log(made, scene.log)


@_lever("verify", "seed")
def _chosen_seed(scene: Scene) -> Shown:
    scene.open["execute"]["seed"] = "5" * 64
    hand.redraw(scene.open)
    hand.reassign(scene.open)
    return _finished(scene)


# ── the selection ────────────────────────────────────────────────────────────────────────────────────────────────────


@_lever("verify", "selection")
def _replaced_firm(scene: Scene) -> Shown:
    """The unlucky firm makes room for the next ticket, with its true ticket."""
    made = scene.open
    seed, first = made["execute"]["seed"], made["selection"][0]
    drawn = {one["id"] for one in made["selection"]}
    spare = [
        unit
        for unit, leaf in leaves(made).items()
        if leaf["stratum"] == first["stratum"] and unit not in drawn and not leaf.get("exclusion")
    ]
    ticket, unit = min((draw.ticket(seed, unit), unit) for unit in spare)
    rest = [one for one in made["selection"] if one["stratum"] == first["stratum"]][1:]
    for rank, one in enumerate([*rest, {**first, "id": unit, "ticket": ticket}], 1):
        made["selection"][rank - 1] = {**one, "rank": rank}
    hand.reassign(made)
    return _finished(scene)


@_lever("verify", "tickets")
def _invented_ticket(scene: Scene) -> Shown:
    scene.open["selection"][0]["ticket"] = "0" * 64
    return _finished(scene)


@_lever("verify", "selection")
def _hidden_firm(scene: Scene) -> Shown:
    scene.open["selection"].pop(0)
    return _finished(scene)


@_lever("verify", "probabilities")
def _misstated_probability(scene: Scene) -> Shown:
    scene.open["selection"][0]["probability"] = "1/2"
    return _finished(scene)


# ── the inspectors ───────────────────────────────────────────────────────────────────────────────────────────────────


@_lever("verify", "assignment")
def _swapped_inspector(scene: Scene) -> Shown:
    hand.exchange_others(scene.open["assign"]["teams"])
    scene.open.pop("changes", None)
    return _finished(scene)


@_lever("verify", "log-inclusion", portable=False)
def _late_recusal(scene: Scene) -> Shown:
    """A recusal appears when the second seed is known; the teams are computed again with it."""
    second = hand.second_values(scene.open)
    lead = scene.open["assign"]["teams"][1]["lead"]
    unit = scene.open["assign"]["teams"][1]["id"]
    barred = [replace(one, forbidden=((unit, "recusal"),)) if one.number == lead else one for one in INSPECTORS]
    close(scene.open, CLOSED, DAY, inspectors=barred)
    choose(scene.open, second)
    scene.open.pop("changes", None)
    return _finished(scene)


@_lever("verify", "constraints")
def _constraints_under_another_hash(scene: Scene) -> Shown:
    """A recusal is taken out, and everything else is left as it was."""
    person = next(one for one in scene.open["assign_announce"]["inspectors"] if one["forbidden"])
    unit = person["forbidden"][0][0]
    person["forbidden"] = []
    team = next(one for one in scene.open["assign_announce"]["start"] if one["id"] == unit)
    team["others"] = [person["number"]] if team["lead"] != person["number"] else team["others"]
    return _finished(scene)


@_lever("verify", "constraints")
def _chosen_start(scene: Scene) -> Shown:
    hand.exchange_others(scene.open["assign_announce"]["start"])
    choose(scene.open, hand.second_values(scene.open))
    scene.open.pop("changes", None)
    return _finished(scene)


@_lever("verify", "constraints")
def _chain_cut_short(scene: Scene) -> Shown:
    scene.open["assign_announce"]["steps"] = 1
    choose(scene.open, hand.second_values(scene.open))
    scene.open.pop("changes", None)
    return _finished(scene)


@_lever("verify", "format")
def _no_chain_at_all(scene: Scene) -> Shown:
    """One step for a place is announced, so that the start, which can be computed beforehand, all but stays."""
    scene.open["announce"]["assignment"]["steps_per_slot"] = 1
    return _made_without_reading(scene)


@_lever("verify", "constraints")
def _invented_speciality(scene: Scene) -> Shown:
    """A firm is said to need what one inspector alone can do."""
    made = scene.open
    target = made["assign_announce"]["targets"][0]
    target["speciality"] = "" if target["speciality"] else "metrology"
    choose(made, hand.second_values(made))
    made.pop("changes", None)
    hand.rename_in_log(made, scene.log)
    return _finished(scene)


@_lever("verify", "constraints", portable=False)
def _invented_directory(scene: Scene) -> Shown:
    """Some inspectors are left out of the directory when the firms are known."""
    second = hand.second_values(scene.open)
    close(scene.open, CLOSED, DAY, inspectors=INSPECTORS[:5])
    choose(scene.open, second)
    scene.open.pop("changes", None)
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "assignment-freedom", told=True, portable=False)
def _one_person_left(scene: Scene) -> Shown:
    """Recusals of all the others leave one lead for the firm. They may be true; the step says how many places are so."""
    second = hand.second_values(scene.open)
    unit = next(one.id for one in targets(scene.open) if one.speciality)
    barred = [
        one if one.number in ("P01", "P03") else replace(one, forbidden=((unit, "recusal"),)) for one in INSPECTORS
    ]
    close(scene.open, CLOSED, DAY, inspectors=barred)
    choose(scene.open, second)
    scene.open.pop("changes", None)
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "assignment-freedom", told=True, portable=False)
def _one_person_everywhere(scene: Scene) -> Shown:
    """Bounds of visits that do not follow from the rule."""
    second = hand.second_values(scene.open)
    close(scene.open, CLOSED, DAY, most=7)
    choose(scene.open, second)
    scene.open.pop("changes", None)
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "constraints")
def _target_left_out(scene: Scene) -> Shown:
    made = scene.open
    dropped = made["assign_announce"]["targets"].pop(0)["id"]
    made["assign_announce"]["start"].pop(0)
    for person in made["assign_announce"]["inspectors"]:
        person["forbidden"] = [pair for pair in person["forbidden"] if pair[0] != dropped]
    made["assign_announce"]["steps"] -= 100
    choose(made, hand.second_values(made))
    made.pop("changes", None)
    return _finished(scene)


@_lever("verify", "changes")
def _substitution_before_the_seed(scene: Scene) -> Shown:
    scene.open["changes"][0]["at"] = scene.open["assign_announce"]["at"]
    hand.rename_in_log(scene.open, scene.log)
    return _finished(scene)


@_lever("verify", "substitutions", told=True)
def _substitutions_until_it_suits(scene: Scene) -> Shown:
    """One after another falls ill, until the one who is wanted is next."""
    made = scene.open
    found = draw.read_constraints(made["assign_announce"])
    team = read_teams(made["assign"]["teams"], "assign.teams")[0]
    for _ in range(3):
        change = draw.substitute(
            found, made["assign"]["seed"], team, team.lead, reason="生病", at=datetime(2023, 8, 27, tzinfo=UTC)
        )
        made["changes"] = [
            *(made["changes"] if team.lead in {one["in"] for one in made["changes"]} else []),
            change.as_json(),
        ]
        team = draw.changed(team, change)
    hand.rename_in_log(made, scene.log)
    return _finished(scene)


@_lever("verify", "changes")
def _jumped_queue(scene: Scene) -> Shown:
    """Not the next in order stands in, but the one who is wanted."""
    made = scene.open
    found, change = draw.read_constraints(made["assign_announce"]), made["changes"][0]
    team = read_teams(made["assign"]["teams"], "assign.teams")[0]
    change["in"] = draw.candidates(found, made["assign"]["seed"], team, change["out"])[1]
    return _finished(scene)


# ── results and signatures ───────────────────────────────────────────────────────────────────────────────────────────


@_lever("verify", "results")
def _result_of_a_firm_not_drawn(scene: Scene) -> Shown:
    drawn = {one["id"] for one in scene.open["selection"]}
    scene.open["results"][0]["id"] = next(unit for unit in leaves(scene.open) if unit not in drawn)
    return _finished(scene)


@_lever("verify", "log-inclusion")
def _hidden_result(scene: Scene) -> Shown:
    scene.open["results"].pop(0)
    return _finished(scene)


@_lever("verify", "log-inclusion")
def _softened_result(scene: Scene) -> Shown:
    scene.open["results"][0]["code"] = "1"
    return _finished(scene)


@_lever("verify", "signatures")
def _forged_signature(scene: Scene) -> Shown:
    entry = scene.open["signatures"][0]
    entry["sig"] = entry["sig"][:-2] + ("00" if entry["sig"][-2:] != "00" else "01")
    scene.open["digests"]["signatures"] = digest(scene.open, "signatures")
    return "open"


@_lever("pinned", "signatures")
def _another_key(scene: Scene) -> Shown:
    """Somebody else publishes a bundle in the office's name."""
    made = scene.open
    own = signer("demo.invalid/impostor")
    digests = {entry["section"]: digest(made, entry["section"]) for entry in made["signatures"]}
    forged = [one.as_json() for one in draw.sign(own, OPEN, digests)]
    made["signatures"] = [{**one, "name": "demo.invalid/office"} for one in forged]
    made["digests"]["signatures"] = digest(made, "signatures")
    return "open"


@_lever("pinned", "signatures")
def _strangers_key(scene: Scene) -> Shown:
    """Somebody else signs everything, under a name of his own."""
    made = scene.open
    digests = {entry["section"]: digest(made, entry["section"]) for entry in made["signatures"]}
    made["signatures"] = [one.as_json() for one in draw.sign(signer("demo.invalid/office-2"), OPEN, digests)]
    made["digests"]["signatures"] = digest(made, "signatures")
    return "open"


@_lever("pinned", "signatures", told=True)
def _strangers_key_for_the_rest(scene: Scene) -> Shown:
    """The office signed the announcement; what came after is signed by somebody else."""
    made = scene.open
    digests = {entry["section"]: digest(made, entry["section"]) for entry in made["signatures"]}
    rest = {section: value for section, value in digests.items() if section != "announce"}
    kept = [entry for entry in made["signatures"] if entry["section"] == "announce"]
    made["signatures"] = [*kept, *(one.as_json() for one in draw.sign(signer("demo.invalid/office-2"), OPEN, rest))]
    made["digests"]["signatures"] = digest(made, "signatures")
    return "open"


@_lever("verify", "digests")
def _sloppy_edit(scene: Scene) -> Shown:
    scene.open["digests"]["selection"] = "0" * 64
    return "open"


# ── the sealed draw ──────────────────────────────────────────────────────────────────────────────────────────────────


@_lever("verify", "key")
def _swapped_seal_key(scene: Scene) -> Shown:
    """The key is chosen when the seed is known."""
    scene.sealed["open"]["key"] = "7a" * 32
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "key", portable=False)
def _seal_used_again(scene: Scene) -> Shown:
    """The sealed list of an earlier draw, whose key is known, serves again under another number."""
    made = scene.sealed
    made["announce"]["draw"] = "demo-2023-004"
    hand.reseed(made)
    for entry in scene.log.entries:
        if entry["subject"] == f"draw:{SEALED}":
            entry["subject"] = "draw:demo-2023-004"
    attach(made, scene.log)
    return "sealed"


@_lever("impossible", "withheld")
def _guessed_from_its_digest(scene: Scene) -> Shown:
    """Before the opening somebody tries, for every section that is withheld, all that it could be. Here the guess is even
    the true content: without the key it cannot be told from a false one."""
    found = set(scene.closed["withheld"].values()) | set(scene.closed["digests"].values())
    found |= {str(value) for entry in scene.log.entries for value in entry["data"].values()}
    guesses = [sha256(log.canonical(scene.sealed[section])).hexdigest() for section in ("selection", "assign")]
    return "guessed" if found & set(guesses) else "not guessed"


@_lever("impossible", "seal", portable=False)
def _neighbours_line(scene: Scene) -> Shown:
    """A firm that holds its own proof tries the ids of all others with its blind, to see who is on the list."""
    lines = "".join(scene.closed["sealed"]["lines"])
    for line in scene.sealed["open"]["leaves"]:
        unit = log.parse_json(line.encode())
        name = str(unit["id"]) if isinstance(unit, dict) else ""
        text = f"{draw.PROTOCOL}/seal|{scene.proof['blind']}|{name}"
        if name != scene.proof["id"] and sha256(text.encode()).hexdigest() in lines:
            return "guessed"
    return "not guessed"


@_lever("verify", "withheld")
def _constraints_swapped_at_the_opening(scene: Scene) -> Shown:
    """A recusal appears when the list is opened, and the teams are computed again with it."""
    _later_recusal(scene)
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "log-inclusion")
def _constraints_and_what_was_withheld_swapped(scene: Scene) -> Shown:
    """The same, with digests withheld that fit; the log has the others."""
    made = scene.sealed
    _later_recusal(scene)
    made["withheld"] |= {section: digest(made, section) for section in made["withheld"]}
    attach(made, scene.log)
    return "sealed"


def _later_recusal(scene: Scene) -> None:
    made = scene.sealed
    second = hand.second_values(made)
    number = made["assign"]["teams"][1]["lead"]
    unit = made["assign"]["teams"][1]["id"]
    barred = [replace(one, forbidden=((unit, "recusal"),)) if one.number == number else one for one in INSPECTORS]
    before = draw.read_constraints(made["assign_announce"])
    close(made, before.at, before.on, before.nonce, inspectors=barred)
    choose(made, second)


@_lever("verify", "format")
def _half_withheld(scene: Scene) -> Shown:
    """The teams are not among what was withheld, so that they can be chosen at the opening."""
    scene.sealed["withheld"].pop("assign")
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "log-inclusion")
def _opened_in_time_on_paper(scene: Scene) -> Shown:
    """The list is opened late, and the opening is dated back afterwards."""
    scene.sealed["open"]["at"] = "2023-09-10T02:00:00Z"
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "log-inclusion")
def _opening_never_logged(scene: Scene) -> Shown:
    scene.log.entries = [entry for entry in scene.log.entries if entry["kind"] != "draw.open"]
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "root")
def _altered_sealed_attribute(scene: Scene) -> Shown:
    def change(units: list[dict[str, Any]]) -> None:
        units[0]["name"] = "另一家"

    hand.edit_list(scene.sealed, change)
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "withheld")
def _other_result_than_withheld(scene: Scene) -> Shown:
    scene.sealed["withheld"]["assign"] = "3" * 64
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "pareto")
def _tuned_probability(scene: Scene) -> Shown:
    """A favoured firm gets a smaller chance than its size gives it, and another a greater one."""

    def change(units: list[dict[str, Any]]) -> None:
        sized = [one for one in units if one.get("lambda", 0) > 2000]
        sized[0]["lambda"] -= 1000
        sized[1]["lambda"] += 1000

    made = scene.sealed
    hand.edit_list(made, change)
    frame = draw.thaw(
        [line.encode() for line in made["open"]["leaves"]], pareto=["A"], seal_key=made["open"]["key"], draw=SEALED
    )
    made["announce"]["frame"] = {"root": frame.root, "size": frame.size}
    hand.reseed(made)
    made["selection"] = [one.as_json() for one in draw.select(frame, made["execute"]["seed"], made["announce"]["n"])]
    attach(made, scene.log)
    return "sealed"


@_lever("verify", "opened", told=True)
def _opened_late(scene: Scene) -> Shown:
    scene.sealed["open"]["at"] = "2023-11-30T02:00:00Z"
    hand.rename_in_log(scene.sealed, scene.log)
    attach(scene.sealed, scene.log)
    return "sealed"


@_lever("verify", "format")
def _nothing_withheld(scene: Scene) -> Shown:
    """Before the opening the result is kept open, so that it can still be chosen."""
    scene.closed.pop("withheld")
    attach(scene.closed, scene.log)
    return "closed"


@_lever("verify", "order")
def _two_seals_for_one(scene: Scene) -> Shown:
    """Two lines are exchanged in the sealed list, with a root that is right for them."""
    made = scene.closed
    lines = made["sealed"]["lines"]
    lines[3], lines[4] = lines[4], lines[3]
    made["announce"]["frame"]["root"] = log.tree_root([log.leaf_hash(line.encode()) for line in lines]).hex()
    hand.reseed(made)
    attach(made, scene.log)
    return "closed"


@_lever("verify", "unit", portable=False)
def _somebody_elses_line(scene: Scene) -> Shown:
    """A firm that is not on the list is shown the line of another."""
    scene.proof["id"] = code(77)
    return "proof"


@_lever("verify", "root-published", told=True, portable=False)
def _membership_of_another_list(scene: Scene) -> Shown:
    """A firm that is not on the list gets a proof from a list made for it. Its announcement is another."""
    frame = draw.freeze([*units(), {"id": code(77), "stratum": "A"}], seal_key=KEY, draw=SEALED)
    announced = deepcopy(scene.sealed["announce"])
    announced["frame"] = {"root": frame.root, "size": frame.size}
    scene.proof = draw.membership_of(announced, frame.lines, code(77), KEY)
    return "proof"


@_lever("verify", "membership", portable=False)
def _forged_membership(scene: Scene) -> Shown:
    scene.proof["proof"][0] = "0" * 64
    return "proof"


# ── the public log ───────────────────────────────────────────────────────────────────────────────────────────────────


@_lever("mirror", "public_log.follow.changed")
def _log_edited(scene: Scene) -> Shown:
    scene.log.entries[2]["data"]["selection"] = "0" * 64
    return _grown(scene)


@_lever("mirror", "public_log.follow.reordered")
def _log_entry_deleted(scene: Scene) -> Shown:
    del scene.log.entries[2]
    return _grown(scene)


@_lever("mirror", "public_log.follow.reordered")
def _log_reordered(scene: Scene) -> Shown:
    entries = scene.log.entries
    entries[2], entries[3] = entries[3], entries[2]
    return _grown(scene)


@_lever("mirror", "public_log.follow.back_dated")
def _log_back_dated(scene: Scene) -> Shown:
    scene.log.add("draw.announce", "draw:demo-2023-004", ANNOUNCED, announce="cd" * 32, plan="2023-04")
    return _grown(scene)


@_lever("mirror", "public_log.follow.rollback")
def _log_rolled_back(scene: Scene) -> Shown:
    del scene.log.entries[-3:]
    return "mirror"


@_lever("mirror", "public_log.follow.changed")
def _two_logs(scene: Scene) -> Shown:
    """Others are shown a log of the same size with another last entry."""
    scene.log.entries[-1]["data"]["abandon"] = "0" * 64
    return "mirror"


@_lever("mirror", "public_log.note.unknown_key")
def _log_under_another_key(scene: Scene) -> Shown:
    scene.log.key = "demo.invalid/other"
    return _grown(scene)


@_lever("mirror", "public_log.follow.changed")
def _log_entry_inserted(scene: Scene) -> Shown:
    """An announcement is put in where it should have been."""
    late = deepcopy(scene.log.entries[1])
    late["subject"], late["data"]["announce"] = "draw:demo-2023-004", "cd" * 32
    scene.log.entries.insert(2, late)
    return _grown(scene)


@_lever("verify", "log-inclusion")
def _forged_proof(scene: Scene) -> Shown:
    act = scene.open["log"]["acts"][0]
    act["proof"][0] = "0" * 64
    scene.open["digests"]["log"] = digest(scene.open, "log")
    return "open"


@_lever("verify", "log-inclusion")
def _log_stuffed_with_choices(scene: Scene) -> Shown:
    """Beforehand the log is given the digests of many lists in acts of another kind; the one that pleases is pointed at."""
    made = scene.open
    hand.edit_list(made, lambda units: units.remove(next(one for one in units if one["id"] == _unlucky(scene))))
    hand.follow_from(made, "list")
    entry = next(entry for entry in scene.log.entries if entry["kind"] == "rule_book.publish")
    entry["data"] |= {
        section: digest(made, section) for section in ("announce", "execute", "selection", "assign_announce", "assign")
    }
    root, proof = scene.log.proofs()
    attach(made, scene.log)
    index = scene.log.entries.index(entry)
    for act in made["log"]["acts"]:
        if act["act"] in entry["data"]:
            act |= {"index": index, "entry": entry, "proof": proof(index)}
    made["digests"]["log"] = digest(made, "log")
    return "open"


@_lever("verify", "log-inclusion")
def _log_of_another_draw(scene: Scene) -> Shown:
    """The digests stand in acts of another draw, where nobody looks for them."""
    for entry in scene.log.entries:
        if entry["subject"] == f"draw:{OPEN}":
            entry["subject"] = "draw:demo-2022-099"
    attach(scene.open, scene.log, "draw:demo-2022-099")
    return "open"


@_lever("verify", "log-inclusion")
def _execution_logged_before_the_announcement(scene: Scene) -> Shown:
    entries = scene.log.entries
    entries[1], entries[2] = entries[2], entries[1]
    return _finished(scene)


@_lever("verify", "log-inclusion")
def _announcement_never_logged(scene: Scene) -> Shown:
    scene.log.entries = [
        entry for entry in scene.log.entries if (entry["kind"], entry["subject"]) != ("draw.announce", f"draw:{OPEN}")
    ]
    return _finished(scene)


def _grown(scene: Scene) -> Shown:
    """One more entry, so that the log is longer than the copy and signed anew."""
    scene.log.add("scoreboard.publish", "snapshot:1", datetime(2023, 9, 30, tzinfo=UTC))
    return "mirror"
