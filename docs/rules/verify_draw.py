#!/usr/bin/env python3
"""Check the bundle of a draw (zhunsheng/draw/1, open mode) with the standard library alone.

    python3 verify_draw.py bundle.json

A second, independent reading of docs/rules/draw.md: it shares no code with the `zhunsheng` program. It recomputes
the tree, the announcement hash, the seed, the tickets, the selection, the second seed and the teams. It does not check
the BLS signature of a drand round or the log proofs, and says so. Exit code 0 = all that was checked holds.
"""

import datetime
import hashlib
import json
import sys
from fractions import Fraction


class Wrong(Exception):
    """Something in the bundle does not hold."""


def need(condition, message):  # not `assert`, which python -O leaves out
    if not condition:
        raise Wrong(message)


def once(pairs):
    need(len(dict(pairs)) == len(pairs), "a key stands twice in one object")
    return dict(pairs)


def sha(text):
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def canonical(value):  # RFC 8785 for what a bundle may hold: no fractions; keys by UTF-16
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    need(not isinstance(value, float), "a fraction where only whole numbers may stand")
    return json.dumps(value, ensure_ascii=False)


def tree(leaves):  # RFC 6962
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def seed_text(domain, bound, sources, values):
    need([s["id"] for s in sources] == [v["source"] for v in values], "values do not follow the announced sources")
    for text in [s["id"] for s in sources] + [v["value"] for v in values]:
        need(all(" " <= char <= "~" and char not in "|=" for char in text), f"{text!r} may not enter a seed")
    return "|".join([domain, bound] + [f"{v['source']}={v['value']}" for v in values])


def commitments(draw, sources, values):
    for source, value in zip(sources, values, strict=True):
        if source.get("commitment") and value["value"] != source.get("default"):
            found = sha(f"zhunsheng/draw/1/commit|{draw}|{source['id']}|{value['value']}")
            need(found == source["commitment"], f"{source['id']} did not reveal what it committed to")
        if source["id"].startswith("drand:"):
            signature = bytes.fromhex(value["evidence"]["signature"])
            need(sha(signature) == value["value"], "drand: the value is not the hash of the signature")
            print("note: the BLS signature of drand round", source["round"], "is not checked by this program")


def teams(constraints, tickets, seed):
    on, load, made = constraints["on"], {}, []
    for target in sorted(constraints["targets"], key=lambda t: (tickets[t["id"]], t["id"])):
        team = []
        for place in range(constraints["team_size"]):
            able = [
                p["number"]
                for p in constraints["inspectors"]
                if on <= p["certificate_to"]
                and not any(first <= on <= last for first, last in p["leave"])
                and target["id"] not in p["recusals"]
                and p["number"] not in team
                and (place > 0 or not target["speciality"] or target["speciality"] in p["specialities"])
            ]
            prefix = f"{seed}|assign|{target['id']}|"
            team.append(min(able, key=lambda number: (load.get(number, 0), sha(prefix + number), number)))
            load[team[-1]] = load.get(team[-1], 0) + 1
        made.append({"id": target["id"], "lead": team[0], "others": team[1:]})
    return made


def check(bundle):
    announced, done, draw = bundle["announce"], bundle["execute"], bundle["announce"]["draw"]
    bound = sha(canonical(announced))
    need(done["announcement_hash"] == bound, "the seed was made for another announcement")
    lines = bundle["open"]["leaves"]
    leaves = [json.loads(line) for line in lines]
    need([canonical(leaf) for leaf in leaves] == lines, "a leaf is not in canonical form")
    ids = [leaf["id"] for leaf in leaves]
    need(ids == sorted(set(ids)), "ids are not ascending, or one stands twice")
    root = tree([line.encode() for line in lines]).hex()
    need(announced["frame"] == {"root": root, "size": len(lines)}, "this is not the frame announced")
    strata = {leaf["stratum"]: [] for leaf in leaves}
    for leaf in leaves:
        if not leaf.get("exclusion"):
            strata[leaf["stratum"]].append(leaf["id"])
    need(announced["N"] == {stratum: len(units) for stratum, units in strata.items()}, "sizes differ")

    wait = datetime.timedelta(hours=24)
    need(moment(announced["not_before"]) - moment(announced["announced_at"]) >= wait, "less than 24 hours")
    number, earliest, sources = done.get("fallback", 0), moment(announced["not_before"]), announced["sources"]
    if number:
        sources = announced["fallback"][number - 1]["sources"]
        earliest += datetime.timedelta(hours=announced["fallback"][number - 1]["after_hours"])
    need(all(moment(value["at"]) >= earliest for value in done["values"]), "randomness older than allowed")
    text = seed_text("zhunsheng/draw/1", bound, sources, done["values"])
    commitments(draw, sources, done["values"])
    seed = sha(text)
    need(done["seed"] == seed, "the seed is another")

    selection = []
    for stratum in sorted(strata):
        units, n = strata[stratum], announced["n"][stratum]
        tickets = sorted((sha(f"{seed}|target|{unit}"), unit) for unit in units)[:n]
        for rank, (ticket, unit) in enumerate(tickets, 1):
            share = str(Fraction(n, len(units)))
            selection.append({"id": unit, "stratum": stratum, "ticket": ticket, "rank": rank, "probability": share})
    need(bundle["selection"] == selection, "other units were drawn than the rule draws")

    if "assign" in bundle:
        assign, rule = bundle["assign"], announced["assignment"]
        fixed = sha(canonical(assign["constraints"]))
        domain, rest = f"zhunsheng/draw/1/assign|{bound}", rule.get("sources", [])
        text = seed_text(domain, fixed, rest, assign["values"]) if rest else f"{domain}|{fixed}|{seed}"
        commitments(draw, rest, assign["values"])
        need(assign["seed"] == sha(text), "the second seed is another")
        tickets = {unit["id"]: unit["ticket"] for unit in selection}
        need(
            assign["teams"] == teams(assign["constraints"], tickets, assign["seed"]), "other teams than the rule gives"
        )
    need({r["id"] for r in bundle.get("results", [])} <= {s["id"] for s in selection}, "a result of a unit not drawn")
    return f"draw {draw}: {len(selection)} of {len(ids)} units, seed {seed}, announcement {bound}"


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    try:
        content = json.loads(data, object_pairs_hook=once)
        print("holds:", check(content))
    except (Wrong, KeyError, TypeError, ValueError, IndexError) as error:
        sys.exit(f"DOES NOT HOLD: {error or type(error).__name__}")
    if "abandon" in content:
        print("but the draw was ABANDONED:", content["abandon"]["reason"])
