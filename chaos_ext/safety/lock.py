"""One at a time: advisory locks that the kernel lets go of when their holder dies, so none is ever stale."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.record import wall_now
from chaos_ext.safety import processes
from chaos_ext.safety.ledger import file_stem

T = TypeVar("T")
GIVEN_UP_S = 60.0  # an undo of this process that was given up may still come to its end
_SAID_AFTER_S = 1.0


@contextmanager
def hold(directory: Path, instance: str, holder: str) -> Iterator[None]:
    """Be the only run in `instance` for the time of the block.

    `holder` says what holds it ("chaos verify redis-memory-full"). Raises Blocked naming who holds it, and
    since when, when somebody else does.
    """
    path = directory / f"{file_stem(instance)}.run.lock"
    try:
        fd = _acquire(path, f"'{instance}'")
        _write_label(fd, holder)
    except OSError as error:
        raise Blocked(
            t("{path}: got {strerror}, expected to lock it.", path=path, strerror=error.strerror)
        ) from error
    try:
        yield
    finally:
        _release(path, fd)


class _Turn:
    """The lock of somebody who undoes: held until they are through, and until what they gave up of it has ended."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path, self._fd = path, fd
        self._users = 1
        self._lock = threading.Lock()
        self.given_up_at: float | None = None

    def kept(self, work: Callable[[], T]) -> Callable[[], T]:
        with self._lock:
            self._users += 1

        def then() -> T:
            try:
                return work()
            finally:
                self._leave()

        return then

    def over(self) -> None:
        self.given_up_at = time.monotonic()
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
        _turns.pop(self._path, None)
        _release(self._path, self._fd)


_turns: dict[Path, _Turn] = {}  # of this process
_turn: ContextVar[_Turn | None] = ContextVar("undoing", default=None)


@contextmanager
def undoing(
    directory: Path, instance: str, what: str, waits: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Be the only one who undoes in `instance`: runner, janitor and `chaos heal` may want to at once.

    Waits for the others as long as they live: an undo takes what it takes, and the kernel lets go of a dead one's lock.
    `waits` is told whom it waits for, once, when that takes a moment. What this very process has given up is waited for
    GIVEN_UP_S; then raises Blocked. Where no lock file can be made (a full disk) it goes on without: undoing twice is
    harmless, not undoing is not.
    """
    path = directory / f"{file_stem(instance)}.undo.lock"
    try:
        fd = _wait_for(path, instance, waits)
    except OSError:
        yield
        return
    _write_label(fd, what)
    turn = _turns[path] = _Turn(path, fd)
    token = _turn.set(turn)
    try:
        yield
    finally:
        _turn.reset(token)
        turn.over()


def kept(work: Callable[[], T]) -> Callable[[], T]:
    """`work` of somebody who is `undoing`, to be done in another thread: the others wait until it has really ended."""
    turn = _turn.get()
    return work if turn is None else turn.kept(work)


def _wait_for(path: Path, instance: str, waits: Callable[[str], None] | None) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    while (fd := _try(path)) is None:
        now = time.monotonic()
        turn = _turns.get(path)
        if turn is not None and turn.given_up_at is not None and now - turn.given_up_at > GIVEN_UP_S:
            raise Blocked(
                t(
                    "undo in '{instance}': got one of this process that was given up and goes on, expected it to end. "
                    "End this process, then run 'chaos heal'.",
                    instance=instance,
                )
            )
        if waits is not None and now - began > _SAID_AFTER_S:
            waits(t("waiting for {who}", who=_who(path)))
            waits = None
        time.sleep(0.01)
    return fd


def remove_if_free(path: Path) -> None:
    """Remove a lock file that a killed holder left; one that is held stays."""
    with contextlib.suppress(OSError):
        if (fd := _try(path)) is not None:
            _release(path, fd)


def holder_of(directory: Path, instance: str) -> dict[str, Any] | None:
    """Who holds `instance` on this machine now: what, who, host, pid, since; None when nobody does."""
    path = directory / f"{file_stem(instance)}.run.lock"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None  # a killed holder left it
    except BlockingIOError:
        return _label(path)
    finally:
        os.close(fd)


def _acquire(path: Path, subject: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    if (fd := _try(path)) is None:
        raise Blocked(
            t(
                "{subject}: got taken by {who}, expected free. Wait for it or stop it.",
                subject=subject,
                who=_who(path),
            )
        )
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


def _write_label(fd: int, what: str) -> None:
    """Who has it, for those who do not get it: without that when the disk is full, it is ours all the same."""
    with contextlib.suppress(OSError):
        os.ftruncate(fd, 0)  # of a killed holder's
        os.write(fd, json.dumps(_holder(what)).encode())


def _holder(what: str) -> dict[str, Any]:
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as containers have
        who = f"uid {os.getuid()}"
    return {"what": what, "who": who, "host": processes.host(), "pid": os.getpid(), "since": wall_now()}


def _label(path: Path) -> dict[str, Any]:
    """What a holder wrote of itself; of one that has just taken it nothing is known yet."""
    unknown = dict.fromkeys(("what", "who", "host", "pid", "since"), "?")
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {key: str(held[key]) for key in unknown}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {**unknown, "host": processes.host()}


def _who(path: Path) -> str:
    held = _label(path)
    if held["what"] == "?":
        return t("somebody who has just taken it")
    return t("{what} of {who} on {host} (pid {pid}, since {since})", **held)
