"""Empty files to fill in: the heading of a kind, and what each column wants."""

import tempfile
from urllib.parse import quote

import xlsxwriter
from django.http import FileResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from zhunsheng.web.common import exports
from zhunsheng.web.desk.importing.kinds import ImportKind


def _name(kind: ImportKind) -> str:
    return _("%(kind)s导入模板") % {"kind": kind.label}


def template_csv(kind: ImportKind) -> StreamingHttpResponse:
    return exports.csv_response(_name(kind), [str(column.label) for column in kind.columns], [])


def template_xlsx(kind: ImportKind) -> FileResponse:
    """Two sheets: the empty register, every cell of it text so that no code loses its zeros, and the instructions."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 - FileResponse closes it
    book = xlsxwriter.Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True, "bottom": 1})
    text = book.add_format({"num_format": "@"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(_("填写"))
    for index, column in enumerate(kind.columns):
        label = str(column.label)
        sheet.set_column(index, index, max(12, 2 * len(label) + 4), text)
        sheet.write_string(0, index, label, bold)
    sheet.freeze_panes(1, 0)
    notes = book.add_worksheet(_("填写说明"))
    for index, (title, width) in enumerate([(_("列"), 22), (_("必填"), 8), (_("怎么填"), 70), (_("例"), 30)]):
        notes.set_column(index, index, width, wrapped)
        notes.write_string(0, index, title, bold)
    for number, column in enumerate(kind.columns, start=1):
        for index, cell in enumerate(
            [str(column.label), _("是") if column.required else "", str(column.help), column.example]
        ):
            notes.write_string(number, index, cell, wrapped)
    book.close()
    out.seek(0)
    response = FileResponse(out, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(_name(kind))}.xlsx"
    return response
