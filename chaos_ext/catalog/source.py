"""Files that people write, read as YAML, with the line of every value when something about it is wrong.

Good files take the fast way: libyaml parses, nothing keeps positions. Only when a line must be named is
the text composed again with marks. Loading is safe: no tags make objects, no key twice, no document that
grows when it is loaded, nothing nested so deeply that libyaml's recursion would end the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t

Path_ = tuple[str | int, ...]  # a place inside a document: ("reproduce", "lab", 0, "name")

_MOST_BYTES = 1_000_000
_MOST_DEPTH = 100
_MOST_NODES = 100_000  # with every alias written out
_MOST_OF_A_NUMBER = 100  # characters: reading long ones takes the square of their length, or ends in an error
# What a document must hold to be nested deeply: brackets, one line of "- - - -", or wide indentation.
_MANY_BRACKETS = 400
_MAYBE_DEEP = re.compile(r"(?:[-?:][ \t]+){40}|^[ ]{200}", re.MULTILINE)


_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.CSafeLoader):
    """The safe loader, which also notices that a mapping came out smaller than it was written."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):  # a list that is tagged as one: refused there
            return super().construct_mapping(node, deep=deep)
        written = sum(key.tag != _MERGE for key, _ in node.value)
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < written:
            raise _KeyTwice
        return mapping


# A date is a text like any other here: no field takes one, and the errors about bad dates name no line.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _number(
    of: Callable[[yaml.CSafeLoader, yaml.ScalarNode], Any],
) -> Callable[[_Loader, yaml.ScalarNode], Any]:
    def construct(loader: _Loader, node: yaml.ScalarNode) -> Any:
        if len(node.value) > _MOST_OF_A_NUMBER:
            raise _LongNumber(node)
        return of(loader, node)

    return construct


# Only what JSON has too: no bytes, sets, pairs or dates, however they are tagged. An unknown tag is refused.
_Loader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.CSafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "seq", "map", "str")
} | {
    "tag:yaml.org,2002:int": _number(yaml.CSafeLoader.construct_yaml_int),
    "tag:yaml.org,2002:float": _number(yaml.CSafeLoader.construct_yaml_float),
}


class _KeyTwice(Exception):
    """Some mapping holds a key twice; the slow way finds where."""


class _LongNumber(Exception):
    """A number that nobody has use for, at this node."""


@dataclass(frozen=True)
class Source:
    """One file that was read. `shown` is how messages name it, `data` what YAML makes of it."""

    path: Path
    shown: str
    raw: bytes
    data: dict[str, Any]
    _composed: list[Any] = field(default_factory=list, repr=False, compare=False)

    def line(self, at: Path_) -> int:
        """The line of the value at `at`, or of the nearest thing around it that exists."""
        if not self._composed:
            self._composed.append(yaml.compose(_decoded(self.raw), Loader=yaml.CSafeLoader))
        node = self._composed[0]
        line = int(node.start_mark.line)
        for step in at:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(step)]
                if not found:
                    break
                line, node = int(found[0][0].start_mark.line), found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = int(node.start_mark.line)
            else:
                break
        return line + 1

    def where(self, at: Path_ = ()) -> str:
        """``file:line`` of the value at `at`."""
        return f"{self.shown}:{self.line(at)}"

    def problem(self, at: Path_, got: str, expected: str, hint: str = "") -> Problem:
        """A problem with the value at `at`."""
        return Problem(self.where(at), dotted(at), got, expected, hint)


