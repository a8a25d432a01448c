"""How accurate the meter is, and what it costs: `python -m bench.meter [--simulated N] [--real N] [--seconds S]`.

Three parts. Simulated: outages of 0.02–60 s against the meter's own schedule and interval rules on a simulated clock.
Real: outages of at most 3 s of a server process whose listener is closed, or which is stopped. Cost: processor time of
the meter's thread at 100 operations a second over TLS, one in ten on a new connection.

Figures are printed with their bounds; the exit code is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_ext.meter import intervals
from chaos_ext.meter.client import Meter
from chaos_ext.meter.samples import Sample, by_flow
from chaos_ext.meter.schedule import Schedule
from chaos_ext.meter.slo import percentile
from chaos_ext.model import Flow, Interval

ROOT = Path(__file__).resolve().parent.parent
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


# --- real outages --------------------------------------------------------------------------------

REAL_KINDS = ("refused", "stall", "refused", "stall", "status", "hang")
REAL_DEADLINE_S = 1.0
QUIET_S = 1.5  # good operation between two outages, behind the deadline


def _tiny_server(*arguments: str) -> Any:
    """The server that the tests measure too, as a process of its own."""
    path = ROOT / "tests" / "meter" / "tiny_server.py"
    spec = importlib.util.spec_from_file_location("tiny_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TinyServer(*arguments)


def _flows(rates: dict[str, float], deadline_s: float) -> dict[str, Flow]:
    """A flow that writes and one that looks, at these rates."""
    submit, look = _written(rates, deadline_s)
    return {"submit": Flow.model_validate(submit), "dashboard": Flow.model_validate(look)}


def _written(rates: dict[str, float], deadline_s: float) -> tuple[dict[str, Any], dict[str, Any]]:
    look: dict[str, Any] = {
        "title": "Look",
        "service": "shop",
        "slo": {"success": "99%", "latency": "800ms", "percentile": 95},
        "deadline": f"{deadline_s}s",
        "per_second": rates["dashboard"],
        "request": {"path": "/look"},
    }
    submit = {
        **look,
        "per_second": rates["submit"],
        "request": {
            "method": "POST",
            "path": "/responses",
            "json": {"id": "${write.id}", "survey": "${run.id}", "text": "${write.text}", "score": 4},
            "texts": ["The new desk booking works well.", "会議が多すぎます。"],
            "expect_status": 201,
        },
        "write": {"read_back": "/responses", "list_at": "responses", "id": "id", "content": "text"},
    }
    return submit, look


def _break(server: Any, kind: str) -> tuple[float, float]:
    """Break the server; when that was: not before, not after."""
    began = time.monotonic()
    if kind == "stall":
        server.freeze()
    elif kind == "refused":
        server.tell("close")
    else:
        server.tell("answer", **({"status": 500} if kind == "status" else {"swallow": True}))
    return began, time.monotonic()


def _mend(server: Any, kind: str) -> tuple[float, float]:
    began = time.monotonic()
    if kind == "stall":
        server.thaw()
    else:
        server.tell("listen" if kind == "refused" else "normal")
    return began, time.monotonic()


@dataclass(frozen=True)
class Real(Measured):
    """A real outage; its instants are known as well as the two clock readings around breaking and mending."""

    start_by: float
    end_by: float

    @property
    def inside(self) -> bool:
        if self.found is None:
            return self.end - self.start_by <= self.unseen_s
        onset, recovery = self.found.onset, self.found.recovery
        return (
            onset is not None
            and recovery is not None
            and onset.earliest <= self.start_by
            and onset.latest >= self.start
            and recovery.earliest <= self.end_by
            and recovery.latest >= self.end
        )


def real(count: int, seed: int, tls: bool, keep: Callable[[Real], None]) -> None:
    """`count` outages of one server process, one after another, seen by one meter."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        server = _tiny_server(*(("--tls", place) if tls else ()))
        meter = Meter(
            _flows(RATES, REAL_DEADLINE_S),
            server.url,
            server.ca_file,
            Path(place) / "trial",
            run_id=f"bench-{seed}",
        )
        try:
            meter.start()
            time.sleep(QUIET_S)
            for i in range(count):
                kind = REAL_KINDS[(i + seed) % len(REAL_KINDS)]
                broken = _break(server, kind)
                time.sleep(math.exp(rng.uniform(math.log(0.05), math.log(3))))
                mended = _mend(server, kind)
                time.sleep(QUIET_S + REAL_DEADLINE_S)
                for flow, samples in by_flow(meter.snapshot(broken[0] - QUIET_S * 0.9)).items():
                    found = intervals.outage(samples)
                    good = [s.latency_s for s in samples if s.ok and not broken[0] < s.done < mended[1] + 0.1]
                    bound = 2 / RATES[flow] + (percentile(good, 99) or 0.0)
                    bound += {"hang": REAL_DEADLINE_S, "stall": REAL_DEADLINE_S, "status": math.inf}.get(
                        kind, 0.0
                    )
                    unseen = intervals.longest_unseen(samples)
                    keep(Real(kind, flow, broken[0], mended[0], found, unseen, bound, broken[1], mended[1]))
        finally:
            server.thaw()
            server.end()
            meter.stop(wait_s=0)


