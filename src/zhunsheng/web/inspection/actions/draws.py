"""抽取: announce → execute → assign, or abandon in public. Nothing here can be done twice with another outcome."""

import datetime
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import draw as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw.announce import ASSIGN_RULE
from zhunsheng.engine.draw.frame import check_unit_id
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.words import Reason
from zhunsheng.web.common.errors import NotAllowed, Refused, language, say
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.actions.plans import heads_of, item_mark, plan_hash
from zhunsheng.web.inspection.models import Draw, DrawFile, Inclusion, Plan, Task, TeamMember
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.registry.models import Inspector

SHOWN = 10
#: a moment as the engine writes it
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def announce_draw(
    plan: Plan,
    *,
    by: User,
    at: datetime.datetime,
    not_before: datetime.datetime,
    sources: Sequence[engine.Source] | None = None,
    fallback: Sequence[engine.Fallback] = (),
) -> Draw:
    """Freezes the register for a plan and commits to it, to the numbers and to the sources of randomness, in public.

    `sources` in the order in which they enter the seed; without them the public ceremony of two parties and dice.
    `not_before`: no value may exist earlier; at least 24 hours after `at`. The same announcement again is the open one.

    Raises Refused for a plan that is not approved, without a rule book in force, with a code in the frame that is not
    valid (all are named), with another open draw, with a `not_before` after the end of the inspections, or for what
    engine.draw refuses.
    """
    day = at.astimezone(CHINA).date()
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("office").get(pk=plan.pk)
        if not policy.may_announce(by, plan):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以公告抽取。"))
        chosen = tuple(sources) if sources is not None else queries.default_sources()
        standing = plan.draws.filter(state=Draw.State.ANNOUNCED).first()
        if standing is not None:
            said = queries.announcement(standing)
            if standing.not_before == not_before.replace(microsecond=0) and said["sources"] == [
                one.as_json() for one in chosen
            ]:
                return standing
            raise Refused(
                _("该计划已有公告未执行的抽取 %(no)s；请先执行或公开放弃，不能另行公告。") % {"no": standing.no}
            )
        if plan.state not in {Plan.State.APPROVED, Plan.State.RUNNING}:
            raise Refused(_("计划尚未批准或已办结，不能公告抽取。"))
        if not_before.astimezone(CHINA).date() > plan.ends_on:
            raise Refused(
                _("最早抽取时间晚于检查结束之日 %(day)s：抽出来也来不及检查。") % {"day": plan.ends_on.isoformat()},
                field="not_before",
            )
        book = _rule_book(plan, day)
        Office.objects.select_for_update().get(pk=plan.office_id)  # consecutive numbers, given out one by one
        no = queries.next_draw_no(plan.office, day)
        keys: dict[str, int] = {}
        frame = _freeze(plan, day, keys)
        n = _allocate(plan, frame)
        try:
            said = engine.announcement(
                draw=no,
                frame=frame,
                n=n,
                sources=chosen,
                announced_at=at,
                not_before=not_before,
                fallback=fallback,
                assignment=engine.AssignmentRule(team_size=plan.team_size),
                items=[f"{item_mark(item)} {item.name}" for item in plan.items.order_by("code")],
                legal_basis=_legal_basis(plan),
                plan=f"{plan.no} {plan.name} sha256:{plan_hash(plan)}",
                frame_date=day.isoformat(),
                rule_version=book.version,
                rule_book_sha256=book.sha256,
            )
        except DrawError as problem:
            raise Refused(say(problem), field=_field(problem)) from problem
        code = engine.announcement_hash(said)
        names = queries.division_names()
        draw = Draw.objects.create(
            no=no,
            plan=plan,
            rule_book=book,
            announcement=canonical(said).decode(),
            announcement_hash=code,
            frame_root=frame.root,
            frame_size=frame.size,
            strata=_strata(plan, frame, n, names),
            announced_at=at,
            announced_by=by,
            not_before=not_before.replace(microsecond=0),
            level=plan.level,
            source_system=plan.source_system,
        )
        order = [keys[json.loads(leaf)["id"]] for leaf in frame.leaves]
        DrawFile.objects.create(
            draw=draw,
            frame=queries.pack(frame.leaves),
            keys=gzip.compress("\n".join(map(str, order)).encode(), mtime=0),
        )
        if plan.state == Plan.State.APPROVED:
            plan.state = Plan.State.RUNNING
            plan.save(update_fields=["state"])
        record(
            "draw.announce",
            "draw",
            no,
            by=by,
            at=at,
            rule=f"{engine.PROTOCOL}; {book.version} {book.sha256}",
            public={
                "announcement": code,
                "plan": plan.no,
                "root": frame.root,
                "size": frame.size,
                "excluded": dict(frame.excluded),
                "N": frame.sizes,
                "n": dict(n),
                "sources": said["sources"],
                "not_before": said["not_before"],
            },
        )
        transaction.on_commit(
            lambda: notify(
                heads_of(plan.office),
                format_lazy(gettext_lazy("抽取 {no} 已公告，最早 {when} 抽取"), no=no, when=_minute(not_before)),
                reverse("inspection:draw", args=[no]),
                at=at,
            )
        )
    return draw


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
        draw = Draw.objects.select_for_update(of=("self",)).select_related("plan__office", "rule_book").get(pk=draw.pk)
        if not policy.may_execute(by, draw):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以执行抽取。"))
        if draw.state == Draw.State.ABANDONED:
            raise Refused(_("抽取 %(no)s 已公开放弃，不能再执行。") % {"no": draw.no})
        if draw.seed:
            if [one["value"] for one in draw.values] == [value.value for value in values] and draw.fallback == fallback:
                return draw
            raise Refused(_("抽取 %(no)s 已经执行，结果不能更改：公告之后没有第二次抽取。") % {"no": draw.no})
        if at < draw.not_before:
            raise Refused(_("未到公告的最早抽取时间 %(when)s。") % {"when": _minute(draw.not_before)})
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
                raise _refused_value(problem, values, number) from problem
        said = queries.announcement(draw)
        try:
            done = engine.execute(said, values, fallback=fallback, fallback_reason=fallback_reason)
            executed = done.as_json()
            frame = queries.stored_frame(draw)
        except ZhunshengError as problem:
            raise _refused_value(problem, values) from problem
        except (OSError, EOFError, ValueError) as problem:
            raise Refused(_("名录快照已损坏，不能抽取；请从备份恢复后再试。")) from problem
        if done.announcement_hash != draw.announcement_hash or frame.root != engine.read_terms(said).root:
            raise Refused(_("名录快照或公告与公告时的哈希不符，不能抽取；请从备份恢复，或公开放弃本次抽取。"))
        chosen = engine.select(frame, done.seed, _announced_n(draw))
        tasks = _tasks(draw, frame, chosen)
        draw.values = [value.as_json() for value in done.values]
        draw.seed, draw.fallback, draw.fallback_reason = done.seed, done.fallback, done.fallback_reason
        draw.state, draw.executed_at, draw.executed_by, draw.witnesses = Draw.State.EXECUTED, at, by, witnesses.strip()
        draw.selected_count = len(tasks)
        draw.save()
        record(
            "draw.execute",
            "draw",
            draw.no,
            by=by,
            at=at,
            rule=engine.PROTOCOL,
            public={
                "announcement": draw.announcement_hash,
                "values": draw.values,
                "seed": done.seed,
                "drawn": len(tasks),
                "execute": engine.digest(executed),
                "selection": engine.digest([one.as_json() for one in chosen]),
                "witnesses": draw.witnesses,
            },
        )
    return draw


