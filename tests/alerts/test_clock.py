"""Whatever another clock says, an instant of it lies in the interval that is made of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.alerts.clock import Clock, of_date, resolution, seconds

SECONDS = st.floats(0, 0.4)


@given(
    offset=st.floats(-5e8, 5e8),
    answers=st.lists(st.tuples(st.floats(0, 2), SECONDS, SECONDS), min_size=1, max_size=20),
    cut=st.sampled_from([1.0, 0.001]),
    when=st.floats(-5, 5),
    drift=st.floats(-0.0004, 0.0004),
)
def test_the_truth_is_inside(offset, answers, cut, when, drift):
    """`answers`: pause before the question, way there, way back. `cut`: how exactly the other side says its time."""

    def theirs(at):
        return at * (1 + drift) + offset

    clock, now = Clock(), 100.0
    for pause, there, back in answers:
        asked = now + pause
        said = math.floor(theirs(asked + there) / cut) * cut
        now = asked + there + back
        clock.heard(said, cut + 1e-6, asked, now)
    assert not clock.stepped
    at = now + when
    stamp = theirs(at)
    if stamp < 0:
        return
    whole = math.floor(stamp)
    text = f"{_date(whole)}.{math.floor((stamp - whole) * 1000):03d}Z"
    found = clock.instant(text)
    assert found is not None
    slack = 1e-4 + 0.0005 * 60  # the clock may have drifted since it was heard
    assert found.earliest - slack <= at <= found.latest + slack


def _date(whole):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_more_answers_make_it_narrower():
    clock = Clock()
    widths = []
    for asked in (10.0, 10.3, 10.6, 10.9, 11.2):
        clock.heard(math.floor(asked + 7.35), 1.0, asked, asked + 0.01)
        widths.append(clock.offset.latest - clock.offset.earliest)
    assert widths[0] > 1.0
    assert widths[-1] < 0.4


@pytest.mark.parametrize("step", [-30.0, 30.0, 3600.0])
def test_a_clock_that_was_set_is_not_believed_any_more(step):
    clock = Clock()
    clock.heard(1000.0, 1.0, 10.0, 10.1)
    assert clock.instant("1970-01-01T00:16:40Z") is not None
    clock.heard(1001.0 + step, 1.0, 11.0, 11.1)
    assert clock.stepped
    assert clock.instant("1970-01-01T00:16:40Z") is None


def test_nothing_is_known_before_it_said_something():
    assert Clock().instant("2025-01-01T00:00:00Z") is None


@pytest.mark.parametrize(
    ("text", "at", "cut_by"),
    [
        ("1970-01-01T00:00:01Z", 1.0, 1.0),
        ("1970-01-01T00:00:01.250Z", 1.25, 0.001),
        ("1970-01-01T00:00:01.123456789Z", 1.123456, 1e-6),  # Prometheus writes nanoseconds
        ("1970-01-01T09:00:01+09:00", 1.0, 1.0),
        ("soon", None, 1.0),
        ("", None, 1.0),
    ],
)
def test_stamps(text, at, cut_by):
    assert seconds(text) == (at if at is None else pytest.approx(at, abs=1e-9))
    assert resolution(text) == pytest.approx(cut_by)


def test_dates_of_http():
    assert of_date("Thu, 01 Jan 1970 00:00:01 GMT") == 1.0
    assert of_date("yesterday") is None
