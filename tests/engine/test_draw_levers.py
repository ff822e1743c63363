"""Every way to bend a draw that a review found, tried again: refused, failed in its step, or named as not judged."""

import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from tests.engine.draw_sample import (
    ANNOUNCED_AT,
    CLOSED_AT,
    DAY,
    INSPECTORS,
    KEY,
    NOT_BEFORE,
    OPENED_AT,
    REVEALED_AT,
    ROUND_1000,
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
    sealed_frame,
    targets_of,
    whole,
)
from zhunsheng.engine.draw import (
    Abandonment,
    Fallback,
    Inspector,
    Source,
    Target,
    Value,
    announcement_hash,
    assign,
    assignment_seed,
    bundle,
    candidates,
    check_membership,
    commitment,
    constraints,
    constraints_hash,
    digests,
    directory_hash,
    execute,
    feasible,
    freeze,
    load_bounds,
    log_act,
    membership_proof,
    nonce,
    open_digest,
    section_digest,
    select,
    sign,
    specialities,
    substitute,
    verify,
)
from zhunsheng.engine.draw.history import check_history
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.identifiers import make_uscc
from zhunsheng.engine.public_log import (
    Checkpoint,
    Note,
    canonical,
    cosign_note,
    inclusion_proof,
    leaf_hash,
    note_key,
    open_checkpoint,
    sign_checkpoint,
    tree_root,
)
from zhunsheng.engine.signing import Ed25519Signer, PublicKey

FRAME = freeze(UNITS)
LOTTERY = (Source("lottery:ssq", {"issue": "2023099"}), Source("lottery:dlt", {"issue": "23099"}))
PIN = PublicKey(SIGNER.name, SIGNER.alg, SIGNER.public_key)


def refused(code, act, *args, **kwargs):
    with pytest.raises(ZhunshengError) as found:
        act(*args, **kwargs)
    assert found.value.code == code, found.value.text("en")
    assert found.value.text("zh")


def failing(made, *more):
    """The first step that fails, and the code of its reason."""
    verdict = verify(made, *more)
    step = next(step for step in verdict.steps if step.ok is False)
    return step.name, step.reason.code


def resealed(made, **more):
    made = {name: part for name, part in {**made, **more}.items() if part is not None}
    return made | {"digests": digests(made)}


def drawn(announced, values, **more):
    execution = execute(announced, values, **more)
    return bundle(announcement=announced, frame=FRAME, execution=execution, selection=select(FRAME, execution.seed, N))


# a01–a04: what is known is not mixed with what can still be chosen


@pytest.mark.parametrize(
    "free", [Source("ceremony:dice", {"rolls": 10}), Source("ceremony:balls", {"balls": 40, "draws": 6})]
)
@pytest.mark.parametrize("known", [(drand_source(),), LOTTERY])
def test_dice_beside_a_public_value_are_refused(free, known):
    code = "draw.announce.mechanical_and_outside"
    refused(code, announce, sources=[*known, free], fallback=[], assignment=None)
    refused(code, announce, fallback=[Fallback(48, (*known, free))], assignment=None)
    second = Source("ceremony:dice-2", {"rolls": 10})
    refused(code, announce, fallback=[], assignment=rule(sources=[*known, second]))


def test_a_party_without_commitment_or_default_is_refused_everywhere():
    for terms in ({}, {"commitment": "0" * 64}, {"default": "none"}):
        for sources in (
            [drand_source(), Source("ceremony:clerk", terms)],
            [Source("ceremony:clerk", terms), *ceremony()[1:]],
        ):
            refused("draw.field.missing", announce, sources=sources, fallback=[], assignment=None)
    made = copy.deepcopy(whole())
    del made["announce"]["sources"][0]["default"]
    assert verify(made).outcome == "unreadable"


def test_parties_beside_a_public_value_are_bound_by_their_commitments():
    promised = [
        Source(name, {"commitment": commitment("demo-2026-003", name, secret), "default": "none"})
        for name, secret in zip(("ceremony:party-1", "ceremony:party-2"), SECRETS, strict=True)
    ]
    announced = announce(sources=[drand_source(), *promised], fallback=[], assignment=None)
    values = [drand_value(), *ceremony_values(at=ROUND_1000)[:2]]
    assert verify(drawn(announced, values)).ok
    refused(
        "draw.value.not_committed", execute, announced, [*values[:2], Value(values[2].source, "x" * 30, ROUND_1000)]
    )


