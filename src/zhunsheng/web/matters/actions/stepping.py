"""Steps: a matter is opened by its first step and moves by further ones; the procedure decides, this writes.

One step is one transaction: the matter's row is locked, the procedure is asked, then the step, its facts and papers,
the deadlines and the matter's own columns are written and one act is recorded. Nothing is half done.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ProcedureError, ZhunshengError
from zhunsheng.engine.procedure import Event, Kind, Procedure, Standing, Step, Value
from zhunsheng.engine.public_log.personal import struck
from zhunsheng.engine.words import Reason
from zhunsheng.web.common.errors import NotAllowed, Refused, language, say
from zhunsheng.web.common.records import Publicity
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.documents import actions as documents
from zhunsheng.web.matters import dispatching, policy, queries, words
from zhunsheng.web.matters.actions import dispatching as dispatch
from zhunsheng.web.matters.actions.disclosing import end_over, publish
from zhunsheng.web.matters.actions.dispatching import Offices
from zhunsheng.web.matters.models import (
    Assignment,
    Counter,
    Deadline,
    Matter,
    MatterDocument,
    MatterLink,
    MatterStep,
    StepFact,
)
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.people.queries import in_force_post
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.registry.models import FirmAccount

#: what a document that the organ issues says beyond the facts: document → field of table documents/fields → value
Texts = Mapping[str, Mapping[str, Any]]
#: stands for a paper that is made only when everything else is right
NOT_YET = "0" * 64
#: how many people are told that a matter waits for a role of theirs
TOLD = 20


@dataclass(frozen=True, slots=True)
class Paper:
    """An upload that comes as a document of a step. What the organ issues itself needs none: it is made and numbered."""

    attachment: Attachment
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Given:
    """What comes with a step."""

    step: Step
    at: datetime.datetime
    by: User | None
    role: str
    post: Post | None
    facts: Mapping[str, Value]
    papers: Mapping[str, Paper] = field(default_factory=dict)
    texts: Texts = field(default_factory=dict)
    remark: str = ""
    offices: "Offices | None" = None
    behalf: User | None = None

    @property
    def on_behalf_of(self) -> "int | None":
        """For whom: named, or who delegated the post."""
        if self.behalf is not None:
            return self.behalf.pk
        return self.post.delegated_by_id if self.post is not None else None

    @property
    def taker(self) -> str:
        """As the engine compares people."""
        if self.by is not None:
            return str(self.by.pk)
        return queries.CLOCK if self.role == queries.CLOCK else queries.PUBLIC

    def event(self, papers: Mapping[str, str]) -> Event:
        """The event, its documents named by their SHA-256."""
        behalf = queries.principal(self.on_behalf_of)
        return Event(self.step.code, self.at.astimezone(CHINA), self.taker, self.role, {**self.facts, **papers}, behalf)


def open_matter(
    code: str,
    *,
    by: User | None,
    at: datetime.datetime,
    office: Office,
    facts: Mapping[str, Value],
    verb: str = "",
    role: str = "",
    papers: "Mapping[str, Paper] | None" = None,
    texts: "Texts | None" = None,
    remark: str = "",
    title: str = "",
    handler: User | None = None,
    origin: str = "",
    source: Matter | None = None,
    link_kind: str = MatterLink.Kind.SPAWNED,
    upstream: "Mapping[str, str] | None" = None,
    once: str = "",
    offices: "Offices | None" = None,
) -> Matter:
    """Begins a matter with its first step, under the version of the procedure in force on that day in `office`.

    by: None for the public without an account (role `public`) and for the platform itself (role `clock`).
    verb: which first step, where the procedure has several. handler: who gets it; staff who open a matter in an own
    office handle it unless another is named. origin: the record it came from, as the audit trail names it ("visit:…").
    source: the matter it follows from, linked in the same transaction. upstream: fields of Sourced for what came from
    another system. offices: addressees and countersigning offices of an official document. Raises NotAllowed, or Refused with the facts at fault: then nothing is written and no number is taken.
    """
    day = at.astimezone(CHINA).date()
    try:
        procedure = queries.procedure_on(code, day, office)
    except ZhunshengError as problem:
        raise Refused(say(problem)) from problem
    if code not in words.kinds():
        raise Refused(_("没有“%(code)s”这种办件") % {"code": code})
    if by is not None and not policy.may_open(by, procedure, office):
        raise NotAllowed(_("登记“%(kind)s”需要承办机构中的相应岗位") % {"kind": procedure.label(language())})
    step = _first_step(procedure, verb)
    acting, post = _opening_role(by, role, step, office)
    facts = _own_firm(by, step, procedure, facts) if acting == "enterprise" else dict(facts)
    row = queries.kind_row(code)
    mark = f"{by.pk}:{once}"[:60] if once and by is not None else None
    with transaction.atomic():
        counter = _counter(row["prefix"], day.year)
        # the counter's row is locked: the same form sent at the same time waits here for the first
        known = Matter.objects.filter(once=mark).first() if mark else None
        if known is not None:
            return known
        number = _next_no(counter)
        entity = queries.entity_of(facts, procedure)
        matter = Matter(
            no=number,
            once=mark,
            procedure=code,
            version=procedure.version.code,
            title=_title(title, procedure, facts, row["about"], entity.name if entity else ""),
            office=office,
            entity=entity,
            division=entity.division if entity else None,
            state="start",
            state_since=at,
            opened_at=at,
            opened_by=by,
            drill=facts.get("drill") is True,
            origin=origin,
            publicity=Publicity.CLOSED if row["personal_whole"] else Publicity.ACTIVE,
            **{"level": office.level, **(upstream or {})},
        )
        own = post is not None and post.office_id == office.pk
        matter.handler = handler or (by if own else None)
        matter.save()
        _write(
            matter,
            Standing(procedure, ()),
            _Given(step, at, by, acting, post, facts, papers or {}, texts or {}, remark, offices),
            1,
        )
        Assignment.objects.create(matter=matter, handler=matter.handler, office=office, by=by, at=at)
        if source is not None:
            MatterLink.objects.create(source=source, target=matter, kind=link_kind, by=by, at=at)
        record(
            "matter.open",
            "matter",
            matter.no,
            by=by,
            at=at,
            rule=matter.rule,
            reason=remark[:500],
            changes={
                "step": step.code,
                "state": matter.state,
                "office": office.code,
                "source": source.no if source else origin,
            },
        )
        transaction.on_commit(lambda: _tell(matter, by, at))
    return matter


def take(
    matter: Matter,
    verb: str,
    *,
    by: User | None,
    at: datetime.datetime,
    facts: "Mapping[str, Value] | None" = None,
    papers: "Mapping[str, Paper] | None" = None,
    texts: "Texts | None" = None,
    role: str = "",
    remark: str = "",
    after: int | None = None,
    offices: "Offices | None" = None,
    office: Office | None = None,
    behalf: User | None = None,
) -> MatterStep:
    """Takes one step. `after`: the number of the last step that the user saw; the same step sent again changes nothing
    and gives back the step already taken, another one in between is refused.

    role: in which of the user's roles; the first that the step asks for unless named. by None: the public that has shown
    its code (role `public`), or the passing of time (role `clock`). Of an official document — offices: addressees and
    countersigning offices; office: for which office a user of several acts; behalf: whose written instruction is recorded.
    Raises NotAllowed for a wrong role or the same
    person, Refused with every fact at fault.
    """
    with transaction.atomic():
        matter = Matter.objects.select_for_update(of=("self",)).select_related("office", "handler").get(pk=matter.pk)
        try:
            now = queries.standing(matter, at.astimezone(CHINA).date())
        except ProcedureError as problem:
            raise Refused(say(problem)) from problem
        if after is not None and after < len(now.history):
            last = now.history[after]
            if last.verb == verb and last.by == (str(by.pk) if by is not None else queries.PUBLIC):
                return MatterStep.objects.get(matter=matter, seq=after + 1)
            raise Refused(_("您打开之后，这个办件已经有了新的步骤。请刷新页面，对照后再办理"))
        step = now.procedure.steps.get(verb)
        if step is None:
            raise Refused(_("这一程序没有“%(verb)s”这个步骤") % {"verb": verb})
        acting, post = _acting(by, role, step, matter, office)
        before = matter.state
        given = _Given(step, at, by, acting, post, dict(facts or {}), papers or {}, texts or {}, remark, offices,
                       behalf if step.code == dispatching.RECORDED else None)  # fmt: skip
        taken = _write(matter, now, given, len(now.history) + 1)
        record(
            "matter.step",
            "matter",
            matter.no,
            by=by,
            at=at,
            rule=matter.rule,
            reason=remark[:500],
            changes={"step": verb, "state": [before, matter.state]},
        )
        transaction.on_commit(lambda: _tell(matter, by, at, moved=matter.state != before))
        if dispatching.is_dispatch(matter):
            transaction.on_commit(lambda: dispatch.tell(matter, verb, taken))
    return taken


def advance_clock(matter: Matter, *, at: datetime.datetime) -> list[MatterStep]:
    """Takes the steps that the passing of time makes (role `clock`), as long as there is one that may be taken."""
    taken: list[MatterStep] = []
    while matter.ended_at is None:
        now = queries.standing(matter, at.astimezone(CHINA).date())
        ready = [
            one.step
            for one in engine.options(now, by=queries.CLOCK, role=queries.CLOCK, at=at)
            if one.allowed and one.step is not None and queries.CLOCK in one.step.roles and not one.step.needs
        ]
        if not ready:
            break
        taken.append(take(matter, ready[0].code, by=None, role=queries.CLOCK, at=at, after=len(now.history)))
        matter.refresh_from_db()
    return taken


def recount(matter: Matter, *, at: datetime.datetime) -> bool:
    """Writes the deadlines anew by the law and the calendar of `at`: after a change of law that applies to open matters,
    or a holiday notice that was missing. Returns whether anything moved; a move is recorded."""
    with transaction.atomic():
        matter = Matter.objects.select_for_update(of=("self",)).select_related("office", "handler").get(pk=matter.pk)
        if matter.ended_at is not None:
            return False
        before = [queries.deadline_values(row) for row in Deadline.objects.filter(matter=matter)]
        now = queries.standing(matter, at.astimezone(CHINA).date())
        _settle(matter, now, at)
        rows = list(Deadline.objects.filter(matter=matter))
        if [queries.deadline_values(row) for row in rows] == before:
            return False
        moved = {row.limit: str(row.due_on or "") for row in rows if queries.deadline_values(row) not in before}
        rule = f"{matter.procedure}@{now.procedure.version.code}"
        record("matter.recount", "matter", matter.no, by=None, at=at, rule=rule, changes=moved)
    return True


# -- who acts ----------------------------------------------------------------------------------------------------------
def _first_step(procedure: Procedure, verb: str) -> Step:
    first = [step for step in procedure.steps.values() if step.starts and verb in ("", step.code)]
    if not first:
        raise Refused(_("这一程序没有“%(verb)s”这个步骤") % {"verb": verb})
    return first[0]


def _opening_role(by: User | None, role: str, step: Step, office: Office) -> tuple[str, Post | None]:
    """The role in which a matter is begun: of a post in the office, of a city-wide one, or the firm's own."""
    if by is None:
        return role or queries.PUBLIC, None
    known = queries.opening_posts(by, office)
    for one in [role] if role else step.roles:
        if one in known:
            return one, known[one]
    return role, None


