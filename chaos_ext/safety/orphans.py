"""What a runner that follows a runbook has under way, and the end of it when the runner dies.

A block of a runbook changes things. When its runner is killed the block would go on, against the undo;
so the janitor ends it first. Blocks are known by a mark in their environment that names the runner.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil

from chaos_ext.safety import processes

Runner = tuple[int, str]  # pid and start: a pid alone is somebody else's later

MARK = "CHAOS_BLOCK"  # the one variable of a block that nobody declared
_HOMES, _PINS = "chaos-runbook-", "chaos-pins-"
_SETTLE_S = 0.5


def new_mark() -> str:
    """A mark for one block of this runner."""
    return f"{_prefix(processes.myself())}{uuid.uuid4().hex}"


def home_prefix(runner: Runner | None = None) -> str:
    """How the names of the temporary folders begin that a runner's blocks have as HOME.

    The machine is part of it: containers may share the folder for temporary files, but not their pids.
    """
    return _folder_prefix(_HOMES, runner or processes.myself())


def pins_prefix() -> str:
    """The same for folders with what points tools at the proven identity: that may be credentials."""
    return _folder_prefix(_PINS, processes.myself())


def _folder_prefix(kind: str, runner: Runner) -> str:
    return f"{kind}{_prefix(runner)}{_here()}-"


def _prefix(runner: Runner) -> str:
    return f"{runner[0]}-{runner[1]}-"


def _here() -> str:
    return f"{zlib.crc32(processes.host().encode()):08x}"


def marked(mark: str) -> Iterator[psutil.Process]:
    """Living processes whose mark is, or begins with, `mark`; psutil signals no other that gets its pid later."""
    for process in psutil.process_iter():
        if (its := _mark_of(process)) and its.startswith(mark):
            yield process


def _mark_of(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else process.environ().get(MARK, "")
    except (psutil.Error, OSError):
        return ""  # gone, or somebody else's


def end_of(runner: Runner) -> int:
    """End every block of a dead runner, however far its processes detached; how many processes that were."""
    ended = 0
    deadline = time.monotonic() + _SETTLE_S
    while (left := list(marked(_prefix(runner)))) and time.monotonic() < deadline:
        for process in left:
            try:
                process.kill()
                ended += 1
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=0.05)
    for kind in (_HOMES, _PINS):
        for folder in Path(tempfile.gettempdir()).glob(f"{_folder_prefix(kind, runner)}*"):
            shutil.rmtree(folder, ignore_errors=True)
    return ended


def end_of_the_dead() -> int:
    """End every block whose runner is dead, and whose janitor did not live to do that; how many processes."""
    names = [*filter(None, map(_mark_of, psutil.process_iter()))]
    for kind in (_HOMES, _PINS):
        folders = Path(tempfile.gettempdir()).glob(f"{kind}*-{_here()}-*")
        names += [folder.name.removeprefix(kind) for folder in folders]
    found = set(map(_runner, names))
    return sum(end_of(runner) for runner in found if runner and not processes.is_alive(*runner))


def _runner(words: str) -> Runner | None:
    pid, _, rest = words.partition("-")
    started, dash, _ = rest.partition("-")
    return (int(pid), started) if dash and pid.isdecimal() else None
