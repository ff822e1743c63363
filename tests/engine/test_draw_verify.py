"""The check of a bundle: it passes what is true, and names the step in which anything else fails."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.engine.draw_sample import (
    NOT_BEFORE,
    SECRETS,
    SIGNER,
    UNITS,
    N,
    announce,
    carry_out,
    ceremony,
    ceremony_values,
    drand_source,
    drand_value,
    log_of,
    rule,
    sealed,
    whole,
)
from zhunsheng.engine.draw import (
    Abandonment,
    Fallback,
    Source,
    Value,
    bundle,
    digests,
    execute,
    freeze,
    select,
    sign,
    verify,
)
from zhunsheng.engine.draw import bundle as bundle_of
from zhunsheng.engine.errors import DrawError, LogError
from zhunsheng.engine.public_log import canonical, parse_json
from zhunsheng.engine.signing import Ed25519Signer, PublicKey
from zhunsheng.engine.suites import SM3

GOOD = canonical(whole())
MADE = json.loads(GOOD)
STEPS = [
    "format", "announcement-hash", "leaves-canonical", "ids-unique", "order", "root", "sizes", "n", "sources", "time-order",
    "source-values", "commitments", "drand-signature", "published-values", "seed", "tickets", "selection", "probabilities",
    "constraints", "assignment-freedom", "assignment", "changes", "substitutions", "results", "log-inclusion",
    "announced-when", "digests",
]  # fmt: skip


def first_failure(verdict):
    return next(step.name for step in verdict.steps if step.ok is False)


def changed(*path, to, of=None):
    """The bundle with one value replaced, everything else as it was; a callable changes the old value."""
    made = copy.deepcopy(of or MADE)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to(place[path[-1]]) if callable(to) else to
    return made


def resealed(made):
    """What a careful forger does: all digests made anew."""
    made["digests"] = digests(made)
    return made


def test_it_passes_a_true_bundle_and_names_every_step():
    verdict = verify(GOOD)
    assert verdict.ok and verdict.outcome == "executed" and verdict.draw == "demo-2026-003"
    assert [step.name for step in verdict.steps] == STEPS
    assert [step.name for step in verdict.steps if not step.ok] == [
        "published-values",
        "assignment-freedom",
        "substitutions",
        "announced-when",
    ]
    assert verdict.reason.text("en").startswith("PASS") and verdict.reason.text("zh").startswith("通过")
    for step in verdict.steps:
        assert step.reason.text("zh") and step.reason.text("en")


def test_it_takes_the_object_as_well_as_the_bytes():
    assert verify(whole()) == verify(GOOD) == verify(json.dumps(MADE, indent=1, ensure_ascii=True).encode())


def hexchange(text):
    return ("0" if text[0] != "0" else "1") + text[1:]


@pytest.mark.parametrize(
    ("made", "step"),
    [
        (changed("protocol", to="zhunsheng/draw/2"), "format"),
        (changed("announce", "protocol", to="zhunsheng/draw/2"), "format"),
        (changed("announce", to=lambda a: {k: v for k, v in a.items() if k != "not_before"}), "format"),
        (changed("announce", "n", "A", to=1.5), "format"),
        (changed("announce", "n", "A", to=True), "format"),
        (changed("execute", "fallback", to=1), "format"),
        (changed("execute", to=lambda e: {**e, "note": "x"}), "format"),
        (changed("selection", 0, "rank", to=0), "format"),
        (changed("announce", "legal_basis", to="国办发〔2015〕58号"), "announcement-hash"),
        (changed("announce", "n", to={**N, "A": 2}), "announcement-hash"),
        (changed("execute", "announcement_hash", to=hexchange), "announcement-hash"),
        (changed("open", "leaves", 0, to='{"id": "demo:T001","stratum":"A"}'), "leaves-canonical"),
        (changed("open", "leaves", 0, to='{"id":"demo:T001"}'), "leaves-canonical"),
        (changed("open", "leaves", 0, to='{"id":"uscc:91350100M000100Y44","stratum":"A"}'), "leaves-canonical"),
        (changed("open", "leaves", 0, to=7), "leaves-canonical"),
        (changed("open", "leaves", to=[]), "leaves-canonical"),
        (changed("open", "leaves", 0, to='"x"'), "leaves-canonical"),
        (changed("open", "leaves", 1, to='{"id":"demo:T001","stratum":"A"}'), "ids-unique"),
        (changed("open", "leaves", to=lambda leaves: [leaves[1], leaves[0], *leaves[2:]]), "order"),
        (changed("open", "leaves", 0, to='{"id":"demo:T000","stratum":"A"}'), "root"),
        (changed("open", "leaves", to=lambda leaves: leaves[:-1]), "root"),
        (changed("open", "leaves", to=lambda leaves: [*leaves, '{"id":"demo:T013","stratum":"D"}']), "root"),
        (changed("execute", "values", 0, "at", to="2023-08-22T23:59:59Z"), "time-order"),
        (changed("execute", "at", to="2023-08-23T01:30:01Z"), "time-order"),
        (changed("assign_announce", "at", to="2023-08-23T01:00:00Z"), "time-order"),
        (changed("assign_announce", "at", to="2023-08-23T16:00:00Z"), "time-order"),
        (changed("execute", "values", 0, "value", to=hexchange), "source-values"),
        (changed("execute", "values", 2, "value", to="4-2-6"), "source-values"),
        (changed("assign", "values", 0, "value", to=hexchange), "drand-signature"),
        (changed("assign", "values", 0, "evidence", "signature", to=hexchange), "drand-signature"),
        (changed("execute", "values", 2, "value", to="4-2-6-1-5-3-3-6-2-2"), "seed"),
        (changed("execute", "seed", to=hexchange), "seed"),
        (changed("selection", 0, "ticket", to=hexchange), "tickets"),
        (changed("selection", 0, "stratum", to="B"), "selection"),
        (changed("selection", to=lambda drawn: drawn[:-1]), "selection"),
        (changed("selection", to=lambda drawn: [*drawn, drawn[0]]), "selection"),
        (changed("selection", to=lambda drawn: [drawn[0], drawn[2], drawn[1], *drawn[3:]]), "selection"),
        (changed("selection", 0, "probability", to="1/3"), "probabilities"),
        (changed("selection", 0, "probability", to="2/8"), "probabilities"),
        (changed("assign_announce", "team_size", to=3), "constraints"),
        (changed("assign_announce", "steps", to=1), "constraints"),
        (changed("assign_announce", "targets", to=lambda targets: targets[:-1]), "constraints"),
        (changed("assign_announce", "inspectors", 1, "forbidden", to=[]), "constraints"),
        (changed("assign_announce", "start", 0, "lead", to="P06"), "constraints"),
        (changed("assign_announce", "nonce", to="0" * 64), "constraints"),
        (changed("assign", "constraints_hash", to=hexchange), "assignment"),
        (changed("assign", "seed", to=hexchange), "assignment"),
        (changed("assign", "teams", 0, "lead", to="P04"), "assignment"),
        (changed("assign", "teams", to=lambda teams: teams[:-1]), "assignment"),
        (changed("changes", 0, "in", to="P04"), "changes"),
        (changed("changes", 0, "out", to="P05"), "changes"),
        (changed("results", 0, "id", to="demo:T002"), "results"),
        (changed("results", to=lambda results: results * 2), "results"),
        (changed("results", 0, to={"id": "demo:T003"}), "results"),
        (changed("log", "root", to=hexchange), "log-inclusion"),
        (changed("log", "acts", 0, "index", to=2), "log-inclusion"),
        (changed("log", "acts", 1, "proof", 0, to=hexchange), "log-inclusion"),
        (changed("log", "acts", 1, "act", to="announce"), "log-inclusion"),
        (changed("log", "acts", 1, "act", to="abandon"), "log-inclusion"),
        (changed("log", "acts", to=lambda acts: acts[1:]), "log-inclusion"),
        (changed("results", 0, "code", to="05"), "log-inclusion"),
        (changed("execute", "values", 0, "evidence", "record", to="笔录第4页"), "log-inclusion"),
        (changed("log", "origin", to="demo.city/log2"), "digests"),
        (changed("digests", "open", to="0" * 64), "digests"),
        (changed("digests", "results", to=hexchange), "digests"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_change_fails_in_its_step(made, step):
    verdict = verify(made)
    assert not verdict.ok
    assert first_failure(verdict) == step, [(s.name, s.reason.text("en")) for s in verdict.steps if s.ok is False]
    for found in verdict.steps:
        assert found.reason.text("zh") and found.reason.text("en")
    assert (f"step {step}" in verdict.reason.text("en")) == (step != "format")


def test_what_rests_on_a_failed_step_is_not_judged():
    verdict = verify(changed("open", "leaves", 0, to="{}"))
    assert verdict.step("root").ok is None and verdict.step("selection").ok is None
    assert "leaves-canonical" in verdict.step("root").reason.text("en")
    assert verdict.step("announcement-hash").ok is True


@settings(max_examples=600, deadline=None)
@given(
    st.integers(0, len(GOOD) - 1),
    st.sampled_from(["replace", "insert", "delete"]),
    st.sampled_from(b'0123456789abcdefxyzABT:"{}[],. \\\n-+|=_\x00\xff') | st.integers(0, 255),
)
@example(GOOD.index(b'"A":1'), "replace", 0x22)
def test_one_changed_byte_anywhere_is_found(position, how, byte):
    tail = GOOD[position + 1 :] if how != "insert" else GOOD[position:]
    data = GOOD[:position] + (b"" if how == "delete" else bytes([byte])) + tail
    verdict = verify(data)
    try:
        same = canonical(parse_json(data)) == GOOD
    except LogError:
        same = False
        assert first_failure(verdict) == "format"
    assert verdict.ok == same


# what a careful forger would do


def test_swapping_an_unlucky_unit_fails_even_with_new_digests_and_proofs():
    made = changed("selection", 0, "id", to="demo:T001" if MADE["selection"][0]["id"] != "demo:T001" else "demo:T002")
    for name in ("assign_announce", "assign", "changes", "results"):
        made.pop(name)
    made["log"] = log_of(resealed({name: made[name] for name in made if name != "log"}))
    assert first_failure(verify(resealed(made))) == "tickets"


def test_redrawing_with_other_dice_gives_another_seed_and_another_record():
    """The ceremony's own record and the public log are what shows which dice fell: the file says so."""
    execution = execute(announce(), ceremony_values(dice="1-1-1-1-1-1-1-1-1-1"))
    made = bundle(announcement=announce(), frame=freeze(UNITS), execution=execution,
                  selection=select(freeze(UNITS), execution.seed, N))  # fmt: skip
    verdict = verify(made)
    assert verdict.ok and verdict.step("published-values").ok is None
    assert "1-1-1-1-1-1-1-1-1-1" in verdict.step("published-values").reason.text("en")
    # with the proofs of the true log the forged execution does not stand
    forged = resealed({**made, "log": MADE["log"]})
    assert first_failure(verify(forged)) == "log-inclusion"


