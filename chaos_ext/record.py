"""A trial's own record, written as things happen: one JSON object a line in events.jsonl.

Chaos Toolkit writes its journal once, at the end, and not atomically; this file is what a verdict is
derived from. Each line reaches the operating system before `emit` returns, so a killed runner loses
nothing that it had seen.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext.language import t
from chaos_ext.masking.register import hidden

if TYPE_CHECKING:
    from chaos_ext.model import Event  # at run time it would cost the janitor its quick start

_PIECE = 1 << 16  # bytes
Listener = Callable[[dict[str, Any]], None]


def wall_now() -> str:
    """The wall clock as ISO 8601 UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Closed(OSError):
    """A word that came too late: its record is closed."""


class Recorder:
    """Appends events to one file and tells listeners (the terminal) about each.

    Safe to use from several threads. OSError (a full disk) reaches the caller: what cannot be recorded
    must not go on.
    """

    def __init__(self, path: Path, listeners: tuple[Listener, ...] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _mend_tail(self._fd)
        self._listeners = listeners
        self._lock = threading.Lock()

    def emit(self, kind: str, **fields: Any) -> Event:
        """Record that `kind` happened now; returns the event. Fields must be JSON-safe, or become their `str`.

        Secrets of this process are hidden in the fields, for the file and the listeners alike. Raises OSError, and its
        kind Closed when `close` was called: the file's number may be another file's by then.
        """
        event: Event = {"kind": kind, "at": round(time.monotonic(), 6), "wall": wall_now(), **hidden(fields)}
        line = json.dumps(event, ensure_ascii=False, default=str) + "\n"
        with self._lock:
            if self._fd is None:
                raise Closed(errno.EBADF, t("the record is closed"))
            _write_whole(self._fd, line.encode())
        for listener in self._listeners:
            listener(event)
        return event

    def close(self) -> None:
        """Make what was written durable and let go of the file. Emitting afterwards is an error; again is none."""
        with self._lock:
            fd, self._fd = self._fd, None
            if fd is None:
                return
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _write_whole(fd: int, data: bytes) -> None:
    """Append a line, whole or not at all: half a line in front of the next one would cost all that is recorded."""
    before = os.fstat(fd).st_size
    written = 0
    try:
        while written < len(data):
            written += os.write(fd, data[written:])
    except OSError:
        if written and os.fstat(fd).st_size == before + written:
            os.ftruncate(fd, before)
        raise


def _mend_tail(fd: int) -> None:
    """Make the file end with a whole line, after whoever wrote it was killed in the middle of one."""
    size = os.fstat(fd).st_size
    at = size
    tail = b""
    while at and b"\n" not in tail:
        start = max(0, at - _PIECE)
        tail, at = os.pread(fd, at - start, start) + tail, start
    tail = tail.rpartition(b"\n")[2]
    if not tail:
        return
    try:
        json.loads(tail)
    except ValueError:
        os.ftruncate(fd, size - len(tail))
    else:
        os.write(fd, b"\n")


def read_events(path: Path) -> Iterator[Event]:
    """The events of a file in order. A torn last line (power loss) is left out; elsewhere: ValueError."""
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            event = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise ValueError(
                t("{path}:{number}: not a whole JSON object", path=path, number=number)
            ) from error
        if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
            raise ValueError(t("{path}:{number}: not a whole JSON object", path=path, number=number))
        yield event
