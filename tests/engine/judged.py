"""Files of every kind, true and false, that all verifiers must judge alike: the program, the second verifier, the page."""

import contextlib
import copy
import json
from datetime import date, timedelta
from fractions import Fraction
from functools import cache

from tests.engine.draw_sample import (
    ANNOUNCED_AT,
    DRAND,
    NOT_BEFORE,
    SECRETS,
    SIGNATURE,
    SIGNER,
    UNITS,
    N,
    announce,
    carry_out,
    ceremony_values,
    joint,
    sealed,
    sealed_frame,
    whole,
)
from zhunsheng.cheat import LEVERS, honest, pull
from zhunsheng.engine.draw import (
    Abandonment,
    Value,
    bundle,
    digests,
    execute,
    freeze,
    membership_proof,
    select,
    sign,
)
from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.suites import SM3

LATE = NOT_BEFORE + timedelta(hours=60)  # when the fallback may be used


def signed(made):
    """The bundle with every section signed by Ed25519."""
    made = {name: value for name, value in made.items() if name not in ("digests", "log")}
    stated = digests(made)
    made["signatures"] = [one.as_json() for one in sign(SIGNER, made["announce"]["draw"], stated)]
    return {**made, "digests": digests(made)}


@cache
def true_files():
    """name → bytes of files that hold."""
    frame = freeze([*UNITS, {"id": "demo:T013", "stratum": "E", "exclusion": "CAP", "名称": "𝔘\u007f é"}])
    announced = announce(frame=frame, n={**N, "E": 0}, assignment=None)
    done = execute(announced, ceremony_values())
    plain = bundle(
        announcement=announced, frame=frame, execution=done, selection=select(frame, done.seed, {**N, "E": 0})
    )
    scene = honest()
    made = {
        "whole": whole(), "abandoned": whole(abandoned=True), "joint": joint(), "sealed": sealed(),
        "not opened": sealed(opened=False), "sm3": sealed(suite=SM3), "signed": signed(whole()),
        "announced": bundle(announcement=announced, frame=frame), "plain": plain,
        "proof": membership_proof(announced, frame, "demo:T013"),
        "sealed proof": membership_proof(announce(frame=sealed_frame(), open_by=date(2023, 9, 20)), sealed_frame(), "demo:T005"),
        "cheat open": scene.open, "cheat sealed": scene.sealed, "cheat closed": scene.closed,
        "cheat given up": scene.given_up, "cheat proof": scene.proof,
    }  # fmt: skip
    made |= asked_about()
    files = {name: canonical(value) for name, value in made.items()}
    files["escaped"] = json.dumps(plain, indent=2, ensure_ascii=True).encode()
    return files


def asked_about():
    """Bundles that hold, of which steps say something that the reader must judge."""
    frame = freeze(UNITS)
    lotteries = [Value("lottery:ssq", "03-11-15-22-28-31+07", LATE), Value("lottery:dlt", "02-09-17-25-33+04-11", LATE)]
    announced = announce(frame=frame, assignment=None)
    by_ratio = announce(frame=frame, n=N, ratio={"A": Fraction(1, 4), "D": Fraction(1)})
    return {
        "fallback": carry_out(announced, frame, values=lotteries, fallback=1, reason="骰子遗失", assigned=False).bundle(),
        "silent": carry_out(announced, frame, values=ceremony_values(secrets=("none", SECRETS[1])), assigned=False).bundle(),
        "not assigned yet": carry_out(by_ratio, frame, assigned=False).bundle(),
        "ratio": carry_out(by_ratio, frame).bundle(),
        "abandoned late": bundle(announcement=announced, frame=frame, abandon=Abandonment("名单有误", "P00", NOT_BEFORE)),
        "abandoned in time": bundle(announcement=announced, frame=frame, abandon=Abandonment("名单有误", "P00", ANNOUNCED_AT)),
    }  # fmt: skip


