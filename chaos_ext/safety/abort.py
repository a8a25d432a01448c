"""The abort: one word to stop, said once, with its reason and the instant at which it was seen.

Every wait of a trial waits on it, so all of them wake at once. After that instant no mutating call starts: each is
`under_way` before it asks, by `starts`, as the last thing before the call; so whoever undoes after an abort knows of
every call that was let go on. Ways in are SIGINT, SIGTERM and SIGHUP, the loss of the
terminal (or of the connection that read what is printed), the end of a campaign's line, a record that cannot be
written, and the conditions of `conditions.py`.

A signal is heard by a thread of its own (`signal.set_wakeup_fd`): the main thread may be anywhere, in a query or in
a pause of Chaos Toolkit. Its handler only notes; it raises where nothing else would ever end, in an activity of
others. See `stopper.py` for the undo.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from chaos_ext.errors import Interrupted
from chaos_ext.language import Said, t

_LOOK_MS, _LOOK_AGAIN_MS = 50, 1000  # after an abort, where the main thread is; it needs time to clear up
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WORDS: dict[int, Said] = {
    signal.SIGINT: t("somebody pressed Ctrl-C (SIGINT)"),
    signal.SIGTERM: t("somebody ended the process (SIGTERM)"),
    signal.SIGHUP: t("the terminal is gone (SIGHUP)"),
}


@dataclass(frozen=True)
class Asked:
    """Why, by what (`signal`, `terminal`, `campaign`, `record`, `condition`, `program`), and what else is known."""

    why: str
    by: str
    condition: str = ""  # which condition, when it was one


class Abort(threading.Event):
    """Set once and never taken back; `asked` and `seen` are those of the first who asked.

    An Event, so that everything that waits for an Event can wait for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._once = threading.Lock()  # only ever tried, so a signal handler may
        self._tellers = threading.Lock()
        self._told: list[Callable[[], None]] = []
        self._marked = False
        self._seen: float | None = None
        self.asked: Asked | None = None

    def ask(self, why: str, by: str, condition: str = "") -> bool:
        """Abort, unless that was done before; whether this call did. Not for signal handlers."""
        first = self.mark(Asked(why, by, condition))
        self.heard()
        return first

    def mark(self, asked: Asked) -> bool:
        """What a signal handler may do of `ask`: it takes no lock. Whoever waits hears of it by `heard`."""
        if not self._once.acquire(blocking=False):
            return False
        self.asked = asked
        self._marked = True
        self._seen = (
            time.monotonic()
        )  # after the mark: a mutating call that did not see it had taken its time before
        return True

    def heard(self) -> None:
        """Wake everybody who waits, when it is marked."""
        if not self._marked:
            return
        super().set()
        with self._tellers:
            told, self._told = self._told, []
        for tell in told:
            tell()

    def set(self) -> None:
        """`ask` of a program that says no more."""
        self.ask(t("asked to stop"), "program")

    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._marked

    def wait(self, timeout: float | None = None) -> bool:
        """Until somebody asks to stop, or `timeout` seconds."""
        return self._marked or super().wait(timeout) or self._marked

    def when_set(self, tell: Callable[[], None]) -> None:
        """Call `tell` once somebody has asked to stop, at once when that is so; never in a signal handler."""
        with self._tellers:
            if not super().is_set():
                self._told.append(tell)
                return
        tell()

    @property
    def seen(self) -> float | None:
        """The monotonic instant at which it was seen; None before."""
        while self._marked and self._seen is None:  # the two are set one after the other
            time.sleep(0)
        return self._seen

    @property
    def why(self) -> str:
        """Why, in a sentence without its full stop."""
        return self.asked.why if self.asked is not None else t("asked to stop")


# --- what changes something ------------------------------------------------------------------------


class _UnderWay:
    """The mutating calls of this process that go on right now."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._changed = threading.Condition()

    @contextmanager
    def known(self, name: str) -> Iterator[None]:
        """Around a call that changes something, and around the question whether it still may start."""
        with self._changed:
            self._names.append(name)
        try:
            yield
        finally:
            with self._changed:
                self._names.remove(name)
                self._changed.notify_all()

    def wait_for_end(self, seconds: float) -> set[str]:
        """What is still under way after at most that long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._names, seconds)
            return set(self._names)


under_way = _UnderWay()


def injection(fault: str) -> str:
    """What the injection of a fault is called while it is under way."""
    return f"inject {fault}"


@contextmanager
def mutating(aborting: threading.Event, name: str) -> Iterator[float]:
    """Around every call that changes something: gives the instant at which it starts.

    Raises Interrupted when somebody asked to stop by then; then nothing was called. What undoes after an abort waits
    for what is inside.
    """
    with under_way.known(name):
        yield starts(aborting)


def starts(aborting: threading.Event) -> float:
    """The instant at which a call that changes something starts; nothing may stand between this and the call.

    Raises Interrupted when somebody asked to stop by then. What passes is `under_way`, and its time is taken before
    the question: an abort that is not seen here is seen later than that.
    """
    started = time.monotonic()
    if aborting.is_set():
        raise Interrupted(t("asked to stop: nothing more is started"))
    return started


# --- the ways in -----------------------------------------------------------------------------------


