"""Asking a supervisord over its Unix socket, with the standard library alone."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from chaos_ext.errors import LabError
from chaos_ext.language import t


class SupervisorError(LabError):
    """The supervisor could not be asked, or refused."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code  # its own fault code, such as 60 (already started) or 70 (not running)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__()
        self._path = path
        self._timeout_s = timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path, self._timeout_s)


def call(socket_path: Path, method: str, *arguments: Any, timeout_s: float = 1.0) -> Any:
    """What the supervisor at `socket_path` answers to `method`, such as ``supervisor.getIdentification``.

    `timeout_s`: longest silence, 1 s unless told. Raises SupervisorError.
    """
    transport = _Transport(socket_path, timeout_s)
    try:
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as server:
            return getattr(server, method)(*arguments)
    except xmlrpc.client.Fault as fault:
        asked = f"{method}({', '.join(map(str, arguments))})"
        raise SupervisorError(f"{socket_path}: {asked}: {fault.faultString}", fault.faultCode) from fault
    except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError, ValueError) as error:
        got = f"{error or type(error).__name__}"
        raise SupervisorError(
            t(
                "{socket_path}: {method}: got {got}, expected an answer.",
                socket_path=socket_path,
                method=method,
                got=got,
            )
        ) from error
