"""Changes to a YAML file that people wrote, which touch nothing but what they change.

Comments, order, quotes and line breaks of everything else stay to the byte. A change is made in the text, where the
marks of YAML's nodes say that the value stands, and is kept only when the text then reads as the same document with
that one value changed; where no way of writing it does (an alias, say), the change refuses.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from chaos_ext.catalog.source import Path_, Source, dotted, parsed
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t

_BOM = b"\xef\xbb\xbf"
_COLUMNS = 110  # where a folded text is broken


class Edited:
    """One file under change. `raw` is what it would be now."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._bom = _BOM if source.raw.startswith(_BOM) else b""
        self._text = source.raw.decode("utf-8-sig")
        self._data: Any = _copied(source.data)

    @property
    def raw(self) -> bytes:
        """The file's bytes with the changes so far."""
        return self._bom + self._text.encode()

    @property
    def data(self) -> Any:
        """What the file says with the changes so far; not to be changed."""
        return self._data

    def set(self, at: Path_, value: Any) -> None:
        """Make the value at `at` this text, number, or mapping of texts; keys that are not there are added.

        Raises UsageError when the file is written in a way that keeps it from being changed here.
        """
        wanted = _copied(self._data)
        inner = wanted
        for step in at[:-1]:
            if isinstance(inner, dict) and inner.get(step) is None:
                inner[step] = {}
            inner = inner[step]
        inner[at[-1]] = value
        self._keep(_ways_to_set(self._text, at, value), wanted, at)

    def append(self, at: Path_, item: Any, written: str) -> None:
        """Add `item` to the end of the list at `at`. `written` is its YAML as a block, its dash in the first column.

        Raises UsageError as `set` does.
        """
        wanted = _copied(self._data)
        inner = wanted
        for step in at:
            inner = inner[step]
        inner.append(item)
        self._keep(_ways_to_append(self._text, at, item, written), wanted, at)

    def _keep(self, ways: Iterator[str], wanted: Any, at: Path_) -> None:
        for text in ways:
            if _same(_read(text), wanted):
                self._text, self._data = text, wanted
                return
        raise UsageError(
            [
                Problem(
                    self.source.where(at),
                    dotted(at),
                    t("YAML that cannot be changed here without changing more"),
                    t("a value of its own"),
                    t("Change it by hand."),
                )
            ]
        )


def _copied(value: Any) -> Any:
    """A copy in which nothing is shared: what an alias repeats is a value of its own there."""
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _read(text: str) -> Any:
    """What the text says, or something that equals nothing."""
    try:
        return parsed(text)
    except (UsageError, yaml.YAMLError, ValueError):
        return object()


def _same(one: Any, other: Any) -> bool:
    """Equal, but for white space around texts, which no field keeps."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()
    return type(one) is type(other) and one == other


# --- where it stands -----------------------------------------------------------------------------


def _found(text: str, at: Path_) -> tuple[yaml.Node, Path_, bool]:
    """The deepest node on the way to `at`, what is left of the way, and whether it stands inside brackets."""
    composed = yaml.compose(text, Loader=yaml.CSafeLoader)
    assert composed is not None, "a file without anything in it is refused when it is read"
    node: yaml.Node = composed
    in_flow = False
    for index, step in enumerate(at):
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = node.value[step]
        if inner is None:
            return node, at[index:], in_flow
        in_flow = in_flow or bool(getattr(node, "flow_style", False))
        node = inner
    return node, (), in_flow


def _leaf_end(text: str, node: yaml.Node) -> int:
    """Where the last value inside `node` ends. A block's own end mark lies beyond comments that follow it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = int(node.end_mark.index)
    if getattr(node, "style", None) in ("|", ">"):  # its end mark lies behind the empty lines that follow it
        return len(text[:end].rstrip("\r\n"))
    return end


def _line_end(text: str, position: int) -> int:
    """The end of the line at `position`: before its line break, behind its comment."""
    end = text.find("\n", position)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" else end


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


# --- how it can be written -----------------------------------------------------------------------


