"""Membership 在册证明: one firm's proof that it stood in the frame that was announced, once, and as what.

In sealed mode it tells nothing of stratum or ticket; the firm learns that it can be drawn as any other, and no more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from zhunsheng.engine.draw.announce import Terms, announcement_hash, check_terms, read_terms
from zhunsheng.engine.draw.fields import PROTOCOL, array, hex64, integer, obj, text
from zhunsheng.engine.draw.frame import Frame
from zhunsheng.engine.draw.leaf import check_unit_id
from zhunsheng.engine.draw.seal import blind, seal_of
from zhunsheng.engine.draw.selection import id_of
from zhunsheng.engine.draw.verdict import Check, Verdict
from zhunsheng.engine.errors import DrawError, LogError
from zhunsheng.engine.public_log import (
    Json,
    canonical,
    inclusion_proof,
    leaf_hash,
    parse_canonical,
    parse_json,
    verify_inclusion,
)
from zhunsheng.engine.words import Reason

MEMBERSHIP = f"{PROTOCOL}/membership"
MAX_PROOF = 8 * 1024 * 1024

_FIELDS = frozenset({"protocol", "announcement", "index", "line", "proof", "id"})


def membership_proof(announcement: Mapping[str, Json], frame: Frame, unit_id: str) -> dict[str, Json]:
    """The proof for one unit as a JSON object; `public_log.canonical` of it is the file to hand out. It holds the
    announcement itself, so that root, size and mode are those of what was announced and no others.

    In sealed mode it holds the unit's blind: who has it knows that the unit is on the list, and no more. Raises
    DrawError for a unit that is not in the frame, and a frame that is not the one announced.
    """
    terms = read_terms(announcement)
    if (frame.root, frame.size, frame.suite) != (terms.root, terms.size, terms.suite):
        raise DrawError("draw.membership.other_frame")
    return membership_of(announcement, frame.lines, unit_id, frame.seal_key)


def membership_of(
    announcement: Mapping[str, Json], lines: Sequence[bytes], unit_id: str, seal_key: str = ""
) -> dict[str, Json]:
    """As `membership_proof`, from the lines of the frame as they were hashed, in order. seal_key: K of a sealed draw."""
    terms = read_terms(announcement)
    made: dict[str, Json] = {
        "protocol": MEMBERSHIP,
        "announcement": announcement,
        "id": unit_id,
    }
    if seal_key:
        made["blind"] = blind(seal_key, terms.draw, unit_id, terms.suite)
        wanted, name_of = seal_of(str(made["blind"]), unit_id, terms.suite), _seal_in
    else:
        wanted, name_of = unit_id, id_of
    index = bisect_left(lines, wanted, key=name_of)
    if index == len(lines) or name_of(lines[index]) != wanted:
        raise DrawError("draw.membership.not_in_frame", id=unit_id)
    leaves = [leaf_hash(line, terms.suite) for line in lines]
    proof = inclusion_proof(leaves, index, terms.suite)
    if len(lines) != terms.size or not verify_inclusion(
        leaves[index], index, terms.size, proof, bytes.fromhex(terms.root), terms.suite
    ):
        raise DrawError("draw.membership.other_frame")
    return {**made, "index": index, "line": lines[index].decode(), "proof": [node.hex() for node in proof]}


def _seal_in(line: bytes) -> str:
    return str(obj(parse_json(line), "line", optional=None)["seal"])


def check_membership(proof: bytes | Mapping[str, Json]) -> Verdict:
    """Checks a membership proof: the line stands in the root, and is of this unit. Never raises for what is in it.

    That the announcement is the one published is for the reader to compare; the verdict says its hash.
    """
    return _Membership(proof).run()


class _Membership(Check):
    def __init__(self, given: bytes | Mapping[str, Json]) -> None:
        super().__init__()
        self.given = given
        self.made: Mapping[str, Json] = {}
        self.terms: Terms

    def run(self) -> Verdict:
        if not self.step("format", self.format):
            return Verdict(tuple(self.steps), False, "unreadable", Reason("draw.verdict.no_proof"))
        self.step("membership", self.membership)
        self.step("unit", self.unit)
        self.step("root-published", self.compare)
        failed = self.failed
        said = {"draw": self.terms.draw, "id": str(self.made["id"])}
        reason = Reason("draw.verdict.member", said)
        if failed is not None:
            reason = Reason("draw.verdict.failed", {**said, "step": failed.name})
        return Verdict(tuple(self.steps), failed is None, "member", reason, said["draw"])

    def format(self) -> Reason:
        data = self.given if isinstance(self.given, bytes) else canonical(self.given)
        if len(data) > MAX_PROOF:
            raise DrawError("draw.verify.too_large", limit=MAX_PROOF // 1024 // 1024)
        self.made = made = obj(parse_json(data, floats=False), "membership", _FIELDS, {"blind"})
        if made["protocol"] != MEMBERSHIP:
            raise DrawError("draw.field.other_protocol", at="protocol", protocol=MEMBERSHIP)
        self.terms = read_terms(obj(made["announcement"], "announcement", optional=None))
        check_terms(self.terms)
        if ("blind" in made) != (self.terms.seal is not None):
            raise DrawError("draw.membership.blind_and_seal")
        if "blind" in made:
            hex64(made["blind"], "blind")
        integer(made["index"], "index")
        check_unit_id(text(made["id"], "id"))
        if not isinstance(made["line"], str):
            raise DrawError("draw.field.not_text", at="line")
        for node in array(made["proof"], "proof"):
            hex64(node, "proof")
        return Reason("draw.verify.proof_format", {"draw": self.terms.draw, "id": str(made["id"])})

    def membership(self) -> Reason:
        made = self.made
        index, size, root = integer(made["index"], "index"), self.terms.size, self.terms.root
        proof = [bytes.fromhex(hex64(node, "proof")) for node in array(made["proof"], "proof")]
        suite = self.terms.suite
        try:
            line = str(made["line"]).encode()
        except UnicodeEncodeError:
            raise LogError("public_log.lone_surrogate") from None
        if not verify_inclusion(leaf_hash(line, suite), index, size, proof, bytes.fromhex(root), suite):
            raise DrawError("draw.membership.not_in_root", index=index)
        return Reason("draw.verify.membership", {"index": index, "size": size, "root": root})

    def unit(self) -> Reason:
        made, unit_id = self.made, str(self.made["id"])
        line = obj(parse_canonical(str(made["line"]).encode()), "line", optional=None)
        if "blind" not in made:
            if line.get("id") != unit_id:
                raise DrawError("draw.membership.other_unit", id=unit_id)
            return Reason("draw.verify.member_open", {"id": unit_id, "line": str(made["line"])})
        obj(line, "line", {"attributes", "seal"})
        if line["seal"] != seal_of(str(made["blind"]), unit_id, self.terms.suite):
            raise DrawError("draw.membership.other_unit", id=unit_id)
        return Reason("draw.verify.member_sealed", {"id": unit_id})

    def compare(self) -> Reason:
        found = announcement_hash(obj(self.made["announcement"], "announcement", optional=None))
        return Reason("draw.verify.compare_root", {"announcement_hash": found, "root": self.terms.root})
