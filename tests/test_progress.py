"""The time that is left: honest after a third of a run, whatever the order, and of use before."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chaos_ext import arms, environments
from chaos_ext.catalog import load
from chaos_ext.model import Arm, Mutation, Variant
from chaos_ext.progress import guess_s, left_s
from chaos_ext.runbook.parse import parse

T, N = Variant(Arm.TREATMENT), Variant(Arm.NO_ACTION)
ROOT = Path(__file__).parents[1]
MODE = "postgresql-lock-held"


@pytest.fixture
def certify():
    """The trials of ARMS=certify of a shipped mode, with a guess for each."""
    environment, mode = environments.load("lab"), load.mode(ROOT, MODE)
    runbook = parse(ROOT / "catalog" / mode.runbook)
    planned, _ = arms.trials(arms.counts("certify"), runbook, environment)
    return planned, {variant: guess_s(variant, mode, environment) for variant in planned}


def _took(variant: Variant, dice: random.Random) -> float:
    """What such a trial took on two cores, give or take: measured means, and a fifth of either more or less."""
    mean = {Arm.TREATMENT: 14.0, Arm.HEALTHY: 9.0, Arm.NO_ACTION: 17.0, Arm.LOOK_ONLY: 17.5}.get(variant.arm)
    if mean is None:  # of one step it takes the whole objective, of another it is over soon
        mean = 26.0 if variant.step == "end-session" else 15.0
    return mean * dice.uniform(0.8, 1.2)


@pytest.mark.parametrize("share", [1 / 3, 1 / 2, 2 / 3])
def test_after_a_third_the_estimate_is_within_a_quarter(certify, share):
    planned, guesses = certify
    assert len(planned) > 40
    for seed in range(200):
        dice = random.Random(seed)
        order = arms.ordered(planned, seed)
        took = [(variant, _took(variant, dice)) for variant in order]
        done = took[: round(len(took) * share)]
        really_s = sum(seconds for _, seconds in took[len(done) :])
        told_s = left_s(done, order[len(done) :], guesses)
        assert told_s == pytest.approx(really_s, rel=0.25), f"seed {seed}"


def test_a_trial_to_come_takes_what_those_like_it_took():
    cut = Variant(Arm.MUTATED, "start", Mutation.CUT)
    doubled = Variant(Arm.MUTATED, "start", Mutation.DOUBLED)
    guesses = {T: 20.0, N: 40.0, cut: 30.0, doubled: 30.0}
    assert left_s([(T, 10.0), (T, 14.0)], [T, T], guesses) == 24.0  # the same variant
    assert left_s([(cut, 50.0), (T, 10.0)], [doubled], guesses) == 50.0  # the same arm
    assert left_s([(T, 10.0)], [N], guesses) == 20.0  # half as long as guessed, like the other
    assert left_s([], [T, N], guesses) == 60.0
    assert left_s([(T, 10.0)], [], guesses) == 0.0
