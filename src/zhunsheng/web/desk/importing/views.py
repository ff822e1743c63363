"""Pages of the imports: choose, upload, match columns, look, decide."""

import csv
from collections.abc import Iterator

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common import exports
from zhunsheng.web.common.errors import Refused, onto, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.spreadsheet import open_table, too_large
from zhunsheng.web.common.templatetags.zs import moment, state_tag
from zhunsheng.web.desk.importing import actions, policy
from zhunsheng.web.desk.importing.forms import ColumnsForm, UploadForm
from zhunsheng.web.desk.importing.kinds import ImportKind, find_kind, kinds_for
from zhunsheng.web.desk.importing.mapping import Plan, guess, read_plan, write_plan
from zhunsheng.web.desk.importing.templates import template_csv, template_xlsx
from zhunsheng.web.desk.models import ImportRun
from zhunsheng.web.people.policy import may_work
from zhunsheng.web.people.queries import UserRequest

State = ImportRun.State
PROBLEMS_A_PAGE = 100
#: How much of an upload above the limit is read and thrown away, so that the browser hears the answer.
DRAINED = 4
STATE_KINDS = {
    State.UNMAPPED: "warn", State.CHECKED: "info", State.LOADED: "good", State.PARTLY_LOADED: "warn",
    State.DISCARDED: "muted", State.REFUSED: "bad",
}  # fmt: skip


def _kind(request: UserRequest, code: str) -> ImportKind:
    try:
        kind = find_kind(code)
    except Refused:
        raise Http404 from None
    if not kind.may(request.user):
        raise PermissionDenied(_("您的岗位不能导入“%(kind)s”") % {"kind": kind.label})
    return kind


def _run(request: UserRequest, pk: int) -> ImportRun:
    run = get_object_or_404(ImportRun, pk=pk)
    if not policy.may_see(request.user, run):
        raise PermissionDenied(_("只有上传的人和审计人员能看这一批"))
    return run


def _label(run: ImportRun) -> str:
    try:
        return str(find_kind(run.kind).label)
    except Refused:
        return run.kind


@require_GET
def home(request: UserRequest) -> HttpResponse:
    """What I may import, and my runs."""
    if not may_work(request.user):
        raise PermissionDenied(_("导入由工作人员办理"))
    listing = Listing(
        request,
        policy.visible_to(request.user).select_related("created_by").defer("problems", "preview", "mapping"),
        [
            Column("filename", _("文件"), lambda run: run.filename),
            Column("kind", _("种类"), _label),
            Column(
                "state",
                _("状态"),
                lambda run: run.get_state_display(),
                html=lambda run: state_tag(STATE_KINDS[run.state], run.get_state_display()),
            ),
            Column("rows", _("行数"), lambda run: run.rows_total, numeric=True),
            Column("bad", _("有问题的行"), lambda run: run.rows_bad, numeric=True),
            Column("by", _("导入人"), lambda run: str(run.created_by)),
            Column(
                "at",
                _("上传时间"),
                lambda run: run.created_at,
                html=lambda run: moment(run.created_at),
                order="created_at",
            ),
        ],
        name="imports",
        title=_("导入批次"),
        default_sort="-at",
        url=lambda run: reverse("desk:import_run", args=[run.pk]),
        empty_text=_("还没有导入过文件。"),
    )
    if listing.wants_export:
        return listing.export()
    return render(request, "desk/imports.html", {"listing": listing, "kinds": kinds_for(request.user)})


@csrf_exempt
def upload(request: UserRequest, code: str) -> HttpResponse:
    """A file above the limit is answered by its announced length, before anything of it is kept or parsed."""
    limit = settings.MAX_UPLOAD_BYTES
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if request.method == "POST" and length > limit + (1 << 20):
        left = min(length, DRAINED * limit)
        while left > 0 and (chunk := request.read(min(left, 1 << 20))):
            left -= len(chunk)
        kind = _kind(request, code)
        form = UploadForm(kind=kind)
        return render(
            request,
            "desk/import_upload.html",
            {"form": form, "kind": kind, "refusal": str(too_large(length, limit))},
            status=413,
        )
    return _upload(request, code)


@csrf_protect
@require_http_methods(["GET", "POST"])
def _upload(request: UserRequest, code: str) -> HttpResponse:
    kind = _kind(request, code)
    posted = request.method == "POST"
    form = UploadForm(request.POST if posted else None, request.FILES if posted else None, kind=kind)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        run = actions.receive(
            kind, file, file.name or "", mapping=form.cleaned_data["mapping"], by=request.user, at=timezone.now()
        )
        return redirect("desk:import_columns" if run.state == State.UNMAPPED else "desk:import_run", run.pk)
    return render(
        request,
        "desk/import_upload.html",
        {"form": form, "kind": kind},
        status=422 if request.method == "POST" else 200,
    )


