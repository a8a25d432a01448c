"""A bundle as it is read for a page: evidence, verdict, facts, and whether every file is as it was sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_ext.errors import UsageError
from chaos_ext.history import bundle, manifest
from chaos_ext.history.reading import load, run_facts
from chaos_ext.model import Verdict
from chaos_ext.runbook.model import Runbook
from chaos_ext.runbook.parse import parse_text
from chaos_ext.verdict.evidence import RunEvidence


@dataclass(frozen=True)
class Kept:
    """Everything of one run that a page is made from."""

    folder: Path
    run: Mapping[str, Any]  # run.json
    evidence: RunEvidence
    verdict: Verdict | None  # None: never judged, or damaged
    judged: Mapping[str, Any]  # verdict.json as it is, with what a verdict has besides its word
    files: Mapping[str, Mapping[str, Any]]  # manifest.json's
    differences: tuple[manifest.Difference, ...]  # empty: all is as it was sealed
    runbook: Runbook | None


def read(folder: Path) -> Kept:
    """The bundle in `folder`. Raises UsageError when it is none, or what it was about cannot be read."""
    judged = _object(folder / "verdict.json")
    try:
        verdict = bundle.verdict_of(folder) if judged else None
    except UsageError:
        verdict = None
    return Kept(
        folder=folder,
        run=run_facts(folder),
        evidence=load(folder),
        verdict=verdict,
        judged=judged,
        files=_object(folder / manifest.NAME).get("files") or {},
        differences=tuple(manifest.check(folder)),
        runbook=_runbook(folder / "runbook.md"),
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _runbook(path: Path) -> Runbook | None:
    try:
        return parse_text(path.read_bytes().decode(errors="replace"), path)
    except OSError:
        return None
