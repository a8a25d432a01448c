"""A campaign: several failure modes, so many at a time, until all have their verdict or somebody asks to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Protocol

from chaos_ext import run
from chaos_ext.campaign.workers import VERIFY, Worker
from chaos_ext.language import t
from chaos_ext.model import Event
from chaos_ext.report.several import Result
from chaos_ext.safety.abort import NUMBERS, reader_is_gone

_POLL_S = 0.1  # how long a signal may wait for its answer
INTERRUPTED = 130


class Audience(Protocol):
    """Who is shown a campaign."""

    def started(self, mode: str) -> None: ...
    def heard(self, mode: str, event: Event) -> None: ...
    def says(self, mode: str, line: str) -> None: ...
    def ended(self, result: Result) -> None: ...
    def stopping(self, modes: Sequence[str]) -> None: ...
    def notice(self, words: str) -> None: ...


@dataclass(frozen=True)
class Campaign:
    """What to run: `options` go to `command` for every mode, `jobs` at a time. `state` has the ledger."""

    modes: tuple[str, ...]
    options: tuple[str, ...]
    state: Path
    jobs: int = 1
    fail_fast: bool = False
    command: tuple[str, ...] = VERIFY


def conduct(campaign: Campaign, audience: Audience, failed: bool = False) -> list[Result]:
    """Run every mode; a result for each, in their order. Ends only when no run of it lives any more.

    With `fail_fast`, nothing new starts once a run was not good (or `failed` says that one was already); what
    goes on comes to its end, because half a run proves nothing. SIGINT, SIGTERM and SIGHUP (not under nohup) ask every
    run to stop, and so does the loss of whoever reads our output; they undo what they broke, and are waited for.
    Raises OSError when no process can be started.
    """
    return _Conductor(campaign, audience, failed).conduct()


def exit_code(results: Sequence[Result]) -> int:
    """The gravest of all that were run, or were decided before."""
    return run.gravest([0, *(each.exit_code for each in results if each.exit_code is not None)])


class _Conductor:
    def __init__(self, campaign: Campaign, audience: Audience, failed: bool) -> None:
        self._campaign = campaign
        self._audience = audience
        self._waiting = list(campaign.modes)
        self._running: dict[str, Worker] = {}
        self._results: dict[str, Result] = {}
        self._ended: SimpleQueue[Result] = SimpleQueue()
        self._failed = failed
        self._asked = 0  # times that somebody asked to stop
        self._answered = 0

    def conduct(self) -> list[Result]:
        with _signals(self._ask):
            try:
                self._until_all_are_over()
            except BaseException:  # no process could be had, or a bug of ours: nothing may be left
                for worker in self._running.values():
                    worker.ask_to_stop()
                while self._running:
                    self._running.pop(self._ended.get().mode)
                raise
        return [self._results[mode] for mode in self._campaign.modes]

    def _until_all_are_over(self) -> None:
        while self._running or self._waiting:
            if not self._asked and reader_is_gone():
                self._ask()
            if self._asked > self._answered:
                self._answer()
            self._refuse_the_rest()
            while self._waiting and len(self._running) < self._campaign.jobs:
                self._start(self._waiting.pop(0))
            try:
                self._over(self._ended.get(timeout=_POLL_S))
            except Empty:
                continue

    def _start(self, mode: str) -> None:
        audience = self._audience
        audience.started(mode)
        self._running[mode] = Worker(
            mode, (*self._campaign.command, *self._campaign.options), self._campaign.state,
            heard=audience.heard, says=audience.says, ended=self._ended.put,
        )  # fmt: skip

    def _over(self, result: Result) -> None:
        del self._running[result.mode]
        self._results[result.mode] = result
        self._failed = self._failed or not result.good
        self._audience.ended(result)

    def _refuse_the_rest(self) -> None:
        """Nothing new starts after Ctrl-C, or after a failure when that is what was asked for."""
        if self._asked:
            code, why = INTERRUPTED, t("Somebody asked to stop before its turn came.")
        elif self._failed and self._campaign.fail_fast:
            code, why = None, t("Another one was not good before its turn came, and --fail-fast was given.")
        else:
            return
        for mode in self._waiting:
            self._results[mode] = Result(mode, code, note=why)
            self._audience.ended(self._results[mode])
        self._waiting = []

    # --- signals ---

    def _ask(self) -> None:
        self._asked += 1

    def _answer(self) -> None:
        """The first is passed on; every further one is told what is waited for."""
        running = list(self._running)
        names = ", ".join(running)
        if not self._answered:
            for worker in self._running.values():
                worker.ask_to_stop()
            self._audience.stopping(running)
            if running:
                words = t("Stopping: {modes} undo what they broke and end. Nothing new starts.", modes=names)
                self._audience.notice(words)
        elif running:
            words = t(
                "Still waiting for {modes}: what was broken is being undone, and a lab is taken down. "
                "That ends by itself.",
                modes=names,
            )
            self._audience.notice(words)
        self._answered = self._asked


@contextmanager
def _signals(ask: Callable[[], None]) -> Iterator[None]:
    """Own SIGINT, SIGTERM and, unless nobody means it, SIGHUP while inside."""

    def hear(number: int, frame: FrameType | None) -> None:
        ask()

    numbers = [n for n in NUMBERS if n != signal.SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