def dotted(at: Path_) -> str:
    """``("reproduce", "lab", 0, "name")`` as ``reproduce.lab[0].name``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).removeprefix(".")


def read(path: Path, root: Path) -> Source:
    """Read one file; messages name it from `root`. Raises UsageError when it is no YAML mapping."""
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _refused(
            shown, "", t("a file that cannot be read ({strerror})", strerror=error.strerror), t("a YAML file")
        ) from error
    return read_bytes(raw, path, shown)


def read_bytes(raw: bytes, path: Path, shown: str) -> Source:
    """The content of a file that was read already, or is not written yet. Raises UsageError as `read` does."""
    data = _parse(raw, shown)
    if not isinstance(data, dict):
        got = (
            t("an empty file")
            if data is None
            else t("a list")
            if isinstance(data, list)
            else t("a single value")
        )
        raise _refused(f"{shown}:1", "", got, t("a mapping of fields, such as 'schema: 1'"))
    return Source(path, shown, raw, data)


def parsed(text: str) -> Any:
    """What a text says, by the same rules as a file. Raises UsageError or yaml.YAMLError."""
    return _parse(text.encode(), "text")


def _parse(raw: bytes, shown: str) -> Any:
    if len(raw) > _MOST_BYTES:
        raise _refused(shown, "", t("{raw:,} bytes", raw=len(raw)), t("at most {most:,}", most=_MOST_BYTES))
    try:
        text = _decoded(raw)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _refused(
            f"{shown}:{line}",
            "",
            t("the byte 0x{byte:02x}", byte=raw[error.start]),
            "UTF-8",
            t("Save the file as UTF-8."),
        ) from error
    try:
        _refuse_deep_nesting(text, shown)
        if "&" in text or "<<" in text:
            _refuse_growth_and_double_keys(text, shown)
        data = yaml.load(text, Loader=_Loader)
        if _is_deep(data):
            _refuse_depth(text, shown)
        return data
    except _KeyTwice:
        _refuse_growth_and_double_keys(text, shown)
        raise _refused(shown, "", t("the same key again"), t("a plain key")) from None
    except _LongNumber as error:
        raise _long_number(error.args[0], shown) from None
    except yaml.YAMLError as error:
        raise _no_yaml(error, text, shown) from error
    except _UNREADABLE as error:
        raise _unreadable(text, shown) from error


# What PyYAML's constructors raise for a text that is tagged as something else, such as "!!bool perhaps".
_UNREADABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, ArithmeticError)


def composed(text: str, shown: str) -> yaml.Node | None:
    """The nodes of a text, with their marks; None when it holds nothing. Refuses what `read` does, but no value."""
    try:
        _refuse_deep_nesting(text, shown)
        _refuse_growth_and_double_keys(text, shown)
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _no_yaml(error, text, shown) from error


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8-sig")


def _long_number(node: yaml.Node, shown: str) -> UsageError:
    got = t("a number of {length:,} characters", length=len(node.value))
    return _refused(_at(shown, node), "", got, t("at most {most:,}", most=_MOST_OF_A_NUMBER))


def _unreadable(text: str, shown: str) -> UsageError:
    """Which value could not be read: each is tried alone."""
    for node in _scalars(yaml.compose(text, Loader=yaml.CSafeLoader)):
        try:
            _Loader("").construct_object(node)
        except yaml.YAMLError as error:
            return _no_yaml(error, text, shown)
        except _UNREADABLE:
            got = t("a value that is no {tag}", tag=node.tag.rpartition(":")[2])
            return _refused(_at(shown, node), "", got, t("plain values"), t("Remove the tag."))
    return _refused(shown, "", t("a value that cannot be read"), t("plain values"))


def _scalars(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    waiting = [] if root is None else [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.ScalarNode):
            yield node
        waiting += reversed(_below(node))


def _refused(where: str, what: str, got: str, expected: str, hint: str = "") -> UsageError:
    return UsageError([Problem(where, what, got, expected, hint)])


def _refuse_deep_nesting(text: str, shown: str) -> None:
    """libyaml composes by recursion in C: what is nested too deeply ends the process, so look before."""
    if text.count("[") + text.count("{") >= _MANY_BRACKETS or _MAYBE_DEEP.search(text):
        _refuse_depth(text, shown)


def _is_deep(data: Any) -> bool:
    """Whether `data` is nested more deeply than may be; not for data with circles."""
    level = [data]
    for _ in range(_MOST_DEPTH + 1):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        if not inner:
            return False
        level = [value for value in inner if isinstance(value, (dict, list))]
    return bool(level)


def _refuse_depth(text: str, shown: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_DEPTH:
            raise _too_deep(_at(shown, event))


def _refuse_growth_and_double_keys(text: str, shown: str) -> None:
    """The slow look at a document with anchors, merges or a key that seems to be there twice."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    sizes: dict[int, int | None] = {}  # None while a node is being counted: meeting it again is a circle
    depths: dict[int, int] = {}

    def size(node: yaml.Node, depth: int = 1) -> int:
        if id(node) in sizes:
            known = sizes[id(node)]
            if known is None:
                raise _refused(_at(shown, node), "", t("an alias to something it stands in"), t("no circles"))
            return known
        sizes[id(node)] = None
        total = 1
        if isinstance(node, yaml.MappingNode):
            _refuse_double_keys(node, shown)
        if depth > _MOST_DEPTH:
            raise _too_deep(_at(shown, node))
        below = _below(node)
        total += sum(size(inner, depth + 1) for inner in below)
        if total > _MOST_NODES:
            raise _refused(
                _at(shown, node),
                "",
                t("aliases that multiply"),
                t("at most {most:,} values", most=_MOST_NODES),
                t("Write it out."),
            )
        depths[id(node)] = 1 + max((depths[id(inner)] for inner in below), default=0)
        if depths[id(node)] > _MOST_DEPTH + 1:  # through aliases
            raise _too_deep(_at(shown, node))
        sizes[id(node)] = total
        return total

    if root is not None:
        size(root)


