"""A fault proxy as a process, and a server behind it."""

from __future__ import annotations

import socket
from typing import Any

import requests
from lab_services.support.parts import Part


class Upstream:
    """A TCP server: what it received, and the connections to answer on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(20)
        return connection

    def close(self) -> None:
        self._listener.close()


class FaultProxy:
    """A running fault proxy, spoken to as Toxiproxy's clients do."""

    def __init__(self, part: Part, url: str, upstream: Upstream) -> None:
        self.part, self.url, self.upstream = part, url, upstream
        self.open: list[socket.socket] = []

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = requests.request(method, self.url + path, json=body, timeout=20)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    @property
    def where(self) -> tuple[str, int]:
        host, port = self.call("GET", "/proxies/it")["listen"].split(":")
        return host, int(port)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A client's socket, and the server's to which it leads."""
        client = socket.create_connection(self.where, timeout=20)
        server = self.upstream.accept()
        self.open += [client, server]
        return client, server

    def add(self, type: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int) -> None:
        body = {
            "name": "toxic",
            "type": type,
            "stream": stream,
            "toxicity": toxicity,
            "attributes": attributes,
        }
        self.call("POST", "/proxies/it/toxics", body)

    def change(self, **attributes: int) -> None:
        self.call("PATCH", "/proxies/it/toxics/toxic", {"attributes": attributes})

    def remove(self) -> None:
        self.call("DELETE", "/proxies/it/toxics/toxic", status=204)
