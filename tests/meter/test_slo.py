"""Promises kept or broken: exact statistics, and what users feel."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.meter.samples import Sample
from chaos_ext.meter.slo import allowed, binomial_tail, impact_of, meets_slo, percentile, summary
from chaos_ext.model import Impact, Slo

SLO = Slo.model_validate({"success": "99%", "latency": "800ms", "percentile": 95})
STRICT = Slo.model_validate({"success": "100%", "latency": "800ms", "percentile": 100})


def ops(good: int, failed: int = 0, slow: int = 0) -> list[Sample]:
    made = [(0.01, "")] * good + [(0.01, "status 503")] * failed + [(1.0, "")] * slow
    return [Sample("f", i, i, i, i + took, not why, why) for i, (took, why) in enumerate(made)]


@given(st.integers(0, 120), st.integers(0, 125), st.integers(1, 99))
def test_binomial_tail_is_exact(n: int, k: int, percent: int) -> None:
    p = Fraction(percent, 100)
    exact = sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))
    assert binomial_tail(k, n, percent / 100) == pytest.approx(float(exact), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("k", "n", "p", "expected"),
    [
        pytest.param(100, 100_000, 0.01, 1.0, id="far-below-the-mean-does-not-underflow-to-0"),
        pytest.param(90_000, 100_000, 0.01, 0.0, id="far-above"),
        pytest.param(1, 10, 0.0, 0.0, id="never"),
        pytest.param(10, 10, 1.0, 1.0, id="always"),
        pytest.param(0, 0, 0.5, 1.0, id="nothing"),
    ],
)
def test_binomial_tail_at_the_edges(k: int, n: int, p: float, expected: float) -> None:
    assert binomial_tail(k, n, p) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("samples", "slo", "expected"),
    [
        pytest.param([], SLO, None, id="no-data"),
        pytest.param(ops(30), SLO, True, id="all-good"),
        pytest.param(ops(29, failed=1), SLO, True, id="one-of-thirty-may-be-bad-luck"),
        pytest.param(ops(27, failed=3), SLO, False, id="three-of-thirty-are-not"),
        pytest.param(ops(0, failed=1), SLO, True, id="one-failure-alone-is-on-the-edge"),
        pytest.param(ops(1000, failed=10), SLO, True, id="exactly-as-promised"),
        pytest.param(ops(1000, failed=20), SLO, False, id="twice-as-many"),
        pytest.param(ops(27, slow=3), SLO, True, id="three-slow-of-thirty-may-be"),
        pytest.param(ops(20, slow=10), SLO, False, id="ten-slow-of-thirty"),
        pytest.param(ops(1000, failed=1), STRICT, False, id="none-may-fail"),
        pytest.param(ops(1000, slow=1), STRICT, False, id="none-may-be-slow"),
    ],
)
def test_meets_slo(samples: list[Sample], slo: Slo, expected: bool | None) -> None:
    assert meets_slo(samples, slo) is expected
    assert summary(samples, slo).meets_slo is expected


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], None, id="no-data"),
        pytest.param(ops(30), Impact.NONE, id="none"),
        pytest.param(ops(29, failed=1), Impact.NONE, id="bad-luck"),
        pytest.param(ops(20, failed=10), Impact.DEGRADED, id="a-third-fails"),
        pytest.param(ops(10, failed=10), Impact.DEGRADED, id="half-succeeds"),
        pytest.param(ops(9, failed=10), Impact.OUTAGE, id="under-half"),
        pytest.param(ops(0, slow=20), Impact.DEGRADED, id="all-slow"),
    ],
)
def test_impact_of(samples: list[Sample], expected: Impact | None) -> None:
    assert impact_of(samples, SLO) is expected


def words(good: int, **failed: int) -> list[Sample]:
    """Operations that failed in these ways."""
    made = ops(good)
    for why, count in failed.items():
        made += [
            Sample("f", len(made) + i, 0.0, 0.0, 0.01, False, why.replace("_", " ")) for i in range(count)
        ]
    return made


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param(words(0, late=20), Impact.LATE, id="all-late"),
        pytest.param(words(10, late=10), Impact.LATE, id="half-late"),
        pytest.param(words(27, stale=3), Impact.STALE, id="three-stale-of-thirty"),
        pytest.param(words(29, wrong=1), Impact.NONE, id="one-wrong-of-thirty-is-bad-luck"),
        pytest.param(words(28, wrong=2), Impact.NONE, id="two-wrong-of-thirty-may-be"),
        pytest.param(words(10, late=9, status_503=1), Impact.LATE, id="nine-of-ten-late"),
        pytest.param(words(10, late=8, status_503=1), Impact.DEGRADED, id="eight-of-nine-late"),
        pytest.param(words(0, late=8, status_503=2), Impact.OUTAGE, id="all-fail-eight-of-ten-late"),
        pytest.param(words(5, stale=5, wrong=5), Impact.OUTAGE, id="half-stale-half-wrong"),
        pytest.param(words(0, late=1), Impact.LATE, id="the-only-one-is-late"),
        pytest.param(words(0, status_503=1), Impact.OUTAGE, id="the-only-one-fails"),
        pytest.param([*words(0, late=1), *ops(0, slow=20)], Impact.DEGRADED, id="slow-and-one-late"),
    ],
)
def test_the_words_of_what_failed(samples: list[Sample], expected: Impact) -> None:
    assert impact_of(samples, SLO) is expected


@given(good=st.integers(0, 60), planted=st.integers(1, 60), other=st.integers(0, 10))
def test_a_planted_word_is_told_when_nearly_all_failures_are_of_it(
    good: int, planted: int, other: int
) -> None:
    measured = impact_of(words(good, late=planted, reset=other), SLO)
    as_failures = impact_of(words(good, reset=planted + other), SLO)
    if as_failures is Impact.NONE or planted < 0.9 * (planted + other):
        assert measured is as_failures
    else:
        assert measured is Impact.LATE


def test_summary() -> None:
    figures = summary(ops(18, failed=1, slow=1), SLO)
    assert (figures.operations, figures.failed, figures.success) == (20, 1, 0.95)
    assert figures.p_latency_s == pytest.approx(1.0)  # the 95th of 19 is the slowest
    empty = summary([], SLO)
    assert empty.as_dict() == {
        "operations": 0,
        "failed": 0,
        "success": None,
        "p_latency_s": None,
        "meets_slo": None,
    }


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile([], 99) is None
    assert percentile([3, 1, 2], 50) == 2
    assert percentile(range(1, 101), 99) == 99
    assert percentile(range(1, 101), 100) == 100


def test_allowed_is_not_fooled_by_rounding() -> None:
    assert allowed(10, 0.9) == 1
    assert allowed(100, 0.99) == 1
    assert allowed(99, 0.99) == 0
    assert allowed(1000, 0.999) == 1
