"""信息公开 of matters: the class, the publication that a step makes, its correction, withdrawal and end.

政府信息公开条例 (国务院令第711号) 第13至17、41条; 企业信息公示暂行条例: a correction shows the old and the new together.
"""

import datetime
from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Published, Standing
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.common.records import Publicity
from zhunsheng.web.matters import operations, policy, queries, words
from zhunsheng.web.matters.models import DisclosedFact, Disclosure, Matter
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record, record_many


def classify(matter: Matter, publicity: str, *, by: User, at: datetime.datetime, reason: str = "") -> Matter:
    """核定信息公开属性: by someone who neither opened nor handles the matter; anything but 主动公开 needs a reason."""
    with transaction.atomic():
        matter = Matter.objects.select_for_update(of=("self",)).select_related("office").get(pk=matter.pk)
        if not policy.may_classify(by, matter):
            raise NotAllowed(_("信息公开属性由承办机构中承办人、登记人以外的审核人或负责人核定"))
        if publicity not in Publicity.values:
            raise Refused(_("请选择信息公开属性"), field="publicity")
        if publicity != Publicity.ACTIVE and len(reason.strip()) < 4:
            raise Refused(_("不主动公开的，请写明依据和理由"), field="reason")
        if matter.publicity == publicity and matter.publicity_approved_at is not None:
            return matter
        if publicity != Publicity.ACTIVE and matter.disclosures.filter(state=Disclosure.State.PUBLISHED).exists():
            raise Refused(_("已经公开的事项，请先撤下再改变公开属性"), field="publicity")
        before = matter.publicity
        matter.publicity, matter.publicity_approved_by, matter.publicity_approved_at = publicity, by, at
        matter.save(update_fields=["publicity", "publicity_approved_by", "publicity_approved_at"])
        record(
            "matter.classify",
            "matter",
            matter.no,
            by=by,
            at=at,
            reason=reason.strip(),
            changes={"publicity": [before, publicity]},
        )
    return matter


def publish(
    matter: Matter, now: Standing, shown: Published, *, by: User | None, at: datetime.datetime
) -> Disclosure | None:
    """Makes public what a step publishes, in the step's own transaction. None where the class is not 主动公开, for a
    drill, and for what is only counted."""
    if matter.drill or shown.publication.form != "named" or not matter.is_public:
        return None
    procedure = now.procedure
    last = matter.disclosures.filter(publication=shown.publication.code).order_by("-version").first()
    made = Disclosure.objects.create(
        matter=matter,
        publication=shown.publication.code,
        version=last.version + 1 if last else 1,
        title=_title(matter, shown.publication.name),
        publicity=matter.publicity,
        published_at=at,
        published_by=by,
        until=shown.ends.deadline.due if shown.ends is not None and shown.ends.deadline is not None else None,
    )
    _write_facts(made, [*_facts(now, shown), *operations.public_totals(matter)])
    record(
        "matter.publish",
        "disclosure",
        made.pk,
        by=by,
        at=at,
        rule=matter.rule,
        public=public_facts(made, procedure.code),
    )
    return made


def correct(
    disclosure: Disclosure, values: Mapping[str, str], *, reason: str, by: User, at: datetime.datetime
) -> Disclosure:
    """更正: a new version with the facts in `values` put right; the old one stays to be read beside it."""
    with transaction.atomic():
        old = _locked(disclosure)
        if not policy.may_correct(by, old.matter):
            raise NotAllowed(_("更正和撤下由承办机构负责人办理"))
        _reasoned(reason)
        facts = list(old.facts.all())
        known = {fact.code: fact for fact in facts}
        strange = sorted(set(values) - set(known))
        if strange:
            raise Refused(_("这项公开中没有“%(code)s”") % {"code": strange[0]})
        changed = {code: text.strip() for code, text in values.items() if text.strip() != known[code].shown}
        if not changed:
            raise Refused(_("没有改动：请填写更正后的内容"))
        if old.state != Disclosure.State.PUBLISHED:
            raise Refused(_("只有正在公开的版次可以更正"))
        new = Disclosure.objects.create(
            matter=old.matter,
            publication=old.publication,
            version=_next_version(old),
            replaces=old,
            title=old.title,
            publicity=old.publicity,
            published_at=at,
            published_by=by,
            until=old.until,
            reason=reason.strip(),
        )
        DisclosedFact.objects.bulk_create(
            DisclosedFact(
                disclosure=new,
                code=fact.code,
                name=fact.name,
                name_en=fact.name_en,
                shown=changed.get(fact.code, fact.shown),
                shown_en=changed.get(fact.code, fact.shown_en),
            )
            for fact in facts
        )
        old.state, old.ended_at = Disclosure.State.CORRECTED, at
        old.save(update_fields=["state", "ended_at"])
        record(
            "matter.correct",
            "disclosure",
            new.pk,
            by=by,
            at=at,
            rule=old.matter.rule,
            reason=reason.strip(),
            public={**public_facts(new, old.matter.procedure), "corrects": old.version, "reason": reason.strip()},
        )
    return new