def test_dice_thrown_after_the_parties_revealed_are_refused():
    late = [*ceremony_values()[:2], replace(ceremony_values()[2], at=REVEALED_AT + timedelta(seconds=1))]
    refused("draw.execute.thrown_after", execute, announce(), late)
    early = [replace(one, at=one.at + timedelta(minutes=5)) for one in ceremony_values()[:2]]
    good = drawn(announce(), [*early, ceremony_values()[2]])
    assert verify(good).ok
    good["execute"]["values"][2]["at"] = good["execute"]["at"] = "2023-08-23T01:40:00Z"
    assert failing(good) == ("time-order", "draw.execute.thrown_after")


def test_whoever_did_not_reveal_is_named_and_there_are_few_who_could():
    made = drawn(announce(), ceremony_values(secrets=("none", SECRETS[1])))
    step = verify(made).step("defaults")
    assert step.ok is None and "ceremony:party-1=none" in step.reason.text("en")
    many = [
        Source(
            f"ceremony:p{n}", {"commitment": commitment("demo-2026-003", f"ceremony:p{n}", f"{n:032}"), "default": "x"}
        )
        for n in range(5)
    ]
    refused("draw.announce.too_many_parties", announce, sources=[*many, ceremony()[2]])
    dice = [Source(f"ceremony:dice-{n}", {"rolls": 10}) for n in range(17)]
    refused("draw.announce.too_many_sources", announce, sources=dice)


def test_dice_need_the_number_of_throws_announced():
    refused("draw.field.missing", announce, sources=[*ceremony()[:2], Source("ceremony:dice")])
    more = ceremony_values(dice="4-2-6-1-5-3-3-6-2-1-1")
    refused("draw.value.not_dice", execute, announce(), more)


# a02, d01: the second round is another round


def test_a_source_of_the_first_round_is_refused_in_the_second():
    one = drand_source()
    noted = Source(one.id, {**one.terms, "note": "again"})
    for second in (one, noted):
        refused("draw.announce.same_source", announce, sources=[one], fallback=[], assignment=rule(sources=[second]))
        refused(
            "draw.announce.same_source", announce, fallback=[Fallback(48, (one,))], assignment=rule(sources=[second])
        )
    refused("draw.announce.same_source", announce, sources=LOTTERY, fallback=[], assignment=rule(sources=LOTTERY))
    short = [Source("lottery:ssq", {"issue": "23099"}), Source("lottery:dlt", {"issue": "2023099"})]  # the same issues
    refused("draw.announce.same_source", announce, sources=LOTTERY, fallback=[], assignment=rule(sources=short))
    refused("draw.announce.same_source", announce, assignment=rule(sources=ceremony()))
    other = [Source("ceremony:dice-2", {"rolls": 10}), *ceremony()[:2]]
    renamed = [other[0], *(replace(p, terms={**p.terms, "default": "other"}) for p in other[1:])]
    refused("draw.announce.same_commitment", announce, assignment=rule(sources=renamed))
    twice = [ceremony()[0], Source("ceremony:party-2", dict(ceremony()[0].terms)), ceremony()[2]]
    refused("draw.announce.same_commitment", announce, sources=twice)


def test_what_was_revealed_in_the_first_round_opens_no_commitment_of_the_second():
    name, secret = "ceremony:party-1", SECRETS[0]
    first, second = commitment("d-1", name, secret), commitment("d-1", name, secret, second=True)
    assert first != second
    announced = announce(fallback=[], assignment=rule(sources=ceremony(second=True)))
    values = ceremony_values(at=CLOSED_AT + timedelta(hours=1), second=True)
    made = carry_out(announced, FRAME, second=values)
    made.changes = ()
    assert verify(made.bundle(log=False)).ok
    early = ceremony_values(at=CLOSED_AT + timedelta(minutes=59), second=True)
    made = carry_out(announced, FRAME, second=early)
    made.changes = ()
    assert failing(made.bundle(log=False)) == ("time-order", "draw.execute.too_early")


# a03: fallbacks


def test_fallbacks_are_few_and_none_where_there_is_no_need():
    refused(
        "draw.announce.needless_fallback",
        announce,
        sources=[drand_source()],
        fallback=[Fallback(1, LOTTERY)],
        assignment=None,
    )
    refused("draw.announce.needless_fallback", announce, fallback=[], assignment=rule(fallback=[Fallback(48, LOTTERY)]))
    many = [Fallback(hours, (Source("lottery:ssq", {"issue": f"2023{hours:03}"}), Source("lottery:dlt", {"issue": f"23{hours:03}"})))
            for hours in (1, 2, 3)]  # fmt: skip
    refused("draw.announce.too_many_fallbacks", announce, fallback=many)
    late = NOT_BEFORE + timedelta(hours=48)
    values = [Value("lottery:ssq", "03-11-15-22-28-31+07", late), Value("lottery:dlt", "02-09-17-25-33+04-11", late)]
    step = verify(drawn(announce(), values, fallback=1, fallback_reason="内网无法访问")).step("fallback")
    assert step.ok is None and "内网无法访问" in step.reason.text("zh")


