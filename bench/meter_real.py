"""Real outages of at most 3 s of a server process whose listener is closed, or which is stopped."""

from __future__ import annotations

import math
import random
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.meter_served import tiny_server, two_flows
from bench.meter_simulated import RATES, Measured
from chaos_ext.meter import intervals
from chaos_ext.meter.client import Meter
from chaos_ext.meter.samples import by_flow
from chaos_ext.meter.slo import percentile

REAL_KINDS = ("refused", "stall", "refused", "stall", "status", "hang")
REAL_DEADLINE_S = 1.0
QUIET_S = 1.5  # good operation between two outages, behind the deadline


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
        server = tiny_server(*(("--tls", place) if tls else ()))
        meter = Meter(
            two_flows(RATES, REAL_DEADLINE_S),
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