def _below(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [inner for pair in node.value for inner in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _too_deep(where: str) -> UsageError:
    got = t("more than {depth} levels of nesting", depth=_MOST_DEPTH)
    return _refused(where, "", got, t("a flatter document"))


def _refuse_double_keys(node: yaml.MappingNode, shown: str) -> None:
    first: dict[Hashable, yaml.Node] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refused(_at(shown, key), "", t("a key that is a list or mapping"), t("a plain key"))
        before = first.setdefault(_as_key(key), key)
        if before is not key:
            raise _refused(
                _at(shown, key),
                str(key.value),
                t("the same key again"),
                t("it once ({line} has it)", line=_at("line", before).replace(":", " ")),
                t("Keep one of the two."),
            )


def _as_key(key: yaml.ScalarNode) -> Hashable:
    """What is equal for keys that are the same to Python: 1, 1.0 and true are."""
    if key.tag.rpartition(":")[2] in ("int", "float", "bool"):
        try:
            return _Loader("").construct_object(key)  # type: ignore[no-any-return]
        except (*_UNREADABLE, _LongNumber, yaml.YAMLError):
            pass
    return (key.tag, key.value)


def _at(shown: str, node: yaml.Node | yaml.Event) -> str:
    return shown if node.start_mark is None else f"{shown}:{node.start_mark.line + 1}"


def _code(character: object) -> str:
    return f"U+{character if isinstance(character, int) else ord(str(character)[:1]):04X}"


def _no_yaml(error: yaml.YAMLError, text: str, shown: str) -> UsageError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = shown if mark is None else f"{shown}:{mark.line + 1}"
    if isinstance(error, yaml.reader.ReaderError):
        line = text.encode()[: error.position].count(b"\n") + 1  # libyaml counts bytes
        where = f"{shown}:{line}"
        return _refused(
            where, "", t("the character {code}", code=_code(error.character)), t("printable text")
        )
    told = str(getattr(error, "problem", None) or error).splitlines()[0]
    lines = text.splitlines()
    there = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in there[: len(there) - len(there.lstrip())]:
        return _refused(where, "", t("a tab"), t("spaces"), t("YAML is indented with spaces only."))
    if "tag" in told and "constructor" in told:
        return _refused(
            where,
            "",
            t("a tag ({tag})", tag=told.split()[-1]),
            t("plain values"),
            t("Tags are not loaded."),
        )
    if "document" in told:
        return _refused(where, "", t("a second document"), t("one document"), t("Remove the line '---'."))
    hint = t("Put the text in quotes.") if "mapping values are not allowed" in told else ""
    return _refused(where, "", t("text that is not YAML ({told})", told=told), "YAML", hint)