def _acting(by: User | None, role: str, step: Step, matter: Matter, office: "Office | None") -> tuple[str, Post | None]:
    """The role in which a step is taken. Where the user has none that fits, the engine says which are asked for."""
    if by is None:
        return role or queries.PUBLIC, None
    if dispatching.is_dispatch(matter) and step.code in dispatching.OF_OFFICE:
        post = dispatching.post_for(matter, step.code, step.roles, by, office)
        if post is None:
            raise NotAllowed(queries.refusal_of_office(matter, step, by).text(language()))
        return post.role, post
    known = queries.roles_in(by, matter)
    for one in [role] if role else step.roles:
        if one in known:
            return one, known[one]
    return next(iter(known), ""), None


def _own_firm(by: User | None, step: Step, procedure: Procedure, facts: Mapping[str, Value]) -> dict[str, Value]:
    """A firm begins matters about itself: its own unit is filled in, another one is refused."""
    account = FirmAccount.objects.select_related("entity").filter(user=by).first()
    if account is None:
        raise NotAllowed(_("这一步由企业账号办理"))
    found = dict(facts)
    asked = [code for code in (*step.needs, *step.allows) if words.is_unit(procedure, code)]
    for code in asked[:1]:
        if found.setdefault(code, account.entity.unit_id) != account.entity.unit_id:
            raise Refused(_("企业只能就本企业的事项办理"), field=code)
    return found


