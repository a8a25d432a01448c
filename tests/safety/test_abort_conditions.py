"""Abort conditions on simulated series: what is hurt for long, and nothing less, ends a trial."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos_ext.meter.samples import Sample
from chaos_ext.model import Arm, Flow, Impact, ImpactClaim
from chaos_ext.safety import conditions
from chaos_ext.safety.conditions import Moment

STABLE_S = 3.0
FAULT = 100.0
_SLO = {"success": "99%", "latency": "800ms", "percentile": 95}
_RATES = {"submit": 10.0, "look": 20.0, "sign-in": 1.0}
FLOWS = {
    name: Flow.model_validate(
        {"title": name, "service": "s", "slo": _SLO, "deadline": "2s", "per_second": rate, "request": {"path": "/"}}
    )
    for name, rate in _RATES.items()
}  # fmt: skip
CLAIM = ImpactClaim(flows={"submit": Impact.OUTAGE}, summary="x")
Bad = Callable[[str, float, int], bool]  # (flow, seconds since the fault, number of the operation)


def series(until: float, bad: Bad, lag_s: float = 0.001, slow: bool = False) -> Moment:
    """Every flow at its rate from the fault on, as known `until` seconds after it."""
    found: dict[str, list[Sample]] = {}
    for flow, rate in _RATES.items():
        found[flow] = []
        for number in range(int(until * rate)):
            at = FAULT + number / rate
            hurt = bad(flow, at - FAULT, number)
            took = 0.9 if hurt and slow else 0.02
            ok = slow or not hurt
            one = Sample(flow, number, at, at + lag_s, at + lag_s + took, ok, "" if ok else "status 500")
            if one.done <= FAULT + until:
                found[flow].append(one)
    return Moment(FAULT, FAULT + 0.5, FAULT + until, found)


def reached(moment: Moment, claim: ImpactClaim = CLAIM) -> str:
    found = conditions.hurt_outside_claim(moment, claim, FLOWS, STABLE_S)
    return "" if found is None else found.why


ALL: Bad = lambda flow, at, n: flow == "look"  # noqa: E731


@pytest.mark.parametrize(
    ("what", "until", "bad", "aborts"),
    [
        ("out for two windows", 6.2, ALL, True),
        ("out for less than two windows", 5.5, ALL, False),
        ("the claimed flow is out", 20, lambda flow, at, n: flow == "submit", False),
        ("one operation", 20, lambda flow, at, n: flow == "look" and n == 200, False),
        ("two operations, one after the other", 20, lambda flow, at, n: flow == "look" and n in (200, 201), False),
        ("one second of outage", 20, lambda flow, at, n: flow == "look" and 12 < at < 13, False),
        ("one window of outage", 20, lambda flow, at, n: flow == "look" and 16.5 < at < 19.5, False),
        ("a quarter fails, all the time", 12.5, lambda flow, at, n: flow == "look" and not n % 4, True),
        ("a quarter fails, for six seconds", 12.5, lambda flow, at, n: flow == "look" and not n % 4 and at > 6, False),
        ("one in a hundred fails", 60, lambda flow, at, n: flow == "look" and not n % 100, False),
        ("a rare flow is out", 10.5, lambda flow, at, n: flow == "sign-in", True),
        ("a rare flow fails twice", 10.5, lambda flow, at, n: flow == "sign-in" and n in (3, 7), False),
        ("nothing", 60, lambda flow, at, n: False, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_flow_outside_the_claim(what: str, until: float, bad: Bad, aborts: bool) -> None:
    assert bool(reached(series(until, bad))) is aborts, what


def test_it_says_which_flow_and_how_much() -> None:
    assert reached(series(6.2, ALL)).startswith(
        "look is hurt, which the failure mode claims not to touch: 12"
    )
    slow = reached(series(13.0, ALL, slow=True))
    assert (
        slow
        == "look is hurt, which the failure mode claims not to touch: slower than promised for the last 12 s"
    )


def test_what_is_possible_is_inside_the_claim() -> None:
    possible = ImpactClaim(flows={"submit": Impact.OUTAGE}, possible={"look": Impact.DEGRADED}, summary="x")
    assert reached(series(20, ALL), possible) == ""


def test_a_meter_that_was_late_proves_nothing() -> None:
    assert reached(series(20, ALL, lag_s=0.011)) == ""
    assert reached(series(20, ALL, lag_s=0.009)) != ""


def test_operations_that_were_never_sent_prove_nothing() -> None:
    moment = series(20, ALL)
    unsent = [
        Sample(s.flow, s.number, s.scheduled, s.sent, s.done, s.ok, "" if s.ok else "overload: 99 are under way")
        for s in moment.samples["look"]
    ]  # fmt: skip
    assert reached(Moment(moment.began, moment.was_in, moment.now, {**moment.samples, "look": unsent})) == ""


OUT: Bad = lambda flow, at, n: flow == "submit"  # noqa: E731


@pytest.mark.parametrize(
    ("what", "until", "bad", "watch_s", "aborts"),
    [
        ("still hurt, past 1.5 times and a window", 27, OUT, None, True),
        ("still hurt, not that old", 25.5, OUT, None, False),
        ("old, but nobody is hurt any more", 40, lambda flow, at, n: flow == "submit" and at < 10, None, False),
        ("nobody acts, as long as was planned", 33, OUT, 30.0, False),
        ("nobody acts, half an objective longer", 38, OUT, 30.0, True),
        ("nobody acts, a short watch", 25.5, OUT, 5.0, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_fault_that_outlives_its_objective(
    what: str, until: float, bad: Bad, watch_s: float | None, aborts: bool
) -> None:
    found = conditions.outlived(series(until, bad), FLOWS, STABLE_S, 15.0, watch_s)
    assert (found is not None) is aborts, what


def test_a_late_meter_does_not_say_that_a_fault_outlives_its_objective() -> None:
    assert conditions.outlived(series(30, OUT, lag_s=0.02), FLOWS, STABLE_S, 15.0, None) is None


@pytest.mark.parametrize(
    ("age_s", "broken", "aborts"),
    [(119.0, ["a"], False), (120.5, ["a"], True), (1.0, ["a", "b"], False), (1.0, ["a", "b", "c"], True)],
)
def test_limits_of_the_environment(age_s: float, broken: list[str], aborts: bool) -> None:
    found = conditions.limit_passed(age_s, broken, longest_fault_s=120.0, targets=2)
    assert (found is not None) is aborts


@pytest.mark.parametrize(
    ("arm", "disposable", "protected"),
    [
        (Arm.MUTATED, True, False),
        (Arm.WITHOUT_STEP, True, False),
        (Arm.WITHOUT_STEP, False, True),
        (Arm.TREATMENT, True, True),
        (Arm.HEALTHY, True, True),
        (Arm.LOOK_ONLY, True, True),
    ],
)
def test_what_users_feel_stops_every_trial_but_one_that_is_to_go_wrong(arm, disposable, protected):
    assert conditions.protect_users(arm, disposable) is protected
