"""A trial's own record, written as things happen: one JSON object a line in events.jsonl.

Chaos Toolkit writes its journal once, at the end, and not atomically; this file is what a verdict is
derived from. Each line reaches the operating system before `emit` returns, so a killed runner loses
nothing that it had seen.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.model import Event  # at run time it would cost the janitor its quick start

Listener = Callable[[dict[str, Any]], None]


def wall_now() -> str:
    """The wall clock as ISO 8601 UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Recorder:
    """Appends events to one file and tells listeners (the terminal) about each.

    Safe to use from several threads. OSError (a full disk) reaches the caller: what cannot be recorded
    must not go on.
    """

    def __init__(self, path: Path, listeners: tuple[Listener, ...] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._listeners = listeners
        self._lock = threading.Lock()

    def emit(self, kind: str, **fields: Any) -> Event:
        """Record that `kind` happened now; returns the event. Fields must be JSON-safe, or become their `str`."""
        event: Event = {"kind": kind, "at": round(time.monotonic(), 6), "wall": wall_now(), **fields}
        line = json.dumps(event, ensure_ascii=False, default=str) + "\n"
        with self._lock:
            _write_whole(self._fd, line.encode())
        for listener in self._listeners:
            listener(event)
        return event

    def close(self) -> None:
        """Make what was written durable and let go of the file. Emitting afterwards is an error."""
        os.fsync(self._fd)
        os.close(self._fd)


def _write_whole(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def read_events(path: Path) -> Iterator[Event]:
    """The events of a file in order. A torn last line (power loss) is left out; elsewhere: ValueError."""
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            yield json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise ValueError(
                t("{path}:{number}: not a whole JSON object", path=path, number=number)
            ) from error
