"""Small pieces of every page: tags, dates, rates, hashes, charts. Built in, so no {% load %} is needed.

Numbers are rounded here and nowhere before. The words are translated, the markup is escaped.
"""

import datetime
import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import segno
from django import template
from django.http import HttpRequest, QueryDict
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhunsheng.web.common.errors import language

register = template.Library()

THIN = "\u2009"  # between groups of three digits
MINUS = "\u2212"
Words = str | Promise

# Drawn on a grid of 16; strokes take the colour of the text around them.
ICONS = {
    "check": "M3 8.5 6.5 12 13 4.5",
    "check-circle": "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5 8.2l2.2 2.2L11 6.2",
    "triangle": "M8 2 1.5 13.5h13ZM8 6.5v3.2M8 11.8v.01",
    "octagon": "M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3ZM5.5 5.5l5 5M10.5 5.5l-5 5",
    "info": "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 7.2v4M8 4.7v.01",
    "ring": "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3Z",
    "stamp": "M2.5 2.5h11v11h-11ZM5 6h6M8 6v5M5.5 11h5",
    "search": "M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2Zm3.8 8.8L14 14",
    "menu": "M2 4h12M2 8h12M2 12h12",
    "close": "M3.5 3.5l9 9M12.5 3.5l-9 9",
    "right": "M6 3l5 5-5 5",
    "down": "M3 6l5 5 5-5",
    "up": "M3 10l5-5 5 5",
    "sort": "M5 6.5 8 3l3 3.5M5 9.5 8 13l3-3.5",
    "copy": "M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3",
    "download": "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
    "upload": "M8 10.5v-8M4.5 5.5 8 2l3.5 3.5M2.5 13.5h11",
    "print": "M4 6V2h8v4M4 11H2V6h12v5h-2M4 9h8v5H4Z",
    "user": "M8 2a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM2.5 14c.5-3 2.7-4 5.5-4s5 1 5.5 4",
    "bell": "M4 11V7a4 4 0 0 1 8 0v4l1.5 1.5h-11ZM6.8 14h2.4",
    "filter": "M2 3h12L9.5 8.5V13l-3-1.5v-3Z",
    "columns": "M2 3h12v10H2ZM6 3v10M10 3v10",
    "plus": "M8 3v10M3 8h10",
    "edit": "M3 13l.7-3L11 2.7 13.3 5 6 12.3Z",
    "calendar": "M2.5 3.5h11v10h-11ZM2.5 6.5h11M5.5 2v3M10.5 2v3",
    "clock": "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 4.5V8l2.5 1.5",
    "key": "M5.5 6.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM7.7 7.5l5.8-5.8M11 4.2l2 2",
    "lock": "M3.5 7h9v6.5h-9ZM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
    "file": "M4 1.5h5l3 3v10H4ZM9 1.5v3h3",
    "link": "M9.5 2.5h4v4M13.5 2.5 7 9M11.5 9.5v4h-9v-9h4",
    "question": "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM6.2 6.2c.2-1 .9-1.5 1.8-1.5 1.1 0 1.8.6 1.8 1.6 0 1.3-1.8 1.4-1.8 2.7M8 11.4v.01",
    "chart": "M2.5 2.5v11h11M5 11V8M8 11V4.5M11 11V6.5",
    "scale": "M8 2v12M4.5 14h7M3 4.5h10M3 4.5 1.5 9h3ZM13 4.5 11.5 9h3Z",
}
SHAPES = {
    "good": "check-circle",
    "warn": "triangle",
    "bad": "octagon",
    "info": "info",
    "muted": "ring",
    "seal": "stamp",
}


@register.simple_tag
def icon(name: str, label: Words = "") -> SafeString:
    """A small drawing. With a label it is an image with that name; without one it is decoration."""
    if label:
        return format_html(
            '<svg class="icon" viewBox="0 0 16 16" role="img" aria-label="{}"><path d="{}"/></svg>', label, ICONS[name]
        )
    return format_html('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>', ICONS[name])


