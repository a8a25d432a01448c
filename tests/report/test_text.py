"""Columns of a terminal, with Japanese in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.report.clean import wrap
from chaos_ext.report.text import clip, pad, table, width


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("回答受付", 8),
        ("ｶﾅ", 2),  # halfwidth
        ("ＡＢ", 4),  # fullwidth
        ("é", 1),
        ("e\u0301", 1),  # a combining accent
        ("が", 2),
        ("か\u3099", 2),  # a combining voiced mark
        ("a\u200bb", 2),  # zero width space
        ("▶ …", 3),  # ambiguous: one
        ("🙂", 2),
    ],
)
def test_width(text, columns):
    assert width(text) == columns


def test_pad_and_clip():
    assert pad("回答", 6) == "回答  "
    assert pad("abcdef", 3) == "abcdef"
    assert clip("回答受付", 8) == "回答受付"
    assert clip("回答受付", 7) == "回答受…"
    assert clip("回答受付", 6) == "回答…"  # no half of a wide character
    assert clip("abc", 1) == "…"
    assert clip("abc", 0) == ""


@given(text=st.text(max_size=30), columns=st.integers(0, 40))
def test_clipped_text_fits_and_padded_text_fills(text, columns):
    assert width(clip(text, columns)) <= columns
    assert width(pad(clip(text, columns), columns)) == columns
    if width(text) <= columns:
        assert clip(text, columns) == text


def test_a_table_is_aligned():
    rows = [("redis", 12, "容量がいっぱい"), ("データベース", 6, "x")]
    assert table(rows, ("NAME", "PRIO", "TITLE")).splitlines() == [
        "NAME          PRIO  TITLE",
        "redis         12    容量がいっぱい",
        "データベース  6     x",
    ]


def test_a_table_keeps_to_its_width_and_to_its_lines():
    lines = table([("a", "one\ntwo\x1b[31m three four")], ("A", "B"), columns=20).splitlines()
    assert lines == ["A  B", "a  one two [31m thr…"]
    assert all(width(line) <= 20 for line in lines)


def test_a_table_without_rows_is_its_headers():
    assert table([], ("A", "B")) == "A  B"


@given(
    rows=st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=5),
    columns=st.integers(30, 60),
)
def test_every_line_of_a_table_fits(rows, columns):
    lines = table(rows, ("A", "B"), columns).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(width(line) <= max(columns, 12 * 2 + 2 + 10) for line in lines)


def test_lines_break_between_japanese_characters_but_not_before_a_full_stop():
    text = "受け付け済みの書き込みは「すべて」残っています。復旧しました（3.2 秒）。"
    for columns in range(6, 60):
        lines = list(wrap(text, columns))
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(width(line) <= columns for line in lines)
        assert all(line[0] not in "。）」、" and line[-1] not in "「（" for line in lines)
