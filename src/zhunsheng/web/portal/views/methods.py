"""The rules in plain words, and the dated tables behind them with the certainty of every row."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

import zhunsheng
from zhunsheng.engine import tables as engine
from zhunsheng.web.common import city, exports
from zhunsheng.web.common.errors import language
from zhunsheng.web.portal.queries import methods as queries
from zhunsheng.web.portal.views import serving
from zhunsheng.web.portal.views.serving import FRESH, Missing, asked, public

PAGE = 200


@public
def methods(request: HttpRequest) -> HttpResponse:
    here = city.current().folder
    return render(request, "portal/methods.html", {
        "rules": queries.documents(language()), "tables": len(queries.names(here)),
    })  # fmt: skip


@public
def method(request: HttpRequest, rule: str) -> HttpResponse:
    found = queries.method(rule, language())
    if found is None:
        raise Missing(_("没有名为“%(rule)s”的规则说明。") % {"rule": rule[:80]})
    return render(request, "portal/method.html", {
        "rule": found, "version": zhunsheng.__version__, "path": queries.source_path(rule, language()),
        "tables": queries.summaries(found.tables, language()),
    })  # fmt: skip


@public
def verifier(request: HttpRequest) -> HttpResponseBase:
    """The second checker of draws, as a file: it shares no code with the platform."""
    path = queries.verifier()
    if path is None:
        raise Missing(_("安装包里没有这个核验程序；它在源代码的 docs/rules 目录。"))
    data = path.read_bytes()
    return serving.whole(data, path.name, "text/x-python; charset=utf-8", hashlib.sha256(data).hexdigest())


@public
def guide(request: HttpRequest, code: str = "citizen") -> HttpResponse:
    """Help: the guide of a kind of reader."""
    found = queries.document(code, language(), "guide") if code in queries.GUIDES else None
    if found is None:
        raise Missing(_("没有名为“%(rule)s”的使用说明。") % {"rule": code[:80]})
    others = [queries.document(one, language(), "guide") for one in queries.GUIDES if one != code]
    return render(request, "portal/guide.html", {"guide": found, "others": [one for one in others if one]})


@public
def tables(request: HttpRequest) -> HttpResponse:
    names = queries.names(city.current().folder)
    summaries = queries.summaries(names, language())
    return render(request, "portal/tables.html", {
        "tables": summaries, "rule": queries.document("tables", language()),
        "rows": sum(one.rows for one in summaries), "sure": sum(one.sure for one in summaries),
        "likely": sum(one.likely for one in summaries), "assumed": sum(one.assumed for one in summaries),
    })  # fmt: skip


def _table(name: str) -> engine.Table:
    found = queries.table(name, city.current().folder)
    if found is None:
        raise Missing(_("没有名为“%(name)s”的数据表。") % {"name": name[:80]})
    return found


@public
def table(request: HttpRequest, name: str) -> HttpResponse:
    found = _table(name)
    text, mark = asked(request, "q"), request.GET.get("confidence", "")
    rows = [row for row in found.rows if _matches(row, text, mark)]
    number = request.GET.get("page", "")
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(1, int(number)), pages) if number.isdecimal() and len(number) < 7 else 1
    shown = rows[(page - 1) * PAGE : page * PAGE]
    columns = queries.columns(found, language())
    return render(request, "portal/table.html", {
        "table": found, "title": queries.title(found, language()), "summary": queries.summaries([name], language())[0],
        "columns": [(queries.column_title(column), queries.is_long(found, column)) for column in columns], "total": len(rows), "page": page, "pages": pages,
        "rows": [{"cells": [row.get(column, "") for column in columns], "row": row} for row in shown],
        "note": (found.note_en if language() == "en" else "") or found.note, "q": text, "confidence": mark,
        "marks": [("sure", _("确定")), ("likely", _("较可靠")), ("assumed", _("设定"))],
    })  # fmt: skip


def _matches(row: engine.Row, text: str, mark: str) -> bool:
    return (not mark or row.confidence == mark) and (
        not text or any(text.lower() in cell.lower() for cell in row.values())
    )


@public
def table_csv(request: HttpRequest, name: str) -> HttpResponseBase:
    """The whole table, all columns as the file has them."""
    found = _table(name)
    columns = [*queries.all_columns(found), *engine.META]
    rows = ([row.get(column, "") for column in columns] for row in found.rows)
    response = exports.csv_response(name.replace("/", "-"), columns, rows)
    response["Cache-Control"] = FRESH
    return response
