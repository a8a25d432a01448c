"""Runs a reader under watch: nothing is executed, nothing written, no socket, no trap imported, and it ends."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import urllib3  # noqa: F401 - binds a socket when it is imported, to see whether there is IPv6
from fuzz.hostile import MARKER, TRAP

R = TypeVar("R")
CPU_S, WALL_S = (
    6.0,
    90.0,
)  # generous: what is watched takes milliseconds; a busy machine takes no CPU time from us

_FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile", "pty.spawn",
    "socket.connect", "socket.bind", "socket.getaddrinfo", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod",
    "os.link", "os.symlink", "os.truncate", "os.kill", "os.putenv", "shutil.rmtree", "webbrowser.open", "ctypes.dlopen",
)  # fmt: skip
_seen: list[str] = []
_watching = False


class TookTooLong(BaseException):
    """The deadline passed. Not an Exception, so that nobody takes it for one of theirs."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event in _FORBIDDEN:
        _seen.append(f"{event}{arguments[:1]}")
    elif event == "subprocess.Popen":
        if list(arguments[1])[1:] != ["-n"] or not str(arguments[0]).endswith(
            "bash"
        ):  # bash reads, and runs nothing
            _seen.append(f"{event}{arguments[:2]}")
    elif event == "open":
        path, mode, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND)
        if isinstance(path, (str, bytes, os.PathLike)) and (writes or (mode and set(mode) & set("wax+"))):
            _seen.append(f"open({path!r}, {mode!r})")
    elif event == "import" and arguments[0].partition(".")[0] == TRAP:
        _seen.append(f"import {arguments[0]}")


sys.addaudithook(_hook)  # stays for the life of the process, and sleeps unless something is watched


@contextmanager
def _ended_in_time() -> Iterator[None]:
    def ring(number: int, frame: Any) -> None:
        where = "".join(traceback.format_stack(frame)[-6:])
        raise TookTooLong(f"{CPU_S} s of CPU time" if number == signal.SIGPROF else f"{WALL_S} s", where)

    before = [signal.signal(number, ring) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), before, strict=True):
            signal.signal(number, handler)


def watched(read: Callable[[], R]) -> R:
    """What `read` returns or raises. AssertionError when it did something else besides, or did not end."""
    global _watching
    _seen.clear()
    no_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _watching = True
    try:
        with _ended_in_time():
            result = read()
    except TookTooLong as late:
        raise AssertionError(f"did not end within {late.args[0]}:\n{late.args[1]}") from None
    finally:
        _watching = False
        sys.dont_write_bytecode = no_bytecode
    assert not _seen, f"a reader did more than read: {_seen}"
    assert not Path(MARKER).exists(), "a text of the file was executed"
    return result
