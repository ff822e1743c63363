"""Which faces documents are printed with, and which characters they have.

The prescribed faces （方正小标宋, 仿宋_GB2312, 黑体, 楷体_GB2312） may not be given away; the operator who holds a licence puts
the files into the folder of ZHUNSHENG_FONTS. Without them the free Noto faces stand in, and every document says so.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import typst
from django.conf import settings

from zhunsheng.engine import tables

ROLES = ("title", "body", "heading", "second", "page")
PACKAGED = pylopdf_fonts_zh_cn.serif_path().parent


@dataclass(frozen=True, slots=True)
class Face:
    """The face in use for a role. `substitute`: it stands in for the prescribed one. `path`, `index`: its file."""

    role: str
    family: str
    name: str
    name_en: str
    substitute: bool
    path: Path
    index: int


def folders() -> list[Path]:
    """Where faces are looked for: the operator's folder, then the packaged one."""
    own = Path(settings.FONTS) if settings.FONTS else None
    return [*([own] if own is not None and own.is_dir() else []), PACKAGED]


def stamp() -> tuple[tuple[str, int, int], ...]:
    """What is in these folders now: a face that is added or taken away changes it."""
    return tuple(
        (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        for folder in folders()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in {".otf", ".ttf", ".ttc", ".otc"}
    )


@lru_cache(maxsize=4)
def load(seen: tuple[tuple[str, int, int], ...]) -> typst.Fonts:
    """The faces for the compiler; read once for each state of the folders."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=sorted({str(Path(path).parent) for path, _size, _time in seen}),
    )


def faces() -> list[Face]:
    """The face in use for each role, in the order of ROLES."""
    return list(_chosen(stamp()))


@lru_cache(maxsize=4)
def _chosen(seen: tuple[tuple[str, int, int], ...]) -> tuple[Face, ...]:
    at_hand = {font.family: font for font in load(seen).fonts() if font.path is not None}
    found = []
    for role in ROLES:
        rows = sorted(
            (row for row in tables.load("documents/faces").rows if row["role"] == role),
            key=lambda row: row.integer("place"),
        )
        row = next(row for row in rows if row["family"] in at_hand)
        font = at_hand[row["family"]]
        path = Path(str(font.path))
        found.append(Face(role, row["family"], row["name"], row["name_en"], path.parent == PACKAGED, path, font.index))
    return tuple(found)


def without_glyph(texts: Iterable[str]) -> list[str]:
    """The characters in `texts` that no face at hand has, each once, in the order in which they come."""
    have = [coverage(face.path, face.index) for face in _distinct(faces())]
    wanted = dict.fromkeys(char for text in texts for char in text if char not in "\n ")
    return [char for char in wanted if not any(ord(char) in one for one in have)]


def _distinct(found: Iterable[Face]) -> list[Face]:
    return list({(face.path, face.index): face for face in found}.values())


def coverage(path: Path, index: int = 0) -> frozenset[int]:
    """The code points that a face has a glyph for."""
    return _coverage(str(path), path.stat().st_mtime_ns, index)


@lru_cache(maxsize=16)
def _coverage(path: str, _changed: int, index: int) -> frozenset[int]:
    return frozenset(read_cmap(Path(path).read_bytes(), index))


def read_cmap(data: bytes, index: int = 0) -> Mapping[int, int]:
    """Code point → glyph, from the character map of an OpenType file (ISO/IEC 14496-22, 5.2.1; formats 4 and 12).

    Raises ValueError for what is no such file.
    """
    try:
        start = struct.unpack_from(">I", data, 12 + 4 * index)[0] if data[:4] == b"ttcf" else 0
        count = struct.unpack_from(">H", data, start + 4)[0]
        tables_at = {
            data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0]
            for at in range(start + 12, start + 12 + 16 * count, 16)
        }
        cmap = tables_at[b"cmap"]
        offsets = {
            struct.unpack_from(">HH", data, at): struct.unpack_from(">I", data, at + 4)[0]
            for at in range(cmap + 4, cmap + 4 + 8 * struct.unpack_from(">H", data, cmap + 2)[0], 8)
        }
        found: dict[int, int] = {}
        for encoding in ((0, 3), (3, 1), (0, 4), (3, 10)):  # the later ones hold the earlier ones and more
            if encoding in offsets:
                found.update(_subtable(data, cmap + offsets[encoding]))
        return {point: glyph for point, glyph in found.items() if glyph}
    except (struct.error, KeyError) as problem:
        raise ValueError("not an OpenType face with a Unicode character map") from problem


def _subtable(data: bytes, at: int) -> dict[int, int]:
    kind = struct.unpack_from(">H", data, at)[0]
    if kind == 12:
        groups = struct.unpack_from(">I", data, at + 12)[0]
        found: dict[int, int] = {}
        for first, last, glyph in struct.iter_unpack(">III", data[at + 16 : at + 16 + 12 * groups]):
            found.update(zip(range(first, last + 1), range(glyph, glyph + last - first + 1), strict=True))
        return found
    if kind == 4:
        return _segments(data, at)
    return {}


def _segments(data: bytes, at: int) -> dict[int, int]:
    twice = struct.unpack_from(">H", data, at + 6)[0]
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", data, at + 14)
    starts = struct.unpack_from(f">{count}H", data, at + 16 + twice)
    deltas = struct.unpack_from(f">{count}h", data, at + 16 + 2 * twice)
    ranges_at = at + 16 + 3 * twice
    ranges = struct.unpack_from(f">{count}H", data, ranges_at)
    found: dict[int, int] = {}
    for place in range(count):
        for point in range(starts[place], min(ends[place], 0xFFFE) + 1):
            if not ranges[place]:
                found[point] = (point + deltas[place]) & 0xFFFF
                continue
            where = ranges_at + 2 * place + ranges[place] + 2 * (point - starts[place])
            glyph = struct.unpack_from(">H", data, where)[0]
            found[point] = (glyph + deltas[place]) & 0xFFFF if glyph else 0
    return found
