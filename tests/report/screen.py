"""A screen that is a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Screen:
    """A pseudo-terminal that is read all the time, as a real one is."""

    def __init__(self, master: int, stream: TextIO) -> None:
        self.stream = stream
        self._master = master
        self._seen = b""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._done.is_set():
            if select.select([self._master], [], [], 0.02)[0]:
                self._seen += os.read(self._master, 65536)

    def wait_for(self, what: str) -> str:
        deadline = time.monotonic() + 20
        while what not in self.seen and time.monotonic() < deadline:
            time.sleep(0.01)
        assert what in self.seen
        return self.seen

    @property
    def seen(self) -> str:
        return self._seen.decode(errors="ignore")

    def close(self) -> None:
        self._done.set()
        self._thread.join()


@contextmanager
def screen() -> Iterator[Screen]:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        shown = Screen(master, stream)
        try:
            yield shown
        finally:
            shown.close()
    os.close(master)


def last_line(seen: str) -> str:
    """What stands in the line of the cursor, as a terminal would show it."""
    return seen.rsplit("\n", 1)[-1].rsplit("\x1b[K", 1)[-1]
