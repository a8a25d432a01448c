"""Where nobody is, and where somebody answers with nothing: other sources for a probe that is to be broken."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_COMMAND = re.compile(rb"(?:^|\r\n)\*\d+\r\n")  # https://valkey.io/topics/protocol/: a command is an array
_ANSWERS_WITHIN_S = 2.0


@dataclass(frozen=True)
class Nobody:
    """Two ports and two sockets of this machine: of each, one refuses, and one answers with an empty result."""

    closed_port: int
    closed_socket: Path
    empty_port: int
    empty_socket: Path


@contextmanager
def nobody(folder: Path) -> Iterator[Nobody]:
    """Ports that are kept until the end; `folder` takes a socket."""
    with ExitStack() as ends:
        # Bound and not listening: whoever connects is refused, and nobody else gets this port meanwhile.
        closed = ends.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        tcp = _Tcp(("127.0.0.1", 0), _Empty)
        unix = _Unix(str(folder / "empty.sock"), _Empty)
        for server in (tcp, unix):
            thread = threading.Thread(target=server.serve_forever, name="nobody", daemon=True)
            thread.start()
            ends.callback(server.server_close)
            ends.callback(server.shutdown)
        yield Nobody(
            closed.getsockname()[1], folder / "nobody.sock", tcp.server_address[1], folder / "empty.sock"
        )


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


class _Empty(socketserver.BaseRequestHandler):
    """Answers HTTP with an empty list or no body, RESP with empty arrays; hangs up on everything else."""

    def handle(self) -> None:
        self.request.settimeout(_ANSWERS_WITHIN_S)
        with contextlib.suppress(OSError):
            data = self.request.recv(65536)
            if data.startswith(b"*"):
                while data:
                    self.request.sendall(b"*0\r\n" * len(_COMMAND.findall(data)))
                    data = self.request.recv(65536)
            elif data[:1].isalpha() and b"HTTP/1." in data:
                body = b"[]" if data.startswith(b"GET ") else b""
                head = (
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                )
                self.request.sendall(head.encode() + body)
                self.request.shutdown(socket.SHUT_WR)
                while self.request.recv(65536):  # what is still sent is taken, or the answer would be lost
                    pass
