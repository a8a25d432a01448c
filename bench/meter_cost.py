"""What the meter costs: processor time of its thread against a server process over TLS."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.meter_served import tiny_server, two_flows
from bench.meter_simulated import DEADLINE_S
from chaos_ext.meter.client import Meter
from chaos_ext.model import Flow


@dataclass(frozen=True)
class Cost:
    """What the meter's thread used of one core."""

    share: float
    per_operation_s: float
    operations: int
    fresh: int
    failed: int
    latest_s: float  # how late the latest operation was sent


def cost(seconds: float, flows: dict[str, Flow] | None = None) -> Cost:
    """Processor time of the meter's thread over `seconds`, once it is warm, against a server process over TLS."""
    flows = flows or two_flows({"submit": 25.0, "dashboard": 75.0}, DEADLINE_S)
    with tempfile.TemporaryDirectory() as place:
        server = tiny_server("--tls", place)
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
