"""公文办理: what the dispatch of an official document knows by itself: who acts in it for which office, what its steps say
without being typed, and what stands on the approval sheet （呈批件）. Read from the matter, never typed."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Value
from zhunsheng.web.matters.models import Matter, MatterDocument, MatterStep, Party
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.people.queries import Person, in_force_post, posts

#: the procedure of official documents
DISPATCH = "official_document"
#: facts that the platform fills in: nobody types them
FILLED = frozenset(
    {"countersigners", "answered", "objections", "answered_by", "number", "recipients", "receipts", "signed_for_by"}
)
#: the document that is issued with the number of the office's series, and the one that is sealed
FINAL, SEALED = "final", "sealed"
#: steps that an office concerned takes for itself, and as which party
OF_OFFICE = {
    "countersign": Party.Kind.COUNTERSIGNER,
    "object": Party.Kind.COUNTERSIGNER,
    "receipt": Party.Kind.ADDRESSEE,
}
#: the states in which they are taken
AWAITING = {"countersigning": ("countersign", "object"), "sent": ("receipt",)}
#: a clerk writes down what the leader decided on paper: the matter still waits for the leader
RECORDED = "record_instruction"
#: the states in which the document is out
OUT = ("sent", "delivered")
#: how long a text stands in the sheet's one cell; the whole text is the document itself
IN_SHEET = 1500


def is_dispatch(matter: Matter) -> bool:
    return matter.procedure == DISPATCH


def concerned(matter: Matter, verb: str) -> list[Party]:
    """The offices for which this step is still to be taken. An office that objected may still countersign."""
    found = matter.parties.filter(kind=OF_OFFICE[verb], office__isnull=False).select_related("office").order_by("id")
    if verb == "receipt":
        found = found.filter(received_at=None)
    elif verb == "countersign":
        found = found.exclude(answer=Party.Answer.AGREED)
    else:
        found = found.filter(answer="")
    return list(found)


def post_for(
    matter: Matter, verb: str, roles: Sequence[str], user: Person, office: "Office | None" = None
) -> "Post | None":
    """The post under which the user takes such a step for an office concerned: an own one before a delegated one. `office`:
    for which, where it is known."""
    offices = [one.office_id for one in concerned(matter, verb) if office is None or one.office_id == office.pk]
    held = [post for post in posts(user) if post.role in roles and post.office_id in offices]
    held.sort(key=lambda post: (offices.index(post.office_id), post.delegated_by_id is not None, post.pk))
    return held[0] if held else None


def has_acted(matter: Matter, verb: str, roles: Sequence[str], user: Person) -> bool:
    """Whether the user has such a post in an office concerned, which took the step before."""
    offices = set(matter.parties.filter(kind=OF_OFFICE[verb]).values_list("office_id", flat=True))
    return any(post.role in roles and post.office_id in offices for post in posts(user))


def deciders(matter: Matter, on: datetime.date) -> QuerySet[User]:
    """Whose written instruction counts as the signature: heads of the office in charge or of the one above it, leaders."""
    offices = [one for one in (matter.office_id, matter.office.parent_id) if one is not None]
    held = Post.objects.filter(in_force_post(on), Q(role="leader") | Q(role="head", office__in=offices))
    return User.objects.filter(pk__in=held.values("user"), is_active=True).order_by("display_name", "username")


def needs_review(normative: bool, on: datetime.date) -> bool:
    """Whether the law asks for a legal review of such a document on a day (table documents/legal_review)."""
    rows = tables.load("documents/legal_review").valid_on(on)
    return any((row["normative"] == "yes") == normative for row in rows)


def columns(on: datetime.date) -> list[tables.Row]:
    """The columns of publications on a day."""
    return list(tables.load("publicity/columns").valid_on(on))


def answers(matter: Matter) -> tuple[int, int]:
    """How many countersigning offices have answered in this round, and how many of them object."""
    said = list(
        matter.parties.filter(kind=Party.Kind.COUNTERSIGNER).exclude(answer="").values_list("answer", flat=True)
    )
    return len(said), said.count(Party.Answer.OBJECTED)


# -- the document ------------------------------------------------------------------------------------------------------
def document_kind(facts: Mapping[str, Value], code: str = FINAL) -> str:
    """The kind in table documents/kinds: of the final document that of its 文种."""
    chosen = facts.get("document_kind")
    return f"official.{chosen}" if code == FINAL and chosen else f"{DISPATCH}.{code}"


def final_of(matter: Matter) -> "MatterDocument | None":
    """The document with its number, once it has one."""
    return (
        matter.documents.filter(code=FINAL, issued__isnull=False)
        .select_related("issued__office")
        .order_by("-id")
        .first()
    )


def sealed_of(matter: Matter) -> "MatterDocument | None":
    """What was sealed: the scan, or again the platform's own print."""
    return matter.documents.filter(code=SEALED).select_related("issued", "attachment").order_by("-id").first()