@register.simple_tag(name="tag")
def state_tag(kind: str, text: Words, title: Words = "") -> SafeString:
    """A state as word, shape and colour. `kind`: good, warn, bad, info, muted or seal."""
    hint = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="tag {}"{}>{}{}</span>', kind, hint, icon(SHAPES[kind]), text)


@register.simple_tag
def button(
    label: Words,
    *,
    url: str = "",
    kind: str = "",
    icon: str = "",  # noqa: A002 - the word of the template
    name: str = "",
    value: str = "",
    form: str = "",
    disabled: bool = False,
    why_not: Words = "",
) -> SafeString:
    """A link that looks like a button (with `url`), or a submit button. `kind`: primary, danger, quiet or nothing.

    A disabled button says why in `why_not`, which is read with it.
    """
    drawing = _icon(icon) if icon else ""
    classes = f"button {kind}".strip()
    if url and not disabled:
        return format_html('<a class="{}" href="{}">{}{}</a>', classes, url, drawing, label)
    extra = format_html_join(
        "", ' {}="{}"', [(key, val) for key, val in (("name", name), ("value", value), ("form", form)) if val]
    )
    if disabled:
        reason = format_html('<span class="visually-hidden"> ({})</span>', why_not) if why_not else ""
        return format_html(
            '<button type="button" class="{}" aria-disabled="true"{}>{}{}{}</button>',
            classes,
            format_html(' title="{}"', why_not) if why_not else "",
            drawing,
            label,
            reason,
        )
    return format_html('<button type="submit" class="{}"{}>{}{}</button>', classes, extra, drawing, label)


_icon = icon


@register.inclusion_tag("components/confirm.html", takes_context=True)
def confirm(
    context: Context,
    id: str,  # noqa: A002 - the word of the template
    label: Words,
    *,
    title: Words,
    what: Words,
    undo: Words,
    action: str,
    verb: Words = "",
    kind: str = "",
    icon: str = "",
    fields: Any = None,
    name: str = "",
    value: str = "",
) -> dict[str, Any]:
    """A button that asks first: the dialog says what will happen (`what`) and whether it can be undone (`undo`), then posts.

    `fields`: a form to be filled in the dialog, e.g. for a reason. `kind`: danger, primary or nothing.
    """
    return {
        "id": id,
        "label": label,
        "title": title,
        "what": what,
        "undo": undo,
        "action": action,
        "verb": verb,
        "kind": kind,
        "icon": icon,
        "fields": fields,
        "name": name,
        "value": value,
        "csrf_token": context.get("csrf_token"),
    }