# -- writing one step --------------------------------------------------------------------------------------------------
def _write(matter: Matter, now: Standing, given: _Given, seq: int) -> MatterStep:
    """Checks the step and writes it whole. The matter's row is locked, or new."""
    procedure, step = now.procedure, given.step
    own = dispatching.is_dispatch(matter)
    if own:
        facts = dispatch.filled(
            matter, now, step, given.facts, post=given.post, behalf=given.behalf, offices=given.offices, at=given.at
        )
        given = replace(given, facts=facts)
    made = [code for code in step.documents if code not in given.papers and procedure.facts[code].issued]
    hashes = {code: paper.attachment.sha256 for code, paper in given.papers.items()}
    _check(now, given.event({**hashes, **dict.fromkeys(made, NOT_YET)}))
    _may_publish(matter, now, given)
    row = MatterStep.objects.create(
        matter=matter,
        seq=seq,
        verb=step.code,
        at=given.at,
        by=given.by,
        role=given.role,
        office=given.post.office if given.post is not None else None,
        on_behalf_of_id=given.on_behalf_of,
        remark=given.remark[:1000],
    )
    if own:
        dispatch.applied(matter, row, given.facts, given.offices)
    papers = _papers(matter, now, given, row, made)
    if own and step.code == "number":
        given = replace(given, facts={**given.facts, "number": next(one.issued.number for one in papers if one.issued)})
    if own and step.code == "seal" and not papers:
        papers = [dispatch.sealed(matter, row)]
    after = engine.advance(now, given.event({paper.code: paper.sha256 for paper in papers}))
    _facts(matter, row, procedure, after.history[-1].facts)
    _settle(matter, after, given.at)
    for shown in engine.published(after):
        if shown.publication.on == step.code and shown.at == after.history[-1].at:
            publish(matter, after, shown, by=given.by, at=given.at)
    end_over(matter, after, by=given.by, at=given.at)
    return row


