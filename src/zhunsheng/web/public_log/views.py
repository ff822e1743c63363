"""The public log, for everyone; the audit trail, for those who look on."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common.errors import Refused, onto, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import hash_block, named
from zhunsheng.web.people import step_up
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log import actions, forms, policy, queries, words
from zhunsheng.web.public_log.models import Act, Checkpoint, Cosignature, LogEntry, Timestamp, Witness

#: a file of the log never changes: whoever has it need not ask again
IMMUTABLE = "public, max-age=31536000, immutable"
HASHES = {"sha256": "SHA-256", "sm3": "SM3"}


# -- the public log ---------------------------------------------------------------------------------------------------
@login_not_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    listing = Listing(
        request=request,
        queryset=LogEntry.objects.defer("body"),
        columns=[
            Column(
                "index",
                gettext_lazy("序号"),
                lambda entry: entry.index,
                order="id",
                numeric=True,
                html=lambda entry: entry.number,
            ),
            Column("at", gettext_lazy("时间"), lambda entry: entry.at),
            Column("kind", gettext_lazy("类别"), lambda entry: str(words.verb_name(entry.kind))),
            Column("subject", gettext_lazy("对象"), lambda entry: entry.subject, html=_subject),
            Column(
                "leaf_hash",
                gettext_lazy("叶哈希"),
                lambda entry: entry.leaf_hash,
                html=lambda entry: hash_block(entry.leaf_hash),
            ),
        ],
        name="public-log",
        title=gettext_lazy("存证条目"),
        filterset_class=forms.EntryFilter,
        default_sort="-index",
        url=lambda entry: entry.get_absolute_url(),
        empty_text=gettext_lazy("没有符合条件的条目。"),
    )
    if listing.wants_export:
        return listing.export()
    now, last = queries.head(), queries.last_checkpoint()
    witnessed = Cosignature.objects.select_related("checkpoint", "witness").order_by("-checkpoint_id", "-at")[:3]
    return render(request, "public_log/home.html", {
        "listing": listing,
        "head": now,
        "origin": queries.origin(),
        "hash_name": HASHES[queries.suite().name],
        "checkpoint": last,
        "unsigned": now.size > (last.size if last else 0),
        "waiting": queries.waiting().count(),
        "witnessed": witnessed,
        "stamp": Timestamp.objects.order_by("-checkpoint_id").first(),
        "address": request.build_absolute_uri(reverse("public_log:home")),
        "may_read_acts": policy.may_read_acts(request.user),
    })  # fmt: skip


def _subject(entry: LogEntry) -> SafeString:
    kind, _colon, number = entry.subject.partition(":")
    url = words.subject_url(kind, number, public=True)
    text = f"{words.subject_name(kind)} {number}"
    return format_html('<a href="{}">{}</a>', url, text) if url else format_html("{}", text)


@login_not_required
@require_GET
def head(request: HttpRequest) -> HttpResponse:
    """The head for programs: whoever fetches and keeps it now and then can prove a rewriting later."""
    now = queries.head()
    return JsonResponse({
        "log": queries.origin(),
        "size": now.size,
        "root": now.root.hex(),
        "at": now.at.isoformat(timespec="seconds") if now.at else None,
    })  # fmt: skip


@login_not_required
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The whole log as JSON lines, for `zhunsheng log verify`."""
    response = StreamingHttpResponse(queries.export_lines(), content_type="application/jsonl; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="public-log-{queries.head().size}.jsonl"'
    return response


@login_not_required
@require_GET
def entry(request: HttpRequest, index: int) -> HttpResponse:
    found = get_object_or_404(LogEntry, index=index)
    now = queries.head()
    tree = queries.tree(now.size)
    proof = tree.inclusion(index) if index < now.size else ()
    leaf = engine.leaf_hash(found.body.encode(), tree.suite)
    signed = queries.covering(index)
    return render(request, "public_log/entry.html", _about(found) | {
        "head": now,
        "leaf": leaf,
        "kept_ok": leaf.hex() == found.leaf_hash,
        "proved": engine.verify_inclusion(leaf, index, now.size, proof, now.root, tree.suite),
        "steps": queries.steps(leaf, index, now.size, proof),
        "previous": index - 1 if index else None,
        "next": index + 1 if index + 1 < now.size else None,
        "act_id": found.act_id if policy.may_read_acts(request.user) else None,
        "origin": queries.origin(),
        "hash_name": HASHES[tree.suite.name],
        "signed": signed,
        "cosignatures": signed.cosignatures.select_related("witness").order_by("at") if signed else (),
        "stamp": Timestamp.objects.filter(checkpoint=signed).first() if signed else None,
    })  # fmt: skip


def _about(found: LogEntry) -> dict[str, Any]:
    kind, _colon, number = found.subject.partition(":")
    return {
        "entry": found,
        "title": words.verb_name(found.kind),
        "subject_name": words.subject_name(kind),
        "subject_number": number,
        "subject_url": words.subject_url(kind, number, public=True),
        "pretty": _pretty(found.body),
    }


@login_not_required
@require_GET
def waiting(request: HttpRequest, leaf_hash: str) -> HttpResponse:
    """An entry by its hash: its page, or that it still waits for its number."""
    rows = LogEntry.objects.filter(leaf_hash=leaf_hash)
    found = rows.filter(index__isnull=False).order_by("index").first() or rows.order_by("id").first()
    if found is None:
        raise Http404
    if found.index is not None:
        return redirect(found)
    return render(request, "public_log/waiting.html", _about(found) | {"leaf": bytes.fromhex(leaf_hash)})


def _pretty(body: str) -> str:
    """The text spread over lines for reading. A text that is no JSON any more is shown as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


@login_not_required
@require_GET
def tlog_proof(request: HttpRequest, index: int) -> HttpResponse:
    """The proof file (C2SP tlog-proof): entry, inclusion proof and signed checkpoint in one, to be checked anywhere."""
    found = get_object_or_404(LogEntry, index=index)
    signed = queries.covering(index)
    if signed is None:
        raise Http404(_("这一条还没有签名的检查点"))
    path = queries.inclusion(index, signed.size)
    file = engine.LogProof(index, path, queries.checkpoint_text(signed).encode(), found.body.encode())
    response = HttpResponse(str(file), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="entry-{index}.tlog-proof"'
    return response


@login_not_required
@require_GET
def consistency(request: HttpRequest) -> HttpResponse:
    """I kept an older head: is today's log that log, only longer?"""
    form = forms.OldHeadForm(request.GET if "size" in request.GET or "root" in request.GET else None)
    verdict = None
    if form.is_bound and form.is_valid():
        verdict = queries.grown_from(form.cleaned_data["size"], form.cleaned_data["root"])
    return render(request, "public_log/consistency.html", {
        "form": form, "verdict": verdict, "head": queries.head(),
    }, status=422 if form.errors else 200)  # fmt: skip


# -- proofs for programs ----------------------------------------------------------------------------------------------
def _json(value: dict[str, Any], status: int = 200) -> JsonResponse:
    return JsonResponse(value, status=status, json_dumps_params={"ensure_ascii": False, "indent": 1})


def _number(request: HttpRequest, name: str, otherwise: int | None = None) -> int:
    text = request.GET.get(name, "")
    if not text and otherwise is not None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest(f"{name}: a whole number is expected")
    return int(text)


@login_not_required
@require_GET
def proof(request: HttpRequest, index: int) -> HttpResponse:
    """The proof that an entry stands in the present log, hashes in hexadecimal."""
    found = get_object_or_404(LogEntry, index=index)
    response = _json(_inclusion(found, queries.head().size))
    response["Content-Disposition"] = f'attachment; filename="public-log-{index}.json"'
    return response


@login_not_required
@require_GET
def inclusion_api(request: HttpRequest) -> HttpResponse:
    """?index=N or ?hash=HEX, and ?size=N (the present size): the inclusion proof as JSON."""
    try:
        size = _number(request, "size", queries.head().size)
        if leaf := request.GET.get("hash", ""):
            found = LogEntry.objects.filter(leaf_hash=leaf.lower(), index__lt=size).order_by("index").first()
        else:
            found = LogEntry.objects.filter(index=_number(request, "index"), index__lt=size).first()
    except BadRequest as problem:
        return _json({"error": str(problem)}, 400)
    if found is None or size > queries.head().size:
        return _json({"error": "no such entry in a log of that size"}, 404)
    return _json(_inclusion(found, size))


def _inclusion(found: LogEntry, size: int) -> dict[str, Any]:
    tree = queries.tree(size)
    index = found.index or 0
    return {
        "log": queries.origin(),
        "size": size,
        "root": tree.root().hex(),
        "index": index,
        "entry": found.body,
        "leaf": found.leaf_hash,
        "proof": [one.hex() for one in tree.inclusion(index)],
    }


@login_not_required
@require_GET
def consistency_api(request: HttpRequest) -> HttpResponse:
    """?old=N and ?size=N (the present size): the consistency proof as JSON."""
    now = queries.head().size
    try:
        old, size = _number(request, "old"), _number(request, "size", now)
    except BadRequest as problem:
        return _json({"error": str(problem)}, 400)
    if not old <= size <= now:
        return _json({"error": f"old <= size <= {now} is expected"}, 404)
    tree = queries.tree(size)
    return _json({
        "log": queries.origin(),
        "old": old,
        "old_root": tree.root(old).hex(),
        "size": size,
        "root": tree.root().hex(),
        "proof": [one.hex() for one in tree.consistency(old)],
    })  # fmt: skip


# -- the log as files (C2SP tlog-tiles) -------------------------------------------------------------------------------
def _file(data: "bytes | str", kind: str, keep: str) -> HttpResponse:
    response = HttpResponse(data, content_type=kind)
    response["Cache-Control"] = keep
    response["Access-Control-Allow-Origin"] = "*"
    return response


@login_not_required
@require_GET
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed head, with the cosignatures of witnesses that came for it."""
    last = queries.last_checkpoint()
    if last is None:
        raise Http404
    return _file(queries.checkpoint_text(last), "text/plain; charset=utf-8", "public, max-age=2")


@login_not_required
@require_GET
def old_checkpoint(request: HttpRequest, size: int) -> HttpResponse:
    """The signed head of that size. What a time-stamp is over is its text without cosignatures: ?plain=1."""
    found = get_object_or_404(Checkpoint, size=size)
    text = found.note if request.GET.get("plain") else queries.checkpoint_text(found)
    return _file(text, "text/plain; charset=utf-8", "public, max-age=60")


@login_not_required
@require_GET
def stamp(request: HttpRequest, size: int) -> HttpResponse:
    """The RFC 3161 answer over the checkpoint of that size, for `openssl ts -verify`."""
    found = get_object_or_404(Timestamp, checkpoint_id=size)
    return _file(bytes(found.token), "application/timestamp-reply", IMMUTABLE)


@login_not_required
@require_GET
def tile(request: HttpRequest, path: str) -> HttpResponse:
    """A tile of hashes or a bundle of entries, as far as the newest checkpoint covers it. It never changes."""
    wanted = engine.read_tile_path(f"tile/{path}")
    last = queries.last_checkpoint()
    data = queries.tile_file(wanted, last.size) if wanted and last else None
    if data is None:
        raise Http404
    return _file(data, "application/octet-stream", IMMUTABLE)


# -- witnesses --------------------------------------------------------------------------------------------------------
@login_not_required
@require_GET
def witnesses(request: HttpRequest) -> HttpResponse:
    """Who watches the log from outside, and what they last signed."""
    return render(request, "public_log/witnesses.html", {
        "witnesses": queries.witnesses(),
        "head": queries.head(),
        "address": request.build_absolute_uri(reverse("public_log:home")),
        "key": queries.key_in_force(queries.head().size),
        "may_keep": policy.may_keep_log(request.user),
    })  # fmt: skip


@csrf_exempt  # no session is used: the signature in the text is the permission
@login_not_required
@require_POST
def cosign(request: HttpRequest) -> HttpResponse:
    """Takes a witness's cosignature: the body is the checkpoint with its signature line."""
    data = request.read(engine.MAX_NOTE + 1)
    try:
        made = actions.add_cosignatures(data, by=None, at=timezone.now())
    except (Refused, ZhunshengError) as problem:
        return HttpResponse(f"{say(problem)}\n", content_type="text/plain; charset=utf-8", status=403)
    return HttpResponse(f"{len(made)}\n", content_type="text/plain; charset=utf-8")


def _keep(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not policy.may_keep_log(request.user):
        raise PermissionDenied(_("见证人和联署由系统管理员登记"))
    return request.user


@require_http_methods(["GET", "POST"])
def add_witness(request: HttpRequest) -> HttpResponse:
    by = _keep(request)
    form = forms.WitnessForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.add_witness(by=by, at=timezone.now(), **form.cleaned_data)
        except Refused as problem:
            onto(form, problem)
        else:
            messages.success(request, _("已列入见证人：%(name)s") % {"name": made})
            return redirect("public_log:witnesses")
    return render(request, "public_log/witness_form.html", {
        "form": form, "title": _("列入见证人"), "submit": _("列入"),
    }, status=422 if form.errors else 200)  # fmt: skip


@require_POST
def end_witness(request: HttpRequest, pk: int) -> HttpResponse:
    by = _keep(request)
    found = actions.end_witness(get_object_or_404(Witness, pk=pk), by=by, at=timezone.now())
    messages.success(request, _("不再接受此见证人的联署：%(name)s") % {"name": found})
    return redirect("public_log:witnesses")


@require_http_methods(["GET", "POST"])
def import_cosignature(request: HttpRequest) -> HttpResponse:
    by = _keep(request)
    form = forms.CosignatureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.add_cosignatures(form.cleaned_data["note"].encode(), by=by, at=timezone.now())
        except (Refused, ZhunshengError) as problem:
            form.add_error("note", say(problem))
        else:
            messages.success(request, _("新登记 %(n)s 个联署") % {"n": len(made)})
            return redirect("public_log:witnesses")
    return render(request, "public_log/witness_form.html", {
        "form": form, "title": _("登记联署"), "submit": _("核对并登记"),
    }, status=422 if form.errors else 200)  # fmt: skip


# -- the audit trail --------------------------------------------------------------------------------------------------
def _look_on(request: HttpRequest) -> None:
    if not policy.may_read_acts(request.user):
        raise PermissionDenied(_("办理痕迹由督查审计、质强办和系统管理员查阅"))


@require_GET
@step_up.required("export", when=step_up.exporting)
def acts(request: HttpRequest) -> HttpResponse:
    _look_on(request)
    listing = Listing(
        request=request,
        queryset=Act.objects.select_related("by", "office"),
        columns=[
            Column("at", gettext_lazy("时间"), lambda act: act.at, order="at"),
            Column("verb", gettext_lazy("动作"), lambda act: str(words.verb_name(act.verb))),
            Column(
                "subject", gettext_lazy("对象"), lambda act: f"{words.subject_name(act.subject_type)} {act.subject_id}"
            ),
            Column("by", gettext_lazy("操作人"), lambda act: str(act.by) if act.by else ""),
            Column("office", gettext_lazy("机构"), lambda act: named(act.office)),
            Column("rule", gettext_lazy("规则版本"), lambda act: act.rule, hidden=True),
            Column("reason", gettext_lazy("理由"), lambda act: act.reason),
        ],
        name="acts",
        title=gettext_lazy("办理痕迹"),
        filterset_class=forms.ActFilter,
        default_sort="-at",
        url=lambda act: reverse("public_log:act", args=[act.pk]),
        empty_text=gettext_lazy("没有符合条件的记录。"),
    )
    if listing.wants_export:
        return listing.export()
    return render(request, "public_log/acts.html", {"listing": listing})


@require_GET
def act(request: HttpRequest, pk: int) -> HttpResponse:
    _look_on(request)
    found = get_object_or_404(Act.objects.select_related("by", "office"), pk=pk)
    told = words.tell(found)
    others = queries.history(found.subject_type, found.subject_id)[:50]
    return render(request, "public_log/act.html", {
        "act": found,
        "told": told,
        "changes": [(change, _plain(change.old), _plain(change.new)) for change in words.changes(found)],
        "entry": LogEntry.objects.filter(act=found).defer("body").first(),
        "events": [
            {
                "at": one.at, "title": words.verb_name(one.verb), "by": one.by or "", "text": one.reason,
                "url": "" if one.pk == found.pk else reverse("public_log:act", args=[one.pk]),
                "when": "now" if one.pk == found.pk else "",
            }
            for one in reversed(others)
        ],
    })  # fmt: skip


def _plain(value: Any) -> str:
    """A stored value as people read it: nothing for nothing, lists and objects as JSON."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