# -- numbers and dates ------------------------------------------------------------------------------------------------
@register.filter
def grouped(value: Any) -> str:
    """1842 → 1 842, with thin spaces. What is not a number is shown as it is."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return str(value)
    return f"{value:,}".replace(",", THIN).replace("-", MINUS)


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """0.9639 → 96.4%. Rounds half up, as 修约 in official figures does for these digits."""
    if value is None or value == "":
        return "—"
    return f"{_rounded(value, digits)}%"


def _rounded(share: Any, digits: int) -> str:
    number = (
        Decimal(share.numerator) / Decimal(share.denominator) if isinstance(share, Fraction) else Decimal(str(share))
    )
    text = str((number * 100).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))
    return text.replace("-", MINUS)


@register.filter
def day(value: Any) -> str:
    """A date as 2026-11-24. A moment is shown in the time of the city."""
    if not value:
        return ""
    if isinstance(value, datetime.datetime):
        value = timezone.localtime(value) if timezone.is_aware(value) else value
    return date_format(value, "Y-m-d", use_l10n=False) if isinstance(value, datetime.date) else str(value)


@register.filter
def moment(value: Any) -> str:
    """A date with its time: 2026-11-24 09:30."""
    if not isinstance(value, datetime.datetime):
        return day(value)
    value = timezone.localtime(value) if timezone.is_aware(value) else value
    return date_format(value, "Y-m-d H:i", use_l10n=False)


@register.simple_tag
def rate(value: Any, of: bool = True) -> SafeString:
    """96.4% 〔95.1–97.5〕 1 842/1 911: a rate never stands without its interval and its numbers.

    `value` has numerator, denominator, estimate, low, high (shares from 0 to 1) and perhaps `suppressed`, as
    engine.estimate.Rate has. Under a hundred observations no decimals are shown: they would be false digits.
    """
    if value is None:
        return mark_safe('<span class="muted">—</span>')  # noqa: S308 - constant
    numerator, denominator = _get(value, "numerator"), _get(value, "denominator")
    suppressed = _get(value, "suppressed")
    share = _get(value, "estimate")
    numbers = ""
    if of and denominator is not None:
        numbers = format_html(' <span class="of">{}/{}</span>', grouped(numerator), grouped(denominator))
    if suppressed or share is None:
        return format_html('<span class="rate"><span class="muted">{}</span>{}</span>', _("样本不足，不公布"), numbers)
    digits = 0 if denominator is not None and denominator < 100 else 1
    if digits == 0 and 0 < share < 1 and _rounded(share, 0) in {"0", "100"}:
        digits = 1  # nearly all is not all
    low, high = _get(value, "low"), _get(value, "high")
    between = ""
    if low is not None and high is not None:
        between = format_html(' <span class="between">〔{}–{}〕</span>', _rounded(low, digits), _rounded(high, digits))
    return format_html('<span class="rate"><b>{}</b>{}{}</span>', percent(share, digits), between, numbers)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


@register.simple_tag
def due(date: Any, days_left: "int | None" = None) -> SafeString:
    """A last day, and how many working days are left of it. Past: 逾期; today; three or fewer: a warning."""
    if not date:
        return mark_safe('<span class="muted">—</span>')  # noqa: S308 - constant
    if days_left is None:
        return format_html('<time class="due" datetime="{0}">{0}</time>', day(date))
    if days_left < 0:
        kind, shape = "bad", "octagon"
        words = ngettext("逾期 %(n)s 个工作日", "逾期 %(n)s 个工作日", -days_left) % {"n": -days_left}
    elif days_left == 0:
        kind, shape, words = "warn", "triangle", _("今日到期")
    else:
        kind, shape = ("warn", "triangle") if days_left <= 3 else ("", "clock")
        words = ngettext("剩 %(n)s 个工作日", "剩 %(n)s 个工作日", days_left) % {"n": days_left}
    return format_html(
        '<span class="due"><time datetime="{0}">{0}</time> <span class="left {1}">{2} {3}</span></span>',
        day(date),
        kind,
        icon(shape),
        words,
    )


@register.simple_tag
def confidence(mark: Any) -> SafeString:
    """How certain a rule's source is: sure 确定, likely 较可靠, assumed 设定."""
    words = {
        "sure": ("good", "check-circle", _("确定")),
        "likely": ("info", "info", _("较可靠")),
        "assumed": ("warn", "triangle", _("设定")),
    }
    kind, shape, text = words[str(mark)]
    return format_html('<span class="mark {}">{}{}</span>', kind, icon(shape), text)


# -- facts, crumbs, addresses -----------------------------------------------------------------------------------------
@register.simple_tag
def fact(label: Words, value: Any, note: Words = "", url: str = "") -> SafeString:
    """One row of a <dl class="summary"> or of the strip under a title. Nothing known is shown as a dash."""
    shown = _shown(value)
    if url:
        shown = format_html('<a href="{}">{}</a>', url, shown)
    aside = format_html(' <span class="note">{}</span>', note) if note else ""
    return format_html("<div><dt>{}</dt><dd>{}{}</dd></div>", label, shown, aside)


def _shown(value: Any) -> SafeString:
    if value is None or value == "":
        return mark_safe('<span class="muted">—</span>')  # noqa: S308 - constant
    if isinstance(value, bool):
        return conditional_escape(_("是") if value else _("否"))
    if isinstance(value, datetime.datetime):
        return conditional_escape(moment(value))
    if isinstance(value, datetime.date):
        return conditional_escape(day(value))
    return conditional_escape(grouped(value) if isinstance(value, int | float | Decimal) else value)


