"""Who may see and edit the register. The area comes from the offices of the user, the right from the role."""

from zhunsheng.web.people.models import User
from zhunsheng.web.people.policy import may_manage_people, may_work
from zhunsheng.web.people.queries import Person, has_role
from zhunsheng.web.registry.models import BusinessEntity, Inspector, Recusal
from zhunsheng.web.registry.queries import in_scope

EDITORS = ("member", "inspector", "reviewer", "head")


def may_see(user: Person) -> bool:
    """Sees the room: everyone who works here; each sees the area of the own offices (queries.visible_to)."""
    return may_work(user)


def may_add_entity(user: Person) -> bool:
    return has_role(user, *EDITORS)


def may_see_entity(user: Person, entity: BusinessEntity) -> bool:
    return may_see(user) and in_scope(user, entity.division_id)


def may_edit_entity(user: Person, entity: BusinessEntity) -> bool:
    """Staff with an editing role, within the area of their offices. Auditors and leaders read."""
    return may_add_entity(user) and in_scope(user, entity.division_id)


def may_import(user: Person) -> bool:
    return may_add_entity(user)


def may_add_inspector(user: Person) -> bool:
    return has_role(user, "member", "head")


def may_edit_inspector(user: Person, inspector: Inspector) -> bool:
    """Member or head of the inspector's own office, or of a city office for the area below it."""
    return has_role(user, "member", "head", office=inspector.office) or (
        may_add_inspector(user) and in_scope(user, inspector.office.division_code)
    )


def may_declare_recusal(user: Person, inspector: Inspector) -> bool:
    """The inspector, for themselves, at any time; or whoever may edit the inspector."""
    return is_self(user, inspector) or may_edit_inspector(user, inspector)


def may_end_recusal(user: Person, recusal: Recusal) -> bool:
    """Never the inspector whose recusal it is: who has an interest does not end it."""
    return not is_self(user, recusal.inspector) and may_edit_inspector(user, recusal.inspector)


def is_self(user: Person, inspector: Inspector) -> bool:
    return isinstance(user, User) and inspector.user_id is not None and inspector.user_id == user.pk


def may_open_firm_account(user: Person) -> bool:
    return may_manage_people(user)
