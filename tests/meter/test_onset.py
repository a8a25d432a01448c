"""When users first felt a fault: by the meter against a server that really breaks, and by hand."""

from __future__ import annotations

from typing import Any

import pytest
from meter.looking import Make, Start, Until, seen

from chaos_ext.meter.onset import onset
from chaos_ext.meter.samples import Sample
from chaos_ext.model import Interval


def op(number: int, sent: float, ok: bool = True, took: float = 0.01) -> Sample:
    return Sample("look", number, sent, sent, sent + took, ok, "" if ok else "status 500")


def ops(bad: Any, until: float = 10.0, per_second: int = 20, took: Any = lambda at: 0.01) -> list[Sample]:
    return [
        op(n, n / per_second, not bad(n / per_second), took(n / per_second))
        for n in range(int(until * per_second))
    ]


@pytest.mark.parametrize("how", ["close", "answer"])
def test_a_server_that_breaks(server: Any, start_meter: Start, flow: Make, until: Until, how: str) -> None:
    made = flow()
    meter = start_meter(server, {"look": made})
    until(seen(meter, 40, ok=True))
    broken = server.tell("close") if how == "close" else server.tell("answer", status=500)
    until(seen(meter, 20, ok=False))
    found = onset(meter.snapshot(), made.slo, Interval(broken["began"], broken["ended"]), 1.0)
    assert found is not None
    assert broken["began"] <= found.earliest <= broken["ended"] + 0.001
    assert broken["began"] <= found.latest <= broken["ended"] + 0.5


def test_what_failed_before_the_fault_is_not_of_it(flow: Make) -> None:
    samples = ops(lambda at: at in (2.0, 2.05) or at >= 5.3)
    found = onset(samples, flow().slo, Interval(5.0, 5.1), 1.0)
    assert found is not None
    assert found.earliest == pytest.approx(5.25)
    assert found.latest == pytest.approx(5.31)


def test_it_is_never_before_the_fault_began(flow: Make) -> None:
    found = onset(ops(lambda at: at >= 5.0), flow().slo, Interval(4.99, 5.1), 1.0)
    assert found is not None
    assert found.earliest == 4.99


def test_slow_operations_tell_it_where_none_fail(flow: Make) -> None:
    samples = ops(lambda at: False, took=lambda at: 1.0 if at >= 5.3 else 0.01)
    found = onset(samples, flow().slo, Interval(5.0, 5.1), 1.0)
    assert found is not None
    assert found.latest == pytest.approx(6.3)


def test_slow_operations_tell_nothing_where_many_fail(flow: Make) -> None:
    samples = ops(lambda at: at >= 6.0, took=lambda at: 1.0 if at == 5.3 else 0.01)
    found = onset(samples, flow().slo, Interval(5.0, 5.1), 1.0)
    assert found is not None
    assert found.latest == pytest.approx(6.01)


def test_of_two_outages_the_first_counts(flow: Make) -> None:
    samples = ops(lambda at: 5.3 <= at < 5.6 or at >= 8.0)
    found = onset(samples, flow().slo, Interval(5.0, 5.1), 1.0)
    assert found is not None
    assert found.latest == pytest.approx(5.31)


def test_without_a_good_operation_before_it_began_with_the_fault_at_the_earliest(flow: Make) -> None:
    samples = [op(n, 5.5 + n / 20, False) for n in range(20)]
    assert onset(samples, flow().slo, Interval(5.0, 5.1), 1.0) == Interval(5.0, 5.51)


def test_nobody_was_hurt(flow: Make) -> None:
    assert onset(ops(lambda at: at < 4.0), flow().slo, Interval(5.0, 5.1), 1.0) is None
    assert onset([], flow().slo, Interval(5.0, 5.1), 1.0) is None