def test_a_log_in_which_the_announcement_came_late_fails():
    late = log_of(MADE, ("execute", "announce", "selection", "assign_announce", "assign", "changes", "results"))
    verdict = verify(resealed({**MADE, "log": late}))
    assert first_failure(verdict) == "log-inclusion"
    assert verdict.step("log-inclusion").reason.code == "draw.verify.log_order"


def test_a_party_that_did_not_reveal_is_named():
    execution = execute(announce(), ceremony_values(secrets=("none", SECRETS[1])))
    verdict = verify(bundle(announcement=announce(), frame=freeze(UNITS), execution=execution,
                            selection=select(freeze(UNITS), execution.seed, N)))  # fmt: skip
    assert verdict.ok and verdict.step("commitments").ok is True and verdict.step("defaults").ok is None
    assert "ceremony:party-1=none" in verdict.step("defaults").reason.text("en")
    assert "party-2" not in verdict.step("defaults").reason.text("en")
    assert verify(whole()).step("defaults") is None


def test_drand_alone_leaves_nothing_to_compare():
    announced = announce(sources=[drand_source()], assignment=None, fallback=[])
    execution = execute(announced, [drand_value()])
    verdict = verify(bundle(announcement=announced, frame=freeze(UNITS), execution=execution,
                            selection=select(freeze(UNITS), execution.seed, N)))  # fmt: skip
    assert verdict.ok and {step.name for step in verdict.steps if not step.ok} == {
        "log-inclusion",
        "announced-when",
        "missing",
    }
    assert verdict.step("published-values") is None


