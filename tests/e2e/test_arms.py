"""Every arm of one failure mode, as a user runs them; a run that is killed in the middle is gone on with."""

from __future__ import annotations

import json
import time

import pytest

pytestmark = pytest.mark.alone  # a verdict from what was measured
MODE = "postgresql-lock-held"
ARMS = "treatment=1,no-action=1,look-only,healthy,without-step=1,mutated=1"
TRIALS = 13  # 4, without either of its two steps, three mistakes in each, and the two swapped


def _finished(bundle):
    return sorted(p.parent.name for p in bundle.glob("trials/*/journal.json"))


@pytest.mark.slow  # thirteen labs and more
def test_all_arms_of_a_run_that_is_killed_in_the_middle_and_gone_on_with(project, ended):
    process = project.start("verify", MODE, "--arms", ARMS, "--seed", "5")
    ended(process)
    deadline = time.monotonic() + 240
    while not (project.bundles() and len(_finished(project.bundles()[0])) >= 3):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.kill()
    process.wait(timeout=10)
    deadline = time.monotonic() + 30
    while project.labs():
        assert time.monotonic() < deadline, "the janitor takes the labs down"
        time.sleep(0.5)
    (first,) = project.bundles()
    before = _finished(first)

    done = project.chaos("verify", MODE, "--arms", ARMS, "--resume", timeout=400)

    assert done.code == 0, done.out + done.err
    assert project.bundles()[0] == first
    second = project.bundles()[1]
    assert json.loads((second / "run.json").read_text())["resumes"] == first.name
    for name in before:
        assert f"{name} is taken over from {first.name}" in done.out
        samples = "trials", name, "samples.jsonl"
        assert second.joinpath(*samples).read_bytes() == first.joinpath(*samples).read_bytes()
    assert len(_finished(second)) == TRIALS
    assert f"of {TRIALS} trials, about" in done.out

    verdict = json.loads((second / "verdict.json").read_text())
    assert verdict["word"] == "verified"
    assert [step["step"] for step in verdict["steps"]] == ["end-session", "limit-idle"]
    assert verdict["steps"][0]["without"] == {"back": 0, "of": 1}
    assert verdict["steps"][1]["without"] == {"back": 1, "of": 1}
    found = {(m["mutation"], m["step"]): m["finding"] for m in verdict["mutations"]["mutants"]}
    assert found[("wrong-target", "end-session")] == "noticed"
    assert "blind" not in found.values()
    assert len(found) == 7
    assert "Verification noticed 1 of 1 mistakes" in done.out
    assert project.labs() == []


def test_a_plan_says_every_trial_and_what_is_left_out(project):
    done = project.chaos("verify", "service-replica-killed", "--arms", "certify", "--dry-run")
    assert done.code == 0, done.err
    assert "29 × treatment, 3 × no-action, 1 × look-only, 1 × healthy" in done.out
    assert "mutated left out: the runbook has no step that changes something on lab" in done.out
    assert project.bundles() == []


def test_arms_that_do_not_exist_are_refused_before_anything_starts(project):
    done = project.chaos("verify", MODE, "--arms", "treatment=2,mutant")
    assert done.code == 2
    assert "Did you mean 'mutated'?" in done.err
    assert project.bundles() == []
