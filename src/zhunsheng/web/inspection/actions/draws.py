"""抽取: execute → close the list → assign → open, or abandon in public. Nothing here can be done twice with another outcome."""

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import draw as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw.announce import ASSIGN_RULE, check_times, check_values
from zhunsheng.engine.draw.seal import key_hash, nonce
from zhunsheng.engine.draw.sources import check_signature
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.engine.suites import suite as suite_named
from zhunsheng.engine.words import Reason
from zhunsheng.web.common.errors import NotAllowed, Refused, language, say
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.actions.announcing import minute
from zhunsheng.web.inspection.actions.plans import heads_of
from zhunsheng.web.inspection.actions.signing import sign_section
from zhunsheng.web.inspection.models import Draw, Inclusion, Task, TeamMember
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record, record_many
from zhunsheng.web.registry.actions import declare_recusal
from zhunsheng.web.registry.models import Inspector

#: a moment as the engine writes it
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def execute_draw(
    draw: Draw,
    *,
    by: User,
    at: datetime.datetime,
    values: Sequence[engine.Value],
    witnesses: str,
    fallback: int = 0,
    fallback_reason: str = "",
) -> Draw:
    """Makes the seed from what the announced sources gave and draws, once and for all.

    The same values again change nothing; other values are refused: there is no redraw. Raises Refused before
    `not_before`, for values that existed before it or lie in the future, that are ill-formed or not the ones promised,
    without witnesses, for an abandoned draw, and where the stored frame is not the one announced. A refusal names what
    is at fault: 'witnesses', 'fallback_reason', or value_<n>, at_<n>, record_<n>, signature_<n> of the n-th value, from 0.
    """
    with transaction.atomic():
        draw = _locked(draw)
        if not policy.may_execute(by, draw):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以执行抽取。"))
        if draw.state == Draw.State.ABANDONED:
            raise Refused(_("抽取 %(no)s 已公开放弃，不能再执行。") % {"no": draw.no})
        if draw.seed:
            if [one["value"] for one in draw.values] == [value.value for value in values] and draw.fallback == fallback:
                return draw
            raise Refused(_("抽取 %(no)s 已经执行，结果不能更改：公告之后没有第二次抽取。") % {"no": draw.no})
        if at < draw.not_before:
            raise Refused(_("未到公告的最早抽取时间 %(when)s。") % {"when": minute(draw.not_before)})
        names = queries.names_of(queries.rounds(draw)[0])
        _check_typed(values, witnesses, at, names)
        said = queries.announcement(draw)
        try:
            done = engine.execute(said, values, fallback=fallback, fallback_reason=fallback_reason.strip())
            executed = done.as_json()
        except ZhunshengError as problem:
            raise _refused_value(problem, values, names) from problem
        try:
            frame = queries.stored_frame(draw)
        except (ZhunshengError, OSError, EOFError, ValueError) as problem:
            raise Refused(_("名录快照已损坏，不能抽取；请从备份恢复后再试。")) from problem
        terms = engine.read_terms(said)
        if done.announcement_hash != draw.announcement_hash or frame.root != terms.root:
            raise Refused(_("名录快照或公告与公告时的哈希不符，不能抽取；请从备份恢复，或公开放弃本次抽取。"))
        chosen = engine.select(frame, done.seed, terms.n)
        tasks = _tasks(draw, frame, chosen)
        draw.values = [value.as_json() for value in done.values]
        draw.seed, draw.fallback, draw.fallback_reason = done.seed, done.fallback, done.fallback_reason
        draw.state, draw.executed_at, draw.executed_by, draw.witnesses = Draw.State.EXECUTED, at, by, witnesses.strip()
        draw.selected_count = len(tasks)
        digest = sign_section(draw, "execute", executed)
        selection = sign_section(draw, "selection", [one.as_json() for one in chosen])
        public = {
            "announcement": draw.announcement_hash,
            "values": draw.values,
            "seed": done.seed,
            **({} if draw.secret else {"drawn": len(tasks)}),
            "execute": digest,
            "selection": selection,
            "witnesses": draw.witnesses,
            **keep_back(draw),
        }
        draw.save()
        record(
            "draw.execute",
            "draw",
            draw.no,
            by=by,
            at=at,
            rule=engine.PROTOCOL,
            public=public,
        )
        people = User.objects.filter(inspector__in=queries.directory_of(draw), is_active=True)
        transaction.on_commit(
            lambda: notify(
                list(people),
                format_lazy(gettext_lazy("抽取 {no} 的名单已出，请核对并申报回避"), no=draw.no),
                reverse("inspection:recuse", args=[draw.no]),
                at=at,
            )
        )
    return draw


