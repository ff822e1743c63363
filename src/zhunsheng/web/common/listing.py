"""Lists: filter in the address, sort, pages by key, columns to choose, export of exactly what is shown.

A page never counts past COUNTED rows and never skips rows with OFFSET: the millionth row costs what the first does.
"""

import base64
import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import django_filters
from django.db.models import Model, Q, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhunsheng.web.common import exports
from zhunsheng.web.common.templatetags.zs import named

PAGE = 50
COUNTED = 100_000
RESERVED = ("sort", "after", "before", "export", "columns", "language")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` gives the plain value (export, text); `html` a richer cell; `order` the never-null field to sort by."""

    key: str
    label: "str | Promise"
    value: Callable[[Any], exports.Cell]
    html: Callable[[Any], SafeString | str] | None = None
    order: str = ""
    numeric: bool = False
    hidden: bool = False
    #: a column for the export only, such as a code beside its name
    export_only: bool = False


@dataclass
class Listing:
    """A list page's state, made from the request. Give it to the template as `listing`, or return `listing.export()`."""

    request: HttpRequest
    queryset: QuerySet[Any]
    columns: Sequence[Column]
    name: str
    title: "str | Promise"
    filterset_class: type[django_filters.FilterSet] | None = None
    default_sort: str = ""
    url: Callable[[Any], str] | None = None
    empty_text: "str | Promise" = ""
    page_size: int = PAGE
    #: actions over ticked rows, or all of the list: label and address each (desk.bulk.offers)
    bulk: "Sequence[dict[str, Any]]" = ()
    rows: list[dict[str, Any]] = field(init=False)
    chips: list[dict[str, str]] = field(init=False)
    filter_form: Form | None = field(init=False)
    total_text: str = field(init=False)
    next_url: str = field(init=False)
    previous_url: str = field(init=False)

    def __post_init__(self) -> None:
        params = self.request.GET
        self.filter_form = None
        self.chips = []
        filtered = self.queryset
        if self.filterset_class:
            filterset = self.filterset_class(params, queryset=filtered, request=self.request)
            self.filter_form = filterset.form
            if filterset.is_valid():
                filtered = filterset.qs
                self.chips = self._chips(filterset)
            else:
                # A filter that cannot be read shows nothing and says why, instead of showing everything.
                filtered = filtered.none()
        self._filtered = filtered
        self._sort()
        self._page()

    # -- what the template reads ------------------------------------------------------------------------------------
    @property
    def shown_columns(self) -> list[Column]:
        chosen = [key for part in self.request.GET.getlist("columns") for key in part.split(",") if key]
        usable = [column for column in self.columns if not column.export_only]
        if chosen:
            return [column for column in usable if column.key in chosen] or usable
        return [column for column in usable if not column.hidden]

    @property
    def heads(self) -> list[dict[str, Any]]:
        key, descending = self._sort_key, self._descending
        return [
            {
                "key": column.key,
                "label": column.label,
                "sortable": bool(column.order),
                "direction": ("desc" if descending else "asc") if column.key == key else "",
                "sort_url": self._with(sort=column.key if descending or column.key != key else f"-{column.key}"),
                "numeric": column.numeric,
            }
            for column in self.shown_columns
        ]

    @property
    def column_choices(self) -> list[dict[str, Any]]:
        shown = {column.key for column in self.shown_columns}
        return [
            {"key": column.key, "label": column.label, "shown": column.key in shown}
            for column in self.columns
            if not column.export_only
        ]

    @property
    def kept_parameters(self) -> list[tuple[str, str]]:
        """The parameters that a filter form must carry along: sort and columns."""
        return [(key, value) for key in ("sort", "columns") for value in self.request.GET.getlist(key)]

    @property
    def filter_parameters(self) -> list[tuple[str, str]]:
        """The parameters that the column choice must carry along: everything but paging and the columns."""
        query = self._query(drop=("after", "before", "export", "columns"))
        return [(key, value) for key, values in query.lists() for value in values]

    @property
    def filter_query(self) -> str:
        """The filter as the address has it, without paging: what a saved view keeps."""
        return self._query(drop=("after", "before", "export")).urlencode()

    @property
    def exports(self) -> list[dict[str, str]]:
        return [
            {"label": label, "url": self._with(export=kind)}
            for kind, label in (("csv", "CSV"), ("xlsx", _("Excel 表格")))
        ]

    # -- export -----------------------------------------------------------------------------------------------------
    @property
    def wants_export(self) -> bool:
        return self.request.GET.get("export") in {"csv", "xlsx"}

    def export(self) -> HttpResponse:
        """The whole filtered list in its sort order, with the columns that are shown and the export-only ones."""
        shown = {column.key for column in self.shown_columns}
        columns = [column for column in self.columns if column.export_only or column.key in shown]
        rows = (
            [column.value(item) for column in columns]
            for item in self._ordered(self._filtered).iterator(chunk_size=2000)
        )
        write = exports.csv_response if self.request.GET["export"] == "csv" else exports.xlsx_response
        return write(self.name, [str(column.label) for column in columns], rows)  # type: ignore[return-value]

    # -- sorting and paging by key ----------------------------------------------------------------------------------
    def _sort(self) -> None:
        wanted = self.request.GET.get("sort", "") or self.default_sort
        orders = {column.key: column.order for column in self.columns if column.order}
        key = wanted.lstrip("-")
        if key not in orders:
            wanted = self.default_sort
            key = wanted.lstrip("-")
        self._sort_key, self._descending = key, wanted.startswith("-")
        self._field = orders.get(key, "pk")

    def _ordered(self, queryset: QuerySet[Any], *, backwards: bool = False) -> QuerySet[Any]:
        descending = self._descending != backwards
        sign = "-" if descending else ""
        if self._field == "pk":
            return queryset.order_by(f"{sign}pk")
        return queryset.order_by(f"{sign}{self._field}", f"{sign}pk")

    def _page(self) -> None:
        params = self.request.GET
        backwards = "before" in params
        cursor = _read_cursor(params.get("before" if backwards else "after", ""))
        queryset = self._filtered
        if cursor is not None:
            queryset = queryset.filter(self._beyond(cursor, backwards=backwards))
        found: list[Model] = list(self._ordered(queryset, backwards=backwards)[: self.page_size + 1])
        more = len(found) > self.page_size
        found = found[: self.page_size]
        if backwards:
            found.reverse()
        columns = self.shown_columns
        self.rows = [
            {
                "url": self.url(item) if self.url else "",
                "object": item,
                "name": exports.plain(columns[0].value(item)) if self.bulk and columns else "",
                "cells": [
                    {
                        "column": column,
                        "label": column.label,
                        "numeric": column.numeric,
                        "html": conditional_escape(
                            column.html(item) if column.html else exports.plain(column.value(item))
                        ),
                    }
                    for column in columns
                ],
            }
            for item in found
        ]
        later = more if not backwards else cursor is not None
        earlier = (cursor is not None) if not backwards else more
        self.next_url = self._with(after=self._cursor(found[-1])) if found and later else ""
        self.previous_url = self._with(before=self._cursor(found[0])) if found and earlier else ""
        total = self._filtered.order_by()[: COUNTED + 1].count()
        if total > COUNTED:
            self.total_text = _("%(n)s 条以上") % {"n": f"{COUNTED:,}"}
        else:
            self.total_text = ngettext("共 %(n)s 条", "共 %(n)s 条", total) % {"n": f"{total:,}"}

    def _cursor(self, item: Any) -> str:
        value: Any = item
        for part in self._field.split("__"):
            value = getattr(value, part)
        raw = json.dumps([exports.plain(value) if not hasattr(value, "isoformat") else value.isoformat(), item.pk])
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    def _beyond(self, cursor: tuple[str, Any], *, backwards: bool) -> Q:
        value, pk = cursor
        operator = "lt" if self._descending != backwards else "gt"
        if self._field == "pk":
            return Q(**{f"pk__{operator}": pk})
        typed: Any = parse_datetime(value) if "T" in value else parse_date(value) if _is_date(value) else value
        if typed is None:
            typed = value
        return Q(**{f"{self._field}__{operator}": typed}) | Q(**{self._field: typed, f"pk__{operator}": pk})

    # -- addresses --------------------------------------------------------------------------------------------------
    def _query(self, drop: Sequence[str] = ("after", "before", "export")) -> QueryDict:
        query = self.request.GET.copy()
        for key in drop:
            query.pop(key, None)
        for key in [key for key, value in query.items() if value == ""]:
            query.pop(key)
        return query

    def _with(self, **changes: str) -> str:
        query = self._query()
        for key, value in changes.items():
            query[key] = value
        return f"?{query.urlencode()}"

    def _chips(self, filterset: django_filters.FilterSet) -> list[dict[str, str]]:
        chips = []
        for name, form_field in filterset.form.fields.items():
            value = filterset.form.cleaned_data.get(name)
            if value in (None, "", [], ()) or (hasattr(value, "exists") and not value):
                continue
            query = self._query()
            for key in [key for key in query if key == name or key.startswith(f"{name}_")]:
                query.pop(key)
            chips.append(
                {
                    "label": str(form_field.label or name),
                    "value": _readable(form_field, value),
                    "remove_url": f"?{query.urlencode()}",
                }
            )
        return chips


class NamedFilter(django_filters.ModelChoiceFilter):  # type: ignore[misc]
    """A choice of rows, by their names in the language of the page."""

    field_class = type(
        "NamedFilterField",
        (django_filters.fields.ModelChoiceField,),
        {"label_from_instance": lambda self, obj: named(obj)},
    )


def _readable(form_field: Any, value: Any) -> str:
    """A filter's value as the reader chose it: the words of the choice, a row by its name, yes or no, a range with its ends."""
    if isinstance(value, slice):
        # a range of days comes as its first and its last moment
        ends = [one.date() if isinstance(one, datetime.datetime) else one for one in (value.start, value.stop)]
        start, stop = map(exports.plain, ends)
        if start and stop:
            return f"{start} – {stop}"
        return f"≥ {start}" if start else f"≤ {stop}"
    if isinstance(value, bool):
        return _("是") if value else _("否")
    name_of = getattr(form_field, "label_from_instance", None)
    choices: dict[str, str] = {}
    if name_of is None:
        # Not `or []`: the choices of a filter that are made by a function have no length to be asked for.
        for key, label in getattr(form_field, "choices", []):
            # a group of choices has its name where a choice has its key
            choices |= {
                str(one): str(name) for one, name in (label if isinstance(label, list | tuple) else [(key, label)])
            }
    values = value if isinstance(value, list | tuple | QuerySet) else [value]
    return _("、").join(
        name_of(one) if name_of and isinstance(one, Model) else choices.get(str(one), exports.plain(one))
        for one in values
    )


def _is_date(value: str) -> bool:
    return len(value) == 10 and value[4] == value[7] == "-" and value.replace("-", "").isdecimal()


def _read_cursor(text: str) -> tuple[str, Any] | None:
    """The position a page starts from; a damaged one is the first page, as if none were given."""
    if not text:
        return None
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError):
        return None
    if not isinstance(value, str) or not isinstance(pk, int | str):
        return None
    return value, pk
