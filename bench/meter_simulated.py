"""Outages of 0.02–60 s against the meter's own schedule and interval rules, on a simulated clock."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from chaos_ext.meter import intervals
from chaos_ext.meter.samples import Sample
from chaos_ext.meter.schedule import Schedule
from chaos_ext.meter.slo import percentile
from chaos_ext.model import Interval

RATES = {"submit": 10.0, "dashboard": 30.0}
DEADLINE_S = 2.0
SLOW_S = 0.8  # the SLO's latency
AROUND_S = 6.0  # good operation before and after each outage
KINDS = ("refused", "hang", "stall", "status", "slow", "one-in-five")


@dataclass
class Service:
    """A service that is broken from `start` to `end`; works on operations in the order in which they arrive."""

    kind: str
    start: float
    end: float
    rng: random.Random
    arrived: int = field(default=0)

    def latency(self) -> tuple[float, float, float]:
        """Way there, work, way back: about 9 ms together, at most 30 ms."""
        work = min(0.02, self.rng.lognormvariate(math.log(0.006), 0.5))
        return self.rng.uniform(0.0005, 0.003), work, self.rng.uniform(0.0005, 0.003)

    def answer(self, sent: float) -> tuple[float, str]:
        """When the operation that was sent then ends, and what is wrong with it (empty: nothing)."""
        there, work, back = self.latency()
        arrival, finish = sent + there, sent + there + work
        self.arrived += 1
        hit = self.start <= arrival < self.end
        caught = arrival < self.start < finish  # it was being worked on when the outage began
        good = (finish + back, "")
        if self.kind == "refused":  # a killed process: nobody listens, and what it worked on is cut
            if caught:
                return self.start + back, "reset"
            return (arrival + back, "refused") if hit else good
        if self.kind == "hang":  # a network that swallows: what was lost stays lost
            return (sent + DEADLINE_S, "deadline") if hit or caught else good
        if self.kind == "stall":  # a stopped process: goes on with everything when it is continued
            if hit or caught:
                done = finish + self.end - max(self.start, arrival) + back
                return (done, "") if done <= sent + DEADLINE_S else (sent + DEADLINE_S, "deadline")
            return good
        if self.kind == "status":
            return (finish + back, "status 500") if hit else good
        if self.kind == "slow":
            return (finish + back + 1.2, "") if hit else good
        if self.kind == "one-in-five":
            return (finish + back, "status 503") if hit and self.arrived % 5 == 0 else good
        if self.kind == "one-in-five-at-random":
            return (finish + back, "status 503") if hit and self.rng.random() < 0.2 else good
        raise ValueError(self.kind)


def simulate(service: Service, begin: float, end: float, lateness: float = 0.002) -> dict[str, list[Sample]]:
    """The samples that the meter would have, sent by its own schedule from `begin` to `end`."""
    schedule = Schedule(RATES, begin)
    # Operations reach the service in the order of sending; each flow's samples are then as the client makes them.
    sends = sorted((due.scheduled + service.rng.uniform(0.0001, lateness), due) for due in schedule.due(end))
    flows: dict[str, list[Sample]] = {name: [] for name in RATES}
    for sent, (scheduled, flow, number, fresh) in sends:
        done, why = service.answer(sent)
        flows[flow].append(Sample(flow, number, scheduled, sent, done, not why, why, fresh))
    return flows


@dataclass(frozen=True)
class Measured:
    """One flow in one outage: the truth beside what the intervals say."""

    kind: str
    flow: str
    start: float
    end: float
    found: intervals.Outage | None
    unseen_s: float  # what could have hidden, by the meter's own claim
    bound_s: float  # widest interval that is allowed; infinite where nothing is promised

    @property
    def seen(self) -> bool:
        return self.found is not None

    @property
    def inside(self) -> bool:
        """Whether both instants lie in their intervals; for an outage that nobody saw, whether the claim held."""
        if self.found is None:
            return self.end - self.start <= self.unseen_s
        return holds(self.found.onset, self.start) and holds(self.found.recovery, self.end)

    @property
    def width_s(self) -> float:
        assert self.found is not None
        return max(i.latest - i.earliest for i in (self.found.onset, self.found.recovery) if i is not None)


def holds(interval: Interval | None, instant: float) -> bool:
    """Whether the instant lies inside; an interval that could not be given does not hold anything."""
    return interval is not None and interval.earliest <= instant <= interval.latest


def measure(kind: str, start: float, end: float, flow: str, samples: list[Sample]) -> Measured:
    """Apply the interval rules to what one flow saw."""
    good = [s.latency_s for s in samples if s.ok and not start - DEADLINE_S <= s.sent <= end + DEADLINE_S]
    p99 = percentile(good, 99) or 0.0
    bound = 2 / RATES[flow] + p99
    # A stalled service is only hurt for those who wait past the deadline; so it is with a network that swallows.
    allowed = {"refused": bound, "hang": bound + DEADLINE_S, "stall": bound + DEADLINE_S}.get(kind, math.inf)
    slower_than = SLOW_S if kind == "slow" else None
    one_in = 5 if kind == "one-in-five" else 1
    found = intervals.outage(samples, slower_than)
    return Measured(kind, flow, start, end, found, intervals.longest_unseen(samples, one_in), allowed)


def simulated(count: int, seed: int = 1, kinds: tuple[str, ...] = KINDS) -> Iterator[Measured]:
    """`count` outages, their kinds in turn, their lengths spread evenly on a logarithmic scale; both flows of each."""
    rng = random.Random(seed)
    for i in range(count):
        kind = kinds[i % len(kinds)]
        length = math.exp(rng.uniform(math.log(0.02), math.log(60)))
        begin = 1000.0 * i
        start = begin + AROUND_S + rng.random()
        service = Service(kind, start, start + length, random.Random(rng.random()))
        flows = simulate(service, begin, start + length + AROUND_S)
        for flow, samples in flows.items():
            yield measure(kind, start, start + length, flow, samples)
