"""A file as somebody's accident or malice would leave it: its bytes and lines, or what its values are."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from fuzz import hostile
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]


def _place(draw: Draw, raw: bytes) -> int:
    return draw(st.integers(0, len(raw)))


def _line(draw: Draw, lines: list[bytes]) -> int:
    return draw(st.integers(0, len(lines) - 1))


# --- bytes ---------------------------------------------------------------------------------------


def cut(draw: Draw, raw: bytes) -> bytes:
    """A piece is missing."""
    start = _place(draw, raw)
    return raw[:start] + raw[start + draw(st.integers(1, 200)) :]


def truncated(draw: Draw, raw: bytes) -> bytes:
    """The end is missing."""
    return raw[: _place(draw, raw)]


def flipped(draw: Draw, raw: bytes) -> bytes:
    """One byte is another."""
    at = _place(draw, raw)
    return raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]


def inserted(draw: Draw, raw: bytes) -> bytes:
    """Something that has no business there stands somewhere."""
    at, piece = _place(draw, raw), draw(st.sampled_from(hostile.RAW))
    return raw[:at] + piece * draw(st.sampled_from((1, 1, 1, 2, 50, 20_000))) + raw[at:]


def in_other_bytes(draw: Draw, raw: bytes) -> bytes:
    """The whole of it in another encoding, with other line ends, twice, or with a mark before it."""
    how = draw(
        st.sampled_from(("crlf", "cr", "bom", "utf-16", "latin", "sjis", "twice", "full-width", "spaces"))
    )
    text = raw.decode(errors="replace")
    return {
        "crlf": lambda: raw.replace(b"\n", b"\r\n"),
        "cr": lambda: raw.replace(b"\n", b"\r"),
        "bom": lambda: b"\xef\xbb\xbf" + raw,
        "utf-16": lambda: text.encode("utf-16"),
        "latin": lambda: text.encode("latin-1", "replace"),
        "sjis": lambda: text.encode("shift-jis", "replace"),
        "twice": lambda: raw + raw,
        "full-width": lambda: raw.replace(b": ", "：".encode(), draw(st.integers(1, 5))),
        "spaces": lambda: raw.replace(b"  ", "\u3000".encode(), draw(st.integers(1, 5))),
    }[how]()


# --- lines ---------------------------------------------------------------------------------------


def lines_moved(draw: Draw, raw: bytes) -> bytes:
    """A line is there twice, not at all, elsewhere, indented otherwise, or very long."""
    lines = raw.split(b"\n")
    at, other = _line(draw, lines), _line(draw, lines)
    how = draw(st.sampled_from(("double", "drop", "swap", "tab", "indent", "dedent", "long", "join")))
    if how == "double":
        lines.insert(other, lines[at])
    elif how == "drop":
        del lines[at : at + draw(st.integers(1, 5))]
    elif how == "swap":
        lines[at], lines[other] = lines[other], lines[at]
    elif how == "tab":
        lines[at] = b"\t" + lines[at]
    elif how == "indent":
        lines[at] = b" " * draw(st.sampled_from((1, 2, 4, 250))) + lines[at]
    elif how == "dedent":
        lines[at] = lines[at].lstrip()
    elif how == "long":
        lines[at] += draw(st.sampled_from((b"x", b"a-", b"a.", b" x", b"\\", "日".encode()))) * 30_000
    else:
        lines[at : at + 2] = [b" ".join(lines[at : at + 2])]
    return b"\n".join(lines)


def line_put(pieces: tuple[bytes, ...]) -> Callable[[Draw, bytes], bytes]:
    """One of `pieces` as lines of its own, indented like the line that it stands before."""

    def put(draw: Draw, raw: bytes) -> bytes:
        lines = raw.split(b"\n")
        at = _line(draw, lines)
        piece = draw(st.sampled_from(pieces))
        own = lines[at][: len(lines[at]) - len(lines[at].lstrip(b" "))] if draw(st.booleans()) else b""
        lines[at:at] = [own + line for line in piece.removesuffix(b"\n").split(b"\n")]
        return b"\n".join(lines)

    return put


def value_put(pieces: tuple[bytes, ...]) -> Callable[[Draw, bytes], bytes]:
    """What stands behind a colon becomes what stands behind the colon of one of `pieces`."""
    values = tuple(
        piece[3:].rstrip(b"\n") for piece in pieces if piece.startswith(b"a: ") and piece.count(b"\n") == 1
    )

    def put(draw: Draw, raw: bytes) -> bytes:
        lines = raw.split(b"\n")
        with_colon = [n for n, line in enumerate(lines) if b": " in line]
        if with_colon:
            at = draw(st.sampled_from(with_colon))
            lines[at] = lines[at].split(b": ")[0] + b": " + draw(st.sampled_from(values))
        return b"\n".join(lines)

    return put


# --- values --------------------------------------------------------------------------------------


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in `value`, the whole first."""
    found = [at]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*at, index))
    return found


def _of(value: Any, at: tuple[Any, ...]) -> Any:
    for step in at:
        value = value[step]
    return value