class Ways:
    """Listens for whatever means "stop" in this process, while a `with` block lasts."""

    def __init__(self, abort: Abort, *, reader: bool = True) -> None:
        """`reader`: whether the loss of whoever reads our output means stop."""
        self._abort = abort
        self._reader = reader
        self._before: dict[int, object] = {}
        self._thread: threading.Thread | None = None
        self._open = threading.Lock()  # while held, the descriptors are ours

    def __enter__(self) -> Ways:
        """Signals are owned only from the main thread; elsewhere Python refuses it."""
        global _listening
        self._wakes, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        self._over = False
        # Under nohup nobody means the terminal.
        self._ignored = {n for n in NUMBERS if n == signal.SIGHUP and signal.getsignal(n) is signal.SIG_IGN}
        if threading.current_thread() is threading.main_thread():
            self._before = {n: signal.getsignal(n) for n in NUMBERS if n not in self._ignored}
            self._fd_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
            self.install()
        self._outer, _listening = _listening, self._abort
        self._thread = threading.Thread(target=self._listen, name="abort", daemon=True)
        self._thread.start()
        self._abort.when_set(self._poke)
        return self

    def install(self) -> None:
        """Put our handlers (back) in place; Chaos Toolkit replaces the one of SIGTERM when it starts."""
        for number in self._before:
            signal.signal(number, self._hear)

    def __exit__(self, *_: object) -> None:
        global _listening
        _listening = self._outer
        self._poke(over=True)
        if self._thread is not None:
            self._thread.join()
        if self._before:
            signal.set_wakeup_fd(self._fd_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        for fd in (self._wakes, self._wake):
            os.close(fd)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._abort.mark(_of_signal(number))
        if frame is not None and in_hands_of_others(frame):
            from chaoslib.exceptions import InterruptExecution

            raise InterruptExecution(str(self._abort.why))

    def _poke(self, over: bool = False) -> None:
        """Wake the thread. An abort may be asked for long after we are gone: by then the number is somebody else's."""
        with self._open, contextlib.suppress(OSError):
            if not self._over:
                self._over = over
                os.write(self._wake, b"\0")

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._wakes, select.POLLIN)
        lost = _reader_of(sys.__stdout__) if self._reader and not self._ignored else None
        if lost is not None:
            poll.register(lost, 0)  # only its end
        look_ms: int | None = None
        while not self._over:
            for fd, event in poll.poll(look_ms):
                if fd == self._wakes:
                    self._woken()
                elif event & (select.POLLHUP | select.POLLERR):
                    poll.unregister(fd)
                    self._abort.ask(_gone(fd), "terminal")
                else:  # what cannot be polled here (macOS and its terminals)
                    poll.unregister(fd)
            if self._abort.is_set():
                self._wake_main_thread()
                look_ms = _LOOK_MS if look_ms is None else _LOOK_AGAIN_MS

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._wakes, 512):
                if number in NUMBERS and number not in self._ignored:
                    self._abort.mark(_of_signal(number))
        self._abort.heard()

    def _wake_main_thread(self) -> None:
        """Have the handler raise where nothing else ends: whoever asked, and also when that came only after it."""
        ident = threading.main_thread().ident
        frame = sys._current_frames().get(ident) if ident is not None else None
        if ident is None or frame is None or not in_hands_of_others(frame):
            return
        if self._before and signal.getsignal(signal.SIGTERM) == self._hear:
            signal.pthread_kill(ident, signal.SIGTERM)


_listening: Abort | None = None


def ask_this_process(why: str, by: str) -> bool:
    """Abort whatever this process runs; whether anybody listened."""
    if _listening is None:
        return False
    _listening.ask(why, by)
    return True


def in_hands_of_others(frame: FrameType) -> bool:
    """Whether the main thread is in an activity of others, or in a pause of Chaos Toolkit: nothing of ours ends these.

    Never while rollbacks run: they undo.
    """
    others: bool | None = None
    at: FrameType | None = frame
    while at is not None:
        module = str(at.f_globals.get("__name__", ""))
        if module == "chaoslib.rollback":
            return False
        if others is None and module.startswith(("chaos_ext", "chaoslib")):
            others = module == "chaoslib.activity" or module.startswith("chaoslib.provider")
        at = at.f_back
    return bool(others)


def _of_signal(number: int) -> Asked:
    return Asked(_WORDS.get(number, t("asked to stop")), "signal")


def _reader_of(stream: object) -> int | None:
    """The descriptor of a stream that somebody reads: a terminal, a pipe or a socket; None for files and the like."""
    try:
        fd = int(stream.fileno())  # type: ignore[attr-defined]
        mode = os.fstat(fd).st_mode
        return fd if os.isatty(fd) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
    except (AttributeError, OSError, ValueError):
        return None


def reader_is_gone() -> bool:
    """Whether whoever read our output is gone, for who does not listen by `Ways`. Under nohup nobody means that."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN or (fd := _reader_of(sys.__stdout__)) is None:
        return False
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


def _gone(fd: int) -> str:
    return t("the terminal is gone") if _was_terminal(fd) else t("nobody reads the output any more")


def _was_terminal(fd: int) -> bool:
    """A terminal that has hung up is no terminal to `isatty`, but still a character device."""
    try:
        return stat.S_ISCHR(os.fstat(fd).st_mode)
    except OSError:
        return False


def _pipe() -> tuple[int, int]:
    read, write = os.pipe()
    for fd in (read, write):
        os.set_blocking(fd, False)
    return read, write
