"""Putting back what is broken: one way for the runner's own undo, the janitor, and `chaos heal`.

Prove the place, run the undo, look whether the fault is really gone, close the entry. Undoing twice
is harmless; a place that has vanished has nothing left to undo; a world that has moved on (a standby was
promoted) is left alone, and the entry says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from chaos_ext.errors import Blocked, ChaosExtError
from chaos_ext.language import t
from chaos_ext.safety import execute, guard, holders, ledger, lock, processes
from chaos_ext.safety.bounded import Bounded, Overdue
from chaos_ext.safety.ledger import Entry
from chaos_ext.safety.ledger_postgresql import Remote

UNDO_LIMIT_S = 60.0  # longest time for one undo
ONCE_LIMIT_S = 5.0  # for one that is followed by another
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
Word = Literal["undone", "superseded", "already"]


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
            outcome = undo_entry(entry, limit_s=limit_s, waits=say)
            say(str(outcome))
            outcomes.append(outcome)
    return outcomes


def undo_entry(
    entry: Entry,
    *,
    secrets: dict[str, Any] | None = None,
    limit_s: float = UNDO_LIMIT_S,
    pauses_s: tuple[float, ...] = PAUSES_S,
    waits: Say | None = None,
) -> Outcome:
    """Undo one fault, read back, and close its entry as undone, superseded or failed.

    One at a time undoes in a place; `waits` is told for whom this one waits, when that takes a moment.
    """
    book = ledger.of(entry)
    try:
        with _undoing(entry, waits):
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
    except ChaosExtError as error:  # the ledger cannot be read or written, or an undo of this process hangs
        return Outcome(entry, "failed", str(error))


def undo_once(
    entry: Entry,
    secrets: dict[str, Any] | None = None,
    limit_s: float = ONCE_LIMIT_S,
    waits: Say | None = None,
) -> Outcome | None:
    """Undo one fault while what injects it may still be at it; whoever calls undoes it again, and closes it then.

    What the undo said; None when it did not come to its end. Never raises: what went wrong shows when it is undone
    for good.
    """
    with contextlib.suppress(ChaosExtError, _Failed), _undoing(entry, waits):
        if entry.undo is not None:
            _prove(entry)
            return Outcome(entry, *_undo(entry, secrets or {}, limit_s))
    return None


@contextmanager
def _undoing(entry: Entry, waits: Say | None) -> Iterator[None]:
    """The turn to undo where `entry` is: on this machine, and for the faults of another one among all machines.

    Who undoes on the machine of the fault asks no database first.
    """
    what, directory = t("undo {name}", name=entry.name), ledger.of(entry).directory
    with ExitStack() as turns:
        turns.enter_context(lock.undoing(directory, entry.instance, what, waits))
        if _is_of_another_machine(entry):
            turns.enter_context(Remote(entry.ledger).undoing(entry.instance, waits))
        yield


def _is_of_another_machine(entry: Entry) -> bool:
    return bool(entry.ledger) and entry.runner_host != processes.host()


def _undo(entry: Entry, secrets: dict[str, Any], limit_s: float) -> tuple[Word, str]:
    """What its undo said. Raises _Failed. One that is given up keeps the turn until it has ended."""
    undo = entry.undo or {}
    return _words(
        _within(limit_s, lock.kept(lambda: execute.run(undo, entry.configuration, secrets, entry.identity)))
    )


def _as_it_stands(entry: Entry) -> tuple[Entry, bool]:
    """The entry as the ledger has it now, and whether it is there; as it was known when that cannot be read."""
    if _is_of_another_machine(entry):
        with contextlib.suppress(Blocked):
            known = ledger.of(entry).book(everything=True).entries.get(entry.id, entry)
            return replace(known, runner_is_gone=entry.runner_is_gone, ahead_s=entry.ahead_s), True
    try:
        return ledger.find(entry.path, entry.id), True
    except KeyError:
        return entry, bool(entry.ledger)  # of a shared ledger this machine has only what it had to do with
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
        _prove(entry)
    except guard.Denied as error:
        raise _Failed(
            t(
                "not touched: {error} It needs a person: see what is broken there, and put it back by hand.",
                error=error,
            ),
            again=False,
        ) from error
    except Blocked as error:
        if guard.is_gone(entry.identity):
            return Outcome(entry, "undone", t("the place is gone"))
        raise _Failed(
            t("not touched: {error}", error=error), again=not isinstance(error, guard.Mismatch)
        ) from error
    if entry.undo is None:
        if entry.holder is not None:
            return _without_undo(entry, secrets, t("it has no undo"))
        if _is_in_force(entry, secrets):
            reason = entry.cannot_be_undone_because or t("it has no undo")
            raise _Failed(t("still in force, and cannot be undone: {reason}", reason=reason), again=False)
        return Outcome(entry, "undone", t("no longer in force by itself"))
    try:
        word, why = _undo(entry, secrets, limit_s)
    except _Failed as failure:
        if entry.holder is None:
            raise
        return _without_undo(entry, secrets, str(failure))
    if word == "superseded":
        return Outcome(entry, "superseded", why)
    if not _is_gone_soon(entry, secrets):
        if entry.holder is not None:
            return _without_undo(entry, secrets, why)
        raise _Failed(t("the undo returned ({why}), but the fault is still in force", why=why))
    return Outcome(entry, word, why)


def _prove(entry: Entry) -> None:
    """Prove the place of a fault by what the ledger holds. Raises Blocked, also where it is denied by now."""
    facts, then = entry.configuration.get("chaos_facts"), entry.configuration.get("chaos_deny")
    guard.prove_identity(entry.identity, facts or {}, then)
    if set(entry.identity) != {"lab"} and (now := _denied_now(entry.environment)):  # a lab is new each time
        guard.prove_identity(entry.identity, facts or {}, now)


def _denied_now(name: str) -> dict[str, Any]:
    """What the environment's file denies; nothing where there is none any more, or nobody can read it."""
    from chaos_ext import environments

    with contextlib.suppress(ChaosExtError, OSError):
        found = environments.fill(environments.load(name), {}, only=("deny",))
        return dict(found.deny)
    return {}


def _is_gone_soon(entry: Entry, secrets: dict[str, Any]) -> bool:
    deadline = time.monotonic() + READ_BACK_S
    while _is_in_force(entry, secrets):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def _without_undo(entry: Entry, secrets: dict[str, Any], why: str) -> Outcome:
    """End the process that the fault lives in: its own undo does not work, or is gone."""
    assert entry.holder is not None
    try:
        said = holders.end(entry.holder)
    except RuntimeError as error:
        raise _Failed(t("{why}; {error}", why=why, error=error)) from error
    try:
        execute.preload(entry.in_force)
    except Exception:  # noqa: BLE001 - gone like the undo: the fault lived in that process, which has ended
        return Outcome(entry, "undone", t("{said} ({why})", said=said, why=why))
    if not _is_gone_soon(entry, secrets):
        raise _Failed(t("{said} ({why}), but the fault is still in force", said=said, why=why))
    return Outcome(entry, "undone", t("{said} ({why})", said=said, why=why))


def _words(said: Any) -> tuple[Word, str]:
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
    seen = _within(
        READ_BACK_S, lambda: execute.evidence(entry.in_force, entry.configuration, secrets, entry.identity)
    )
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