def declare_recusals(
    draw: Draw,
    inspector: Inspector,
    tasks: Iterable[Task],
    *,
    kind: str,
    note: str,
    by: User,
    at: datetime.datetime,
) -> None:
    """申报回避 of one inspector on the drawn list, before it is closed; no task = there is nothing to recuse from.

    By the inspector, or by staff who may edit the inspector. The relations go into the register of recusals; that the
    inspector has spoken is an act on the draw. Raises Refused after the closing, and for an inspector outside the pool.
    """
    with transaction.atomic():
        draw = _locked(draw)
        if draw.state != Draw.State.EXECUTED:
            raise Refused(_("名单尚未抽出或已经关闭，不能再申报回避；派员后不能到场的，办理替换。"))
        if not queries.directory_of(draw).filter(pk=inspector.pk).exists():
            raise Refused(_("%(no)s 不在这次抽取的检查人员名录中。") % {"no": inspector.person_no}, field="inspector")
        if not (policy.may_assign(by, draw) or inspector.user_id == by.pk):
            raise NotAllowed(_("回避由本人申报，或由牵头机构的经办人员代为登记。"))
        chosen = list(tasks)
        if any(task.draw_id != draw.pk for task in chosen):
            raise Refused(_("所选单位不在这次抽中的名单里。"))
        day = at.astimezone(CHINA).date()
        for task in chosen:
            declare_recusal(inspector, task.entity, kind, note=note.strip(), declared_on=day, by=by, at=at)
        said = {"inspector": inspector.person_no, "units": len(chosen)}
        record("draw.declare", "draw", draw.no, by=by, at=at, changes=said)


def close_list(
    draw: Draw,
    *,
    by: User,
    at: datetime.datetime,
    least: int | None = None,
    most: int | None = None,
    bounds_reason: str = "",
) -> Draw:
    """关闭名单: recusals are in; who may go where, and the start of the chain, are published and logged before the second
    round of randomness exists.

    least, most: bounds of visits of everybody, in place of those that follow from the announcement; they need a reason,
    which is published. Raises Refused, before anything is written, with every shortage in words. Done again, it changes
    nothing.
    """
    with transaction.atomic():
        draw = _locked(draw)
        if not policy.may_assign(by, draw):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以关闭名单。"))
        if draw.list_closed_at is not None:
            return draw
        if draw.state != Draw.State.EXECUTED:
            raise Refused(_("抽取尚未执行或已放弃，不能关闭名单。"))
        rule = engine.read_terms(queries.announcement(draw)).assignment
        if rule is None:
            raise Refused(_("公告没有写明派员规则，不能派员。"))
        day = queries.assignment_day(draw, at)
        if (least is not None or most is not None) and len(bounds_reason.strip()) < 5:
            raise Refused(_("不按公告的份额确定每人次数的，请写明理由，理由将向社会公开。"), field="bounds_reason")
        wanted = queries.targets(draw)
        people = queries.bounded(draw, wanted, queries.inspectors(draw, day), day, least=least, most=most)
        try:
            if shortages := engine.feasible(wanted, people, on=day, team_size=rule.team_size):
                raise Refused(
                    "\n".join(shortage_words(one) for one in shortages) + _widen(wanted, people, day, rule.team_size)
                )
            closed = engine.constraints(
                wanted,
                people,
                on=day,
                at=at,
                team_size=rule.team_size,
                steps_per_slot=rule.steps_per_slot,
                nonce=nonce(draw.sealing.key, draw.no, suite_named(draw.suite)) if draw.sealed else "",
            )
        except DrawError as problem:
            raise Refused(say(problem)) from problem
        body = closed.as_json()
        draw.file.constraints = canonical(body).decode()
        draw.file.save(update_fields=["constraints"])
        draw.state, draw.list_closed_at, draw.list_closed_by = Draw.State.LIST_CLOSED, at, by
        digest = sign_section(draw, "assign_announce", body)
        held = keep_back(draw)
        draw.save()
        record(
            "draw.close_list",
            "draw",
            draw.no,
            by=by,
            at=at,
            rule=ASSIGN_RULE,
            public={
                "announcement": draw.announcement_hash,
                "assign_announce": digest,
                "bounds": bounds_reason.strip(),
                **({} if draw.secret else {"inspectors": len(people), "targets": len(wanted)}),
                **held,
            },
        )
    return draw


