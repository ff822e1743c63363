#!/usr/bin/env python3
"""Check a draw (zhunsheng/draw/1) with Python's standard library alone.

    python3 verify_draw.py bundle.json        the bundle of a draw 公开包
    python3 verify_draw.py membership.json    the proof that one firm was on the list

A second, independent reading of docs/rules/draw.md and assignment.md: it shares no code with the `zhunsheng` program,
and its steps have the same names. PASS: computed again and equal. FAIL: not so. open: to be compared with something
outside the file, or not judged by this program (the BLS signature of a drand round, SM2 signatures).
Exit code 0: no step failed; 1: one did; 2: the file is no bundle.
"""

import base64
import datetime
import hashlib
import hmac
import json
import re
import sys
import unicodedata
from fractions import Fraction

PROTOCOL = "zhunsheng/draw/1"
QUICKNET = (
    "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"  # rounds since 1692803367, every 3 s
)
SECTIONS = (
    "announce execute withheld selection assign_announce assign changes open results abandon signatures log".split()
)


class Wrong(Exception):
    """Something does not hold."""


class NotJudged(Exception):
    """Something this program leaves to the reader."""


def need(condition, message):  # not `assert`, which python -O leaves out
    if not condition:
        raise Wrong(message)


def same(what, expected, found):
    need(canonical(expected) == canonical(found), f"{what}: expected {expected}, found {found}")  # True is not 1


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def once(pairs):
    need(len(dict(pairs)) == len(pairs), "a key stands twice in one object")
    return dict(pairs)


def read(data):
    """JSON without a key twice, a fraction, a number that others would round, or a mark before it."""

    def no(text):
        raise Wrong(f"{text} is no whole number up to 2^53")

    def whole(text):
        return int(text) if len(text) < 18 and abs(int(text)) < 2**53 else no(text)

    return json.loads(data.decode(), object_pairs_hook=once, parse_int=whole, parse_float=no, parse_constant=no)


def canonical(value):  # RFC 8785 for what a bundle may hold: no fractions; keys in the order of UTF-16
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def begin(suite, data=b""):
    return hashlib.new("sm3" if suite == "sm3" else "sha256", data)


def moment(text):
    need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII), f"{text} is not written as a moment")
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def hours(number):
    return datetime.timedelta(hours=number)


class Hashes:
    """The suite of a draw: H and HMAC as 64 hexadecimal digits, the tree of RFC 6962 as bytes."""

    def __init__(self, name):
        need(name in ("sha256", "sm3"), f"unknown suite {name}")
        self.name = name
        begin(name)

    def h(self, text):
        return begin(self.name, text.encode() if isinstance(text, str) else text).hexdigest()

    def mac(self, key, text):
        return hmac.new(bytes.fromhex(key), text.encode(), lambda data=b"": begin(self.name, data)).hexdigest()

    def leaf(self, line):
        return begin(self.name, b"\0" + line.encode()).digest()

    def root(self, leaves):
        while len(leaves) > 1:  # level by level; an odd last one moves up unchanged
            pairs = zip(leaves[::2], leaves[1::2], strict=False)
            leaves = [begin(self.name, b"\1" + a + b).digest() for a, b in pairs] + leaves[len(leaves) & ~1 :]
        return leaves[0].hex()

    def included(self, leaf, index, size, proof, root):  # RFC 9162, 2.1.3.2
        if not 0 <= index < size:
            return False
        last, found = size - 1, leaf
        for node in map(bytes.fromhex, proof):
            if last == 0:
                return False
            if index & 1 or index == last:
                found = begin(self.name, b"\1" + node + found).digest()
                while not index & 1 and index:
                    index, last = index >> 1, last >> 1
            else:
                found = begin(self.name, b"\1" + found + node).digest()
            index, last = index >> 1, last >> 1
        return last == 0 and found.hex() == root


