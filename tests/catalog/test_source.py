"""Files that are no good YAML: the line is named, nothing grows, nothing crashes."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.catalog.source import dotted, read
from chaos_ext.errors import UsageError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
)

BAD = {
    "key twice": (b"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "x.yaml:5: c: got the same key again, expected it once (line 3 has it). Keep one of the two."),
    "key twice beside a merge": (b"b: &b {x: 1, y: 2}\nc:\n  <<: *b\n  k: 1\n  k: 2\n", "x.yaml:5: k: got the same key again, expected it once (line 4 has it). Keep one of the two."),
    "tab": (b"a:\n\tb: 1\n", "x.yaml:2: got a tab, expected spaces. YAML is indented with spaces only."),
    "colon in a text": (b"a: 1\ntitle: one: two\n", "x.yaml:2: got text that is not YAML (mapping values are not allowed in this context), expected YAML. Put the text in quotes."),
    "open bracket": (b"a: [1, 2\nb: 3\n", "x.yaml:2: got text that is not YAML (did not find expected ',' or ']'), expected YAML."),
    "no mapping": (b"- a\n- b\n", "x.yaml:1: got a list, expected a mapping of fields, such as 'schema: 1'."),
    "a word": (b"hello\n", "x.yaml:1: got a single value, expected a mapping of fields, such as 'schema: 1'."),
    "empty": (b"# nothing\n", "x.yaml:1: got an empty file, expected a mapping of fields, such as 'schema: 1'."),
    "two documents": (b"a: 1\n---\nb: 1\n", "x.yaml:2: got a second document, expected one document. Remove the line '---'."),
    "an object": (b"a: 1\nb: !!python/object/apply:os.system [id]\n", "x.yaml:2: got a tag ('tag:yaml.org,2002:python/object/apply:os.system'), expected plain values. Tags are not loaded."),
    "not UTF-8": (b"a: 1\nb: caf\xe9\n", "x.yaml:2: got the byte 0xe9, expected UTF-8. Save the file as UTF-8."),
    "control character": ("a: 日本語日本語\nb: \x07\n".encode(), "x.yaml:2: got the character U+0007, expected printable text."),
    "bomb": (BOMB.encode(), "x.yaml:5: got aliases that multiply, expected at most 100,000 values. Write it out."),
    "circle": (b"a: &a\n  - *a\n", "x.yaml:1: got an alias to something it stands in, expected no circles."),
    "unknown alias": (b"a: *b\n", "x.yaml:1: got text that is not YAML (found undefined alias), expected YAML."),
    "deep flow": (b"a: " + b"[" * 200_000, "x.yaml:1: got more than 100 levels of nesting, expected a flatter document."),
    "deep sequence": (b"- " * 200_000, "x.yaml:1: got more than 100 levels of nesting, expected a flatter document."),
    "deep indentation": ("\n".join(" " * n + "a:" for n in range(300)).encode(), "x.yaml:101: got more than 100 levels of nesting, expected a flatter document."),
    "large": (b"a: " + b"x" * 1_000_000, "x.yaml: got 1,000,003 bytes, expected at most 1,000,000."),
    "aliases nested deeply": (("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 150))).encode(), "x.yaml:101: got more than 100 levels of nesting, expected a flatter document."),
    "deep by single blanks": ("".join(" " * n + "a:\n" for n in range(150)).encode(), "x.yaml:101: got more than 100 levels of nesting, expected a flatter document."),
    "a key that Python takes for the same": (b"1: a\n2: b\ntrue: c\n", "x.yaml:3: true: got the same key again, expected it once (line 1 has it). Keep one of the two."),
    "a hexadecimal number of many digits": (b"a: 1\nb: 0x" + b"f" * 5000, "x.yaml:2: got a number of 5,002 characters, expected at most 100."),
    "a number of many sixties": (b"a: 1" + b":59" * 200_000, "x.yaml:1: got a number of 600,001 characters, expected at most 100."),
    "no integer": (b"a: 1\nb: !!int x\n", "x.yaml:2: got a value that is no int, expected plain values. Remove the tag."),
    "no integer at all": (b"a: 1\nb:\n  - !!int ''\n", "x.yaml:3: got a value that is no int, expected plain values. Remove the tag."),
    "no truth": (b"a: 1\nb: !!bool perhaps\n", "x.yaml:2: got a value that is no bool, expected plain values. Remove the tag."),
    "no truth behind a tag": (b"a: 1\nb: !!python/name:os.system\nc: !!bool ''\n", "x.yaml:2: got a tag ('tag:yaml.org,2002:python/name:os.system'), expected plain values. Tags are not loaded."),
    "bytes": (b"a: 1\nb: !!binary YQ==\n", "x.yaml:2: got a tag ('tag:yaml.org,2002:binary'), expected plain values. Tags are not loaded."),
    "a list tagged as a mapping": (b"a: 1\nb: !!map [c]\n", "x.yaml:2: got text that is not YAML (expected a mapping node, but found sequence), expected YAML."),
    "a set": (b"a: 1\nb: !!set {c}\n", "x.yaml:2: got a tag ('tag:yaml.org,2002:set'), expected plain values. Tags are not loaded."),
    "a date by its tag": (b"b: !!timestamp x\n", "x.yaml:1: got a tag ('tag:yaml.org,2002:timestamp'), expected plain values. Tags are not loaded."),
    "key is a list": (b"a: 1\n? [b, c]\n: 1\n", "x.yaml:2: got text that is not YAML (found unhashable key), expected YAML."),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_names_its_line(tmp_path, case):
    raw, message = BAD[case]
    (tmp_path / "x.yaml").write_bytes(raw)
    with pytest.raises(UsageError) as refused:
        read(tmp_path / "x.yaml", tmp_path)
    assert str(refused.value) == message


def test_a_missing_file_is_a_problem_of_its_name(tmp_path):
    with pytest.raises(UsageError, match=r"^gone\.yaml: got a file that cannot be read \(No such file"):
        read(tmp_path / "gone.yaml", tmp_path)


def test_anchors_merges_dates_and_byte_order_marks_are_read(tmp_path):
    text = "\ufeffone: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\nday: 2024-02-31\n"
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    data = read(tmp_path / "x.yaml", tmp_path).data
    assert data == {"one": {"a": 1, "b": 2}, "two": {"a": 1, "b": 3}, "day": "2024-02-31"}


def test_a_merge_that_adds_nothing_is_no_key_twice(tmp_path):
    (tmp_path / "x.yaml").write_text("<<: {schema: 1}\nschema: 2\na: {<<: {}, b: 1}\n", encoding="utf-8")
    assert read(tmp_path / "x.yaml", tmp_path).data == {"schema": 2, "a": {"b": 1}}


def test_lines_of_places(tmp_path):
    (tmp_path / "x.yaml").write_text("a: 1\nb:\n  - c: 1\n    d: |\n      text\n    e: {f: 1,\n      g: 2}\n")
    source = read(tmp_path / "x.yaml", tmp_path)
    places = {(): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "d"): 4, ("b", 0, "e", "g"): 7, ("b", 0, "nowhere"): 3}
    assert {at: source.line(at) for at in places} == places
    assert source.where(("b", 0, "d")) == "x.yaml:4"


def test_paths_read_like_paths():
    assert (
        dotted(("reproduce", "lab", 0, "provider", "arguments", "node"))
        == "reproduce.lab[0].provider.arguments.node"
    )
    assert dotted(()) == ""


keys = st.text(string.ascii_lowercase, min_size=1, max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(data=st.dictionaries(keys, values, max_size=6))
def test_whatever_is_written_is_read_back_and_every_place_has_a_line(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("x") / "x.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    if not data:
        path.write_text("{}", encoding="utf-8")
    source = read(path, path.parent)
    assert source.data == data
    last = path.read_text(encoding="utf-8").count("\n") + 1
    for key, value in data.items():
        assert 1 <= source.line((key,)) <= last
        if isinstance(value, list):
            assert all(source.line((key, n)) >= source.line((key,)) for n in range(len(value)))


@given(raw=st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_data_or_a_message(raw, tmp_path_factory):
    path = tmp_path_factory.mktemp("x") / "x.yaml"
    path.write_bytes(raw)
    told = ""
    try:
        assert isinstance(read(path, path.parent).data, dict)
    except UsageError as refused:
        told = str(refused)
    assert not told or told.startswith("x.yaml")