# a05: back-dating


def test_when_it_was_announced_is_never_passed_on_the_file_s_own_word():
    for made in (whole(), sealed(), drawn(announce(), ceremony_values())):
        step = verify(made).step("announced-when")
        assert step.ok is None and announcement_hash(made["announce"]) in step.reason.text("en")


def witnessed(time, made=None):
    """The announced draw in a log whose checkpoint a witness signed at that second."""
    made = made or bundle(announcement=announce(), frame=FRAME)
    log = log_of(made, ("announce",))
    key, witness = Ed25519Signer(log["origin"], b"\1" * 32), Ed25519Signer("witness.one", b"\2" * 32)
    note = sign_checkpoint(Checkpoint(log["origin"], log["size"], bytes.fromhex(log["root"])), [key])
    note = Note(note.text, (*note.signatures, cosign_note(note.text, witness, time)))
    return resealed(made, log=log | {"checkpoint": str(note)}), note_key(witness, witness=True)


def test_a_witness_that_saw_the_log_in_time_dates_the_announcement():
    before = int(NOT_BEFORE.timestamp())
    made, key = witnessed(before - 1)
    step = verify(made, (), [key]).step("announced-when")
    assert step.ok is True and "witness.one" in step.reason.text("en")
    assert verify(made).step("announced-when").ok is None  # nobody said whom to believe
    late, key = witnessed(before)
    assert verify(late, (), [key]).step("announced-when").ok is None
    other = note_key(Ed25519Signer("witness.one", b"\3" * 32), witness=True)
    assert verify(made, (), [other]).step("announced-when").ok is None
    # who knows the time does not believe a witness from the future
    assert failing(made, (), [key], NOT_BEFORE - timedelta(hours=1)) == ("announced-when", "draw.verify.in_future")
    forged = resealed(
        made, log=made["log"] | {"checkpoint": made["log"]["checkpoint"].replace("witness.one ", "witness.one A")}
    )
    assert not verify(forged, (), [key]).ok or verify(forged, (), [key]).step("announced-when").ok is None


def test_what_is_dated_after_now_is_refused():
    assert verify(whole(), now=datetime(2026, 1, 1, tzinfo=UTC)).ok
    assert failing(whole(), (), (), REVEALED_AT - timedelta(hours=1)) == ("time-order", "draw.verify.in_future")


# a06, a07, a10: nothing of a sealed draw can be guessed from its digests


def test_the_digests_of_a_sealed_draw_are_hidden_with_its_key():
    closed, opened = sealed(opened=False), sealed()
    for name in ("selection", "assign", "changes"):
        plain = section_digest("demo-2026-003", name, opened[name])
        assert closed["withheld"][name] == section_digest("demo-2026-003", name, opened[name], KEY) != plain
        act = next(one for one in closed["log"]["acts"] if one["act"] == name)
        assert act["entry"]["data"][name] == closed["withheld"][name]
    data = canonical(closed).decode()
    guesses = [section_digest("demo-2026-003", name, opened[name]) for name in ("selection", "assign", "changes")]
    assert not any(guess in data for guess in guesses)


def test_an_opening_that_is_dated_back_breaks_the_digest():
    late = sealed(at=datetime(2024, 3, 1, tzinfo=UTC))
    assert verify(late).step("opened").ok is None
    late["open"]["at"] = "2023-09-20T01:00:00Z"
    assert failing(late) == ("log-inclusion", "draw.verify.log_other_content")
    at = OPENED_AT + timedelta(seconds=1)
    assert open_digest("0" * 64, 1, KEY, OPENED_AT) != open_digest("0" * 64, 1, KEY, at)
    refused("draw.field.missing", open_digest, "0" * 64, 1, KEY)


# a08, a09: an entry of the log proves what it is an entry of, and nothing else