def ed25519(key, signature, message):
    """RFC 8032, 5.1.7, in affine coordinates: slow and short."""
    p, order = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    d, root = -121665 * pow(121666, -1, p) % p, pow(2, (p - 1) // 4, p)

    def add(a, b):
        (x1, y1), (x2, y2) = a, b
        t = d * x1 * x2 * y1 * y2
        return (x1 * y2 + x2 * y1) * pow(1 + t, -1, p) % p, (y1 * y2 + x1 * x2) * pow(1 - t, -1, p) % p

    def times(n, point):
        found = (0, 1)
        while n:
            found, point, n = add(found, point) if n & 1 else found, add(point, point), n >> 1
        return found

    def point(data):
        y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(square, (p + 3) // 8, p)
        x = x if x * x % p == square else x * root % p
        need(len(data) == 32 and y < p and x * x % p == square and (x or not sign), "a signature names no point")
        return (p - x if x & 1 != sign else x), y

    need(len(key) == 32 and len(signature) == 64, "key or signature of another length")
    s, base = int.from_bytes(signature[32:], "little"), point((4 * pow(5, -1, p) % p).to_bytes(32, "little"))
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little")
    need(s < order and times(s, base) == add(point(signature[:32]), times(k % order, point(key))), "a forged signature")


# ── the shape of a bundle: names of the fields, those after "?" may be missing ───────────────────────────────────────


def fields(value, at, names):
    required, _, optional = names.partition("?")
    need(isinstance(value, dict), f"{at} is no object")
    for name in required.split():
        need(name in value, f"{at} lacks {name}")
    strange = set(value) - {*required.split(), *optional.split()}
    need(not strange or optional.strip() == "…", f"{at} has unknown fields {sorted(strange)}")
    return value


TERMS = {
    "party": "id ? party commitment default note",
    "dice": "id ? party rolls note",
    "balls": "id balls draws ? party note",
    "ssq": "id issue ? note",
    "dlt": "id issue ? note",
    "drand": "id round ? note",
}


def kind(source):
    family, _, name = source["id"].partition(":")
    if family == "ceremony" and name:
        return name.split("-")[0] if re.fullmatch(r"(dice|balls)(-.*)?", name) else "party"
    found = {"lottery": name, "drand": "drand"}.get(family)
    need(found in TERMS, f"{source['id']} is no known source")
    need(found != "drand" or source["id"] == QUICKNET, f"{source['id']} is no chain known here")
    return found


def ascii_only(text):
    need(isinstance(text, str) and re.fullmatch(r"[ -<>-{}~]+", text), f"{text!r} may not enter a seed")
    return text


def shape_sources(sources, at):
    need(isinstance(sources, list) and sources, f"{at} names no sources")
    for source in sources:
        ascii_only(fields(source, at, "id ? …")["id"])
        fields(source, at, TERMS[kind(source)])
        for name in ("round", "rolls", "balls", "draws"):
            number = source.get(name, 1)
            need(type(number) is int and number >= 1, f"{name} of {source['id']} is no number")
    same(f"{at}, ids that differ", len({source["id"] for source in sources}), len(sources))


def shape_values(values, at):
    for value in values:
        fields(value, at, "source value at ? evidence")
        ascii_only(value["source"]), ascii_only(value["value"]), moment(value["at"])


UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")  # could forge what a reader sees


def shape(made):
    for section, value in made.items():
        texts = [] if section in ("open", "sealed", "log") else strings(value)
        need(not any(UNSEEN.search(text) for text in texts), f"unseen characters in {section}")
    fields(made, "bundle", "protocol announce digests ? sealed " + " ".join(SECTIONS))
    same("protocol", PROTOCOL, made["protocol"])
    need(("open" in made) != ("sealed" in made), "exactly one of open and sealed must be there")
    a = fields(
        made["announce"], "announce",
        "protocol draw mode frame N n sources announced_at not_before ? suite lists scope pareto seal fallback assignment"
        " items legal_basis plan frame_date rule_version rule_book_sha256",
    )  # fmt: skip
    same("announce.protocol", PROTOCOL, a["protocol"])
    need(a["mode"] in ("open", "sealed"), "mode is neither open nor sealed")
    need(("seal" in a) == (a["mode"] == "sealed"), "seal belongs to sealed draws, and to all of them")
    need(a["mode"] == "sealed" or "sealed" not in made, "an open draw has no sealed list")
    fields(a["frame"], "announce.frame", "root size")
    plain(a["draw"])
    for name in ("announced_at", "not_before"):
        moment(a[name])
    if "seal" in a:
        fields(a["seal"], "announce.seal", "key_hash open_by")
    for name, entry in a.get("lists", {}).items():
        need(re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name), f"{name} is no name of a list")
        fields(entry, f"announce.lists.{name}", "office items")
    for counts in (a["N"], a["n"]):
        need(all(type(number) is int and number >= 0 for number in counts.values()), "numbers that are none")
    need(all(isinstance(starts, list) and starts for starts in a.get("scope", {"": [""]}).values()), "an empty scope")
    if "pareto" in a:
        strata = a["pareto"]["strata"]
        need(
            strata == sorted({*strata}) and {*strata} <= {*a["N"]}, "strata of pareto: ascending, each once, all known"
        )
        need(fields(a["pareto"], "announce.pareto", "scale strata")["scale"] in (1000, 10**6), "another scale")
    shape_sources(a["sources"], "announce.sources")
    for rule in (a, a.get("assignment", {})):
        for entry in rule.get("fallback", []):
            shape_sources(fields(entry, "fallback", "after_hours sources")["sources"], "fallback")
            need(1 <= entry["after_hours"] <= 24 * 366, "a fallback after too many hours")
    if "assignment" in a:
        fields(a["assignment"], "announce.assignment", "rule team_size steps_per_slot sources ? fallback")
        same("announce.assignment.rule", "zhunsheng/assign/1", a["assignment"]["rule"])
        shape_sources(a["assignment"]["sources"], "announce.assignment.sources")
        need(a["assignment"]["team_size"] >= 2, "a team of one")
        need(1 <= a["assignment"]["steps_per_slot"] <= 1000, "no steps, or too many")
    if "execute" in made:
        done = fields(made["execute"], "execute", "announcement_hash values seed at ? fallback fallback_reason")
        moment(done["at"]), shape_values(done["values"], "execute.values")
        need(("fallback" in done) == ("fallback_reason" in done), "a fallback without a reason")
        rounds(a, done)
    sealed = "sealed" in made
    if "withheld" in made:
        fields(made["withheld"], "withheld", "selection ? assign_announce assign changes")
    need(("selection" in made) == ("execute" in made and not sealed), "selection goes with execute and an open list")
    need("withheld" not in made or (a["mode"] == "sealed" and "execute" in made), "there is nothing to withhold")
    need(not sealed or "execute" not in made or "withheld" in made, "a sealed draw states the digests it withholds")
    names = "lines" if sealed else "leaves key at" if a["mode"] == "sealed" else "leaves"
    fields(made["sealed"] if sealed else made["open"], "sealed" if sealed else "open", names)
    need(a["mode"] == "open" or sealed or re.fullmatch("[0-9a-f]{64}", made["open"]["key"]), "the key is no key")
    for unit in made.get("selection", []):
        rank = fields(unit, "selection", "id stratum ticket rank probability")["rank"]
        need(type(rank) is int and rank >= 1, "a rank that is none")
    for name, before in (("assign_announce", "selection"), ("assign", "assign_announce"), ("changes", "assign")):
        need(name not in made or before in made, f"{name} without {before}")
    need("results" not in made or "selection" in made, "results without selection")
    if "assign_announce" in made:
        need("assignment" in a, "an assignment that was not announced")
        moment(made["assign_announce"]["at"])
    if "assign" in made:
        done = fields(made["assign"], "assign", "constraints_hash values seed teams ? fallback fallback_reason")
        shape_values(done["values"], "assign.values")
        need(("fallback" in done) == ("fallback_reason" in done), "a fallback without a reason")
        rounds(a["assignment"], done)
    if "abandon" in made:
        moment(fields(made["abandon"], "abandon", "reason approver at")["at"])
    for signature in made.get("signatures", []):
        fields(signature, "signatures", "section alg name key sig")


def rounds(rule, done):
    """The sources that gave the values, and the hours that had to pass before a fallback was allowed."""
    number = done.get("fallback", 0)
    if not number:
        return rule["sources"], 0
    need(1 <= number <= len(rule.get("fallback", [])), "no such fallback was announced")
    return rule["fallback"][number - 1]["sources"], rule["fallback"][number - 1]["after_hours"]


# ── the draw, step by step ───────────────────────────────────────────────────────────────────────────────────────────


OWN = ("stratum", "exclusion", "size", "lambda")


class Draw:
    """A bundle, and what the steps found out about it."""

    def __init__(self, made):
        shape(made)
        self.made, self.a = made, made["announce"]
        self.has, self.name = made.__contains__, made["announce"]["draw"]
        self.hash = Hashes(self.a.get("suite", "sha256"))
        self.bound = self.hash.h(canonical(self.a))
        self.sealed = self.a["mode"] == "sealed"
        self.key = made["open"]["key"] if self.sealed and self.has("open") else None
        self.sources = rounds(self.a, made["execute"])[0] if self.has("execute") else []
        self.second = rounds(self.a["assignment"], made["assign"])[0] if self.has("assign") else []
        self.kinds = {kind(source) for source in [*self.sources, *self.second]}

    def values(self):
        first = zip(self.sources, self.made["execute"]["values"], strict=True)
        return [*first, *zip(self.second, self.made.get("assign", {}).get("values", []), strict=True)]

    def tag(self, unit):  # what a ticket is made of: the id, or its tag while the list is sealed
        return self.hash.mac(self.key, f"tag|{unit}") if self.sealed else unit

    def places(self, leaf):
        """The strata of a unit by their full names, with its columns in each: exclusion, size, lambda."""
        if "lists" in self.a:
            known = [(name, part) for name in self.a["lists"] for part in OWN]
            strange = [
                key for key in leaf if key.rpartition(".")[2] in OWN and (*key.rpartition(".")[::2],) not in known
            ]
            same(f"{leaf['id']}: columns of no list", [], strange)
        for name in self.a.get("lists", {"": {}}):
            prefix, full = (f"{name}.", f"{name}/") if name else ("", "")
            own = {key: leaf.get(prefix + key) for key in OWN}
            if name and own["stratum"] is None:
                same(f"{leaf['id']}: columns of a list it is not on", [], [k for k in leaf if k.startswith(prefix)])
                continue
            need(isinstance(own["stratum"], str) and own["stratum"], f"{leaf['id']} has no stratum")
            yield full + own["stratum"], own

    def digest(self, section):
        value = self.made[section]
        if section == "open":
            value = {**self.a["frame"], **({"key": self.key} if self.key else {})}
        return self.hash.h(canonical(value))


def announcement_hash(d):
    if d.has("execute"):
        same("execute.announcement_hash", d.bound, d.made["execute"]["announcement_hash"])
    return d.bound


def seal_key(d):
    same("announce.seal.key_hash", d.hash.h(f"zhunsheng/draw/1/key|{d.key}"), d.a["seal"]["key_hash"])
    return "the key of the seal is the one promised"


def leaves_canonical(d):
    if "sealed" in d.made:
        d.lines = d.made["sealed"]["lines"]
        for line in d.lines:
            unit = fields(read(line.encode()), "a sealed line", "attributes seal")
            need(canonical(unit) == line, "a sealed line is not in canonical form")
            need(
                all(re.fullmatch("[0-9a-f]{64}", text) for text in unit.values()), "a sealed line is no pair of hashes"
            )
        d.order = [read(line.encode())["seal"] for line in d.lines]
        return f"{len(d.lines)} sealed lines"
    d.open = d.made["open"]["leaves"]
    d.units = [read(line.encode()) for line in d.open]
    need(d.units, "an empty list")
    for unit, line in zip(d.units, d.open, strict=True):
        need(canonical(unit) == line, f"{line[:80]} is not in canonical form")
        check_unit(unit["id"])
        for name, value in unit.items():
            plain(name)
            need(value is None or isinstance(value, (str, int)), f"{unit['id']}.{name} is neither text nor a number")
        need(list(d.places(unit)), f"{unit['id']} is on no list")
    d.order = [unit["id"] for unit in d.units]
    return f"{len(d.units)} units"


def plain(text):
    need(text and len(text) <= 2000 and text.isprintable() and unicodedata.is_normalized("NFC", text), f"{text!r}")
    return text


def check_unit(unit):
    scheme, _, code = ascii_only(unit).partition(":")
    need(re.fullmatch("[a-z][a-z0-9-]*", scheme) and code and " " not in code, f"{unit} is not scheme:value")
    if scheme == "uscc":  # GB 32100; the check digits of other schemes are not judged here
        digits = "0123456789ABCDEFGHJKLMNPQRTUWXY"
        need(len(code) == 18 and set(code) <= set(digits), f"{unit}: 18 characters of GB 32100")
        need(digits[-sum(digits.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17])) % 31] == code[17], unit)


