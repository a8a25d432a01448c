from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.verdict.statistics import fisher_exact, success_rate_at_least


@pytest.mark.parametrize(("n", "percent"), [(1, 5), (3, 37), (5, 55), (10, 74), (29, 90), (59, 95)])
def test_what_a_clean_sheet_shows(n: int, percent: int) -> None:
    assert round(100 * success_rate_at_least(n)) == percent


def test_no_trial_shows_nothing() -> None:
    assert success_rate_at_least(0) == 0
    assert fisher_exact(5, 5, 0, 0) == 1


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
