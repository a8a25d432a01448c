"""Which process is which: a pid alone is not a name, because the system gives it to somebody else later."""

from __future__ import annotations

import functools
import os
import socket
import sys
from pathlib import Path

import psutil


def start_of(pid: int) -> str | None:
    """When `pid` began, as a word that stays equal as long as the process lives; None when it is dead.

    A zombie is dead: it does nothing any more, and a container's first process may never reap it.
    """
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = stat.rpartition(")")[2].split()  # the command's name may hold blanks and parentheses
        return None if fields[0] in "ZXx" else fields[19]
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.NoSuchProcess:
        return None


def is_alive(pid: int, started: str) -> bool:
    """Whether the very process that began at `started` still lives."""
    return start_of(pid) == started


def myself() -> tuple[int, str]:
    """This process: pid and start."""
    started = start_of(os.getpid())
    assert started is not None  # we are running
    return os.getpid(), started


@functools.cache
def host() -> str:
    """This machine's name: pids of another machine say nothing here."""
    return socket.gethostname()