def sheet(matter: Matter, facts: Mapping[str, Value], drafter: str = "") -> dict[str, Any]:
    """What the approval sheet says: the draft as it stands, and of the present round who said what and when. A place where
    nobody has signed yet is left blank for the pen."""
    procedure = engine.version(matter.procedure, matter.version)
    rows = list(
        matter.steps.select_related("by", "on_behalf_of", "office").prefetch_related("facts").order_by("seq")
        if matter.pk
        else ()
    )
    begun = max((n for n, row in enumerate(rows) if row.verb in ("draft", "redraft", "return_draft")), default=0)
    said = _last(rows[begun:])
    kind = facts.get("document_kind")
    found: dict[str, Any] = {
        "title": facts.get("title", matter.title),
        "addressee": facts.get("addressee", ""),
        "body": _short(str(facts.get("body", ""))),
        "document_kind": engine.shown(procedure, "document_kind", kind) if kind else "",
        "drafter": drafter or _drafter(rows),
        "matter_no": matter.no,
    }
    rounds = [row for row in rows[begun:] if row.verb in ("countersign", "object")]
    names = {"countersign": "会签同意", "object": "提出异议"}
    found["countersign"] = "\n".join(
        f"{row.office.name if row.office else ''}：{names[row.verb]}{_opinion(row)}（{_signed(row)}）" for row in rounds
    )
    if "report_objections" in said:
        found["countersign"] += f"\n协商经过和办理建议{_opinion(said['report_objections'])}"
    found["countersign_signed"] = "" if rounds else _line("会签人")
    for field, verb, who in (("check", "check", "核稿人"), ("legal", "pass_legal_review", "审核人")):
        row = said.get(verb)
        found[f"{field}_opinion"] = _opinion(row).lstrip("：") or "同意" if row is not None else ""
        found[f"{field}_signed"] = _signed(row) if row is not None else _line(who)
    if "skip_legal_review" in said:
        found["legal_opinion"], found["legal_signed"] = "无须合法性审核", ""
    signed = said.get("sign") or said.get(RECORDED)
    found["instruction"] = _instruction(signed)
    found["instruction_signed"] = _signed(signed) if signed is not None else _line("签发人")
    return found


def _last(rows: Iterable[MatterStep]) -> dict[str, MatterStep]:
    return {row.verb: row for row in rows}


def _drafter(rows: Sequence[MatterStep]) -> str:
    drafts = [row for row in rows if row.verb in ("draft", "redraft") and row.by is not None]
    return str(drafts[-1].by) if drafts else ""


def _short(text: str) -> str:
    return text if len(text) <= IN_SHEET else f"{text[:IN_SHEET]}……（全文见文稿）"


def _given(row: MatterStep, code: str) -> str:
    return next((fact.text or "" for fact in row.facts.all() if fact.code == code), "")


def _opinion(row: "MatterStep | None") -> str:
    text = _given(row, "opinion") if row is not None else ""
    return f"：{text}" if text else ""


def _instruction(row: "MatterStep | None") -> str:
    if row is None:
        return ""
    return _given(row, "instruction") or _given(row, "opinion") or "同意签发"


def _signed(row: MatterStep) -> str:
    """Who and when. The paper that the platform prints is in Chinese, whatever the page's language."""
    day = engine.shown_day(row.at.astimezone(CHINA))
    if row.verb == RECORDED:
        return f"{row.on_behalf_of}（批示见扫描件，{row.by}登记）　{day}"
    entrusted = f"（受{row.on_behalf_of}委托）" if row.on_behalf_of is not None else ""
    return f"{row.by}{entrusted}　{day}"


def _line(who: str) -> str:
    return f"{who}（签名）：＿＿＿＿＿　　　年　月　日"


# -- what others have received -----------------------------------------------------------------------------------------
def received_by(user: Person) -> QuerySet[Party]:
    """The documents sent to the offices in which the user works: each with its matter, of which nothing but the final
    document is theirs to see."""
    offices = {post.office_id for post in posts(user) if post.role not in {"lab", "enterprise", "sysadmin"}}
    return (
        Party.objects.filter(
            kind=Party.Kind.ADDRESSEE, office__in=offices, matter__procedure=DISPATCH, matter__state__in=OUT
        )
        .select_related("matter__office", "office", "received_by")
        .order_by("-matter__state_since", "-pk")
    )


def unsigned() -> QuerySet[Party]:
    """Addressees of documents that are out and not yet signed for."""
    return Party.objects.filter(
        kind=Party.Kind.ADDRESSEE, office__isnull=False, received_at=None, matter__procedure=DISPATCH,
        matter__state="sent", matter__drill=False,
    ).select_related("matter__office", "matter__handler", "office")  # fmt: skip


def people_of(offices: Iterable[int], roles: Iterable[str], on: datetime.date) -> list[User]:
    """Who holds one of the roles in the offices on a day, delegates among them."""
    held = Post.objects.filter(in_force_post(on), office__in=list(offices), role__in=list(roles), user__is_active=True)
    return [post.user for post in held.select_related("user").order_by("user_id").distinct()]