def _ways_to_set(text: str, at: Path_, value: Any) -> Iterator[str]:
    node, left, in_flow = _found(text, at)
    if not left:
        start, end = int(node.start_mark.index), int(node.end_mark.index)
        old = text[start:end]
        for new in _as_before(node, old, value, in_flow):
            yield text[:start] + new + text[end:]
        tail = old[len(old.rstrip("\r\n")) :] if getattr(node, "style", None) in ("|", ">") else ""
        for new in _inline(value):
            yield text[:start] + new + tail + text[end:]
        return
    key, *rest = left
    for step in reversed(rest):
        value = {step: value}
    for new in _inline(value):
        if isinstance(node, yaml.MappingNode):
            yield _with_entry(text, node, f"{key}: {new}")
        elif node.start_mark.index == node.end_mark.index:  # `key:` with nothing behind it
            here = int(node.start_mark.index)
            yield f"{text[:here]} {{{key}: {new}}}{text[here:]}"


def _ways_to_append(text: str, at: Path_, item: Any, written: str) -> Iterator[str]:
    node, left, _ = _found(text, at)
    if left or not isinstance(node, yaml.SequenceNode):
        return
    if node.flow_style:
        for new in _inline(item):
            yield _in_brackets(text, node, new)
        return
    yield _below(text, node, written)


def _with_entry(text: str, node: yaml.MappingNode, entry: str) -> str:
    return _in_brackets(text, node, entry) if node.flow_style else _below(text, node, entry)


def _in_brackets(text: str, node: yaml.CollectionNode, entry: str) -> str:
    if not node.value:
        here = int(node.end_mark.index) - 1
        return text[:here] + entry + text[here:]
    last = node.value[-1]
    here = int((last[1] if isinstance(last, tuple) else last).end_mark.index)
    return f"{text[:here]}, {entry}{text[here:]}"


def _below(text: str, node: yaml.CollectionNode, entry: str) -> str:
    """`entry` on lines of its own behind the last line of a block."""
    here = _line_end(text, _leaf_end(text, node))
    brk = _line_break(text)
    indent = " " * int(node.start_mark.column)
    lines = brk.join(indent + line if line else line for line in entry.rstrip("\n").split("\n"))
    rest = text[here:] or brk
    return text[:here] + brk + lines + rest


def _as_before(node: yaml.Node, old: str, value: Any, in_flow: bool) -> Iterator[str]:
    """The new value in the style of the old one."""
    if not isinstance(node, yaml.ScalarNode) or not isinstance(value, str):
        return
    one_line = "\n" not in value
    if node.style in ("|", ">") and not in_flow:
        yield from _block(old, value, folded=node.style == ">")
    elif node.style == "'" and one_line:
        yield "'" + value.replace("'", "''") + "'"
    elif node.style == '"':
        yield json.dumps(value, ensure_ascii=False)
    elif _is_bare(value):
        yield value


def _is_bare(value: str) -> bool:
    """Whether a text can do without quotes. PyYAML and libyaml read a question mark in brackets differently."""
    return "\n" not in value and "?" not in value


def _block(old: str, value: str, folded: bool) -> Iterator[str]:
    """A text below ``|`` or ``>``, as far in as the one before."""
    brk = _line_break(old)
    header, *lines = re.split(r"\r?\n", old.rstrip("\r\n"))
    tail = old[len(old.rstrip("\r\n")) :]
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return
    indent = first[: len(first) - len(first.lstrip(" "))]
    written: list[str] = []
    for line in value.split("\n"):
        if folded:
            columns = max(20, _COLUMNS - len(indent))
            written += textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False) or [""]
            written.append("")
        else:
            written.append(line)
    body = "\n".join(written).rstrip("\n").split("\n")
    yield header + brk + brk.join(indent + line if line else line for line in body) + tail


def _inline(value: Any) -> Iterator[str]:
    """A value on one line, the plainest first."""
    if isinstance(value, str):
        if _is_bare(value):
            yield value
        if "\n" not in value:
            yield "'" + value.replace("'", "''") + "'"
        yield json.dumps(value, ensure_ascii=False)
        yield json.dumps(value)
        return
    if isinstance(value, dict) and all(isinstance(inner, str) for inner in value.values()):
        # Texts in brackets are quoted: commas and colons are common in sentences.
        yield "{" + ", ".join(f"{key}: {json.dumps(v, ensure_ascii=False)}" for key, v in value.items()) + "}"
    yield (
        yaml.dump(
            value,
            Dumper=yaml.SafeDumper,
            default_flow_style=True,
            allow_unicode=True,
            sort_keys=False,
            width=2**30,
        )
        .removesuffix("\n")
        .removesuffix("\n...")
    )
