"""Which city this house works for.

`zhunsheng init` writes one line into HOME/city: the name of a folder under engine/data/cities. That folder's city.toml
says the city's code and names, and whether the city is invented (then every page says so).
"""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

import zhunsheng.engine

CITIES = Path(zhunsheng.engine.__file__).parent / "data" / "cities"


@dataclass(frozen=True, slots=True)
class City:
    """`folder`: its name under engine/data/cities; '' before the first `zhunsheng init`. `code`: 行政区划代码."""

    folder: str
    code: str
    name: str
    name_en: str
    invented: bool


def current() -> City:
    """The city of this installation. Raises ImproperlyConfigured when HOME/city names a city that is not there."""
    try:
        folder = (Path(settings.HOME) / "city").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return City("", "", _("未初始化"), _("未初始化"), invented=False)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", folder):
        raise ImproperlyConfigured(f"{settings.HOME}/city says {folder!r}: write the name of a folder under {CITIES}")
    path = CITIES / folder / "city.toml"
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError as problem:
        raise ImproperlyConfigured(f"{settings.HOME}/city says {folder!r}, but there is no {path}") from problem
    return _read(folder, path, changed)


@lru_cache(maxsize=4)
def _read(folder: str, path: Path, changed: int) -> City:
    try:
        row = tomllib.loads(path.read_text(encoding="utf-8"))
        # Either at the top of the file or in a table [city].
        row = row.get("city", row)
        return City(folder, str(row["code"]), str(row["name"]), str(row["name_en"]), bool(row.get("invented", False)))
    except (tomllib.TOMLDecodeError, KeyError, AttributeError) as problem:
        raise ImproperlyConfigured(f"{path}: code, name and name_en are needed ({problem!r})") from problem


def facts() -> dict[str, str]:
    """All plain values of the city's city.toml as text (window_from, letterhead, …); empty before `zhunsheng init`."""
    here = current()
    if not here.folder:
        return {}
    row = tomllib.loads((CITIES / here.folder / "city.toml").read_text(encoding="utf-8"))
    return {key: str(value) for key, value in row.get("city", row).items() if not isinstance(value, dict)}


def choose(folder: str) -> None:
    """Makes `folder` the city of this installation. Raises ImproperlyConfigured when there is no such city."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", folder) or not (CITIES / folder / "city.toml").is_file():
        raise ImproperlyConfigured(f"no city {folder!r} under {CITIES}")
    (Path(settings.HOME) / "city").write_text(folder + "\n", encoding="utf-8")
