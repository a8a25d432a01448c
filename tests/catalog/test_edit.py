"""Changes in the text of a YAML file: what was not changed stays to the byte."""

from __future__ import annotations

import difflib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.catalog.edit import Edited
from chaos_ext.catalog.source import read
from chaos_ext.errors import UsageError

TEXT = """\
# head
title: {en: A title, ja: 題名}  # said twice
plain: one word  # why
wrapped: a text
  over two lines
quoted: "a: b"
single: 'it''s'
literal: |
  one
  two

# between
folded: >-
  one
  two
flows: {submit: outage}
none: {}
block:
  a: 1
  b:
    - x: 1
    # inside
    - x: 2
# before the end
last: 3
"""


@pytest.fixture
def edited(tmp_path):
    def make(text: str) -> Edited:
        (tmp_path / "x.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
        return Edited(read(tmp_path / "x.yaml", tmp_path))

    return make


CASES = [
    ("plain", ("plain",), "other", "plain: one word  # why", "plain: other  # why"),
    ("one language", ("title", "ja"), "別の題名、新", "ja: 題名}", "ja: 別の題名、新}"),
    ("a comma in brackets", ("title", "en"), "One, two", "{en: A title,", "{en: 'One, two',"),
    ("a colon", ("plain",), "a: b", "one word", "'a: b'"),
    ("a comment's mark", ("plain",), "a #b", "one word", "'a #b'"),
    ("a word that is no text", ("plain",), "yes", "one word", "'yes'"),
    ("wrapped", ("wrapped",), "short", "a text\n  over two lines", "short"),
    ("quotes stay", ("quoted",), "c", '"a: b"', '"c"'),
    ("single quotes stay", ("single",), "that's", "'it''s'", "'that''s'"),
    ("a literal block", ("literal",), "one\nthree", "  two\n\n", "  three\n\n"),
    ("a folded block", ("folded",), "one three", ">-\n  one\n  two", ">-\n  one three"),
    ("a text of two lines", ("plain",), "a\nb", "one word", '"a\\nb"'),
    ("a number", ("last",), 4, "last: 3", "last: 4"),
    ("a key in brackets", ("flows", "dashboard"), "none", "{submit: outage}", "{submit: outage, dashboard: none}"),
    ("a key in empty brackets", ("none", "a"), "b", "none: {}", "none: {a: b}"),
    ("a key in a block", ("block", "c"), "z", "    - x: 2\n", "    - x: 2\n  c: z\n"),
    ("a key at the end", ("new",), "z", "last: 3\n", "last: 3\nnew: z\n"),
    ("keys inside keys", ("new", "inner"), "z", "last: 3\n", 'last: 3\nnew: {inner: "z"}\n'),
    ("the second language", ("plain",), {"en": "a", "ja": "あ"}, "one word ", '{en: "a", ja: "あ"} '),
    ("two languages for a block", ("literal",), {"en": "a", "ja": "b"}, "|\n  one\n  two\n", '{en: "a", ja: "b"}\n'),
]  # fmt: skip


@pytest.mark.parametrize(("at", "value", "old", "new"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_only_the_value_changes(edited, at, value, old, new, line_break):
    text, expected = (each.replace("\n", line_break) for each in (TEXT, TEXT.replace(old, new)))
    assert TEXT.count(old) == 1
    file = edited(text)
    file.set(at, value)
    assert file.raw.decode() == expected


def test_a_byte_order_mark_stays(edited):
    file = edited("\ufeffa: 1\n")
    file.set(("a",), 2)
    assert file.raw == "\ufeffa: 2\n".encode()


def test_an_item_at_the_end_of_a_block(edited):
    file = edited(TEXT)
    file.append(("block", "b"), {"x": 3, "y": {"z": 1}}, "- x: 3\n  y:\n    z: 1")
    assert file.raw.decode() == TEXT.replace(
        "    - x: 2\n", "    - x: 2\n    - x: 3\n      y:\n        z: 1\n"
    )


@pytest.mark.parametrize(("old", "new"), [("[]", "[{x: 3}]"), ("[{x: 1}]", "[{x: 1}, {x: 3}]")])
def test_an_item_in_brackets(edited, old, new):
    file = edited(f"list: {old} # c\n")
    file.append(("list",), {"x": 3}, "- x: 3")
    assert file.raw.decode() == f"list: {new} # c\n"


def test_a_file_without_a_last_line_break(edited):
    file = edited("a: 1\nb:\n  c: 1")
    file.set(("b", "d"), 2)
    assert file.raw.decode() == "a: 1\nb:\n  c: 1\n  d: 2\n"


def test_what_others_share_is_not_changed(edited):
    file = edited("a: &x {k: one}\nb: *x\n")
    with pytest.raises(UsageError, match=r"^x.yaml:1: b.k: got YAML that cannot be changed here"):
        file.set(("b", "k"), "two")
    assert file.raw.decode() == "a: &x {k: one}\nb: *x\n"


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=40
)


@given(
    value=texts.map(str.strip).filter(bool),
    at=st.sampled_from(
        [
            ("plain",),
            ("title", "en"),
            ("wrapped",),
            ("quoted",),
            ("single",),
            ("literal",),
            ("folded",),
            ("new",),
        ]
    ),
)
def test_whatever_is_written_is_read_back_and_nothing_else_changes(value, at, tmp_path_factory):
    path = tmp_path_factory.mktemp("x") / "x.yaml"
    path.write_text(TEXT, encoding="utf-8")
    source = read(path, path.parent)
    file = Edited(source)
    file.set(at, value)
    path.write_bytes(file.raw)
    found, before = read(path, path.parent).data, dict(source.data)
    if len(at) == 2:
        assert found[at[0]][at[1]].strip() == value
        assert found[at[0]]["ja"] == "題名"
    else:
        assert found[at[0]].strip() == value
    assert {k: v for k, v in found.items() if k != at[0]} == {k: v for k, v in before.items() if k != at[0]}
    after = file.raw.decode().split("\n")
    removed = [line[2:] for line in difflib.ndiff(TEXT.split("\n"), after) if line.startswith("- ")]
    assert not [line for line in removed if line.startswith("#")]
    assert yaml.safe_load(file.raw)
