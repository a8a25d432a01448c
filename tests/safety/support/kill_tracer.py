"""A run that is watched from outside, stopped at a point, and ended there in one of five ways.

Nothing of the product knows of this: its output, its events and its ledger are read every millisecond, and the
process is held (SIGSTOP) as soon as they say that the point is reached, so that what is sent next arrives there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from chaos_ext.safety import processes

MARK = "KILL_MATRIX"  # every process that a traced run starts inherits it, except blocks of runbooks
LOOK_EVERY_S = 0.001
REACHED_WITHIN_S = 60.0
SETTLED_WITHIN_S = 90.0
AT_ONCE_MS = 2000.0  # ten times what is promised, because this machine is busy and we look from outside
CLOSED = ("undone", "superseded")
OF_FAULTS = (
    "intended",
    "injected",
    "failed",
    *CLOSED,
)  # the ledger also holds who holds it, and runbooks' steps

KILL, TERM, INT, HUP, BOTH = "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "runner+janitor"
WAYS = (KILL, TERM, INT, HUP)


@dataclass
class Seen:
    """What a run has shown so far."""

    said: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)  # lines that it added to the ledger
    undoing: bool = False  # somebody undoes right now

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]

    def states(self) -> list[str]:
        return [line["state"] for line in self.entries]

    def still_open(self) -> bool:
        last = {line["entry"]: line["state"] for line in self.entries if line["state"] in OF_FAULTS}
        return any(state not in CLOSED for state in last.values())


@dataclass(frozen=True)
class Point:
    """A moment of a run, recognised from outside; `then_s` later it is held."""

    name: str
    reached: Callable[[Seen], bool]
    then_s: float = 0.0
    arm: str = "treatment"
    ask_first: Callable[[Seen], bool] | None = None  # Ctrl-C is sent here before, and the run goes on
    freeze: str = ""  # a part of the lab that does not answer from the undo's begin until the end was sent
    broken: bool = False  # it comes after an injection: a run that broke nothing was not there


class Tail:
    """New whole lines of a file that grows."""

    def __init__(self, path: Path, from_end: bool = False) -> None:
        self._path = path
        self._at = path.stat().st_size if from_end and path.exists() else 0

    def lines(self) -> list[bytes]:
        try:
            if self._path.stat().st_size <= self._at:
                return []
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.splitlines()


@dataclass
class Timing:
    """Milliseconds from the moment the end was sent; None: nothing of the kind happened."""

    begun_ms: float | None = None
    finished_ms: float | None = None
    ended_ms: float | None = None  # runner, janitor and all they had started are gone


class Traced:
    """One run under watch."""

    def __init__(
        self,
        command: list[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        directory: Path,
        ledger: Path,
        runs: Path | None = None,
    ) -> None:
        """`directory` takes its output and its temporary files; `ledger` is the folder of the ledgers.

        `runs` is where its bundle will be; without it, it is a plain `chaos run`, whose trial is in `directory`.
        """
        self.id = uuid.uuid4().hex
        self.seen = Seen()
        self.tmp = directory / "tmp"
        self.tmp.mkdir(parents=True)
        self._out = directory / "out"
        self.trial = directory / "trial"
        self._ledger = ledger
        self._runs, self._others = runs, set(runs.glob("*")) if runs else set()
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**env, MARK: self.id, "TMPDIR": str(self.tmp)}
                | ({} if runs else {"CHAOS_TRIAL_DIR": str(self.trial)}),
            )  # fmt: skip
        self.pid = self.process.pid
        self.intended_before = 0
        self.started = processes.start_of(self.pid) or ""
        self._said = Tail(self._out)
        self._events: dict[Path, Tail] = {}
        self._entries: dict[Path, Tail] = {path: Tail(path, from_end=True) for path in ledger.glob("*.jsonl")}

    def look(self) -> Seen:
        seen = self.seen
        for line in self._said.lines():
            seen.said += line.decode(errors="replace") + "\n"
        for path in self._records():
            seen.events += map(json.loads, self._events.setdefault(path, Tail(path)).lines())
        for path in self._ledger.glob("*.jsonl"):
            tail = self._entries.setdefault(path, Tail(path))
            seen.entries += map(json.loads, tail.lines())
        seen.undoing = any(self._ledger.glob("*.undo.lock"))
        return seen

    def bundles(self) -> list[Path]:
        """The folders of its run, once there is one."""
        return [path for path in self._runs.glob("*") if path not in self._others] if self._runs else []

    def _records(self) -> list[Path]:
        folders = self.bundles()
        if self._runs is None:
            return [self.trial / "events.jsonl"]
        return [
            path for each in folders for path in (each / "events.jsonl", *each.glob("trials/*/events.jsonl"))
        ]

    def left_temporary(self) -> list[str]:
        """What lies in the folder for its temporary files, but for Python's own trial of whether it can write there.

        `tempfile` writes four bytes into a file of eight letters and removes it; one killed in between leaves it.
        """
        return [
            f"temporary: {path.name}"
            for path in self.tmp.iterdir()
            if not (len(path.name) == 8 and path.is_file() and path.read_bytes() in (b"", b"blat"))
        ]

    def until(self, reached: Callable[[Seen], bool], what: str) -> None:
        deadline = time.monotonic() + REACHED_WITHIN_S
        while not reached(self.look()):
            if self.process.poll() is not None:
                if reached(self.look()):  # it ended in the meantime
                    return
                whys = [event["why"] for event in self.seen.events if event.get("why")]
                raise AssertionError(f"ended before '{what}': {whys or self.seen.said[-1500:]}")
            assert time.monotonic() < deadline, f"not within {REACHED_WITHIN_S:g} s: {what}"
            time.sleep(LOOK_EVERY_S)

    def hold(self) -> None:
        """Stop it where it is; returns once it stands still."""
        if self.process.poll() is not None:
            return
        os.kill(self.pid, signal.SIGSTOP)
        process = psutil.Process(self.pid)
        while process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            time.sleep(LOOK_EVERY_S)

    def go_on(self) -> None:
        if self.process.returncode is None:
            os.kill(self.pid, signal.SIGCONT)

    def janitor(self) -> psutil.Process | None:
        """Its janitor, when it has one already."""
        for process in psutil.Process(self.pid).children():
            try:
                if "chaos_ext.safety.janitor" in process.cmdline():
                    return process
            except psutil.Error:
                continue
        return None

    def end(self, way: str) -> float:
        """End it in that way; the moment (monotonic) at which that was sent."""
        janitor = self.janitor() if way == BOTH and self.process.poll() is None else None
        self.intended_before = self.look().states().count("intended")
        sent = time.monotonic()
        if self.process.poll() is not None:
            return sent
        if way in (KILL, BOTH):
            if janitor is not None:
                janitor.kill()  # first: it must not see the runner go
            self.process.kill()
        elif way == TERM:
            os.kill(self.pid, signal.SIGTERM)
        else:  # a terminal's: to all of its group
            os.killpg(self.pid, signal.Signals[way])
        self.go_on()
        return sent

    def settle(self, sent: float, *, alone: bool = False) -> Timing:
        """Wait until it, its janitor and all that they started are gone; `alone`: only itself."""
        timing = Timing()
        was_open = self.look().still_open()
        if self.seen.undoing and was_open:
            timing.begun_ms = 0.0
        deadline = sent + SETTLED_WITHIN_S
        looked = 0.0
        while True:
            moment = time.monotonic()
            seen = self.look()
            was_open = was_open or seen.still_open()
            if seen.undoing and timing.begun_ms is None:
                timing.begun_ms = (moment - sent) * 1000
            if was_open and timing.finished_ms is None and not seen.still_open():
                timing.finished_ms = (moment - sent) * 1000
            self.process.poll()
            if moment - looked > 0.05:
                looked = moment
                if self.process.returncode is not None and (alone or not self.left_running()):
                    self.look()
                    timing.ended_ms = (moment - sent) * 1000
                    return timing
            if moment > deadline:
                return timing
            time.sleep(LOOK_EVERY_S)

    def went_on(self, timing: Timing) -> list[str]:
        """What it did although it had been told to end."""
        wrong = []
        if self.seen.states().count("intended") > self.intended_before:
            wrong.append("injected something after it was told to end")
        if (timing.begun_ms or 0.0) > AT_ONCE_MS:
            wrong.append(f"the undo did not begin at once, but after {timing.begun_ms:.0f} ms")
        return wrong

    def left_running(self) -> list[str]:
        """What it started and lives: by its own mark, and by the mark of its runbook's blocks."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                environment = process.environ()
                block = environment.get("CHAOS_BLOCK", "").startswith(f"{self.pid}-")
                if block or environment.get(MARK) == self.id:
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:90]}")
            except psutil.Error:
                continue
        return found

    def end_all(self) -> None:
        """Whatever is left after a test that failed."""
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                block = environment.get("CHAOS_BLOCK", "").startswith(f"{self.pid}-")
                if block or environment.get(MARK) == self.id:
                    process.kill()
            except psutil.Error:
                continue
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
