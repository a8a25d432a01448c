"""A page of a run: how long it takes from evidence to HTML, and how large it is. The bound is one second and 1 MB.

The evidence is simulated at the lab's rate (40 operations a second, 15 s a trial), with a transcript of the size that a
shipped runbook leaves. Reading it from the disk is a line of its own when RUN=<bundle> names one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from bench.figures import figure, series
from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.history.findings import verdict_fields
from chaos_ext.pages import comment, kept, run_page, site
from chaos_ext.pages.proofs import Place
from chaos_ext.pages.run import told
from chaos_ext.runbook.parse import parse_text, read_text
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.judge import judge

ROOT = Path(__file__).resolve().parent.parent
CALLS = 7
LINES = 120  # that a runbook's blocks print in one trial


def main() -> None:
    """Print the figures."""
    for name, treated, alone in (("smoke", 1, 1), ("standard", 5, 3), ("certify", 65, 4)):
        bundle = _kept(treated, alone)
        page = _series(f"{name}: evidence to page", lambda b=bundle: run_page.rendered(told(b), "ja"), "1")
        figure("  size", len(page.encode()) / 1000, "kB", "1000")
        _series(f"{name}: evidence to comment", lambda b=bundle: comment.run_comment(told(b), "ja"))
    if found := os.environ.get("RUN"):
        _series("a bundle on the disk to page", lambda: run_page.run_page(Path(found), "ja"), "1")
    _series(f"site of the shipped catalogue ({len(_site())} pages)", _site)


def _series(name: str, make: Callable[[], Any], bound: str = "") -> Any:
    times = []
    for _ in range(CALLS + 1):
        began = time.perf_counter()
        made = make()
        times.append(time.perf_counter() - began)
    series(name, times[1:], bound=bound)  # the first call compiles the templates
    return made


def _kept(treated: int, alone: int) -> kept.Kept:
    evidence = _evidence(treated, alone)
    verdict = judge(evidence)
    return kept.Kept(
        folder=Path("/runs/20261128T224640996Z-store-down-dbde"),
        run={"started": "2026-11-28T22:46:41.001Z", "seed": 7},
        evidence=evidence,
        verdict=verdict,
        judged=verdict_fields(verdict),
        files={f"trials/{n}/logs/x.log": {"bytes": n, "sha256": "ab" * 32} for n in range(40)},
        differences=(),
        runbook=None,
    )


def _evidence(treated: int, alone: int) -> RunEvidence:
    sys.path.insert(0, str(ROOT / "tests"))  # the simulator that the verdict's tests use
    from verdict.conftest import Runs

    runs = Runs()
    told_of = [runs.treatment(number=n) for n in range(1, treated + 1)]
    told_of += [runs.no_action(number=n) for n in range(treated + 1, treated + alone + 1)]
    evidence: RunEvidence = runs.run(*told_of)
    printed = [
        {"kind": "step-output", "at": 1006.1, "step": "start", "line": f"pg-a: line {n} of what it printed"}
        for n in range(LINES)
    ]
    trials = []
    for trial in evidence.trials:
        at = next((i for i, e in enumerate(trial.events) if e["kind"] == "step-finished"), None)
        more = trial.events if at is None else (*trial.events[:at], *printed, *trial.events[at:])
        trials.append(replace(trial, events=tuple(more)))
    return replace(evidence, trials=tuple(trials))


def _site() -> dict[PurePosixPath, str]:
    catalog = load.catalog(ROOT)
    environment = environments.load("lab", ROOT)
    runbooks = {}
    for path in (ROOT / "catalog" / "runbooks").glob("*.md"):
        text = read_text(path)
        runbooks[path.stem] = (parse_text(text, path), text)
    place = Place(environment, {}, {}, {})
    return dict(site.files(site.Site(catalog, [place], runbooks, "2026-11-28T23:00:00Z"), "en"))


if __name__ == "__main__":
    main()
