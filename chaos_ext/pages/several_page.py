"""The page of several runs, such as a campaign: the worst first, each with its picture and its figures. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from chaos_ext.language import Language, Said, listed, t
from chaos_ext.model import text_in
from chaos_ext.pages import words
from chaos_ext.pages.files import path_of
from chaos_ext.pages.render import page
from chaos_ext.pages.run import Run
from chaos_ext.pages.run_page import caption, lost, tiles
from chaos_ext.pages.untested import untested
from chaos_ext.report.several import Result, worst_first
from chaos_ext.verdict.words import VERDICTS

_PICTURES = 100  # runs that are shown with one


def rendered(runs: Sequence[Run], language: Language, without: Sequence[Result] = ()) -> str:
    """One page of `runs`, and of what was to be run and left no bundle (`without`)."""
    ordered = _worst_first(runs)
    started = [str(run.kept.run.get("started", "")) for run in runs if run.kept.run.get("started")]
    return page(
        "several.html",
        language,
        runs=ordered,
        without=without,
        counts=_counts(ordered, without),
        started=min(started, default=""),
        environments=list(dict.fromkeys(run.kept.evidence.environment.name for run in runs)),
        pictures=_PICTURES,
        tiles=lambda run: list(tiles(run)),
        not_tested=lambda run: len(list(untested(run))),
        meaning=words.meaning,
        caption=caption,
        lost=lost,
        href=lambda run: f"./{quote(path_of(run.kept.folder, run.kept.folder.name).name)}",
        title=lambda run: text_in(run.kept.evidence.mode.title, language),
    )


def _worst_first(runs: Sequence[Run]) -> list[Run]:
    results = {
        run.kept.folder.name: Result(
            run.kept.evidence.mode.id,
            run.kept.verdict.exit_code if run.kept.verdict else 4,
            run.kept.verdict,
            run.kept.folder,
        )
        for run in runs
    }
    order = [result.bundle for result in worst_first(list(results.values()))]
    return sorted(runs, key=lambda run: order.index(run.kept.folder))


def _counts(runs: Sequence[Run], without: Sequence[Result]) -> Said:
    counted = Counter(str(run.kept.verdict.word) if run.kept.verdict else "unfinished" for run in runs)
    parts = [t("{count} {word}", count=n, word=VERDICTS.get(word, word)) for word, n in counted.items()]
    parts += [t("{count} without a run", count=len(without))] if without else []
    return listed(parts)
