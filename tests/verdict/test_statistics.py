"""Each bound against what others have published of it, and what must hold of any of its kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.verdict.statistics import (
    fisher_exact,
    holm,
    not_slower_than_the_slowest,
    success_rate_at_least,
    tolerance_bound,
)


@pytest.mark.parametrize(("n", "percent"), [(1, 5), (3, 37), (5, 55), (10, 74), (29, 90), (59, 95)])
def test_what_a_clean_sheet_shows(n: int, percent: int) -> None:
    assert round(100 * success_rate_at_least(n)) == percent


@pytest.mark.parametrize(
    ("successes", "of", "rate"),
    [
        # One-sided 95 % limits are the two-sided 90 % limits of the tables: 9 of 10 and 5 of 10 by Clopper and Pearson.
        pytest.param(9, 10, 0.6058, id="9 of 10"),
        pytest.param(5, 10, 0.2224, id="5 of 10"),
        pytest.param(1, 10, 0.0051, id="1 of 10"),
        # The reliability demonstrated by 92 of 93: the second-order value of Wilks, 95 % at 95 %.
        pytest.param(92, 93, 0.9500, id="92 of 93"),
        pytest.param(0, 7, 0.0, id="none"),
    ],
)
def test_what_a_sheet_with_failures_shows(successes: int, of: int, rate: float) -> None:
    assert success_rate_at_least(successes, of) == pytest.approx(rate, abs=1e-4)


@given(st.integers(0, 40), st.integers(0, 40))
def test_one_success_more_shows_more_and_never_more_than_was_seen(successes: int, failures: int) -> None:
    of = successes + failures
    rate = success_rate_at_least(successes, of)
    assert rate <= (successes / of if of else 0.0)
    assert rate <= success_rate_at_least(successes + 1, of + 1)
    assert rate >= success_rate_at_least(successes, of + 1)


def test_more_than_there_were_is_refused() -> None:
    with pytest.raises(ValueError, match="6 of 5"):
        success_rate_at_least(6, 5)


def test_no_trial_shows_nothing() -> None:
    assert success_rate_at_least(0) == 0
    assert fisher_exact(5, 5, 0, 0) == 1
    assert tolerance_bound([], 0.5) is None
    assert not_slower_than_the_slowest(0) == 0


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((5, 5, 0, 3), 1 / 56),
        ((1, 1, 0, 1), 1.0),
        ((29, 29, 0, 3), 1 / 4960),
        ((3, 4, 1, 4), 34 / 70),  # Fisher's own tea tasting, two-sided
    ],
)
def test_fisher(table: tuple[int, int, int, int], p: float) -> None:
    assert fisher_exact(*table) == pytest.approx(p)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_fisher_is_a_probability_and_knows_no_order(a: int, b: int, c: int, d: int) -> None:
    p = fisher_exact(a, a + b, c, c + d)
    assert 0 < p <= 1
    assert p == pytest.approx(fisher_exact(c, c + d, a, a + b))


@pytest.mark.parametrize(
    ("chances", "corrected"),
    [
        pytest.param([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], id="four, as in Wikipedia and R"),
        pytest.param([0.03, 0.02], [0.04, 0.04], id="never smaller than one before it"),
        pytest.param([0.6, 0.7], [1.0, 1.0], id="never above one"),
        pytest.param([0.02], [0.02], id="one question needs no correction"),
        pytest.param([], [], id="none"),
    ],
)
def test_holm(chances: list[float], corrected: list[float]) -> None:
    assert holm(chances) == pytest.approx(corrected)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_lies_between_nothing_and_bonferroni(chances: list[float]) -> None:
    corrected = holm(chances)
    for p, q in zip(chances, corrected, strict=True):
        assert p <= q <= min(1.0, len(chances) * p) + 1e-12
    ranks = sorted(range(len(chances)), key=lambda i: chances[i])
    assert [corrected[i] for i in ranks] == sorted(corrected)


@pytest.mark.parametrize(
    # The sample sizes of first, second and third order for 95 % at 95 % (NUREG/CR-6752 and others), and for 90 %.
    ("n", "coverage", "order"),
    [(59, 0.95, 1), (93, 0.95, 2), (124, 0.95, 3), (29, 0.90, 1), (22, 0.90, 1), (46, 0.90, 2)],
)
def test_wilks(n: int, coverage: float, order: int) -> None:
    confidence = 0.9 if n == 22 else 0.95
    values = list(range(1, n + 1))
    assert tolerance_bound(values, coverage, confidence) == n - order + 1
    fewer = tolerance_bound(values[:-1], coverage, confidence)
    assert fewer == (
        None if order == 1 else n - order + 1
    )  # one order less: of one value less, so the same value


def test_the_slowest_of_so_many_covers() -> None:
    assert [round(100 * not_slower_than_the_slowest(n)) for n in (1, 5, 29, 59)] == [5, 55, 90, 95]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=80), st.floats(0.05, 0.99))
def test_a_tolerance_bound_was_measured_and_covers_at_least_its_share_of_what_was(
    values: list[float], coverage: float
) -> None:
    bound = tolerance_bound(values, coverage)
    assert bound is None or bound in values
    if bound is not None:
        assert sum(value <= bound for value in values) >= coverage * len(values)
    assert (bound is None) == (coverage > not_slower_than_the_slowest(len(values)) + 1e-12) or abs(
        coverage - not_slower_than_the_slowest(len(values))
    ) < 1e-9
