"""Reading the law: its tables and procedures as they stand on a day, the changes of it, and what a change would move."""

from zhunsheng.web.law.queries.changes import (
    CALENDARS,
    amendment,
    before,
    broken,
    changes_of,
    changing,
    differences,
    edit,
    edition,
    last_edition,
    overlay,
    overlay_with,
    waiting_for,
)
from zhunsheng.web.law.queries.preview import LIMITS, Move, Preview, moves_of, preview, touched_by, touched_matters
from zhunsheng.web.law.queries.subjects import (
    Element,
    Subject,
    calendar_missing,
    changeable,
    element,
    elements,
    elsewhere,
    find_rows,
    in_force_on,
    is_procedure,
    key_from,
    key_text,
    names,
    next_review,
    owner,
    procedure_on,
    reviews_due,
    same_key,
    subject,
    subjects,
    title,
    versions,
)

__all__ = [
    "CALENDARS", "LIMITS", "Element", "Move", "Preview", "Subject", "amendment", "before", "broken", "calendar_missing", "changeable", "changes_of", "changing", "differences", "edit",
    "edition", "element", "elements", "elsewhere", "find_rows", "in_force_on", "is_procedure", "key_from", "key_text", "last_edition", "moves_of", "names",
    "next_review", "overlay", "overlay_with", "owner", "preview", "procedure_on", "reviews_due", "same_key", "subject", "subjects", "title", "touched_by", "touched_matters", "versions", "waiting_for",
]  # fmt: skip
