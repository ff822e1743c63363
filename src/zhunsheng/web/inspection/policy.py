"""Who may draft, approve, draw, record, review, publish. Separation of duties: nobody passes what they entered."""

from collections.abc import Iterable

from zhunsheng.web.inspection.models import CheckItem, Draw, FollowUp, Plan, PlanList, RuleBook, Task, Visit
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.policy import is_second_person, may_decide, may_work
from zhunsheng.web.people.queries import Person, has_role, posts


def may_see(user: Person) -> bool:
    """Sees the room: plans, draws, tasks and visits of the own area."""
    return may_work(user)


# -- 一单, 用语, 一细则 --------------------------------------------------------------------------------------------------
def may_edit_tables(user: Person) -> bool:
    """The quality office keeps the result wordings and the list of items as a whole."""
    return has_role(user, "lead_office")


def may_edit_item(user: Person, item: CheckItem) -> bool:
    """The quality office, or the head of the office that answers for the item."""
    return may_edit_tables(user) or has_role(user, "head", office=item.office)


def may_draft_rule_book(user: Person) -> bool:
    return has_role(user, "lead_office", "member", "head")


def may_approve_rule_book(user: Person, book: RuleBook) -> bool:
    return has_role(user, "head", "leader") and is_second_person(user, book.created_by)


# -- plans and draws -------------------------------------------------------------------------------------------------
def may_draft_plan(user: Person, office: Office | None = None) -> bool:
    """Staff of the leading office (any office where none is named yet)."""
    return has_role(user, "member", "head", office=office)


def may_edit_plan(user: Person, plan: Plan) -> bool:
    return plan.state == Plan.State.DRAFT and may_draft_plan(user, plan.office)


def may_fill_list(user: Person, part: PlanList) -> bool:
    """Staff of the joined office: it fills in and confirms its own list, nobody else's."""
    return has_role(user, "member", "head", office=part.office)


def may_approve_plan(user: Person, plan: Plan) -> bool:
    return may_decide(user, plan.office, plan.created_by)


def may_close_plan(user: Person, plan: Plan) -> bool:
    return has_role(user, "head", office=plan.office)


def may_announce(user: Person, plan: Plan) -> bool:
    return has_role(user, "member", "head", office=plan.office)


def may_execute(user: Person, draw: Draw) -> bool:
    return may_announce(user, draw.plan)


def may_assign(user: Person, draw: Draw) -> bool:
    return may_announce(user, draw.plan)


def may_open(user: Person, draw: Draw) -> bool:
    return may_announce(user, draw.plan)


def may_see_drawn(user: Person, draw: Draw) -> bool:
    """Who was drawn: everybody of the room; of a sealed draw before its opening only the offices of the plan, each look noted."""
    if not draw.secret:
        return may_see(user)
    offices = {draw.plan.office_id, *draw.plan.joint_offices.values_list("pk", flat=True)}
    return isinstance(user, User) and any(
        post.office_id in offices and post.role in {"member", "head", "reviewer", "inspector"} for post in posts(user)
    )


def may_recuse(user: Person, draw: Draw) -> bool:
    """Inspectors of the plan's pool, and the staff who enter what they say: between the draw and the closing of its list."""
    return may_see_drawn(user, draw)


def may_abandon(user: Person, draw: Draw) -> bool:
    """A head, and not the one who announced: giving up a draw is a decision of two."""
    return may_decide(user, draw.plan.office, draw.announced_by)


# -- the burden on firms ----------------------------------------------------------------------------------------------
def may_request_documents(user: Person) -> bool:
    """Whoever deals with firms notes what papers they were asked for."""
    return has_role(user, "member", "inspector", "head")


# -- tasks and visits ------------------------------------------------------------------------------------------------
def may_withdraw(user: Person, task: Task) -> bool:
    return has_role(user, "head", office=task.draw.plan.office)


def may_replace(user: Person, task: Task) -> bool:
    return has_role(user, "member", "head", office=task.draw.plan.office)


def team_users(task: Task | None) -> set[int]:
    """The accounts of everybody who is or was on the team."""
    if task is None:
        return set()
    return {member.inspector.user_id for member in task.team.all() if member.inspector.user_id}


def is_on_team(user: Person, task: Task) -> bool:
    return isinstance(user, User) and any(
        member.inspector.user_id == user.pk and not member.replaced_reason for member in task.team.all()
    )


def may_record(user: Person, task: Task) -> bool:
    """An inspector of the team; or an officer （经办） of the leading office or of a team member's, who enters the paper record."""
    if not isinstance(user, User):
        return False
    if is_on_team(user, task):
        return True
    offices = {task.draw.plan.office_id, *(member.inspector.office_id for member in task.team.all())}
    return any(post.role == "member" and post.office_id in offices for post in posts(user))


def visit_offices(visit: Visit) -> set[int]:
    """The offices that answer for a visit: the leading one and those of the team."""
    if visit.task is None:
        return set()
    return {visit.task.draw.plan.office_id, *(member.inspector.office_id for member in visit.task.team.all())}


def _decides(user: Person, visit: Visit, roles: Iterable[str]) -> bool:
    if not isinstance(user, User) or user.pk == visit.entered_by_id or user.pk in team_users(visit.task):
        return False
    offices, wanted = visit_offices(visit), set(roles)
    return any(post.role in wanted and post.office_id in offices for post in posts(user))


def may_review(user: Person, visit: Visit) -> bool:
    """A reviewer or head of an office concerned who neither entered the record nor belongs to the team."""
    return _decides(user, visit, ("reviewer", "head"))


def may_publish(user: Person, visit: Visit) -> bool:
    """As `may_review`; the result is public once this person has approved its class of publicity."""
    return _decides(user, visit, ("reviewer", "head"))


def may_correct(user: Person, visit: Visit) -> bool:
    """Those who may record. A record that came from another system is corrected where it came from."""
    return visit.task is not None and may_record(user, visit.task)


def may_follow_up(user: Person, follow_up: FollowUp) -> bool:
    task = follow_up.visit.task
    if task is None or not isinstance(user, User):
        return False
    if is_on_team(user, task):
        return True
    offices = visit_offices(follow_up.visit)
    return any(post.role in {"member", "head"} and post.office_id in offices for post in posts(user))


def may_import(user: Person) -> bool:
    """Past results come in as published ones, so whoever imports them is one who may publish."""
    return has_role(user, "reviewer", "head", "lead_office")
