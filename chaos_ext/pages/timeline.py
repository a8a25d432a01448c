"""One trial as a picture: every flow's health, the fault, the alert, the steps and the recovery on one axis. Pure.

Times are seconds after the fault began to go in (after the trial began, when none did). Horizontal places are in
thousandths of the width, so that a strip may be as wide as its screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos_ext.meter.samples import Sample
from chaos_ext.meter.slo import evidence, is_slow
from chaos_ext.model import Impact, Interval, Slo
from chaos_ext.verdict.facts import Facts

WIDE, HIGH = 1000, 100  # a strip's own units
_LEAST_BIN_S = 0.2
_BINS = 150  # of a strip, at most
_TICKS = 6  # of an axis, at most: what a phone has room for
_THIN = 5  # an instant is drawn this wide
_NICE = (0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True)
class Bar:
    """A stretch of time on a strip, with what it is."""

    kind: str  # fault, alert, or a block's role
    start: float
    end: float
    label: str
    good: bool = True


@dataclass(frozen=True)
class Bin:
    """The operations of one flow that were sent in one stretch of time; none: nothing is known of it."""

    start: float
    end: float
    operations: int
    failed: int
    slow: int


@dataclass(frozen=True)
class Lane:
    """One user flow."""

    flow: str
    claimed: Impact
    possible: Impact | None
    measured: Impact | None
    as_claimed: bool
    back: Interval | None  # after the fault; None: it was never hurt, or never came back
    hurt: bool
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Timeline:
    """All of it, on one axis."""

    since: float
    until: float
    from_fault: bool
    fault: Bar | None
    alert: Bar | None
    steps: tuple[Bar, ...]
    lanes: tuple[Lane, ...]
    recovery: Interval | None
    mitigation: float | None

    def x(self, at: float) -> float:
        """Where `at` stands, in thousandths of the width."""
        span = self.until - self.since
        return round(WIDE * min(1.0, max(0.0, (at - self.since) / span)), 1) if span > 0 else 0.0

    def w(self, start: float, end: float) -> float:
        """How wide a stretch is drawn: never so thin that it is not seen."""
        return round(max(_THIN, self.x(end) - self.x(start)), 1)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Where the axis is labelled."""
        span = self.until - self.since
        step = next((nice for nice in _NICE if span / nice <= _TICKS), math.ceil(span / _TICKS))
        first = math.ceil(self.since / step)
        return tuple(step * n for n in range(first, math.floor(self.until / step) + 1))

    def path(self, lane: Lane, what: str) -> str:
        """The outline of what is drawn of a lane: `good` is a thin line, `failed` and `slow` rise with their share."""
        parts = []
        for each in lane.bins:
            share = 0.0
            if each.operations:
                share = {"good": 1.0, "failed": each.failed, "slow": each.failed + each.slow}[what]
                share = share if what == "good" else share / each.operations
            height = (12 if what == "good" else 12 + (HIGH - 12) * share) if share else 0
            if height:
                left, right = self.x(each.start), self.x(each.end)
                parts.append(f"M{left:g} {HIGH}V{HIGH - height:.0f}H{right:g}V{HIGH}Z")
        return "".join(parts)


def timeline(facts: Facts, origin: float | None = None) -> Timeline:
    """The picture of one trial."""
    started = facts.last("trial-started")
    fault = facts.fault
    zero = fault.earliest if fault else (started["at"] if started else origin or 0.0)
    times = [e["at"] for e in facts.events if e["kind"] not in ("trial-finished", "snapshot", "restored")]
    first = min(times, default=zero) - zero
    last = max([*times, *(s.done for s in facts.evidence.samples)], default=zero) - zero
    if facts.end is not None:  # what follows is clearing up
        last = min(last, facts.end - zero + 0.5)
    since = max(first, -_before(facts)) if fault else first
    until = max(last, since + 1.0)
    return Timeline(
        since=since,
        until=until,
        from_fault=fault is not None,
        fault=_fault(facts, zero, until),
        alert=_alert(facts, zero),
        steps=tuple(_steps(facts, zero, until)),
        lanes=tuple(_lane(facts, flow, zero, since, until) for flow in facts.run.services.flows),
        recovery=_since(facts.recovery.interval, zero) if facts.recovery.recovered and _felt(facts) else None,
        mitigation=None if facts.mitigation_at is None else facts.mitigation_at - zero,
    )


def _before(facts: Facts) -> float:
    return facts.run.environment.windows.baseline


def _felt(facts: Facts) -> bool:
    return any(facts.hurt(flow) for flow in facts.run.services.flows)


def _since(interval: Interval | None, zero: float) -> Interval | None:
    return None if interval is None else Interval(interval.earliest - zero, interval.latest - zero)


def _fault(facts: Facts, zero: float, until: float) -> Bar | None:
    if facts.fault is None:
        return None
    names = ", ".join(dict.fromkeys(str(e["name"]) for e in facts.all("fault-injected")))
    undone = facts.last("fault-undone")
    end = undone["at"] - zero if undone is not None else until
    return Bar("fault", 0.0, min(end, until), names)


def _alert(facts: Facts, zero: float) -> Bar | None:
    event = facts.last("alert")
    if event is None or not event["fired"] or event["earliest"] is None or event["latest"] is None:
        return None
    return Bar("alert", event["earliest"] - zero, event["latest"] - zero, event["name"], bool(event["links"]))


def _steps(facts: Facts, zero: float, until: float) -> Iterable[Bar]:
    begun: dict[str, float] = {}
    for event in facts.events:
        if event["kind"] == "step-started":
            begun[event["step"]] = event["at"]
        elif event["kind"] == "step-finished":
            start = begun.pop(event["step"], event["at"])
            label = str(event.get("heading") or event["step"])
            yield Bar(event["role"], start - zero, event["at"] - zero, label, event["ok"])
    for step, start in begun.items():
        yield Bar("step", start - zero, until, step, False)


def _lane(facts: Facts, flow: str, zero: float, since: float, until: float) -> Lane:
    claim, figures = facts.run.mode.impact, facts.impact.get(flow)
    measured = figures.impact if figures else None
    hurt = facts.hurt(flow)
    back = facts.back(flow, facts.end) if hurt and facts.end is not None else None
    described = facts.run.services.flows[flow]
    return Lane(
        flow=flow,
        claimed=claim.on(flow),
        possible=claim.possible.get(flow),
        measured=measured,
        as_claimed=measured is None or claim.allows(flow, measured),
        back=_since(back, zero),
        hurt=hurt,
        bins=tuple(
            bins(facts.samples[flow], described.slo, described.per_second, zero, since, until),
        ),
    )


def bins(
    samples: Sequence[Sample], slo: Slo, per_second: float, zero: float, since: float, until: float
) -> Iterable[Bin]:
    """The operations of a flow by when they were sent, in stretches that hold at least one where the meter kept up."""
    size = max(_LEAST_BIN_S, 1 / per_second, (until - since) / _BINS)
    count = max(1, math.ceil((until - since) / size))
    found = [[0, 0, 0] for _ in range(count)]
    for sample in evidence(samples):
        after = sample.sent - zero
        if since <= after < until:
            of = found[min(count - 1, math.floor((after - since) / size))]
            of[0] += 1
            of[1] += not sample.ok
            of[2] += sample.ok and is_slow(sample, slo)
    for number, (operations, failed, slow) in enumerate(found):
        start = since + number * size
        yield Bin(start, min(until, start + size), operations, failed, slow)