def assign_teams(draw: Draw, *, by: User, at: datetime.datetime) -> Draw:
    """Gives every drawn entity a lead with the speciality and others, by the second seed; nobody recused, nobody on leave.

    Raises Refused, before anything is computed, with every shortage in words. Done again, it changes nothing.
    """
    with transaction.atomic():
        draw = Draw.objects.select_for_update(of=("self",)).select_related("plan__office").get(pk=draw.pk)
        if not policy.may_assign(by, draw):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以派员。"))
        if draw.state == Draw.State.ASSIGNED:
            return draw
        if draw.state != Draw.State.EXECUTED:
            raise Refused(_("抽取尚未执行或已放弃，不能派员。"))
        day, size = queries.assignment_day(draw, at), draw.plan.team_size
        pool = list(queries.inspector_pool(draw.plan))
        people, targets = queries.inspectors(draw, pool, day), queries.targets(draw)
        shortages = engine.feasible(targets, people, on=day, team_size=size)
        if shortages:
            raise Refused("\n".join(_shortage(one) for one in shortages))
        fixed = engine.constraints(targets, people, on=day, at=at, team_size=size)
        second = engine.assignment_seed(draw.announcement_hash, engine.constraints_hash(fixed), draw.seed, ())
        made = engine.assign(targets, people, second, on=day, at=at, team_size=size)
        body = made.as_json()
        draw.file.assignment = canonical(body).decode()
        draw.file.save(update_fields=["assignment"])
        members = _members(draw, made, {one.person_no: one for one in pool})
        draw.state, draw.assigned_at = Draw.State.ASSIGNED, at
        draw.save(update_fields=["state", "assigned_at"])
        draw.tasks.filter(state=Task.State.DRAWN).update(state=Task.State.ASSIGNED)
        record(
            "draw.assign",
            "draw",
            draw.no,
            by=by,
            at=at,
            rule=ASSIGN_RULE,
            public={"assign": engine.digest(body), "seed": second, "load": made.load},
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


def abandon_draw(draw: Draw, *, by: User, at: datetime.datetime, reason: str) -> Draw:
    """Gives up an announced draw in public, with the reason; the number stays used. A head decides who did not announce it."""
    with transaction.atomic():
        draw = Draw.objects.select_for_update(of=("self",)).select_related("plan__office").get(pk=draw.pk)
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
        draw.save()
        record(
            "draw.abandon",
            "draw",
            draw.no,
            by=by,
            at=at,
            reason=draw.abandon_reason,
            public={"announcement": draw.announcement_hash, "abandon": engine.digest(section), **section},
        )
    return draw


# -- parts -----------------------------------------------------------------------------------------------------------
def _rule_book(plan: Plan, day: datetime.date) -> Any:
    book = queries.rule_book_on(day)
    if book is None:
        raise Refused(_("没有已签发并施行的实施细则；请先生成并签发实施细则。"))
    known = {(item["code"], item["valid_from"]) for item in queries.rule_book_body(book)["items"]}
    for item in plan.items.all():
        if (item.code, item.valid_from.isoformat() if item.valid_from else "") not in known:
            raise Refused(
                _("抽查事项“%(item)s”(%(code)s)的这一版本不在现行实施细则 %(version)s 中；请重新生成并签发细则。")
                % {"item": named(item), "code": item.code, "version": book.version}
            )
    return book


def _freeze(plan: Plan, day: datetime.date, keys: dict[str, int]) -> engine.Frame:
    leaves = []
    for key, leaf in queries.frame_leaves(plan, day):
        keys[str(leaf["id"])] = key
        leaves.append(leaf)
    if not leaves:
        raise Refused(_("范围内没有可抽取的对象。"))
    try:
        return engine.freeze(leaves)
    except DrawError as problem:
        bad = []
        for leaf in leaves:
            try:
                check_unit_id(str(leaf["id"]))
            except ZhunshengError as one:
                bad.append(f"{leaf['id']}({say(one)})")
        if not bad:
            raise Refused(say(problem)) from problem
        raise Refused(
            _("名录中有 %(n)s 个主体标识有误，不能冻结名录；请先更正：%(list)s")
            % {"n": len(bad), "list": ";".join(bad[:SHOWN]) + ("…" if len(bad) > SHOWN else "")}
        ) from problem


def _allocate(plan: Plan, frame: engine.Frame) -> dict[str, int]:
    ratios, missing = {}, set()
    for stratum, size in frame.sizes.items():
        name = queries.stratum_class(plan.stratify_by, stratum)
        text = plan.ratios.get(name)
        if text:
            ratios[stratum] = queries.exact(text)
        elif size:
            missing.add(name)
        else:
            ratios[stratum] = queries.exact("1")  # nobody can be drawn there; allocate gives 0
    if missing:
        raise Refused(
            _("名录中有 %(classes)s 类对象，计划没有写明其抽查比例(“*”表示未分类)。")
            % {"classes": _("、").join(sorted(missing))}
        )
    return engine.allocate(frame.sizes, ratios)


def _strata(plan: Plan, frame: engine.Frame, n: Mapping[str, int], names: Mapping[str, str]) -> list[dict[str, Any]]:
    out: dict[str, int] = dict.fromkeys(frame.sizes, 0)
    for leaf in frame.leaves:
        if b'"exclusion"' in leaf:
            out[json.loads(leaf)["stratum"]] += 1
    return [{"key": key, "size": size, "n": n[key], "capped": out[key]} for key, size in frame.sizes.items()]


def _legal_basis(plan: Plan) -> str:
    return ";".join(dict.fromkeys(item.legal_basis for item in plan.items.order_by("code") if item.legal_basis))[:1000]


def _announced_n(draw: Draw) -> dict[str, int]:
    """n of each stratum, as announced."""
    return dict(engine.read_terms(queries.announcement(draw)).n)


def _tasks(draw: Draw, frame: engine.Frame, chosen: Sequence[engine.Selected]) -> list[Task]:
    """One task a unit, however many lists drew it, and one inclusion for each of them."""
    position = {unit: number for number, unit in enumerate(json.loads(leaf)["id"] for leaf in frame.leaves)}
    keys, sizes, n = queries.stored_keys(draw), frame.sizes, _announced_n(draw)
    lists = bool(queries.announcement(draw).get("lists"))
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


def _members(draw: Draw, made: engine.Assignment, people: Mapping[str, Inspector]) -> list[TeamMember]:
    tasks = {task.unit_id: task for task in draw.tasks.exclude(state=Task.State.WITHDRAWN)}
    return TeamMember.objects.bulk_create(
        [
            TeamMember(task=tasks[team.target], inspector=people[number], lead=number == team.lead)
            for team in made.teams
            if team.target in tasks
            for number in (team.lead, *team.others)
        ],
        batch_size=2000,
    )


def _shortage(reason: Reason) -> str:
    """A shortage in the language of the page, with the name of the speciality instead of its code."""
    params = dict(reason.params)
    if "speciality" in params:
        params["speciality"] = " + ".join(
            queries.label("inspection/specialities", code) for code in str(params["speciality"]).split("+") if code
        )
    return Reason(reason.code, params).text(language())


def _field(problem: DrawError) -> str:
    return "not_before" if problem.code in {"draw.announce.too_soon"} else "sources" if "source" in problem.code else ""


def _refused_value(problem: ZhunshengError, values: Sequence[engine.Value], number: int | None = None) -> Refused:
    """The refusal of what a source gave, at the field at fault (see execute_draw), its times as the city's clocks show them.

    `number`: the value at fault, where the error does not name its source.
    """
    params = dict(problem.params)
    where = str(params.get("source") or params.get("at", ""))
    for key in ("at", "not_before", "round_at"):
        if isinstance(moment := params.get(key), str) and _INSTANT.fullmatch(moment):
            params[key] = _minute(datetime.datetime.fromisoformat(moment))
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


def _minute(moment: datetime.datetime) -> str:
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
