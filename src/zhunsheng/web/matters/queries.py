"""Reading matters: where each stands, who may see it, what may be done next."""

import datetime
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from zhunsheng.engine import documents as organs
from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import DocumentError
from zhunsheng.engine.procedure import Due, Event, Procedure, Standing, Step, Value, Verdict
from zhunsheng.engine.words import Reason
from zhunsheng.web.matters import dispatching, words
from zhunsheng.web.matters.models import Assignment, Deadline, Disclosure, Matter, MatterStep, Party, StepFact
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.people.queries import Person, posts
from zhunsheng.web.registry.models import BusinessEntity, FirmAccount

#: roles that look over the whole city
OVERSEERS = frozenset({"lead_office", "leader", "auditor"})
#: who stands in an event's `by` where there is no account
PUBLIC, CLOCK = "public", "clock"
#: the three departments that had procedures of their own before 2019
OWN_RULES = frozenset({"qts", "aic", "fda"})


# -- the procedure and the standing ------------------------------------------------------------------------------------
def organ_of(office: Office, day: datetime.date) -> str:
    """Whose version of a procedure an office follows: qts 质监, aic 工商, fda 食药监; '' for all others."""
    try:
        family = organs.organ_of(office.name, day)["code"]
    except DocumentError:
        return ""
    return family if family in OWN_RULES else ""


def procedure_on(code: str, day: datetime.date, office: Office | None = None) -> Procedure:
    """The version of a procedure that a matter begun on `day` in `office` is run by. Raises ProcedureError when there is none."""
    return engine.load(code, day, organ_of(office, day) if office is not None else "")


def procedure_of(matter: Matter, on: datetime.date | None = None) -> Procedure:
    """The version that runs a matter on a day (today unless said): that of its first day, or a later one that applies to
    open matters."""
    begun = engine.version(matter.procedure, matter.version)
    return begun if matter.ended_at is not None else begun.on(on or timezone.localdate())


def with_history(matters: QuerySet[Matter]) -> QuerySet[Matter]:
    """Matters with their steps and facts at hand: two queries for any number of them."""
    facts = Prefetch("facts", StepFact.objects.order_by("id"))
    return matters.prefetch_related(Prefetch("steps", MatterStep.objects.order_by("seq").prefetch_related(facts)))


def taker(step: MatterStep) -> str:
    """Who took a step, as the engine compares people: the account's key, `public`, or `clock`."""
    if step.by_id is not None:
        return str(step.by_id)
    return CLOCK if step.role == CLOCK else PUBLIC


def principal(user_id: "int | None") -> str:
    """For whom a step was taken, as the engine compares people."""
    return "" if user_id is None else str(user_id)


def history(matter: Matter) -> tuple[Event, ...]:
    """The events of a matter, in order. Uses what with_history has fetched."""
    if "steps" in getattr(matter, "_prefetched_objects_cache", {}):
        steps = list(matter.steps.all())
        facts = {step.pk: list(step.facts.all()) for step in steps}
    else:
        steps = list(matter.steps.order_by("seq"))
        by_step: dict[int, list[StepFact]] = defaultdict(list)
        for fact in StepFact.objects.filter(matter=matter).order_by("id"):
            by_step[fact.step_id].append(fact)
        facts = dict(by_step)
    return tuple(
        Event(
            step.verb,
            step.at.astimezone(CHINA),
            taker(step),
            step.role,
            {fact.code: fact.value for fact in facts.get(step.pk, [])},
            principal(step.on_behalf_of_id),
        )
        for step in steps
    )


def standing(matter: Matter, on: datetime.date | None = None) -> Standing:
    """Where a matter stands by the law of a day (today unless said): its steps replayed by its version. Raises
    ProcedureError where they do not fit it."""
    begun = engine.version(matter.procedure, matter.version)
    return engine.replay(begun, history(matter), on=on or timezone.localdate())


# -- who sees what -----------------------------------------------------------------------------------------------------
def overlooks(user: Person) -> bool:
    """Whether the user looks over the whole city's matters: quality office, leaders, auditors."""
    return (isinstance(user, User) and user.is_active and user.is_superuser) or any(
        post.role in OVERSEERS for post in posts(user)
    )


