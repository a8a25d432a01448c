"""The schedule never slips, and flows do not fire together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.meter.schedule import FRESH_EVERY, Schedule

RATES = {"submit": 10.0, "dashboard": 30.0}


@given(st.lists(st.floats(0, 3), min_size=1, max_size=30), st.floats(0, 1e6))
def test_late_looks_change_nothing(looks: list[float], start: float) -> None:
    seen = Schedule(RATES, start)
    got = [due for look in sorted(looks) for due in seen.due(start + look)]
    assert got == list(Schedule(RATES, start).due(start + max(looks)))
    for name, rate in RATES.items():
        own = [due for due in got if due.flow == name]
        assert [due.number for due in own] == list(range(len(own)))
        for due in own:
            assert due.scheduled == pytest.approx(own[0].scheduled + due.number / rate)
            assert due.fresh == (due.number % FRESH_EVERY == 0)
    assert all(start < due.scheduled for due in got)


def test_flows_do_not_fire_together() -> None:
    times = [due.scheduled for due in Schedule(RATES, 0.0).due(20.0)]
    assert len(times) == pytest.approx(800, abs=2)
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) > 1 / 30 / 3


def test_next_is_what_comes_due() -> None:
    schedule = Schedule(RATES, 5.0)
    for _ in range(50):
        at = schedule.next_at
        assert list(schedule.due(at - 1e-9)) == []
        assert [due.scheduled for due in schedule.due(at)] == [at]


def test_needs_a_flow() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Schedule({}, 0.0)
