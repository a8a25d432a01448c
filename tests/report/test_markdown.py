"""Tables in Markdown show what they were given, whatever it holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chaos_ext.report.markdown import table
from chaos_ext.report.text import width


def _shown(markdown: str) -> list[list[str]]:
    """The cells as a reader sees them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows is not None:
            parts = []
            for child in token.children or ():
                parts.append("\n" if child.content == "<br>" else child.content)
                assert child.type in ("text", "html_inline", "text_special"), child
            rows[-1].append("".join(parts))
    return rows


def test_a_table_lines_up_where_characters_are_wide():
    lines = table([("名前", "a|b"), ("x", "two\nlines")], ("ID", "TEXT")).splitlines()
    assert lines == [
        "| ID   | TEXT         |",
        "| ---- | ------------ |",
        "| 名前 | a\\|b         |",
        "| x    | two<br>lines |",
    ]
    assert len({width(line) for line in lines}) == 1


def test_without_rows_it_is_a_heading():
    assert table([], ("A", "BCDE")) == "| A   | BCDE |\n| --- | ---- |"


texts = st.text(st.sampled_from("ab |\\`*_{}[]()<>~#&;!-+.\n会議"), max_size=12).map(
    lambda text: "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
)


@given(rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=3))
def test_whatever_a_cell_holds_is_shown(rows):
    assert _shown(table(rows, ("one", "two")))[1:] == [list(row) for row in rows]
