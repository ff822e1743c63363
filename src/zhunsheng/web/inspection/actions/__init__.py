"""The only writers of the room. Each act: who may, what the engine decides, one transaction, one record of the log."""

from zhunsheng.web.inspection.actions.announcing import announce_draw
from zhunsheng.web.inspection.actions.burden import request_documents
from zhunsheng.web.inspection.actions.draws import (
    abandon_draw,
    assign_teams,
    close_list,
    declare_recusals,
    execute_draw,
    note_look,
    open_draw,
    record_results,
    shortage_words,
)
from zhunsheng.web.inspection.actions.imported import PastEntry, PastFinding, PastVisit, import_visits
from zhunsheng.web.inspection.actions.plans import (
    approve_plan,
    close_plan,
    confirm_list,
    draft_plan,
    edit_plan,
    fill_list,
    plan_hash,
    plan_terms,
    submit_plan,
)
from zhunsheng.web.inspection.actions.recounting import recount
from zhunsheng.web.inspection.actions.rule_books import approve_rule_book, draft_rule_book
from zhunsheng.web.inspection.actions.tables import (
    add_item,
    add_wording,
    end_item,
    load_tables,
    revise_item,
    revise_wording,
)
from zhunsheng.web.inspection.actions.tasks import replace_inspector, withdraw_task
from zhunsheng.web.inspection.actions.upstream import UpstreamEntry, UpstreamLine, import_upstream
from zhunsheng.web.inspection.actions.visits import (
    FindingInput,
    VisitInput,
    close_follow_up,
    correct_visit,
    publish_visit,
    publish_visits,
    record_visit,
    record_visits,
    review_visit,
    review_visits,
)

__all__ = [
    "shortage_words",
    "declare_recusals",
    "record_results",
    "recount",
    "open_draw",
    "note_look",
    "close_list",
    "FindingInput",
    "PastEntry",
    "PastFinding",
    "PastVisit",
    "UpstreamEntry",
    "UpstreamLine",
    "VisitInput",
    "abandon_draw",
    "add_item",
    "add_wording",
    "announce_draw",
    "approve_plan",
    "approve_rule_book",
    "assign_teams",
    "close_follow_up",
    "close_plan",
    "confirm_list",
    "correct_visit",
    "draft_plan",
    "draft_rule_book",
    "edit_plan",
    "end_item",
    "execute_draw",
    "fill_list",
    "import_upstream",
    "import_visits",
    "load_tables",
    "plan_hash",
    "plan_terms",
    "publish_visit",
    "publish_visits",
    "record_visit",
    "record_visits",
    "replace_inspector",
    "request_documents",
    "review_visit",
    "review_visits",
    "revise_item",
    "revise_wording",
    "submit_plan",
    "withdraw_task",
]
