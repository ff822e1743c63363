"""Sealed mode: nobody without the key can read the list or compute a ticket, and the opening shows that nothing changed."""

import hashlib
import hmac
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.draw_sample import (
    KEY,
    OPENED_AT,
    UNITS,
    N,
    announce,
    ceremony_values,
    log_of,
    sealed,
    sealed_frame,
    whole,
)
from tests.engine.test_draw import refused
from tests.engine.test_draw_verify import changed, first_failure, hexchange, resealed
from zhunsheng.engine.draw import (
    announcement_hash,
    blind,
    check_membership,
    execute,
    freeze,
    key_hash,
    membership_proof,
    nonce,
    read_terms,
    section_digest,
    seed,
    select,
    standings,
    tag,
    verify,
)
from zhunsheng.engine.draw.seal import seal_of
from zhunsheng.engine.public_log import canonical, parse_json
from zhunsheng.engine.suites import SM3

CLOSED, OPEN = sealed(opened=False), sealed()
OPEN_BY = date(2023, 9, 20)


NO = "demo-2026-003"


def mac(text):
    return hmac.new(bytes.fromhex(KEY), text.encode(), "sha256").hexdigest()


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_lines_and_the_tickets_are_those_of_the_page():
    """docs/rules/draw.md by hand, with hashlib alone."""
    lines, tags = [], {}
    for unit in UNITS:
        line = canonical(unit).decode()
        seal = sha(f"zhunsheng/draw/1/seal|{mac('blind|demo-2026-003|' + unit['id'])}|{unit['id']}")
        attributes = sha(f"zhunsheng/draw/1/attributes|{mac('salt|demo-2026-003|' + unit['id'])}|{line}")
        lines.append((seal, f'{{"attributes":"{attributes}","seal":"{seal}"}}'))
        tags[unit["id"]] = mac("tag|demo-2026-003|" + unit["id"])
    frame = sealed_frame()
    assert [line.decode() for line in frame.lines] == [line for _, line in sorted(lines)]
    assert CLOSED["sealed"]["lines"] == [line.decode() for line in frame.lines]
    made = OPEN["execute"]["seed"]
    for unit in OPEN["selection"]:
        assert unit["ticket"] == sha(f"{made}|target|{tags[unit['id']]}")
    for unit in UNITS:
        assert tag(KEY, NO, unit["id"]) == tags[unit["id"]]
        assert blind(KEY, NO, unit["id"]) == mac(f"blind|{NO}|{unit['id']}")
    assert OPEN["announce"]["seal"]["key_hash"] == key_hash(KEY, NO) == sha(f"zhunsheng/draw/1/key|{NO}|{KEY}")
    for name in ("selection", "assign", "changes"):
        hidden = mac(f"withheld|{NO}|{name}")
        text = f"zhunsheng/draw/1/withheld|{hidden}|{canonical(OPEN[name]).decode()}"
        assert OPEN["digests"][name] == OPEN["withheld"][name] == section_digest(NO, name, OPEN[name], KEY) == sha(text)
    assert OPEN["withheld"]["assign_announce"] == sha(canonical(OPEN["assign_announce"]).decode())
    opened = {"at": OPEN["open"]["at"], "key": KEY, "root": frame.root, "size": 12}
    assert OPEN["digests"]["open"] == sha(canonical(opened).decode())
    assert nonce(KEY, "d") == mac("assign|d")


def test_before_the_opening_nothing_of_the_list_is_in_the_file():
    data = canonical(CLOSED).decode()
    assert not any(unit["id"] in data for unit in UNITS)
    assert (
        KEY not in data and not {"open", "selection", "assign", "assign_announce", "changes", "results"} & CLOSED.keys()
    )
    verdict = verify(CLOSED)
    assert verdict.ok and "not opened yet" in verdict.reason.text("en")
    assert verdict.step("withheld").ok is None and "2023-09-20" in verdict.step("withheld").reason.text("en")
    assert verdict.step("sizes").ok is None and verdict.step("root").ok is True


