"""Files of every kind, true and false, that all verifiers must judge alike: the program, the second verifier, the page."""

import contextlib
import copy
import json
from datetime import date
from functools import cache

from tests.engine.draw_sample import (
    DRAND,
    SECRETS,
    SIGNATURE,
    SIGNER,
    UNITS,
    N,
    announce,
    ceremony_values,
    joint,
    sealed,
    sealed_frame,
    whole,
)
from zhunsheng.cheat import LEVERS, honest, pull
from zhunsheng.engine.draw import bundle, digests, execute, freeze, membership_proof, select, sign
from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.suites import SM3


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
    files = {name: canonical(value) for name, value in made.items()}
    files["escaped"] = json.dumps(plain, indent=2, ensure_ascii=True).encode()
    return files


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
