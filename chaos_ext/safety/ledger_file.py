"""A ledger's file: lines that are only ever appended, on the disk (fsync) before the call that wrote them returns."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety import book as books

_LOCKED_WITHIN_S = 10.0  # others hold it for as long as a write takes


def read(path: Path) -> bytes:
    """The content of a ledger file; nothing when there is no file. Raises Blocked when it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # what is no file would make us wait
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Blocked(
                t("{path}: got something that is no file, expected a ledger. Look at it.", path=path)
            )
        with _flocked(fd, fcntl.LOCK_SH, path):
            return _whole(fd)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(fd)


def append(path: Path, line: bytes, unless: Callable[[bytes], None] | None = None) -> None:
    """Add one line, durably. `unless` gets what is there, under the lock, and may raise to stop it.

    Raises OSError: nothing of the line is there then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked_file(path) as fd:
        end = _mend_tail(fd)
        if unless is not None:
            unless(_whole(fd))
        try:
            left = line
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, end)  # half a line would be read as damage
            raise
    if end == 0:
        _sync_directory(path.parent)


def _unreadable(path: Path, error: OSError) -> Blocked:
    return Blocked(
        t(
            "{path}: got {strerror}, expected to read what is open.",
            path=path,
            strerror=error.strerror or error,
        )
    )


def _whole(fd: int) -> bytes:
    pieces, at = [], 0
    while piece := os.pread(fd, 1 << 20, at):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


@contextmanager
def _locked_file(path: Path) -> Iterator[int]:
    """The file, locked, and still the one of that name: `prune` may have removed it while we waited."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            with _flocked(fd, fcntl.LOCK_EX, path):
                if _is_still(fd, path):
                    yield fd
                    return
        finally:
            os.close(fd)


def _is_still(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(fd)
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _mend_tail(fd: int) -> int:
    """Make the file end with a whole line; returns its length. A torn last line was never acknowledged."""
    data = _whole(fd)
    tail = data.rpartition(b"\n")[2]
    if not tail:
        return len(data)
    if not books.is_json(tail):
        os.ftruncate(fd, len(data) - len(tail))
        return len(data) - len(tail)
    os.write(fd, b"\n")
    return len(data) + 1


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _flocked(fd: int, how: int, path: Path) -> Iterator[None]:
    """The lock on an open file. Raises Blocked when somebody does not let go of it."""
    deadline = time.monotonic() + _LOCKED_WITHIN_S
    while True:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Blocked(
                    t(
                        "{path}: got it locked by somebody else for {limit_s:g} s, expected to get it. Find who holds "
                        "it (fuser {path}) and end that.",
                        path=path,
                        limit_s=_LOCKED_WITHIN_S,
                    )
                ) from None
            time.sleep(0.002)
    try:
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)