@register.simple_tag
def crumb(label: Words, target: str = "", *args: Any) -> SafeString:
    """One step of the breadcrumb. `target`: an address, or the name of one (with its arguments); without it, the page itself."""
    url = target if not target or target.startswith(("/", "?")) else _reversed(target, args)
    if not url:
        return format_html('<li><span aria-current="page">{}</span></li>', label)
    return format_html('<li><a href="{}">{}</a></li>', url, label)


def _reversed(name: str, args: Sequence[Any]) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@register.simple_tag
def query_with(request: HttpRequest, **changes: Any) -> str:
    """The address of this page with some parameters changed; None removes one. `?page=2&q=…`"""
    query: QueryDict = request.GET.copy()
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}"


# -- hashes and codes -------------------------------------------------------------------------------------------------
@register.simple_tag(name="hash")
def hash_block(value: Any, url: str = "") -> SafeString:
    """A hash: its first digits, the whole of it when it is turned to, with a button to copy and a link to verify."""
    text = bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value or "")
    if not text:
        return mark_safe('<span class="muted">—</span>')  # noqa: S308 - constant
    if len(text) <= 20:
        return format_html("<code>{}</code>", text)
    return mark_safe(render_to_string("components/hash.html", {"value": text, "url": url}))  # noqa: S308 - rendered with autoescape


@register.simple_tag(takes_context=True)
def page_qr(context: Context) -> SafeString:
    """The address of this page as a QR code for the printed sheet; nothing where the address is too long to scan."""
    request = context.get("request")
    if request is None:
        return SafeString("")
    address = request.build_absolute_uri()
    return _qr(address) if len(address) <= 300 else SafeString("")


@register.simple_tag
def qr(text: str) -> SafeString:
    """Any short text as a QR code, inline."""
    return _qr(text)


@lru_cache(maxsize=512)
def _qr(text: str) -> SafeString:
    # One fixed mask instead of trying all eight: valid, scans as well, four times faster; this runs on every page.
    code = segno.make_qr(text, error="m", boost_error=False, mask=3)
    drawing = code.svg_inline(border=2, omitsize=True, light="#fff", lineclass=None, svgclass=None)
    return mark_safe(drawing)  # noqa: S308 - drawn by segno from modules, holds no text


# -- progress and charts ----------------------------------------------------------------------------------------------
@register.simple_tag
def progress(done: int, total: int, label: Words = "") -> SafeString:
    """How many of how many, as a bar with its numbers."""
    name = label or _("进度")
    return format_html(
        '<span class="progress"><progress max="{}" value="{}" aria-label="{}"></progress><span>{}/{}</span></span>',
        max(total, 1),
        done,
        name,
        grouped(done),
        grouped(total),
    )


