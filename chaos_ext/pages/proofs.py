"""What the kept runs prove of each failure mode, by environment: where it stands, and when it was last proven."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import UsageError
from chaos_ext.history import index, measured
from chaos_ext.history.entries import NOT_JUDGED, Entry
from chaos_ext.history.index import Index
from chaos_ext.history.measured import Measured
from chaos_ext.history.status import NEVER, Standing, standings
from chaos_ext.model import Environment, VerdictWord
from chaos_ext.pages.kept import read
from chaos_ext.pages.run import Run, told

GOOD = (VerdictWord.VERIFIED, VerdictWord.REPRODUCED)


@dataclass(frozen=True)
class Proof:
    """One failure mode in one environment, of which a run was judged."""

    standing: Standing
    run: Run | None  # the one it stands on; None: its bundle is not here, or cannot be read
    proven: str  # when it was last verified or reproduced (ISO 8601 UTC); empty: never
    runs: int  # that were judged


@dataclass(frozen=True)
class Place:
    """One environment with all that was proven in it."""

    environment: Environment
    last: Mapping[str, Measured]
    standings: Mapping[str, Standing]  # of every failure mode that can be tried there
    proofs: Mapping[str, Proof]  # of those that were


def places(runs: Path, catalog: Catalog, environments: Iterable[Environment], now: datetime) -> list[Place]:
    """What `runs` prove of `catalog`, for each environment."""
    asked = list(environments)

    def ask(known: Index) -> tuple[list[Entry], list[list[Standing]]]:
        return known.entries(), [standings(known, catalog, each, now) for each in asked]

    entries, stands = index.asked(runs, ask)
    judged = [entry for entry in entries if entry.verdict not in NOT_JUDGED]
    found = []
    for environment, of in zip(asked, stands, strict=True):
        known = {each.mode: each for each in of}
        proofs = {
            each.mode: _proof(runs, each, [entry for entry in judged if _is_of(entry, each)])
            for each in of
            if each.word != NEVER
        }
        found.append(Place(environment, measured.last(runs, catalog, environment), known, proofs))
    return found


def _proof(runs: Path, standing: Standing, entries: Iterable[Entry]) -> Proof:
    of = list(entries)
    good = [entry.started for entry in of if entry.verdict in GOOD and not entry.flags]
    run = None if standing.where else _run(runs / standing.run_id)
    return Proof(standing, run, max(good, default=""), len(of))


def _is_of(entry: Entry, standing: Standing) -> bool:
    return (entry.mode, entry.environment) == (standing.mode, standing.environment)


def _run(folder: Path) -> Run | None:
    try:
        return told(read(folder))
    except UsageError:
        return None