def _check(now: Standing, event: Event) -> None:
    """Raises NotAllowed or Refused with every reason that the procedure has against the step."""
    reasons = engine.judge(now, event).reasons
    if not reasons:
        return
    said = [reason.text(language()) for reason in reasons]
    if any(reason.code in ("procedure.wrong_role", "procedure.same_person") for reason in reasons):
        raise NotAllowed(_join(said))
    fields: dict[str, str] = {}
    for reason, text in zip(reasons, said, strict=True):
        code = _fact_at_fault(now.procedure, reason)
        fields[code] = _join([fields[code], text]) if code in fields else text
    if set(fields) == {""}:
        raise Refused(fields[""])
    raise Refused(_join(said), fields=fields)


def _fact_at_fault(procedure: Procedure, reason: Reason) -> str:
    """The fact that a reason names; '' where it is about the step."""
    name = reason.params.get("name")
    return next((fact.code for fact in procedure.facts.values() if fact.name == name), "")


def _join(texts: Sequence[str]) -> str:
    return (" " if language() == "en" else "").join(texts)


def _may_publish(matter: Matter, now: Standing, given: _Given) -> None:
    """Nothing is public before a second person has approved its class （信息公开属性）."""
    said = engine.publishes(now.procedure, given.step.code, {**now.facts, **given.facts})
    public = any(one.form == "named" for one in said)
    if public and not matter.drill and matter.publicity_approved_at is None:
        raise Refused(_("公开之前，须由承办人以外的审核人或负责人核定本件的信息公开属性"))


