"""tests/vectors/draw: a profile of randomness each, the two suites, the sealed mode, joint lists, probabilities by size.

`by_hand` computes a vector step by step from its leaves, announcement and values, with nothing of this project: hashlib
and json for SHA-256, the package gmalg for SM3. The engine must give the same.
"""

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import pytest
from gmalg import SM3 as OtherSM3

from zhunsheng.engine import tables
from zhunsheng.engine.draw import (
    announcement_hash,
    execute,
    freeze,
    lambdas,
    read_terms,
    satisfied_profiles,
    seed_text,
    select,
    tag,
    thaw,
)
from zhunsheng.engine.draw.fields import instant
from zhunsheng.engine.draw.seal import blind, key_hash
from zhunsheng.engine.draw.sources import Value

FOLDER = Path(__file__).parents[1] / "vectors/draw"
PROFILES = ("ceremony", "lottery", "drand", "combined", "sm3")
NAMES = (*(f"profile-{name}" for name in PROFILES), "mode-sealed", "mode-joint")


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


# by hand


def sha256(data):
    return hashlib.sha256(data).digest()


def sm3(data):
    made = OtherSM3()
    made.update(data)
    return made.value()


def mac(h, key, text):  # RFC 2104
    block = bytes.fromhex(key).ljust(64, b"\0")
    return h(bytes(b ^ 0x5C for b in block) + h(bytes(b ^ 0x36 for b in block) + text.encode())).hex()


