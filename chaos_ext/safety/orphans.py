"""What a runner that follows a runbook has under way, and the end of it when the runner dies.

A block of a runbook changes things. When its runner is killed the block would go on, against the undo;
so the janitor ends it first. Blocks are known by a mark in their environment that names the runner.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

MARK = "CHAOS_BLOCK"  # the one variable of a block that nobody declared
_SETTLE_S = 0.5


def new_mark() -> str:
    """A mark for one block of this runner."""
    return f"{os.getpid()}-{uuid.uuid4().hex}"


def home_prefix(pid: int | None = None) -> str:
    """How the names of the temporary folders begin that a runner's blocks have as HOME."""
    return f"chaos-runbook-{pid or os.getpid()}-"


def marked(mark: str) -> Iterator[psutil.Process]:
    """Living processes whose mark is, or begins with, `mark`; psutil signals no other that gets its pid later."""
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK, "").startswith(mark):
                yield process
        except (psutil.Error, OSError):
            continue  # gone, or somebody else's


def end_of(runner_pid: int) -> int:
    """End every block of a dead runner, however far its processes detached; how many processes that were."""
    ended = 0
    deadline = time.monotonic() + _SETTLE_S
    while (left := list(marked(f"{runner_pid}-"))) and time.monotonic() < deadline:
        for process in left:
            try:
                process.kill()
                ended += 1
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=0.05)
    for home in Path(tempfile.gettempdir()).glob(f"{home_prefix(runner_pid)}*"):
        shutil.rmtree(home, ignore_errors=True)
    return ended
