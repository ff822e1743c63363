"""Filing without an account: the ways in, one form for each kind, a look at the answers, the receipt with number and code."""

import datetime
import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure import Event, Standing
from zhunsheng.web.common.errors import Refused, language, onto, say
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.matters import actions, queries, words
from zhunsheng.web.matters.forms.public import FORMS, PublicForm
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.matters.views import follow
from zhunsheng.web.matters.views.reading import address_of, why
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.sealing import CannotOpen, open_sealed, seal

#: how long the receipt with its code can be seen again in the same browser
RECEIPT = datetime.timedelta(minutes=30)
IN_SESSION = "matters.receipt"


@dataclass(frozen=True, slots=True)
class Way:
    """One way in."""

    code: str
    name: str
    title: "str | Promise"
    lead: "str | Promise"


WAYS = (
    Way("complaint", "complain_new", gettext_lazy("投诉"), gettext_lazy("买了东西、接受了服务，与经营者有争议，请市场监管部门调解。")),
    Way("violation_report", "report_new", gettext_lazy("举报"), gettext_lazy("发现经营者违法，请市场监管部门查处。可以实名，也可以匿名。")),
    Way("compensation", "claim_new", gettext_lazy("三包和赔偿请求"), gettext_lazy("请经营者退货、换货、修理或者赔偿。请求直接交给经营者答复，市场监管部门看得到是否按期。")),
    Way("disclosure_request", "disclosure_new", gettext_lazy("申请政府信息公开"), gettext_lazy("需要的政府信息没有主动公开的，可以申请。")),
)  # fmt: skip


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The ways in, in plain words."""
    return render(
        request,
        "matters/public/home.html",
        {"ways": [{"way": way, "url": reverse(f"matters:{way.name}")} for way in WAYS]},
    )


def new(code: str) -> Any:
    """The view of one kind's form."""
    way = next(one for one in WAYS if one.code == code)

    @login_not_required
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request: HttpRequest) -> HttpResponse:
        return _form(request, way)

    return view


def _form(request: HttpRequest, way: Way) -> HttpResponse:
    kind = FORMS[way.code]
    at = timezone.now()
    if request.method != "POST":
        return _page(request, way, kind(initial=_asked(request)))
    stage = request.POST.get("stage", "check")
    form = kind(request.POST, request.FILES)
    if stage == "edit":
        return _page(request, way, kind(initial=request.POST.dict()), form)
    if not form.is_valid():
        if request.FILES:
            form.keep(at=at, address=address_of(request))
        return _page(request, way, form, form, status=422)
    form.keep(at=at, address=address_of(request))
    if form.errors:
        return _page(request, way, form, form, status=422)
    office = form.office()
    if office is None:
        form.add_error(None, _("本市还没有设置受理机构。请拨打 12315"))
        return _page(request, way, form, form, status=422)
    try:
        seen = [_foreseen(wish, office, at) for wish in form.wishes()]
    except ProcedureError as problem:
        form.add_error(None, say(problem))
        return _page(request, way, form, form, status=422)
    if stage != "send":
        return _look(request, way, form, office, seen)
    try:
        filed = actions.file(
            form.wishes(),
            office=office,
            division=form.place(),
            at=at,
            once=form.cleaned_data["once"],
            address=address_of(request),
            evidence=form.attachments,
        )
    except actions.TooMany as problem:
        form.add_error(None, say(problem))
        return _page(request, way, form, form, status=429)
    except Refused as problem:
        onto(form, problem)
        return _page(request, way, form, form, status=422)
    if any(one.code for one in filed):
        _remember(request, filed, at)
    return redirect("matters:filed")


def _asked(request: HttpRequest) -> dict[str, str]:
    """What a link may fill in beforehand: the business."""
    name = request.GET.get("business", "").replace("\0", "")[:200]
    return {"business": name} if name else {}


def _page(
    request: HttpRequest, way: Way, form: PublicForm, held: PublicForm | None = None, *, status: int = 200
) -> HttpResponse:
    """The form; `held` has the files that came with it before."""
    return render(
        request,
        "matters/public/form.html",
        {
            "way": way,
            "form": form,
            "attachments": held.attachments if held is not None else [],
            "proof": held.receipt if held is not None else None,
            "token": held.token if held is not None else "",
        },
        status=status,
    )


def _foreseen(wish: actions.Wish, office: Office, at: datetime.datetime) -> Standing:
    """Where the matter would stand. Raises ProcedureError for what the first step would refuse."""
    procedure = queries.procedure_on(wish.code, at.astimezone(CHINA).date(), office)
    first = next(step for step in procedure.steps.values() if step.starts and queries.PUBLIC in step.roles)
    papers = {code: paper.attachment.sha256 for code, paper in wish.papers.items()}
    event = Event(first.code, at.astimezone(CHINA), queries.PUBLIC, queries.PUBLIC, {**wish.facts, **papers})
    return engine.start(procedure, event)


def _look(request: HttpRequest, way: Way, form: PublicForm, office: Office, seen: list[Standing]) -> HttpResponse:
    """The answers, before they are sent."""
    return render(
        request,
        "matters/public/check.html",
        {
            "way": way,
            "form": form,
            "answers": form.answers(),
            "office": office,
            "dues": [_next(one) for one in seen],
        },
    )


def _next(now: Standing) -> dict[str, Any]:
    """What happens next and by when."""
    due = now.next
    return {
        "kind": now.procedure.label(language()),
        "limit": due.limit.label(language()) if due else "",
        "on": due.deadline.due if due and due.deadline else None,
        "why": why(due, now.procedure) if due else None,
    }


def _remember(request: HttpRequest, filed: list[actions.Filed], at: datetime.datetime) -> None:
    """The codes go into the session sealed, and out of it in half an hour: the database alone gives none away."""
    told = [[one.matter.no, one.code] for one in filed]
    request.session[IN_SESSION] = {"sealed": seal(json.dumps(told)), "until": (at + RECEIPT).timestamp()}
    for one in filed:
        follow.let_in(request, Matter.objects.get(pk=one.matter.pk), at)


def _remembered(request: HttpRequest, at: datetime.datetime) -> dict[str, str]:
    kept = request.session.get(IN_SESSION)
    if not kept or at.timestamp() > kept["until"]:
        request.session.pop(IN_SESSION, None)
        return {}
    try:
        return dict(json.loads(open_sealed(kept["sealed"])))
    except CannotOpen:
        return {}


@login_not_required
@never_cache
@require_safe
def filed(request: HttpRequest) -> HttpResponse:
    """The receipt: number, code, what happens next and by when. Afterwards the code is nowhere to be seen again."""
    told = _remembered(request, timezone.now())
    if not told:
        return redirect("matters:follow_home")
    rows = []
    for matter in Matter.objects.filter(no__in=told).select_related("office").order_by("pk"):
        rows.append(
            {
                "matter": matter,
                "code": told[matter.no],
                "kind": words.kind_name(matter.procedure),
                "office": named(matter.office),
                "next": _next(queries.standing(matter)),
                "url": request.build_absolute_uri(reverse("matters:follow", args=[matter.no])),
            }
        )
    return render(request, "matters/public/filed.html", {"rows": rows, "minutes": int(RECEIPT.total_seconds() // 60)})