@cache
def forgeries():
    """name → bytes of files that do not hold: every lever, text exchanged in a whole bundle, and what is no bundle."""
    scene = honest()
    found = {
        f"lever {name}": canonical(pull(lever, scene).shown)
        for name, lever in LEVERS.items()
        if lever.watch == "verify" and not lever.told
    }
    text = canonical(whole()).decode()
    for old, new in EXCHANGED:
        forged = text.replace(old, new, 1)
        assert forged != text, old
        found[f"{old[:30]} → {new[:30]}"] = forged.encode()
    lists = canonical(joint()).decode()
    for old, new in (
        ('\\"fire.size\\":4', '\\"fire.size\\":5'),
        ('"scale":1000000', '"scale":1000'),
        ('"411600"', '"411699"'),
        ('\\"food.stratum\\"', '\\"fool.stratum\\"'),
        ('"fire/general":5', '"fire/general":6'),
    ):
        forged = lists.replace(old, new, 1)
        assert forged != lists, old
        found[f"joint {old} → {new}"] = forged.encode()
    for name, (made, change) in edits().items():
        forged = copy.deepcopy(made)
        change(forged)
        with contextlib.suppress(Exception):  # what cannot be digested keeps its old digests
            forged["digests"] = digests(forged)
        found[name] = canonical(forged)
    good = true_files()["plain"]
    found |= {
        "nothing": b"", "no json": b"{", "a list": b"[]", "a number": b"1", "other protocol": good.replace(b"draw/1", b"draw/2"),
        "not utf-8": good[:-2] + b"\xff}", "bom": b"\xef\xbb\xbf" + good, "after the end": good + b" 1",
        "key twice": good[:-1] + b',"protocol":"zhunsheng/draw/1"}', "nan": good[:-1] + b',"results":[{"id":"x","code":"1","v":NaN}]}',
        "lone surrogate": good[:-1] + b',"abandon":{"reason":"\\ud800","approver":"P","at":"2023-09-01T00:00:00Z"}}',
        "fraction": good.replace(b'"size":13', b'"size":13.0'), "exponent": good.replace(b'"size":13', b'"size":13e0'),
        "leading zero": good.replace(b'"size":13', b'"size":013'), "too large": good.replace(b'"size":13', b'"size":99999999999999999'),
        "deep": good[:-1] + b',"results":' + b"[" * 200 + b"]" * 200 + b"}",
        "tab in text": good.replace(b'"demo-2026-003"', b'"demo-2026\t003"'),
        "control in text": good.replace(b'"demo-2026-003"', b'"demo-2026\\u0007003"'),
        "direction turned": good.replace("国发".encode(), "国\u202e发".encode()),
        "not in form C": good.replace(b'"demo-2026-003"', b'"demo-2026-e\\u0301"'),
        "impossible day": good.replace(b"2023-08-23T01:30:00Z", b"2023-02-30T01:30:00Z"),
        "proof cut": true_files()["proof"].replace(b'"proof":["', b'"proof":["' + b"0" * 64 + b'","', 1),
        "proof of another": true_files()["sealed proof"].replace(b"demo:T005", b"demo:T006"),
        "proof unknown field": true_files()["proof"].replace(b'{"announce', b'{"a":1,"announce', 1),
    }  # fmt: skip
    return found


EXCHANGED = (
    ('"n":{"A":1', '"n":{"A":2'),
    ("国发〔2019〕5号", "国发〔2019〕6号"),
    ('\\"id\\":\\"demo:T001\\"', '\\"id\\":\\"demo:T000\\"'),
    ('\\"id\\":\\"demo:T001\\"', '\\"id\\":\\"demo:T009\\"'),
    ('\\"stratum\\":\\"A\\"', '\\"stratum\\": \\"A\\"'),
    ('"at":"2023-08-23T01:30:00Z","evidence"', '"at":"2023-08-22T01:30:00Z","evidence"'),
    ("4-2-6-1-5-3-3-6-2-1", "4-2-6-1-5-3-3-6-2-2"),
    ("4-2-6-1-5-3-3-6-2-1", "4-2-6-1-5-3-3-6-2"),
    ("4-2-6-1-5-3-3-6-2-1", "4-2-6-1-5-3-3-6-2-7"),
    (SECRETS[0], "0" * 32),
    (SECRETS[0], "a|b" + "0" * 29),
    ('"rank":1', '"rank":2'),
    ('"rank":1', '"rank":0'),
    ('"rank":1', '"rank":true'),
    ('"probability":"1/4"', '"probability":"1/3"'),
    ('"forbidden":[["demo:T012","recusal"]]', '"forbidden":[]'),
    ('"certificate_to":"2023-08-27"', '"certificate_to":"2027-08-27"'),
    ('"steps":', '"steps":1'),
    ('"lead":"P01"', '"lead":"P03"'),
    ('"lead":false', '"lead":1'),
    ('"passed":[]', '"passed":[{"number":"P01","reason":"出差"}]'),
    ('"team_size":2}', '"team_size":3}'),
    ('"code":"01"', '"code":""'),
    ('"mode":"open"', '"mode":"sealed"'),
    ('"mode":"open"', '"mode":"shut"'),
    ('"after_hours":48', '"after_hours":0'),
    ('"lottery:ssq"', '"lottery:3d"'),
    ('"round":1000', '"round":1001'),
    ('"round":1000', '"round":0'),
    (DRAND, DRAND[:-1] + "0"),
    (SIGNATURE, SIGNATURE[:-1] + "0"),
    ('"steps_per_slot":50', '"steps_per_slot":5000'),
    ('"rule":"zhunsheng/assign/1"', '"rule":"zhunsheng/assign/2"'),
    ('"origin":"demo.city/log"', '"origin":"demo.city/log/sm3"'),
    ('"index":1', '"index":2'),
    ('"act":"announce"', '"act":"open"'),
    ('"not_before":"2023-08-23T01:00:00Z"', '"not_before":"2023-08-23T00:59:59Z"'),
    ('"plan":', '"plant":'),
    ('"rank":1', '"rank":1,"rank":1'),
)