def rewritten(made, change):
    """The bundle with its log entries changed by `change`, and proofs that hold for them."""
    log = copy.deepcopy(made["log"])
    entries = [act["entry"] for act in log["acts"]]
    for entry in entries:
        change(entry)
    leaves = [leaf_hash(canonical(entry)) for entry in entries]
    for number, act in enumerate(log["acts"]):
        act |= {"index": number, "proof": [node.hex() for node in inclusion_proof(leaves, number)]}
    return resealed(made, log=log | {"size": len(leaves), "root": tree_root(leaves).hex()})


def on(kind, /, **change):
    def act(entry):
        if entry["kind"] == kind:
            for key, value in change.items():
                entry[key] = value(entry) if callable(value) else value

    return act  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (on("draw.announce", kind="directory.remark"), "draw.verify.log_other_kind"),
        (on("draw.announce", subject="draw:demo-2026-004"), "draw.verify.log_other_kind"),
        (on("draw.execute", kind="draw.abandon"), "draw.verify.log_other_kind"),
        (on("draw.announce", data=lambda e: {"x": [e["data"]["announce"], "e" * 64]}), "draw.verify.log_other_content"),
        (on("draw.announce", data=lambda e: {"announcement": e["data"]["announce"]}), "draw.verify.log_other_content"),
        (on("draw.close_list", data=lambda e: {"announce": e["data"]["assign_announce"]}), "draw.verify.log_other_content"),
        (on("draw.announce", data="x"), "draw.field.not_object"),
        (on("draw.announce", at="2023-08-22T01:00:01Z"), "draw.verify.logged_late"),
        (on("draw.close_list", at="2023-08-23T15:00:00Z"), "draw.verify.logged_late"),
        (on("draw.announce", at=None), "draw.verify.log_no_time"),
    ],
)  # fmt: skip
def test_a_log_entry_of_another_act_proves_nothing(change, code):
    assert verify(rewritten(whole(), lambda entry: None)).ok
    assert failing(rewritten(whole(), change)) == ("log-inclusion", code)


@pytest.mark.parametrize("act", ["announce", "execute", "selection", "assign_announce", "assign", "changes"])
def test_every_section_has_its_entry(act):
    order = [
        name for name in ("announce", "execute", "selection", "assign_announce", "assign", "changes") if name != act
    ]
    made = resealed(whole(), log=log_of(whole(), order))
    assert failing(made) == ("log-inclusion", "draw.verify.log_missing")
    hidden = sealed(opened=False)
    assert failing(resealed(hidden, log=log_of(hidden, order))) == ("log-inclusion", "draw.verify.log_missing")


def test_the_opening_and_complete_results_have_their_entries():
    order = ("announce", "execute", "selection", "assign_announce", "assign", "changes")
    assert verify(resealed(whole(), log=log_of(whole(), order))).ok  # results are still coming in
    assert failing(resealed(sealed(), log=log_of(sealed(), order))) == ("log-inclusion", "draw.verify.log_missing")
    made = whole()
    every = [{"id": unit, "code": "1"} for unit in sorted({one["id"] for one in made["selection"]})]
    complete = resealed(made, results=every, log=None)
    assert failing(resealed(complete, log=log_of(complete, order))) == ("log-inclusion", "draw.verify.log_missing")
    assert verify(resealed(complete, log=log_of(complete, (*order, "results")))).ok


def test_what_is_recorded_is_said_by_the_engine():
    assert log_act("changes") == ("team.replace", "changes") and log_act("announce") == ("draw.announce", "announce")
    refused("draw.verify.log_unknown_act", log_act, "withheld")


def test_an_opened_draw_must_show_what_it_had_withheld():
    frame = sealed_frame()
    announced = announce(frame=frame, open_by=date(2023, 9, 20))
    parts = carry_out(announced, frame)
    parts.opened_at = OPENED_AT
    made = parts.bundle(log=False)
    assert verify(made).ok
    assert failing(resealed(made, withheld=None)) == ("format", "draw.field.missing")
    for name in ("assign_announce", "assign", "changes"):
        held = {key: value for key, value in made["withheld"].items() if key != name}
        assert failing(resealed(made, withheld=held)) == ("format", "draw.field.missing")
    # other constraints than were withheld, closed after the second value was known
    people = [replace(p, certificate_to=date(2027, 1, 2)) if p.number == "P06" else p for p in INSPECTORS]
    other = constraints(
        targets_of(frame, parts.selection), people, on=DAY, at=CLOSED_AT, nonce=nonce(KEY, "demo-2026-003")
    )
    seed2 = assignment_seed(announcement_hash(announced), constraints_hash(other.as_json()), [drand_value()])
    parts.constraints, parts.assignment, parts.changes = other, assign(other, seed2, values=[drand_value()]), ()
    forged = parts.bundle(log=False)
    assert failing(forged) == ("constraints", "draw.assign.other_directory")
    assert failing(resealed(forged, withheld=made["withheld"])) == ("constraints", "draw.assign.other_directory")


