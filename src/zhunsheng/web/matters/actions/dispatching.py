"""What a step of an official document fills in, and what it changes beside the matter: parties, answers, receipts."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import gettext as _

from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Standing, Step, Value
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.matters import dispatching
from zhunsheng.web.matters.models import Matter, MatterDocument, MatterStep, Party
from zhunsheng.web.people.models import Office, Post, User

#: party → the offices chosen for it
Offices = Mapping[str, Sequence[Office]]
CHOSEN = (Party.Kind.ADDRESSEE, Party.Kind.COUNTERSIGNER)
#: stands for the number until the document has been issued
NO_NUMBER = "待编号"


def filled(
    matter: Matter, now: Standing, step: Step, given: Mapping[str, Value], *, post: "Post | None",
    behalf: "User | None", offices: "Offices | None", at: datetime.datetime,
) -> dict[str, Value]:  # fmt: skip
    """The facts of a step with those that the platform knows; what was sent for these is passed over.

    Raises Refused where nobody is named whose instruction is recorded, or somebody whose word does not decide.
    """
    day = at.astimezone(CHINA).date()
    facts = {code: value for code, value in given.items() if code not in dispatching.FILLED}
    match step.code:
        case "draft" | "redraft":
            if step.code == "draft" or offices is not None:
                facts["countersigners"] = len(_chosen(matter, offices))
            normative = bool(facts.get("normative", now.facts.get("normative", False)))
            asked = bool(facts.get("needs_legal_review", now.facts.get("needs_legal_review", False)))
            facts["needs_legal_review"] = asked or dispatching.needs_review(normative, day)
        case "send_round":
            facts |= {"answered": 0, "objections": 0}
        case "countersign" | "object" if post is not None:
            facts |= _answers(matter, step.code, post)
        case "number":
            facts["number"] = NO_NUMBER
        case "send":
            facts |= {"recipients": len(dispatching.concerned(matter, "receipt")), "receipts": 0}
        case "receipt" if post is not None:
            signed = matter.parties.filter(kind=Party.Kind.ADDRESSEE).exclude(received_at=None).count()
            facts |= {"signed_for_by": post.office.name, "receipts": signed + 1, "received_on": day}
        case dispatching.RECORDED:
            if behalf is None or not dispatching.deciders(matter, day).filter(pk=behalf.pk).exists():
                raise Refused(_("请选择批示人：本机构或者上级机构的负责人，或者领导小组成员"), field="instructed_by")
            facts["instructed_by"] = str(behalf)
    return facts


def _chosen(matter: Matter, offices: "Offices | None") -> list[Office]:
    """The countersigning offices, each once; the drafting office does not countersign its own document."""
    asked = list((offices or {}).get(Party.Kind.COUNTERSIGNER, ()))
    if any(one.pk == matter.office_id for one in asked):
        raise Refused(_("拟稿机构不会签自己的公文"), field="countersigners")
    return list({one.pk: one for one in asked}.values())


def _answers(matter: Matter, verb: str, post: Post) -> dict[str, Value]:
    """How the round stands once this office has answered."""
    others = matter.parties.filter(kind=Party.Kind.COUNTERSIGNER).exclude(office=post.office).exclude(answer="")
    said = list(others.values_list("answer", flat=True))
    objects = said.count(Party.Answer.OBJECTED) + (verb == "object")
    return {"answered_by": post.office.name, "answered": len(said) + 1, "objections": objects}


def applied(matter: Matter, row: MatterStep, facts: Mapping[str, Value], offices: "Offices | None") -> None:
    """What a step changes beside the facts, in its own transaction."""
    parties = Party.objects.filter(matter=matter)
    match row.verb:
        case "draft" | "redraft":
            title = facts.get("title")
            if title:
                matter.title = str(title)[:200]
            if offices is not None:
                _set_parties(matter, offices)
        case "send_round":
            parties.filter(kind=Party.Kind.COUNTERSIGNER).update(answer="")
        case "countersign" | "object":
            answer = Party.Answer.AGREED if row.verb == "countersign" else Party.Answer.OBJECTED
            parties.filter(kind=Party.Kind.COUNTERSIGNER, office=row.office).update(answer=answer)
        case "receipt":
            parties.filter(kind=Party.Kind.ADDRESSEE, office=row.office).update(received_at=row.at, received_by=row.by)


def _set_parties(matter: Matter, offices: Offices) -> None:
    for kind in CHOSEN:
        wanted = {
            one.pk: one
            for one in (_chosen(matter, offices) if kind == Party.Kind.COUNTERSIGNER else offices.get(kind, ()))
        }
        known = set(matter.parties.filter(kind=kind, office__isnull=False).values_list("office_id", flat=True))
        matter.parties.filter(kind=kind, office__in=known - set(wanted)).delete()
        Party.objects.bulk_create(
            Party(matter=matter, kind=kind, office=one) for key, one in wanted.items() if key not in known
        )


def sealed(matter: Matter, row: MatterStep) -> MatterDocument:
    """The platform's own print as the sealed document, where no scan of the sealed paper comes with the step."""
    final = dispatching.final_of(matter)
    assert final is not None  # noqa: S101 - the step before has issued it
    return MatterDocument.objects.create(
        matter=matter, step=row, code=dispatching.SEALED, title=final.title, sha256=final.sha256, issued=final.issued,
        added_by=row.by, added_at=row.at,
    )  # fmt: skip


def tell(matter: Matter, verb: str, row: MatterStep) -> None:
    """Who is told beside the handler: the heads that countersign, the addressees, the leader whose paper was recorded."""
    day = row.at.astimezone(CHINA).date()
    if verb == "send_round":
        _notify(matter, "countersign", ("head",), _round, matter.get_absolute_url(), row, day)
    elif verb == "send":
        for party in dispatching.concerned(matter, "receipt"):
            people = dispatching.people_of([party.office_id or 0], ("member", "head", "lead_office"), day)
            _each(people, _lazy(_sent)(matter.title), party.get_absolute_url(), row)
    elif verb == dispatching.RECORDED and row.on_behalf_of is not None:
        _each([row.on_behalf_of], _lazy(_recorded)(matter.no), matter.get_absolute_url(), row)


def _notify(
    matter: Matter, verb: str, roles: Sequence[str], text: Any, url: str, row: MatterStep, day: datetime.date
) -> None:
    offices = [one.office_id for one in dispatching.concerned(matter, verb) if one.office_id is not None]
    _each(dispatching.people_of(offices, roles, day), _lazy(text)(matter.title), url, row)


def _each(people: Sequence[User], text: Any, url: str, row: MatterStep) -> None:
    others = [one for one in people if one.pk != row.by_id]
    if others:
        notify(others, text, url, at=row.at)


def _round(title: str) -> str:
    return _("请会签公文：%(title)s") % {"title": title}


def _sent(title: str) -> str:
    return _("收到公文，请签收：%(title)s") % {"title": title}


def _recorded(no: str) -> str:
    return _("已登记您对公文 %(no)s 的批示；如有不符，请与承办人联系") % {"no": no}


def _lazy(text: Any) -> Any:
    return lazy(text, str)