def ids_unique(d):
    same("different ids", len(d.order), len(set(d.order)))
    return f"{len(d.order)} different {'seals' if d.has('sealed') else 'ids'}"


def order(d):
    same("ascending order", sorted(d.order), d.order)
    return "ascending"


def root(d):
    lines = d.lines if d.has("sealed") else d.open
    if d.key:
        sealed = []
        for unit, line in zip(d.units, d.open, strict=True):
            salt, blind = d.hash.mac(d.key, f"salt|{unit['id']}"), d.hash.mac(d.key, f"blind|{unit['id']}")
            seal = d.hash.h(f"zhunsheng/draw/1/seal|{blind}|{unit['id']}")
            hidden = d.hash.h(f"zhunsheng/draw/1/attributes|{salt}|{line}")
            sealed.append((seal, canonical({"attributes": hidden, "seal": seal})))
        lines = [line for _, line in sorted(sealed)]
    found = d.hash.root([d.hash.leaf(line) for line in lines])
    same("announce.frame", {"root": found, "size": len(lines)}, d.a["frame"])
    return found


def sizes(d):
    if d.has("sealed"):
        raise NotJudged("how many firms each stratum has is seen when the list is opened")
    d.strata = {}
    for unit in d.units:
        for stratum, own in d.places(unit):
            d.strata.setdefault(stratum, []).extend([] if own["exclusion"] else [(unit["id"], own)])
    same("announce.N", {stratum: len(units) for stratum, units in d.strata.items()}, d.a["N"])
    return str(d.a["N"])