# a11, a12: who is free to decide what, between the two seeds


def closed_with(people=INSPECTORS, targets=None, announced=None, **more):
    announced = announced or announce()
    parts = carry_out(announced, FRAME, assigned=False)
    wanted = targets or targets_of(FRAME, parts.selection)
    parts.constraints = constraints(wanted, people, on=DAY, at=CLOSED_AT, **more)
    return parts.bundle(log=False)


def test_a_speciality_invented_for_one_target_fails():
    parts = carry_out(announce(), FRAME, assigned=False)
    first, *rest = targets_of(FRAME, parts.selection)
    made = closed_with(targets=[Target(first.id, "特种设备"), *rest])
    assert failing(made)[0] == "constraints" and "speciality" in verify(made).step("constraints").reason.text("en")


def test_people_who_are_not_the_announced_directory_fail():
    for people in (
        INSPECTORS[:4],
        (*INSPECTORS, Inspector("P07", date(2027, 1, 1))),
        [replace(p, specialities=p.specialities | {"食品"}) if p.number == "P06" else p for p in INSPECTORS],
        [replace(p, certificate_to=date(2028, 1, 1)) if p.number == "P04" else p for p in INSPECTORS],
    ):
        assert failing(closed_with(people=people)) == ("constraints", "draw.assign.other_directory")
    assert directory_hash(INSPECTORS) == directory_hash(reversed(INSPECTORS))


def test_the_directory_must_be_announced():
    made = announce()
    del made["assignment"]["directory"]
    refused("draw.field.missing", execute, made, ceremony_values())
    made = announce()
    del made["assignment"]["slack"]
    refused("draw.field.missing", execute, made, ceremony_values())


def test_bounds_recusals_leave_and_places_for_one_are_said():
    parts = carry_out(announce(), FRAME, assigned=False)
    wanted = targets_of(FRAME, parts.selection)
    people = [replace(p, forbidden=()) for p in INSPECTORS]
    usual = load_bounds(wanted, people, on=DAY, slack=1)
    said = verify(closed_with(people=usual)).step("assignment-freedom")
    assert said.ok is None
    assert said.reason.params == {"bounds": "–", "forced": 0, "places": 12, "forbidden": "–", "away": "P04 P05"}
    first = next(target for target in wanted if not target.speciality)
    barred = [p if p.number in ("P01", "P02") else replace(p, forbidden=((first.id, "rotation"),)) for p in people]
    assert not feasible(wanted, barred, on=DAY)
    said = verify(closed_with(people=barred)).step("assignment-freedom").reason
    assert said.params["forbidden"] == "rotation=4" and "P01 P02" in said.text("zh")
    alone = [p if p.number == "P01" else replace(p, forbidden=tuple((t.id, "recusal") for t in wanted if t.speciality)[:1])
             if p.number == "P02" else p for p in people]  # fmt: skip
    assert verify(closed_with(people=alone)).step("assignment-freedom").reason.params["forced"] == 1


def test_too_few_steps_are_refused():
    refused("draw.field.not_integer", announce, assignment=rule(steps_per_slot=19))
    assert announce(assignment=rule(steps_per_slot=20))["assignment"]["steps_per_slot"] == 20


# a13, a14: proofs and pins


def test_a_proof_of_another_frame_shows_another_announcement():
    real = announce()
    forged_frame = freeze([*UNITS, {"id": "demo:VICTIM", "stratum": "A"}])
    proof = membership_proof(announce(frame=forged_frame), forged_frame, "demo:VICTIM")
    said = check_membership(proof).step("root-published").reason.text("en")
    assert announcement_hash(real) not in said and announcement_hash(proof["announcement"]) in said
    assert not check_membership(proof | {"announcement": real}).ok
    assert not check_membership(proof | {"announcement_hash": announcement_hash(real)}).ok