def tree(h, leaves):  # RFC 6962, by its recursion
    if len(leaves) == 1:
        return h(b"\0" + leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return h(b"\1" + tree(h, leaves[:split]) + tree(h, leaves[split:]))


def plain(value):  # canonical JSON where there are no fractions and no keys above U+FFFF
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def by_hand(given):
    """Everything of a vector that follows from its leaves, announcement, values (and key)."""
    said = given["announcement"]
    h = sm3 if said.get("suite") == "sm3" else sha256
    made, lines = {}, given["leaves"]
    units = [json.loads(line) for line in lines]
    assert [plain(unit) for unit in units] == lines and sorted(u["id"] for u in units) == [u["id"] for u in units]
    names = {unit["id"]: unit["id"] for unit in units}
    if key := given.get("key"):
        sealed = []
        names = made["tags"] = {i: mac(h, key, f"tag|{said['draw']}|{i}") for i in names}
        made["blinds"] = {i: mac(h, key, f"blind|{said['draw']}|{i}") for i in names}
        made["salts"] = {i: mac(h, key, f"salt|{said['draw']}|{i}") for i in names}
        for unit, line in zip(units, lines, strict=True):
            seal = h(f"zhunsheng/draw/1/seal|{made['blinds'][unit['id']]}|{unit['id']}".encode()).hex()
            attributes = h(f"zhunsheng/draw/1/attributes|{made['salts'][unit['id']]}|{line}".encode()).hex()
            sealed.append((seal, plain({"attributes": attributes, "seal": seal})))
        lines = made["sealed_lines"] = [line for _, line in sorted(sealed)]
        made["key_hash"] = h(f"zhunsheng/draw/1/key|{said['draw']}|{key}".encode()).hex()
    made["root"] = tree(h, [line.encode() for line in lines]).hex()
    made["announcement_hash"] = h(plain(said).encode()).hex()
    pairs = [f"{value['source']}={value['value']}" for value in given["values"]]
    made["seed_text"] = "|".join(["zhunsheng/draw/1", made["announcement_hash"], *pairs])
    made["seed"] = h(made["seed_text"].encode()).hex()
    made["tickets"] = {i: h(f"{made['seed']}|target|{name}".encode()).hex() for i, name in names.items()}

    strata = {}
    for unit in units:
        for one in said.get("lists", {"": 0}):
            dot = f"{one}." if one else ""
            if dot + "stratum" in unit:
                stratum = strata.setdefault(f"{one}/{unit[dot + 'stratum']}" if one else unit["stratum"], [])
                if not unit.get(dot + "exclusion"):
                    stratum.append((unit["id"], unit.get(dot + "lambda")))
    made["selection"] = []
    for stratum, members in sorted(strata.items()):
        n, scale = said["n"][stratum], said.get("pareto", {}).get("scale")
        by_size = stratum in said.get("pareto", {}).get("strata", ())

        def order(member, by_size=by_size, scale=scale):
            unit_id, a = member
            ticket = made["tickets"][unit_id]
            k = int(ticket[:16], 16)
            return Fraction(k * (scale - a), (2**64 - k) * a) if by_size else 0, ticket, names[unit_id]

        for rank, (unit_id, a) in enumerate(sorted(members, key=order)[:n], 1):
            share = Fraction(a, scale) if by_size else Fraction(n, len(members))
            made["selection"].append(
                {"id": unit_id, "stratum": stratum, "ticket": made["tickets"][unit_id], "rank": rank, "probability": str(share)}
            )  # fmt: skip
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_follows_from_its_beginning_by_hand(name):
    given = load(name)
    assert given["source"]
    for key, value in by_hand(given).items():
        assert given[key] == value, key
    assert given["announcement"]["frame"] == {"root": given["root"], "size": len(given["leaves"])}


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_gives_the_vector(name):
    given = load(name)
    said, key = given["announcement"], given.get("key", "")
    terms = read_terms(said)
    frame = thaw(
        (line.encode() for line in given["leaves"]), lists=tuple(terms.lists), pareto=terms.pareto, scale=terms.scale,
        suite=terms.suite, seal_key=key, draw=terms.draw,
    )  # fmt: skip
    assert (frame.root, announcement_hash(said)) == (given["root"], given["announcement_hash"])
    values = [Value(v["source"], v["value"], instant(v["at"], "at"), v["evidence"]) for v in given["values"]]
    execution = execute(said, values)
    assert (execution.seed_text, execution.seed) == (given["seed_text"], given["seed"])
    assert seed_text(said, [value.value for value in values]) == given["seed_text"]
    assert [unit.as_json() for unit in select(frame, execution.seed, terms.n)] == given["selection"]
    units = [json.loads(line) for line in given["leaves"]]
    pareto = {stratum: terms.n[stratum] for stratum in terms.pareto}
    again = [{k: v for k, v in unit.items() if not k.endswith("lambda")} for unit in units]
    assert (
        freeze(
            again,
            lists=tuple(terms.lists),
            pareto=pareto,
            scale=terms.scale,
            suite=terms.suite,
            seal_key=key,
            draw=terms.draw,
        )
        == frame
    )
    if key:
        assert [line.decode() for line in frame.lines] == given["sealed_lines"]
        assert given["key_hash"] == key_hash(key, terms.draw, terms.suite) == said["seal"]["key_hash"]
        for unit_id, expected in given["tags"].items():
            found = tag(key, terms.draw, unit_id, terms.suite), blind(key, terms.draw, unit_id, terms.suite)
            assert found == (
                expected,
                given["blinds"][unit_id],
            )


def test_the_published_lambdas_follow_from_the_published_sizes():
    given = load("mode-joint")
    units = [json.loads(line) for line in given["leaves"]]
    sizes = {u["id"]: u["fire.size"] for u in units if "fire.lambda" in u}
    found = lambdas(sizes, given["announcement"]["n"]["fire/all"], 1000)
    assert found == {u["id"]: u["fire.lambda"] for u in units if "fire.lambda" in u} == given["lambdas"]
    assert 1000 in found.values(), "one unit is certain"


def test_there_is_a_vector_for_every_profile_in_force():
    terms = [read_terms(load(f"profile-{name}")["announcement"]) for name in PROFILES]
    met = {row["code"] for one in terms for row in satisfied_profiles(one.sources, one.announced_at.date())}
    assert met == {row["code"] for row in tables.load("draw/randomness").rows}
    assert {one.suite.name for one in terms} == {"sha256", "sm3"}


# rules of others, for comparison: our reading of them is right


def test_rfc_3797_as_published():
    """Section 6 of RFC 3797: one pool, one key, sequential picks by MD5. Ours is order-free instead."""
    key, pool, picks = "9319./2.5.8.10.12./9.18.26.34.41.45./", list(range(1, 26)), []
    for i in range(8):
        wrap = i.to_bytes(2, "big")
        number = int.from_bytes(hashlib.md5(wrap + key.encode() + wrap).digest(), "big")
        if i == 0:
            assert f"{number:032X}" == "990DD0A5692A029A98B5E01AA28F3459"
        picks.append(pool.pop(number % len(pool)))
    assert picks == [17, 7, 2, 16, 25, 23, 8, 24]


def test_consistent_sampler_as_published():
    """Rivest's consistent_sampler: tickets by SHA-256 of seed and id, the smallest win. Ours without its reversed digits."""

    def ticket(seed, unit):
        inner = hashlib.sha256(str(seed).encode()).hexdigest()
        digits = str(int(hashlib.sha256((inner + unit).encode()).hexdigest(), 16))
        return Fraction(int(digits[::-1]), 10 ** len(digits))

    found = sorted((ticket(314159, f"{side}-{n}"), f"{side}-{n}") for side in "AB" for n in (1, 2, 3))[:4]
    assert [(unit, f"{int(t * 10**9) / 10**9:.9f}") for t, unit in found] == [
        ("B-2", "0.410310858"), ("B-3", "0.470960291"), ("A-3", "0.471438751"), ("A-2", "0.567089805"),
    ]  # fmt: skip
