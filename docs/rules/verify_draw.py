#!/usr/bin/env python3
"""Check a draw (zhunsheng/draw/1) with Python's standard library alone.

    python3 verify_draw.py bundle.json        the bundle of a draw 公开包
    python3 verify_draw.py membership.json    the proof that one firm was on the list

A second, independent reading of docs/rules/draw.md and assignment.md: it shares no code with the `zhunsheng` program,
and its steps have the same names. PASS: computed again and equal. FAIL: not so. open: to be compared with something
outside the file, or not judged by this program (the BLS signature of a drand round, SM2 signatures).
Exit code 0: no step failed; 1: one did; 2: the file is no bundle. Keys cannot be pinned here, nor witnesses named:
compare what the steps `signatures` and `announced-when` say with what you hold from elsewhere.
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
# limits of what is read, and the times that must lie between one act and the next
MOST_BYTES, MOST_HEAD = 512 * 2**20, 64 * 2**20  # of a file; of all but the lines of the list
MOST_STRATA, MOST_ACTS, MOST_SIGNATURES, MOST_PAIRS, MOST_STEPS = 10_000, 1000, 100, 10**8, 5 * 10**6
MOST_SOURCES, MOST_PARTIES, MOST_FALLBACKS = 16, 4, 2
WAIT, CLOSED = 24, 1  # hours: announcement → randomness; closed constraints → second round
HIDDEN = ("selection", "assign", "changes")  # their digests in a sealed draw are made with the key
KINDS = {  # section → the kind of the entry in the public log
    "announce": "draw.announce",
    "execute": "draw.execute",
    "selection": "draw.execute",
    "assign_announce": "draw.close_list",
    "assign": "draw.assign",
    "changes": "team.replace",
    "open": "draw.open",
    "results": "draw.results",
    "abandon": "draw.abandon",
}
SECTIONS = (
    "announce execute withheld selection assign_announce assign changes open results abandon signatures log".split()
)


class Wrong(Exception):
    """Something does not hold."""


#: what a file that is not as it should be makes of a step
BROKEN = (Wrong, KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


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
    need(re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII), f"{text} is not written as a moment")
    need(int(text[:4]) <= 2200, f"{text} is not of the years 2000 to 2200")
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def day(text):
    need(re.fullmatch(r"2\d{3}-\d\d-\d\d", text, re.ASCII) and int(text[:4]) <= 2200, f"{text} is no day")
    return datetime.date.fromisoformat(text)


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
    "party": "id commitment default ? party note",
    "dice": "id rolls ? party note",
    "balls": "id balls draws ? party note",
    "ssq": "id issue ? note",
    "dlt": "id issue ? note",
    "drand": "id round ? note",
}
MECHANICAL, OUTSIDE = {"dice", "balls"}, {"ssq", "dlt", "drand"}


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


def number(value, low, high, at):
    need(type(value) is int and low <= value <= high, f"{at} is no number from {low} to {high}")
    return value


def hash64(text, at):
    need(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text), f"{at} is no hash")
    return text


def shape_sources(sources, at):
    need(isinstance(sources, list) and 1 <= len(sources) <= MOST_SOURCES, f"{at} names no sources, or too many")
    for source in sources:
        ascii_only(fields(source, at, "id ? …")["id"])
        what = kind(source)
        fields(source, at, TERMS[what])
        if what == "party":
            hash64(source["commitment"], f"the commitment of {source['id']}"), ascii_only(source["default"])
        elif what == "dice":
            number(source["rolls"], 10, 1000, f"rolls of {source['id']}")
        elif what == "balls":
            balls, draws = (
                number(source["balls"], 1, 1000, "balls"),
                number(source["draws"], 1, source["balls"], "draws"),
            )
            ways = 1
            for taken in range(draws):
                ways *= balls - taken
            need(ways >= 2**24, f"{source['id']}: too few balls")
        elif what == "drand":
            number(source["round"], 1, 2**53 - 1, "round")
            need(round_time(source).year <= 2200, "a round of another age")
        else:
            need(re.fullmatch("[0-9]{5}|[0-9]{7}", source["issue"]), f"the issue of {source['id']} is none")
    need([kind(source) for source in sources].count("party") <= MOST_PARTIES, f"{at}: too many parties")
    same(f"{at}, ids that differ", len({source["id"] for source in sources}), len(sources))


def shape_values(values, at):
    for value in values:
        fields(value, at, "source value at ? evidence")
        ascii_only(value["source"]), ascii_only(value["value"]), moment(value["at"])


UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")  # could forge what a reader sees


def shape_announcement(a):
    fields(
        a, "announce",
        "protocol draw mode frame N n sources announced_at not_before ? suite lists scope pareto ratio seal fallback assignment"
        " items legal_basis plan frame_date rule_version rule_book_sha256",
    )  # fmt: skip
    same("announce.protocol", PROTOCOL, a["protocol"])
    need(a["mode"] in ("open", "sealed"), "mode is neither open nor sealed")
    need(("seal" in a) == (a["mode"] == "sealed"), "seal belongs to sealed draws, and to all of them")
    hash64(fields(a["frame"], "announce.frame", "root size")["root"], "announce.frame.root")
    need(re.fullmatch("([A-Za-z0-9][A-Za-z0-9._-]*)?[0-9]", a["draw"]) and len(a["draw"]) <= 40, "no number of a draw")
    for name in ("announced_at", "not_before"):
        moment(a[name])
    if "seal" in a:
        day(fields(a["seal"], "announce.seal", "key_hash open_by")["open_by"])
        hash64(a["seal"]["key_hash"], "announce.seal.key_hash")
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
    need(len(a["N"]) <= MOST_STRATA, "too many strata")
    need(all(plain(stratum) for stratum in a["N"]), "a stratum without a name")
    if "ratio" in a:
        need(a["ratio"] and {*a["ratio"]} <= {*a["N"]}, "ratio: of strata that are there")
        for share in a["ratio"].values():
            need(re.fullmatch("[1-9][0-9]{0,14}/[1-9][0-9]{0,14}", share), f"{share} is no ratio")
            need(
                Fraction(share) <= 1 and share.split("/")[1] == str(Fraction(share).denominator),
                f"{share}: lowest terms",
            )
    for rule in (a, a.get("assignment", {})):
        need(len(rule.get("fallback", [])) <= MOST_FALLBACKS, "more fallbacks than two are a choice")
        for entry in rule.get("fallback", []):
            shape_sources(fields(entry, "fallback", "after_hours sources")["sources"], "fallback")
            number(entry["after_hours"], 1, 24 * 366, "after_hours")
    if "assignment" in a:
        rule = fields(
            a["assignment"], "announce.assignment", "rule team_size steps_per_slot sources directory slack ? fallback"
        )
        same("announce.assignment.rule", "zhunsheng/assign/1", rule["rule"])
        shape_sources(rule["sources"], "announce.assignment.sources")
        number(rule["team_size"], 2, 20, "announce.assignment.team_size")
        number(rule["steps_per_slot"], 20, 1000, "announce.assignment.steps_per_slot")
        number(rule["slack"], 0, 2**53, "announce.assignment.slack")
        hash64(rule["directory"], "announce.assignment.directory")


def shape(made):
    for section, value in made.items():
        texts = [] if section in ("open", "sealed", "log") else strings(value)
        need(not any(UNSEEN.search(text) for text in texts), f"unseen characters in {section}")
    fields(made, "bundle", "protocol announce digests ? sealed " + " ".join(SECTIONS))
    same("protocol", PROTOCOL, made["protocol"])
    need(("open" in made) != ("sealed" in made), "exactly one of open and sealed must be there")
    shape_announcement(a := made["announce"])
    need(a["mode"] == "sealed" or "sealed" not in made, "an open draw has no sealed list")
    if "execute" in made:
        done = fields(made["execute"], "execute", "announcement_hash values seed at ? fallback fallback_reason")
        moment(done["at"]), shape_values(done["values"], "execute.values")
        need(("fallback" in done) == ("fallback_reason" in done), "a fallback without a reason")
        rounds(a, done)
    sealed = "sealed" in made
    if "withheld" in made:
        for value in fields(made["withheld"], "withheld", "selection ? assign_announce assign changes").values():
            hash64(value, "withheld")
    need(("selection" in made) == ("execute" in made and not sealed), "selection goes with execute and an open list")
    need("withheld" not in made or (a["mode"] == "sealed" and "execute" in made), "there is nothing to withhold")
    need(
        a["mode"] == "open" or "execute" not in made or "withheld" in made,
        "a sealed draw states the digests it withholds",
    )
    names = "lines" if sealed else "leaves key at" if a["mode"] == "sealed" else "leaves"
    fields(made["sealed"] if sealed else made["open"], "sealed" if sealed else "open", names)
    if a["mode"] == "sealed" and not sealed:
        moment(made["open"]["at"])
        need(len({*hash64(made["open"]["key"], "open.key")}) > 1, "the key is no key")
        for section in ("selection", "assign_announce", "assign", "changes"):
            need(section not in made or section in made["withheld"], f"{section} was not withheld")
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
    need(len(made.get("signatures", [])) <= MOST_SIGNATURES, "too many signatures")
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


OWN = ("stratum", "exclusion", "size", "lambda", "speciality")


class Draw:
    """A bundle, and what the steps found out about it."""

    def __init__(self, made, now):
        shape(made)
        self.made, self.a, self.now = made, made["announce"], now
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
        return self.mac(f"tag|{self.name}|{unit}") if self.sealed else unit

    def mac(self, text):
        return self.hash.mac(self.key, text)

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
                stray = [part for part in ("exclusion", "lambda", "speciality") if prefix + part in leaf]
                same(f"{leaf['id']}: columns of a list it is not on", [], stray)
                continue
            need(isinstance(own["stratum"], str), f"{leaf['id']} has no stratum")
            plain(own["stratum"])
            skills = codes(own["speciality"] or "")
            need(skills == sorted({*skills}) and "|" not in "".join(skills), f"{leaf['id']}: no speciality")
            need(all(plain(skill) for skill in skills), f"{leaf['id']}: no speciality")
            yield full + own["stratum"], own

    def digest(self, section):
        value = self.made[section]
        if section == "open":
            value = {**self.a["frame"], **({"key": self.key, "at": value["at"]} if self.key else {})}
        text = canonical(value)
        if self.key and section in HIDDEN:
            text = f"{PROTOCOL}/withheld|{self.mac(f'withheld|{self.name}|{section}')}|{text}"
        return self.hash.h(text)


def codes(speciality):
    return speciality.split("+") if speciality else []


def announcement_hash(d):
    if d.has("execute"):
        same("execute.announcement_hash", d.bound, d.made["execute"]["announcement_hash"])
    return d.bound


def seal_key(d):
    same("announce.seal.key_hash", d.hash.h(f"zhunsheng/draw/1/key|{d.name}|{d.key}"), d.a["seal"]["key_hash"])
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
    need(len({name for unit in d.units for name, _ in d.places(unit)}) <= MOST_STRATA, "too many strata")
    d.leaf = {unit["id"]: unit for unit in d.units}
    d.order = [unit["id"] for unit in d.units]
    return f"{len(d.units)} units"


def plain(text):
    need(text and len(text) <= 2000 and text.isprintable() and unicodedata.is_normalized("NFC", text), f"{text!r}")
    need(text == text.strip(" "), f"{text!r} has spaces around it")
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
    if d.has("sealed"):
        return f"{len(d.order)} different seals"
    unchecked, known = 0, set()
    for unit in d.order:
        scheme, _, code = unit.partition(":")
        unchecked += scheme not in "uscc org reg gtin division food resident".split()
        if scheme == "org":
            known.add(code)
        # a 组织机构代码 is the 9th to 17th character of the 统一社会信用代码 of the same firm
        need(scheme != "uscc" or code[8:17] not in known, f"{unit} and org:{code[8:17]} are one firm")
    return f"{len(d.order)} different ids, {unchecked} of them of schemes without check digits"


def order(d):
    same("ascending order", sorted(d.order), d.order)
    return "ascending"


def root(d):
    lines = d.lines if d.has("sealed") else d.open
    if d.key:
        sealed = []
        for unit, line in zip(d.units, d.open, strict=True):
            salt, blind = (d.mac(f"{word}|{d.name}|{unit['id']}") for word in ("salt", "blind"))
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
    for stratum, share in d.a.get("ratio", {}).items():
        size = d.a["N"][stratum]
        same(f"n of {stratum}", max(min(size, 1), -(-size * Fraction(share) // 1)), d.a["n"][stratum])
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


def all_rounds(a):
    """The sources of the first round and of the second: each the announced ones, then those of its fallbacks."""
    rules = [a, *([a["assignment"]] if "assignment" in a else [])]
    return [[rule["sources"], *(entry["sources"] for entry in rule.get("fallback", []))] for rule in rules]


def sources(d):
    first, *second = both = all_rounds(d.a)
    for announced in both:
        need(len(announced) == 1 or {kind(s) for s in announced[0]} != {"drand"}, "no fallback is needed beside drand")
    known = [value_of(source) for given in first for source in given]
    for given in (given for announced in second for given in announced):
        for source in given:
            need(value_of(source) not in known, f"{source['id']} of the second round is known from the first")
    every = [given for announced in both for given in announced]
    promised = [source["commitment"] for given in every for source in given if kind(source) == "party"]
    same("commitments that differ", len({*promised}), len(promised))
    for given in every:
        kinds = [kind(source) for source in given]
        need(not MECHANICAL & {*kinds} or not OUTSIDE & {*kinds}, f"{kinds}: thrown until it suits what is known")
        ceremony = kinds.count("party") >= 2 and MECHANICAL & {*kinds}
        need(ceremony or {"ssq", "dlt"} <= {*kinds} or "drand" in kinds, f"{kinds} are not enough for a draw")
    return ", ".join(source["id"] for source in d.sources or d.a["sources"])


def value_of(source):
    """What a source is, whoever holds it and whatever is noted: two that are alike in this give one value."""
    found = {key: term for key, term in source.items() if key not in ("note", "party")}
    return {**found, "issue": found["issue"][-5:]} if "issue" in found else found  # 2023099 is 23099


def round_time(source):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=1692803367 + 3 * (source["round"] - 1))


def no_earlier(sources, values, earliest):
    at = [(kind(source), moment(value["at"])) for source, value in zip(sources, values, strict=True)]
    thrown = [when for what, when in at if what in MECHANICAL]
    shown = [when for what, when in at if what == "party"]
    need(not thrown or not shown or max(thrown) <= min(shown), "thrown after a party had revealed")
    for source, value in zip(sources, values, strict=True):
        need(moment(value["at"]) >= earliest, f"{source['id']} is of {value['at']}, earlier than {earliest}")
        need(kind(source) != "drand" or moment(value["at"]) == round_time(source), "not the time of the drand round")


def waits(a):
    start = moment(a["not_before"])
    need(start - moment(a["announced_at"]) >= hours(WAIT), "less than 24 hours between announcement and randomness")
    for rule, least in [(a, 0), *([(a["assignment"], CLOSED)] if "assignment" in a else [])]:
        given = [(least, rule["sources"]), *((f["after_hours"], f["sources"]) for f in rule.get("fallback", []))]
        for wait, source in ((wait, source) for wait, sources in given for source in sources):
            need(kind(source) != "drand" or round_time(source) >= start + hours(wait), "a drand round too early")
    need("seal" not in a or day(a["seal"]["open_by"]) >= start.date(), "the opening is announced for before the draw")
    return start


def time_order(d):
    start = waits(d.a)
    for section in ("abandon", "open"):
        at = d.made.get(section, {}).get("at", d.a["announced_at"])
        need(moment(at) >= moment(d.a["announced_at"]), f"{section} is earlier than the announcement")
    given = [value for name in ("execute", "assign") for value in d.made.get(name, {}).get("values", [])]
    ended = [d.made[name] for name in ("open", "abandon") if "at" in d.made.get(name, {})]
    for at in (d.a["announced_at"], *(entry["at"] for entry in (*given, *ended))):
        need(moment(at) <= d.now, f"{at} has not come yet")
    if not d.has("execute"):
        return f"not before {d.a['not_before']}"
    done = d.made["execute"]
    no_earlier(d.sources, done["values"], start + hours(rounds(d.a, done)[1]))
    same("execute.at", max(value["at"] for value in done["values"]), done["at"])
    if d.has("assign_announce"):
        fixed = moment(d.made["assign_announce"]["at"])
        need(fixed >= moment(done["at"]), "constraints closed before the draw")
        if d.has("assign"):
            wait = rounds(d.a["assignment"], d.made["assign"])[1] or CLOSED
            no_earlier(d.second, d.made["assign"]["values"], fixed + hours(wait))
    if d.key:
        need(moment(d.made["open"]["at"]) >= moment(done["at"]), "opened before the draw")
    return f"announced {d.a['announced_at']}, drawn {done['at']}"


def opened(d):
    due = day(d.a["seal"]["open_by"])
    late = (moment(d.made["open"]["at"]) + hours(8)).date() - due
    if late.days > 0:
        raise NotJudged(f"opened {late.days} days after the day promised")
    return f"opened in time: {d.made['open']['at']}, not after {due}"


def source_values(d):
    for place, (source, value) in enumerate(d.values()):
        same("the source of a value", source["id"], value["source"])
        what, text = kind(source), value["value"]
        if what == "dice":
            need(re.fullmatch("[1-6](-[1-6]){9,}", text), f"{text} is not ten throws or more")
            same("throws", source["rolls"], len(text.split("-")))
        elif what == "balls":
            drawn = [int(ball) for ball in text.split("-")]
            same("balls", "-".join(map(str, drawn)), text)
            need(len(set(drawn)) == len(drawn) == source["draws"], f"{text} are not {source['draws']} different balls")
            need(all(1 <= ball <= source["balls"] for ball in drawn), "no such ball")
        elif what == "drand":
            need(re.fullmatch("[0-9a-f]{64}", text), "no randomness of drand")
        elif what in ("ssq", "dlt"):
            need(re.fullmatch(r"\d\d(-\d\d)*\+\d\d(-\d\d)*", text, re.ASCII), f"{text} is no result of {what}")
            rule = ((6, 33), (1, 16)) if what == "ssq" else ((5, 35), (2, 12))
            for part, (count, most) in zip(text.split("+"), rule, strict=True):
                balls = [int(ball) for ball in part.split("-")]
                need(len(balls) == count and balls == sorted({*balls}), f"{text} is no result of {what}")
                need(1 <= balls[0] and balls[-1] <= most, f"{text} is no result of {what}")
        elif text != source["default"]:
            need(len(text) >= 22, f"{source['id']} revealed too short a text")
            word = "commit" if place < len(d.sources) else "commit-assign"
            found = d.hash.h(f"zhunsheng/draw/1/{word}|{d.name}|{source['id']}|{text}")
            same(f"{source['id']}, what was promised", source["commitment"], found)
    return "written as their kinds are written, and as promised"


def fallback(d):
    used = [d.made[name]["fallback_reason"] for name in ("execute", "assign") if "fallback" in d.made.get(name, {})]
    raise NotJudged(f"a fallback was used: {'; '.join(used)}. Were the first sources really not to be had?")


def defaulted(d):
    """The parties that did not reveal."""
    first = zip(d.sources, d.made["execute"]["values"], strict=False)
    pairs = [*first, *zip(d.second, d.made.get("assign", {}).get("values", []), strict=False)]
    return [s["id"] for s, v in pairs if kind(s) == "party" and v["value"] == s["default"]]


def commitments(d):
    parties = [source for source, _ in d.values() if kind(source) == "party"]
    return (
        f"all {len(parties)} parties had committed, {len(parties) - len(defaulted(d))} revealed what they had promised"
    )


def defaults(d):
    raise NotJudged(f"did not reveal, so that the published default was used: {' '.join(defaulted(d))}; ask why")


def drand_signature(d):
    for source, value in d.values():
        if kind(source) == "drand":
            signature = value["evidence"]["signature"]
            same("the hash of the signature", value["value"], hashlib.sha256(bytes.fromhex(signature)).hexdigest())
    raise NotJudged("values are the hashes of their signatures; the BLS signatures are not judged by this program")


def published_values(d):
    outside = [
        f"{v['source']}@{s['issue']}={v['value']} ({v['at']})" if "issue" in s else f"{v['source']}={v['value']}"
        for s, v in d.values()
        if kind(s) != "drand"
    ]
    raise NotJudged("compare with the public record, and a lottery's issue with its date: " + " ".join(outside))


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
    pairs = len(c["targets"]) * len(c["inspectors"])
    need(pairs <= MOST_PAIRS, f"targets × inspectors are more than {MOST_PAIRS}")
    need(c["steps"] <= MOST_STEPS, f"more than {MOST_STEPS} steps")
    for target in c["targets"]:
        fields(target, "assign_announce.targets", "id speciality")
    shape_teams(c["start"], "assign_announce.start")
    for person in c["inspectors"]:
        fields(person, "inspectors", "number certificate_to specialities leave least most forbidden")
        need(all(first <= c["on"] <= last for first, last in person["leave"]), "leave on another day")
        for text in [c["on"], person["certificate_to"], *(one for period in person["leave"] for one in period)]:
            day(text)
        for items in (person["specialities"], person["leave"], person["forbidden"]):
            need(isinstance(items, list), "not a list")
            need(all(a < b for a, b in zip(items, items[1:], strict=False)), "not ascending, or something twice")
        need({unit for unit, _ in person["forbidden"]} <= {t["id"] for t in c["targets"]}, "a unit that was not drawn")
    same("targets", sorted({unit["id"] for unit in d.drawn}), [target["id"] for target in c["targets"]])
    skills = {}
    for unit in d.drawn:
        prefix = unit["stratum"].partition("/")[0] + "." if "lists" in d.a else ""
        held = codes(d.leaf[unit["id"]].get(prefix + "speciality"))
        skills[unit["id"]] = skills.get(unit["id"], set()) | {*held}
    for target in c["targets"]:
        same(f"speciality of {target['id']}", "+".join(sorted(skills[target["id"]])), target["speciality"])
    numbers = [person["number"] for person in c["inspectors"]]
    same("inspectors ascending by number", sorted({*numbers}, key=str.encode), numbers)
    people = [[person["number"], person["certificate_to"], person["specialities"]] for person in c["inspectors"]]
    same("announce.assignment.directory", d.hash.h(canonical(people)), d.a["assignment"]["directory"])
    same("team_size", d.a["assignment"]["team_size"], c["team_size"])
    slots = len(c["targets"]) * c["team_size"]
    same("steps", d.a["assignment"]["steps_per_slot"] * slots, c["steps"])
    if d.sealed:
        same("nonce", d.mac(f"assign|{d.name}"), c["nonce"])
    else:
        need("nonce" not in c, "a nonce in an open draw")
    d.plan = Plan(c)
    d.start = d.plan.canonical_start()
    same("start", d.plan.teams(d.start), c["start"])
    d.fixed = d.digest("assign_announce")
    return f"{len(c['targets'])} targets, {len(numbers)} inspectors, start and {c['steps']} steps, hash {d.fixed}"


def assignment_freedom(d):
    """What was decided by hand between the two rounds; nothing of it breaks a rule, and all of it can be a lever."""
    c, slack, away, bounds, reasons = d.made["assign_announce"], d.a["assignment"]["slack"], [], [], {}
    here = [d.plan.present(person) for person in c["inspectors"]]
    slots = len(c["targets"]) * c["team_size"]
    for person, present in zip(c["inspectors"], here, strict=True):
        share, rest = divmod(slots, sum(here)) if present else (0, 0)
        most = min(len(c["targets"]), share + (rest > 0) + slack) if present else 0
        if (person["least"], person["most"]) != (min(most, max(0, share - slack)), most):
            bounds.append(person["number"])
        if not present:
            away.append(person["number"])
        for _, code in person["forbidden"]:
            reasons[code] = reasons.get(code, 0) + 1
    forced = sum(len(d.plan.allowed(slot)) == 1 for slot in range(slots))
    raise NotJudged(
        f"by hand: other bounds than by the rule for {bounds}; {forced} of {slots} places open to one person only; "
        f"kept off by reason {reasons}; not there on the day {away}"
    )


class Plan:
    """Slots and who may take them. Slot = target × team_size + place; place 0 is the lead."""

    def __init__(self, c):
        self.size, self.targets, self.people = c["team_size"], c["targets"], c["inspectors"]
        self.steps, self.on = c["steps"], c["on"]
        self.may = []  # per target and place (lead, other): the inspectors, by their places in the list
        for target in self.targets:
            fit = [
                i
                for i, person in enumerate(self.people)
                if self.present(person) and target["id"] not in [unit for unit, _ in person["forbidden"]]
            ]
            skills = {*codes(target["speciality"])}
            self.may.append(({i for i in fit if skills <= {*self.people[i]["specialities"]}}, {*fit}))

    def present(self, person):
        away = any(first <= self.on <= last for first, last in person["leave"])
        return self.on <= person["certificate_to"] and not away

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
    before = max(value["at"] for value in d.made["assign"]["values"])  # nobody knew the teams earlier
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


def substitutions(d):
    passed = sum(len(change["passed"]) for change in d.made["changes"])
    raise NotJudged(f"{len(d.made['changes'])} persons replaced, {passed} passed over: are the reasons good?")


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
    why = "{reason} (approved by {approver}, {at})".format(**d.made["abandon"])
    late = d.has("execute") or moment(d.made["abandon"]["at"]) >= moment(d.a["not_before"])
    return f"after the seed could be known: {why}" if late else f"before any value existed: {why}"


def left_out(d):
    """What follows from an execution and is not here."""
    if not d.has("execute"):
        return []
    assigned = "assignment" not in d.a or d.has("assign") or "assign" in d.made.get("withheld", {})
    return [*([] if assigned else ["assign"]), *(name for name in ("open", "results") if not d.has(name))]


def missing(d):
    raise NotJudged(f"not carried out yet, or not in this file: {' '.join(left_out(d))}")


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
    signed = {entry["section"] for entry in d.made["signatures"]}
    unsigned = [name for name in SECTIONS[:-2] if d.has(name) and name not in signed]
    keys = sorted({f"{entry['name']}+{entry['key']}" for entry in d.made["signatures"]})
    also = f"; SM2 signatures of {external} are not judged by this program" if external else ""
    also += f"; not signed: {' '.join(unsigned)}" if unsigned else ""
    raise NotJudged(f"compare the keys with the published ones: {' '.join(keys)}{also}")


def log_inclusion(d):
    if not d.has("log"):
        raise NotJudged("no log proofs: compare the announcement hash with the one published at the time")
    log, acts = d.made["log"], {}
    hashes = Hashes("sm3" if log["origin"].endswith("/sm3") else "sha256")  # the suite of the log, not of the draw
    fields(log, "log", "origin size root acts ? checkpoint")
    need(len(log["acts"]) <= MOST_ACTS, "too many log proofs")
    known = {name: d.digest(name) for name in KINDS if d.has(name)}
    known |= {name: value for name, value in d.made.get("withheld", {}).items() if d.has("sealed")}
    for act in log["acts"]:
        section, index = fields(act, "log.acts", "act index entry proof")["act"], act["index"]
        entry = fields(act["entry"], f"entry {index}", "kind subject data ? …")
        need(section in known, f"the log speaks of {section}, which is not here or is not recorded")
        same(f"entry {index}, kind", KINDS[section], entry["kind"])
        same(f"entry {index}, subject", f"draw:{d.name}", entry["subject"])
        leaf = hashes.leaf(canonical(entry))
        need(hashes.included(leaf, index, log["size"], act["proof"], log["root"]), f"{section} is not in the log")
        acts.setdefault(section, {})[index] = entry
    for section, entries in acts.items():  # what may grow is recorded each time: the last record counts
        for index in [max(entries)] if section in ("changes", "results") else entries:
            same(f"entry {index}, {section}", known[section], entries[index]["data"].get(section))
    complete = len(d.made.get("results", [])) >= len({unit["id"] for unit in d.made.get("selection", [])})
    for section in known:
        due = {"open": d.sealed, "results": complete}.get(section, True)
        need(section in acts or not due, f"there is no proof that {section} is in the log")
    log_order(d, acts)
    log_times(d, {section: entries[min(entries)] for section, entries in acts.items()})
    if "checkpoint" in log:
        stated = "\n".join([log["origin"], str(log["size"]), base64.b64encode(bytes.fromhex(log["root"])).decode()])
        need(log["checkpoint"].startswith(stated + "\n"), "the checkpoint is of another log, size or root")
    return f"{' '.join(acts)} in {log['origin']}, size {log['size']}, root {log['root']}"


def log_order(d, acts):
    strictly = "announce<execute execute<assign_announce assign_announce<assign"
    loosely = "announce<open announce<abandon execute<selection execute<results assign<changes"
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
        text = first[section].get("at")
        written = r"2[0-2]\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"
        need(isinstance(text, str) and re.fullmatch(written, text, re.ASCII), f"the entry of {section} says no time")
        found = datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00"))
        return found.astimezone(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)

    need(at("announce") + hours(WAIT) <= moment(d.a["not_before"]), "the announcement was recorded in the log too late")
    if "assign_announce" in first and d.has("assign"):
        earliest = at("assign_announce") + hours(rounds(d.a["assignment"], d.made["assign"])[1] or CLOSED)
        late = [value["at"] for value in d.made["assign"]["values"] if moment(value["at"]) < earliest]
        need(not late, "the constraints were recorded in the log too late")


def announced_when(d):
    raise NotJudged(f"compare {d.bound} with a copy that somebody else has held since before {d.a['not_before']}")


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
    "fallback": (fallback, lambda d: any("fallback" in d.made.get(name, {}) for name in ("execute", "assign")), ""),
    "commitments": (commitments, lambda d: "party" in d.kinds, "source-values"),
    "defaults": (defaults, lambda d: d.has("execute") and defaulted(d), "source-values"),
    "drand-signature": (drand_signature, lambda d: "drand" in d.kinds, "source-values"),
    "published-values": (published_values, lambda d: d.kinds - {"drand"}, "source-values"),
    "seed": (seed, lambda d: d.has("execute"), "announcement-hash source-values"),
    "tickets": (tickets, lambda d: d.has("selection"), "seed key"),
    "selection": (selection, lambda d: d.has("selection"), "seed n root key pareto"),
    "probabilities": (probabilities, lambda d: d.has("selection"), "selection"),
    "constraints": (constraints, lambda d: d.has("assign_announce"), "selection"),
    "assignment-freedom": (assignment_freedom, lambda d: d.has("assign_announce"), "constraints"),
    "assignment": (assignment, lambda d: d.has("assign"), "constraints"),
    "changes": (changes, lambda d: d.has("changes"), "assignment"),
    "substitutions": (substitutions, lambda d: d.has("changes"), "changes"),
    "results": (results, lambda d: d.has("results"), ""),
    "withheld": (withheld, lambda d: d.has("withheld"), ""),
    "opened": (opened, lambda d: d.key, ""),
    "abandoned": (abandoned, lambda d: d.has("abandon"), ""),
    "missing": (missing, left_out, ""),
    "signatures": (signatures, lambda d: d.has("signatures"), ""),
    "log-inclusion": (log_inclusion, lambda d: True, ""),
    "announced-when": (announced_when, lambda d: True, "announcement-hash"),
    "digests": (digests, lambda d: True, ""),
}


def attempt(done, name, function, *given):
    try:
        ok, said = True, function(*given)
    except NotJudged as remark:
        ok, said = None, str(remark)
    except BROKEN as error:
        ok, said = False, str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
    done[name] = ok
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in f"{name}  {said}")
    print({True: "PASS", False: "FAIL", None: "open"}[ok], line[:400])


class Membership:
    """The proof that one firm was on the list, with the announcement that it is a proof for."""

    def __init__(self, made):
        fields(made, "proof", "protocol announcement index line proof id ? blind")
        self.made, self.a, self.sources = made, made["announcement"], []
        need(not any(UNSEEN.search(text) for text in strings(self.a)), "unseen characters in the announcement")
        shape_announcement(self.a)
        numbers(self), sources(self), waits(self.a)
        self.frame, self.hashes = self.a["frame"], Hashes(self.a.get("suite", "sha256"))
        need(("blind" in made) == (self.a["mode"] == "sealed"), "a blind belongs to sealed draws, and to all of them")
        for text in (*made["proof"], *([made["blind"]] if "blind" in made else [])):
            hash64(text, "proof")
        number(made["index"], 0, 2**53, "index")
        check_unit(made["id"])

    def membership(self):
        m, frame = self.made, self.frame
        leaf = self.hashes.leaf(m["line"])
        need(self.hashes.included(leaf, m["index"], frame["size"], m["proof"], frame["root"]), "no proof")
        return f"line {m['index']} of {frame['size']}"

    def unit(self):
        line, made = read(self.made["line"].encode()), self.made
        need(canonical(line) == made["line"], "the line is not in canonical form")
        if "blind" in made:
            fields(line, "line", "attributes seal")
            same("line.seal", self.hashes.h(f"zhunsheng/draw/1/seal|{made['blind']}|{made['id']}"), line["seal"])
        else:
            same("line.id", made["id"], line["id"])
        return f"it is the line of {made['id']}"

    def root_published(self):
        raise NotJudged(f"compare with the published announcement: {self.hashes.h(canonical(self.a))}")


def head_of(data):
    """The length of all but the lines; a file that is not in canonical form counts as a whole."""
    start = re.search(rb'"(?:leaves|lines)":\["\{', data)
    end = data.find(b'}"]', start.end()) if start else -1
    return len(data) - (end - start.start()) if end >= 0 else len(data)


def main(path, now=None):
    done, now = {}, now or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    with open(path, "rb") as file:
        data = file.read()
    try:
        need(len(data) <= MOST_BYTES and head_of(data) <= MOST_HEAD, "too large: the list aside 64 MB, in all 512 MB")
        made = read(data)
        if made.get("protocol") == f"{PROTOCOL}/membership":
            proof = Membership(made)
            print("PASS format  draw", proof.a["draw"])
            for name in ("membership", "unit", "root-published"):
                attempt(done, name, getattr(proof, name.replace("-", "_")))
            return 1 if False in done.values() else 0
        draw = Draw(made, now)
    except (*BROKEN, RecursionError) as error:
        print("FAIL format ", error)
        return 2
    print("PASS format  draw", draw.name)
    for name, (function, called_for, rests_on) in STEPS.items():
        if called_for(draw):
            lost = [step for step in rests_on.split() if not done.get(step, True)]
            if draw.has("sealed") and lost == ["sizes"]:
                lost = []  # not judged before the opening, and nothing rests on it till then
            if lost:
                done[name] = None
                print("open", f"{name}  not reached: {lost[0]}")
            else:
                attempt(done, name, function, draw)
    failed = [name for name, ok in done.items() if ok is False]
    if draw.has("abandon"):
        print("the draw was ABANDONED", abandoned(draw))
    print(f"DOES NOT HOLD: {' '.join(failed)}" if failed else f"holds: draw {draw.name}, announcement {draw.bound}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