def test_signatures_by_others_do_not_count_beside_a_pin():
    made = resealed(whole(), log=None)
    stranger = Ed25519Signer("someone.else", b"\1" * 32)
    found = made["digests"]
    both = sign(SIGNER, "demo-2026-003", {"announce": found["announce"]})
    both += sign(stranger, "demo-2026-003", {name: found[name] for name in ("execute", "selection", "assign")})
    signed = resealed(made, signatures=[one.as_json() for one in both])
    said = verify(signed, [PIN]).step("signatures")
    assert said.ok is True and said.reason.params["sections"] == "announce"
    assert "execute (someone.else+" in said.reason.params["others"]
    assert said.reason.params["unsigned"].split() == [
        "execute", "selection", "assign_announce", "assign", "changes", "open", "results",
    ]  # fmt: skip
    bare = verify(signed).step("signatures")
    assert bare.ok is None and bare.reason.params["unsigned"].split() == [
        "assign_announce",
        "changes",
        "open",
        "results",
    ]
    many = resealed(made, signatures=[one.as_json() for one in both[:1] * 101])
    assert failing(many) == ("format", "draw.signature.too_many")


# a15: names


def test_one_firm_under_both_its_codes_is_refused():
    code = make_uscc("91", "350100", "M000100Y")
    units = [{"id": f"uscc:{code}", "stratum": "A"}, {"id": f"org:{code[8:17]}", "stratum": "A"}]
    refused("draw.frame.same_firm", freeze, units)
    lines = [canonical(unit).decode() for unit in sorted(units, key=lambda unit: unit["id"])]
    good = freeze(units[:1])
    root = tree_root([leaf_hash(line.encode()) for line in lines]).hex()
    announced = announce(frame=good, n={"A": 1}, assignment=None) | {
        "frame": {"root": root, "size": 2},
        "N": {"A": 2},
        "n": {"A": 1},
    }
    made = resealed({"protocol": announced["protocol"], "announce": announced, "open": {"leaves": lines}})
    assert failing(made) == ("ids-unique", "draw.frame.same_firm")
    other = make_uscc("91", "350100", "M000100X")
    assert freeze([{"id": f"uscc:{other}", "stratum": "A"}, units[1]]).size == 2


def test_ids_without_check_digits_are_counted():
    step = verify(bundle(announcement=announce(), frame=FRAME)).step("ids-unique")
    assert step.ok is True and step.reason.params["unchecked"] == 12 and "12 of the ids" in step.reason.text("en")
    frame = freeze([{"id": f"uscc:{make_uscc('91', '350100', 'M000100Y')}", "stratum": "A"}])
    made = bundle(announcement=announce(frame=frame, n={"A": 1}), frame=frame)
    assert verify(made).step("ids-unique").reason.code == "draw.verify.ids_unique"


def test_names_have_no_outer_spaces_and_numbers_of_draws_one_form():
    refused("draw.field.bad_text", freeze, [{"id": "demo:1", "stratum": "A "}])
    refused("draw.field.bad_text", freeze, [{"id": "demo:1", "stratum": " A"}])
    for number in ("x", "x ", "x 1", "-1", "", "a" * 40 + "1", "抽1", "1\n", "2026-001b"):
        refused("draw.field.not_draw_number", announce, draw=number, sources=LOTTERY, assignment=None, fallback=[])
    for number in ("1", "A.b_c-1", "a" * 39 + "1"):
        assert announce(draw=number, sources=LOTTERY, assignment=None, fallback=[])["draw"] == number


# a18: given up when the outcome could be known


def test_an_abandonment_after_the_fact_is_never_a_plain_one():
    for at, late in ((NOT_BEFORE - timedelta(seconds=1), False), (NOT_BEFORE, True)):
        verdict = verify(bundle(announcement=announce(), frame=FRAME, abandon=Abandonment("名单有误", "P00", at)))
        assert verdict.ok and verdict.outcome == "abandoned"
        assert ("AFTER THE SEED COULD BE KNOWN" in verdict.reason.text("en")) == late
    assert "AFTER THE SEED" in verify(whole(abandoned=True)).reason.text("en")


def act(kind, number, at="2026-01-01T00:00:00Z", **data):
    return {"kind": kind, "subject": f"draw:{number}", "at": at, "data": data}


def first(number="c-2026-001", mode="open", **more):
    return act("draw.announce", number, announce="a", plan="p", mode=mode, not_before="2026-01-02T00:00:00Z", **more)


