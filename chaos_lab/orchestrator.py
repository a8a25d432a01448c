"""Asks the lab's supervisor, over XML-RPC on its Unix socket. Standard library only.

The supervisor's identifier is the lab's marker: whoever is asked says which lab it is.
"""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

from chaos_lab.errors import LabProblem, NoAnswer

ROOM = " " * 400  # the supervisor's last argument: what it forks writes its own command line over it


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__()
        self._path, self._timeout = path, timeout

    def make_connection(self, host: Any) -> _UnixConnection:
        return _UnixConnection(self._path, self._timeout)


class Orchestrator:
    """A supervisor that answers within `timeout_s` seconds, or NoAnswer is raised; LabProblem when it refuses."""

    def __init__(self, socket_path: Path, timeout_s: float = 5.0) -> None:
        self.socket_path = socket_path
        transport = _UnixTransport(str(socket_path), timeout_s)
        self._proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise LabProblem(f"supervisor: {method}{arguments}: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise NoAnswer(f"{self.socket_path}: the lab's supervisor does not answer: {error}") from error

    def identifier(self) -> str:
        return str(self._call("getIdentification"))

    def states(self) -> dict[str, dict[str, Any]]:
        """Every program by name: {"statename": "RUNNING", "pid": 4711, "description": …}."""
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def state(self, program: str) -> str:
        return str(self._call("getProcessInfo", program)["statename"])

    def start(self, program: str) -> None:
        """Start without waiting."""
        self._call("startProcess", program, False)

    def stop(self, program: str) -> None:
        """Ask to stop, without waiting. A program that is not running is no problem."""
        try:
            self._call("stopProcess", program, False)
        except LabProblem as problem:
            if "NOT_RUNNING" not in str(problem):
                raise
