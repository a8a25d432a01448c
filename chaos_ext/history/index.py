"""Which runs there are, told from their directories alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaos_ext.errors import Problem, UsageError
from chaos_ext.history.reading import run_facts
from chaos_ext.language import t

UNFINISHED = "unfinished"  # never judged: it goes on, or it was killed


@dataclass(frozen=True)
class Entry:
    """One run, as a list shows it."""

    run_id: str
    mode: str
    environment: str
    started: str  # wall clock, ISO 8601 UTC
    verdict: str  # a word of design/verification.md, or "unfinished"
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    exit_code: int | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def entries(runs: Path) -> list[Entry]:
    """All runs below `runs`, the newest first. Folders that are no runs are left out."""
    found = []
    for folder in sorted(runs.iterdir(), reverse=True) if runs.is_dir() else ():
        try:
            found.append(entry(folder))
        except UsageError:
            continue
    return found


def entry(folder: Path) -> Entry:
    """The run in `folder`. Raises UsageError when it is none."""
    run = run_facts(folder)
    verdict = _verdict(folder)
    return Entry(
        run_id=folder.name,
        mode=str(run.get("mode", "?")),
        environment=str(run.get("environment", "?")),
        started=str(run.get("started", "")),
        verdict=str(verdict.get("word", UNFINISHED)),
        reasons=_words(verdict.get("reasons")),
        flags=_words(verdict.get("flags")),
        exit_code=verdict.get("exit_code"),
    )


def find(runs: Path, name: str) -> Path:
    """The folder of a run: its id or the unique beginning or end of it, "last", or a path. Raises UsageError."""
    if "/" in name or (Path(name) / "run.json").is_file():
        return Path(name)
    known = sorted(folder.name for folder in runs.iterdir() if folder.is_dir()) if runs.is_dir() else []
    if name == "last" and known:
        return runs / known[-1]
    fits = [run for run in known if run == name] or [
        r for r in known if r.startswith(name) or r.endswith(name)
    ]
    if len(fits) == 1:
        return runs / fits[0]
    got = t("{name!r}, which fits {fits} runs", name=name, fits=len(fits)) if fits else repr(name)
    raise UsageError(
        [Problem("RUN", "", got, t("the id of one run, or 'last'"), t("Try: chaos history list"))]
    )


def _verdict(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "verdict.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _words(reasons: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(r["word"]) for r in reasons or () if isinstance(r, dict) and "word" in r))