@pytest.mark.parametrize(
    ("entries", "codes"),
    [
        ([act("draw.abandon", "c-2026-001", at="2026-01-01T23:59:59.5+00:00")], []),
        ([act("draw.abandon", "c-2026-001", at="2026-01-02T00:00:00Z")], ["history.abandoned_late"]),
        ([act("draw.abandon", "c-2026-001", at="some day")], ["history.abandoned_late"]),
        ([act("draw.execute", "c-2026-001", announcement="a"), act("draw.abandon", "c-2026-001")], ["history.abandoned_late"]),
    ],
)  # fmt: skip
def test_the_history_names_draws_given_up_too_late(entries, codes):
    found = check_history([first(), *entries])
    assert [one.code for one in found.suspicious] == codes and not found.problems
    assert found.ok == (not codes) and [one.code for one in found.concerns("c-2026-001", "a")] == codes


def test_a_sealed_draw_that_is_given_up_must_be_opened():
    entries = [first(mode="sealed"), act("draw.abandon", "c-2026-001")]
    assert [one.code for one in check_history(entries).suspicious] == ["history.abandoned_unopened"]
    assert check_history([*entries, act("draw.open", "c-2026-001")]).ok


# a20: witnesses


def test_a_witness_who_signs_twice_is_one_witness():
    log, one = Ed25519Signer("city/log", b"\1" * 32), Ed25519Signer("w", b"\2" * 32)
    note = sign_checkpoint(Checkpoint("city/log", 5, bytes(32)), [log])
    twice = Note(note.text, (*note.signatures, cosign_note(note.text, one, 7), cosign_note(note.text, one, 3)))
    opened = open_checkpoint(str(twice).encode(), "city/log", [note_key(log), note_key(one, witness=True)])
    assert [found.time for found in opened.by_witnesses] == [3]


# d01: what else was found


def test_a_lottery_issue_is_a_number_that_can_be_looked_up():
    for issue in ("next one", "1", "20230991", "２０２３０９９"):
        bad = [Source("lottery:ssq", {"issue": issue}), LOTTERY[1]]
        refused("draw.source.bad_issue", announce, sources=bad, fallback=[], assignment=None)
    announced = announce(sources=LOTTERY, fallback=[], assignment=None)
    values = [
        Value("lottery:ssq", "03-11-15-22-28-31+07", REVEALED_AT),
        Value("lottery:dlt", "02-09-17-25-33+04-11", REVEALED_AT),
    ]
    said = verify(drawn(announced, values)).step("published-values").reason.text("en")
    assert "lottery:ssq@2023099=03-11-15-22-28-31+07 (2023-08-23T01:30:00Z)" in said and "date of the issue" in said


def test_substitutions_are_counted_and_none_is_before_the_teams_exist():
    parts = carry_out(announce(), FRAME)
    closed, made = parts.constraints, parts.assignment
    team = made.teams[0]
    order = candidates(closed, made.seed, team, team.lead)
    passed = [(order[0], "不便")] if len(order) > 1 else []
    change = substitute(closed, made.seed, team, team.lead, reason="出差", at=ROUND_1000, passed=passed)
    parts.changes = (change,)
    said = verify(parts.bundle(log=False)).step("substitutions")
    assert said.ok is None and said.reason.params == {"count": 1, "units": 1, "passed": len(passed)}
    parts.changes = (replace(change, at=ROUND_1000 - timedelta(seconds=1)),)
    assert failing(parts.bundle(log=False)) == ("changes", "draw.changes.out_of_time")


def test_what_was_announced_and_is_not_there_is_said():
    step = verify(drawn(announce(), ceremony_values())).step("missing")
    assert step.ok is None and step.reason.params["sections"] == "assign results"
    assert verify(sealed(opened=False)).step("missing").reason.params["sections"] == "open results"
    assert verify(whole()).step("missing") is None
    assert verify(bundle(announcement=announce(), frame=FRAME)).step("missing") is None


def test_an_announced_ratio_decides_the_numbers():
    ratio = {"A": Fraction(1, 4), "B": Fraction(1, 2)}
    said = announce(ratio=ratio)
    assert said["ratio"] == {"A": "1/4", "B": "1/2"}
    made = bundle(announcement=said, frame=FRAME)
    assert verify(made).ok and "A=1/4" in verify(made).step("n").reason.text("en")
    refused("draw.n.not_by_ratio", announce, ratio={"A": Fraction(1, 2)})
    refused("draw.n.unknown_stratum", announce, ratio={"Z": Fraction(1, 2)})
    for bad in ("2/8", "0/1", "5/4", "1", "1/04", "0.5", 1):
        assert verify({**made, "announce": said | {"ratio": {"A": bad}}}).outcome == "unreadable"
    made["announce"] = said | {"ratio": {"A": "1/2"}}
    assert failing(resealed(made)) == ("n", "draw.n.not_by_ratio")