def assign_teams(
    draw: Draw,
    *,
    by: User,
    at: datetime.datetime,
    values: Sequence[engine.Value],
    witnesses: str,
    fallback: int = 0,
    fallback_reason: str = "",
) -> Draw:
    """派员: gives every drawn entity a lead with the speciality and others, by the chain that the second round of randomness
    drives.

    The same values again change nothing; other values are refused. Raises Refused before the list is closed, and for
    values as `execute_draw` does, with the same names of the fields at fault.
    """
    with transaction.atomic():
        draw = _locked(draw)
        if not policy.may_assign(by, draw):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以派员。"))
        if draw.second_seed:
            same = [one["value"] for one in draw.second_values] == [value.value for value in values]
            if same and draw.second_fallback == fallback:
                return draw
            raise Refused(
                _("抽取 %(no)s 已经派员，不能重派：个别人员不能到场的，逐个替换并公开理由。") % {"no": draw.no}
            )
        closed = queries.stored_constraints(draw)
        if draw.state != Draw.State.LIST_CLOSED or closed is None:
            raise Refused(_("请先关闭名单：派员的约束要在第二轮随机数产生之前公布。"))
        second = queries.rounds(draw)[1]
        names = queries.names_of(second) if second is not None else {}
        _check_typed(values, witnesses, at, names)
        rule = engine.read_terms(queries.announcement(draw)).assignment
        if rule is None:
            raise Refused(_("公告没有写明派员规则，不能派员。"))
        code = suite_named(draw.suite)
        try:
            if fallback and not fallback_reason.strip():
                raise DrawError("draw.execute.fallback_reason")
            used = rule.sources_used(fallback)
            check_values(used, values, draw.no, code, second=True)
            check_times(used, values, rule.earliest(fallback, closed.at))
            for source, value in zip(used, values, strict=True):
                if source.kind == "drand":
                    check_signature(source, value)
            seed = engine.assignment_seed(
                draw.announcement_hash, engine.constraints_hash(closed.as_json(), code), values, suite=code
            )
            made = engine.assign(
                closed, seed, values=values, fallback=fallback, fallback_reason=fallback_reason.strip(), suite=code
            )
            body = made.as_json()
        except ZhunshengError as problem:
            raise _refused_value(problem, values, names) from problem
        draw.file.assignment = canonical(body).decode()
        draw.file.save(update_fields=["assignment"])
        members = _members(draw, made)
        draw.second_values, draw.second_seed = [value.as_json() for value in values], seed
        draw.second_fallback, draw.second_fallback_reason = fallback, made.fallback_reason
        draw.second_witnesses, draw.assigned_by = witnesses.strip(), by
        draw.state, draw.assigned_at = Draw.State.ASSIGNED, at
        digest = sign_section(draw, "assign", body)
        held = keep_back(draw)
        draw.save()
        draw.tasks.filter(state=Task.State.DRAWN).update(state=Task.State.ASSIGNED)
        record(
            "draw.assign",
            "draw",
            draw.no,
            by=by,
            at=at,
            rule=ASSIGN_RULE,
            public={
                "assign": digest,
                "values": draw.second_values,
                "seed": seed,
                **({} if draw.secret else {"steps": made.steps, "moved": made.moved, "load": made.load}),
                "witnesses": draw.second_witnesses,
                **held,
            },
        )
        users = {one.inspector.user for one in members if one.inspector.user_id}
        transaction.on_commit(
            lambda: notify(
                users,
                format_lazy(gettext_lazy("抽取 {no} 已派员，您有新的检查任务"), no=draw.no),
                reverse("inspection:my_tasks"),
                at=at,
            )
        )
    return draw


