"""The picture of a trial says what the samples say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from verdict.conftest import Runs

from chaos_ext.meter.samples import Sample
from chaos_ext.model import Arm, Slo
from chaos_ext.pages.timeline import HIGH, WIDE, Timeline, bins, timeline
from chaos_ext.verdict.facts import Facts

SLO = Slo.model_validate({"success": "99%", "latency": "500ms", "percentile": 95})


def _sample(number: int, sent: float, took: float, ok: bool) -> Sample:
    return Sample("f", number, sent, sent, sent + took, ok, "" if ok else "status 503")


OPERATIONS = st.lists(
    st.tuples(st.floats(-5, 25), st.sampled_from([0.01, 0.9]), st.booleans()), max_size=60
)  # fmt: skip


@given(OPERATIONS, st.floats(0.2, 50), st.floats(-4, 0), st.floats(1, 60))
def test_every_operation_that_was_sent_meanwhile_is_in_one_bin(
    operations: list[tuple[float, float, bool]], per_second: float, since: float, long: float
) -> None:
    until = since + long
    samples = [_sample(n, sent, took, ok) for n, (sent, took, ok) in enumerate(operations)]
    found = list(bins(samples, SLO, per_second, 0.0, since, until))
    inside = [s for s in samples if since <= s.sent < until]
    assert sum(b.operations for b in found) == len(inside)
    assert sum(b.failed for b in found) == sum(not s.ok for s in inside)
    assert all(b.failed + b.slow <= b.operations for b in found)
    assert len(found) <= 152
    assert found[0].start == since
    assert found[-1].end == pytest.approx(until)


def _picture(runs: Runs, arm: Arm = Arm.TREATMENT, **fields: object) -> Timeline:
    evidence = runs.run(runs.treatment(**fields), runs.no_action())
    trial = next(trial for trial in evidence.trials if trial.arm is arm)
    return timeline(Facts(evidence, trial))


def _stretches(path: str) -> list[tuple[float, float, float]]:
    """Left, right and height of everything that a path draws."""
    pieces = re.findall(r"M([\d.]+) 100V(\d+)H([\d.]+)V100Z", path)
    assert "".join(f"M{a} 100V{b}H{c}V100Z" for a, b, c in pieces) == path
    return [(float(left), float(right), HIGH - float(top)) for left, top, right in pieces]


def test_an_outage_is_drawn_where_it_was(runs: Runs) -> None:
    """The fault goes in at 0 and users are back 3.8 s later."""
    picture = _picture(runs)
    submit, read = picture.lanes
    failed = _stretches(picture.path(submit, "failed"))
    assert min(left for left, _, _ in failed) == pytest.approx(picture.x(0.0), abs=25)
    assert max(right for _, right, _ in failed) == pytest.approx(picture.x(3.8), abs=35)
    assert sum(height == HIGH for _, _, height in failed) >= len(failed) - 2
    assert picture.path(read, "failed") == picture.path(read, "slow") == ""
    assert len(_stretches(picture.path(read, "good"))) > 30


def test_slow_answers_are_drawn_as_slow(runs: Runs) -> None:
    picture = _picture(runs, latency_s=1.5)
    assert len(_stretches(picture.path(picture.lanes[1], "slow"))) > 20


def test_nothing_is_drawn_where_nothing_is_known(runs: Runs) -> None:
    evidence = runs.verified()
    trial = evidence.trials[0]
    silent = [s for s in trial.samples if not 1005 < s.sent < 1008]
    facts = Facts(evidence, type(trial)(**{**trial.__dict__, "samples": tuple(silent)}))
    picture = timeline(facts)
    hole = picture.x(2.6), picture.x(4.0)  # after the fault, which went in at 1003.2
    for what in ("good", "failed", "slow"):
        for left, right, _ in _stretches(picture.path(picture.lanes[1], what)):
            assert right <= hole[0] or left >= hole[1]


def test_everything_is_inside_and_nothing_is_too_thin_to_see(runs: Runs) -> None:
    for arm in (Arm.TREATMENT, Arm.NO_ACTION):
        picture = _picture(runs, arm)
        for bar in filter(None, (picture.fault, picture.alert, *picture.steps)):
            assert 0 <= picture.x(bar.start) <= picture.x(bar.end) <= WIDE
            assert picture.w(bar.start, bar.end) >= 5
        assert picture.since < 0 < picture.until
        assert 2 <= len(picture.ticks) <= 7
        assert all(picture.since <= tick <= picture.until for tick in picture.ticks)
    assert _picture(runs, Arm.NO_ACTION).recovery is None


def test_the_steps_stand_in_their_order(runs: Runs) -> None:
    picture = _picture(runs)
    assert [bar.label for bar in picture.steps] == ["Step: look", "Step: start", "Step: check"]
    assert [round(bar.start, 1) for bar in picture.steps] == [2.3, 2.8, 3.6]
    assert [bar.kind for bar in picture.steps] == ["diagnose", "mitigate", "verify"]
