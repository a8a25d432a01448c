"""Parts that a lab runs for somebody else: any program that listens on a port and answers over HTTP.

A guest is described in a JSON file for ``up --parts``:

    [{"name": "kinto", "command": ["kinto", "start", "--port", "${port}"], "health": "/v1/__heartbeat__",
      "files": {"kinto.ini": "…"}, "environment": {"NAME": "value"}}]

In command, files and environment ``${port}`` is its own port, ``${port.PART}`` that of another part, ``${conf}`` the
directory with its files and ``${data}`` one to write into. The operators' tools of the lab are on its PATH.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_lab import parts
from chaos_lab.errors import LabProblem
from chaos_lab.places import Lab, write

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN = (*parts.PARTS, "supervisord", "passwords")  # the lab has a log, or a folder of its own, of that name
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")


@dataclass(frozen=True)
class Guest:
    """One program. It is started anew when it ends by itself, as the lab's own services are."""

    name: str
    command: tuple[str, ...]
    health: str  # a path that answers 200 when it is usable
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "command": list(self.command),
            "health": self.health,
            "files": dict(self.files),
            "environment": dict(self.environment),
        }


def of_json(value: object) -> tuple[Guest, ...]:
    """The guests that a file describes. Raises LabProblem that says what is wrong in it."""
    if not isinstance(value, list):
        raise LabProblem(f"--parts: got {type(value).__name__}, expected a list of parts.")
    guests = tuple(_guest(entry) for entry in value)
    names = [guest.name for guest in guests]
    for name in names:
        if name in _TAKEN or names.count(name) > 1:
            raise LabProblem(f"--parts: got {name!r}, which the lab has already, expected another name.")
    return guests


def _guest(entry: object) -> Guest:
    wanted = {"name", "command", "health", "files", "environment"}
    if not isinstance(entry, dict) or not {"name", "command", "health"} <= set(entry) <= wanted:
        got = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise LabProblem(
            f"--parts: got {got}, expected name, command, health, and perhaps files, environment."
        )
    name, command, health = entry["name"], entry["command"], entry["health"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise LabProblem(f"--parts: name: got {name!r}, expected small letters, digits and hyphens.")
    if not (isinstance(command, list) and command and all(isinstance(word, str) for word in command)):
        raise LabProblem(f"--parts: {name}: command: got {command!r}, expected a list of words.")
    if not isinstance(health, str) or not health.startswith("/"):
        raise LabProblem(f"--parts: {name}: health: got {health!r}, expected a path such as '/healthz'.")
    texts = {}
    for key in ("files", "environment"):
        said = entry.get(key) or {}
        if not isinstance(said, dict) or not all(isinstance(text, str) for text in said.values()):
            raise LabProblem(f"--parts: {name}: {key}: got {said!r}, expected names with texts.")
        texts[key] = said
    for file in texts["files"]:
        if not file or file != Path(file).name or file.startswith("."):
            raise LabProblem(f"--parts: {name}: files: got {file!r}, expected a plain file name.")
    for variable in texts["environment"]:
        if not _VARIABLE.fullmatch(variable):
            raise LabProblem(f"--parts: {name}: environment: got {variable!r}, expected a variable's name.")
    return Guest(name, tuple(command), health, texts["files"], texts["environment"])


def of(lab: Lab) -> tuple[Guest, ...]:
    """The guests of a lab that was started."""
    return of_json((lab.state() or {}).get("guests", []))


def lay_out(lab: Lab, guest: Guest, ports: Mapping[str, int]) -> Path:
    """Write a guest's files; the program that starts it. Raises LabProblem, OSError."""
    conf, data = lab.conf / guest.name, lab.volumes / guest.name
    conf.mkdir(mode=0o700)
    data.mkdir(mode=0o700)
    values = {"conf": str(conf), "data": str(data), "port": str(ports[guest.name])}
    values.update({f"port.{name}": str(port) for name, port in ports.items() if "->" not in name})

    def filled(text: str, where: str) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] not in values:
                known = ", ".join(f"${{{name}}}" for name in sorted(values))
                raise LabProblem(
                    f"--parts: {guest.name}: {where}: got {match[0]!r}, expected one of {known}."
                )
            return values[match[1]]

        return _PLACEHOLDER.sub(value, text)

    for name, text in guest.files.items():
        write(conf / name, filled(text, f"files.{name}"))
    command = [filled(word, "command") for word in guest.command]
    command[0] = _program(guest, command[0])
    logins = {
        "PATH": f"{Path(sys.executable).parent}:{lab.bin}:{os.environ.get('PATH', os.defpath)}",
        "PGPASSFILE": str(lab.clients / "pgpass"),
        "PGSERVICEFILE": str(lab.clients / "pg_service.conf"),
    }
    given = {key: filled(text, f"environment.{key}") for key, text in guest.environment.items()}
    # A script, since a command of several lines, or a text with quotes, cannot stand in the supervisor's configuration.
    start = conf / ".start"
    variables = [f"export {name}={shlex.quote(text)}" for name, text in {**logins, **given}.items()]
    write(start, "\n".join(["#!/bin/sh", *variables, f"exec {shlex.join(command)}", ""]), mode=0o700)
    return start


def _program(guest: Guest, word: str) -> str:
    """Where a program is: beside our own interpreter first, since it is installed there with us."""
    beside = Path(sys.executable).parent / word
    found = word if "/" in word else str(beside) if beside.is_file() else shutil.which(word)
    if found is None or not Path(found).is_file():
        raise LabProblem(
            f"--parts: {guest.name}: command: got {word!r}, which is not there, expected an installed program."
        )
    return found


def facts(guests: Sequence[Guest], ports: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Where each guest listens: {"url", "host", "port"}."""
    return {
        guest.name: {
            "url": f"http://127.0.0.1:{ports[guest.name]}",
            "host": "127.0.0.1",
            "port": ports[guest.name],
        }
        for guest in guests
    }
