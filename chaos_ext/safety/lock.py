"""One at a time: advisory locks that the kernel lets go of when their holder dies, so none is ever stale."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.record import wall_now
from chaos_ext.safety import processes
from chaos_ext.safety.ledger import file_stem


@contextmanager
def hold(directory: Path, instance: str, holder: str) -> Iterator[None]:
    """Be the only run in `instance` for the time of the block.

    `holder` says what holds it ("chaos verify redis-memory-full"). Raises Blocked naming who holds it, and
    since when, when somebody else does.
    """
    path = directory / f"{file_stem(instance)}.run.lock"
    try:
        fd = _acquire(path, 0.0, f"'{instance}'")
        with contextlib.suppress(OSError):  # it is ours; only its label is missing when the disk is full
            os.write(fd, json.dumps(_holder(holder)).encode())
    except OSError as error:
        raise Blocked(
            t("{path}: got {strerror}, expected to lock it.", path=path, strerror=error.strerror)
        ) from error
    try:
        yield
    finally:
        _release(path, fd)


@contextmanager
def undoing(directory: Path, instance: str, wait_s: float) -> Iterator[None]:
    """Be the only one who undoes in `instance`: runner, janitor and `chaos heal` may want to at once.

    Waits up to `wait_s` seconds for the others; then raises Blocked. Where no lock file can be made (a full
    disk) it goes on without: undoing twice is harmless, not undoing is not.
    """
    path = directory / f"{file_stem(instance)}.undo.lock"
    try:
        fd = _acquire(path, wait_s, f"undo in '{instance}'")
    except OSError:
        yield
        return
    try:
        yield
    finally:
        _release(path, fd)


def remove_if_free(path: Path) -> None:
    """Remove a lock file that a killed holder left; one that is held stays."""
    with contextlib.suppress(OSError):
        if (fd := _try(path)) is not None:
            _release(path, fd)


def _acquire(path: Path, wait_s: float, subject: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    while (fd := _try(path)) is None:
        if time.monotonic() >= deadline:
            raise Blocked(
                t(
                    "{subject}: got taken by {who}, expected free. Wait for it or stop it.",
                    subject=subject,
                    who=_who(path),
                )
            )
        time.sleep(0.01)
    return fd


def _release(path: Path, fd: int) -> None:
    path.unlink(missing_ok=True)  # before letting go: whoever gets it next makes a new file
    os.close(fd)


def _try(path: Path) -> int | None:
    """The locked file, or None when somebody else has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours, there = os.fstat(fd), path.stat()
        if (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino):
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass  # taken, or its holder has just put the file away
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None


def _holder(what: str) -> dict[str, Any]:
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as containers have
        who = f"uid {os.getuid()}"
    return {"what": what, "who": who, "host": processes.host(), "pid": os.getpid(), "since": wall_now()}


def _who(path: Path) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return t(
            "{what} of {who} on {host} (pid {pid}, since {since})",
            what=held["what"],
            who=held["who"],
            host=held["host"],
            pid=held["pid"],
            since=held["since"],
        )
    except (OSError, ValueError, KeyError):
        return t("somebody who has just taken it")