@register.simple_tag
def interval_chart(
    low: "float | None",
    estimate: "float | None",
    high: "float | None",
    target: "float | None" = None,
    floor: float = 0.0,
    ceiling: float = 1.0,
    labels: bool = False,
) -> SafeString:
    """An estimate with its interval as a band, and the target as a mark. All are shares; the axis runs from floor to ceiling.

    With `labels` the ends of the axis and the target are named; without, it fits into a row of a table under one heading.
    The sentence beside the drawing says the same to those who do not see it.
    """
    if low is None or estimate is None or high is None:
        return mark_safe('<span class="muted">—</span>')  # noqa: S308 - constant
    width = ceiling - floor
    if width <= 0:
        raise ValueError("interval_chart: ceiling must be above floor")

    def x(share: float) -> str:
        return f"{200 * min(max((float(share) - floor) / width, 0.0), 1.0):.2f}"

    words = _("估计 %(estimate)s，区间 %(low)s–%(high)s") % {
        "estimate": percent(estimate),
        "low": _rounded(low, 1),
        "high": percent(high),
    }
    goal = SafeString("")
    if target is not None:
        words += _("；目标 %(target)s") % {"target": percent(target)}
        goal = format_html(
            '<line class="target" x1="{0}" x2="{0}" y1="3" y2="24"/><path class="target-head" d="M{1} 0h8l-4 5Z"/>',
            x(target),
            f"{float(x(target)) - 4:.2f}",
        )
    left, right = float(x(low)), float(x(high))
    names = SafeString("")
    if labels:
        names = format_html(
            '<text x="0" y="33">{}</text><text x="200" y="33" text-anchor="end">{}</text>',
            percent(floor, 0),
            percent(ceiling, 0),
        )
        if target is not None:
            anchor = "start" if float(x(target)) < 100 else "end"
            names += format_html(
                '<text x="{}" y="-3" text-anchor="{}">{}</text>',
                x(target),
                anchor,
                _("目标 %(target)s") % {"target": percent(target)},
            )
    return format_html(
        '<svg class="interval{}" viewBox="{}" role="img" aria-label="{}">'
        '<line class="axis" x1="0" x2="200" y1="14" y2="14"/>'
        '<line class="tick" x1="0" x2="0" y1="11" y2="17"/><line class="tick" x1="200" x2="200" y1="11" y2="17"/>'
        '<rect class="band-bar" x="{}" y="9" width="{}" height="10"/>'
        '<line class="point" x1="{}" x2="{}" y1="7" y2="21"/>{}{}</svg>',
        " labelled" if labels else "",
        "-4 -13 208 50" if labels else "-4 0 208 24",
        words,
        left,
        f"{max(right - left, 1):.2f}",
        x(estimate),
        x(estimate),
        goal,
        names,
    )


@register.simple_tag
def curve_chart(
    points: "Sequence[tuple[float, float]]",
    label: Words,
    x_title: Words = "",
    marks: "Sequence[tuple[float, float, Words]]" = (),
) -> SafeString:
    """A curve of shares over shares, both drawn as percent: the x axis from 0 to the last point, the y axis from 0 to 100 %.

    `points`: (x, y), x ascending; `marks`: (x, y, name), a dashed line down from a dot of the curve with its name.
    `label` is the sentence for those who do not see the drawing; the numbers belong in a table beside it.
    """
    if len(points) < 2 or points[-1][0] <= 0:
        raise ValueError("curve_chart: two points at least, the last to the right of 0")
    width, height, left, top = 510.0, 230.0, 66.0, 12.0
    right = points[-1][0]

    def x(share: float) -> str:
        return f"{left + width * min(max(share / right, 0.0), 1.0):.2f}"

    def y(share: float) -> str:
        return f"{top + height * (1 - min(max(share, 0.0), 1.0)):.2f}"

    bottom = f"{top + height:.2f}"
    parts = [
        format_html(
            '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
            left, left + width, y(share), y(share), left - 6, f"{float(y(share)) + 4:.2f}", percent(share, 0),
        )
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]  # fmt: skip
    step = _round_step(right)
    for number in range(int(right / step + 1e-9) + 1):
        at = number * step
        parts.append(format_html(
            '<line class="axis" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/><text x="{0}" y="{3}" text-anchor="middle">{4}</text>',
            x(at), bottom, top + height + 5, top + height + 22, percent(at, 0 if step >= 0.01 else 1 if step >= 0.001 else 3),
        ))  # fmt: skip
    for at, share, name in marks:
        late = at / right > 0.75
        parts.append(format_html(
            '<line class="mark" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/><circle cx="{0}" cy="{1}" r="4"/>'
            '<text class="named" x="{3}" y="{4}" text-anchor="{5}">{6}</text>',
            x(at), y(share), bottom, f"{float(x(at)) + (-8 if late else 8):.2f}", f"{float(y(share)) - 7:.2f}",
            "end" if late else "start", name,
        ))  # fmt: skip
    return format_html(
        '<svg class="curve" viewBox="0 0 600 296" role="img" aria-label="{}">{}'
        '<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/><polyline points="{}"/>'
        '<text x="{}" y="288" text-anchor="end">{}</text></svg>',
        label, format_html_join("", "{}", ((part,) for part in parts)), left, left + width, bottom, bottom,
        " ".join(f"{x(at)},{y(share)}" for at, share in points), left + width, x_title,
    )  # fmt: skip