def put(*at):
    """A change: the last is put in the place that the others name, `None` takes away what is there."""
    *way, key, value = at

    def change(made):
        for step in way:
            made = made[step]
        if value is None:
            del made[key]
        else:
            made[key] = value

    return change


def elsewhere(made):
    """A unit with the speciality of a list that the draw does not have."""
    lines = made["open"]["leaves"]
    at = next(i for i, line in enumerate(lines) if "food.speciality" in line)
    lines[at] = lines[at].replace("food.speciality", "fool.speciality")


def edits():
    """name → a bundle, and a change of it that some rule forbids."""
    open_, closed, opened, joined = whole(), sealed(opened=False), sealed(), joint()
    party, dice, fallback = (
        open_["announce"]["sources"][0],
        open_["announce"]["sources"][2],
        open_["announce"]["fallback"][0],
    )
    entry = open_["log"]["acts"][0]["entry"]
    rule = ("announce", "assignment")
    made = {
        "number in full width": put("announce", "draw", "demo-2026-00３"), "number without digit": put("announce", "draw", "demo"),
        "number too long": put("announce", "draw", "d" * 40 + "1"), "number with a space": put("announce", "draw", "demo 1"),
        "year 1999": put("announce", "announced_at", "1999-12-31T23:59:59Z"), "year 2201": put("announce", "not_before", "2201-01-01T00:00:00Z"),
        "year 2200": put("announce", "not_before", "2200-12-31T23:59:59Z"), "day of no month": put("assign_announce", "on", "2023-8-28"),
        "space before": put("announce", "N", " A", 3), "space after": put("assign_announce", "inspectors", 0, "number", "P01 "),
        "no commitment": put("announce", "sources", 0, "commitment", None), "no default": put("announce", "sources", 0, "default", None),
        "no rolls": put("announce", "sources", 2, "rolls", None), "many rolls": put("announce", "sources", 2, "rolls", 1001),
        "five parties": put("announce", "sources", [*({**party, "id": f"ceremony:p{i}"} for i in range(5)), dice]),
        "seventeen sources": put("announce", "sources", [{**dice, "id": f"ceremony:dice-{i}"} for i in range(17)]),
        "three fallbacks": put("announce", "fallback", [fallback] * 3), "an issue of six": put("announce", "fallback", 0, "sources", 0, "issue", "202309"),
        "one party": put("announce", "sources", [party, dice]), "a promise twice": put("announce", "sources", 1, "commitment", party["commitment"]),
        "mixed with drand": put("announce", "sources", [*open_["announce"]["sources"], {"id": DRAND, "round": 1}]),
        "mixed with a lottery": put("announce", "sources", [*open_["announce"]["sources"], {"id": "lottery:ssq", "issue": "23099"}]),
        "parties and drand": put("announce", "sources", [party, {"id": DRAND, "round": 1000}]),
        "drand and a fallback": put(*rule, "fallback", [fallback]), "same in both rounds": put(*rule, "sources", open_["announce"]["sources"]),
        "same in a fallback": put(*rule, "sources", [{**one, "note": "again"} for one in fallback["sources"]]),
        "same issue, written otherwise": put(*rule, "sources", [{"id": "lottery:ssq", "issue": "23099"}, {"id": "lottery:dlt", "issue": "2023099"}]),
        "few steps": put(*rule, "steps_per_slot", 19), "no directory": put(*rule, "directory", None), "no slack": put(*rule, "slack", None),
        "slack below 0": put(*rule, "slack", -1), "other directory": put(*rule, "directory", "0" * 64), "team of 21": put(*rule, "team_size", 21),
        "round of another age": put(*rule, "sources", 0, "round", 2**52),
        "second round at once": put("assign_announce", "at", "2023-08-23T15:59:23Z"),
        "thrown after": put("execute", "values", 2, "at", "2023-08-23T01:30:01Z"),
        "value left out": lambda made: made["execute"]["values"].pop(), "second value left out": lambda made: made["assign"]["values"].pop(),
        "value twice": lambda made: made["execute"]["values"].append(made["execute"]["values"][0]),
        "other speciality": put("assign_announce", "targets", 0, "speciality", "计量"),
        "inspector left out": lambda made: made["assign_announce"]["inspectors"].pop(3),
        "many steps": put("assign_announce", "steps", 5_000_001),
        "replaced before the seed": put("changes", 0, "at", "2023-08-23T15:59:23Z"),
        "ratio of nothing": put("announce", "ratio", {}), "ratio not in lowest terms": put("announce", "ratio", {"A": "2/8"}),
        "ratio above 1": put("announce", "ratio", {"A": "5/4"}), "ratio of another stratum": put("announce", "ratio", {"Z": "1/4"}),
        "ratio of more": put("announce", "ratio", {"A": "1/2"}), "ratio as a number": put("announce", "ratio", {"A": 1}),
        "log of another kind": put("log", "acts", 0, "entry", {**entry, "kind": "draw.execute"}),
        "log of another draw": put("log", "acts", 0, "entry", {**entry, "subject": "draw:demo-2026-004"}),
        "log under another name": put("log", "acts", 0, "entry", {**entry, "data": {"announcement": entry["data"]["announce"]}}),
        "log without data": put("log", "acts", 0, "entry", {**entry, "data": "x"}), "log entry a text": put("log", "acts", 0, "entry", "x"),
        "act left out": lambda made: made["log"]["acts"].pop(2), "withheld in the log": put("log", "acts", 0, "act", "withheld"),
        "many acts": lambda made: put("log", "acts", made["log"]["acts"] * 200)(made),
        "many signatures": put("signatures", [signed(open_)["signatures"][0]] * 101),
        "fraction in a result": put("results", 0, "weight", 1.5), "large number in a result": put("results", 0, "weight", 1e20),
    }  # fmt: skip
    found = {name: (open_, change) for name, change in made.items()}
    found |= {
        "sealed key of one digit": (opened, put("open", "key", "7" * 64)), "opened at another time": (opened, put("open", "at", "2023-09-20T08:00:01Z")),
        "selection not withheld": (opened, put("withheld", "selection", None)), "teams not withheld": (opened, put("withheld", "assign", None)),
        "changes not withheld": (opened, put("withheld", "changes", None)), "nothing withheld": (opened, put("withheld", None)),
        "other teams withheld": (opened, put("withheld", "assign", "0" * 64)), "opened before the draw": (opened, put("open", "at", "2023-08-23T01:00:00Z")),
        "number of a sealed draw": (opened, put("announce", "draw", "demo-2026-004")),
        "opening not in the log": (opened, lambda made: put("log", "acts", [one for one in made["log"]["acts"] if one["act"] != "open"])(made)),
        "what is withheld not in the log": (closed, lambda made: made["log"]["acts"].pop(3)),
        "other withheld than in the log": (closed, put("withheld", "assign", "0" * 64)),
        "opening announced too early": (closed, put("announce", "seal", "open_by", "2023-08-22")),
        "speciality of no list": (joined, elsewhere),
        "proof with a blind": (json.loads(true_files()["proof"]), put("blind", "0" * 64)),
    }  # fmt: skip
    for name, codes in {
        "two codes": "食品+计量",
        "code twice": "计量+计量",
        "code with a bar": "计|量",
        "code missing": "计量+",
    }.items():
        line = open_["open"]["leaves"][4]
        found[f"speciality: {name}"] = (
            open_,
            put("open", "leaves", 4, line.replace('"speciality":"食品"', f'"speciality":"{codes}"')),
        )
    return found


