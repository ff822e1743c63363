"""The only writers of matters."""

from zhunsheng.web.matters.actions.disclosing import classify, correct, end_expired, withdraw
from zhunsheng.web.matters.actions.handling import (
    add_document,
    add_party,
    capture,
    hand_over,
    link,
    receive,
    reveal,
    set_follow_code,
)
from zhunsheng.web.matters.actions.stepping import Paper, advance_clock, open_matter, recount, take

__all__ = [
    "Paper", "add_document", "add_party", "advance_clock", "capture", "classify", "correct", "end_expired", "hand_over", "link",
    "open_matter", "receive", "recount", "reveal", "set_follow_code", "take", "withdraw",
]  # fmt: skip