def numbers(d):
    same("strata with an n", sorted(d.a["N"]), sorted(d.a["n"]))
    for stratum, size in d.a["N"].items():
        need(min(size, 1) <= d.a["n"][stratum] <= size, f"n of {stratum} does not fit N")
    return str(d.a["n"])


def scope(d):
    for unit in d.units:
        for column, starts in d.a["scope"].items():
            need(
                isinstance(unit.get(column), str) and unit[column].startswith(tuple(starts)), f"{unit['id']}: {column}"
            )
    return str(d.a["scope"])


def pareto(d):
    for stratum in d.a["pareto"]["strata"]:
        wanted = lambdas(d.a["pareto"]["scale"], d.a["n"][stratum], {i: own["size"] for i, own in d.strata[stratum]})
        same(f"lambda in {stratum}", wanted, {i: own["lambda"] for i, own in d.strata[stratum]})
    return "every lambda follows from the sizes"


def lambdas(scale, n, size):  # rule zhunsheng/lambda/1
    need(all(isinstance(value, int) and value >= 1 for value in size.values()), "a size below 1")
    certain = set()
    while True:
        left, total = n - len(certain), sum(size[i] for i in size if i not in certain)
        more = {i for i in size if i not in certain and left * size[i] >= total}
        if not more or not left:
            break
        certain |= more
    share = {i: Fraction(scale * left * size[i], total) for i in size if i not in certain}
    found = {i: scale for i in certain} | {i: max(1, int(q)) for i, q in share.items()}
    rest = scale * n - sum(found.values())
    need(rest >= 0, "sizes too uneven for one stratum")
    large = sorted((int(q) - q, i) for i, q in share.items() if q >= 1)
    for _, i in large[:rest]:
        found[i] += 1
    return found


def sources(d):
    used = [d.a["sources"], *(f["sources"] for f in d.a.get("fallback", []))]
    if "assignment" in d.a:
        used += [d.a["assignment"]["sources"], *(f["sources"] for f in d.a["assignment"].get("fallback", []))]
    for given in used:
        kinds = [kind(source) for source in given]
        ceremony = kinds.count("party") >= 2 and ("dice" in kinds or "balls" in kinds)
        need(ceremony or {"ssq", "dlt"} <= {*kinds} or "drand" in kinds, f"{kinds} are not enough for a draw")
    return ", ".join(source["id"] for source in d.sources or d.a["sources"])


def round_time(source):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=1692803367 + 3 * (source["round"] - 1))


def no_earlier(sources, values, earliest):
    for source, value in zip(sources, values, strict=True):
        need(moment(value["at"]) >= earliest, f"{source['id']} is of {value['at']}, earlier than {earliest}")
        need(kind(source) != "drand" or moment(value["at"]) == round_time(source), "not the time of the drand round")


def time_order(d):
    start = moment(d.a["not_before"])
    need(start - moment(d.a["announced_at"]) >= hours(24), "less than 24 hours between announcement and randomness")
    for wait, given in [(0, d.a["sources"]), *((f["after_hours"], f["sources"]) for f in d.a.get("fallback", []))]:
        for source in given:
            need(kind(source) != "drand" or round_time(source) >= start + hours(wait), "a drand round too early")
    for section in ("abandon", "open"):
        at = d.made.get(section, {}).get("at", d.a["announced_at"])
        need(moment(at) >= moment(d.a["announced_at"]), f"{section} is earlier than the announcement")
    if not d.has("execute"):
        return f"not before {d.a['not_before']}"
    done = d.made["execute"]
    no_earlier(d.sources, done["values"], start + hours(rounds(d.a, done)[1]))
    same("execute.at", max(value["at"] for value in done["values"]), done["at"])
    if d.has("assign_announce"):
        fixed = moment(d.made["assign_announce"]["at"])
        need(fixed >= moment(done["at"]), "constraints closed before the draw")
        if d.has("assign"):
            no_earlier(
                d.second, d.made["assign"]["values"], fixed + hours(rounds(d.a["assignment"], d.made["assign"])[1])
            )
    if d.key:
        need(moment(d.made["open"]["at"]) >= moment(done["at"]), "opened before the draw")
    return f"announced {d.a['announced_at']}, drawn {done['at']}"


