"""How often parts that ended by themselves were started anew, from the lines of the supervisor's log. Pure.

A stop that was asked for, as in a release, is none. Looking at pids now and then would miss those that
come quickly after each other.
"""

from __future__ import annotations

import re

# 2026-01-31 12:00:00,123 WARN exited: intake-1 (terminated by SIGKILL; not expected)
_EVENT = re.compile(rb"^\S+ \S+ [A-Z]+ (exited|stopped|spawned): '?([^ '\n]+)", re.MULTILINE)


class Restarts:
    """Counts while the log grows."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._ended: set[str] = set()  # by themselves, and not started since

    def read(self, lines: bytes) -> None:
        """The next whole lines."""
        for what, name in _EVENT.findall(lines):
            part = name.decode(errors="replace")
            if what == b"exited":
                self._ended.add(part)
                continue
            if what == b"spawned" and part in self._ended:
                self.counts[part] = self.counts.get(part, 0) + 1
            self._ended.discard(part)