def test_the_opening_shows_what_was_withheld():
    verdict = verify(OPEN)
    assert verdict.ok and verdict.outcome == "executed"
    assert verdict.step("key").ok and verdict.step("withheld").ok and verdict.step("opened").ok
    for name, value in CLOSED["withheld"].items():
        assert OPEN["digests"][name] == value
    assert CLOSED["announce"] == OPEN["announce"] and CLOSED["execute"] == OPEN["execute"]


def test_a_late_opening_is_said_and_does_not_fail():
    day_after = datetime(2023, 9, 20, 16, 0, tzinfo=OPENED_AT.tzinfo)  # midnight in China
    verdict = verify(sealed(at=day_after))
    assert verdict.ok and verdict.step("opened").ok is None
    assert "1 days later" in verdict.step("opened").reason.text("en")
    assert verify(sealed(at=day_after - timedelta(seconds=1))).step("opened").ok is True


def bad_key(made):
    made["open"]["key"] = "0" * 64


@pytest.mark.parametrize(
    ("made", "step"),
    [
        (changed("open", "key", to="01" * 32, of=OPEN), "key"),
        (changed("open", "key", to="0" * 64, of=OPEN), "format"),
        (changed("open", "key", to="x", of=OPEN), "format"),
        (changed("open", "leaves", 0, to='{"id":"demo:T001","stratum":"B"}', of=OPEN), "root"),
        (changed("open", "leaves", to=lambda leaves: leaves[1:], of=OPEN), "root"),
        (changed("open", "at", to="2023-08-23T01:29:59Z", of=OPEN), "time-order"),
        (changed("open", to=lambda o: {"leaves": o["leaves"]}, of=OPEN), "format"),
        (changed("withheld", "selection", to=hexchange, of=OPEN), "withheld"),
        (changed("withheld", "assign", to=hexchange, of=OPEN), "withheld"),
        (changed("assign_announce", "nonce", to=hexchange, of=OPEN), "constraints"),
        (changed("selection", 0, "ticket", to=hexchange, of=OPEN), "tickets"),
        (changed("sealed", "lines", to=lambda lines: lines[::-1], of=CLOSED), "order"),
        (changed("sealed", "lines", to=lambda lines: lines[:1] * 2 + lines[2:], of=CLOSED), "ids-unique"),
        (changed("sealed", "lines", to=lambda lines: lines[1:], of=CLOSED), "root"),
        (changed("sealed", "lines", 0, to='{"seal":"x"}', of=CLOSED), "leaves-canonical"),
        (changed("sealed", "lines", 0, to=7, of=CLOSED), "leaves-canonical"),
        (changed("sealed", "lines", to=[], of=CLOSED), "leaves-canonical"),
        (changed("withheld", "selection", to="x", of=CLOSED), "format"),
        ({name: part for name, part in CLOSED.items() if name != "withheld"}, "format"),
        ({name: part for name, part in CLOSED.items() if name != "sealed"}, "format"),
        ({**CLOSED, "open": OPEN["open"]}, "format"),
        ({**CLOSED, "selection": OPEN["selection"]}, "format"),
        ({**whole(), "withheld": CLOSED["withheld"]}, "format"),
        ({**CLOSED, "announce": whole()["announce"]}, "format"),
        ({**OPEN, "selection": OPEN["selection"][1:]}, "selection"),
    ],
)  # fmt: skip
def test_a_change_fails_in_its_step(made, step):
    verdict = verify(resealed(made) if step not in ("format", "leaves-canonical") else made)
    assert not verdict.ok
    assert first_failure(verdict) == step, [(s.name, s.reason.text("en")) for s in verdict.steps if s.ok is False]


def test_the_log_of_a_sealed_draw_has_the_opening_last():
    early = log_of(
        OPEN,
        ("announce", "execute", "selection", "assign_announce", "open", "assign", "changes", "results"),
    )
    verdict = verify(resealed({**OPEN, "log": early}))
    assert (
        first_failure(verdict) == "log-inclusion"
        and verdict.step("log-inclusion").reason.code == "draw.verify.log_order"
    )