def real_outages(count: int, seed: int = 1, beside: int = 4) -> list[Real]:
    """`count` outages of `beside` servers side by side; each is seen by two flows."""
    found: list[Real] = []
    threads = [
        threading.Thread(target=real, args=(count // beside, seed + i, i % 2 == 1, found.append))
        for i in range(beside)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# --- cost ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """What the meter's thread used of one core."""

    share: float
    per_operation_s: float
    operations: int
    fresh: int
    failed: int
    latest_s: float  # how late the latest operation was sent


def _flows_of_the_lab() -> dict[str, Flow]:
    """Six flows as the lab has them: 40 operations a second that write, follow, must be fresh, and look."""
    submit, look = _written({"submit": 10.0, "dashboard": 20.0}, DEADLINE_S)
    fresh = {"of": "submit", "within": "1s", "newest": "newest.id", "count": "responses"}
    follows = {"flow": "submit", "after": "1s"}
    summary = {"path": "/summary?page=${cycle}", "cycle": 400}
    known = {"path": "/known/${followed.id}"}
    written = {
        "submit": {**submit, "per_second": 10},
        "dashboard": {**look, "per_second": 20, "request": summary, "fresh": fresh},
        "topics": {**look, "per_second": 5, "request": known, "follows": follows},
        "export": {**look, "per_second": 2, "request": summary, "fresh": fresh},
        "sign-in": {**look, "per_second": 1},
        "mail": {**look, "per_second": 2, "request": known, "follows": follows},
    }
    return {name: Flow.model_validate(flow) for name, flow in written.items()}


def cost(seconds: float, flows: dict[str, Flow] | None = None) -> Cost:
    """Processor time of the meter's thread over `seconds`, once it is warm, against a server process over TLS."""
    flows = flows or _flows({"submit": 25.0, "dashboard": 75.0}, DEADLINE_S)
    with tempfile.TemporaryDirectory() as place:
        server = _tiny_server("--tls", place)
        meter = Meter(flows, server.url, server.ca_file, Path(place) / "trial", run_id="cost")
        try:
            meter.start()
            thread = next(t for t in threading.enumerate() if t.name == "meter")
            assert thread.ident is not None
            clock = time.pthread_getcpuclockid(thread.ident)
            time.sleep(2.5)
            begin, used = time.monotonic(), time.clock_gettime(clock)
            time.sleep(seconds)
            took, used = time.monotonic() - begin, time.clock_gettime(clock) - used
            seen = [s for s in meter.snapshot(begin) if s.done < begin + took]
        finally:
            meter.stop()
            server.end()
    return Cost(
        used / took,
        used / len(seen),
        len(seen),
        sum(s.fresh for s in seen),
        sum(not s.ok for s in seen),
        max(s.sent - s.scheduled for s in seen),
    )


# --- the report ----------------------------------------------------------------------------------


def _report(what: str, measured: list[Any], within: float) -> Iterator[tuple[str, bool]]:
    """Lines of figures, each with whether it is good enough. `within`: share of widths that must keep their bound."""
    seen = [m for m in measured if m.seen]
    hidden = [m for m in measured if not m.seen]
    inside = sum(m.inside for m in seen) / len(seen)
    yield f"{what}: {len(seen)} intervals, truth inside {inside:.2%} (bound 99 %)", inside >= 0.99
    bounded = [m for m in seen if m.bound_s < math.inf]
    kept = sum(m.width_s <= m.bound_s for m in bounded) / len(bounded)
    widest = max(m.width_s / m.bound_s for m in bounded)
    yield (
        f"{what}: width within its bound {kept:.2%} of {len(bounded)} (bound {within:.0%}), widest {widest:.2f} of it",
        kept >= within,
    )
    if hidden:
        share = sum(m.inside for m in hidden) / len(hidden)
        yield f"{what}: {len(hidden)} too short to be seen, claim 'shorter than' held {share:.2%}", share == 1
    for kind in sorted({m.kind for m in measured}):
        of = [m for m in seen if m.kind == kind]
        if of:
            middle = statistics.median(m.width_s for m in of)
            right = sum(m.inside for m in of) / len(of)
            yield f"  {kind}: {len(of)} seen, inside {right:.1%}, median width {middle * 1000:.0f} ms", True


def main(arguments: Sequence[str] = ()) -> int:
    """Run all parts, print, and return 0 when every bound was kept."""
    parser = argparse.ArgumentParser(description="Accuracy and cost of the meter.")
    parser.add_argument(
        "--simulated", type=int, default=1000, help="outages on the simulated clock (default 1000)"
    )
    parser.add_argument("--real", type=int, default=40, help="real outages of at most 3 s (default 40)")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long the cost is measured (default 10)"
    )
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    lines: list[tuple[str, bool]] = []
    if wanted.simulated:
        lines += _report("meter, simulated", list(simulated(wanted.simulated, wanted.seed)), 0.99)
        extra = [m for m in simulated(200, wanted.seed, ("one-in-five-at-random",)) if m.seen]
        share = sum(m.inside for m in extra) / len(extra)
        lines.append((f"  one-in-five-at-random (no bound): {len(extra)} seen, inside {share:.1%}", True))
    if wanted.real:  # a busy machine sends late now and then, which no bound in periods knows
        lines += _report("meter, real", list(real_outages(wanted.real, wanted.seed)), 0.99)
    if wanted.seconds:
        for what, bound, flows in (
            ("two flows", 0.15, None),
            ("the lab's six flows", 0.08, _flows_of_the_lab()),
        ):
            paid = cost(wanted.seconds, flows)
            text = (
                f"meter, cost, {what}: {paid.share:.1%} of a core at {paid.operations / wanted.seconds:.0f} "
                f"operations/s, {paid.fresh / paid.operations:.0%} on fresh TLS (bound {bound:.0%}); "
                f"{paid.per_operation_s * 1e6:.0f} µs each, sent at most {paid.latest_s * 1000:.0f} ms late, "
                f"{paid.failed} failed"
            )
            lines.append((text, paid.share <= bound))
    for text, good in lines:
        print(text if good else f"{text}  MISSED", flush=True)
    return 0 if all(good for _, good in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
