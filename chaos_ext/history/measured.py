"""What was measured last: of each failure mode its newest judged run in an environment, and what users felt in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import UsageError
from chaos_ext.history import freshness, index
from chaos_ext.history.entries import DAMAGED, UNFINISHED, Entry
from chaos_ext.history.reading import load, run_facts
from chaos_ext.model import Environment, Impact, VerdictWord
from chaos_ext.verdict import validity
from chaos_ext.verdict.facts import Facts

_WORST_FIRST = tuple(Impact)
_NOTHING_MEASURED = {
    "interrupted",
    "blocked",
    "baseline-not-met",
    "fault-not-injected",
    "fault-not-in-force",
    "fault-expired",
}


@dataclass(frozen=True)
class Measured:
    """One run, as a table shows it.

    `impact` has the words measured in the trials that count, worst first, by flow; a flow without an operation is
    left out. `stale` names what the verdict was earned with and is another one now, such as mode, runbook, environment,
    services, the lab, or the code of an activity.
    """

    run_id: str
    started: str  # wall clock, ISO 8601 UTC
    verdict: str
    reasons: tuple[str, ...]
    impact: Mapping[str, tuple[Impact, ...]]
    stale: tuple[str, ...]


def last(runs: Path, catalog: Catalog, environment: Environment) -> dict[str, Measured]:
    """The last judged run of every failure mode of `catalog` in `environment`, by mode; none of what never ran."""
    now = freshness.Now(catalog, environment)
    newest = index.asked(runs, lambda known: known.newest(environment.name, catalog.modes, _says_something))
    found: dict[str, Measured] = {}
    for mode_id, entry in newest.items():
        folder = runs / entry.run_id
        if entry.verdict == DAMAGED:
            words = (DAMAGED,)
            found[mode_id] = Measured(entry.run_id, entry.started, VerdictWord.UNKNOWN, words, {}, ())
            continue
        found[mode_id] = Measured(
            run_id=entry.run_id,
            started=entry.started,
            verdict=entry.verdict,
            reasons=tuple(dict.fromkeys((*entry.flags, *entry.reasons))),
            impact=_impact(folder),
            stale=tuple(freshness.changed(run_facts(folder), now.facts(catalog.modes[mode_id]))),
        )
    return found


def _says_something(entry: Entry) -> bool:
    """Whether it came to its end here. What is damaged by now says that nothing is known."""
    return entry.verdict != UNFINISHED and not entry.where and not entry.removed


def _impact(folder: Path) -> dict[str, tuple[Impact, ...]]:
    """What users felt while nothing was done about it; of trials that do not count, nothing."""
    try:
        evidence = load(folder)
    except UsageError:  # damaged: it proves nothing, and says so elsewhere
        return {}
    words: dict[str, set[Impact]] = {}
    for trial in evidence.trials:
        facts = Facts(evidence, trial)
        if _counts(facts):
            for flow, figures in facts.impact.items():
                if figures.impact is not None:
                    words.setdefault(flow, set()).add(figures.impact)
    return {flow: tuple(sorted(found, key=_WORST_FIRST.index)) for flow, found in words.items()}


def _counts(facts: Facts) -> bool:
    """Whether the fault was there for as long as users were watched; without it nothing was measured."""
    return not _NOTHING_MEASURED & {reason.word for reason in validity.invalid(facts)}