def opened(d):
    due = datetime.date.fromisoformat(d.a["seal"]["open_by"])
    late = (moment(d.made["open"]["at"]) + hours(8)).date() - due
    if late.days > 0:
        raise NotJudged(f"opened {late.days} days after the day promised")
    return f"opened in time: {d.made['open']['at']}, not after {due}"


def source_values(d):
    for source, value in d.values():
        same("the source of a value", source["id"], value["source"])
        what, text = kind(source), value["value"]
        if what == "dice":
            need(re.fullmatch("[1-6](-[1-6]){9,}", text), f"{text} is not ten throws or more")
            same("throws", source.get("rolls", len(text.split("-"))), len(text.split("-")))
        elif what == "balls":
            drawn = [int(number) for number in text.split("-")]
            same("balls", "-".join(map(str, drawn)), text)
            need(len(set(drawn)) == len(drawn) == source["draws"], f"{text} are not {source['draws']} different balls")
            need(all(1 <= number <= source["balls"] for number in drawn), "no such ball")
            ways = 1
            for taken in range(source["draws"]):
                ways *= source["balls"] - taken
            need(ways >= 2**24, "too few balls")
        elif what == "drand":
            need(re.fullmatch("[0-9a-f]{64}", text), "no randomness of drand")
        elif what in ("ssq", "dlt"):
            need(re.fullmatch(r"\d\d(-\d\d)*\+\d\d(-\d\d)*", text, re.ASCII), f"{text} is no result of {what}")
            rule = ((6, 33), (1, 16)) if what == "ssq" else ((5, 35), (2, 12))
            for part, (count, most) in zip(text.split("+"), rule, strict=True):
                balls = [int(ball) for ball in part.split("-")]
                need(len(balls) == count and balls == sorted({*balls}), f"{text} is no result of {what}")
                need(1 <= balls[0] and balls[-1] <= most, f"{text} is no result of {what}")
        elif "commitment" in source and text != source.get("default"):
            need(len(text) >= 22, f"{source['id']} revealed too short a text")
            found = d.hash.h(f"zhunsheng/draw/1/commit|{d.name}|{source['id']}|{text}")
            same(f"{source['id']}, what was promised", source["commitment"], found)
    return "written as their kinds are written, and as promised"


def commitments(d):
    parties = [(s, v) for s, v in d.values() if kind(s) == "party"]
    kept = [s for s, v in parties if "commitment" in s and v["value"] != s.get("default")]
    if len(kept) < len(parties):
        raise NotJudged(f"{len(kept)} of {len(parties)} parties had committed and revealed")
    return f"all {len(parties)} parties revealed what they had promised"


def drand_signature(d):
    for source, value in d.values():
        if kind(source) == "drand":
            signature = value["evidence"]["signature"]
            same("the hash of the signature", value["value"], hashlib.sha256(bytes.fromhex(signature)).hexdigest())
    raise NotJudged("values are the hashes of their signatures; the BLS signatures are not judged by this program")


def published_values(d):
    outside = [f"{v['source']}={v['value']}" for s, v in d.values() if kind(s) != "drand"]
    raise NotJudged("to be compared with the public record: " + " ".join(outside))


def seed(d):
    pairs = [f"{value['source']}={value['value']}" for value in d.made["execute"]["values"]]
    d.seed = d.hash.h("|".join([PROTOCOL, d.bound, *pairs]))
    same("execute.seed", d.seed, d.made["execute"]["seed"])
    return d.seed


def tickets(d):
    for unit in d.made["selection"]:
        same(f"ticket of {unit['id']}", d.hash.h(f"{d.seed}|target|{d.tag(unit['id'])}"), unit["ticket"])
    return f"{len(d.made['selection'])} tickets"


def selection(d):
    d.drawn = []
    scale, unequal = (d.a.get("pareto", {}).get(key, ()) for key in ("scale", "strata"))
    for stratum in sorted(d.strata, key=str.encode):
        size, n, queue = len(d.strata[stratum]), d.a["n"][stratum], []
        for unit, own in d.strata[stratum]:
            tag = d.tag(unit)
            ticket, share = d.hash.h(f"{d.seed}|target|{tag}"), Fraction(n, size)
            key = 0
            if stratum in unequal:
                k, a = int(ticket[:16], 16), own["lambda"]
                key, share = Fraction(k * (scale - a), (2**64 - k) * a), Fraction(a, scale)
            queue.append((key, ticket, tag, unit, str(share)))
        for rank, (_, ticket, _, unit, share) in enumerate(sorted(queue)[:n], 1):
            row = {"id": unit, "stratum": stratum, "ticket": ticket, "rank": rank, "probability": share}
            d.drawn.append(row)
    stated = d.made["selection"]
    for expected, found in zip(d.drawn, stated, strict=False):
        for field in ("id", "stratum", "rank"):
            same(f"{expected['id']}, {field}", expected[field], found[field])
    same("units drawn", len(d.drawn), len(stated))
    return f"{len(d.drawn)} of {sum(d.a['N'].values())}"


def probabilities(d):
    for expected, found in zip(d.drawn, d.made["selection"], strict=True):
        same(f"probability of {expected['id']}", expected["probability"], found["probability"])
    return "as published"


def withheld(d):
    stated = d.made["withheld"]
    if d.has("sealed"):
        raise NotJudged("to be kept until the list is opened: " + " ".join(f"{k}={v}" for k, v in stated.items()))
    for section, value in stated.items():
        same(f"the withheld {section}", d.digest(section) if d.has(section) else "nothing", value)
    return f"what was withheld is what is shown: {' '.join(stated)}"


def shape_teams(teams, at):
    for team in teams:
        fields(team, at, "id lead others")


