"""How accurate the meter is, and what it costs: `python -m bench.meter [--simulated N] [--real N] [--seconds S]`.

Three parts. Simulated: outages of 0.02–60 s against the meter's own schedule and interval rules on a simulated clock.
Real: outages of at most 3 s of a server process whose listener is closed, or which is stopped. Cost: processor time of
the meter's thread at 100 operations a second over TLS, one in ten on a new connection.

Figures are printed with their bounds; the exit code is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from bench.meter_cost import cost
from bench.meter_real import real_outages
from bench.meter_served import flows_of_the_lab
from bench.meter_simulated import simulated


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
            ("the lab's six flows", 0.08, flows_of_the_lab()),
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