def withdraw(disclosure: Disclosure, *, reason: str, by: User, at: datetime.datetime) -> Disclosure:
    """撤下: the facts are no longer shown; that there was a publication, when it was withdrawn and why, is."""
    with transaction.atomic():
        old = _locked(disclosure)
        if not policy.may_correct(by, old.matter):
            raise NotAllowed(_("更正和撤下由承办机构负责人办理"))
        _reasoned(reason)
        if old.state == Disclosure.State.WITHDRAWN:
            return old
        if old.state != Disclosure.State.PUBLISHED:
            raise Refused(_("只有正在公开的版次可以撤下"))
        old.state, old.ended_at, old.reason = Disclosure.State.WITHDRAWN, at, reason.strip()
        old.save(update_fields=["state", "ended_at", "reason"])
        record(
            "matter.withdraw",
            "disclosure",
            old.pk,
            by=by,
            at=at,
            reason=reason.strip(),
            public={
                "matter": old.matter.no,
                "publication": old.publication,
                "version": old.version,
                "reason": reason.strip(),
            },
        )
    return old


def end_expired(*, at: datetime.datetime) -> int:
    """公示期满: ends every publication whose last day has passed. Returns how many ended."""
    day = at.astimezone(CHINA).date()
    with transaction.atomic():
        over = list(
            Disclosure.objects.select_for_update(of=("self",))
            .filter(state=Disclosure.State.PUBLISHED, until__lt=day)
            .select_related("matter")
        )
        _end(over, by=None, at=at)
    return len(over)


def end_over(matter: Matter, now: Standing, *, by: User | None, at: datetime.datetime) -> int:
    """Ends the publicity that a step has ended before its last day: a repair, a removal from a list, the end of the matter.
    In the step's own transaction. Returns how many ended."""
    codes = {one.publication.code for one in engine.published(now) if one.over(at)}
    if not codes:
        return 0
    over = matter.disclosures.select_for_update(of=("self",)).select_related("matter")
    return _end(list(over.filter(state=Disclosure.State.PUBLISHED, publication__in=codes)), by=by, at=at)


def _end(over: list[Disclosure], *, by: User | None, at: datetime.datetime) -> int:
    for one in over:
        one.state, one.ended_at = Disclosure.State.ENDED, at
        one.save(update_fields=["state", "ended_at"])
    record_many(
        [
            Deed(
                "matter.end_publicity",
                "disclosure",
                str(one.pk),
                public={"matter": one.matter.no, "publication": one.publication, "version": one.version},
            )
            for one in over
        ],
        by=by,
        at=at,
    )
    return len(over)


def public_facts(disclosure: Disclosure, procedure: str) -> dict[str, object]:
    """What the public log keeps of a publication: which, and every fact as it is shown."""
    return {
        "matter": disclosure.matter.no,
        "procedure": procedure,
        "publication": disclosure.publication,
        "version": disclosure.version,
        "until": disclosure.until.isoformat() if disclosure.until else "",
        "facts": {fact.code: fact.shown for fact in disclosure.facts.all()},
    }


def _locked(disclosure: Disclosure) -> Disclosure:
    return Disclosure.objects.select_for_update(of=("self",)).select_related("matter__office").get(pk=disclosure.pk)


def _next_version(old: Disclosure) -> int:
    """After every version of the publication, also those that another step of the matter published anew."""
    last = Disclosure.objects.filter(matter=old.matter_id, publication=old.publication).order_by("-version").first()
    return last.version + 1 if last is not None else 1


def _reasoned(reason: str) -> None:
    if len(reason.strip()) < 4:
        raise Refused(_("请写明理由，理由将向社会公开"), field="reason")


def _title(matter: Matter, what: str) -> str:
    return f"{what}：{matter.title}"[:200]


def _facts(now: Standing, shown: Published) -> list[tuple[str, str, str, str, str]]:
    procedure = now.procedure
    units = queries.entities_named(str(v) for code, v in shown.facts.items() if words.is_unit(procedure, code))
    found = []
    for code, value in shown.facts.items():
        fact = procedure.facts[code]
        if words.is_unit(procedure, code) and str(value) in units:
            zh = en = units[str(value)].name
        else:
            zh, en = engine.shown(procedure, code, value, "zh"), engine.shown(procedure, code, value, "en")
        found.append((code, fact.name, fact.name_en, zh, en))
    return found


def _write_facts(disclosure: Disclosure, facts: list[tuple[str, str, str, str, str]]) -> None:
    DisclosedFact.objects.bulk_create(
        DisclosedFact(disclosure=disclosure, code=code, name=name, name_en=name_en, shown=zh, shown_en=en)
        for code, name, name_en, zh, en in facts
    )
