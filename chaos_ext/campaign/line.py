"""The line between a campaign and one of its runs, the run's end: its events go out as JSON, one a line.

When nobody is at the other end any more (the campaign was killed), the run is asked to stop: it undoes what it
broke and ends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from queue import SimpleQueue
from typing import Any, Self

from chaos_ext.errors import UsageError
from chaos_ext.language import t
from chaos_ext.safety import abort

_FLUSH_WITHIN_S = 5.0


class Line:
    """A listener of events, for a `with` block around the run. Never holds a trial up, and never raises."""

    def __init__(self, fd: int) -> None:
        """`fd` is a connected socket that was inherited. Raises UsageError when it is none."""
        try:
            os.set_inheritable(fd, False)  # what this run starts must not keep the line open
            self._socket = socket.socket(fileno=fd)
            self._socket.getpeername()
        except OSError as error:
            raise UsageError(t("--events: got {fd}, expected a connected socket.", fd=fd)) from error
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._closing = False
        self._sender = threading.Thread(target=self._send, name="events", daemon=True)
        self._sender.start()
        threading.Thread(target=self._watch, name="campaign", daemon=True).start()

    def __call__(self, event: dict[str, Any]) -> None:
        """Send `event`, in its turn."""
        self._waiting.put(json.dumps(event, ensure_ascii=True, default=str).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait until everything is sent, and hang up."""
        self._closing = True
        self._waiting.put(None)
        self._sender.join(_FLUSH_WITHIN_S)
        self._socket.close()

    def _send(self) -> None:
        while (data := self._waiting.get()) is not None:
            try:
                self._socket.sendall(data)
            except OSError:
                return  # `_watch` sees it too

    def _watch(self) -> None:
        try:
            while self._socket.recv(4096):
                pass
        except OSError:
            pass
        if not self._closing and not abort.ask_this_process(
            t("the campaign that started it is gone"), "campaign"
        ):
            os.kill(os.getpid(), signal.SIGTERM)