@pytest.mark.parametrize("suite", [None, SM3])
def test_sealed_and_open_draw_alike_but_for_the_names(suite):
    """The tags stand in for the ids: a draw over a frame whose ids are the tags draws the same units."""
    more = {"suite": suite} if suite else {}
    frame = sealed_frame(**more)
    named = {tag(KEY, NO, unit["id"], frame.suite): unit["id"] for unit in UNITS}
    plain = freeze(
        [{"id": f"t:{t}", "stratum": next(u["stratum"] for u in UNITS if u["id"] == i)} for t, i in named.items()],
        **more,
    )
    for run in range(30):
        chosen = seed(f"run {run}")
        drawn = select(frame, chosen, N)
        by_hand = []
        for stratum, ids in frame.strata.items():
            tickets = sorted(
                (frame.suite.hex(f"{chosen}|target|{t}".encode()), t) for t, i in named.items() if i in ids
            )
            by_hand += [(named[t], stratum, d) for d, t in tickets[: N[stratum]]]
        assert [(u.id, u.stratum, u.ticket) for u in drawn] == by_hand
    assert plain.sizes == frame.sizes


@given(st.integers(0, 2**32))
def test_the_key_moves_every_ticket_and_hides_every_line(number):
    other = hashlib.sha256(b"%d" % number).hexdigest()
    one, two = sealed_frame(), freeze(UNITS, seal_key=other, draw=NO)
    assert one.root != two.root and one.sizes == two.sizes and not set(one.lines) & set(two.lines)
    assert freeze(UNITS, seal_key=other, draw=NO) == two
    again = freeze(UNITS, seal_key=other, draw="demo-2026-004")
    assert not set(again.lines) & set(two.lines)  # the same key in another draw gives other lines


@pytest.mark.parametrize("key", ["x", "0" * 63, "A" * 64, "0" * 65])
def test_a_key_has_one_form(key):
    refused("draw.field.not_hash", freeze, UNITS, seal_key=key, draw=NO)


@pytest.mark.parametrize("key", ["0" * 64, "f" * 64])
def test_a_key_of_one_digit_is_no_key(key):
    refused("draw.seal.weak_key", freeze, UNITS, seal_key=key, draw=NO)


def test_a_frame_is_sealed_for_one_draw():
    refused("draw.announce.other_seal", announce, frame=sealed_frame(), draw="demo-2026-004", open_by=OPEN_BY)


def test_the_announcement_of_a_sealed_draw_names_the_day_of_its_opening():
    frame = sealed_frame()
    assert announce(frame=frame, open_by=OPEN_BY)["mode"] == "sealed"
    refused("draw.announce.no_open_by", announce, frame=frame)
    refused("draw.announce.not_sealed", announce, open_by=OPEN_BY)
    refused("draw.announce.opened_too_early", announce, frame=frame, open_by=date(2023, 8, 22))
    said = announce(frame=frame, open_by=OPEN_BY)
    for changed_, code in (
        ({"mode": "open"}, "draw.announce.mode_and_seal"),
        ({"mode": "secret"}, "draw.announce.bad_mode"),
        ({"seal": {"key_hash": "0" * 64}}, "draw.field.missing"),
        ({"seal": {"key_hash": "x", "open_by": "2023-09-20"}}, "draw.field.not_hash"),
        ({"seal": {"key_hash": "0" * 64, "open_by": "20 September"}}, "draw.field.not_date"),
    ):
        refused(code, execute, said | changed_, ceremony_values())


# what a firm can ask for


@pytest.mark.parametrize(
    "frame", [freeze(UNITS), sealed_frame(), sealed_frame(suite=SM3)], ids=["open", "sealed", "sm3"]
)
def test_every_firm_gets_its_own_proof(frame):
    more = {"open_by": OPEN_BY} if frame.seal_key else {}
    announced = announce(frame=frame, **more)
    for unit in UNITS:
        proof = membership_proof(announced, frame, unit["id"])
        verdict = check_membership(canonical(proof))
        assert (
            verdict.ok
            and verdict.outcome == "member"
            and verdict == verify(canonical(proof)) == check_membership(proof)
        )
        assert announcement_hash(announced) in verdict.step("root-published").reason.text("en")
        if frame.seal_key:
            assert (
                unit["stratum"] not in str(proof["line"]).replace("attributes", "") and "stratum" not in proof["line"]
            )
            assert seal_of(proof["blind"], unit["id"], frame.suite) in proof["line"]
            assert tag(KEY, NO, unit["id"], frame.suite) not in canonical(proof).decode()