def own_offices(user: Person) -> list[int]:
    """The offices in which the user works."""
    return sorted({post.office_id for post in posts(user) if post.role not in {"lab", "enterprise", "sysadmin"}})


def visible_to(user: Person) -> QuerySet[Matter]:
    """The matters that a user may open: those of the own offices and of the offices under them, those in which the own
    office takes part, those handed to the user; a firm's own, as far as the procedure lets the firm see it; the whole
    city for those who look over it."""
    if not isinstance(user, User) or not user.is_active:
        return Matter.objects.none()
    if overlooks(user):
        return Matter.objects.all()
    account = FirmAccount.objects.filter(user=user).first()
    if account is not None:
        return Matter.objects.filter(entity_id=account.entity_id, firm_sees=True)
    offices = own_offices(user)
    if not offices:
        return Matter.objects.none()
    # named one by one, so that the database can plan with them; an office has a dozen under it
    under = list(Office.objects.filter(Q(pk__in=offices) | Q(parent__in=offices)).values_list("pk", flat=True))
    # who only receives an official document sees the document, not the file it was made in
    received = Q(kind=Party.Kind.ADDRESSEE, matter__procedure=dispatching.DISPATCH)
    taking_part = Party.objects.filter(matter=OuterRef("pk"), office__in=offices).exclude(received)
    return Matter.objects.filter(Q(office__in=under) | Q(handler=user) | Exists(taking_part))


def handlers(matter: Matter) -> set[int]:
    """The users who handle the matter, or have handled it."""
    found = set(Assignment.objects.filter(matter=matter, handler__isnull=False).values_list("handler_id", flat=True))
    return {key for key in found if key is not None} | ({matter.handler_id} if matter.handler_id else set())


# -- roles and options -------------------------------------------------------------------------------------------------
def taking_part(matter: Matter) -> set[int]:
    """The offices that may take steps: the one in charge, and those that take part. In an official document the others act
    only for themselves: dispatching.OF_OFFICE."""
    if dispatching.is_dispatch(matter):
        return {matter.office_id}
    return {matter.office_id} | {
        key
        for key in matter.parties.filter(office__isnull=False).values_list("office_id", flat=True)
        if key is not None
    }


def posts_in(user: Person, matter: Matter, offices: "set[int] | None" = None) -> list[Post]:
    """The posts under which a user may act in a matter: in an office that takes part; city-wide roles everywhere; a
    reviewer or head of the office above may act for the one below."""
    among = taking_part(matter) if offices is None else offices
    parent = matter.office.parent_id
    return [
        post
        for post in posts(user)
        if post.office_id in among
        or post.role in OVERSEERS
        or (post.role in {"reviewer", "head"} and parent is not None and post.office_id == parent)
    ]


def roles_in(user: Person, matter: Matter) -> dict[str, Post | None]:
    """The roles in which a user may act in a matter, each with the post that gives it (None: a firm's own account): those
    that some step of its procedure asks for. Whoever only looks on has none."""
    found: dict[str, Post | None] = {}
    asked = {role for step in procedure_of(matter).steps.values() for role in step.roles}
    for post in posts_in(user, matter):
        if post.role not in asked:
            continue
        known = found.get(post.role)
        if known is None or (known.delegated_by_id is not None and post.delegated_by_id is None):
            found[post.role] = post
    if matter.entity_id is not None and _acts_for(user, matter.entity_id):
        found["enterprise"] = None
    return found


def _acts_for(user: Person, entity: int) -> bool:
    return isinstance(user, User) and user.is_active and FirmAccount.objects.filter(user=user, entity=entity).exists()


@dataclass(frozen=True, slots=True)
class Option:
    """A step that leads on from where a matter stands: whether this user may take it, in which role, and why not."""

    step: Step
    role: str
    verdict: Verdict

    @property
    def allowed(self) -> bool:
        return self.verdict.allowed


