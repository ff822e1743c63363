"""The documents keep their word: links lead somewhere, commands exist, settings are listed, Chinese pages have their twins."""

import contextlib
import io
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from tests.conftest import ROOT
from zhunsheng import cli as engine_cli
from zhunsheng.web import cli as web_cli
from zhunsheng.web import env

DOCS = ROOT / "docs"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
FENCE_BODY = re.compile(r"^ *```(\w+\n.*?)^ *```", re.MULTILINE | re.DOTALL)
#: folders in which every page is there in both languages
BOTH = ("start", "guide", "rules")
#: pages whose Chinese twin was promised outside those folders
PROMISED = (
    "reference/settings",
    "reference/permissions",
    "howto/deploy",
    "howto/change-a-statutory-table",
    "howto/add-a-city",
)


def pages() -> list[Path]:
    """Every Markdown page of the repository: what git keeps, and what is about to be kept."""
    said = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if said.returncode:  # an unpacked source archive
        names = [str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]]
    else:
        names = said.stdout.decode().split("\0")
    return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())


PAGES = pages()


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as the forges make them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def test_there_are_pages():
    assert len(PAGES) > 40
    assert DOCS / "README.md" in PAGES


@pytest.mark.parametrize("doc", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(doc):
    for target in LINK.findall(FENCE.sub("", doc.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _hash, anchor = target.partition("#")
        found = (doc.parent / path).resolve() if path else doc
        assert found.exists(), f"{name(doc)}: {target}"
        assert found.is_relative_to(ROOT), f"{name(doc)}: {target} leads out of the repository"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{name(doc)}: {target}: no such heading"


def test_a_broken_link_would_be_seen():
    assert LINK.findall("see [this](a.md#b), ![that](c.png) and [code](d)") == ["a.md#b", "c.png", "d"]
    assert "备份" in anchors(DOCS / "howto" / "deploy.zh.md")
    assert "in-a-file-the-holidays-of-next-year" in anchors(DOCS / "howto" / "change-a-statutory-table.md")


# -- languages --------------------------------------------------------------------------------------------------------
def test_every_chinese_page_has_its_english_twin():
    for page in DOCS.rglob("*.zh.md"):
        assert page.with_name(page.name.replace(".zh.md", ".md")).is_file(), name(page)


@pytest.mark.parametrize("folder", BOTH)
def test_every_english_page_has_its_chinese_twin(folder):
    for page in (DOCS / folder).glob("*.md"):
        assert page.with_name(page.name.split(".")[0] + ".zh.md").is_file(), name(page)


def test_the_promised_chinese_pages_are_there():
    for page in PROMISED:
        assert (DOCS / f"{page}.zh.md").is_file(), page
    assert (ROOT / "README.md").is_file() and (ROOT / "README.en.md").is_file()


def test_twins_have_the_same_code_blocks_in_the_how_tos():
    """A command that is mended in one language is mended in the other; words inside them may differ."""
    for page in (DOCS / "howto").glob("*.zh.md"):
        english = page.with_name(page.name.replace(".zh.md", ".md"))
        blocks = [
            [block.split("\n", 1)[0] for block in FENCE_BODY.findall(one.read_text(encoding="utf-8"))]
            for one in (page, english)
        ]
        assert blocks[0] == blocks[1], name(page)


def test_the_index_names_every_page_for_readers():
    named = set(LINK.findall((DOCS / "README.md").read_text(encoding="utf-8")))
    for folder in (*BOTH, "howto", "reference"):
        for page in (DOCS / folder).glob("*.md"):
            assert f"{folder}/{page.name}" in named, page.name
    decisions = set(LINK.findall((DOCS / "decisions" / "README.md").read_text(encoding="utf-8")))
    assert decisions == {page.name for page in (DOCS / "decisions").glob("0*.md")}


# -- settings ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("doc", "empty"), [("settings.md", "empty"), ("settings.zh.md", "空")])
def test_the_settings_page_lists_every_variable_with_its_default(doc, empty):
    text = (DOCS / "reference" / doc).read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{env.PREFIX}(\w+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    listed = {name: "" if default == empty else default.strip("`") for name, default, _meaning in rows}
    assert len(rows) == len(listed)
    assert listed == {name: default for name, (default, _meaning) in env.VARIABLES.items()}


def test_no_page_names_a_variable_that_does_not_exist():
    for page in PAGES:
        for said in re.findall(rf"{env.PREFIX}([A-Z_]+[A-Z])", page.read_text(encoding="utf-8")):
            assert said in env.VARIABLES, f"{name(page)}: {env.PREFIX}{said}"


# -- commands ---------------------------------------------------------------------------------------------------------
#: a command up to the end of its line or code span, without what a shell does with it afterwards
COMMAND = re.compile(r"(?<![\w/.-])(?:\S*bin/)?(?:zhunsheng|zs) ((?:--version|[a-z])[^`\n|>&;#]*)")
ENGINE_NAMES = {
    "verify", "draw", "cheat", "history", "log", "clock", "procedure", "id", "sampling", "testing", "bulletin",
    "measuring", "check-table",
}  # fmt: skip
#: written with a gap on purpose: what a reader fills in
GAP = re.compile(r"…|\.\.\.|<[^>]+>|\$\w+")


def commands(code: "list[str]") -> list[str]:
    return [words.strip(" \\，。；：）,.)") for piece in code for words in COMMAND.findall(piece)]


def called() -> list[tuple[str, str]]:
    """(page, words after `zhunsheng`) of every command in a block: to be typed as it stands."""
    found = set()
    for doc in PAGES:
        blocks = FENCE_BODY.findall(doc.read_text(encoding="utf-8"))
        found |= {(name(doc), words) for words in commands([one for one in blocks if not one.startswith("ini")])}
    return sorted(found)


def mentioned() -> list[tuple[str, str]]:
    """The same of every code span in a sentence or table: named, perhaps without its arguments."""
    found = set()
    for doc in PAGES:
        spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", doc.read_text(encoding="utf-8")))
        found |= {(name(doc), words) for words in commands(spans)}
    return sorted(found)


def said(words: list[str]) -> tuple[int, str]:
    """The exit code and words of the command line for these arguments. Call it with --help or with what argparse refuses:
    for the commands of the engine nothing is run, only parsed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            if words[0] in engine_cli.WEB:
                getattr(web_cli, words[0])(words[1:])
            else:
                engine_cli._parser().parse_args(words)
        except SystemExit as end:
            return (0 if not end.code else 2), out.getvalue()
    return 0, out.getvalue()


def manager(words: list[str]) -> Any:
    """The parser of a command of `zhunsheng manage`; None where there is none of this name."""
    app = get_commands().get(words[0])
    if app is None:
        return None
    command = load_command_class(app, words[0]) if isinstance(app, str) else app
    return command.create_parser("zhunsheng manage", words[0])


def problem(command: str, *, strict: bool) -> str:
    """'' where the command line has this command; else what is wrong. `strict`: with these very arguments."""
    words = shlex.split(GAP.sub("X", command))
    if words[0] == "--version":
        return ""
    if words[0] == "manage":
        return _manage_problem(words[1:], strict=strict)
    if words[0] not in {*ENGINE_NAMES, *engine_cli.WEB}:
        return f"there is no command {words[0]}"
    if strict and words[0] not in engine_cli.WEB:
        code, text = said(words)
        return text if code else ""
    path = words[: 1 + (words[0] in {"log", "clock"} and len(words) > 1)]
    code, text = said([*path, "--help"])
    if code:
        return text
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    return "".join(f"{' '.join(path)} has no {one}\n" for one in options if not re.search(rf"{one}\b(?!-)", text))


def _manage_problem(words: list[str], *, strict: bool) -> str:
    if not words:
        return ""
    parser = manager(words)
    if parser is None:
        return f"manage has no {words[0]}"
    if not strict:
        unknown = [one for one in words if one.startswith("--") and one not in parser._option_string_actions]
        return f"{words[0]} has no {' '.join(unknown)}" if unknown else ""
    try:
        parser.parse_args(words[1:])
    except CommandError as refusal:
        return str(refusal)
    return ""


def ids(found: list[tuple[str, str]]) -> list[str]:
    return [f"{doc}: {words}"[:100] for doc, words in found]


@pytest.mark.parametrize(("doc", "command"), called(), ids=ids(called()))
def test_every_command_in_a_block_can_be_typed(doc, command):
    assert problem(command, strict=True) == "", f"{doc}: zhunsheng {command}"


@pytest.mark.parametrize(("doc", "command"), mentioned(), ids=ids(mentioned()))
def test_every_command_that_is_named_exists(doc, command):
    assert problem(command, strict=False) == "", f"{doc}: zhunsheng {command}"


def test_wrong_commands_would_be_seen():
    assert len(called()) > 30 and len(mentioned()) > 20
    for wrong in (
        "verfy x.json",
        "verify",
        "clock limit --when x",
        "log verify",
        "manage check_logs",
        "manage check_log --everything",
    ):
        assert problem(wrong, strict=True), wrong
    for wrong in (
        "verfy",
        "serve --prot 8001",
        "clock limit --when x",
        "log verify --until x",
        "manage check_log --everything",
    ):
        assert problem(wrong, strict=False), wrong
    for right in ("verify x.json", "manage check_log --all", "clock due 2017-05-12 20 working_day"):
        assert problem(right, strict=True) == "", right
    for right in ("verify", "log verify --since", "serve --port 8001", "clock", "manage check_log"):
        assert problem(right, strict=False) == "", right
