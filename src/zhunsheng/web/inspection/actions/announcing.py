"""公告抽取: the register is frozen, and everything that could be chosen later is committed to in public."""

import datetime
import gzip
import json
import secrets
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import draw as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw.frame import check_unit_id
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.suites import suite as suite_named
from zhunsheng.web.common.errors import NotAllowed, Refused, say
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.actions.plans import heads_of, item_mark, plan_hash
from zhunsheng.web.inspection.actions.signing import sign_section
from zhunsheng.web.inspection.models import Draw, DrawFile, DrawKey, Plan
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.public_log.actions import record

SHOWN = 10


def announce_draw(
    plan: Plan,
    *,
    by: User,
    at: datetime.datetime,
    not_before: datetime.datetime,
    sources: Sequence[engine.Source],
    fallback: Sequence[engine.Fallback] = (),
    second_sources: Sequence[engine.Source],
    second_fallback: Sequence[engine.Fallback] = (),
    open_by: datetime.date | None = None,
    suite: str = "sha256",
) -> Draw:
    """Freezes the register for a plan and commits to it, to the numbers and to the sources of randomness, in public.

    `sources` in the order in which they enter the seed: `queries.ceremony` with what the parties handed in, or
    others. `second_sources`: of the second round, which assigns the inspectors; none of them is one of the first.
    `not_before`: no value may exist earlier; at least 24 hours after `at`. `open_by`: of a sealed plan, the last day of
    its opening (None = as suggested from the calendar). The key of a sealed draw is drawn here from the operating
    system, and only its hash is said. The same announcement again is the open one.

    Raises Refused for a plan that is not approved, without a rule book in force, with a code in the frame that is not
    valid (all are named), with another open draw, with a `not_before` after the end of the inspections, or for what
    engine.draw refuses.
    """
    day = at.astimezone(CHINA).date()
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("office").get(pk=plan.pk)
        if not policy.may_announce(by, plan):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以公告抽取。"))
        chosen, second = tuple(sources), tuple(second_sources)
        standing = plan.draws.filter(state=Draw.State.ANNOUNCED).first()
        if standing is not None:
            return _same_again(standing, not_before, chosen)
        sealed = plan.mode == Plan.Mode.SEALED
        opening = (open_by or queries.suggested_open_by(plan, day)) if sealed else None
        _check(plan, not_before, opening)
        book = _rule_book(plan, day)
        Office.objects.select_for_update().get(pk=plan.office_id)  # consecutive numbers, given out one by one
        no = queries.next_draw_no(plan.office, day)
        draft = queries.draft_frame(plan, day)
        key = secrets.token_hex(32) if sealed else ""
        people = queries.directory(plan, day)
        frame = _freeze(draft, suite=suite, key=key, no=no)
        try:
            said = engine.announcement(
                draw=no,
                frame=frame,
                n=draft.n,
                sources=chosen,
                announced_at=at,
                not_before=not_before,
                fallback=fallback,
                assignment=engine.AssignmentRule(
                    plan.team_size,
                    second,
                    engine.parameters(day).steps_per_slot,
                    tuple(second_fallback),
                    engine.directory_hash(people, suite_named(suite)),
                    engine.parameters(day).load_slack,
                ),
                lists=_lists(plan, draft),
                scope=draft.scope,
                ratio=draft.ratio,
                open_by=opening,
                items=[f"{item_mark(item)} {item.name}" for item in queries.all_items(plan)],
                legal_basis=_legal_basis(plan),
                plan=f"{plan.no} {plan.name} sha256:{plan_hash(plan)}",
                frame_date=day.isoformat(),
                rule_version=book.version,
                rule_book_sha256=book.sha256,
            )
        except DrawError as problem:
            raise Refused(say(problem), field=_field(problem)) from problem
        code = engine.announcement_hash(said)
        draw = Draw(
            no=no,
            plan=plan,
            rule_book=book,
            suite=suite,
            mode=plan.mode,
            open_by=opening,
            announcement=canonical(said).decode(),
            announcement_hash=code,
            frame_root=frame.root,
            frame_size=frame.size,
            strata=[
                {
                    "key": one,
                    "size": size,
                    "n": draft.n[one],
                    "capped": draft.capped[one],
                    "unequal": one in draft.unequal,
                }
                for one, size in frame.sizes.items()
            ],
            announced_at=at,
            announced_by=by,
            not_before=not_before.replace(microsecond=0),
            level=plan.level,
            source_system=plan.source_system,
        )
        sign_section(draw, "announce", said)
        draw.save(force_insert=True)
        _store(draw, draft, frame, key, people)
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
                "announce": code,
                "plan": plan.no,
                "mode": plan.mode,
                "root": frame.root,
                "size": frame.size,
                "excluded": dict(frame.excluded),
                "N": frame.sizes,
                "n": draft.n,
                "sources": said["sources"],
                "not_before": said["not_before"],
            },
        )
        transaction.on_commit(
            lambda: notify(
                heads_of(plan.office),
                format_lazy(gettext_lazy("抽取 {no} 已公告，最早 {when} 抽取"), no=no, when=minute(not_before)),
                reverse("inspection:draw", args=[no]),
                at=at,
            )
        )
    return draw