def options(
    matter: Matter, now: Standing, user: Person, at: datetime.datetime, roles: Mapping[str, Post | None] | None = None
) -> list[Option]:
    """Every step that leads on, those the user may take first, and of these what the next limit waits for. A step for
    which the user has no role is refused with the roles it asks for."""
    mine = roles_in(user, matter) if roles is None else roles
    by = str(user.pk) if isinstance(user, User) else PUBLIC
    for_office = _of_office(matter, now, user)
    found: dict[str, Option] = {}
    for role, post in (mine or {"": None}).items():
        behalf = principal(post.delegated_by_id) if post is not None else ""
        for verdict in engine.options(now, by=by, role=role, at=at, on_behalf_of=behalf):
            if verdict.step is None or verdict.step.code in for_office:
                continue
            best = found.get(verdict.step.code)
            fits = role in verdict.step.roles
            if best is None or (verdict.allowed and not best.allowed) or (fits and best.role not in best.step.roles):
                found[verdict.step.code] = Option(verdict.step, role, verdict)
    for code, post in for_office.items():
        found[code] = _option_of_office(matter, now, user, at, code, post)
    order = {step.code: n for n, step in enumerate(now.procedure.leading_from(now.state.code))}
    return sorted(found.values(), key=lambda one: (not one.allowed, *_rank(now, one.step.code), order[one.step.code]))


def _rank(now: Standing, code: str) -> tuple[int, int]:
    """Where a step stands among what the nearest running limit waits for: its first answer leads, the others follow by the
    procedure's own order."""
    due = now.next
    if due is None or code not in due.limit.ends:
        return (1, 0)
    return (0, due.limit.ends.index(code))


def _of_office(matter: Matter, now: Standing, user: Person) -> "dict[str, Post | None]":
    """The steps that the offices concerned take for themselves in this state, each with the user's post for it."""
    if not dispatching.is_dispatch(matter):
        return {}
    steps = now.procedure.steps
    return {
        code: dispatching.post_for(matter, code, steps[code].roles, user)
        for code in dispatching.AWAITING.get(now.state.code, ())
    }


def _option_of_office(
    matter: Matter, now: Standing, user: Person, at: datetime.datetime, code: str, post: "Post | None"
) -> Option:
    step = now.procedure.steps[code]
    if post is None:
        return Option(step, "", Verdict(step, (refusal_of_office(matter, step, user),)))
    by, behalf = str(user.pk), principal(post.delegated_by_id)
    verdicts = engine.options(now, by=by, role=post.role, at=at, on_behalf_of=behalf)
    return Option(step, post.role, next(one for one in verdicts if one.step is not None and one.step.code == code))


def refusal_of_office(matter: Matter, step: Step, user: Person) -> Reason:
    """Why the user may not take a step that each office concerned takes for itself."""
    done = dispatching.has_acted(matter, step.code, step.roles, user)
    names = {"step": step.name, "step_en": step.name_en}
    return Reason("procedure.office_done" if done else "procedure.other_office", names)


def opening_posts(user: Person, office: Office) -> dict[str, Post | None]:
    """The roles in which a user may begin a matter of an office, each with its post (None: a firm's own account)."""
    found: dict[str, Post | None] = {}
    for post in posts(user):
        if post.office_id == office.pk or post.role in OVERSEERS:
            known = found.get(post.role)
            if known is None or (known.delegated_by_id is not None and post.delegated_by_id is None):
                found[post.role] = post
    if isinstance(user, User) and FirmAccount.objects.filter(user=user).exists():
        found["enterprise"] = None
    return found


# -- deadlines ---------------------------------------------------------------------------------------------------------
def deadline_row(matter: Matter, ordinal: int, due: Due, at: datetime.datetime) -> Deadline:
    """One running of a limit as a row (not saved)."""
    status = due.status(at)
    return Deadline(
        matter=matter,
        ordinal=ordinal,
        limit=due.limit.code,
        name=due.limit.name[:120],
        name_en=due.limit.name_en[:160],
        starts_on=_day(due.trigger),
        due_on=due.deadline.due if due.deadline else None,
        due_at=due.last,
        provisional=due.deadline is not None and due.deadline.provisional,
        # what is overdue still runs; that its last instant has passed follows from due_at
        status="running" if status is engine.Status.OVERDUE else status.value,
        ended_on=_day(due.ended_at) if due.ended_at is not None else None,
    )


