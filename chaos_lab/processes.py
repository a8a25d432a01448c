"""Processes of a lab: who they are, which are left, and how they end.

A process is known by pid and start time, since pids come back. A lab's processes are those that carry
its marker in their environment, data stores that work in its directories (they write over their own
environment), and every descendant of those. A zombie counts as dead: PID 1 of a container
may not reap.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaos_lab.errors import LabProblem

_STORES = ("postgres", "valkey-server")
MARK = "CHAOS_LAB_PART_OF"  # value: "<marker> <lab directory>"


@dataclass(frozen=True)
class Identity:
    """One process, and no later one with the same pid."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        return started(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process is gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def as_json(self) -> dict[str, int | str]:
        return {"pid": self.pid, "started": self.started}


def started(pid: int) -> str | None:
    """When the process started, in words that only have to be equal; None for no process or a zombie."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else fields[19].decode()
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.NoSuchProcess:
        return None


def identity(pid: int) -> Identity | None:
    """The process that has this pid now, or None."""
    when = started(pid)
    return None if when is None else Identity(pid, when)


def from_json(value: object) -> Identity | None:
    """An identity that `as_json` wrote, or None."""
    if (
        isinstance(value, dict)
        and isinstance(value.get("pid"), int)
        and isinstance(value.get("started"), str)
    ):
        return Identity(value["pid"], value["started"])
    return None


@dataclass(frozen=True)
class _Seen:
    parent: int
    mark: str
    works_in: str  # the working directory, for data stores only


def _look() -> dict[int, _Seen]:
    import psutil

    seen = {}
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                parent, name = process.ppid(), process.name()
                try:
                    mark = process.environ().get(MARK, "")
                except (psutil.AccessDenied, OSError):
                    mark = ""
                try:
                    place = process.cwd() if name in _STORES else ""
                except (psutil.AccessDenied, OSError):
                    place = ""
                seen[process.pid] = _Seen(parent, mark, place)
        except psutil.Error:
            continue
    return seen


def _family(seen: dict[int, _Seen], heads: set[int]) -> list[Identity]:
    """The heads and all their descendants, without ourselves and those we descend from."""
    mine, pid = {os.getpid()}, os.getppid()
    while pid in seen and pid not in mine:
        mine.add(pid)
        pid = seen[pid].parent
    family = heads - mine
    while grown := {pid for pid, one in seen.items() if one.parent in family} - family - mine:
        family |= grown
    return [found for pid in sorted(family) if (found := identity(pid)) is not None]


def of_lab(directory: Path, marker: str) -> list[Identity]:
    """Every living process of one lab; descendants of its processes included."""
    seen, places = _look(), (f"{directory}/data/", f"{directory}/volumes/")
    heads = {
        pid
        for pid, one in seen.items()
        if (marker and one.mark.partition(" ")[0] == marker) or one.works_in.startswith(places)
    }
    return _family(seen, heads)


def without_lab(home: Path) -> list[Identity]:
    """Processes of labs in `home` whose directory somebody took away."""
    seen = _look()
    heads = set()
    for pid, one in seen.items():
        directory = one.mark.partition(" ")[2]
        if directory.startswith(f"{home}/") and not Path(directory).exists():
            heads.add(pid)
    return _family(seen, heads)


def end_all(find: Callable[[], list[Identity]], within_s: float = 5.0) -> None:
    """SIGKILL what `find` returns until it returns nothing: a dying parent may fork once more.

    Raises LabProblem when something is still there after `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while left := find():
        for process in left:
            process.signal(signal.SIGKILL)
        if time.monotonic() > deadline:
            pids = ", ".join(str(process.pid) for process in left)
            raise LabProblem(
                f"processes {pids}: still there {within_s:g} s after SIGKILL. Look at them with 'ps'."
            )
        time.sleep(0.01)
