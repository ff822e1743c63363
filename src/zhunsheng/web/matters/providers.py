"""What the room hangs into the desk: things to do, last days for the calendar, search, files, sections of an entity's page."""

import datetime
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine import clock
from zhunsheng.engine import procedure as engine
from zhunsheng.engine.procedure import Kind, Procedure
from zhunsheng.engine.procedure.model import ANY
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named, state_tag
from zhunsheng.web.desk import providers as desk
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.desk.providers import Section, TaskRow, Waiting
from zhunsheng.web.desk.searching import Source
from zhunsheng.web.matters import dispatching, policy, queries, words
from zhunsheng.web.matters.models import Deadline, Disclosure, Matter, MatterDocument, Party, StepFact
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import posts
from zhunsheng.web.registry.models import BusinessEntity

#: roles whose holders decide about what others prepare
DECIDERS = ("reviewer", "head", "lead_office", "leader", "auditor")
#: who prepares: where one of them can go on, the matter does not wait for a decision
HANDLERS = frozenset({"member", "inspector"})
#: how many matters, penalties or payments a section shows
SHOWN = 10
#: the procedure whose publications are penalties, and the one whose matters are compensation
PENALTY, COMPENSATION = "penalty", "compensation"


# -- things to do ----------------------------------------------------------------------------------------------------
def tasks(user: User, on: datetime.date) -> Iterator[desk.ToDo]:
    """My open matters by their nearest limit; those of my offices that nobody has; those that wait for a role of mine."""
    if not policy.may_see(user):
        return
    home = reverse("matters:home")
    mine: Promise = _("我承办的办件")
    yield Waiting(
        _open().filter(handler=user), lambda one: _row(one, mine, on, hand_over=True),
        kind=mine, url=f"{home}?handler=me&stage=open", due="next_due_on", suspended=_suspended(),
    )  # fmt: skip
    headed = [post.office_id for post in posts(user) if post.role == "head"]
    officer = [post.office_id for post in posts(user) if post.role in ("member", "lead_office")]
    if headed or officer:
        nobody: Promise = _("待领办、分派的办件")
        # what names informants is assigned by the head
        open_to_all = [code for code, row in words.kinds().items() if not row["personal_whole"]]
        unclaimed = Q(office__in=headed) | Q(office__in=officer, procedure__in=open_to_all)
        yield Waiting(
            _open().filter(unclaimed, handler=None), lambda one: _row(one, nobody, on, hand_over=one.office_id in headed),
            kind=nobody, url=f"{home}?handler=nobody&stage=open", due="next_due_on", suspended=_suspended(),
        )  # fmt: skip
    round_: Promise = _("等我会签的公文")
    if headed:
        asked = Party.objects.filter(kind=Party.Kind.COUNTERSIGNER, office__in=headed, answer="", matter=OuterRef("pk"))
        yield Waiting(
            _open().filter(Exists(asked), procedure=dispatching.DISPATCH, state="countersigning"),
            lambda one: _row(one, round_, on, hand_over=one.office_id in headed),
            kind=round_, url=f"{home}?kind={dispatching.DISPATCH}&stage=open", due="next_due_on",
        )  # fmt: skip
    arrived: Promise = _("待签收的公文")
    yield Waiting(
        dispatching.received_by(user).filter(received_at=None, matter__state="sent", matter__drill=False),
        lambda one: _received(one, arrived), kind=arrived, url=reverse("matters:received"),
    )  # fmt: skip
    decided = _decided_by(user)
    if decided is not None:
        waiting: Promise = _("等我审核、决定的办件")
        yield Waiting(
            _open().filter(decided).exclude(handler=user), lambda one: _row(one, waiting, on, hand_over=one.office_id in headed),
            kind=waiting, url=f"{home}?stage=open", due="next_due_on", suspended=_suspended(),
        )  # fmt: skip


def _open() -> QuerySet[Matter]:
    return queries.open_matters().select_related("office", "entity")


def _suspended() -> Q:
    """Which have a limit suspended and none that runs."""
    return Q(next_due_on=None) & Q(Exists(Deadline.objects.filter(matter=OuterRef("pk"), status="suspended")))


