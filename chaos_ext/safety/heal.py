"""Putting back what is broken: one way for the runner's own undo, the janitor, and `chaos heal`.

Prove the place, run the undo, look whether the fault is really gone, close the entry. Undoing twice
is harmless; a place that has vanished has nothing left to undo; a world that has moved on (a standby was
promoted) is left alone, and the entry says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from chaos_ext.errors import Blocked, ChaosExtError
from chaos_ext.language import t
from chaos_ext.safety import execute, guard, ledger, lock
from chaos_ext.safety.bounded import Bounded, Overdue
from chaos_ext.safety.ledger import Entry

UNDO_LIMIT_S = 60.0  # longest time for one undo
READ_BACK_S = 10.0  # how long a fault may linger after its undo returned
PAUSES_S = (0.2, 0.5, 1.0, 2.0)  # before each further attempt
STATES: dict[str, str] = {
    "intended": t("intended"),
    "injected": t("injected"),
    "undone": t("undone"),
    "superseded": t("superseded"),
    "failed": t("failed"),
    "already": t("already"),
}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How an entry ended. `already`: somebody else had closed it before."""

    entry: Entry
    state: Literal["undone", "superseded", "failed", "already"]
    why: str

    def __str__(self) -> str:
        return t(
            "{state} {name} in {instance}: {why}",
            state=STATES[self.state],
            name=self.entry.name,
            instance=self.entry.instance,
            why=self.why,
        )


class _Failed(Exception):
    """This attempt did not undo it."""

    def __init__(self, why: str, again: bool = True) -> None:
        super().__init__(why)
        self.again = again


def heal(
    ledger_dir: Path,
    instance: str | None,
    say: Say,
    entries: Iterable[Entry] | None = None,
    limit_s: float = UNDO_LIMIT_S,
) -> list[Outcome]:
    """Undo what is open, the last fault first. Returns what became of each; never raises for one of them.

    `instance`: only this one; None: every one. `entries`: only these, instead of all in `ledger_dir`.
    """
    wanted = ledger.read_all(ledger_dir) if entries is None else list(entries)
    outcomes = []
    for entry in reversed(wanted):
        if entry.is_open and instance in (None, entry.instance):
            outcome = undo_entry(entry, limit_s=limit_s)
            say(str(outcome))
            outcomes.append(outcome)
    return outcomes


def undo_entry(
    entry: Entry,
    *,
    secrets: dict[str, Any] | None = None,
    limit_s: float = UNDO_LIMIT_S,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> Outcome:
    """Undo one fault, read back, and close its entry as undone, superseded or failed."""
    book = ledger.of(entry)
    try:
        with lock.undoing(book.directory, entry.instance, wait_s=limit_s + READ_BACK_S):
            entry, is_there = _as_it_stands(entry)
            if not entry.is_open:
                return Outcome(
                    entry,
                    "already",
                    t("{state} before: {why}", state=STATES.get(entry.state, entry.state), why=entry.why),
                )
            outcome = _attempts(entry, secrets or {}, limit_s, pauses_s)
            if not is_there:
                return replace(outcome, why=t("{why}; its ledger is gone", why=outcome.why))
            state = "undone" if outcome.state == "already" else outcome.state
            return Outcome(book.close(entry, state, outcome.why), outcome.state, outcome.why)
    except ChaosExtError as error:  # the ledger cannot be read or written, or somebody holds it for ever
        return Outcome(entry, "failed", str(error))


def _as_it_stands(entry: Entry) -> tuple[Entry, bool]:
    """The entry as the ledger has it now, and whether it is there; as it was known when that cannot be read."""
    try:
        return ledger.find(entry.path, entry.id), True
    except KeyError:
        return entry, False
    except Blocked:  # damaged: a line more can still be written
        return entry, True


def _attempts(entry: Entry, secrets: dict[str, Any], limit_s: float, pauses_s: tuple[float, ...]) -> Outcome:
    why = ""
    for pause_s in (0.0, *pauses_s):
        time.sleep(pause_s)
        try:
            return _attempt(entry, secrets, limit_s)
        except _Failed as failure:
            why = str(failure)
            if not failure.again:
                break
    return Outcome(entry, "failed", why)


def _attempt(entry: Entry, secrets: dict[str, Any], limit_s: float) -> Outcome:
    try:
        guard.prove_identity(entry.identity, entry.configuration.get("chaos_facts") or {})
    except Blocked as error:
        if guard.is_gone(entry.identity):
            return Outcome(entry, "undone", t("the place is gone"))
        raise _Failed(
            t("not touched: {error}", error=error), again=not isinstance(error, guard.Mismatch)
        ) from error
    if entry.undo is None:
        if _is_in_force(entry, secrets):
            reason = entry.cannot_be_undone_because or t("it has no undo")
            raise _Failed(t("still in force, and cannot be undone: {reason}", reason=reason), again=False)
        return Outcome(entry, "undone", t("no longer in force by itself"))
    said = _within(limit_s, lambda: execute.run(entry.undo or {}, entry.configuration, secrets))
    word, why = _words(said)
    if word == "superseded":
        return Outcome(entry, "superseded", why)
    deadline = time.monotonic() + READ_BACK_S
    while _is_in_force(entry, secrets):
        if time.monotonic() >= deadline:
            raise _Failed(t("the undo returned ({why}), but the fault is still in force", why=why))
        time.sleep(0.05)
    return Outcome(entry, "already" if word == "already" else "undone", why)


def _words(said: Any) -> tuple[str, str]:
    """What an undo said of itself; one that says nothing claims to have undone."""
    if not isinstance(said, dict) or "outcome" not in said:
        return "undone", f"{said}" if said else t("the undo returned")
    word = said["outcome"]
    if word not in ("undone", "superseded", "already"):
        raise _Failed(
            t("the undo said {word!r}, expected undone, superseded or already", word=word), again=False
        )
    return word, str(said.get("why", ""))


def _is_in_force(entry: Entry, secrets: dict[str, Any]) -> bool:
    seen = _within(READ_BACK_S, lambda: execute.evidence(entry.in_force, entry.configuration, secrets))
    return bool(seen["holds"])


def _within(limit_s: float, work: Callable[[], Any]) -> Any:
    """What `work` returns; raises _Failed when it fails or takes longer than `limit_s`.

    A thread, because Python cannot end a function from outside. One that hangs is left behind and
    is not tried again, so that two undos never run at once.
    """
    undo = Bounded("undo", work)
    try:
        return undo.wait(limit_s)
    except Overdue as error:
        raise _Failed(str(error), again=False) from error
    except Exception as error:
        raise _Failed(str(error) or type(error).__name__) from error
    except BaseException:  # Ctrl-C: nobody else may start to undo before this one has ended
        with contextlib.suppress(Exception):
            undo.wait(limit_s)
        raise
