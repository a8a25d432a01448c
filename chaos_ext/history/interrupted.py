"""An interrupted run that can be gone on with: its finished trials, when nothing that they rest on has changed.

Its bundle is sealed and stays as it is. The run that goes on has a bundle of its own and copies the trials into it, so
each bundle tells a whole story by itself.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import UsageError
from chaos_ext.history import freshness, manifest
from chaos_ext.history.bundle import verdict_of
from chaos_ext.history.index import UNFINISHED, entries
from chaos_ext.history.reading import run_facts, trial_folders
from chaos_ext.model import Arm, Environment, FailureMode
from chaos_ext.record import read_events


def to_go_on_with(
    runs: Path,
    catalog: Catalog,
    mode: FailureMode,
    environment: Environment,
    arms: Mapping[Arm, int],
    seed: int | None = None,
) -> Path | None:
    """The run of `mode` to go on with, or None: the newest sealed one, when it was interrupted and is whole.

    It was to have the same arms (and, when given, the same seed), and everything that its verdict would rest on is as
    it was. A run that nobody sealed goes on, or was killed and is sealed first (`leftovers.seal_dead_runs`).
    """
    for entry in entries(runs):  # the newest first
        if entry.mode != mode.id or entry.environment != environment.name or entry.verdict == UNFINISHED:
            continue
        folder = runs / entry.run_id
        return folder if _fits(folder, catalog, mode, environment, arms, seed) else None
    return None


def _fits(
    folder: Path,
    catalog: Catalog,
    mode: FailureMode,
    environment: Environment,
    arms: Mapping[Arm, int],
    seed: int | None,
) -> bool:
    try:
        recorded, verdict = run_facts(folder), verdict_of(folder)
    except UsageError:
        return False
    was_interrupted = any(reason.word == "interrupted" for reason in verdict.reasons)
    asked_the_same = recorded.get("arms") == {str(arm): count for arm, count in arms.items()}
    same_order = isinstance(recorded.get("seed"), int) and seed in (None, recorded["seed"])
    return (
        was_interrupted
        and asked_the_same
        and same_order
        and not manifest.check(folder)
        and not freshness.changed(recorded, freshness.facts(catalog, mode, environment))
    )


def finished_trials(folder: Path) -> dict[str, Path]:
    """The folders of the trials that came to their end, by name, whatever they showed."""
    return {path.name: path for path in trial_folders(folder) if _came_to_its_end(path)}


def _came_to_its_end(trial: Path) -> bool:
    try:
        kinds = [event["kind"] for event in read_events(trial / "events.jsonl")]
        journal: Any = json.loads((trial / "journal.json").read_bytes())
    except (OSError, ValueError, KeyError):
        return False
    return kinds[-1:] == ["trial-finished"] and "abort" not in kinds and isinstance(journal, dict)


def take_over(trial: Path, into: Path) -> None:
    """Copy a finished trial into the trials of another run, whole or not at all. Raises OSError."""
    half = into / f".{trial.name}"
    shutil.copytree(trial, half)
    half.rename(into / trial.name)


def took_s(folder: Path) -> dict[str, float]:
    """How long each finished trial of the run took, its lab included, as far as the run came to say so."""
    try:
        events = list(read_events(folder / "events.jsonl"))
    except (OSError, ValueError):
        return {}
    return {str(e["trial"]): float(e["took_s"]) for e in events if e["kind"] == "progress" and "trial" in e}