def deadline_values(row: Deadline) -> tuple[object, ...]:
    """What of a deadline's row may change."""
    return (row.limit, row.due_on, row.due_at, row.provisional, row.status, row.ended_on, row.starts_on)


def _day(moment: datetime.date) -> datetime.date:
    return moment.astimezone(CHINA).date() if isinstance(moment, datetime.datetime) else moment


# -- official documents ------------------------------------------------------------------------------------------------
def document_fields(matter: Matter, now: Standing, event: Event) -> dict[str, Value]:
    """What an official document may say: every fact known with this step, an entity by its name, the step's wording
    filled in, and who and what the matter is. Codes are those of the procedure's facts and of table documents/fields."""
    procedure = now.procedure
    known = {**now.facts, **event.facts}
    fields = {code: value for code, value in known.items() if procedure.facts[code].kind is not engine.Kind.DOCUMENT}
    units = entities_named(str(value) for code, value in known.items() if words.is_unit(procedure, code))
    for code, value in known.items():
        if words.is_unit(procedure, code) and str(value) in units:
            fields[code] = units[str(value)].name
    party = entity_of(known, procedure)
    who = {"party_name": party.name, "party_code": party.code, "party_address": party.address} if party else {}
    return {
        **{code: text for code, text in who.items() if text},
        "handler": matter.handler.display_name if matter.handler is not None else "",
        "matter_no": matter.no,
        "wording": with_names(engine.wording(procedure, (*now.history, event)), procedure, known),
        **fields,
    }


# -- facts and parties -------------------------------------------------------------------------------------------------
def entity_of(facts: Mapping[str, Value], procedure: Procedure) -> BusinessEntity | None:
    """The business entity that a matter's facts name: its first fact of kind unit."""
    for code, fact in procedure.facts.items():
        if fact.kind is engine.Kind.UNIT and code in facts:
            return BusinessEntity.objects.filter(unit_id=str(facts[code])).first()
    return None


def with_names(text: str, procedure: Procedure, facts: Mapping[str, Value]) -> str:
    """A text with the names of the business entities that the facts name, in place of their identifiers."""
    units = [str(value) for code, value in facts.items() if words.is_unit(procedure, code) and str(value) in text]
    for unit_id, entity in (entities_named(units) if units else {}).items():
        text = text.replace(unit_id, entity.name)
    return text


def entities_named(values: Iterable[str]) -> dict[str, BusinessEntity]:
    """Business entities by their unit_id."""
    return {one.unit_id: one for one in BusinessEntity.objects.filter(unit_id__in=set(values))}


def personal_facts(matter: Matter) -> list[StepFact]:
    """The personal facts of a matter as last given."""
    return list(matter.facts.filter(personal=True, current=True).order_by("id"))


# -- lists -------------------------------------------------------------------------------------------------------------
def open_matters() -> QuerySet[Matter]:
    return Matter.objects.filter(ended_at=None)


def overdue(at: datetime.datetime) -> QuerySet[Matter]:
    """Open matters past their nearest last instant."""
    return open_matters().filter(next_due_at__lt=at)


def published() -> QuerySet[Disclosure]:
    """What the public may read now, and what was corrected or withdrawn, which the public may know as well."""
    return Disclosure.objects.exclude(matter__drill=True)


# -- following without an account --------------------------------------------------------------------------------------
def follow_hash(no: str, code: str) -> str:
    """What is kept of the code with which a matter is followed: without the server's key it cannot be tried out."""
    plain = "".join(code.upper().split()).replace("-", "")
    return hmac.new(settings.SECRET_KEY.encode(), f"follow:{no}:{plain}".encode(), hashlib.sha256).hexdigest()


def kind_row(code: str) -> Mapping[str, str]:
    """The row of table matters/kinds. Raises KeyError for a procedure without one."""
    return words.kinds()[code]
