"""The command `zhunsheng`.

The engine's commands (verify, draw, cheat, history, log, clock, procedure, id, sampling, measuring, check-table) need no
Django; the platform's (demo, init, rehearse, serve, manage) are handed to `zhunsheng.web.cli`, which comes with
`pip install "zhunsheng[web]"`.

Exit codes: 0 the answer is yes, 1 the answer is no, 2 wrong use or an input that cannot be judged.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from zhunsheng import __version__
from zhunsheng.commands import (
    USAGE,
    bulletin,
    cheat,
    clock,
    draw,
    identifiers,
    log,
    measuring,
    procedure,
    sampling,
    tables,
    testing,
)
from zhunsheng.engine.errors import ZhunshengError

ENGINE = (draw, cheat, log, clock, procedure, identifiers, sampling, testing, bulletin, measuring, tables)
WEB = {
    "demo": "建立演示城市并打开 · build the demo city and serve it",
    "init": "新装一个平台 · set up a platform",
    "rehearse": "用真实名录演练 · run the whole line over a real register",
    "serve": "运行平台 · serve the platform",
    "manage": "Django 管理命令 · Django's management commands",
}
NEEDS_WEB = """\
“{name}”属于平台,需要 Django。请安装:  pip install "zhunsheng[web]"
“{name}” is part of the platform and needs Django. Install it with:  pip install "zhunsheng[web]" """


def main(argv: Sequence[str] | None = None) -> int:
    """Run `zhunsheng` with these arguments (those of the process by default) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _speak_utf8()
    if arguments and arguments[0] in WEB:
        return _web(arguments[0], arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except ZhunshengError as error:
        print(f"zhunsheng: {error.text(getattr(options, 'lang', 'zh'))}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zhunsheng",
        description="准绳:以事实为根据,以法律为准绳。 · Draws that anyone can check, statutory clocks, dated law.",
        epilog="zhunsheng <命令> --help",
    )
    parser.add_argument("--version", action="version", version=f"zhunsheng {__version__}")
    subparsers = parser.add_subparsers(metavar="<命令 · command>", required=True)
    for command in ENGINE:
        command.add(subparsers)
    for name, help_text in WEB.items():
        subparsers.add_parser(name, help=help_text, add_help=False)
    return parser


def _web(name: str, arguments: list[str]) -> int:
    try:
        importlib.import_module("django")
    except ModuleNotFoundError:
        print(NEEDS_WEB.format(name=name), file=sys.stderr)
        return USAGE
    return int(importlib.import_module("zhunsheng.web.cli").run(name, arguments))


def _speak_utf8() -> None:
    """Write UTF-8 whatever the locale says: an answer in Chinese must not die under LANG=C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
