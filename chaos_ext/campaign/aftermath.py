"""After a run was killed: wait until its janitor has put everything right, say what happened, judge what there is."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

from chaos_ext import labs, run
from chaos_ext.errors import ChaosExtError
from chaos_ext.language import t
from chaos_ext.model import Verdict
from chaos_ext.safety import heal, janitor, ledger
from chaos_ext.safety.ledger import Entry

_JANITOR_WITHIN_S = 200.0  # the longest undo, and the labs after it


def how_it_ended(number: int) -> str:
    """The signal that ended a process, in words: ``was killed by SIGKILL``."""
    try:
        return t("was killed by {signal}", signal=signal.Signals(number).name)
    except ValueError:
        return t("was killed by signal {number}", number=number)


def settle(pid: int, started: str, state: Path) -> list[str]:
    """Wait until nothing of the dead runner is left; returns what is left all the same, in words.

    Its janitor does the work. What that leaves (it was killed too) is undone and taken down here.
    """
    directory = state / "ledger"
    janitor.wait_for_end_of(pid, started, _JANITOR_WITHIN_S)
    left: list[str] = []
    try:
        mine = [entry for entry in ledger.read_all(directory, []) if _is_of(entry, pid, started)]
        outcomes = heal.heal(directory, None, lambda _: None, mine)
        left += [str(outcome) for outcome in outcomes if outcome.state == "failed"]
        for lab in labs.listed():
            if lab["owner_pid"] == pid and lab["left_over"]:
                labs.down(lab["name"])
    except ChaosExtError as error:
        left.append(str(error))
    return left


def _is_of(entry: Entry, pid: int, started: str) -> bool:
    return entry.is_open and (entry.runner_pid, entry.runner_started) == (pid, started)


def judged(bundle: Path, why: str, left: list[str]) -> Verdict | None:
    """Seal the bundle of a dead run, with the verdict on what it had saved; None when that cannot be done."""
    with contextlib.suppress(OSError, ChaosExtError):
        return run.seal_dead(bundle, why, left)
    return None