def test_without_the_drand_package_the_check_fails_closed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "drand_verify", None)
    verdict = verify(GOOD)
    assert not verdict.ok and first_failure(verdict) == "drand-signature"
    assert "could not be checked" in verdict.step("drand-signature").reason.text("en")


# before, beside and after


def test_an_announced_draw_can_be_checked_before_there_is_a_seed():
    verdict = verify(bundle(announcement=announce(), frame=freeze(UNITS)))
    assert verdict.ok and verdict.outcome == "announced" and verdict.step("seed") is None


def test_an_abandoned_draw_says_so_with_its_reason():
    verdict = verify(whole(abandoned=True))
    assert verdict.ok and verdict.outcome == "abandoned"
    assert verdict.reason.text("en").startswith("ABANDONED") and "混入外市企业" in verdict.reason.text("zh")
    unexecuted = bundle(
        announcement=announce(), frame=freeze(UNITS), abandon=Abandonment("名单有误", "P00", NOT_BEFORE)
    )
    assert verify(unexecuted).outcome == "abandoned"
    early = bundle(
        announcement=announce(), frame=freeze(UNITS),
        abandon=Abandonment("名单有误", "P00", NOT_BEFORE.replace(year=2022)),
    )  # fmt: skip
    assert first_failure(verify(early)) == "time-order"


