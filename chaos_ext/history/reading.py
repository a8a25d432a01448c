"""A run's directory back into evidence. Damage is told, not raised: what cannot be read proves nothing."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chaos_ext.errors import Problem, UsageError
from chaos_ext.history import manifest
from chaos_ext.language import t
from chaos_ext.meter import samples
from chaos_ext.meter.reads import READS, read_reads
from chaos_ext.model import Arm, Environment, Event, FailureMode, Services, Variant
from chaos_ext.record import read_events
from chaos_ext.verdict.evidence import RunEvidence, TrialEvidence

_TRIAL = re.compile(r"\d+-(.+)")
SCHEMA = 1  # of run.json and verdict.json: what this version writes, and the newest that it reads
M = TypeVar("M", bound=BaseModel)
V = TypeVar("V")


def load(folder: Path) -> RunEvidence:
    """Everything that was saved of the run in `folder`.

    Raises UsageError when it is no run, or what it was about cannot be read; damage to a trial's records is
    part of the evidence.
    """
    run = run_facts(folder)
    bad: list[str] = []
    events: list[Event] = _or(lambda: list(read_events(folder / "events.jsonl")), [], bad, "events.jsonl")
    bad += [t("{file}: missing", file=file) for file in _gone(folder)]
    return RunEvidence(
        mode=_model(folder / "mode.json", FailureMode),
        environment=_model(folder / "environment.json", Environment),
        services=_model(folder / "services.json", Services),
        trials=tuple(_trial(path) for path in trial_folders(folder)),
        arms=planned(run),
        events=tuple(events),
        unreadable=tuple(bad),
        runbook_digest=_runbook_digest(run),
    )


def _gone(folder: Path) -> list[str]:
    """Files that were sealed with the run and are not there: what they held is not known, which is not nothing."""
    try:
        sealed = manifest.sealed_files((folder / manifest.NAME).read_bytes())
    except (OSError, ValueError):  # not sealed, or 'chaos history check' tells
        return []
    return [file for file in sealed if not os.path.lexists(folder / file)]


def run_facts(folder: Path) -> dict[str, Any]:
    """The content of run.json. Raises UsageError when `folder` is not the directory of a run, or a newer version's."""
    path = folder / "run.json"
    value = _json(path)
    if not isinstance(value, dict):
        raise UsageError([Problem(str(path), "", t("no object"), t("the facts of a run"))])
    schema = value.get("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        hint = t("A newer chaos-ext kept this run. Upgrade chaos-ext here.")
        raise UsageError(
            [Problem(str(path), "schema", repr(schema), t("at most {schema}", schema=SCHEMA), hint)]
        )
    return value


def planned(run: dict[str, Any]) -> tuple[Arm, ...]:
    """The arms of a run, each as often as it was planned; none when run.json does not say."""
    plan = run.get("plan")
    if isinstance(plan, list):
        return tuple(variant.arm for name in plan if (variant := _named(str(name))) is not None)
    counts = run.get("arms")
    if not isinstance(counts, dict):
        return ()
    known = {arm.value: arm for arm in Arm}
    return tuple(known[arm] for arm, count in counts.items() if arm in known for _ in range(int(count)))


def _runbook_digest(run: dict[str, Any]) -> str:
    known = run.get("digests")
    made = known.get("runbook") if isinstance(known, dict) else None
    return str(made.get("sha256") or "") if isinstance(made, dict) else ""


def trial_folders(folder: Path) -> list[Path]:
    """The folders of the run's trials, in their order."""
    trials = folder / "trials"
    return sorted(p for p in trials.iterdir() if variant_of(p)) if trials.is_dir() else []


def variant_of(trial: Path) -> Variant | None:
    """What a trial's folder says it tried; None when it is no trial's."""
    match = _TRIAL.fullmatch(trial.name)
    return None if match is None else _named(match[1])


def _named(name: str) -> Variant | None:
    try:
        return Variant.named(name)
    except ValueError:
        return None


def _trial(folder: Path) -> TrialEvidence:
    variant = variant_of(folder)
    assert variant is not None
    bad: list[str] = []
    journal = _or(lambda: _read_journal(folder / "journal.json"), None, bad, "journal.json")
    return TrialEvidence(
        trial=folder.name,
        arm=variant.arm,
        step=variant.step,
        mutation=variant.mutation,
        events=tuple(_or(lambda: list(read_events(folder / "events.jsonl")), [], bad, "events.jsonl")),
        samples=tuple(_or(lambda: samples.read(folder / "samples.jsonl"), [], bad, "samples.jsonl")),
        writes=tuple(_or(lambda: _writes(folder / "writes.jsonl"), [], bad, "writes.jsonl")),
        journal=journal,
        read_back=tuple(_or(lambda: _read_back(folder / "readback.jsonl"), [], bad, "readback.jsonl")),
        reads=tuple(_or(lambda: read_reads(folder / READS), [], bad, READS)),
        unreadable=tuple(bad),
    )


def _or(read: Callable[[], V], otherwise: V, bad: list[str], name: str) -> V:
    """What was read; a file that is not there holds nothing, one that is damaged is told besides."""
    try:
        return read()
    except FileNotFoundError:
        return otherwise
    except (OSError, ValueError, TypeError) as error:
        bad.append(f"{name}: {error}")
        return otherwise


def _writes(path: Path) -> list[dict[str, Any]]:
    """The lines of a write log: before a write was sent, and what became of it."""
    lines = list(samples.json_lines(path))
    for number, line in enumerate(lines, start=1):
        texts = ("id", "flow", "text") if "flow" in line else ("id", "outcome")
        at = line.get("at")
        is_time = isinstance(at, int | float) and not isinstance(at, bool) and abs(at) < math.inf
        if not is_time or not all(isinstance(line.get(name), str) for name in texts):
            raise ValueError(t("{path}:{number}: not a line of a write log", path=path, number=number))
    return lines


def _read_back(path: Path) -> list[dict[str, Any]]:
    """What was read back of each flow from each store, as it came; once there were no names of stores."""
    lines = list(samples.json_lines(path))
    for number, line in enumerate(lines, start=1):
        named = isinstance(line.get("flow"), str) and isinstance(line.get("store", ""), str)
        if not named or not isinstance(line.get("items"), list):
            raise ValueError(t("{path}:{number}: not what was read back of a flow", path=path, number=number))
    return lines


def _read_journal(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_bytes())
    if not isinstance(value, dict):
        raise ValueError(t("not an object"))
    run = value.get("run") or []
    if not isinstance(run, list) or not all(
        isinstance(each, dict) and isinstance(each.get("activity") or {}, dict) for each in run
    ):
        raise ValueError(t("its 'run' is no list of activities"))
    return value


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        problem = Problem(
            str(path), "", t("no such file"), t("the directory of a run"), t("Try: chaos history list")
        )
    except (OSError, ValueError) as error:
        problem = Problem(str(path), "", t("a damaged file ({error})", error=error), "JSON")
    raise UsageError([problem])


def _model(path: Path, model: type[M]) -> M:
    try:
        return model.model_validate(_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise UsageError([Problem(str(path), at, repr(first["input"]), first["msg"])]) from error
