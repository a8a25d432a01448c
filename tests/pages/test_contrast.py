"""What is written can be read (WCAG 2.2 AA), in light, in dark and on paper, by the colours of the sheet itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaos_ext.pages.render import TEMPLATES

SHEET = re.sub(r"/\*.*?\*/", "", (TEMPLATES / "style.css").read_text(encoding="utf-8"), flags=re.DOTALL)
_BLOCK = re.compile(r":root\s*\{([^}]*)\}")
_COLOUR = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6})\b")
SCHEMES = dict(
    zip(("light", "dark", "paper"), (dict(_COLOUR.findall(block)) for block in _BLOCK.findall(SHEET)), strict=True)
)  # fmt: skip

TEXT, GRAPHIC = 4.5, 3.0  # success criteria 1.4.3 and 1.4.11
# What is drawn on what; `line` separates rows that also stand apart, so nothing is known by it alone.
PAIRS = [
    *((ink, on, TEXT) for ink in ("ink", "soft", "link", "good", "bad", "doubt") for on in ("page", "card")),
    *(("ink", on, TEXT) for on in ("good-card", "bad-card", "doubt-card")),
    *(("link", on, TEXT) for on in ("good-card", "bad-card", "doubt-card")),
    *((word, f"{word}-card", TEXT) for word in ("good", "bad", "doubt")),
    *((wave, "card", GRAPHIC) for wave in ("wave-good", "wave-bad", "wave-slow")),
    *((bar, "card", GRAPHIC) for bar in ("bar", "bar-acts", "bar-fault", "back")),
    ("bar-acts", "page", TEXT),  # the chip of a step that acts
    *((wave, "page", GRAPHIC) for wave in ("wave-good", "wave-bad", "wave-slow", "bar")),  # the key below the picture
]  # fmt: skip


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_pair_can_be_told_apart(scheme: str) -> None:
    colours = SCHEMES[scheme]
    faint = {
        f"{ink} on {on}": round(contrast(colours[ink], colours[on]), 2)
        for ink, on, least in PAIRS
        if contrast(colours[ink], colours[on]) < least
    }
    assert faint == {}


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_colour_is_looked_at() -> None:
    used = {name for pair in PAIRS for name in pair[:2]}
    assert set(SCHEMES["light"]) - used == {"line"}
    assert SCHEMES["light"].keys() == SCHEMES["dark"].keys()
    assert SCHEMES["paper"] == SCHEMES["light"]


def test_no_colour_stands_outside_the_schemes() -> None:
    rest = _BLOCK.sub("", SHEET)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rest) == []
    through = re.sub(r"\.came \{[^}]*\}|opacity: 1;", "", rest)
    assert "opacity" not in through, "what shines through has another contrast"


def test_every_template_uses_only_classes_that_the_sheet_has() -> None:
    known = set(re.findall(r"\.([a-z][a-z-]*)", SHEET))
    # said by a value: a kind of bar that has no colour of its own, a style that needs none
    plain = {"plain", "dim", "diagnose", "verify", "params", "step", "run", "unfinished"}
    for path in Path(TEMPLATES).glob("*.html"):
        source = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", path.read_text(encoding="utf-8"))
        used = {name for each in re.findall(r'class="([^"]*)"', source) for name in each.split()}
        assert used - known - plain == set(), path.name
