"""What may be typed about a change of the law: fields made from the columns of the table, or from the keys of the element."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import clock, columns, procedure, tables
from zhunsheng.engine.tables import Row, Table
from zhunsheng.web.common.errors import language
from zhunsheng.web.law.models import Change
from zhunsheng.web.law.queries import Element
from zhunsheng.web.people.forms import day_input

GRADES = [
    ("sure", gettext_lazy("确定：见于原文或已成定论")),
    ("likely", gettext_lazy("较可靠：间接得知，引用前须核对")),
    ("assumed", gettext_lazy("设定：本市或本平台的约定")),
]
#: what the file may leave out
DEFAULTS = {"unit": "calendar_day", "form": "named"}
LONG = 60


class Filter(forms.Form):
    """The first page: words, and what to see only."""

    q = forms.CharField(label=gettext_lazy("名称或内容"), required=False, max_length=100)
    only = forms.ChoiceField(
        label=gettext_lazy("只看"),
        required=False,
        choices=[
            ("", gettext_lazy("全部")),
            ("assumed", gettext_lazy("有设定的")),
            ("pending", gettext_lazy("有待批准修改的")),
            ("ahead", gettext_lazy("将有变化的")),
            ("review", gettext_lazy("复核逾期的")),
        ],
    )


class RowFilter(forms.Form):
    """The rows of a table."""

    on = forms.DateField(label=gettext_lazy("哪一天有效"), required=False, widget=day_input())
    q = forms.CharField(label=gettext_lazy("包含文字"), required=False, max_length=100)
    assumed = forms.BooleanField(label=gettext_lazy("只看设定"), required=False)
    all = forms.BooleanField(label=gettext_lazy("连同过去和将来的行"), required=False)


class ChangeForm(forms.Form):
    """What every change says: from when, on what ground, why."""

    valid_from = forms.DateField(label=gettext_lazy("从哪一天起生效"), widget=day_input())
    source = forms.CharField(
        label=gettext_lazy("依据"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("文件名称、文号和条款，例如“市场监管总局令第20号第十四条”"),
    )  # fmt: skip
    confidence = forms.ChoiceField(label=gettext_lazy("依据可靠程度"), choices=GRADES, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=gettext_lazy("为何修改"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("批准人和公众都会看到依据；理由只供内部查阅"),
    )  # fmt: skip

    def cells(self) -> dict[str, Any]:
        """What the change says otherwise."""
        raise NotImplementedError


class RowForm(ChangeForm):
    """One row of a table: a field for each column. `row`: what the fields begin with; None for a new key."""

    valid_to = forms.DateField(
        label=gettext_lazy("到哪一天失效"), required=False, widget=day_input(), help_text=gettext_lazy("留空：一直有效")
    )
    ends = forms.BooleanField(
        label=gettext_lazy("这一行就此失效，没有新的一行"), required=False,
        help_text=gettext_lazy("勾选时，上面各列不必填写"),
    )  # fmt: skip
    past_reason = forms.CharField(
        label=gettext_lazy("为何从过去的日期起"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("只在生效日期不晚于今天时填写；已经作出的决定不会改变"),
    )  # fmt: skip

    def __init__(self, *args: Any, table: Table, row: Row | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table, self.row = table, row
        named = {f"cell_{column}": _field(table, column) for column in tables.columns(table)}
        for name, made in named.items():
            column = name.removeprefix("cell_")
            if row is not None:
                made.initial = row.get(column, "")
                if column in table.key:
                    made.disabled = True
            made.required = False  # the engine says which cells must be filled, and an ending row fills none
        self.fields = {**named, **self.fields}
        if row is None:
            del self.fields["ends"]

    def cells(self) -> dict[str, str]:
        return {
            name.removeprefix("cell_"): str(value or "")
            for name, value in self.cleaned_data.items()
            if name.startswith("cell_")
        }


def _field(table: Table, column: str) -> forms.Field:
    kind = columns.kind_of(table, column)
    longest = max((len(row.get(column, "")) for row in table.rows), default=0)
    if kind is columns.Kind.CODE:
        known = [(code, code) for code in columns.known_codes(table, column)]
        return forms.ChoiceField(label=column, choices=[("", "—"), *known])
    if kind is columns.Kind.DATE:
        return forms.CharField(label=column, widget=day_input())
    if longest > LONG:
        return forms.CharField(label=column, max_length=columns.MAX_CELL, widget=forms.Textarea(attrs={"rows": 2}))
    attributes = {"inputmode": "decimal"} if kind in (columns.Kind.INTEGER, columns.Kind.DECIMAL) else {}
    return forms.CharField(label=column, max_length=columns.MAX_CELL, widget=forms.TextInput(attrs=attributes))


class ElementForm(ChangeForm):
    """A limit, a step or a publication of a procedure."""

    applies_to_open = forms.BooleanField(
        label=gettext_lazy("也适用于未办结的办件"), required=False,
        help_text=gettext_lazy("正在运行的期限自原来的起算点按新规则重算；已经结束的期限和已经办理的步骤不变"),
    )  # fmt: skip

    def __init__(self, *args: Any, element: Element, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.element = element
        make = {"limit": _limit_fields, "step": _step_fields, "publication": _publication_fields}[element.kind]
        self.fields = {**dict(make(element)), **self.fields}

    def cells(self) -> dict[str, Any]:
        """The keys that read otherwise now, as the file writes them."""
        data = self.cleaned_data
        found: dict[str, Any] = {}
        for key in procedure.CHANGEABLE[self.element.kind]:
            if key == "longer":
                value: Any = self._longer()
                if value is None:
                    continue
            elif f"cell_{key}" in data:
                value = data[f"cell_{key}"]
            else:
                continue
            old = self.element.written.get(key, DEFAULTS.get(key, "" if isinstance(value, str) else []))
            if value != old:
                found[key] = value
        return found

    def _longer(self) -> list[dict[str, Any]] | None:
        written = self.element.written.get("longer")
        if not isinstance(written, list):
            return None
        found: list[dict[str, Any]] = []
        for n, one in enumerate(written):
            given = {key: self.cleaned_data.get(f"cell_longer_{n}_{key}") for key in ("amount", "times")}
            kept = {key: value for key, value in given.items() if value is not None and value != one.get(key, 1)}
            found.append({**one, **kept})
        return found


Fields = Iterator[tuple[str, forms.Field]]


def _limit_fields(element: Element) -> Fields:
    written = element.written
    if written.get("amount"):
        yield (
            "cell_amount",
            forms.IntegerField(label=_("多长"), min_value=1, max_value=100_000, initial=written["amount"]),
        )
        units = [(unit.value, unit.label(language())) for unit in clock.Unit]
        yield (
            "cell_unit",
            forms.ChoiceField(label=_("单位"), choices=units, initial=written.get("unit", "calendar_day")),
        )
    longer = written.get("longer")
    for n, one in enumerate(longer if isinstance(longer, list) else []):
        step = element.procedure.steps[one["verb"]].label(language())
        if one.get("amount"):
            label = _("“%(step)s”最多延长") % {"step": step}
            yield (
                f"cell_longer_{n}_amount",
                forms.IntegerField(label=label, min_value=1, max_value=100_000, initial=one["amount"]),
            )
        label = _("“%(step)s”最多几次") % {"step": step}
        yield (
            f"cell_longer_{n}_times",
            forms.IntegerField(label=label, min_value=1, max_value=99, initial=one.get("times", 1)),
        )


def _step_fields(element: Element) -> Fields:
    one, written, lang = element.procedure, element.written, language()
    roles = [(row["code"], row.label(lang)) for row in tables.load("people/roles").rows]
    roles.append((procedure.CLOCK_ROLE, procedure.role_name(procedure.CLOCK_ROLE, lang)))
    facts = [(f.code, f.label(lang)) for f in one.facts.values() if f.kind is not procedure.Kind.DOCUMENT]
    papers = [(f.code, f.label(lang)) for f in one.facts.values() if f.kind is procedure.Kind.DOCUMENT]
    yield "cell_roles", _several(_("由谁办理"), roles, written.get("roles"), required=True)
    yield "cell_needs", _several(_("须填写"), facts, written.get("needs"))
    yield "cell_allows", _several(_("可填写"), facts, written.get("allows"))
    if papers:
        yield "cell_documents", _several(_("须附文书"), papers, written.get("documents"))
    for key, label in (("wording", _("决定用语")), ("wording_en", _("决定用语（英文）"))):
        area = forms.Textarea(attrs={"rows": 3})
        yield (
            f"cell_{key}",
            forms.CharField(label=label, required=False, max_length=1000, widget=area, initial=written.get(key, "")),
        )


def _publication_fields(element: Element) -> Fields:
    one, written, lang = element.procedure, element.written, language()
    facts = [(f.code, f.label(lang)) for f in one.facts.values() if not f.personal]
    limits = [(limit.code, limit.label(lang)) for limit in one.limits.values()]
    yield "cell_facts", _several(_("公开的内容"), facts, written.get("facts"))
    yield "cell_until", _several(_("公开到哪个期限届满"), limits, written.get("until"))
    kinds = [("named", _("具名公开")), ("anonymised", _("只公开统计，不具名"))]
    yield "cell_form", forms.ChoiceField(label=_("公开方式"), choices=kinds, initial=written.get("form", "named"))


class InOrder(forms.MultipleChoiceField):
    """Codes in the order in which the file has them, new ones after them."""

    def __init__(self, *, written: list[str], **kwargs: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple, initial=written, **kwargs)
        self.written = written

    def clean(self, value: Any) -> list[str]:
        chosen = super().clean(value)
        kept = [code for code in self.written if code in chosen]
        return [*kept, *(code for code in chosen if code not in kept)]


def _several(label: str, choices: list[tuple[str, str]], written: Any, *, required: bool = False) -> forms.Field:
    codes = [str(code) for code in written] if isinstance(written, list) else []
    return InOrder(label=label, choices=choices, written=codes, required=required)


class CalendarForm(forms.Form):
    """The holidays of a year, as a file or as text."""

    days = forms.CharField(
        label=gettext_lazy("日期"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("CSV，首行为 date,kind,name,name_en；kind 写“放假”或者“补班”，周末不必写"),
    )  # fmt: skip
    file = forms.FileField(
        label=gettext_lazy("或者上传 CSV 文件"),
        required=False,
        widget=forms.FileInput(attrs={"data_max_bytes": 200_000}),
    )
    source = ChangeForm.base_fields["source"]
    confidence = ChangeForm.base_fields["confidence"]
    reason = forms.CharField(label=gettext_lazy("说明"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if file is not None:
            if file.size > 200_000:
                raise forms.ValidationError({"file": _("文件过大：一年的放假安排不到 200 KB")})
            try:
                text = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise forms.ValidationError({"file": _("不是 UTF-8 文本，请另存为 UTF-8 编码的 CSV")}) from None
        else:
            text = data.get("days") or ""
        try:
            data["rows"] = _rows(text)
        except (csv.Error, ValueError) as problem:
            raise forms.ValidationError({"days": _("读不出表格：%(why)s") % {"why": problem}}) from None
        return data


def _rows(text: str) -> list[Mapping[str, str]]:
    reader = csv.DictReader(io.StringIO(text.strip()), strict=True)
    header = [name.strip() for name in reader.fieldnames or []]
    if not {"date", "kind", "name"} <= set(header):
        raise ValueError(_("首行须有 date、kind、name 三列"))
    reader.fieldnames = header
    return [{key: value for key, value in row.items() if isinstance(key, str)} for row in reader]


class ReviewForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("复核说明"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("核对了什么原文，为何不须修改"),
    )  # fmt: skip


class RefusalForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("理由"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ChangeFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Change.State.choices)
    table = django_filters.CharFilter(label=gettext_lazy("规则"), lookup_expr="icontains")

    class Meta:
        model = Change
        fields: list[str] = []
