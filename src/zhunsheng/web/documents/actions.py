"""Issues, voids, replaces and discloses documents, and keeps the one file that was printed of each. The only writer."""

import datetime
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import documents as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import DocumentError
from zhunsheng.web.common.errors import NotAllowed, Refused, say
from zhunsheng.web.documents import policy, printing, queries
from zhunsheng.web.documents.models import IssuedDocument, Series, State
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.public_log.actions import record


def issue(
    kind: str,
    *,
    office: Office,
    fields: Mapping[str, Any],
    title: str = "",
    subject_type: str = "",
    subject_id: str = "",
    by: User | None,
    at: datetime.datetime,
    key: str = "",
    copies: str = "",
    attachments: Sequence[str] = (),
    personal: bool = False,
    replaces: IssuedDocument | None = None,
) -> IssuedDocument:
    """Issues a document: takes the next number of its series and fixes its content, in the caller's transaction.

    Whether `by` may is the caller's to decide, whose step this is (a page of this room asks policy.may_issue). `fields`:
    code → text, number, money in fen, flag, day, instant or list of rows; codes that the template does not name are not
    printed and not kept. `key`: the same key finds the same document again and takes no number. The PDF is made by
    `render`, when first asked for.

    Raises Refused, in words, for a kind, series or field that is missing, and for text that cannot be printed. Then no
    number is used: the counter is touched last, and rolls back with the caller.
    """
    day = at.astimezone(CHINA).date()
    if key and (found := IssuedDocument.objects.filter(key=key).first()) is not None:
        if found.kind != kind or found.office_id != office.pk:
            raise Refused(_("同一个去重键已用于另一份文书 %(number)s") % {"number": found.number})
        return found
    try:
        one = queries.kind(kind, day)
        series = queries.numbering(one.group, office, day)
        words: dict[str, Any] = {"office": office, "values": fields, "title": title, "day": day, "copies": copies, "attachments": attachments}  # fmt: skip
        # Made once with the shortest number, so that whatever is wrong is said before a number is taken.
        queries.refuse_missing_glyphs(queries.content(one, number=series.number(day.year, 1), **words))
    except DocumentError as problem:
        raise Refused(say(problem)) from problem
    with transaction.atomic():
        if replaces is not None:
            _replace(replaces, by=by, at=at)
        counter, _new = Series.objects.get_or_create(series=series.key, office=office, year=day.year)
        counter = Series.objects.select_for_update().get(pk=counter.pk)
        counter.last += 1
        counter.save(update_fields=["last"])
        number = series.number(day.year, counter.last)
        made = queries.content(one, number=number, **words)
        protected = queries.protected(one, day)
        document = IssuedDocument.objects.create(
            number=number,
            kind=kind,
            kind_name=one.name,
            kind_name_en=one.name_en,
            series=series.key,
            office=office,
            year=day.year,
            seq=counter.last,
            title=(title or one.name)[:300],
            subject_type=subject_type,
            subject_id=str(subject_id),
            fields=queries.plain_values({code: value for code, value in fields.items() if _is_named(one, code, day)}),
            content=made,
            template_version=queries.template_version(one, day),
            content_sha256=queries.content_hash(made),
            code="".join(secrets.choice(queries.CODE_LETTERS) for _place in range(16)),
            key=key or None,
            issued_by=by,
            issued_at=at,
            day=day,
            personal=one.personal or personal or protected,
            protected=protected,
            replaces=replaces,
        )
        record(
            "document.issue", "document", document.pk, by=by, at=at, rule=document.template_version,
            changes={"number": number, "kind": kind, "content_sha256": document.content_sha256, "subject": f"{subject_type}:{subject_id}"},
        )  # fmt: skip
    return document


def _is_named(one: engine.Kind, code: str, day: datetime.date) -> bool:
    named = {place.code for place in engine.placeholders(queries.text_of(one, day))}
    return code in named or code in {queries.ALIASES.get(name) for name in named} or code == "wording"


def _replace(old: IssuedDocument, *, by: User | None, at: datetime.datetime) -> None:
    held = IssuedDocument.objects.select_for_update().get(pk=old.pk)
    if held.state != State.ISSUED:
        raise Refused(
            _("文书 %(number)s 已经%(state)s，不能替换") % {"number": held.number, "state": held.get_state_display()}
        )
    held.state = State.REPLACED
    held.save(update_fields=["state"])
    record("document.replace", "document", held.pk, by=by, at=at, changes={"number": held.number}, public=_fallen(held))


def _fallen(document: IssuedDocument) -> dict[str, str] | None:
    """What the public log says of a document that no longer stands: its number and content, where its text was public."""
    if not document.public:
        return None
    return {"number": document.number, "content_sha256": document.content_sha256}


