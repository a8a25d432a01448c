"""The janitor: a process beside the runner that puts things back when the runner cannot.

It holds one end of a socket pair; nobody but the runner holds the other (not even the runner's
children), so the kernel tells it the moment the runner is gone, SIGKILL included. It also undoes what has
outlived its lease although the runner lives. It has its own session, and ignores the signals of the
terminal that ended the runner. Its work is in `watch.py`; this is the runner's handle.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.masking import register
from chaos_ext.safety import ledger_postgresql, processes
from chaos_ext.safety.ledger import Entry

ANSWER_WITHIN_S = 10.0
_BYE_WITHIN_S = 180.0  # it may have a slow undo to finish
_handles: weakref.WeakSet[Janitor] = weakref.WeakSet()


class Janitor:
    """A running janitor, as the runner sees it. Every method may be called from any thread."""

    def __init__(self, channel: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self._channel: socket.socket | None = channel
        self._process = process
        self._buffer = b""
        self._is_ready = False
        self._told: frozenset[str] = frozenset()  # secrets that it hides in what it says
        self._lock = threading.Lock()
        _handles.add(self)

    @classmethod
    def start(cls, ledger_dir: Path) -> Janitor:
        """Start one for the faults of `ledger_dir`, and wait until it is ready. Raises Blocked."""
        janitor = cls.start_in_background(ledger_dir)
        janitor.ready()
        return janitor

    @classmethod
    def start_in_background(cls, ledger_dir: Path) -> Janitor:
        """Like `start`, but without waiting: it gets ready while the runner does other things."""
        ours, theirs = socket.socketpair()
        pid, started = processes.myself()
        command = [sys.executable, "-m", "chaos_ext.safety.janitor"]
        command += [str(theirs.fileno()), str(ledger_dir.absolute()), str(pid), started]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise Blocked(
                t("janitor: got {error}, expected to start it. Nothing is injected.", error=error)
            ) from error
        finally:
            theirs.close()
        ours.settimeout(ANSWER_WITHIN_S)
        janitor = cls(ours, process)
        # what the runner can import, the janitor must be able to import
        janitor._send({"sys_path": [path or os.getcwd() for path in sys.path]})
        return janitor

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ready(self) -> None:
        """Wait until it answers. Raises Blocked when it does not: nothing may be injected without it."""
        self._ask({"ping": True})

    def expect(self, entry: Entry) -> None:
        """Tell it of a fault that is about to be injected; returns once it could undo it at once.

        Raises Blocked when it is dead or cannot import the undo: then nothing may be injected.
        """
        message: dict[str, Any] = {"expect": entry.id, "path": str(entry.path)}
        if (
            entry.ledger
        ):  # it must be able to write there what became of it; by this line, which nobody else sees
            message |= {"ledger": entry.ledger, "password": ledger_postgresql.password_of(entry.ledger)}
        self._ask(message)

    def at_death(self, key: str, argv: list[str]) -> None:
        """Have it run `argv` after it has undone everything, should the runner die. Does not wait for it."""
        message = {"at_death": key, "argv": argv, "cwd": os.getcwd()}
        with self._lock:
            self._send(message)

    def forget(self, key: str) -> None:
        """Take back `at_death(key, …)`."""
        with self._lock:
            self._send({"forget": key})

    def close(self) -> list[str]:
        """Orderly end: it undoes what is still open, if anything, and ends. Returns what it undid, in words.

        Never raises; a janitor that is dead already has nothing to say.
        """
        with self._lock:
            try:
                self._wait_until_ready()
                self._send({"bye": True})
                if self._channel is not None:
                    self._channel.settimeout(_BYE_WITHIN_S)
                undid = self._receive().get("undid", [])
            except Blocked:
                undid = []
            self._let_go()
            with contextlib.suppress(subprocess.TimeoutExpired):  # still at it; it ends by itself
                self._process.wait(ANSWER_WITHIN_S)
        return [str(line) for line in undid]

    def _ask(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._wait_until_ready()
            if (secrets := register.values()) != self._told:
                self._send({"secrets": sorted(secrets)})
                self._told = secrets
            self._send(message)
            answer = self._receive()
        if "error" in answer:
            raise Blocked(
                t(
                    "janitor: got {error}, expected to be able to undo. Nothing is injected.",
                    error=answer["error"],
                )
            )

    def _wait_until_ready(self) -> None:
        if not self._is_ready:
            self._receive()
            self._is_ready = True

    def _send(self, message: dict[str, Any]) -> None:
        try:
            if self._channel is None:
                raise OSError("closed")
            self._channel.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise self._dead(error) from error

    def _receive(self) -> dict[str, Any]:
        try:
            while b"\n" not in self._buffer:
                data = self._channel.recv(65536) if self._channel is not None else b""
                if not data:
                    raise OSError("the end of the line")
                self._buffer += data
        except OSError as error:
            raise self._dead(error) from error
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _dead(self, error: OSError) -> Blocked:
        self._let_go()  # a late answer must not be taken for the next one
        return Blocked(
            t(
                "janitor (pid {pid}): got {error}, expected an answer within {s:g} s. Without a janitor nothing "
                "more is injected.",
                pid=self._process.pid,
                error=str(error) or type(error).__name__,
                s=ANSWER_WITHIN_S,
            )
        )

    def _let_go(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def wait_for_end_of(runner_pid: int, runner_started: str, limit_s: float) -> bool:
    """Wait until the janitor of that runner has ended; whether it has, after at most `limit_s` seconds."""
    found = [each for each, runner in _living() if runner == (runner_pid, runner_started)]
    known = [(pid, began) for pid in found if (began := processes.start_of(pid)) is not None]
    deadline = time.monotonic() + limit_s
    while any(processes.is_alive(*each) for each in known):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def watched() -> set[tuple[int, str]]:
    """The runners, by pid and start, that a janitor looks after right now; it may be putting back what they left."""
    return {runner for _, runner in _living()}


def _living() -> Iterator[tuple[int, tuple[int, str]]]:
    """Every janitor's pid, and its runner."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if "chaos_ext.safety.janitor" in words and len(words) > 2 and words[-2].isdecimal():
                yield process.pid, (int(words[-2]), words[-1])


def _forked() -> None:
    """A forked copy of the runner is not the runner: it must not keep the line open."""
    for handle in list(_handles):
        handle._let_go()


os.register_at_fork(after_in_child=_forked)

if __name__ == "__main__":
    from chaos_ext.safety import watch

    watch.main(sys.argv[1:])