def open_draw(draw: Draw, *, by: User, at: datetime.datetime) -> Draw:
    """开封: reveals the key of a sealed draw, and with it the frame, who was drawn and who was sent. Once, for good.

    After the announced day it still opens, and the record says how many days late. Raises Refused for a draw that is
    not sealed, that has no teams yet, or whose key is not the one announced.
    """
    with transaction.atomic():
        draw = _locked(draw)
        if not policy.may_open(by, draw):
            raise NotAllowed(_("开封由牵头机构的经办人员或负责人办理。"))
        if not draw.sealed:
            raise Refused(_("抽取 %(no)s 是公开抽取，没有可开封的内容。") % {"no": draw.no})
        if draw.opened_at is not None:
            return draw
        if draw.state != Draw.State.ASSIGNED:
            raise Refused(_("派员之后才能开封；不再检查的，请公开放弃或撤回并说明理由。"))
        terms = engine.read_terms(queries.announcement(draw))
        if terms.seal is None or key_hash(draw.sealing.key, draw.no, terms.suite) != terms.seal.key_hash:
            raise Refused(_("密钥与公告的哈希不符，不能开封；请从备份恢复后再试。"))
        draw.state = Draw.State.OPENED
        public = _unseal(draw, by=by, at=at)
        draw.save()
        record("draw.open", "draw", draw.no, by=by, at=at, rule=engine.PROTOCOL, public=public)
        record_results([draw.pk], by=by, at=at)  # where every unit was withdrawn under the seal
        transaction.on_commit(
            lambda: notify(
                heads_of(draw.plan.office),
                format_lazy(gettext_lazy("抽取 {no} 已开封，名单随即公开"), no=draw.no),
                reverse("inspection:draw", args=[draw.no]),
                at=at,
            )
        )
    return draw


def abandon_draw(draw: Draw, *, by: User, at: datetime.datetime, reason: str) -> Draw:
    """Gives up an announced draw in public, with the reason; the number stays used. A head decides who did not announce it.

    A sealed one is opened with it: what was given up must be seen. From `not_before` on the verdict says that it was
    given up after the seed could be known.
    """
    with transaction.atomic():
        draw = _locked(draw)
        if not policy.may_abandon(by, draw):
            raise NotAllowed(_("放弃抽取须由公告人以外的牵头机构负责人决定。"))
        if draw.state == Draw.State.ABANDONED:
            return draw
        if draw.state != Draw.State.ANNOUNCED:
            raise Refused(_("抽取已经执行，不能放弃：抽中的对象应当检查，个别对象可说明理由撤回。"))
        if len(reason.strip()) < 5:
            raise Refused(_("请写明放弃的理由，理由将向社会公开。"), field="reason")
        try:
            section = engine.Abandonment(reason.strip(), queries.abandon_approver(draw), at).as_json()
        except DrawError as problem:
            raise Refused(say(problem), field="reason") from problem
        draw.state, draw.abandoned_at, draw.abandoned_by, draw.abandon_reason = (
            Draw.State.ABANDONED,
            at,
            by,
            reason.strip(),
        )
        digest = sign_section(draw, "abandon", section)
        if opening := _unseal(draw, by=by, at=at) if draw.secret else {}:
            record("draw.open", "draw", draw.no, by=by, at=at, rule=engine.PROTOCOL, public=opening)
        draw.save()
        record(
            "draw.abandon",
            "draw",
            draw.no,
            by=by,
            at=at,
            reason=draw.abandon_reason,
            public={"announcement": draw.announcement_hash, "abandon": digest, **section},
        )
    return draw


