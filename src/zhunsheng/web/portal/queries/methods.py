"""The rules in plain words (docs/rules), the guides for readers (docs/guide), and the dated tables that the rules rest on."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element

import markdown
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown.extensions.toc import TocExtension, slugify_unicode
from markdown.treeprocessors import Treeprocessor

import zhunsheng
from zhunsheng.engine import tables
from zhunsheng.engine.errors import TableError
from zhunsheng.web.common import city

PACKAGE = Path(zhunsheng.__file__).parent
#: the documents as the wheel carries them, and as a checkout has them
DOCS = (PACKAGE / "docs", PACKAGE.parents[1] / "docs")
#: the guides that are served: those for readers without an account
GUIDES = ("citizen", "journalist")
#: pages of docs/reference that the rules point to, shown like a rule: measurements
MEASURED = ("fairness",)
#: tables that say nothing about a rule: words of the demo
HIDDEN = ("demo/",)
VERIFIER = "verify_draw.py"
_CODE = re.compile(r"`([^`\n]+)`")
#: a fenced block inside a list: Python-Markdown knows fences at the margin only
_FENCE_IN_LIST = re.compile(r"^( +)```\w*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """One document in one language. `html` is without the title."""

    code: str
    title: str
    html: SafeString
    toc: tuple[tuple[str, str], ...]
    tables: tuple[str, ...]


def folder(name: str) -> Path | None:
    """docs/<name>: inside an installed package, else beside its sources; None where neither is there."""
    return next((docs / name for docs in DOCS if (docs / name).is_dir()), None)


def verifier() -> Path | None:
    """The second, independent checker of draws: one file for the standard library of Python."""
    where = folder("rules")
    return where / VERIFIER if where is not None and (where / VERIFIER).is_file() else None


def codes(name: str = "rules") -> list[str]:
    """The documents of a folder, by the name of their files."""
    found = folder(name)
    return sorted({path.name.split(".")[0] for path in found.glob("*.md")}) if found else []


def document(code: str, lang: str, name: str = "rules") -> Document | None:
    """A document in the language of the page; in the other one where it is written in that only; None where there is none."""
    where = folder(name)
    if where is None or code not in codes(name):
        return None
    chinese, english = where / f"{code}.zh.md", where / f"{code}.md"
    for path in (english, chinese) if lang == "en" else (chinese, english):
        if path.is_file():
            return _read(path, path.stat().st_mtime_ns, code, name, lang, city.current().folder)
    return None


def method(code: str, lang: str) -> Document | None:
    """What is shown under the name of a rule: its page, or a page of measurements that a rule points to."""
    return document(code, lang, "reference" if code in MEASURED else "rules")


def documents(lang: str, name: str = "rules") -> list[Document]:
    return [found for code in codes(name) if (found := document(code, lang, name))]


@lru_cache(maxsize=128)
def _read(path: Path, changed: int, code: str, name: str, lang: str, here: str) -> Document:
    text = path.read_text(encoding="utf-8")
    first, _newline, body = text.lstrip().partition("\n")
    title = first.removeprefix("# ").strip()
    toc = TocExtension(slugify=slugify_unicode, toc_depth="2-2")
    writer = markdown.Markdown(extensions=["tables", "fenced_code", "sane_lists", toc])
    writer.treeprocessors.register(_Links(writer, name), "portal-links", 1)
    written = writer.convert(_FENCE_IN_LIST.sub(_as_indented, body))
    # Wide tables and long lines scroll by themselves, also for those who use the keyboard.
    written = written.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
    before, *tables_on_page = written.split("<table>")
    word = "Table" if lang == "en" else "表格"
    written = before + "".join(
        f'<div class="table-wrap" role="region" aria-label="{word} {number}" tabindex="0"><table>{rest}'
        for number, rest in enumerate(tables_on_page, 1)
    )
    parts = tuple((str(token["id"]), str(token["name"])) for token in writer.toc_tokens)
    shown = mark_safe(written)  # noqa: S308 - written by this project, packaged with it
    return Document(code, title, shown, parts, tuple(mentioned(text, here)))


def _as_indented(fence: re.Match[str]) -> str:
    """The lines of a fence as an indented block that belongs to the list item before it."""
    margin = len(fence[1])
    return "\n".join(f"{'':8}{line[margin:]}" for line in fence[2].splitlines())


class _Links(Treeprocessor):  # type: ignore[misc]
    """Links from a document to its neighbours become links of this site; those to files that are not shown become text."""

    def __init__(self, md: markdown.Markdown, name: str) -> None:
        super().__init__(md)
        self.name = name

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            target = link.get("href", "")
            if re.match(r"[a-z]+:|#|/", target):
                continue
            path, _hash, fragment = target.partition("#")
            if url := self._address(path):
                link.set("href", f"{url}#{fragment}" if fragment else url)
            else:
                link.tag = "span"
                link.attrib.pop("href", None)

    def _address(self, path: str) -> str:
        *folders, file = [part for part in path.split("/") if part not in ("", ".")]
        name = [part for part in folders if part != ".."][-1:] or [self.name]
        code = file.removesuffix(".md").removesuffix(".zh")
        if file == VERIFIER and verifier():
            return reverse("portal:verifier")
        if not file.endswith(".md") or code not in codes(name[0]):
            return ""
        if name == ["rules"]:
            return reverse("portal:method", args=[code])
        if name == ["reference"] and code in MEASURED:
            return reverse("portal:method", args=[code])
        if name == ["guide"] and code in GUIDES:
            return reverse("portal:guide", args=[code])
        return ""


def mentioned(text: str, here: str) -> Iterator[str]:
    """The tables that a document names between backticks, with or without `data/`, `.csv`, and with <city> for this city."""
    known, seen = set(names(here)), set()
    for token in _CODE.findall(text):
        name = token.strip().removeprefix("data/").removesuffix(".csv").removesuffix(".toml")
        name = re.sub(r"^cities/<[^>]+>", f"cities/{here}", name)
        for found in sorted(known if name.endswith("/") else {name} & known):
            if found.startswith(name) and found not in seen:
                seen.add(found)
                yield found


# -- tables ----------------------------------------------------------------------------------------------------------
def names(here: str) -> list[str]:
    """The tables that hold for this city: those for all, and its own."""
    return [
        name for name in tables.names()
        if not name.startswith(HIDDEN) and (not name.startswith("cities/") or name.startswith(f"cities/{here}/"))
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """A table at a glance: how many rows, and how many of them are sure, likely, assumed."""

    name: str
    title: str
    rows: int
    sure: int
    likely: int
    assumed: int


def title(table: tables.Table, lang: str) -> str:
    return table.title_en if lang == "en" else table.title


def summaries(wanted: Sequence[str], lang: str) -> list[Summary]:
    found = []
    for name in wanted:
        table = tables.load(name)
        marks = Counter(row.confidence for row in table.rows)
        found.append(
            Summary(name, title(table, lang), len(table.rows), marks["sure"], marks["likely"], marks["assumed"])
        )
    return found


def table(name: str, here: str) -> tables.Table | None:
    """A table of this city by its name; None where there is none."""
    if name not in names(here):
        return None
    try:
        return tables.load(name)
    except TableError:
        return None


def columns(found: tables.Table, lang: str) -> list[str]:
    """The columns to show: those with something in them, a name in the language of the page only, and without those that
    every row has (source, confidence, days)."""
    filled: dict[str, None] = {}
    for row in found.rows:
        filled.update(dict.fromkeys(column for column, cell in row.items() if cell))
    english = {column.removesuffix("_en") for column in filled if column.endswith("_en")}
    other = english if lang == "en" else {f"{column}_en" for column in english}
    return [column for column in all_columns(found) if column in filled and column not in other]


def all_columns(found: tables.Table) -> list[str]:
    """The columns as the file has them, without source, confidence and days."""
    seen: dict[str, None] = {}
    for row in found.rows:
        seen.update(dict.fromkeys(row))
    return [column for column in seen if column not in tables.META]


def is_long(found: tables.Table, column: str) -> bool:
    """Whether a column holds sentences, so that it needs room."""
    return max((len(row.get(column, "")) for row in found.rows), default=0) > 16


def column_title(column: str) -> str:
    """A column's name in words where it is one that many tables have, else as it stands in the file."""
    return {
        "code": _("代码"), "name": _("名称"), "name_en": _("名称"), "note": _("说明"), "note_en": _("说明（英文）"),
        "level": _("级别"), "parent": _("上级"), "kind": _("类别"), "date": _("日期"), "order": _("排序"),
        "amount": _("数量"), "unit": _("单位"), "value": _("值"), "division": _("区划"), "article": _("条款"),
    }.get(column, column)  # fmt: skip


def source_path(code: str, lang: str) -> str:
    """The name of the file of a rule (or of measurements) in the source repository."""
    name = "reference" if code in MEASURED else "rules"
    where = folder(name)
    chinese = where is not None and (where / f"{code}.zh.md").is_file()
    return f"docs/{name}/{code}.zh.md" if chinese and lang != "en" else f"docs/{name}/{code}.md"
