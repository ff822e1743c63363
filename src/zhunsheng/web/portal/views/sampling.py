"""Product sampling: which plan, from which rule, and what it lets through, for anyone who asks."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.engine import sampling as engine
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.sampling import (
    AcceptancePlan,
    Binomial,
    Hypergeometric,
    Kind,
    Law,
    Plan,
    Poisson,
    Purpose,
    Severity,
    SupervisionPlan,
)
from zhunsheng.web.common.errors import say
from zhunsheng.web.common.templatetags.zs import grouped, percent
from zhunsheng.web.portal.forms_sampling import FORMS, KINDS, SEVERITIES, AcceptanceForm, SupervisionForm
from zhunsheng.web.portal.views.serving import public

#: the chances of the published tables of operating characteristics
CHANCES = (0.99, 0.95, 0.90, 0.75, 0.50, 0.25, 0.10, 0.05, 0.01)
POINTS = 60
PRODUCER, CONSUMER = 0.95, 0.10


@dataclass(frozen=True, slots=True)
class Curve:
    """The drawing, the same numbers as rows (share, chance, average sample), and one sentence for those who hear it."""

    points: list[tuple[float, float]]
    marks: list[tuple[float, float, str]]
    rows: list[tuple[str, str, str]]
    words: str


@public
def sampling(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("purpose", "")
    purpose = Purpose(asked) if asked in FORMS else Purpose.SUPERVISION
    kind = FORMS[purpose]
    form = kind(request.GET if request.GET.keys() - {"purpose"} else kind.example)
    context: dict[str, object] = {"form": form, "purpose": purpose, "tabs": _tabs(purpose)}
    # An address put together by hand may ask one purpose with the words of the other.
    foreign = {Purpose.SUPERVISION: "aql", Purpose.ACCEPTANCE: "dql"}[purpose]
    if request.GET.get(foreign):
        try:
            if purpose is Purpose.SUPERVISION:
                engine.acceptance_plan(2, "1.0", purpose=purpose, on=timezone.localdate())
            else:
                engine.supervision_plan("1", purpose=purpose, on=timezone.localdate())
        except ZhunshengError as error:
            form.add_error(None, say(error))
    if form.is_valid():
        try:
            context |= _answer(form)
        except ZhunshengError as error:
            form.add_error(None, say(error))
    return render(request, "portal/sampling.html", context, status=422 if form.errors else 200)


def _answer(form: forms.Form) -> dict[str, object]:
    if isinstance(form, AcceptanceForm):
        return _acceptance(form)
    assert isinstance(form, SupervisionForm)  # noqa: S101 - there are two
    return _supervision(form)


def _tabs(purpose: Purpose) -> list[dict[str, object]]:
    names = {Purpose.SUPERVISION: _("监督抽查"), Purpose.ACCEPTANCE: _("批的验收")}
    return [
        {"label": name, "url": f"{reverse('portal:sampling')}?purpose={one}", "current": one is purpose}
        for one, name in names.items()
    ]


# -- supervision -----------------------------------------------------------------------------------------------------
def _supervision(form: SupervisionForm) -> dict[str, object]:
    given = form.cleaned_data
    found = engine.supervision_plan(
        given["dql"],
        purpose=Purpose.SUPERVISION,
        on=timezone.localdate(),
        limit=given["limit"],
        population=given["population"],
        n=given["n"],
    )
    return {
        "found": found,
        "facts": [
            (_("样本量 n"), found.n),
            (_("不合格品限定数 L"), found.limit),
            (_("声称质量水平"), _plain(found.dql)),
            (_("核查总体"), _("%(n)s 个，声称允许 %(d)s 个不合格") % {"n": grouped(found.population), "d": found.allowed}
             if found.allowed is not None else grouped(found.population) if found.population else _("不限（过程或大总体）")),
            (_("标准"), found.edition),
            (_("采用的国际标准"), found.follows),
        ],
        "sentences": _supervision_sentences(found),
        "curve": _supervision_curve(found),
    }  # fmt: skip


def _supervision_sentences(found: SupervisionPlan) -> list[str]:
    said = [
        _("抽 %(n)s 个，不合格品超过 %(limit)s 个，就否定声称的质量水平；没有超过，只是没有否定，不能据此说“合格”。")
        % {"n": found.n, "limit": found.limit},
        _("企业没有说错、不合格率正好是声称的 %(declared)s：仍有 %(alpha)s 的可能被错判。")
        % {"declared": _plain(round(Decimal(found.declared) * 100, 4)), "alpha": percent(found.alpha, 1)},
    ]
    if found.ratio is None:
        said.append(
            _("声称一个不合格也不允许。不合格率达到 %(limiting)s 时，漏判的可能才降到 %(beta)s。")
            % {"limiting": percent(found.limiting, 1), "beta": percent(found.beta, 0)}
        )
    elif found.allowed is not None:
        missed = engine.acceptance(found.plan, found.law(found.limiting))
        said.append(
            _("企业的不合格率高达声称的 %(ratio)s 倍（%(limiting)s）：仍有 %(missed)s 的可能查不出来。")
            % {
                "ratio": f"{found.ratio:.1f}",
                "limiting": percent(found.limiting, 1),
                "missed": percent(missed, 1),
            }
        )
    else:
        said.append(
            _("企业的不合格率高达声称的 %(ratio)s 倍（%(limiting)s）：十次里仍有一次查不出来。")
            % {"ratio": f"{found.ratio:.1f}", "limiting": percent(found.limiting, 1)}
        )
    return said


def _supervision_curve(found: SupervisionPlan) -> Curve:
    if found.population is not None and found.allowed is not None:
        whole = found.population
        most = min(whole, max(2, round(1.6 * (found.limiting_units or whole))))
        counts = sorted({round(most * step / POINTS) for step in range(POINTS + 1)})
        points = [(bad / whole, engine.acceptance(found.plan, Hypergeometric(whole, bad))) for bad in counts]
        shown = sorted({0, found.allowed, found.limiting_units or whole, *counts[:: max(1, len(counts) // 8)]})
        rows = [
            (_("%(share)s（%(n)s 个）") % {"share": percent(bad / whole, 1), "n": bad},
             percent(engine.acceptance(found.plan, Hypergeometric(whole, bad)), 1), grouped(found.n))
            for bad in shown
        ]  # fmt: skip
    else:
        points = _points(found.plan, Binomial)
        rows = _rows(found.plan, Binomial)
    marks = [(found.limiting, engine.acceptance(found.plan, found.law(found.limiting)), _("漏判十分之一"))]
    if found.declared:
        marks.insert(0, (found.declared, 1 - found.alpha, _("声称水平")))
    words = _("不被否定的概率随不合格率下降：声称水平处 %(high)s，不合格率 %(limiting)s 处 %(low)s。") % {
        "high": percent(1 - found.alpha, 1),
        "limiting": percent(found.limiting, 1),
        "low": percent(marks[-1][1], 1),
    }
    return Curve(points, marks, rows, words)


# -- acceptance ------------------------------------------------------------------------------------------------------
def _acceptance(form: AcceptanceForm) -> dict[str, object]:
    given = form.cleaned_data
    found = engine.acceptance_plan(
        given["lot"],
        given["aql"],
        purpose=Purpose.ACCEPTANCE,
        on=timezone.localdate(),
        level=given["level"],
        severity=Severity(given["severity"]),
        kind=Kind(given["kind"]),
    )
    letter = found.letter if found.letter == found.asked_letter else f"{found.asked_letter} → {found.letter}"
    facts = [
        (_("样本量字码"), letter),
        (_("样本量") if len(found.plan.stages) == 1 else _("各次合计最多"), grouped(found.plan.largest)),
        (_("严格度"), SEVERITIES[found.severity]),
        (_("抽取次数"), KINDS[found.kind]),
        (_("标准"), found.edition),
        (_("采用的国际标准"), found.follows),
    ]
    if len(found.plan.stages) == 1:
        (stage,) = found.plan.stages
        facts[2:2] = [(_("接收数 Ac"), stage.accept), (_("拒收数 Re"), stage.reject)]
    context: dict[str, object] = {"found": found, "facts": facts}
    if not found.whole_lot:
        context |= {"sentences": _acceptance_sentences(found), "curve": _acceptance_curve(found)}
    return context


def _law(found: AcceptancePlan) -> type[Binomial] | type[Poisson]:
    return Poisson if found.per_hundred else Binomial


def _acceptance_sentences(found: AcceptancePlan) -> list[str]:
    at = float(found.aql) / 100
    refused = 1 - engine.acceptance(found.plan, _law(found)(at))
    poor = engine.quality_at(found.plan, CONSUMER, _law(found))
    said = {"aql": found.aql, "refused": percent(refused, 1), "poor": f"{100 * poor:.3g}"}
    if found.per_hundred:
        return [
            _("每百单位产品的不合格数正好是 AQL（%(aql)s）的批：有 %(refused)s 的可能不被接收（生产方风险）。") % said,
            _("每百单位产品的不合格数为 %(poor)s 的批：十批里仍有一批被接收（使用方风险）。") % said,
        ]
    return [
        _("不合格品率正好是 AQL（%(aql)s%%）的批：有 %(refused)s 的可能不被接收（生产方风险）。") % said,
        _("不合格品率为 %(poor)s%% 的批：十批里仍有一批被接收（使用方风险）。") % said,
    ]


def _acceptance_curve(found: AcceptancePlan) -> Curve:
    law, at = _law(found), float(found.aql) / 100
    poor = engine.quality_at(found.plan, CONSUMER, law)
    points = _points(found.plan, law)
    marks = [(at, engine.acceptance(found.plan, law(at)), "AQL"), (poor, CONSUMER, _("接收十分之一"))]
    words = _("接收概率随不合格率下降：AQL 处 %(high)s，不合格率 %(poor)s 处 10%%。") % {
        "high": percent(marks[0][1], 1),
        "poor": percent(poor, 2),
    }
    return Curve(points, [mark for mark in marks if mark[0] <= points[-1][0]], _rows(found.plan, law), words)


def _plain(value: Decimal) -> str:
    """The percentage as it was given, without zeros at its end."""
    return f"{value.normalize():f}\N{NARROW NO-BREAK SPACE}%"


# -- both ------------------------------------------------------------------------------------------------------------
def _points(plan: Plan, law: Callable[[float], Law]) -> list[tuple[float, float]]:
    """The curve from perfect quality to where hardly anything is accepted."""
    reach = engine.quality_at(plan, 0.01, law)
    return [(reach * step / POINTS, engine.acceptance(plan, law(reach * step / POINTS))) for step in range(POINTS + 1)]


def _rows(plan: Plan, law: Callable[[float], Law]) -> list[tuple[str, str, str]]:
    found = [(engine.quality_at(plan, chance, law), chance) for chance in CHANCES]
    return [
        (
            f"{100 * share:.3g}\N{NARROW NO-BREAK SPACE}%",
            percent(chance, 0),
            f"{engine.average_sample(plan, law(share)):.1f}",
        )
        for share, chance in found
    ]
