"""What a place says of itself, altered: its addresses lead to nobody, to somebody who answers nothing, or to another.

A probe finds its source by these facts, so a probe that gets altered ones asks elsewhere; nothing of the place itself
is touched. Files that say where something is are copied with their addresses altered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from chaos_ext.proving.nobody import Nobody

Facts = dict[str, Any]

# What a place is known by, and where the record of what was broken is (`dir`); everything else is a source.
_KEPT = ("schema", "name", "dir", "marker", "owner_pid", "started_in_s", "ca_file", "pass_file")
_ADDRESS = re.compile(r"(127\.0\.0\.1:|\bport\s*=\s*)(\d{2,5})\b")
_TOOL = "#!/bin/sh\n{does}\n"
_MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Altered:
    """Three sets of facts: whoever is asked by them answers nothing, is not there, or is another service."""

    empty: Facts
    cut_off: Facts
    mistaken: Facts

    def for_looks(self) -> Altered:
        """The same for looks: what was broken leaves a record in the place's own folder, which they see too."""
        sets = (self.empty, self.cut_off, self.mistaken)
        return Altered(*({**facts, "dir": facts["conf"]} if "conf" in facts else facts for facts in sets))


def altered(facts: Mapping[str, Any], folder: Path, nobody: Nobody) -> Altered:
    """The facts of a place in which every address and every file is another one; `folder` takes files."""
    follows = _next_of(sorted(_ports(facts)))
    folders = _next_of(sorted(_folders(facts)))
    return Altered(
        empty=_Alteration(
            folder / "empty",
            lambda _port: nobody.empty_port,
            str(nobody.empty_socket),
            "exit 0",
            lambda path: _made(folder / "empty" / f"folder-{path.name}"),
        ).of(facts),
        cut_off=_Alteration(
            folder / "cut-off",
            lambda _port: nobody.closed_port,
            str(nobody.closed_socket),
            'echo "$(basename "$0"): Connection refused" >&2; exit 2',
            lambda path: folder / "cut-off" / f"folder-{path.name}",
        ).of(facts),
        mistaken=_Alteration(
            folder / "mistaken",
            lambda port: follows.get(port, nobody.closed_port),
            str(nobody.empty_socket),
            None,
            lambda path: folders.get(path, path),
        ).of(facts),
    )


@dataclass
class _Alteration:
    folder: Path
    port: Callable[[int], int]
    socket: str  # instead of each socket
    tools: str | None  # what each command of the place does instead; None: as it is
    instead_of: Callable[[Path], Path]  # another folder

    def of(self, facts: Mapping[str, Any]) -> Facts:
        self.folder.mkdir(parents=True)
        made = {key: self._value(key, value) for key, value in facts.items()}
        if "bin" in facts:
            made["bin"] = facts["bin"] if self.tools is None else self._tools(Path(facts["bin"]), self.tools)
        return made

    def _value(self, key: str, value: Any) -> Any:
        if key in _KEPT:
            return value
        if isinstance(value, Mapping):
            return {name: self._value(str(name), each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._value(key, each) for each in value]
        if key == "port" and isinstance(value, int):
            return self.port(value)
        if isinstance(value, str) and value.startswith("/"):
            return self._path(Path(value))
        if isinstance(value, str) and "://" in value:
            return self.text(value)
        return value

    def text(self, text: str) -> str:
        """`text` with every address in it altered."""
        return _ADDRESS.sub(lambda match: f"{match[1]}{self.port(int(match[2]))}", text)

    def _path(self, path: Path) -> str:
        if path.is_socket():
            return self.socket
        if path.is_file():
            return self._file(path)
        return str(self.instead_of(path))

    def _file(self, path: Path) -> str:
        """A file that says where something is, saying something else; others as they are."""
        if path.stat().st_size > _MOST_BYTES:
            return str(path)
        text = path.read_text(encoding="utf-8", errors="replace")
        changed = self.text(text)
        if changed == text:
            return str(path)
        instead = self.folder / path.name
        instead.touch(mode=0o600)
        instead.write_text(changed, encoding="utf-8")
        return str(instead)

    def _tools(self, folder: Path, does: str) -> str:
        instead = self.folder / "bin"
        instead.mkdir()
        for tool in folder.iterdir():
            made = instead / tool.name
            made.write_text(_TOOL.format(does=does), encoding="utf-8")
            made.chmod(0o700)
        return str(instead)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


_T = TypeVar("_T")


def _next_of(values: list[_T]) -> dict[_T, _T]:
    """Each and the one behind it; of the last the first."""
    return {one: values[(at + 1) % len(values)] for at, one in enumerate(values)}


def _folders(facts: Mapping[str, Any]) -> set[Path]:
    paths = {
        Path(value) for key, value in facts.items() if isinstance(value, str) and key not in (*_KEPT, "bin")
    }
    return {path for path in paths if path.is_absolute() and path.is_dir()}


def _ports(value: Any, key: str = "") -> set[int]:
    if isinstance(value, Mapping):
        return {port for name, each in value.items() for port in _ports(each, str(name))}
    if isinstance(value, list):
        return {port for each in value for port in _ports(each)}
    if key == "port" and isinstance(value, int):
        return {value}
    if isinstance(value, str) and "://" in value:
        port = urlsplit(value).port
        return {port} if port else set()
    return set()
