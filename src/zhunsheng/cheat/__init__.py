"""The adversary kit 舞弊演练: every lever known by which an organiser could bend a draw, pulled on a copy of an honest one.

    scene.py     the honest draws, their public log, and the copy of the log that somebody else keeps
    hand.py      the organiser's hand: changes what was published and computes everything again that follows from it
    levers.py    the levers, one function each
    kit.py       pulls them and sees who notices: a step of the verifier, the copy of the log, or the history of draws

A lever that is found later is added to levers.py first. docs/rules/cheat.md says what closes each.
"""

from zhunsheng.cheat.kit import Pulled, pull, pull_all
from zhunsheng.cheat.levers import LEVERS, Lever
from zhunsheng.cheat.scene import Scene, honest

__all__ = ["LEVERS", "Lever", "Pulled", "Scene", "honest", "pull", "pull_all"]