def _unseal(draw: Draw, *, by: User, at: datetime.datetime) -> dict[str, Json]:
    """Opens the seal of a draw that the caller saves; returns what the log says of it."""
    draw.opened_at, draw.opened_by = at, by
    return {
        "announcement": draw.announcement_hash,
        "open": sign_section(draw, "open", queries.opening(draw)),
        "key": draw.sealing.key,
        "open_by": draw.open_by.isoformat() if draw.open_by else "",
        "days_late": queries.days_overdue(draw, at),
    }


def record_results(draws: Iterable[int], *, by: User | None, at: datetime.datetime) -> None:
    """结果: one entry of the log for each of these draws all of whose units have come to an end: published, or withdrawn.

    Called by whatever may complete a draw, within its transaction. Again after a correction, for the results are others
    then; where nothing has changed nothing is recorded.
    """
    deeds = []
    done = [*queries.PUBLISHED, Task.State.WITHDRAWN]
    for draw in Draw.objects.select_for_update(of=("self",)).filter(pk__in=sorted(set(draws)), seed__gt=""):
        if draw.secret or draw.tasks.exclude(state__in=done).exists():
            continue
        body = queries.bundle_results(draw)
        digest = engine.section_digest(draw.no, "results", body, suite=suite_named(draw.suite))
        if digest == draw.results_digest:
            continue
        draw.results_digest, again = digest, bool(draw.results_digest)
        sign_section(draw, "results", body)
        draw.save(update_fields=["results_digest", "signatures"])
        public = {"announcement": draw.announcement_hash, "results": digest, "count": len(body), "corrected": again}
        deeds.append(Deed("draw.results", "draw", draw.no, rule=engine.PROTOCOL, public=public))
    record_many(deeds, by=by, at=at)


def note_look(draw: Draw, *, by: User, at: datetime.datetime, what: str) -> None:
    """Notes that somebody looked at what a sealed draw still keeps: each look is an act. For other draws nothing is noted."""
    if draw.secret and draw.seed:
        record("draw.look", "draw", draw.no, by=by, at=at, changes={"page": what})


def keep_back(draw: Draw) -> dict[str, str]:
    """Of a sealed draw: signs what it has withheld so far; {"withheld": digest} for the entry of the log. Else nothing."""
    return {"withheld": sign_section(draw, "withheld", queries.withheld(draw))} if draw.sealed else {}


# -- parts -----------------------------------------------------------------------------------------------------------
def _locked(draw: Draw) -> Draw:
    return Draw.objects.select_for_update(of=("self",)).select_related("plan__office", "rule_book").get(pk=draw.pk)


def _check_typed(
    values: Sequence[engine.Value], witnesses: str, at: datetime.datetime, names: Mapping[str, str]
) -> None:
    if not witnesses.strip():
        raise Refused(_("请写明现场见证人（单位和人数，例如“市纪委监委2人、公证员1人”）。"), field="witnesses")
    for number, value in enumerate(values):
        if value.at > at:
            raise Refused(
                _("来源 %(source)s 的时间晚于现在，请核对。") % {"source": value.source}, field=f"at_{number}"
            )
        try:
            value.as_json()
        except DrawError as problem:
            raise _refused_value(problem, values, names, number) from problem