def constraints(d):
    c = fields(d.made["assign_announce"], "assign_announce", "on at team_size steps targets inspectors start ? nonce")
    for target in c["targets"]:
        fields(target, "assign_announce.targets", "id speciality")
    shape_teams(c["start"], "assign_announce.start")
    for person in c["inspectors"]:
        fields(person, "inspectors", "number certificate_to specialities leave least most forbidden")
        need(all(first <= c["on"] <= last for first, last in person["leave"]), "leave on another day")
        for days in [[c["on"], person["certificate_to"]], *person["leave"]]:
            need(all(datetime.date.fromisoformat(day).isoformat() == day for day in days), f"{days} are no days")
        for items in (person["specialities"], person["leave"], person["forbidden"]):
            need(isinstance(items, list), "not a list")
            need(all(a < b for a, b in zip(items, items[1:], strict=False)), "not ascending, or something twice")
        need({unit for unit, _ in person["forbidden"]} <= {t["id"] for t in c["targets"]}, "a unit that was not drawn")
    same("targets", sorted({unit["id"] for unit in d.drawn}), [target["id"] for target in c["targets"]])
    numbers = [person["number"] for person in c["inspectors"]]
    same("inspectors ascending by number", sorted({*numbers}, key=str.encode), numbers)
    same("team_size", d.a["assignment"]["team_size"], c["team_size"])
    slots = len(c["targets"]) * c["team_size"]
    same("steps", d.a["assignment"]["steps_per_slot"] * slots, c["steps"])
    if d.sealed:
        same("nonce", d.hash.mac(d.key, f"assign|{d.name}"), c["nonce"])
    else:
        need("nonce" not in c, "a nonce in an open draw")
    d.plan = Plan(c)
    d.start = d.plan.canonical_start()
    same("start", d.plan.teams(d.start), c["start"])
    d.fixed = d.digest("assign_announce")
    return f"{len(c['targets'])} targets, {len(numbers)} inspectors, start and {c['steps']} steps, hash {d.fixed}"