def _row(matter: Matter, kind: Promise, on: datetime.date, *, hand_over: bool) -> TaskRow:
    """`hand_over`: whether the user may hand it over: the handler, or the head of the office in charge."""
    procedure = queries.procedure_of(matter)
    limit = procedure.limits.get(matter.next_limit)
    return TaskRow(
        title=matter.title,
        kind=kind,
        url=matter.get_absolute_url(),
        due_on=matter.next_due_on,
        days_left=clock.days_left(matter.next_due_on, on) if matter.next_due_on else None,
        why=f"{matter.no} · {words.state_name(procedure, matter.state)}",
        rule=limit.label(language()) if limit is not None else "",
        source=limit.source if limit is not None else "",
        confidence=limit.confidence if limit is not None else "",
        hand_over_url=reverse("matters:hand_over", args=[matter.no]) if hand_over else "",
    )


def _received(party: Party, kind: Promise) -> TaskRow:
    matter = party.matter
    return TaskRow(
        title=matter.title, kind=kind, url=party.get_absolute_url(), due_on=None, days_left=None, why=named(matter.office)
    )  # fmt: skip


def _decided_by(user: User) -> Q | None:
    """Open matters in states from which only somebody in a deciding role of this user can go on; None where the user has none."""
    found: Q | None = None
    for role in DECIDERS:
        held = [post for post in posts(user) if post.role == role]
        if not held:
            continue
        waits = _waiting_for(role)
        if role not in queries.OVERSEERS:
            waits &= Q(office__in=[post.office_id for post in held])
        found = waits if found is None else found | waits
    return found


def _waiting_for(role: str) -> Q:
    found = Q(pk__in=[])
    for code in words.kinds():
        for version in engine.versions(code):
            states = [state for state in version.states if _awaits(version, state, role)]
            if states:
                found |= Q(procedure=code, version=version.version.code, state__in=states)
    return found


def _awaits(procedure: Procedure, state: str, role: str) -> bool:
    """Whether the steps meant for this state (not those open in any) are the role's, and none is a handler's."""
    meant = [
        step for step in procedure.leading_from(state) if ANY not in step.sources and step.code != dispatching.RECORDED
    ]
    roles = {one for step in meant for one in step.roles}
    return role in roles and not roles & HANDLERS


def deadlines(user: User, start: datetime.date, end: datetime.date) -> Iterator[desk.Deadline]:
    """The running limits of the matters that the user handles. Number and limit only: the texts leave the house."""
    rows = Deadline.objects.filter(
        status="running", due_on__gte=start, due_on__lte=end, matter__handler=user, matter__ended_at=None
    )
    for row in rows.select_related("matter"):
        assert row.due_on is not None
        hours = row.due_at is not None and timezone.localtime(row.due_at).time() < datetime.time(23, 59, 59)
        yield desk.Deadline(
            uid=f"matter:{row.matter.no}:{row.ordinal}",
            no=row.matter.no,
            limit=row.name_en if language() == "en" and row.name_en else row.name,
            url=row.matter.get_absolute_url(),
            on=row.due_on,
            at=row.due_at if hours else None,
        )


# -- search and files ------------------------------------------------------------------------------------------------
def _searched() -> QuerySet[Matter]:
    known = StepFact.objects.filter(current=True, personal=False, kind__in=["text", "choice"]).order_by("id")
    return Matter.objects.select_related("entity").prefetch_related(
        Prefetch("facts", known, to_attr="said"), Prefetch("parties", Party.objects.select_related("entity", "office"))
    )


def _text(matter: Matter) -> str:
    """Number, kind, parties and what the facts say. Nothing personal; of matters about persons not even the facts."""
    parts = [matter.no, words.kind_name(matter.procedure)]
    if matter.entity is not None:
        parts += [matter.entity.name, matter.entity.code]
    parts += [str(party) for party in matter.parties.all()]
    if not queries.kind_row(matter.procedure)["personal_whole"]:
        procedure = queries.procedure_of(matter)
        said: list[StepFact] = matter.said  # type: ignore[attr-defined]  # of _searched
        parts += [words.fact_text(procedure, fact.code, fact.value) for fact in said if fact.code in procedure.facts]
    return "\n".join(parts)


SOURCE = Source(
    "matter",
    _("办件"),
    rows=_searched,
    visible_to=lambda user: queries.visible_to(user) if policy.may_see(user) else Matter.objects.none(),
    title=lambda matter: matter.title,
    text=_text,
    url=lambda matter: matter.get_absolute_url(),
    subjects={"matter": "no", "entity": "entity__pk"},
    order=15,
)


