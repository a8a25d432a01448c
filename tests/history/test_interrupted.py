"""Which interrupted run can be gone on with, and what of it is taken over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.history import bundle, manifest
from chaos_ext.history.interrupted import finished_trials, take_over, to_go_on_with
from chaos_ext.model import Arm, Reason, Verdict, VerdictWord

MODE = "postgresql-primary-down"
ARMS = {Arm.TREATMENT: 1, Arm.NO_ACTION: 1}
STOPPED = Verdict(VerdictWord.UNKNOWN, (Reason("interrupted", "It was stopped."),), (), "", 130)
FINISHED = Verdict(VerdictWord.VERIFIED, (), (), "", 0)


@pytest.fixture
def asked(new_run, project):
    """Whether the run of the project is gone on with."""
    runs = project / ".chaos" / "runs"

    def ask(arms=ARMS, seed=None, environment="lab"):
        catalog = load.catalog(project)
        place = environments.load("lab").model_copy(update={"name": environment})
        return to_go_on_with(runs, catalog, catalog.modes[MODE], place, arms, seed)

    return ask


def _events(*kinds):
    return "".join(
        json.dumps({"kind": kind, "at": float(n), "wall": ""}) + "\n" for n, kind in enumerate(kinds)
    )


def test_an_interrupted_run_of_the_same_is_gone_on_with(new_run, asked):
    run = new_run()
    assert asked() is None, "nobody sealed it: it may go on"
    bundle.seal(run, STOPPED)
    assert asked() == run
    assert asked(seed=7) == run
    assert asked(seed=8) is None
    assert asked({**ARMS, Arm.LOOK_ONLY: 1}) is None
    assert asked(environment="elsewhere") is None


def test_what_came_to_its_end_is_not_gone_on_with_nor_what_stands_before_it(new_run, asked):
    bundle.seal(new_run(), STOPPED)
    bundle.seal(new_run(), FINISHED)
    assert asked() is None


def test_a_run_of_another_catalogue_is_not_gone_on_with(new_run, asked, project):
    bundle.seal(new_run(), STOPPED)
    runbook = project / "catalog" / "runbooks" / f"{MODE}.md"
    runbook.write_text(runbook.read_text().replace("\n## Meaning", "\n\n## Meaning", 1))
    assert asked() is None


def test_a_bundle_that_was_changed_is_not_gone_on_with(new_run, asked, trial):
    run = new_run()
    folder = trial(run, "01-treatment")
    bundle.seal(run, STOPPED)
    samples = folder / "samples.jsonl"
    samples.write_bytes(samples.read_bytes() + b" ")
    assert asked() is None


@pytest.mark.parametrize(
    ("kinds", "journal", "whole"),
    [
        (("trial-started", "trial-finished"), '{"status":"completed"}', True),
        (("trial-started",), '{"status":"completed"}', False),
        (("trial-started", "abort", "trial-finished"), '{"status":"completed"}', False),
        (("trial-started", "trial-finished"), None, False),
        (("trial-started", "trial-finished"), '{"status":"comp', False),
    ],
    ids=["finished", "cut off", "stopped", "no journal", "half a journal"],
)
def test_only_trials_that_came_to_their_end_are_taken_over(new_run, trial, kinds, journal, whole):
    run = new_run()
    trial(run, "01-treatment", events_jsonl=_events(*kinds), journal_json=journal)
    assert list(finished_trials(run)) == (["01-treatment"] if whole else [])


def test_a_trial_is_taken_over_to_the_byte_and_its_run_stays_whole(new_run, trial):
    before, after = new_run(), new_run()
    folder = trial(before, "03-mutated-cut-fence", events_jsonl=_events("trial-started", "trial-finished"))
    (folder / "logs").mkdir()
    (folder / "logs" / "intake.log").write_text("x")
    bundle.seal(before, STOPPED)

    take_over(finished_trials(before)["03-mutated-cut-fence"], after / "trials")

    def content(trial: Path):
        return {str(p.relative_to(trial)): p.read_bytes() for p in trial.rglob("*") if p.is_file()}

    assert content(after / "trials" / folder.name) == content(folder)
    assert manifest.check(before) == []
