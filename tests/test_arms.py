"""What was asked for comes to these trials, in this order; what cannot be tried is left out and said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from chaos_ext import arms, compile, environments
from chaos_ext.catalog import load
from chaos_ext.errors import UsageError
from chaos_ext.model import Arm, Mutation, Variant
from chaos_ext.runbook.parse import parse

ROOT = Path(__file__).parents[1]


def _runbook(name):
    return parse(ROOT / "catalog" / "runbooks" / f"{name}.md")


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        ("smoke", {"treatment": 1, "no-action": 1}),
        ("standard", {"treatment": 5, "no-action": 3}),
        ("treatment=5,no-action=3,look-only", {"treatment": 5, "no-action": 3, "look-only": 1}),
        (" healthy , treatment = 2", {"treatment": 2, "healthy": 1}),
        ("mutated=2,without-step,treatment", {"treatment": 1, "without-step": 1, "mutated": 2}),
    ],
)
def test_arms_are_a_set_or_a_list(asked, counts):
    assert {str(arm): count for arm, count in arms.counts(asked).items()} == counts


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("standart", "Did you mean 'standard'"),
        ("treatment,mutant", "Did you mean 'mutated'"),
        ("treatment=0", "from 1 to 1000"),
        ("treatment=-1", "from 1 to 1000"),
        ("treatment=five", "from 1 to 1000"),
        ("treatment=²", "from 1 to 1000"),
        ("treatment=1001", "from 1 to 1000"),
        ("treatment,treatment=2", "it twice"),
        ("no-action=3", "at least one treatment"),
        ("", "at least one treatment"),
        (",,", "at least one treatment"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(asked, said):
    with pytest.raises(UsageError, match=said):
        arms.counts(asked)


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(UsageError) as error:
        arms.counts("treatmnt,no-action=x,healthy,healthy")
    assert len(error.value.problems) == 3


def test_certify_tries_every_step_and_every_mistake():
    lab = environments.load("lab")
    planned, left_out = arms.trials(arms.counts("certify"), _runbook("postgresql-lock-held"), lab)

    assert Counter(variant.arm for variant in planned) == {
        Arm.TREATMENT: 29,
        Arm.NO_ACTION: 3,
        Arm.LOOK_ONLY: 1,
        Arm.HEALTHY: 1,
        Arm.WITHOUT_STEP: 2 * 5,
        Arm.MUTATED: 2 * 3 + 1,
    }
    assert {v.mutation for v in planned if v.arm is Arm.MUTATED} == set(Mutation)
    assert left_out == []


def test_what_cannot_be_tried_is_left_out_and_said():
    lab = environments.load("lab")
    asked = arms.counts("certify")
    nothing_to_do = _runbook("service-replica-killed")

    for environment, runbook, gone, said in (
        (lab, nothing_to_do, {"without-step", "mutated"}, "no step that changes something on lab"),
        (lab, None, {"look-only", "healthy", "without-step", "mutated"}, "has no runbook"),
        (
            lab.model_copy(update={"disposable": False}),
            _runbook("postgresql-lock-held"),
            {"mutated"},
            "thrown away afterwards",
        ),
    ):
        planned, left_out = arms.trials(asked, runbook, environment)
        assert {each.name for each in left_out} == gone
        assert all(said in each.why for each in left_out)
        assert not gone & {str(variant.arm) for variant in planned}


def test_the_order_is_a_treatment_and_then_what_the_seed_says():
    planned, _ = arms.trials(
        arms.counts("certify"), _runbook("postgresql-lock-held"), environments.load("lab")
    )
    orders = [arms.ordered(planned, seed) for seed in range(20)]
    assert all(order[0].arm is Arm.TREATMENT for order in orders)
    assert all(Counter(order) == Counter(planned) for order in orders)
    assert orders == [arms.ordered(planned, seed) for seed in range(20)]
    assert len({tuple(map(str, order)) for order in orders}) == 20


def test_trials_sort_by_their_number_as_names_too():
    planned = [Variant(Arm.TREATMENT)] * 120
    names = [name for name, _ in arms.numbered(planned)]
    assert names == sorted(names)
    assert names[0] == "001-treatment"
    assert [name for name, _ in arms.numbered(planned[:2])] == ["01-treatment", "02-treatment"]


@pytest.mark.parametrize(
    ("exercised", "left"),
    [
        (
            ("parameters", "step-1", "step-4", "step-5"),
            {"without-step-end-session", "without-step-limit-idle", "mutated-swapped-end-session"},
        ),
        (("parameters", "step-1", "step-4"), {"without-step-end-session"}),
    ],
)
def test_a_step_that_the_runbook_never_came_to_is_not_tried(exercised, left):
    runbook = _runbook("postgresql-lock-held")
    some = [
        Variant(Arm.WITHOUT_STEP, "end-session"),
        Variant(Arm.WITHOUT_STEP, "limit-idle"),
        Variant(Arm.MUTATED, "end-session", Mutation.SWAPPED),
    ]
    assert {str(v) for v in some if arms.come_to(v, runbook, "lab", exercised)} == left
    assert arms.come_to(Variant(Arm.HEALTHY), runbook, "lab", exercised)


@pytest.fixture
def experiment():
    catalog = load.catalog(ROOT)
    return compile.compile_experiment(
        catalog, catalog.modes["postgresql-lock-held"], environments.load("lab")
    )


def test_when_nothing_is_to_be_broken_nothing_in_the_experiment_can(experiment):
    healthy = arms.experiment_of(experiment, Variant(Arm.HEALTHY))
    assert [activity["name"] for activity in healthy["method"]] == ["respond", "recovered"]
    assert healthy["rollbacks"] == []
    assert "inject" not in str(healthy)
    assert "inject" in str(experiment)


def test_after_a_mistake_verification_has_the_last_word(experiment):
    mutated = arms.experiment_of(experiment, Variant(Arm.MUTATED, "end-session", Mutation.CUT))
    assert mutated["method"][:-1] == experiment["method"]
    assert mutated["method"][-1]["provider"]["arguments"] == {"runbook": "runbooks/postgresql-lock-held.md"}


@pytest.mark.parametrize("arm", [Arm.TREATMENT, Arm.NO_ACTION, Arm.LOOK_ONLY])
def test_other_arms_run_the_experiment_as_it_was_compiled(experiment, arm):
    assert arms.experiment_of(experiment, Variant(arm)) == experiment


@pytest.mark.parametrize(
    "asked", [*arms.SETS, "treatment=5,no-action=3,look-only=1", "treatment=1,mutated=2"]
)
def test_what_is_told_to_type_again_asks_for_the_same(asked):
    assert arms.spelled(arms.counts(asked)) == asked
