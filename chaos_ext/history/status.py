"""Where every failure mode stands in an environment: proven, and still as it was when it was, or what else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import UsageError
from chaos_ext.history import freshness
from chaos_ext.history.entries import DAMAGED, Entry
from chaos_ext.history.index import Index
from chaos_ext.language import Said, listed, t
from chaos_ext.model import Environment, FailureMode, VerdictWord
from chaos_ext.verdict.facts import these
from chaos_ext.verdict.words import VERDICTS

NEVER, STALE, OVERDUE = "never", "stale", "overdue"
# The worst first. What was refuted, or proves nothing, and has changed since is stale: nobody knows how it is now.
WORDS = (
    VerdictWord.REFUTED,
    VerdictWord.UNKNOWN,
    NEVER,
    STALE,
    OVERDUE,
    VerdictWord.REHEARSED,
    VerdictWord.REPRODUCED,
    VerdictWord.VERIFIED,
)
SAID: dict[str, Said] = {**VERDICTS, NEVER: t("never"), STALE: t("stale"), OVERDUE: t("overdue")}
_GOOD = (VerdictWord.VERIFIED, VerdictWord.REPRODUCED, VerdictWord.REHEARSED)
_CODES = {VerdictWord.REFUTED: 1, VerdictWord.UNKNOWN: 4, NEVER: 4, STALE: 4, OVERDUE: 4}
_FLAGGED = 5
# Somebody, or the guard, did not let it come to an end. What stopped itself ("aborted") saw something.
_STOPPED = {"interrupted", "blocked"}
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Standing:
    """One failure mode in one environment. Of one that never ran, everything from `verdict` on is empty."""

    mode: str
    environment: str
    word: str  # one of WORDS, or another word that a verdict has
    priority: int
    verdict: str = ""  # as it was earned
    reasons: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  # what is not as it was then
    overdue_by_s: float = 0.0
    clock: str = ""  # what is wrong with the time of the run
    run_id: str = ""
    started: str = ""
    arms: tuple[str, ...] = ()
    recover_s: float | None = None
    where: str = ""  # the place that keeps the run; empty: here

    @property
    def good(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.word in _GOOD and not self.flags

    @property
    def exit_code(self) -> int:
        """What it is worth to a script: as that of `chaos verify`; stale, overdue and never prove nothing now."""
        return _FLAGGED if self.flags else 0 if self.good else _CODES.get(self.word, 4)

    @property
    def because(self) -> Said:
        """Why it stands where it does."""
        parts: list[object] = list(self.flags)
        if self.word == STALE:
            was = SAID.get(self.verdict, self.verdict)
            parts.append(
                t("was {verdict}; changed: {what}", verdict=was, what=these(self.changed, at_most=3))
            )
        elif self.clock:
            parts.append(self.clock)
        elif self.word == OVERDUE:
            was = SAID.get(self.verdict, self.verdict)
            days = self.overdue_by_s / 86_400
            parts.append(t("was {verdict}; due {days:.1f} days ago", verdict=was, days=days))
        else:
            parts += self.reasons
        return listed(parts)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        lists = {name: list(value) for name, value in asdict(self).items() if isinstance(value, tuple)}
        return {**asdict(self), **lists, "good": self.good}


def standings(
    index: Index, catalog: Catalog, environment: Environment, now: datetime, modes: Collection[str] = ()
) -> list[Standing]:
    """Every failure mode (or those of `modes`) that can be tried in `environment`, the worst first."""
    wanted = {
        mode.id: mode
        for mode in catalog.modes.values()
        if environment.platform in mode.reproduce and (not modes or mode.id in modes)
    }
    today = freshness.Now(catalog, environment)
    newest = index.newest(environment.name, wanted, _came_to_an_end)
    found = []
    for mode in wanted.values():
        entry = newest.get(mode.id)
        if entry is None:
            found.append(Standing(mode.id, environment.name, NEVER, mode.priority))
        else:
            found.append(_standing(index, entry, mode, today.facts(mode), now))
    return worst_first(found)


def worst_first(found: Collection[Standing]) -> list[Standing]:
    """What is broken still first, then by word, then what hurts most."""

    def rank(each: Standing) -> tuple[bool, int, int, str, str]:
        at = WORDS.index(each.word) if each.word in WORDS else len(WORDS) - 2
        return not each.flags, at, -each.priority, each.mode, each.environment

    return sorted(found, key=rank)


def _came_to_an_end(entry: Entry) -> bool:
    """A run that was stopped before it said anything takes nothing from the verdict before it."""
    stopped = bool(_STOPPED.intersection(entry.reasons)) and "aborted" not in entry.reasons
    return bool(entry.flags) or entry.verdict != VerdictWord.UNKNOWN or not stopped


def _standing(
    index: Index, entry: Entry, mode: FailureMode, today: Mapping[str, Any], now: datetime
) -> Standing:
    changed: tuple[str, ...] = ()
    word, reasons = entry.verdict, entry.reasons
    overdue_s, clock = _overdue_s(entry, mode, now)
    if word == DAMAGED:
        word, reasons = VerdictWord.UNKNOWN, (t("damaged: {file}", file=listed(reasons)),)
    else:
        try:
            changed = tuple(freshness.changed(index.facts(entry), today))
        except UsageError:
            word, reasons = VerdictWord.UNKNOWN, (t("damaged: {file}", file="run.json"),)
        if changed:
            word = STALE
        elif word in _GOOD and (overdue_s > 0 or clock):
            word = OVERDUE
    return Standing(
        mode=mode.id,
        environment=entry.environment,
        word=word,
        priority=mode.priority,
        verdict=entry.verdict,
        reasons=reasons,
        flags=entry.flags,
        changed=changed,
        overdue_by_s=max(0.0, overdue_s),
        clock=clock,
        run_id=entry.run_id,
        started=entry.started,
        arms=entry.arms,
        recover_s=entry.recover_s,
        where=entry.where,
    )


def _overdue_s(entry: Entry, mode: FailureMode, now: datetime) -> tuple[float, str]:
    """By how much the verdict is older than it may be, and what is wrong with the time that it has."""
    try:
        started = datetime.fromisoformat(entry.started)
    except ValueError:
        return 0.0, t("nobody knows when it ran")
    if started.tzinfo is None:
        started = started.replace(tzinfo=UTC)
    if started - now > _CLOCKS_DIFFER:
        return 0.0, t("it ran in the future: a clock was wrong, then or now")
    return (now - started).total_seconds() - mode.reverify_every, ""
