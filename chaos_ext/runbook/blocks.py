"""Runs blocks of a runbook, judges them, and carries what they export to the next."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from chaos_ext.errors import Interrupted
from chaos_ext.language import t
from chaos_ext.masking import register
from chaos_ext.masking.masker import masker_of
from chaos_ext.runbook.execute import Ended, Shell
from chaos_ext.runbook.expect import mismatch
from chaos_ext.runbook.model import Block, Step
from chaos_ext.safety import orphans

Line = Callable[[str, str], object]  # ("stdout" or "stderr", a line), as it arrives


@contextmanager
def open_shell(
    variables: Mapping[str, str], secrets: Mapping[str, str], path: Sequence[str]
) -> Iterator[Shell]:
    """A place to run blocks in; its HOME is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=orphans.home_prefix(), ignore_cleanup_errors=True) as home:
        yield Shell(Path(home), {**variables, **secrets}, path)


class Blocks:
    """Runs single blocks, judges them and carries their exports forward."""

    def __init__(self, shell: Shell, secrets: Mapping[str, str], aborting: threading.Event) -> None:
        self.shell = shell
        self.secrets = secrets
        self.aborting = aborting
        masker = masker_of(frozenset(secrets.values()) | register.values())
        self.hide = masker.whole

    def run(self, step: Step, block: Block, line: Line, limit_s: float | None = None) -> Ended:
        """Run `block`, at most for `limit_s` seconds when that is less than its own limit.

        What it exports is kept when it did what it should. Raises Interrupted when `aborting` was set.
        """
        ended = self.shell.run(
            block.code,
            name=step.key,
            timeout_s=block.timeout_s if limit_s is None else min(limit_s, block.timeout_s),
            secrets=self.secrets.values(),
            line=line,
            aborting=self.aborting,
        )
        if ended.aborted or self.aborting.is_set():
            raise Interrupted(t("stopped at {heading}", heading=step.heading))
        if self.judge(block, ended) is None:
            self.shell.variables.update(ended.exports)
            if block.exports:
                self.shell.variables[block.exports] = ended.stdout.strip()
        return ended

    def judge(self, block: Block, ended: Ended) -> str | None:
        """Why a block did not do what the runbook says, or None."""
        if ended.timed_out:
            return t("not done within {timeout_s:g} s", timeout_s=block.timeout_s)
        if ended.exit is not None and ended.exit < 0:
            return t(
                "ended by signal {signal}, expected exit code {exit}", signal=-ended.exit, exit=block.exit
            )
        if ended.exit != block.exit:
            return t("exit code {exit}, expected {expected}", exit=ended.exit, expected=block.exit)
        return mismatch(block.expects, ended.stdout, self.hide) if block.expects else None

    def run_until_it_holds(self, step: Step, block: Block, line: Line) -> tuple[Ended, str | None]:
        """Poll until the block held for `stable` seconds; it must begin to hold within `within` seconds.

        Returns how the last run ended, and why it does not hold, or None. Output that repeats the run before
        is left out.
        """
        deadline = time.monotonic() + block.within_s
        holds_since: float | None = None
        shown: list[tuple[str, str]] | None = None
        while True:
            begun = time.monotonic()
            limit = block.timeout_s
            if holds_since is None and block.within_s:
                limit = min(limit, max(deadline - begun, block.every_s))
            lines: list[tuple[str, str]] = []
            ended = self.run(step, block, _into(lines), limit)
            if lines != shown:
                for stream, text in lines:
                    line(stream, text)
                shown = lines
            why = self.judge(replace(block, timeout_s=limit), ended)
            now = time.monotonic()
            if why is None:
                holds_since = begun if holds_since is None else holds_since
                if now - holds_since >= block.stable_s:
                    return ended, None
            else:
                if block.within_s:
                    why = t("{why}, not within {within_s:g} s", why=why, within_s=block.within_s)
                if holds_since is not None:
                    why = t("held for {held_s:.1f} s, then: {why}", held_s=now - holds_since, why=why)
                holds_since = None
                if now >= deadline:
                    return ended, why
            if self.aborting.wait(block.every_s):
                raise Interrupted(t("stopped at {heading}", heading=step.heading))


def _into(lines: list[tuple[str, str]]) -> Line:
    def take(stream: str, line: str) -> None:
        lines.append((stream, line))

    return take