def test_what_people_type_is_made_one_line_before_it_is_published():
    """A reason over two lines must not forge a line of the verifier's answer."""
    typed = Abandonment("名单有误\r\nPASS  root\u3000见会议纪要 ", "市局\n负责人", NOT_BEFORE)
    assert typed.as_json()["reason"] == "名单有误 PASS root 见会议纪要"
    assert verify(bundle(announcement=announce(legal_basis="国发\n〔2019〕5号"), frame=freeze(UNITS), abandon=typed)).ok
    for odd in ("", " \n", "a\x1b[2Jb", "\u202eabc", "x" * 2001):
        with pytest.raises(DrawError):
            Abandonment(odd, "P00", NOT_BEFORE).as_json()
    made = bundle(announcement=announce(), frame=freeze(UNITS), abandon=typed)
    made["abandon"] = {**made["abandon"], "reason": "a\nPASS  root"}
    assert first_failure(verify(resealed(made))) == "format"


def test_a_fallback_is_shown_with_its_reason():
    late = NOT_BEFORE + timedelta(hours=50)
    values = [Value("lottery:ssq", "03-11-15-22-28-31+07", late), Value("lottery:dlt", "02-09-17-25-33+04-11", late)]
    execution = execute(announce(), values, fallback=1, fallback_reason="一方未到场")
    made = bundle(announcement=announce(), frame=freeze(UNITS), execution=execution,
                  selection=select(freeze(UNITS), execution.seed, N))  # fmt: skip
    verdict = verify(made)
    assert verdict.ok and "一方未到场" in verdict.step("fallback").reason.text("zh")
    assert verdict.step("fallback").ok is None
    compared = "lottery:ssq@2023099=03-11-15-22-28-31+07 (2023-08-25T03:00:00Z)"
    assert compared in verdict.step("published-values").reason.text("en")
    made["execute"]["fallback"] = 2
    assert first_failure(verify(made)) == "format"


# hostile files


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b"\xff\xfe",
        b"{" * 100_000,
        b"[" * 100_000,
        GOOD[:-1],
        GOOD + b"x",
        GOOD.replace(b'"protocol"', b'"protocol":1,"protocol"', 1),
        GOOD.replace(b'"A":1', b'"A":NaN', 1),
        GOOD.replace(b'"A":1', b'"A":1e400', 1),
        GOOD.replace(b'"A":1', b'"A":' + b"9" * 5000, 1),
        GOOD.replace(b'"A":1', b'"A":-1', 1),
        GOOD.replace(b'"A":1', b'"A":"1"', 1),
        GOOD.replace(b'"demo-2026-003"', b'"\\ud800"', 1),
        GOOD.replace(b'"2023-08-23T01:00:00Z"', b'"2023-08-23T25:00:00Z"', 1),
        GOOD.replace(b'"2023-08-23T01:00:00Z"', b'"2023-08-23T09:00:00+08:00"', 1),
        canonical({**MADE, "extra": 1}),
        canonical({name: MADE[name] for name in MADE if name != "digests"}),
        canonical({name: MADE[name] for name in MADE if name != "execute"}),
        canonical({name: MADE[name] for name in MADE if name not in ("execute", "selection")}),
    ],
    ids=range(23),
)
def test_a_file_that_is_no_bundle_is_refused_in_words(data):
    verdict = verify(data)
    assert (verdict.ok, verdict.outcome, verdict.draw) == (False, "unreadable", "")
    assert [step.name for step in verdict.steps] == ["format"]
    assert verdict.steps[0].reason.text("zh") and verdict.steps[0].reason.text("en")


