"""Reads one sheet of a workbook and writes it out as lines of JSON: first its title and first column, then a row a line.

Runs in a process of its own, with its memory and time limited (workbooks.py starts it). The library that unpacks old
workbooks ends the process on some damaged files; that must not be the process that serves the city. Imports nothing of the house.
"""

import datetime
import json
import sys
from typing import Any

from python_calamine import CalamineWorkbook

MEMORY = 2 << 30
SECONDS = 120


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on this system; the process is still apart
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _plain(value: Any) -> Any:
    """What JSON has no word for: {"d": day}, {"t": moment}, {"x": anything else}."""
    if isinstance(value, datetime.datetime):
        return (
            {"t": value.isoformat(" ", "seconds")}
            if value.time() != datetime.time()
            else {"d": value.date().isoformat()}
        )
    return {"d": value.isoformat()} if isinstance(value, datetime.date) else {"x": str(value)}


def main(path: str, sheet: str) -> None:
    """`sheet`: its name after "=", or its index."""
    _limit()
    out = sys.stdout
    encode = json.JSONEncoder(default=_plain, ensure_ascii=True, check_circular=False).encode
    try:
        book = CalamineWorkbook.from_path(path)
        found = book.get_sheet_by_name(sheet[1:]) if sheet.startswith("=") else book.get_sheet_by_index(int(sheet))
    except Exception as problem:
        out.write(encode({"error": str(problem)[:200]}) + "\n")
        return
    out.write(encode({"title": found.name, "first": found.start[1] if found.start else 0}) + "\n")
    for row in found.iter_rows():
        out.write(encode(row) + "\n")
    out.write("end\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