# -- parts -----------------------------------------------------------------------------------------------------------
def _same_again(standing: Draw, not_before: datetime.datetime, chosen: Sequence[engine.Source]) -> Draw:
    said = queries.announcement(standing)
    if standing.not_before == not_before.replace(microsecond=0) and said["sources"] == [
        one.as_json() for one in chosen
    ]:
        return standing
    raise Refused(_("该计划已有公告未执行的抽取 %(no)s；请先执行或公开放弃，不能另行公告。") % {"no": standing.no})


def _check(plan: Plan, not_before: datetime.datetime, open_by: datetime.date | None) -> None:
    if plan.state not in {Plan.State.APPROVED, Plan.State.RUNNING}:
        raise Refused(_("计划尚未批准或已办结，不能公告抽取。"))
    first = not_before.astimezone(CHINA).date()
    if first > plan.ends_on:
        raise Refused(
            _("最早抽取时间晚于检查结束之日 %(day)s：抽出来也来不及检查。") % {"day": plan.ends_on.isoformat()},
            field="not_before",
        )
    if open_by is not None and open_by < first:
        raise Refused(_("最迟开封日期早于最早抽取之日，请改晚一些。"), field="open_by")


def _rule_book(plan: Plan, day: datetime.date) -> Any:
    book = queries.rule_book_on(day)
    if book is None:
        raise Refused(_("没有已签发并施行的实施细则；请先生成并签发实施细则。"))
    known = {(item["code"], item["valid_from"]) for item in queries.rule_book_body(book)["items"]}
    for item in queries.all_items(plan):
        if (item.code, item.valid_from.isoformat() if item.valid_from else "") not in known:
            raise Refused(
                _("抽查事项“%(item)s”(%(code)s)的这一版本不在现行实施细则 %(version)s 中；请重新生成并签发细则。")
                % {"item": named(item), "code": item.code, "version": book.version}
            )
    return book


def _freeze(draft: queries.DraftFrame, *, suite: str, key: str, no: str) -> engine.Frame:
    if not draft.leaves:
        raise Refused(_("范围内没有可抽取的对象。"))
    if draft.missing:
        raise Refused(
            _("名录中有 %(classes)s 类对象，计划没有写明其抽查比例(“*”表示未分类)。")
            % {"classes": _("、").join(sorted(draft.missing))}
        )
    try:
        return engine.freeze(
            (leaf for _key, leaf in draft.leaves),
            lists=draft.lists,
            pareto=draft.unequal,
            suite=suite_named(suite),
            seal_key=key,
            draw=no,
        )
    except ZhunshengError as problem:
        bad = []
        for _pk, leaf in draft.leaves:
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


def _lists(plan: Plan, draft: queries.DraftFrame) -> dict[str, engine.DrawList] | None:
    if not draft.lists:
        return None
    return {
        one.name: engine.DrawList(one.office.name if one.office else "", tuple(item_mark(item) for item in one.items))
        for one in queries.lists(plan)
    }


def _store(
    draw: Draw, draft: queries.DraftFrame, frame: engine.Frame, key: str, people: Sequence[engine.Inspector]
) -> None:
    keys = {str(leaf["id"]): pk for pk, leaf in draft.leaves}
    order = [keys[json.loads(leaf)["id"]] for leaf in frame.leaves]
    DrawFile.objects.create(
        draw=draw,
        frame=queries.pack(frame.leaves),
        sealed=queries.pack(frame.lines) if key else b"",
        keys=gzip.compress("\n".join(map(str, order)).encode(), mtime=0),
        directory=[[one.number, one.certificate_to.isoformat(), sorted(one.specialities)] for one in people],
    )
    if key:
        DrawKey.objects.create(draw=draw, key=key)


def _legal_basis(plan: Plan) -> str:
    said = (item.legal_basis for item in queries.all_items(plan) if item.legal_basis)
    return ";".join(dict.fromkeys(said))[:1000]


def _field(problem: DrawError) -> str:
    if problem.code == "draw.announce.too_soon":
        return "not_before"
    return "sources" if "source" in problem.code or problem.code == "draw.announce.no_profile" else ""


def minute(moment: datetime.datetime) -> str:
    """A moment as the city's clocks show it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
