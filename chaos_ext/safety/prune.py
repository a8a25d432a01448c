"""Keeps the ledger's folder small: every lab has a file of its own, and nobody asks for one that is long closed.

Never removes an entry that is open, nor a file that cannot be read.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from chaos_ext.errors import Blocked
from chaos_ext.safety import book, ledger, lock

KEEP_S = 7 * 86400.0  # closed for longer than this: gone
KEEP_FILES = 500  # beyond so many, also younger ones, the oldest first
NEVER_YOUNGER_S = 3600.0
_LOG, _LOG_BYTES = "janitor.log", 1_000_000


def prune(directory: Path, keep_files: int = KEEP_FILES) -> int:
    """Remove ledger files whose entries are all closed, and locks of the dead; how many ledger files that were.

    Never raises: what cannot be removed today will be another day.
    """
    moment = time.time()
    removed = 0
    with contextlib.suppress(OSError):
        for path in _outdated(directory, moment, keep_files):
            removed += _remove_closed(path)
        for path in directory.glob("*.lock"):
            if _age_s(path, moment) > NEVER_YOUNGER_S:
                lock.remove_if_free(path)
        log = directory / _LOG
        if log.is_file() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
    return removed


def _outdated(directory: Path, moment: float, keep_files: int) -> Iterator[Path]:
    aged = sorted((_age_s(path, moment), path) for path in ledger.files(directory))
    for number, (age_s, path) in enumerate(aged):
        if age_s > KEEP_S or (number >= keep_files and age_s > NEVER_YOUNGER_S):
            yield path


def _age_s(path: Path, moment: float) -> float:
    try:
        return moment - path.stat().st_mtime
    except OSError:
        return 0.0  # gone already


def _remove_closed(path: Path) -> bool:
    """Remove the file under its lock, so that nobody adds to what is being removed."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not book.parse(path, os.pread(fd, os.fstat(fd).st_size, 0)).is_settled:
            return False
        path.unlink()
    except (OSError, Blocked):  # somebody writes in it, or it is damaged
        return False
    finally:
        os.close(fd)
    return True
