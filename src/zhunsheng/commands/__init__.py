"""The subcommands of `zhunsheng`. Each module has `add(subparsers)`, which adds its parsers and sets `run` on them:
a function from the parsed arguments to an exit code (0 yes, 1 the answer is no, 2 wrong use).

Only these modules and cli.py print.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import date
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], int]

YES, NO, USAGE = 0, 1, 2


def add_lang(parser: argparse.ArgumentParser) -> None:
    """Give a parser `--lang`: the language of its answers."""
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="回答的语言 · language of the answer")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give a parser `--json`: the same answer for machines."""
    parser.add_argument("--json", action="store_true", help="以 JSON 回答 · answer in JSON")


def emit(text: str) -> None:
    """Print one line or block of an answer."""
    print(text)


def emit_json(value: object) -> None:
    """Print an answer as JSON: UTF-8, two spaces, keys in the order given."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def day(text: str) -> date:
    """An argparse type: an ISO date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"日期应写作 YYYY-MM-DD · write dates as YYYY-MM-DD: {text!r}") from None