def test_a_file_too_large_is_not_parsed(monkeypatch):
    import sys

    module = sys.modules[bundle_of.__module__]
    monkeypatch.setattr(module, "MAX_BUNDLE", 100)
    assert verify(GOOD).steps[0].reason.code == "draw.verify.too_large"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_json_in_place_of_any_part_is_refused_without_a_crash(data):
    """Deep or odd values anywhere give a verdict, never an exception."""
    made = copy.deepcopy(MADE)
    place = made
    for _ in range(data.draw(st.integers(1, 5))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key]:
            break
        parent, last, place = place, key, place[key]
    else:
        key, place = last, parent
    odd = data.draw(
        st.sampled_from(
            [None, True, 0, -1, 1.5, "", "x", "P01", [], {}, [[]], [None], {"id": 1}, "a|b", "\u0000", 2**53 - 1]
        )
    )
    if canonical(place[key]) == canonical(odd):
        return
    place[key] = odd
    assert not verify(canonical(made)).ok


# the second round


def test_the_second_round_may_fall_back_after_its_own_wait():
    lottery = (Source("lottery:ssq", {"issue": "2023099"}), Source("lottery:dlt", {"issue": "23099"}))
    announced = announce(fallback=[], assignment=rule(sources=ceremony(second=True), fallback=[Fallback(24, lottery)]))
    late = datetime(2023, 8, 24, 5, 30, tzinfo=UTC)  # a day after the constraints were closed
    values = (Value("lottery:ssq", "03-11-15-22-28-31+07", late), Value("lottery:dlt", "02-09-17-25-33+04-11", late))
    parts = carry_out(announced, freeze(UNITS), second=values)
    parts.changes = ()
    made = parts.bundle(log=False)
    # without a stated fallback these are not the announced sources
    assert first_failure(verify(made)) == "time-order" and not verify(made).step("source-values").ok
    made["assign"] |= {"fallback": 1, "fallback_reason": "信标取不到"}
    verdict = verify(resealed(made))
    assert verdict.ok and "信标取不到" in verdict.step("fallback").reason.text("zh")
    for value in made["assign"]["values"]:
        value["at"] = "2023-08-24T05:29:59Z"
    assert first_failure(verify(resealed(made))) == "time-order"


def test_a_second_round_is_required_and_cannot_come_first():
    def code(**given):
        with pytest.raises(DrawError) as refused:
            announce(assignment=rule(**given))
        return refused.value.code

    assert code(sources=()) == "draw.announce.no_sources"
    later = Fallback(24, (drand_source(1000 + 20 * 60 * 9),))  # nine hours after round 1000, not 24 after the draw
    assert code(sources=ceremony(second=True), fallback=(later,)) == "draw.announce.round_too_early"
    assert code(sources=(drand_source(),), steps_per_slot=19) == "draw.field.not_integer"
    assert code(sources=(drand_source(),), slack=-1) == "draw.field.not_integer"
    assert code(sources=(drand_source(),), steps_per_slot=10**9) == "draw.announce.too_many_steps"
    assert code(sources=(drand_source(),), team_size=21) == "draw.announce.team_too_large"
    weak = Fallback(24, (Source("ceremony:dice-3", {"rolls": 10}),))
    assert code(sources=ceremony(second=True), fallback=(weak,)) == "draw.announce.no_profile"


# the log


def test_what_grows_is_held_to_its_last_record():
    """Results come in over weeks and are recorded each time; the last record is of what stands in the file."""
    made = copy.deepcopy(MADE)
    earlier = {**made, "digests": made["digests"] | {"results": "e" * 64}}
    log = log_of(earlier)
    assert first_failure(verify(resealed({**made, "log": log}))) == "log-inclusion"
    both = log_of(
        made, ("announce", "execute", "selection", "assign_announce", "assign", "changes", "results", "results")
    )
    both_entries = [act["entry"] for act in both["acts"]]
    both_entries[-2]["data"]["results"] = "e" * 64
    from zhunsheng.engine.public_log import inclusion_proof, leaf_hash, tree_root

    leaves = [leaf_hash(canonical(entry)) for entry in both_entries]
    for number, act in enumerate(both["acts"]):
        act |= {"index": number, "proof": [node.hex() for node in inclusion_proof(leaves, number)]}
    both |= {"size": len(leaves), "root": tree_root(leaves).hex()}
    assert verify(resealed({**made, "log": both})).ok


