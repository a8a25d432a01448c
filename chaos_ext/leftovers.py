"""What killed runs left besides faults, when their janitor died too: a runbook's blocks, labs, unjudged bundles.

Called by `chaos heal`, and what costs nothing also before a new run. Whatever a living janitor looks after is left
to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chaos_ext import labs, run
from chaos_ext.errors import ChaosExtError
from chaos_ext.history import manifest, reading
from chaos_ext.language import spoken, t
from chaos_ext.safety import janitor, ledger, orphans, processes
from chaos_ext.verdict.words import VERDICTS


def end_blocks() -> Iterator[str]:
    """End what a dead runner's runbook has under way; what was done, in words.

    To be done before anything is undone: the two would work against each other.
    """
    if ended := orphans.end_of_the_dead():
        yield t("ended {count} processes of a dead run's runbook", count=ended)


def take_labs_down() -> Iterator[str]:
    """Take down labs whose run is dead; what was done, in words. Raises LabError."""
    watched = {pid for pid, _ in janitor.watched()}
    for lab in labs.listed():
        if lab["left_over"] and lab["owner_pid"] not in watched:
            labs.down(lab["name"])
            yield t("lab {name} is down: {why}", name=lab["name"], why=spoken(lab["left_over"]))


def seal_dead_runs(state: Path) -> Iterator[str]:
    """Judge and seal the bundles of runs of this machine that are dead; each in words.

    What a bundle lacks is told by its verdict, as for a run that was interrupted. One that cannot be read stays as
    it is.
    """
    runs = state / "runs"
    watched = janitor.watched()
    for folder in sorted(runs.iterdir() if runs.is_dir() else ()):
        if (folder / manifest.NAME).exists():
            continue
        try:
            runner = _dead_runner(folder)
            if runner is None or runner in watched:
                continue
            why = t("its process (pid {pid}) was killed", pid=runner[0])
            verdict = run.seal_dead(folder, why, list(_left(state / "ledger", runner)))
        except (
            OSError,
            ChaosExtError,
        ):  # somebody else was quicker, or it is damaged: 'chaos history check' tells
            continue
        yield t("sealed {run}: {word}, {why}", run=folder.name, word=VERDICTS[verdict.word], why=why)


def _dead_runner(folder: Path) -> orphans.Runner | None:
    """Who ran it, when that is known and was here, and is dead."""
    runner = reading.run_facts(folder).get("runner")
    if not isinstance(runner, dict) or runner.get("host") != processes.host():
        return None
    known = int(runner.get("pid", 0)), str(runner.get("started"))
    return None if processes.is_alive(*known) else known


def _left(directory: Path, runner: orphans.Runner) -> Iterator[str]:
    """What is broken all the same, in words."""
    for entry in ledger.read_all(directory, []):
        if entry.is_open and (entry.runner_pid, entry.runner_started) == runner:
            yield t("{name} is still broken in {instance}", name=entry.name, instance=entry.instance)