@require_GET
def run_page(request: UserRequest, pk: int) -> HttpResponse:
    """The run: counts, problems by page, what would change, and the decision."""
    run = _run(request, pk)
    first = _number(request.GET.get("from"))
    shown = run.problems[first : first + PROBLEMS_A_PAGE]
    good = run.created + run.updated
    return render(
        request,
        "desk/import_run.html",
        {
            "run": run,
            "kind": find_kind(run.kind),
            "state_kind": STATE_KINDS[State(run.state)],
            "mine": policy.may_decide(request.user, run),
            "problems": shown,
            "problems_from": first + 1,
            "problems_to": first + len(shown),
            "previous_url": f"?from={max(0, first - PROBLEMS_A_PAGE)}#problems" if first else "",
            "next_url": f"?from={first + PROBLEMS_A_PAGE}#problems"
            if first + PROBLEMS_A_PAGE < len(run.problems)
            else "",
            "kept": len(run.problems),
            "preview": [(row, key, _said(run, changes)) for row, key, changes in run.preview],
            "decided": run.state in (State.LOADED, State.PARTLY_LOADED),
            "something": good > 0,
        },
    )


def _said(run: ImportRun, changes: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    labels = {column.key: str(column.label) for column in find_kind(run.kind).columns}
    return [(labels.get(name, name), old, new) for name, (old, new) in changes.items()]


def _number(text: "str | None") -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else 0


@require_http_methods(["GET", "POST"])
def columns(request: UserRequest, pk: int) -> HttpResponse:
    """Matching of columns by hand."""
    run = _run(request, pk)
    if not policy.may_decide(request.user, run):
        raise PermissionDenied(_("只有上传的人能处理这一批"))
    kind = _kind(request, run.kind)
    try:
        with open_table(run.file.path, run.filename, max_bytes=settings.MAX_UPLOAD_BYTES) as table:
            header = table.header
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect("desk:import_run", run.pk)
    plan = _plan(run, kind, header)
    form = ColumnsForm(request.POST if request.method == "POST" else None, kind=kind, header=header, plan=plan)
    if request.method == "POST" and form.is_valid():
        try:
            run = actions.match_columns(run, write_plan(form.chosen(), kind), by=request.user, at=timezone.now())
        except Refused as problem:
            onto(form, problem)
        else:
            return redirect("desk:import_run", run.pk)
    return render(
        request,
        "desk/import_columns.html",
        {"run": run, "kind": kind, "form": form},
        status=422 if request.method == "POST" else 200,
    )


def _plan(run: ImportRun, kind: ImportKind, header: list[str]) -> Plan:
    if run.mapping:
        try:
            plan = read_plan(run.mapping, kind)
        except Refused:
            return guess(kind, header)
        if plan.sources <= set(header):
            return plan
    return guess(kind, header)


@require_POST
def load(request: UserRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    try:
        run = actions.load(run, clean_only=request.POST.get("choice") == "clean", by=request.user, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        messages.success(
            request,
            _("已导入：新增 %(created)s，更新 %(updated)s，无变化 %(unchanged)s。")
            % {"created": run.created, "updated": run.updated, "unchanged": run.unchanged},
        )
    return redirect("desk:import_run", pk)


@require_POST
def discard(request: UserRequest, pk: int) -> HttpResponse:
    run = _run(request, pk)
    try:
        actions.discard(run, by=request.user, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        messages.success(request, _("已放弃这一批，没有写入任何内容。"))
    return redirect("desk:import_run", pk)


@require_GET
def returned(request: UserRequest, pk: int, form: str) -> HttpResponseBase:
    """The rows with problems, in the file's own columns, with a column of reasons."""
    run = _run(request, pk)
    if not run.returned:
        raise Http404
    stem = run.filename.rpartition(".")[0] or run.filename
    name = _("%(file)s-退回") % {"file": stem}
    if form == "csv":
        return FileResponse(
            run.returned.open("rb"), as_attachment=True, filename=f"{name}.csv", content_type="text/csv; charset=utf-8"
        )
    with open(run.returned.path, encoding="utf-8-sig", newline="") as handle:
        rows = csv.reader(handle)
        header = next(rows)
        return exports.xlsx_response(name, header, _plain_rows(rows))


def _plain_rows(rows: "Iterator[list[str]]") -> Iterator[list[str]]:
    for row in rows:
        yield [exports.unsafe(cell) for cell in row]


@require_GET
def mapping_file(request: UserRequest, pk: int) -> HttpResponseBase:
    """The mapping of this run, to be used with the next file of the same form."""
    run = _run(request, pk)
    return FileResponse(
        ContentFile(run.mapping.encode()),
        as_attachment=True,
        filename=f"{run.kind}-mapping.toml",
        content_type="application/toml",
    )


@require_GET
def template(request: UserRequest, code: str, form: str) -> HttpResponseBase:
    """An empty file with the right heading; in XLSX a second sheet explains the columns."""
    kind = _kind(request, code)
    return template_csv(kind) if form == "csv" else template_xlsx(kind)