class Plan:
    """Slots and who may take them. Slot = target × team_size + place; place 0 is the lead."""

    def __init__(self, c):
        self.size, self.targets, self.people = c["team_size"], c["targets"], c["inspectors"]
        self.steps, on = c["steps"], c["on"]
        self.may = []  # per target and place (lead, other): the inspectors, by their places in the list
        for target in self.targets:
            fit = [
                i
                for i, person in enumerate(self.people)
                if on <= person["certificate_to"]
                and not any(first <= on <= last for first, last in person["leave"])
                and target["id"] not in [unit for unit, _ in person["forbidden"]]
            ]
            skills = {skill for skill in target["speciality"].split("+") if skill}
            self.may.append(({i for i in fit if skills <= {*self.people[i]["specialities"]}}, {*fit}))

    def allowed(self, slot):
        return self.may[slot // self.size][min(slot % self.size, 1)]

    def team(self, held, slot):
        first = slot - slot % self.size
        return held[first : first + self.size]

    def teams(self, held):
        number = [person["number"] for person in self.people]
        found = []
        for place, target in enumerate(self.targets):
            lead, *others = [number[i] for i in self.team(held, place * self.size)]
            found.append({"id": target["id"], "lead": lead, "others": sorted(others, key=str.encode)})
        return found

    def canonical_start(self):
        held = [None] * (len(self.targets) * self.size)
        load = [0] * len(self.people)
        for bound in ("least", "most"):
            for slot in range(len(held)):
                if held[slot] is None:
                    self.fill(held, load, slot, bound)
        for i, person in enumerate(self.people):
            need(load[i] >= person["least"], f"no start gives {person['number']} {person['least']} visits")
        need(None not in held, "no start fills every slot")
        # others are published ascending by number, and the chain starts from what is published
        first = range(0, len(held), self.size)
        return [i for f in first for i in (held[f], *sorted(held[f + 1 : f + self.size]))]

    def fill(self, held, load, slot, bound):
        """One search in breadth for a way to fill the slot with somebody below the bound, others moving up."""
        queue, helps, asked = [slot], {slot: None}, set()
        for place in queue:  # which grows while it is gone through
            first, team, able = place - place % self.size, self.team(held, place), sorted(self.allowed(place))
            free = [i for i in able if i not in team and load[i] < self.people[i][bound]]
            if free:
                load[free[0]] += 1
                coming = free[0]
                while place is not None:
                    held[place] = coming
                    place, coming = helps[place] or (None, None)
                return
            for i in able:
                if i in team:
                    given = [first + team.index(i)]
                else:
                    given = [] if i in asked else [s for s, holder in enumerate(held) if holder == i]
                    asked.add(i)
                for other in given:
                    if other not in helps:
                        helps[other] = (place, i)
                        queue.append(other)

    def chain(self, held, start_text, suite):
        held = list(held)
        load = [held.count(i) for i in range(len(self.people))]
        for step in range(1, self.steps + 1):
            h = begin(suite, f"{start_text}|assign|{step}".encode()).digest()
            a = int.from_bytes(h[:8], "big") % len(held)
            b = int.from_bytes(h[8:16], "big") % (len(held) + len(self.people))
            moved = {a: held[b], b: held[a]} if b < len(held) else {a: b - len(held)}
            after = {slot: moved.get(slot, person) for slot, person in enumerate(held) if slot in moved}
            if self.fits(held, after, load):
                for slot, person in after.items():
                    load[held[slot]] -= 1
                    held[slot] = person
                    load[person] += 1
        return held

    def fits(self, held, after, load):
        change = {}
        for slot, person in after.items():
            if person not in self.allowed(slot):
                return False
            first = slot - slot % self.size
            team = [after.get(s, held[s]) for s in range(first, first + self.size)]
            if len(set(team)) < self.size:
                return False
            change[person] = change.get(person, 0) + 1
            change[held[slot]] = change.get(held[slot], 0) - 1
        return all(self.people[i]["least"] <= load[i] + by <= self.people[i]["most"] for i, by in change.items())


def assignment(d):
    done = d.made["assign"]
    shape_teams(done["teams"], "assign.teams")
    same("assign.constraints_hash", d.fixed, done["constraints_hash"])
    pairs = [f"{value['source']}={value['value']}" for value in done["values"]]
    d.second_seed = d.hash.h("|".join([f"{PROTOCOL}/assign", d.bound, d.fixed, *pairs]))
    same("assign.seed", d.second_seed, done["seed"])
    same("assign.teams", d.plan.teams(d.plan.chain(d.start, d.second_seed, d.hash.name)), done["teams"])
    return f"{len(done['teams'])} teams, second seed {d.second_seed}"


def changes(d):
    number = [person["number"] for person in d.plan.people]
    teams = {team["id"]: [team["lead"], *team["others"]] for team in d.made["assign"]["teams"]}
    place = {target["id"]: i for i, target in enumerate(d.plan.targets)}
    before = d.made["assign_announce"]["at"]
    for change in d.made["changes"]:
        fields(change, "changes", "id out in lead passed reason at")
        need(moment(before) <= moment(change["at"]), "changes are not in the order of time")
        before = change["at"]
        unit, out, team = change["id"], change["out"], teams.get(change["id"], [])
        need(out in team, f"{out} is not in the team of {unit}")
        same(f"{unit}: {out} is the lead", team[0] == out, change["lead"])
        fit = d.plan.may[place[unit]][0 if change["lead"] else 1]
        able = [number[i] for i in fit if number[i] not in team]
        able.sort(key=lambda who: d.hash.h(f"{d.second_seed}|replace|{unit}|{who}"))
        passed = [entry["number"] for entry in change["passed"]]
        same(f"{unit}: who stands in for {out}", [*passed, change["in"]], able[: len(passed) + 1])
        team[team.index(out)] = change["in"]
    return f"{len(d.made['changes'])} changes"


def results(d):
    ids = [fields(result, "results", "id code ? …")["id"] for result in d.made["results"]]
    need(
        all(isinstance(result["code"], str) and result["code"] for result in d.made["results"]),
        "a result without a code",
    )
    same("one result a unit", len(set(ids)), len(ids))
    same("results of units that were not drawn", [], sorted({*ids} - {unit["id"] for unit in d.made["selection"]}))
    return f"{len(ids)} of {len({unit['id'] for unit in d.made['selection']})}"


def abandoned(d):
    return "{reason} (approved by {approver}, {at})".format(**d.made["abandon"])


def signatures(d):
    external = []
    for entry in d.made["signatures"]:
        need(d.has(entry["section"]) and entry["section"] in SECTIONS[:-2], "the signature of nothing")
        text = f"{PROTOCOL}/sign|{d.name}|{entry['section']}|{d.digest(entry['section'])}"
        need(entry["alg"] in ("ed25519", "sm2-sm3"), f"unknown algorithm {entry['alg']}")
        if entry["alg"] == "ed25519":
            ed25519(bytes.fromhex(entry["key"]), bytes.fromhex(entry["sig"]), text.encode())
        else:
            external.append(entry["name"])
    keys = sorted({f"{entry['name']}+{entry['key']}" for entry in d.made["signatures"]})
    also = f"; SM2 signatures of {external} are not judged by this program" if external else ""
    raise NotJudged(f"compare the keys with the published ones: {' '.join(keys)}{also}")


def log_inclusion(d):
    if not d.has("log"):
        raise NotJudged("no log proofs: compare the announcement hash with the one published at the time")
    log, acts = d.made["log"], {}
    hashes = Hashes("sm3" if log["origin"].endswith("/sm3") else "sha256")  # the suite of the log, not of the draw
    fields(log, "log", "origin size root acts ? checkpoint")
    for act in log["acts"]:
        fields(act, "log.acts", "act index entry proof")
        section, index, leaf = act["act"], act["index"], hashes.leaf(canonical(act["entry"]))
        need(d.has(section) and section in SECTIONS[:-1], f"the log speaks of {section}, which is not here")
        need(hashes.included(leaf, index, log["size"], act["proof"], log["root"]), f"{section} is not in the log")
        acts.setdefault(section, {})[index] = act["entry"]
    for section, entries in acts.items():
        for index in [max(entries)] if section in ("withheld", "changes", "results", "signatures") else entries:
            need(d.digest(section) in strings(entries[index]), f"entry {index} says something else of {section}")
    for section in ("announce", "execute", "assign_announce"):
        need(section in acts or not d.has(section), f"there is no proof that {section} is in the log")
    log_order(d, acts)
    log_times(d, {section: entries[min(entries)] for section, entries in acts.items()})
    if "checkpoint" in log:
        stated = "\n".join([log["origin"], str(log["size"]), base64.b64encode(bytes.fromhex(log["root"])).decode()])
        need(log["checkpoint"].startswith(stated + "\n"), "the checkpoint is of another log, size or root")
    return f"{' '.join(acts)} in {log['origin']}, size {log['size']}, root {log['root']}"


def log_order(d, acts):
    strictly = "announce<execute execute<assign_announce assign_announce<assign"
    loosely = "announce<open announce<abandon execute<withheld execute<selection execute<results assign<changes"
    for pair in (strictly + " " + loosely + (" assign<open open<results" if d.sealed else "")).split():
        before, after = pair.split("<")
        if before in acts and after in acts:
            last, first = max(acts[before]), (min if pair in strictly.split() else max)(acts[after])
            need(
                last < first or (last == first and pair not in strictly.split()),
                f"in the log {after} precedes {before}",
            )


def log_times(d, first):
    """The log, not the file, says when something was promised: a day before any value may exist, or before it does."""

    def at(section):
        found = datetime.datetime.fromisoformat(first[section]["at"])
        need(found.tzinfo, f"the log entry of {section} does not say when it was recorded")
        return found.astimezone(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)

    need(at("announce") + hours(24) <= moment(d.a["not_before"]), "the announcement was recorded in the log too late")
    if "assign_announce" in first and d.has("assign"):
        earliest = at("assign_announce") + hours(rounds(d.a["assignment"], d.made["assign"])[1])
        late = [value["at"] for value in d.made["assign"]["values"] if moment(value["at"]) < earliest]
        need(not late, "the constraints were recorded in the log too late")


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def digests(d):
    same("digests", {name: d.digest(name) for name in SECTIONS if d.has(name)}, d.made["digests"])
    return f"{len(d.made['digests'])} sections"


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# name of the step: what does it, when there is cause for it, which steps it rests on
STEPS = {
    "announcement-hash": (announcement_hash, lambda d: True, ""),
    "key": (seal_key, lambda d: d.key, ""),
    "leaves-canonical": (leaves_canonical, lambda d: True, ""),
    "ids-unique": (ids_unique, lambda d: True, "leaves-canonical"),
    "order": (order, lambda d: True, "leaves-canonical"),
    "root": (root, lambda d: True, "leaves-canonical"),
    "scope": (scope, lambda d: d.has("open") and d.a.get("scope"), "leaves-canonical"),
    "sizes": (sizes, lambda d: True, "leaves-canonical ids-unique order"),
    "n": (numbers, lambda d: True, "sizes"),
    "pareto": (pareto, lambda d: d.has("open") and "pareto" in d.a, "n"),
    "sources": (sources, lambda d: True, ""),
    "time-order": (time_order, lambda d: True, ""),
    "source-values": (source_values, lambda d: d.has("execute"), ""),
    "commitments": (commitments, lambda d: "party" in d.kinds, "source-values"),
    "drand-signature": (drand_signature, lambda d: "drand" in d.kinds, "source-values"),
    "published-values": (published_values, lambda d: d.kinds - {"drand"}, "source-values"),
    "seed": (seed, lambda d: d.has("execute"), "announcement-hash source-values"),
    "tickets": (tickets, lambda d: d.has("selection"), "seed key"),
    "selection": (selection, lambda d: d.has("selection"), "seed n root key pareto"),
    "probabilities": (probabilities, lambda d: d.has("selection"), "selection"),
    "constraints": (constraints, lambda d: d.has("assign_announce"), "selection"),
    "assignment": (assignment, lambda d: d.has("assign"), "constraints"),
    "changes": (changes, lambda d: d.has("changes"), "assignment"),
    "results": (results, lambda d: d.has("results"), ""),
    "withheld": (withheld, lambda d: d.has("withheld"), ""),
    "opened": (opened, lambda d: d.key, ""),
    "abandoned": (abandoned, lambda d: d.has("abandon"), ""),
    "signatures": (signatures, lambda d: d.has("signatures"), ""),
    "log-inclusion": (log_inclusion, lambda d: True, ""),
    "digests": (digests, lambda d: True, ""),
}


def attempt(done, name, function, *given):
    try:
        ok, said = True, function(*given)
    except NotJudged as remark:
        ok, said = None, str(remark)
    except (Wrong, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        ok, said = False, str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
    done[name] = ok
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in f"{name}  {said}")
    print({True: "PASS", False: "FAIL", None: "open"}[ok], line[:400])


class Membership:
    """The proof that one firm was on the list."""

    def __init__(self, made):
        fields(made, "proof", "protocol draw suite announcement_hash root size index line proof id ? blind")
        self.made, self.hashes = made, Hashes(made["suite"])
        check_unit(made["id"])

    def membership(self):
        m = self.made
        need(
            self.hashes.included(self.hashes.leaf(m["line"]), m["index"], m["size"], m["proof"], m["root"]), "no proof"
        )
        return f"line {m['index']} of {m['size']}"

    def unit(self):
        line, made = read(self.made["line"].encode()), self.made
        need(canonical(line) == made["line"], "the line is not in canonical form")
        if "blind" in made:
            same("line.seal", self.hashes.h(f"zhunsheng/draw/1/seal|{made['blind']}|{made['id']}"), line["seal"])
        else:
            same("line.id", made["id"], line["id"])
        return f"it is the line of {made['id']}"

    def root_published(self):
        raise NotJudged("compare with the published: announcement {announcement_hash}, root {root}".format(**self.made))


def main(path):
    done = {}
    with open(path, "rb") as file:
        data = file.read()
    try:
        made = read(data)
        if made.get("protocol") == f"{PROTOCOL}/membership":
            proof = Membership(made)
            print("PASS format  draw", made["draw"])
            for name in ("membership", "unit", "root-published"):
                attempt(done, name, getattr(proof, name.replace("-", "_")))
            return 1 if False in done.values() else 0
        draw = Draw(made)
    except (Wrong, KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        print("FAIL format ", error)
        return 2
    print("PASS format  draw", draw.name)
    for name, (function, called_for, rests_on) in STEPS.items():
        if called_for(draw):
            missing = [step for step in rests_on.split() if not done.get(step, True)]
            if draw.has("sealed") and missing == ["sizes"]:
                missing = []  # not judged before the opening, and nothing rests on it till then
            if missing:
                done[name] = None
                print("open", f"{name}  not reached: {missing[0]}")
            else:
                attempt(done, name, function, draw)
    failed = [name for name, ok in done.items() if ok is False]
    if draw.has("abandon"):
        print("the draw was ABANDONED:", abandoned(draw))
    print(f"DOES NOT HOLD: {' '.join(failed)}" if failed else f"holds: draw {draw.name}, announcement {draw.bound}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
