"""One run in a process of its own, as its campaign sees it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from chaos_ext import run
from chaos_ext.campaign import aftermath
from chaos_ext.history.bundle import verdict_from
from chaos_ext.language import CHOICE, t
from chaos_ext.model import Event, Verdict
from chaos_ext.report.several import Result
from chaos_ext.safety import processes

_KEPT_LINES = 20  # of what a run wrote for people, for the summary
VERIFY = (sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", "verify")


class Worker:
    """A run on its way. `heard`, `says` and `ended` are called from threads of its own, `ended` once and last."""

    def __init__(
        self,
        mode: str,
        command: Sequence[str],
        state: Path,
        *,
        heard: Callable[[str, Event], None],
        says: Callable[[str, str], None],
        ended: Callable[[Result], None],
    ) -> None:
        """Start `command` for `mode`, with a line for its events. Raises OSError when no process can be had."""
        self.mode = mode
        self._state, self._heard, self._says, self._ended = state, heard, says, ended
        self._began = time.monotonic()
        self._asked = False
        self._bundle: Path | None = None
        self._verdict: Verdict | None = None
        self._lines: list[str] = []
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [*command, "--events", str(theirs.fileno()), "--", mode],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, CHOICE: "en"},  # whoever shows its words to a person translates them
                start_new_session=True,  # a Ctrl-C in the terminal is the campaign's, which passes it on
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._started = processes.start_of(self._process.pid) or ""
        self._thread = threading.Thread(target=self._follow, args=(ours,), name=mode, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask_to_stop(self) -> None:
        """Have it undo what it broke and end. Does not wait."""
        self._asked = True
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGTERM)

    # --- what it says and how it ends ---

    def _follow(self, line: socket.socket) -> None:
        assert self._process.stdout is not None
        listener = threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        listener.start()
        with line, line.makefile("rb") as events:
            for each in events:
                self._take(each)
        code = self._process.wait()
        listener.join(0.5)  # whatever it started besides may hold its output open
        note = "\n".join(self._lines)
        if code < 0:
            code, note = self._died(code)
        elif code not in run.GRAVITY or (self._verdict is None and code in (0, 1)):
            note = "\n".join([*self._lines, t("Its process ended with exit code {code}.", code=code)])
            code = run.INTERNAL  # whatever it was, nobody may take it for a verdict
        self._ended(
            Result(
                self.mode,
                code,
                verdict=self._verdict,
                bundle=self._bundle,
                seconds=time.monotonic() - self._began,
                note=note,
            )
        )

    def _take(self, line: bytes) -> None:
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:  # killed in the middle of a line
            return
        if event.get("kind") == "run-started":
            self._bundle = Path(event["bundle"])
        if event.get("kind") == "verdict":
            self._verdict = verdict_from(event)
        self._heard(self.mode, event)

    def _died(self, code: int) -> tuple[int, str]:
        """A signal ended it: see that nothing is left, and judge what it had saved."""
        how = t("Its process {how}.", how=aftermath.how_it_ended(-code))
        self._says(self.mode, t("{how} Waiting for its janitor, which undoes what it broke.", how=how))
        left = aftermath.settle(self._process.pid, self._started, self._state)
        if self._bundle is not None:
            self._verdict = aftermath.judged(self._bundle, how.rstrip("."), left) or self._verdict
        if self._verdict is not None:
            return self._verdict.exit_code, how
        return 5 if left else 130 if self._asked else 4, "\n".join([how, *left])

    def _listen(self, output: IO[bytes]) -> None:
        for each in output:
            line = each.decode("utf-8", "replace").rstrip("\n")
            self._lines = [*self._lines, line][-_KEPT_LINES:]
            self._says(self.mode, line)
