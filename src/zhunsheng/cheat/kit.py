"""Pulls levers, and sees who notices."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass

from zhunsheng.cheat.levers import LEVERS, Lever, Shown
from zhunsheng.cheat.scene import Scene, Section, around, signer
from zhunsheng.engine import draw
from zhunsheng.engine.draw.history import check_history
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.signing import PublicKey
from zhunsheng.engine.words import Reason


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came of pulling a lever.

    caught: whether it was noticed. by: the step of the verifier or the code of the alarm that noticed it first, "" if
    nobody did. reason: what they say. shown: the bundle or proof that the public was shown, None where it is the log.
    """

    lever: Lever
    caught: bool
    by: str
    reason: Reason
    shown: Section | None = None

    @property
    def as_expected(self) -> bool:
        """Whether it was noticed by whom it should be."""
        return self.caught and self.by == self.lever.catches


def pull(lever: Lever, scene: Scene) -> Pulled:
    """Pulls one lever on a copy of the scene."""
    mine = deepcopy(scene)
    shown = lever.pull(mine)
    if shown == "mirror":
        followed = mine.mirror.follow(mine.log.files())
        return Pulled(lever, not followed.ok, "" if followed.ok else followed.reason.code, followed.reason)
    if shown == "history":
        found = check_history(mine.log.entries)
        problems = (*found.problems, *found.suspicious)
        first = problems[0] if problems else Reason("cheat.nobody")
        return Pulled(lever, bool(problems), first.code if problems else "", first)
    if shown in ("guessed", "not guessed"):
        failed = shown == "not guessed"
        return Pulled(
            lever, failed, lever.catches if failed else "", Reason(f"cheat.{'not_' if failed else ''}guessed")
        )
    made = _part(mine, shown)
    key = signer()
    pins = [PublicKey(key.name, key.alg, key.public_key)] if lever.watch == "pinned" else []
    verdict = draw.verify(made, pins)
    step = next((one for one in verdict.steps if one.ok is False), None)
    if step is None and lever.told:
        step, usual = verdict.step(lever.catches), draw.verify(_part(scene, shown), pins).step(lever.catches)
        if step is not None and usual is not None and step.reason == usual.reason:
            step = None  # it says what it says of every draw
    if step is None:
        return Pulled(lever, False, "", verdict.reason, made)
    return Pulled(lever, True, step.name, step.reason, made)


def _part(scene: Scene, shown: Shown) -> Section:
    return {
        "open": scene.open, "sealed": scene.sealed, "closed": scene.closed, "given_up": scene.given_up, "proof": scene.proof,
    }[shown]  # fmt: skip


def pull_all(scene: Scene, levers: Iterable[Lever] = tuple(LEVERS.values())) -> tuple[Pulled, ...]:
    """Pulls every lever, each on a fresh copy."""
    return tuple(pull(lever, scene) for lever in levers)


def pull_on(made: Section, levers: Iterable[Lever]) -> tuple[Pulled, ...]:
    """Pulls on a bundle from elsewhere what can be pulled there: levers that touch neither its log nor its keys, and
    whose sections it has. The others are left out. Nothing but the verifier watches."""
    found = []
    for lever in levers:
        if (
            lever.watch != "verify"
            or lever.told
            or not lever.portable
            or lever.catches in ("log-inclusion", "signatures")
        ):
            continue
        try:
            one = pull(lever, around(made))
        except (LookupError, StopIteration, ZhunshengError):
            continue
        if one.shown and one.shown != made:
            found.append(one)
    return tuple(found)


def honest_problems(scene: Scene) -> tuple[str, ...]:
    """What the watchers say of the untouched scene: nothing, or the kit proves nothing."""
    said: list[str] = []
    for name, made in (
        ("open", scene.open),
        ("sealed", scene.sealed),
        ("closed", scene.closed),
        ("proof", scene.proof),
    ):
        verdict = draw.verify(made)
        said += [f"{name}: {step.name}" for step in verdict.steps if step.ok is False]
    found = check_history(scene.log.entries)
    said += [problem.code for problem in (*found.problems, *found.suspicious)]
    try:
        followed = deepcopy(scene.mirror).follow(scene.log.files())
        said += [] if followed.ok else [followed.reason.code]
    except ZhunshengError as error:
        said.append(error.code)
    return tuple(said)