def paths(value, at=()):
    """Every place in a JSON value, outermost first, without the lines of the frame."""
    if at[:1] in (("open",), ("sealed",)) and len(at) > 1:
        return
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items)[:40]:
        yield from paths(item, (*at, key))


def bent(made, at):
    """The value with what stands at a place changed a little, so that each verifier must find it: or None for the whole."""
    if not at:
        return None
    made = copy.deepcopy(made)
    holder = made
    for key in at[:-1]:
        holder = holder[key]
    value = holder[at[-1]]
    if isinstance(value, bool):
        holder[at[-1]] = not value
    elif isinstance(value, int):
        holder[at[-1]] = value + 1
    elif isinstance(value, str):
        holder[at[-1]] = value[:-1] + ("0" if value[-1:] != "0" else "1")
    elif isinstance(value, dict):
        holder[at[-1]] = {**value, "strange": "x"}
    else:
        holder[at[-1]] = [*value, value[0]] if value else ["x"]
    return made


@cache
def bends(every=1):
    """name → bytes: each place of two whole bundles bent in turn, with the digests made again so that they tell nothing."""
    found = {}
    for name, made in (("whole", whole()), ("sealed", sealed()), ("joint", joint())):
        for number, at in enumerate(paths(made)):
            if number % every or (forged := bent(made, at)) is None:
                continue
            with contextlib.suppress(Exception):  # what cannot be digested keeps its old digests
                forged["digests"] = digests(forged)
            if forged != made:
                found[f"{name} {'.'.join(map(str, at))}"] = canonical(forged)
    return found