def replace(
    document: IssuedDocument, *, fields: Mapping[str, Any], title: str, by: User, at: datetime.datetime,
    copies: str = "", attachments: Sequence[str] = (),
) -> IssuedDocument:  # fmt: skip
    """Issues a corrected document in place of one that stands: a new number, and each names the other.

    Raises NotAllowed for anyone but the head of the issuing office, Refused where the old one does not stand.
    """
    if document.state == State.ISSUED and not policy.may_void(by, document):
        raise NotAllowed(_("只有发文机关的负责人可以替换文书"))
    return issue(
        document.kind, office=document.office, fields=fields, title=title, subject_type=document.subject_type,
        subject_id=document.subject_id, by=by, at=at, copies=copies, attachments=attachments,
        personal=document.personal, replaces=document,
    )  # fmt: skip


def void(document: IssuedDocument, *, by: User, at: datetime.datetime, reason: str) -> IssuedDocument:
    """Declares a document void. Its number stays used, and the register shows it as void.

    Raises NotAllowed for anyone but the head of the issuing office, Refused without a reason or where the document was
    replaced.
    """
    reason = reason.strip()
    with transaction.atomic():
        held = IssuedDocument.objects.select_for_update().select_related("office").get(pk=document.pk)
        if held.state == State.VOID:
            return held
        if held.state == State.REPLACED:
            raise Refused(_("文书 %(number)s 已被替换，不必再作废") % {"number": held.number})
        if not policy.may_void(by, held):
            raise NotAllowed(_("只有发文机关的负责人可以作废文书"))
        if not reason or len(reason) > 300:
            raise Refused(_("请写明作废的原因，最多 300 字"), field="reason")
        held.state, held.void_reason, held.voided_by, held.voided_at = State.VOID, reason, by, at
        held.save(update_fields=["state", "void_reason", "voided_by", "voided_at"])
        # whoever read it in public can learn that it fell; why may name somebody and stays in the trail
        record(
            "document.void", "document", held.pk, by=by, at=at, reason=reason, changes={"number": held.number},
            public=_fallen(held),
        )  # fmt: skip
    return held


def disclose(document: IssuedDocument, *, by: User, at: datetime.datetime) -> IssuedDocument:
    """Shows the text of a document on its public page, and binds its number and content in the public log.

    Raises NotAllowed for anyone but the head of the issuing office, Refused for a document that may name a person or does
    not stand.
    """
    with transaction.atomic():
        held = IssuedDocument.objects.select_for_update().select_related("office").get(pk=document.pk)
        if held.public:
            return held
        if held.personal:
            raise Refused(_("文书可能写有自然人的信息，正文不能公开"))
        if held.state != State.ISSUED:
            raise Refused(_("文书已经%(state)s，不能公开") % {"state": held.get_state_display()})
        if not policy.subject_is_open(held):
            raise Refused(_("公开之前，须先核定所属办件的信息公开属性为主动公开"))
        if not policy.may_disclose(by, held):
            raise NotAllowed(_("只有发文机关的负责人可以公开文书正文"))
        held.public = True
        held.save(update_fields=["public"])
        record(
            "document.disclose", "document", held.pk, by=by, at=at, rule=held.template_version,
            public={"number": held.number, "day": held.day.isoformat(), "content_sha256": held.content_sha256},
        )  # fmt: skip
    return held


def read(document: IssuedDocument, *, by: User, at: datetime.datetime) -> bytes:
    """The PDF for a reader. A look at a protected document is recorded. Raises NotAllowed for whoever may not read it."""
    if not policy.may_read(by, document):
        raise NotAllowed(_("文书写有受保护的个人信息，只有经办人和发文机关的负责人可以查看"))
    data = render(document)
    if document.protected:
        record("document.read", "document", document.pk, by=by, at=at, changes={"number": document.number})
    return data


def render(document: IssuedDocument) -> bytes:
    """The one PDF of a document: printed when first asked for, kept, and checked against its SHA-256 ever after.

    Raises Refused where the file is gone and the faces at hand give other bytes, or was changed on the disk.
    """
    if document.pdf:
        data = _kept(document)
        if data is not None:
            return data
    with transaction.atomic():
        held = IssuedDocument.objects.select_for_update().get(pk=document.pk)
        if held.pdf and (data := _kept(held)) is not None:
            return data
        printed = printing.to_pdf(held.content, at=held.issued_at, code=held.code, address=queries.address(held))
        if held.pdf_sha256 and printed.sha256 != held.pdf_sha256:
            raise Refused(
                _("文书 %(number)s 的 PDF 文件不见了，用现有的字体重新排版得到的文件不同：请从备份恢复原文件")
                % {"number": held.number}
            )
        held.pdf.save(f"{held.code}.pdf", ContentFile(printed.data), save=False)
        held.pdf_sha256, held.faces = printed.sha256, printed.faces
        held.save(update_fields=["pdf", "pdf_sha256", "faces"])
    document.pdf, document.pdf_sha256, document.faces = held.pdf, held.pdf_sha256, held.faces
    return printed.data


def _kept(document: IssuedDocument) -> bytes | None:
    try:
        with document.pdf.open("rb") as file:
            data: bytes = file.read()
    except FileNotFoundError:
        return None
    if sha256(data).hexdigest() != document.pdf_sha256:
        raise Refused(_("文书 %(number)s 的 PDF 文件与登记的摘要不符，可能已被改动") % {"number": document.number})
    return data
