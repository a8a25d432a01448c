"""What the meter saw of each user flow in a stretch of time, in the shape that events carry."""

from __future__ import annotations

import time
from typing import Any

from chaos_ext.language import listed, t
from chaos_ext.meter import intervals
from chaos_ext.meter.samples import Sample
from chaos_ext.meter.slo import FlowSummary, is_well
from chaos_ext.model import Impact, Interval
from chaos_ext.trial import Trial


def between(trial: Trial, start: float, end: float | None = None) -> dict[str, list[Sample]]:
    """The operations of each flow that were sent in [start, end) and are done; monotonic seconds."""
    found: dict[str, list[Sample]] = {flow: [] for flow in trial.services.flows}
    for sample in trial.meter.snapshot(start):
        if sample.sent >= start and (end is None or sample.sent < end):
            found[sample.flow].append(sample)
    return found


def summaries(trial: Trial, samples: dict[str, list[Sample]]) -> dict[str, dict[str, Any]]:
    """For each flow: operations, failed, success, p_latency_s and whether its SLO is met."""
    return {
        flow: intervals.summary(of, trial.services.flows[flow].slo).as_dict() for flow, of in samples.items()
    }


def all_well(summary_by_flow: dict[str, dict[str, Any]]) -> str:
    """Empty when every flow was measured and is well, else a sentence that says which is not."""
    bad = [
        t(
            "{flow}: {failed} of {operations} failed",
            flow=flow,
            failed=s["failed"],
            operations=s["operations"],
        )
        for flow, s in summary_by_flow.items()
        if not is_well(FlowSummary(**s))
    ]
    return listed(bad, "; ")


def impacts(trial: Trial, samples: dict[str, list[Sample]]) -> dict[str, dict[str, Any]]:
    """For each flow: what was claimed, what is measured so far (null without a sample), and the figures."""
    return {
        flow: {
            "claimed": trial.mode.impact.on(flow),
            "possible": trial.mode.impact.possible.get(flow),
            "measured": intervals.impact_of(of, trial.services.flows[flow].slo),
            **intervals.summary(of, trial.services.flows[flow].slo).as_dict(),
        }
        for flow, of in samples.items()
    }


def hurt(impact_by_flow: dict[str, dict[str, Any]]) -> bool:
    """Whether every flow that the failure claims to hurt is hurt by now."""
    claimed = [f for f in impact_by_flow.values() if f["claimed"] != Impact.NONE]
    return all(f["measured"] not in (None, Impact.NONE) for f in claimed)


def flows_back(trial: Trial, since: float, stable_s: float) -> dict[str, Interval]:
    """The flows that meet their SLO for a whole stable window by now, and since when."""
    now = time.monotonic()
    back: dict[str, Interval] = {}
    samples = trial.meter.snapshot(None)
    for name, flow in trial.services.flows.items():
        of = [s for s in samples if s.flow == name]
        found = intervals.recovered(of, flow.slo, stable_s=stable_s, now=now, since=since)
        if found is not None:
            back[name] = found
    return back
