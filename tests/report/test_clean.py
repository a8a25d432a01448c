from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.report.clean import clean, wrap
from chaos_ext.report.text import width


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hcleared", "cleared"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("done\r\n", "done"),
        ("a\tb", "a   b"),
        ("two\nlines", "two lines"),
        ("bell\x07null\x00del\x7f", "bellnulldel"),
        ("safe\u202eevil\u2066", "safeevil"),
        ("会議が多すぎます。", "会議が多すぎます。"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("cut \x1b[", "cut "),
    ],
)
def test_what_a_person_sees(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text(st.characters(codec="utf-16", exclude_categories=[]), max_size=40))
def test_nothing_that_moves_or_hides_gets_through(raw: str) -> None:
    shown = {unicodedata.category(c) for c in clean(raw) if c != "\u200d"}
    assert not shown & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Mn", "Me", "Cf"])), st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_no_word(text: str, columns: int) -> None:
    lines = list(wrap(text, columns))
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_japanese_is_wrapped_by_its_width() -> None:
    assert list(wrap("会議が多すぎます", 6)) == ["会議が", "多すぎ", "ます"]


def test_a_log_is_not_wrapped() -> None:
    assert list(wrap("a " * 300, 0)) == ["a " * 300]
