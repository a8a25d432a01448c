"""Outages as intervals: the truth is inside, whatever the order in which operations end."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.meter import intervals
from chaos_ext.meter.samples import Sample
from chaos_ext.model import Interval, Slo

SLO = Slo.model_validate({"success": "99%", "latency": "800ms", "percentile": 95})
PERIOD = 0.1
QUICK = 0.01  # latency of a good operation, and of a refusal


def op(number: int, sent: float, done: float, why: str = "") -> Sample:
    return Sample("submit", number, sent, sent, done, not why, why)


def series(pattern: str, period: float = PERIOD) -> list[Sample]:
    """One operation a character: . good, x refused, 5 wrong status, h hung (2 s), s slow (1 s), - still under way."""
    kinds = {
        ".": (QUICK, ""),
        "x": (QUICK, "refused"),
        "5": (QUICK, "status 500"),
        "h": (2.0, "deadline"),
        "s": (1.0, ""),
    }
    return [
        op(i, i * period, i * period + kinds[c][0], kinds[c][1]) for i, c in enumerate(pattern) if c != "-"
    ]


def sent(i: int) -> float:
    return i * PERIOD


def done(i: int) -> float:
    return i * PERIOD + QUICK


@pytest.mark.parametrize(
    ("pattern", "onset", "recovery"),
    [
        pytest.param("....xxx....", (sent(3), done(4)), (sent(6), done(7)), id="refused"),
        pytest.param("....x....", (sent(3), done(4)), (sent(4), done(5)), id="one-refusal"),
        pytest.param("xxx....", None, (sent(2), done(3)), id="broken-when-the-watch-began"),
        pytest.param("....xxx", (sent(3), done(4)), None, id="not-over"),
        pytest.param("....5555....", (sent(3), done(4)), (sent(7), done(8)), id="four-wrong-answers-tell"),
        pytest.param(
            "." * 12 + "555" + "." * 12, (sent(2), done(12)), (sent(14), done(24)), id="three-do-not"
        ),
        # A hang of 3 s, begun at 0.35: what was sent less than the deadline before its end was answered late.
        pytest.param(
            "...." + "h" * 10, (sent(3), sent(4) + 2.0), None, id="hang-onset-is-known-by-the-first-deadline"
        ),
    ],
)
def test_outage(
    pattern: str, onset: tuple[float, float] | None, recovery: tuple[float, float] | None
) -> None:
    found = intervals.outage(series(pattern))
    assert found is not None
    assert found.onset == (onset and Interval(*onset))
    assert found.recovery == (recovery and Interval(*recovery))


def test_regular_patchy_outage_needs_one_more_than_the_longest_run() -> None:
    pattern = "." * 10 + "5...." * 6 + "5" + "." * 10
    found = intervals.outage(series(pattern))
    assert found is not None
    assert found.run == 5
    first, last = pattern.index("5"), pattern.rindex("5")
    assert found.onset == Interval(sent(first - 5), done(first))
    assert found.recovery == Interval(sent(last), done(last + 5))


def test_patchy_outage_without_enough_good_operations_around_it_has_no_bounds() -> None:
    found = intervals.outage(series("...x...x..."))
    assert found is not None
    assert (found.onset, found.recovery) == (None, None)


def test_no_outage_without_a_failure() -> None:
    assert intervals.outage(series("....s...")) is None
    slow = intervals.outage(series("." * 12 + "ssss" + "." * 12), slower_than=0.8)
    assert slow is not None
    assert slow.onset == Interval(sent(11), sent(12) + 1.0)


def test_an_operation_sent_into_a_hang_and_answered_after_it_is_no_recovery() -> None:
    # Stopped from 0.35 to 2.85, deadline 2 s: sent by 0.8 failed, sent later was answered when it went on.
    ops = [op(i, sent(i), done(i)) for i in range(4)]
    ops += [op(i, sent(i), sent(i) + 2.0, "deadline") for i in range(4, 9)]
    ops += [op(i, sent(i), 2.85 + 0.001 * i) for i in range(9, 29)]
    ops += [op(i, sent(i), done(i)) for i in range(29, 35)]
    found = intervals.outage(ops)
    assert found is not None
    assert found.run == 1
    assert found.onset == Interval(sent(3), sent(4) + 2.0)
    assert found.recovery is not None
    assert found.recovery.earliest <= 2.85 <= found.recovery.latest
    assert found.recovery.latest < 2.95


def test_the_first_failure_that_is_noticed_bounds_the_onset() -> None:
    # It hung, then it was killed: the refusal is noticed before the first deadline.
    ops = [
        op(0, sent(0), done(0)),
        op(1, sent(1), sent(1) + 2.0, "deadline"),
        op(2, sent(2), done(2), "refused"),
    ]
    found = intervals.outage(ops)
    assert found is not None
    assert found.onset == Interval(sent(0), done(2))


def test_the_first_answer_bounds_the_recovery() -> None:
    ops = [op(0, sent(0), done(0), "refused"), op(1, sent(1), sent(1) + 0.5), op(2, sent(2), done(2))]
    found = intervals.outage(ops)
    assert found is not None
    assert found.recovery == Interval(sent(0), done(2))


def test_a_good_operation_between_failures_proves_nothing_when_it_may_have_been_before_them() -> None:
    # A killed process cuts what it worked on; what was sent later but answered sooner came before that.
    cut = [op(1, 1.0, 1.04, "reset"), op(2, 1.01, 1.03), op(3, 1.1, 1.11, "refused")]
    found = intervals.outage([op(0, 0.9, 0.91), *cut, op(4, 1.2, 1.21)])
    assert found is not None
    assert found.run == 1
    assert found.onset == Interval(0.9, 1.04)


def test_an_operation_that_was_not_sent_for_overload_says_nothing() -> None:
    ops = series(".........")
    ops[4] = op(4, sent(4), sent(4), "overload: 200 operations are under way")
    assert intervals.outage(ops) is None
    assert intervals.meets_slo([ops[4]], SLO) is None


def test_samples_of_two_flows_are_refused() -> None:
    mixed = [*series("..x.."), Sample("other", 0, 0, 0, 1, True)]
    with pytest.raises(ValueError, match="one flow"):
        intervals.outage(mixed)
    with pytest.raises(ValueError, match="one flow"):
        intervals.settled(mixed)


def test_outages_apart() -> None:
    pattern = "....xx" + "." * 30 + "xxx" + "." * 5 + "x" + "." * 8
    first, second = intervals.outages(series(pattern), apart_s=2.0)
    assert (first.failed, second.failed) == (2, 4)
    assert first.onset == Interval(sent(3), done(4))
    assert first.recovery == Interval(sent(5), done(6))
    assert second.onset is not None
    assert second.onset.latest == done(36)


# --- the truth is inside -------------------------------------------------------------------------


@st.composite
def total_outages(draw: st.DrawFn) -> tuple[float, float, list[Sample]]:
    """An outage from a to b and operations that each touch the service at any instant between sent and done."""
    a = draw(st.floats(1, 10))
    b = a + draw(st.floats(0.001, 10))
    short = st.floats(0, 0.05)
    any_time = st.one_of(short, short, st.floats(0, 4))
    ops, now = [], 0.0
    for number in range(draw(st.integers(3, 60))):
        now += draw(st.floats(0.001, 0.6))
        touch = now + draw(any_time)
        why = draw(st.sampled_from(["refused", "deadline", "status 500"])) if a <= touch < b else ""
        ops.append(op(number, now, touch + draw(any_time), why))
    return a, b, draw(st.permutations(ops))


@given(total_outages())
def test_truth_is_inside_however_operations_overlap(case: tuple[float, float, list[Sample]]) -> None:
    a, b, ops = case
    found = intervals.outage(ops)
    if found is None:
        return
    if found.onset is not None:
        assert found.onset.earliest <= a <= found.onset.latest
    if found.recovery is not None:
        assert found.recovery.earliest <= b <= found.recovery.latest


@given(total_outages())
def test_an_unseen_outage_is_shorter_than_claimed(case: tuple[float, float, list[Sample]]) -> None:
    a, b, ops = case
    good = [o for o in ops if o.ok]
    starts = [o.done for o in good if o.done <= a]
    ends = [o.sent for o in good if o.sent >= b]
    if (
        starts and ends
    ):  # the good ones alone, as if the failed had never been sent: this outage hid between them
        assert b - a <= intervals.longest_unseen(good) + 1e-9


@given(
    every=st.integers(2, 10),
    start=st.floats(11, 13),
    length=st.floats(0.05, 20),
    offset=st.integers(0, 9),
    work=st.floats(0.001, 0.09),
)
def test_truth_is_inside_when_one_backend_of_several_is_broken(
    every: int, start: float, length: float, offset: int, work: float
) -> None:
    ops = []
    for i in range(480):
        hit = start <= sent(i) < start + length and (i + offset) % every == 0
        ops.append(op(i, sent(i), sent(i) + work, "status 503" if hit else ""))
    found = intervals.outage(ops)
    if found is None:
        assert length <= intervals.longest_unseen(ops, one_in=every) + 1e-9
    else:
        assert found.onset is not None
        assert found.onset.earliest <= start <= found.onset.latest
        assert found.recovery is not None
        assert found.recovery.earliest <= start + length <= found.recovery.latest


def test_simulated_outages(bench: ModuleType) -> None:
    """A sample of the benchmark: every kind, many lengths."""
    measured = list(bench.simulated(90, seed=7))
    assert [m for m in measured if not m.inside] == []
    assert [m for m in measured if m.seen and m.width_s > m.bound_s] == []
    assert {m.kind for m in measured if m.seen} == set(bench.KINDS)
    assert any(not m.seen for m in measured)


# --- what could hide -----------------------------------------------------------------------------


def test_longest_unseen() -> None:
    assert intervals.longest_unseen(series("..")) == pytest.approx(PERIOD + QUICK)
    assert intervals.longest_unseen(series("...--...")) == pytest.approx(3 * PERIOD + QUICK)
    assert intervals.longest_unseen(series("......"), one_in=5) == pytest.approx(5 * PERIOD + QUICK)
    assert intervals.longest_unseen(series(".")) == 0
    # An answer that took long says less than one that was sent later and came sooner.
    slow = [op(0, 0.0, 0.01), op(1, 0.1, 5.0), op(2, 0.2, 0.21)]
    assert intervals.longest_unseen(slow) == pytest.approx(0.21)
    # All that was sent into a stall is answered after it: the claim must cover the stall.
    stalled = [*series("..."), *(op(i, sent(i), 1.5) for i in range(3, 15)), op(15, sent(15), done(15))]
    assert intervals.longest_unseen(stalled) == pytest.approx(1.5 - sent(2))


# --- back for good -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("." * 40, (sent(0), done(0)), id="never-hurt"),
        pytest.param("." * 20, None, id="not-watched-for-long-enough"),
        pytest.param("", None, id="no-data"),
        pytest.param("..xxxx" + "." * 20, None, id="not-stable-yet"),
        pytest.param("." * 20 + "xxxx" + "." * 20, None, id="not-stable-since"),
        pytest.param("." * 20 + "5...5" + "." * 13 + "5" + "." * 32, None, id="too-patchy-to-say-when"),
        pytest.param("..xxxx" + "." * 32, (sent(5), done(6)), id="back"),
        pytest.param("..xxxx" + "." * 40 + "xx", None, id="broken-again"),
        pytest.param("..xxxx" + "." * 60 + "xx" + "." * 32, (sent(67), done(68)), id="back-after-a-relapse"),
        pytest.param("..xxxx" + "." * 10 + "-" + "." * 40, None, id="one-is-still-under-way"),
        pytest.param("..xxxx" + "." * 31 + "-" * 20, (sent(5), done(6)), id="under-way-after-the-window"),
        pytest.param("..ssssss" + "." * 20, None, id="slow-is-not-back"),
        pytest.param("..ssssss" + "." * 60, (sent(6), done(8)), id="slow-then-back"),
        pytest.param("..xxxx" + "." * 15 + "s" + "." * 32, (sent(5), done(6)), id="one-slow-is-allowed"),
    ],
)
def test_recovered(pattern: str, expected: tuple[float, float] | None) -> None:
    got = intervals.recovered(series(pattern), SLO, stable_s=3.0, now=1000.0)
    if expected is None:
        assert got is None
        return
    assert got is not None
    # Never later than the last failure that the SLO does not allow; never before the first good one behind it.
    assert got.earliest == pytest.approx(expected[0])
    assert got.latest >= expected[1] - 1e-9
    if "s" not in pattern and pattern.count("x") != 6:
        assert got.latest == pytest.approx(expected[1])


def test_recovered_knows_only_what_was_known_then() -> None:
    ops = series("..xxxx" + "." * 60)
    assert intervals.recovered(ops, SLO, stable_s=3.0, now=sent(20)) is None
    assert intervals.recovered(ops, SLO, stable_s=3.0, now=sent(40)) == Interval(sent(5), done(6))


def test_recovered_since() -> None:
    ops = series("..xxxx" + "." * 60)
    since = sent(8) - 0.05
    assert intervals.recovered(ops, SLO, stable_s=3.0, now=1000.0, since=since) == Interval(since, done(8))


def test_more_operations_allow_a_stray_failure() -> None:
    ops = series("..xxxx" + "." * 120 + "x" + "." * 200, period=0.01)
    back = intervals.recovered(ops, SLO, stable_s=1.5, now=1000.0)
    assert back == Interval(ops[5].sent, ops[6].done)


def test_settled_stops_at_the_first_that_is_under_way() -> None:
    assert [s.number for s in intervals.settled(series("...-.."))] == [0, 1, 2]
    assert [s.number for s in intervals.settled(series("..h..."), now=sent(6))] == [0, 1]
    assert [s.number for s in intervals.settled(series("..h..."), now=3.0)] == [0, 1, 2, 3, 4, 5]


# --- flows of one or two operations a second ---


@pytest.mark.parametrize(
    ("pattern", "per_second", "expected"),
    [
        pytest.param("......", 1, (0, 0), id="never hurt"),
        pytest.param("...", 1, None, id="never hurt, but not seen for a stable window"),
        pytest.param(".5.....", 1, (1, 4), id="one wrong answer: a whole window, not ten seconds"),
        pytest.param(".555....", 1, (3, 6), id="three: as wide as a window"),
        pytest.param(".5555...", 1, None, id="four, and no window is over yet"),
        pytest.param(".5555....", 1, (4, 5), id="four tell a broken service: back with the first good one"),
        pytest.param(".xx.....", 1, (2, 3), id="refused: back with the first good one"),
        pytest.param(".5..5.....", 1, (4, 7), id="the last of two apart"),
        pytest.param(".5.......x", 1, None, id="hurt again"),
        pytest.param(".s......", 1, (0, 0), id="one slow of a handful is nothing"),
        pytest.param(".ss.....", 1, (1, 5), id="two slow in a row of a handful are"),
        pytest.param("..555.......", 2, (4, 10), id="two a second"),
        pytest.param("..55555.......", 2, (6, 7), id="two a second, five in a row"),
    ],
)
def test_slow_flows_recover_by_the_window(
    pattern: str, per_second: float, expected: tuple[int, int] | None
) -> None:
    """`expected`: numbers of the operations that bound the recovery."""
    period = 1 / per_second
    got = intervals.recovered(series(pattern, period), SLO, stable_s=3.0, now=1000.0)
    if expected is None:
        assert got is None
    else:
        first, last = expected
        assert got is not None
        assert got.earliest == pytest.approx(first * period)
        assert got.latest == pytest.approx(last * period + (1.0 if pattern[last] == "s" else QUICK))


@given(
    per_second=st.sampled_from([1.0, 2.0, 3.0]),
    broken=st.tuples(st.floats(2.0, 8.0), st.floats(0.0, 12.0)),
    phase=st.floats(0.0, 1.0),
    why=st.sampled_from(["late", "stale", "status 503", "refused"]),
)
def test_the_truth_of_a_slow_flow_is_inside_its_interval(
    per_second: float, broken: tuple[float, float], phase: float, why: str
) -> None:
    start, end = broken[0], sum(broken)
    ops = [
        op(i, at, at + QUICK, why if start <= at < end else "")
        for i, at in enumerate((phase + n) / per_second for n in range(round((end + 8) * per_second)))
    ]
    got = intervals.recovered(ops, SLO, stable_s=3.0, now=1000.0)
    assert got is not None
    if any(not o.ok for o in ops):
        assert got.earliest <= end <= got.latest + 1e-6
        # No later than the first operation a whole window behind the last failure.
        assert got.latest <= max(o.sent for o in ops if not o.ok) + 3.0 + 1 / per_second + QUICK + 1e-6
    else:
        assert got == Interval(ops[0].sent, ops[0].done)


@given(per_second=st.sampled_from([1.0, 2.0]), length=st.integers(1, 12), quiet=st.integers(0, 40))
def test_a_slow_flow_is_not_back_before_a_window_has_passed(
    per_second: float, length: int, quiet: int
) -> None:
    period = 1 / per_second
    ops = series("." + "5" * length + "." * quiet, period)
    got = intervals.recovered(ops, SLO, stable_s=3.0, now=1000.0)
    assert (got is not None) is (quiet * period > 3.0)
