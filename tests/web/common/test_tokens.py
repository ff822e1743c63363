"""Contrast of the colour tokens in both schemes, by WCAG 2.2 (1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[3] / "frontend/css/tokens.css").read_text()


def scheme(name: str) -> dict[str, str]:
    block = re.search(rf'\[data-scheme="{name}"\] \{{(.*?)\n\}}', TOKENS, re.S)
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block[1]))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT = [
    *((ink, paper) for ink in ("ink", "muted", "primary") for paper in ("paper", "mist")),
    *((kind, paper) for kind in ("good", "warn", "bad", "info") for paper in ("paper", f"{kind}-soft")),
    ("accent", "paper"),
    ("accent", "accent-soft"),
    ("on-fill", "fill"),
    ("on-band", "band"),
    ("ink", "primary-soft"),
    ("primary", "primary-soft"),
    *(("ink", f"{kind}-soft") for kind in ("good", "warn", "bad", "info")),
]
MARKS = [
    *(("edge", paper) for paper in ("paper", "mist")),
    ("series-1", "paper"),
    ("series-2", "paper"),
    ("info", "paper"),
    ("band-line", "band"),
]


def test_contrast_agrees_with_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("text", "paper"), TEXT)
def test_text_can_be_read(name, text, paper):
    colours = scheme(name)
    assert contrast(colours[text], colours[paper]) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("mark", "paper"), MARKS)
def test_marks_can_be_seen(name, mark, paper):
    colours = scheme(name)
    assert contrast(colours[mark], colours[paper]) >= 3


def test_both_dark_schemes_are_one():
    by_system = re.search(r":root:not\(\[data-scheme\]\) \{(.*?)\n  \}", TOKENS, re.S)
    assert dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", by_system[1])) == scheme("dark")