def _round_step(reach: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides the reach into five to eight parts or so."""
    rough = reach / 6
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


@register.simple_tag
def bar_chart(rows: "Sequence[tuple[Words, float]]", ceiling: "float | None" = None) -> SafeString:
    """Bars from zero with their names at the left and their values at the right. `rows`: (label, value ≥ 0)."""
    top = ceiling or max((value for _label, value in rows), default=0) or 1
    if any(value < 0 or math.isnan(value) for _label, value in rows):
        raise ValueError("bar_chart: values from zero up")
    bars = format_html_join(
        "",
        '<span>{}</span><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="{}" height="10"/></svg>'
        '<span class="value">{}</span>',
        ((label, f"{min(value / top, 1) * 100:.2f}", grouped(value)) for label, value in rows),
    )
    return format_html('<div class="bars">{}</div>', bars)


# -- blocks -----------------------------------------------------------------------------------------------------------
@register.simple_block_tag
def notice(content: str, kind: str = "info", title: Words = "") -> SafeString:
    """A message to the reader. `kind`: info, good, warn or bad; a bad one is announced."""
    return format_html(
        '<div class="notice {}"{}>{}<div>{}{}</div></div>',
        kind,
        mark_safe(' role="alert"') if kind == "bad" else "",  # noqa: S308 - constant
        icon(SHAPES[kind]),
        format_html("<p><strong>{}</strong></p>", title) if title else "",
        content,
    )


@register.simple_block_tag
def disclose(content: str, label: Words, open: bool = False) -> SafeString:  # noqa: A002 - the word of the template
    """A part of the page that is folded until asked for."""
    return format_html(
        '<details class="disclose"{}><summary>{}{}</summary><div class="flow">{}</div></details>',
        " open" if open else "",
        icon("right"),
        label,
        content,
    )


@register.simple_block_tag
def chart(
    content: str,
    title: Words,
    unit: Words = "",
    source: Words = "",
    note: Words = "",
    table: Any = "",
    download: str = "",
) -> SafeString:
    """The frame of a chart: what it shows, in which unit, from where, and the same numbers as a table (safe HTML)."""
    context = {
        "content": content,
        "title": title,
        "unit": unit,
        "source": source,
        "note": note,
        "table": table,
        "download": download,
    }
    return mark_safe(render_to_string("components/chart.html", context))  # noqa: S308 - rendered with autoescape


class CaptureNode(template.Node):
    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: NodeList, names: Sequence[str]) -> None:
        self.nodelist = nodelist
        self.names = names

    def render(self, context: Context) -> str:
        context[self.names[0]] = mark_safe(self.nodelist.render(context).strip())  # noqa: S308 - a rendered template
        return ""


@register.tag
def capture(parser: Parser, token: Token) -> CaptureNode:
    """{% capture as name %}…{% endcapture %}: keeps what was rendered, e.g. a block, to look whether it is empty."""
    words = token.split_contents()
    if len(words) != 3 or words[1] != "as":
        raise template.TemplateSyntaxError("say {% capture as name %}…{% endcapture %}")
    nodelist = parser.parse(("endcapture",))
    parser.delete_first_token()
    return CaptureNode(nodelist, [words[2]])


@register.filter
def named(value: Any, field: str = "name") -> str:
    """The row's `field` in the language of the page: field_en on an English page where the row has one."""
    if value is None:
        return ""
    english = getattr(value, f"{field}_en", "") if language() == "en" else ""
    return str(english or getattr(value, field, ""))


@register.filter
def say(value: Any) -> str:
    """An engine's reason (or error) in the language of the page."""
    return str(value.text(language())) if value is not None else ""
