"""Who may, in matters. What a step asks for (role, separation of duties) is the procedure's own data."""

from zhunsheng.engine.procedure import Procedure
from zhunsheng.web.matters import queries
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.policy import acts_apart, may_work
from zhunsheng.web.people.queries import Person, has_role, posts
from zhunsheng.web.registry.models import FirmAccount


def may_see(user: Person) -> bool:
    """Sees the room: everyone who works here; each the matters of queries.visible_to."""
    return may_work(user)


def may_see_matter(user: Person, matter: Matter) -> bool:
    return queries.visible_to(user).filter(pk=matter.pk).exists()


def opening_roles(procedure: Procedure) -> frozenset[str]:
    """The roles that may take a first step of a procedure."""
    return frozenset(role for step in procedure.steps.values() if step.starts for role in step.roles)


def may_open(user: Person, procedure: Procedure, office: Office) -> bool:
    """Staff in an office of theirs with a role that begins the procedure; a firm that may begin it itself."""
    roles = opening_roles(procedure)
    if any(post.office_id == office.pk and post.role in roles for post in posts(user)):
        return True
    return "enterprise" in roles and isinstance(user, User) and FirmAccount.objects.filter(user=user).exists()


def may_hand_over(user: Person, matter: Matter) -> bool:
    """The handler, or a head of the office in charge."""
    return isinstance(user, User) and (
        (matter.handler_id is not None and matter.handler_id == user.pk) or has_role(user, "head", office=matter.office)
    )


def may_take_on(user: Person, matter: Matter) -> bool:
    """领办: an officer of the office in charge, what nobody handles yet. What names informants is assigned by the head."""
    return (
        matter.handler_id is None
        and matter.ended_at is None
        and not queries.kind_row(matter.procedure)["personal_whole"]
        and has_role(user, "member", "inspector", "lead_office", office=matter.office)
    )


def may_reveal(user: Person, matter: Matter) -> bool:
    """Who someone is, only those see who handle the matter, and the head of the office in charge."""
    return isinstance(user, User) and (
        user.pk in queries.handlers(matter) or has_role(user, "head", office=matter.office)
    )


def may_add_document(user: Person, matter: Matter) -> bool:
    """Those who may take steps in it, while it is open."""
    return matter.ended_at is None and bool(queries.roles_in(user, matter))


def may_classify(user: Person, matter: Matter) -> bool:
    """公开属性: a reviewer or head of the office in charge who neither opened nor handles nor has handled the matter, by a
    post that none of these has delegated."""
    return acts_apart(user, ("reviewer", "head"), matter.opened_by_id, *queries.handlers(matter), office=matter.office)


def may_correct(user: Person, matter: Matter) -> bool:
    """Corrections and withdrawals of what was published: a head of the office in charge."""
    return has_role(user, "head", office=matter.office)


def may_renew_code(user: Person, matter: Matter) -> bool:
    """The code with which who filed a matter follows it: the handler, who registered it, or a head of the office in
    charge; only where the public may file such a matter at all."""
    return (
        isinstance(user, User)
        and "public" in opening_roles(queries.procedure_of(matter))
        and (user.pk in {matter.handler_id, matter.opened_by_id} or has_role(user, "head", office=matter.office))
        and may_work(user)
    )