def may_see_attachment(user: User, attachment: Attachment) -> bool:
    """Who sees a matter sees its papers; those about a person only who may know who it is."""
    rows = MatterDocument.objects.filter(attachment=attachment, matter__in=queries.visible_to(user))
    for row in rows.select_related("matter__office"):
        if policy.may_see(user) and (not row.personal or policy.may_reveal(user, row.matter)):
            return True
    # the scan of a sealed document is also its addressees'
    sealed = MatterDocument.objects.filter(attachment=attachment, code=dispatching.SEALED)
    return sealed.filter(matter__in=dispatching.received_by(user).order_by().values("matter")).exists()


def may_read_document(user: User, no: str) -> bool:
    """Whether the user handles the matter with this number, so that its protected documents are open to them."""
    matter = Matter.objects.select_related("office").filter(no=no).first()
    return matter is not None and policy.may_reveal(user, matter)


def is_open(no: str) -> bool:
    """Whether the class of the matter with this number was approved as open to everyone. A drill is nothing of the public's."""
    matter = Matter.objects.filter(no=no).first()
    return matter is not None and matter.is_public and not matter.drill


# -- sections of an entity's page ------------------------------------------------------------------------------------
def _matters_of(entity: BusinessEntity, request: HttpRequest) -> dict[str, Any] | None:
    """For staff: what of this entity the user may see, the open ones first."""
    found = queries.visible_to(request.user).filter(Q(entity=entity) | Q(parties__entity=entity)).distinct()
    rows = [_line(one) for one in found.order_by(F("ended_at").desc(nulls_first=True), "-opened_at", "-pk")[:SHOWN]]
    return {"rows": rows, "new_url": f"{reverse('matters:new')}?entity={entity.unit_id}"}


def _line(matter: Matter) -> dict[str, Any]:
    procedure = queries.procedure_of(matter)
    left = clock.days_left(matter.next_due_on, timezone.localdate()) if matter.next_due_on else None
    kind = "good" if matter.ended_at is not None else "bad" if left is not None and left < 0 else "info"
    return {
        "no": matter.no,
        "title": matter.title,
        "url": matter.get_absolute_url(),
        "kind": words.kind_name(matter.procedure),
        "state": state_tag(kind, words.state_name(procedure, matter.state)),
        "due_on": matter.next_due_on if matter.ended_at is None else None,
        "days_left": left,
    }


def _penalties(entity: BusinessEntity, request: HttpRequest) -> dict[str, Any] | None:
    """What was published about penalties of this entity and is still public."""
    rows = (
        queries.published()
        .filter(matter__entity=entity, matter__procedure=PENALTY, state=Disclosure.State.PUBLISHED)
        .prefetch_related("facts")[:SHOWN]
    )
    return {"rows": list(rows)} if rows else None


def _compensation(entity: BusinessEntity, request: HttpRequest) -> dict[str, Any] | None:
    """三包和损害赔偿 of this entity: how many, what was agreed on and paid, what is overdue. Amounts, and no names."""
    found = Matter.objects.filter(entity=entity, procedure=COMPENSATION, drill=False)
    if not found.exists():
        return None
    at = timezone.now()
    sums = {"agreed": 0, "paid": 0}
    for code, number in StepFact.objects.filter(
        matter__in=found, code__in=sums, current=True, kind=Kind.MONEY.value
    ).values_list("code", "number"):
        sums[code] += number or 0
    return {
        "count": found.count(),
        "open": found.filter(ended_at=None).count(),
        "overdue": found.filter(ended_at=None, next_due_at__lt=at).count(),
        **{code: f"{fen // 100}.{fen % 100:02d}" for code, fen in sums.items()},
    }


SECTIONS = (
    Section("matters", _("办件"), "matters/sections/staff.html", frozenset({"staff"}), _matters_of, 40),
    Section(
        "penalties", _("行政处罚公示"), "matters/sections/penalties.html", frozenset({"staff"}), _penalties, 50
    ),
    Section(
        "compensation", _("质量担保与损害赔偿"), "matters/sections/compensation.html", frozenset({"staff", "firm"}),
        _compensation, 60,
    ),
)  # fmt: skip