def test_a_checkpoint_must_be_of_the_tree_that_proves():
    from zhunsheng.engine.public_log import Checkpoint, sign_checkpoint

    log = MADE["log"]
    log_key = Ed25519Signer(log["origin"], bytes(32))
    good = sign_checkpoint(Checkpoint(log["origin"], log["size"], bytes.fromhex(log["root"])), [log_key])
    assert verify(resealed({**MADE, "log": log | {"checkpoint": str(good)}})).ok
    for size, root in ((log["size"] + 1, log["root"]), (log["size"], "0" * 64)):
        bad = sign_checkpoint(Checkpoint(log["origin"], size, bytes.fromhex(root)), [log_key])
        assert first_failure(verify(resealed({**MADE, "log": log | {"checkpoint": str(bad)}}))) == "log-inclusion"
    assert first_failure(verify(resealed({**MADE, "log": log | {"checkpoint": "x"}}))) == "log-inclusion"


def test_constraints_recorded_after_the_assignment_fail():
    order = ("announce", "execute", "selection", "assign", "assign_announce", "changes", "results")
    verdict = verify(resealed({**MADE, "log": log_of(MADE, order)}))
    assert verdict.step("log-inclusion").reason.code == "draw.verify.log_order"


# signatures

PIN = PublicKey(SIGNER.name, SIGNER.alg, SIGNER.public_key)


def signed(made=MADE, signer=SIGNER, sections=("announce", "execute", "selection")):
    found = digests(made)
    signatures = sign(signer, made["announce"]["draw"], {name: found[name] for name in sections})
    return resealed({**made, "signatures": [one.as_json() for one in signatures]})


def test_a_signature_is_shown_with_its_key_and_judged_by_a_pinned_one():
    verdict = verify(signed())
    assert verdict.ok and verdict.step("signatures").ok is None
    assert str(PIN) in verdict.step("signatures").reason.text("zh")
    pinned = verify(signed(), [PIN])
    assert pinned.ok and pinned.step("signatures").ok is True
    assert "announce execute selection; by other" in pinned.step("signatures").reason.text("en")
    assert "not signed by the key given: assign_announce assign" in pinned.step("signatures").reason.text("en")


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (MADE, "draw.signature.not_by_pin"),
        (signed(sections=("execute",)), "draw.signature.not_by_pin"),
        (signed(signer=Ed25519Signer("someone.else", bytes(32))), "draw.signature.not_by_pin"),
        (signed(signer=Ed25519Signer(SIGNER.name, bytes(32))), "draw.signature.other_key"),
        (changed("signatures", 0, "sig", to=hexchange, of=signed()), "draw.signature.wrong"),
        (changed("signatures", 0, "section", to="execute", of=signed()), "draw.signature.wrong"),
        (changed("signatures", 0, "section", to="log", of=signed()), "draw.signature.no_section"),
        (changed("signatures", 0, "section", to="abandon", of=signed()), "draw.signature.no_section"),
    ],
)
def test_a_signature_that_is_not_the_office_s_fails(made, code):
    verdict = verify(made, [PIN])
    assert first_failure(verdict) == "signatures" and verdict.step("signatures").reason.code == code


def test_a_wrong_signature_fails_without_any_pin():
    assert first_failure(verify(changed("signatures", 0, "sig", to=hexchange, of=signed()))) == "signatures"
    assert first_failure(verify(changed("signatures", 0, "alg", to="rsa", of=signed()))) == "format"
    assert first_failure(verify(changed("signatures", 0, "key", to="00", of=signed()))) == "format"


def test_a_signature_that_cannot_be_checked_is_not_judged_and_never_passes_a_pin(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.exceptions", None)
    verdict = verify(signed())
    assert verdict.ok and verdict.step("signatures").ok is None
    assert "cryptography" in verdict.step("signatures").reason.text("en")
    assert first_failure(verify(signed(), [PIN])) == "signatures"


def test_an_sm2_device_signs_a_draw_of_the_sm3_suite(tmp_path):
    """The national profile: SM3 throughout, SM2 by a program outside, verified by a package of other authors."""
    from tests.engine.test_signing import sm2_signer

    signer = sm2_signer(tmp_path)
    made = signed(sealed(suite=SM3), signer, ("announce", "open"))
    pin = PublicKey(signer.name, signer.alg, signer.public_key)
    assert made["announce"]["suite"] == "sm3" and verify(made, [pin]).step("signatures").ok is True
    forged = changed("signatures", 0, "sig", to=hexchange, of=made)
    assert first_failure(verify(forged, [pin])) == "signatures"
