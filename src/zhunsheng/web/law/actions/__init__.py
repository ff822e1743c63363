"""The only writers of the room: a change is proposed, and decided by a second person; then what is open is counted anew."""

from zhunsheng.web.law.actions.deciding import decide, take_effect, withdraw
from zhunsheng.web.law.actions.proposing import propose_calendar, propose_element, propose_row
from zhunsheng.web.law.actions.reviewing import review

__all__ = ["decide", "propose_calendar", "propose_element", "propose_row", "review", "take_effect", "withdraw"]
