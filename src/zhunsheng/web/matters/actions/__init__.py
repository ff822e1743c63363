"""The only writers of matters."""

from zhunsheng.web.matters.actions.disclosing import classify, correct, end_expired, withdraw
from zhunsheng.web.matters.actions.dispatching import NO_NUMBER
from zhunsheng.web.matters.actions.filing import (
    Filed,
    TooMany,
    Wish,
    add_material,
    contact_for_firm,
    enter,
    file,
    renew_code,
    upload,
)
from zhunsheng.web.matters.actions.handling import (
    add_document,
    add_party,
    capture,
    hand_over,
    link,
    receive,
    reveal,
    set_follow_code,
    take_on,
)
from zhunsheng.web.matters.actions.stepping import Paper, advance_clock, open_matter, recount, take

__all__ = [
    "NO_NUMBER", "Filed", "Paper", "TooMany", "Wish", "add_document", "add_material", "add_party", "advance_clock", "capture", "classify", "contact_for_firm", "correct", "end_expired", "enter", "file", "hand_over", "link",
    "open_matter", "receive", "recount", "renew_code", "reveal", "set_follow_code", "take", "take_on", "upload", "withdraw",
]  # fmt: skip
