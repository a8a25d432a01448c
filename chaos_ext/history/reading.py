"""A run's directory back into evidence. Damage is told, not raised: what cannot be read proves nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.meter import samples
from chaos_ext.model import Arm, Environment, Event, FailureMode, Services
from chaos_ext.record import read_events
from chaos_ext.verdict.evidence import RunEvidence, TrialEvidence

_TRIAL = re.compile(r"\d+-(" + "|".join(arm.value for arm in Arm) + ")")
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


def run_facts(folder: Path) -> dict[str, Any]:
    """The content of run.json. Raises UsageError when `folder` is not the directory of a run."""
    value = _json(folder / "run.json")
    if not isinstance(value, dict):
        raise UsageError([Problem(str(folder / "run.json"), "", t("no object"), t("the facts of a run"))])
    return value


def planned(run: dict[str, Any]) -> tuple[Arm, ...]:
    """The arms of a run, each as often as it was planned; none when run.json does not say."""
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
    return sorted(p for p in trials.iterdir() if _TRIAL.fullmatch(p.name)) if trials.is_dir() else []


def _trial(folder: Path) -> TrialEvidence:
    match = _TRIAL.fullmatch(folder.name)
    assert match is not None
    bad: list[str] = []
    journal = _or(lambda: _read_object(folder / "journal.json"), None, bad, "journal.json")
    return TrialEvidence(
        trial=folder.name,
        arm=Arm(match[1]),
        events=tuple(_or(lambda: list(read_events(folder / "events.jsonl")), [], bad, "events.jsonl")),
        samples=tuple(_or(lambda: samples.read(folder / "samples.jsonl"), [], bad, "samples.jsonl")),
        writes=tuple(_or(lambda: list(samples.json_lines(folder / "writes.jsonl")), [], bad, "writes.jsonl")),
        journal=journal,
        read_back=tuple(
            _or(lambda: list(samples.json_lines(folder / "readback.jsonl")), [], bad, "readback.jsonl")
        ),
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


def _read_object(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_bytes())
    if not isinstance(value, dict):
        raise ValueError(t("not an object"))
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