def _papers(matter: Matter, now: Standing, given: _Given, row: MatterStep, made: Sequence[str]) -> list[MatterDocument]:
    """The documents of the step: what was uploaded, and what the organ issues, numbered in this same transaction."""
    procedure = now.procedure
    rows = [
        MatterDocument(
            matter=matter,
            step=row,
            code=code,
            title=(paper.title or procedure.facts[code].name)[:200],
            sha256=paper.attachment.sha256,
            attachment=paper.attachment,
            personal=bool(queries.kind_row(matter.procedure)["personal_whole"]),
            added_by=given.by,
            added_at=given.at,
        )
        for code, paper in given.papers.items()
    ]
    if made:
        fields = queries.document_fields(matter, now, given.event(dict.fromkeys(made, NOT_YET)))
        known = {**now.facts, **given.facts}
        own = dispatching.is_dispatch(matter)
        for code in made:
            issued = documents.issue(
                dispatching.document_kind(known, code) if own else f"{matter.procedure}.{code}",
                office=matter.office,
                fields={
                    **fields,
                    **(dispatching.sheet(matter, known, str(given.by)) if own and code != dispatching.FINAL else {}),
                    **given.texts.get(code, {}),
                },
                subject_type="matter",
                subject_id=matter.no,
                title=(
                    matter.title
                    if own and code == dispatching.FINAL
                    else f"{procedure.facts[code].name}：{matter.title}"
                )[:200],
                by=given.by,
                at=given.at,
                key=f"matter:{matter.no}:{row.seq}:{code}",
            )
            rows.append(
                MatterDocument(
                    matter=matter,
                    step=row,
                    code=code,
                    title=(matter.title if own and code == dispatching.FINAL else procedure.facts[code].name)[:200],
                    sha256=issued.content_sha256,
                    issued=issued,
                    personal=bool(queries.kind_row(matter.procedure)["personal_whole"]),
                    added_by=given.by,
                    added_at=given.at,
                )
            )
    return MatterDocument.objects.bulk_create(rows)


def _facts(matter: Matter, row: MatterStep, procedure: Procedure, facts: Mapping[str, Value]) -> None:
    if not facts:
        return
    StepFact.objects.filter(matter=matter, code__in=list(facts), current=True).update(current=False)
    StepFact.objects.bulk_create([_fact(matter, row, procedure, code, value) for code, value in facts.items()])


def _fact(matter: Matter, row: MatterStep, procedure: Procedure, code: str, value: Value) -> StepFact:
    fact = procedure.facts[code]
    made = StepFact(matter=matter, step=row, code=code, kind=fact.kind.value, personal=fact.personal)
    match fact.kind:
        case Kind.INTEGER | Kind.MONEY | Kind.FLAG:
            made.number = int(value)  # type: ignore[arg-type]  # the engine has checked the kind
        case Kind.DATE:
            made.day = value  # type: ignore[assignment]
        case Kind.MOMENT:
            made.moment = value  # type: ignore[assignment]
        case _:
            made.text = str(value)
    return made