def _value(draw: Draw, at: tuple[Any, ...]) -> Any:
    """A value to put at `at`: hostile, random, or nested."""
    if at and at[-1] == "module":
        return draw(st.sampled_from(hostile.MODULES))  # what a check is meant to import
    if at and at[-1] == "func":
        return draw(st.sampled_from(hostile.FUNCTIONS))
    return draw(
        st.sampled_from(hostile.VALUES)
        | st.text(max_size=20)
        | st.integers(-5, 5)
        | st.floats()
        | st.just(_nested(90))
    )


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": [value]}
    return value


def changed(draw: Draw, data: Any) -> Any:
    """`data` with one value replaced, removed, renamed, added, emptied, repeated or moved."""
    data = copy.deepcopy(data)
    at = draw(st.sampled_from(places(data)[1:] or [()]))
    if not at:
        return _value(draw, at)
    parent, key = _of(data, at[:-1]), at[-1]
    how = draw(
        st.sampled_from(
            ("replace", "replace", "replace", "remove", "rename", "add", "empty", "many", "move", "wrap")
        )
    )
    if how == "replace":
        parent[key] = _value(draw, at)
    elif how == "remove":
        del parent[key]
    elif how == "rename" and isinstance(parent, dict):
        name = draw(
            st.sampled_from(
                (f"{key}s", f"{key}"[:-1], f"{key}".upper(), f"{key}_", "x", *hostile.VALUES[:60])
            )
        )
        parent[name if isinstance(name, (str, int)) else "x"] = parent.pop(key)
    elif how == "add":
        inner = _of(data, at)
        if isinstance(inner, dict):
            inner[
                draw(
                    st.sampled_from(
                        ("x", "schema", "module", "controls", "secrets", "undo", "${x}", "日本", 1)
                    )
                )
            ] = "x"
        elif isinstance(inner, list):
            inner.append(_value(draw, (*at, 0)))
        else:
            parent[key] = (
                f"{inner}{draw(st.sampled_from((*hostile.SHELL, *hostile.TEMPLATES, *hostile.CHARACTERS)))}"
            )
    elif how == "empty":
        inner = _of(data, at)
        parent[key] = type(inner)() if isinstance(inner, (dict, list, str)) else None
    elif how == "many" and isinstance(parent, list):
        parent += [copy.deepcopy(parent[key]) for _ in range(draw(st.sampled_from((1, 10, 300))))]
    elif how == "move":
        parent[key] = copy.deepcopy(_of(data, draw(st.sampled_from(places(data)))))
    else:
        parent[key] = [parent[key]]
    return data


def yaml_values(draw: Draw, raw: bytes) -> bytes:
    """A YAML file in which values are others; as it is when it is no YAML any more."""
    try:
        data = yaml.load(raw, Loader=yaml.CSafeLoader)
        return yaml.dump(
            changed(draw, data), Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False
        ).encode()
    except (
        yaml.YAMLError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        ArithmeticError,
        RecursionError,
    ):
        return raw  # whatever PyYAML makes of what is no YAML any more


def json_lines_values(draw: Draw, raw: bytes) -> bytes:
    """A file of JSON lines in which the values of one line are others."""
    lines = raw.split(b"\n")
    at = _line(draw, lines)
    try:
        data = json.loads(lines[at])
    except (ValueError, RecursionError):
        return raw
    lines[at] = json.dumps(changed(draw, data), ensure_ascii=draw(st.booleans())).encode(
        "utf-8", "surrogatepass"
    )
    return b"\n".join(lines)


def fence_values(draw: Draw, raw: bytes) -> bytes:
    """A runbook in which the attributes of one block, or its front matter, say something else."""
    lines = raw.split(b"\n")
    fences = [n for n, line in enumerate(lines) if line.startswith(b"```") and b"{" in line]
    if not fences or draw(st.integers(0, 3)) == 0:
        front, fence, rest = raw.removeprefix(b"---\n").partition(b"\n---\n")
        return b"---\n" + yaml_values(draw, front) + b"---\n" + rest if fence else raw
    at = draw(st.sampled_from(fences))
    language, _, attributes = lines[at].partition(b" ")
    try:
        data = json.loads(attributes)
    except (ValueError, RecursionError):
        return raw
    lines[at] = language + b" " + json.dumps(changed(draw, data)).encode()
    return b"\n".join(lines)


_BYTES = (cut, truncated, flipped, inserted, in_other_bytes, lines_moved)
OF_YAML = (*_BYTES, line_put(hostile.YAML), value_put(hostile.YAML), *(yaml_values,) * 8)
OF_JSON_LINES = (*_BYTES, line_put(hostile.JSON), *(json_lines_values,) * 8)
OF_MARKDOWN = (*_BYTES, line_put(hostile.MARKDOWN), line_put(hostile.MARKDOWN), *(fence_values,) * 4)


@dataclass(frozen=True)
class Originals:
    """Files of one kind as they are shipped, and the ways to spoil them."""

    files: tuple[tuple[str, bytes], ...] = field(repr=False)  # path below the project, content
    by: tuple[Callable[[Draw, bytes], bytes], ...] = field(repr=False)


@st.composite
def mutated(draw: Draw, originals: Originals) -> tuple[str, bytes]:
    """The path of one of the files, and what became of its content after one to three changes."""
    path, raw = draw(st.sampled_from(originals.files))
    for change in draw(st.lists(st.sampled_from(originals.by), min_size=1, max_size=3)):
        raw = change(draw, raw or b"\n")
    return path, raw