def test_the_lead_s_speciality_is_that_of_the_lists_that_drew_the_unit():
    units = [
        {
            "id": f"demo:{n}",
            "food.stratum": "A",
            "food.speciality": "食品",
            "fire.stratum": "B",
            "fire.speciality": "消防+电气",
        }
        for n in range(4)
    ]
    frame = freeze(units, lists=("food", "fire"))
    found = specialities(frame, select(frame, "5e" * 32, {"fire/B": 4, "food/A": 1}))
    assert sorted(found.values()) == ["消防+电气"] * 3 + ["消防+电气+食品"]
    for bad in ("b+a", "a+a", "a|b", "+a", "a ", 7):
        with pytest.raises(DrawError):
            freeze([{"id": "demo:1", "stratum": "A", "speciality": bad}])
    refused(
        "draw.frame.not_on_list",
        freeze,
        [{"id": "demo:1", "food.stratum": "A", "fire.speciality": "x"}],
        lists=("food", "fire"),
    )
    refused(
        "draw.frame.unknown_list",
        freeze,
        [{"id": "demo:1", "food.stratum": "A", "speciality": "x"}],
        lists=("food", "fire"),
    )


# b01, b02, b04: hostile files


def patched(*path, to):
    made = copy.deepcopy(whole())
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return made


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2201-01-01T00:00:00Z",
                                "２０２３-08-23T01:00:00Z"])  # fmt: skip
@pytest.mark.parametrize("path", [("announce", "not_before"), ("announce", "announced_at"), ("assign_announce", "at"),
                                  ("execute", "values", 0, "at"), ("execute", "at"), ("assign", "values", 0, "at")])  # fmt: skip
def test_a_moment_outside_the_years_of_the_protocol_is_refused(path, at):
    assert verify(patched(*path, to=at)).outcome == "unreadable"


@pytest.mark.parametrize("day", ["2023-W38-3", "20230920", "２０２３-09-20", "9999-12-31", "2023-9-20"])
def test_a_day_has_one_form(day):
    made = sealed()
    made["announce"]["seal"]["open_by"] = day
    assert verify(made).outcome == "unreadable"
    assert failing(patched("assign_announce", "on", to=day)) == ("constraints", "draw.field.not_date")


def test_no_fraction_stands_anywhere_in_a_bundle():
    for number in (b"1.5", b"1e3", b"1.0", b"100000000000000000000", b"1." + b"7" * 100_000, b"1e" + b"9" * 100_000):
        data = canonical(whole()).replace(b'"results":[{', b'"results":[{"score":' + number + b",", 1)
        assert verify(data).outcome == "unreadable"


def test_a_long_head_is_not_parsed(monkeypatch):
    import sys

    from zhunsheng.engine.draw import scan

    module = sys.modules[bundle.__module__]
    size = len(canonical(whole()))
    monkeypatch.setattr(module, "MAX_HEAD", size // 2)
    monkeypatch.setattr(scan, "MAX_HEAD", size // 2)
    assert failing(canonical(whole())) == ("format", "draw.verify.head_too_large")


def test_lists_of_a_bundle_are_bounded():
    acts = whole()["log"]["acts"]
    assert failing(resealed(whole(), log=whole()["log"] | {"acts": acts * 200})) == (
        "log-inclusion",
        "draw.verify.too_many_acts",
    )
    units = [{"id": f"demo:{n:05}", "stratum": f"s{n}"} for n in range(10_001)]
    refused("draw.frame.too_many_strata", freeze, units)
    strata = {f"s{n}": 1 for n in range(10_001)}
    assert verify(patched("announce", "N", to=strata)).outcome == "unreadable"
    targets, people = (
        [Target(f"demo:{n}") for n in range(20_001)],
        [Inspector(f"P{n}", date(2027, 1, 1)) for n in range(5_000)],
    )
    refused("draw.assign.too_many_pairs", feasible, targets, people, on=DAY)
    refused("draw.assign.bad_steps", constraints, [Target(f"demo:{n}") for n in range(5_000)], people[:40], on=DAY, at=CLOSED_AT,
            steps_per_slot=1000)  # fmt: skip


def test_leave_without_an_end_can_be_published():
    away = replace(INSPECTORS[0], leave=((date.min, date.max),))
    closed = constraints([Target("demo:1")], [away, *INSPECTORS[1:3]], on=DAY, at=CLOSED_AT)
    assert closed.as_json()["inspectors"][0]["leave"] == [["2000-01-01", "2200-12-31"]]
    assert ANNOUNCED_AT < NOT_BEFORE
