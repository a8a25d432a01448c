"""When each operation is to be sent: pure arithmetic, shared by the client and by the simulated clock.

Each flow has a constant rate, whatever the service does (open loop). The time of operation n is computed from n,
never from the one before, so nothing that happens can make the schedule slip.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import NamedTuple

FRESH_EVERY = 10  # one operation in ten makes its own connection, or an expired certificate goes unseen


class Due(NamedTuple):
    """One operation that is to be sent at `scheduled`."""

    scheduled: float
    flow: str
    number: int
    fresh: bool


class Schedule:
    """The operations of all flows in the order of their times."""

    def __init__(self, per_second: Mapping[str, float], start: float) -> None:
        """`per_second` is each flow's rate (above 0); `start` a clock reading in seconds."""
        if not per_second:
            raise ValueError("a schedule needs at least one flow")
        shortest = 1 / max(per_second.values())
        self._start = start
        self._plan: dict[str, tuple[float, float]] = {}
        # Phases are spread over the shortest period: flows whose periods are multiples of it never fire together.
        for i, (flow, rate) in enumerate(per_second.items()):
            self._plan[flow] = ((i + 0.5) / len(per_second) * shortest, 1 / rate)
        self._heap = [(self._time(flow, 0), flow, 0) for flow in self._plan]
        heapq.heapify(self._heap)

    def _time(self, flow: str, number: int) -> float:
        phase, period = self._plan[flow]
        return self._start + phase + number * period

    @property
    def next_at(self) -> float:
        """When the next operation is to be sent."""
        return self._heap[0][0]

    def due(self, now: float) -> Iterator[Due]:
        """Take every operation whose time has come by `now`, oldest first."""
        while self._heap[0][0] <= now:
            scheduled, flow, number = self._heap[0]
            heapq.heapreplace(self._heap, (self._time(flow, number + 1), flow, number + 1))
            yield Due(scheduled, flow, number, number % FRESH_EVERY == 0)