def test_a_proof_that_is_not_true_fails_in_its_step():
    frame = sealed_frame()
    announced = announce(frame=frame, open_by=OPEN_BY)
    proof = membership_proof(announced, frame, "demo:T003")
    other = membership_proof(announced, frame, "demo:T004")
    for made, step in (
        (proof | {"index": (proof["index"] + 1) % 12}, "membership"),
        (proof | {"announcement": announced | {"frame": {"root": "0" * 64, "size": 12}}}, "membership"),
        (proof | {"line": other["line"]}, "membership"),
        (proof | {"announcement": announced | {"frame": announced["frame"] | {"size": 1}}}, "membership"),
        (proof | {"id": "demo:T004"}, "unit"),
        (proof | {"blind": other["blind"]}, "unit"),
        ({key: value for key, value in proof.items() if key != "blind"}, "format"),
        (proof | {"announcement": announce()}, "format"),
        (proof | {"protocol": "zhunsheng/draw/1"}, "format"),
        (proof | {"announcement": announced | {"suite": "md5"}}, "format"),
        (proof | {"extra": 1}, "format"),
        (proof | {"proof": ["x"]}, "format"),
        (proof | {"id": "demo:单位"}, "format"),
    ):
        verdict = check_membership(made)
        assert not verdict.ok and first_failure(verdict) == step, (step, [s.reason.text("en") for s in verdict.steps])
        assert all(s.reason.text("zh") for s in verdict.steps)
    for data in (b"", b"[]", b"{}", b"\xff"):
        assert check_membership(data).outcome == "unreadable"
    refused("draw.membership.not_in_frame", membership_proof, announced, frame, "demo:T999")
    refused("draw.membership.other_frame", membership_proof, announce(), frame, "demo:T001")


def test_a_bundle_that_speaks_of_proofs_is_still_a_bundle():
    made = resealed({**whole(), "results": [{**whole()["results"][0], "note": "zhunsheng/draw/1/membership"}]})
    made.pop("log")
    made["digests"].pop("log")
    assert verify(made).outcome == "executed"
    assert parse_json(canonical(made)) == made


# what a page shows


@pytest.mark.parametrize("frame", [freeze(UNITS), sealed_frame()], ids=["open", "sealed"])
def test_a_unit_is_told_its_ticket_its_rank_and_the_cut_off(frame):
    chosen = seed("x")
    drawn = select(frame, chosen, N)
    key = frame.seal_key
    terms = read_terms(announce(frame=frame, **({"open_by": OPEN_BY} if key else {})))
    for unit in UNITS:
        (found,) = standings(frame.leaves, terms, chosen, unit["id"], key)
        mine = [one for one in drawn if one.id == unit["id"]]
        last = [one for one in drawn if one.stratum == unit["stratum"]][-1]
        assert found.drawn == bool(mine) and (found.n, found.size) == (N[unit["stratum"]], frame.sizes[unit["stratum"]])
        assert found.last == last.ticket and (found.ticket <= found.last) == found.drawn
        if mine:
            assert (found.ticket, found.rank, found.probability) == (mine[0].ticket, mine[0].rank, mine[0].probability)
    assert standings(frame.leaves, terms, chosen, "demo:T999", key) is None
    out = freeze([*UNITS, {"id": "demo:T013", "stratum": "A", "exclusion": "CAP"}])
    (found,) = standings(out.leaves, read_terms(announce(frame=out)), chosen, "demo:T013")
    assert not found.drawn and (found.exclusion, found.rank, found.probability) == ("CAP", 0, 0)