def _settle(matter: Matter, after: Standing, at: datetime.datetime) -> None:
    """The matter's own columns and its deadlines, as the steps now give them."""
    matter.state, matter.state_since = after.state.code, after.since or at
    matter.ended_at = at if after.ended else None
    due = after.next
    matter.next_limit = due.limit.code if due else ""
    matter.next_due_at = due.last if due else None
    matter.next_due_on = due.deadline.due if due and due.deadline else None
    if matter.entity_id is None:
        matter.entity = queries.entity_of(after.facts, after.procedure)
        matter.division = matter.entity.division if matter.entity else matter.division
    sees = queries.kind_row(matter.procedure)["firm_sees"].split(";")
    matter.firm_sees = matter.firm_sees or "start" in sees or any(event.verb in sees for event in after.history)
    matter.drill = matter.drill or after.facts.get("drill") is True
    matter.save()
    kept = {row.ordinal: row for row in Deadline.objects.filter(matter=matter)}
    new: list[Deadline] = []
    for ordinal, one in enumerate(after.dues):
        row = queries.deadline_row(matter, ordinal, one, at)
        known = kept.get(ordinal)
        if known is None:
            new.append(row)
        elif queries.deadline_values(known) != queries.deadline_values(row):
            row.pk = known.pk
            row.save()
    Deadline.objects.bulk_create(new)


def _counter(prefix: str, year: int) -> Counter:
    """The counter of the prefix in the year, its row locked."""
    counter, _new = Counter.objects.select_for_update().get_or_create(prefix=prefix, year=year)
    return counter


def _next_no(counter: Counter) -> str:
    """The next number, taken in the caller's transaction."""
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{counter.prefix}-{counter.year}-{counter.last:05d}"


def _title(title: str, procedure: Procedure, facts: Mapping[str, Value], about: str, entity: str) -> str:
    """What lists call the matter: who and what. Never a personal fact, nor a number by which someone is known."""
    if title.strip():
        return struck(title.strip())[:200]
    fact = procedure.facts.get(about)
    subject = engine.shown(procedure, about, facts[about]) if fact and not fact.personal and about in facts else ""
    return struck("：".join(part for part in (entity, subject) if part))[:200] or procedure.name


# -- who is told -------------------------------------------------------------------------------------------------------
def _news(matter: Matter, procedure: Procedure) -> str:
    return _("%(no)s 现在：%(state)s") % {"no": matter.no, "state": words.state_name(procedure, matter.state)}


_lazy_news = lazy(_news, str)


def _tell(matter: Matter, by: User | None, at: datetime.datetime, *, moved: bool = True) -> None:
    """The handler; those in whose role the matter now waits, where the handler cannot go on; the firm, where it may see the
    matter and its state has changed: what the office does within a state may not be the firm's to know."""
    procedure = queries.procedure_of(matter)
    told: list[User | None] = [matter.handler] if matter.handler is not None else []
    if matter.ended_at is None:
        told += _awaited(matter, procedure, at)
    groups = [(told, matter.get_absolute_url())]
    if moved and matter.firm_sees and matter.entity_id is not None:
        accounts = FirmAccount.objects.filter(entity=matter.entity_id).select_related("user")
        groups.append(([account.user for account in accounts], reverse("matters:firm_matter", args=[matter.no])))
    for people, url in groups:
        others = [user for user in people if user is not None and (by is None or user.pk != by.pk)]
        if others:
            notify(others, _lazy_news(matter, procedure), url, at=at)


def _awaited(matter: Matter, procedure: Procedure, at: datetime.datetime) -> list[User | None]:
    """Who holds a role that the next steps ask for, where the handler holds none of them."""
    leading = [step for step in procedure.leading_from(matter.state) if step.code != dispatching.RECORDED]
    roles = {role for step in leading for role in step.roles}
    if matter.handler is not None and roles & set(queries.roles_in(matter.handler, matter)):
        return []
    wanted = roles - {"public", "enterprise", "lab", queries.CLOCK}
    day = at.astimezone(CHINA).date()
    held = Post.objects.filter(
        in_force_post(day), Q(office=matter.office) | Q(role__in=queries.OVERSEERS), role__in=wanted
    )
    return [post.user for post in held.select_related("user").order_by("user_id")[:TOLD]]
