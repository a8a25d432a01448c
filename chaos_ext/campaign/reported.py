"""The pages of a campaign: one of each run that left a bundle, and one of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chaos_ext.errors import ChaosExtError
from chaos_ext.language import Language
from chaos_ext.pages import files, run_page, several_page
from chaos_ext.pages.kept import read
from chaos_ext.pages.run import Run, told
from chaos_ext.report.several import Result


def write_page(results: Sequence[Result], state: Path, language: Language) -> Path:
    """Write the page of a campaign with these results; returns where. Raises OSError.

    A run's own page is written by its process; of one that was killed it is made here. A bundle that cannot be read is
    shown as what was not run.
    """
    runs: list[Run] = []
    without: list[Result] = []
    for result in results:
        run = _read(result)
        if run is None:
            without.append(result)
            continue
        runs.append(run)
        page = files.path_of(state, run.kept.folder.name)
        if not page.exists():
            files.write(page, run_page.rendered(run, language))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return files.write(
        files.path_of(state, f"campaign-{stamp}"), several_page.rendered(runs, language, without)
    )


def _read(result: Result) -> Run | None:
    if result.bundle is None:
        return None
    try:
        return told(read(result.bundle))
    except ChaosExtError:
        return None
