"""More labs than the machine can bear are refused, with the reason and a number that works."""

from __future__ import annotations

import pytest

from chaos_ext.campaign import capacity
from chaos_ext.model import Environment

GB = 2**30


@pytest.mark.parametrize(
    ("jobs", "cores", "free", "told"),
    [
        pytest.param(1, 1, 0, (), id="one is never too many"),
        pytest.param(2, 2, 8 * GB, (), id="a core for each"),
        pytest.param(50, 2, 24 * GB, ("got 50", "at most 2", "core", "Try: JOBS=2"), id="more than cores"),
        pytest.param(
            8, 16, 3 * GB, ("at most 4", "memory", "3.0 GB are free", "Try: JOBS=4"), id="more than memory"
        ),
        pytest.param(2, 4, GB // 2, ("at most 1", "memory", "Try: JOBS=1"), id="memory for none"),
    ],
)
def test_what_a_machine_can_bear(jobs: int, cores: int, free: int, told: tuple[str, ...]) -> None:
    problem = capacity.too_many(jobs, cores, free)
    assert (problem is None) is (told == ())
    assert all(words in str(problem) for words in told)


def test_this_machine_has_a_core_and_some_memory() -> None:
    assert capacity.cores() >= 1
    assert capacity.available_bytes() > 0


def test_a_place_that_is_no_lab_bears_one_run(lab: Environment) -> None:
    elsewhere = lab.model_copy(update={"platform": "aws"})
    assert capacity.problem(1, elsewhere) is None
    assert "only the lab has" in str(capacity.problem(2, elsewhere))