def _tasks(draw: Draw, frame: engine.Frame, chosen: Sequence[engine.Selected]) -> list[Task]:
    """One task a unit, however many lists drew it, and one inclusion for each of them."""
    position = {unit: number for number, unit in enumerate(json.loads(leaf)["id"] for leaf in frame.leaves)}
    terms = engine.read_terms(queries.announcement(draw))
    keys, sizes, n, lists = queries.stored_keys(draw), frame.sizes, terms.n, bool(terms.lists)
    first: dict[str, engine.Selected] = {}
    for unit in chosen:
        first.setdefault(unit.id, unit)
    width = max(len(str(len(first))), 4)
    tasks = [
        Task(
            no=f"{draw.no}-{number:0{width}d}",
            draw=draw,
            entity_id=keys[position[unit.id]],
            unit_id=unit.id,
            ticket=unit.ticket,
            due_on=draw.plan.ends_on,
        )
        for number, unit in enumerate(first.values(), 1)
    ]
    made = {task.unit_id: task for task in Task.objects.bulk_create(tasks, batch_size=2000)}
    rows = []
    for unit in chosen:
        name, _sep, stratum = unit.stratum.partition("/") if lists else ("", "", unit.stratum)
        share = unit.probability
        rows.append(
            Inclusion(
                task=made[unit.id],
                list=name,
                stratum=stratum,
                rank=unit.rank,
                n=n[unit.stratum],
                size=sizes[unit.stratum],
                numerator=share.numerator,
                denominator=share.denominator,
            )
        )
    Inclusion.objects.bulk_create(rows, batch_size=2000)
    return tasks


def _members(draw: Draw, made: engine.Assignment) -> list[TeamMember]:
    tasks = {task.unit_id: task for task in draw.tasks.exclude(state=Task.State.WITHDRAWN)}
    # somebody may have left between the closing and the second round: the team stands, and is replaced in public
    people = {one.person_no: one for one in queries.directory_of(draw).select_related("user")}
    return TeamMember.objects.bulk_create(
        [
            TeamMember(task=tasks[team.target], inspector=people[number], lead=number == team.lead)
            for team in made.teams
            if team.target in tasks
            for number in team.members
        ],
        batch_size=2000,
    )


def _widen(
    wanted: Sequence[engine.Target], people: Sequence[engine.Inspector], day: datetime.date, team_size: int
) -> str:
    """What would mend a shortage that comes from the bounds of visits alone; '' where no bounds would help."""
    found = engine.suggest_bounds(wanted, people, on=day, team_size=team_size)
    if found is None or not (found.lower or found.upper):
        return ""
    return "\n" + _(
        "把每人检查次数的下限减少 %(lower)s、上限增加 %(upper)s 就可以派出；请改定次数后再关闭，或增加人员。"
    ) % {
        "lower": found.lower,
        "upper": found.upper,
    }


def shortage_words(reason: Reason) -> str:
    """A shortage in the language of the page, with the name of the speciality instead of its code."""
    params = dict(reason.params)
    if "speciality" in params:
        params["speciality"] = " + ".join(
            queries.label("inspection/specialities", code) for code in str(params["speciality"]).split("+") if code
        )
    return Reason(reason.code, params).text(language())


def _refused_value(
    problem: ZhunshengError, values: Sequence[engine.Value], names: Mapping[str, str], number: int | None = None
) -> Refused:
    """The refusal of what a source gave, at the field at fault (see execute_draw), its times as the city's clocks show them.

    `names`: what the page calls each source. `number`: the value at fault, where the error does not name its source.
    """
    params = dict(problem.params)
    where = str(params.get("source") or params.get("at", ""))
    for key in ("at", "not_before", "round_at"):
        if isinstance(moment := params.get(key), str) and _INSTANT.fullmatch(moment):
            params[key] = minute(datetime.datetime.fromisoformat(moment))
    if isinstance(source := params.get("source"), str):
        params["source"] = names.get(source, source)
    if number is None:
        number = next((place for place, value in enumerate(values) if value.source == where), None)
    field = ""
    if problem.code == "draw.execute.fallback_reason" or where == "execute.fallback_reason":
        field = "fallback_reason"
    elif number is not None:
        if where.startswith("evidence."):
            part = where.removeprefix("evidence.")
        elif values[number].source.startswith("drand:"):
            part = "signature"
        else:
            part = "at" if problem.code == "draw.execute.too_early" else "value"
        field = f"{part}_{number}"
    return Refused(Reason(problem.code, params).text(language()), field=field)
