"""One trial laid out for the rules: its events by kind, and what its samples say when measured again.

Nothing here decides anything. The samples decide what can be measured; events tell the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chaos_ext.language import listed, t
from chaos_ext.meter import intervals, slo
from chaos_ext.meter.account import WriteAccount, account_of_all
from chaos_ext.meter.samples import Sample
from chaos_ext.model import Arm, Event, Flow, Impact, Interval, Reason
from chaos_ext.verdict.evidence import RunEvidence, TrialEvidence, split

# The look at the fault after the runbook, or after nobody acted; the other two are before.
AT_THE_END = "at-the-end"
# Roles of runbook blocks that change nothing; all others end the stretch in which the fault was untouched.
_LOOKING = ("params", "diagnose", "verify")
# So many operations of a flow say something about it; with fewer, a stable window must do.
_FEW = 10
# The trial looks, then records. What changed in between is no contradiction.
_LOOK_S = 0.25


@dataclass(frozen=True)
class Figures:
    """A stretch of one flow, measured."""

    flow: str
    impact: Impact | None  # None: not one operation
    operations: int
    failed: int
    latency_s: float | None  # at the SLO's percentile
    well: bool  # good operations were seen, and the SLO is met

    def __str__(self) -> str:
        return t(
            "{failed} of {operations} operations failed"
            if self.latency_s is None
            else "{failed} of {operations} operations failed, {latency_s:.2f} s at the SLO's percentile",
            failed=self.failed,
            operations=self.operations,
            latency_s=self.latency_s,
        )


@dataclass(frozen=True)
class Recovery:
    """Whether users had it back, and when. `interval` is None when no flow was hurt or it never came back."""

    recovered: bool
    interval: Interval | None
    flow: str | None  # the slowest, or one that is not back


class Facts:
    """What is known about one trial."""

    def __init__(self, run: RunEvidence, evidence: TrialEvidence) -> None:
        self.run, self.evidence = run, evidence
        self.trial, self.arm = evidence.trial, evidence.arm
        self.events, self.damaged = split(evidence.events)
        self.step, self.mutation = evidence.step, evidence.mutation
        self.followed = (
            self.arm is Arm.TREATMENT and run.has_runbook
        )  # as it is written, to see what is claimed of it
        self.acted = self.arm not in (Arm.NO_ACTION, Arm.LOOK_ONLY) and run.has_runbook
        self.as_written = self.arm not in (Arm.WITHOUT_STEP, Arm.MUTATED)
        by_flow: dict[str, list[Sample]] = {name: [] for name in run.services.flows}
        for sample in evidence.samples:
            by_flow.setdefault(sample.flow, []).append(sample)
        self.samples = by_flow

    def reason(self, word: str, sentence: str) -> Reason:
        """A finding about this trial; the sentence goes on after its name."""
        return Reason(word, t("{trial} {sentence}", trial=self.trial, sentence=sentence))

    def no_data(self, sentence: str) -> Reason:
        """This trial does not tell what it must tell."""
        return self.reason("no-data", sentence)

    # --- events ---

    def all(self, kind: str) -> list[Event]:
        """Every event of that kind, in order."""
        return [e for e in self.events if e["kind"] == kind]

    def last(self, kind: str) -> Event | None:
        """The latest event of that kind."""
        return next((e for e in reversed(self.events) if e["kind"] == kind), None)

    def has(self, kind: str) -> bool:
        """Whether it was recorded."""
        return self.last(kind) is not None

    def activity(self, start: str) -> dict[str, Any] | None:
        """The first activity of Chaos Toolkit's journal that failed and whose name begins with `start`."""
        for entry in (self.evidence.journal or {}).get("run") or []:
            named = str((entry.get("activity") or {}).get("name", "")) if isinstance(entry, dict) else ""
            if named.startswith(start) and entry.get("status") == "failed":
                return dict(entry)
        return None

    # --- instants ---

    @cached_property
    def fault(self) -> Interval | None:
        """From the moment the first fault began to go in until the last one was in; None: none went in."""
        injected = self.all("fault-injected")
        if not injected:
            return None
        return Interval(min(e["started"] for e in injected), max(e["ended"] for e in injected))

    @cached_property
    def mitigation_at(self) -> float | None:
        """When the first block of the runbook that may change something was started."""
        return min((e["at"] for e in self.all("step-started") if e["role"] not in _LOOKING), default=None)

    @cached_property
    def touched_at(self) -> float | None:
        """Until when nothing was done about the fault: the first mitigation, or else the runbook's end; None: never."""
        finished = self.last("runbook-finished")
        if self.mitigation_at is None and self.acted and finished is not None:
            return float(finished["at"])
        return self.mitigation_at

    @cached_property
    def end(self) -> float | None:
        """Until when the samples speak for the trial: the look at recovery, before anything was undone."""
        event = self.last("recovery") or self.last("watched")
        return None if event is None else float(event["at"])

    # --- measured again ---

    def figures(self, flow: str, since: float, until: float, done_by: float | None = None) -> Figures:
        """The operations of `flow` sent in [since, until) and done by `done_by`."""
        promise = self._flow(flow).slo
        of = [
            s
            for s in self.samples.get(flow, ())
            if since <= s.sent < until and (done_by is None or s.done <= done_by)
        ]
        summary = slo.summary(of, promise)
        return Figures(
            flow,
            slo.impact_of(of, promise),
            summary.operations,
            summary.failed,
            summary.p_latency_s,
            slo.is_well(summary),
        )

    @cached_property
    def baseline(self) -> tuple[Figures, ...]:
        """Each flow in the last baseline window before the fault; empty without a fault."""
        if self.fault is None:
            return ()
        start = self.fault.earliest
        since = start - self.run.environment.windows.baseline
        return tuple(self.figures(flow, since, start, done_by=start) for flow in self.run.services.flows)

    @cached_property
    def impact(self) -> dict[str, Figures]:
        """Each flow from the fault until something was done about it, or it was back; empty without a fault."""
        if self.fault is None or self.end is None:
            return {}
        until = self.end if self.touched_at is None else min(self.end, self.touched_at)
        return {flow: self._impact(flow, until) for flow in self.run.services.flows}

    def _impact(self, flow: str, until: float) -> Figures:
        """What came back by itself must not water down what users felt before; a lone failure is no impact either."""
        assert self.fault is not None
        assert self.end is not None
        since, back = self.fault.latest, self.back(flow, self.end)
        if back is None or back.earliest <= since:
            return self.figures(flow, since, until, done_by=self.end)
        until_back = min(until, math.nextafter(back.earliest, math.inf))
        telling = self.figures(flow, since, min(until, max(until_back, self._telling(flow))), self.end)
        if telling.impact in (None, Impact.NONE):
            return telling
        return self.figures(flow, since, until_back, done_by=self.end)

    def _telling(self, flow: str) -> float:
        """Until when one must look for what was felt to say anything: a few operations, or a stable window."""
        assert self.fault is not None
        since = self.fault.latest
        window = since + self.run.environment.windows.stable
        sent = sorted(s.sent for s in self.samples.get(flow, ()) if s.sent >= since)[: _FEW + 1]
        return min(window, sent[_FEW]) if len(sent) > _FEW else window

    def back(self, flow: str, now: float) -> Interval | None:
        """When `flow` came back for a whole stable window, seen at `now`; None when it had not."""
        if self.fault is None:
            return None
        of = [s for s in self.samples.get(flow, ()) if s.done <= now]
        return intervals.recovered(
            of,
            self._flow(flow).slo,
            stable_s=self.run.environment.windows.stable,
            now=now,
            since=self.fault.latest,
        )

    def hurt(self, flow: str) -> bool:
        """Whether users of `flow` felt anything between the fault and the end."""
        if self.fault is None or self.end is None:
            return False
        felt = self.impact.get(flow)
        if felt is not None and felt.impact not in (None, Impact.NONE):
            return True
        whole = self.figures(flow, self.fault.latest, self.end, done_by=self.end)
        return whole.impact not in (None, Impact.NONE)

    @cached_property
    def recovery(self) -> Recovery:
        """Whether all flows were back at the end, from the samples alone."""
        if self.fault is None or self.end is None:
            return Recovery(False, None, None)
        hurt = [flow for flow in self.run.services.flows if self.hurt(flow)]
        found = {flow: self.back(flow, self.end) for flow in self.run.services.flows}
        missing = next((flow for flow, interval in found.items() if interval is None), None)
        if missing is not None:
            return Recovery(False, None, missing)
        if self.proven_by_evidence and self.gone is not True:
            return Recovery(False, None, None)
        if not hurt:
            return Recovery(True, self._by_verification(), None)
        known = {flow: interval for flow in hurt if (interval := found[flow]) is not None}
        slowest = max(known, key=lambda flow: known[flow].latest)
        whole = Interval(max(i.earliest for i in known.values()), max(i.latest for i in known.values()))
        return Recovery(True, whole, slowest)

    @property
    def proven_by_evidence(self) -> bool:
        """Whether no flow tells that the failure is over: then the evidence of the fault must."""
        return not self.run.mode.impact.hurt

    @cached_property
    def gone(self) -> bool | None:
        """Whether the look at the end found no fault in force any more; None when it cannot be told."""
        event = next((e for e in reversed(self.all("fault-in-force")) if e["when"] == AT_THE_END), None)
        if event is None or not event["evidence"]:
            return None
        seen = [e if isinstance(e, dict) else {} for e in event["evidence"]]
        if any(e.get("holds") is True for e in seen):
            return False
        return None if any("error" in e or "holds" not in e for e in seen) else True

    @cached_property
    def account(self) -> WriteAccount | None:
        """What became of the writes, made again from what was sent and read; None when nothing read was kept."""
        kept = self.evidence
        if not kept.read_back:
            return None
        flows = self.run.services.flows
        return account_of_all(flows, kept.writes, kept.read_back, kept.reads, kept.samples)

    def first_due(self, flow: str) -> float | None:
        """When a flow that follows another had something to ask about; None: never. Others always have."""
        follows = self._flow(flow).follows
        if follows is None:
            return -math.inf
        of = {w.get("id") for w in self.evidence.writes if w.get("flow") == follows.flow}
        told = (w["at"] for w in self.evidence.writes if w.get("outcome") == "ok" and w.get("id") in of)
        acknowledged = min(told, default=None)
        return None if acknowledged is None else float(acknowledged) + follows.after

    def _by_verification(self) -> Interval | None:
        """A failure that hurts no flow is over when the runbook's own Verification says so."""
        finished = self.last("runbook-finished")
        if finished is None or not finished["ok"] or self.mitigation_at is None:
            return None
        return Interval(self.mitigation_at, finished["at"])

    def seen_recovered(self, recovered: bool) -> bool:
        """Whether the samples agree with an event that says so, give or take one look."""
        assert self.end is not None
        flows = self.run.services.flows
        looks = (self.end, self.end - _LOOK_S)
        return any(all(self.back(f, at) is not None for f in flows) is recovered for at in looks)

    def since_fault(self, moment: Interval) -> Interval:
        """How long after the fault that was."""
        assert self.fault is not None
        return moment.since(self.fault)

    @property
    def watched_s(self) -> float:
        """How long after the fault began the trial was watched; 0 when it was not.

        From its beginning, as recoveries are counted: a fault that takes seconds is part of either.
        """
        if self.fault is None or self.end is None:
            return 0.0
        return max(0.0, self.end - self.fault.earliest)

    def _flow(self, name: str) -> Flow:
        return self.run.services.flows[name]


def spell(interval: Interval) -> str:
    """An interval of seconds for people: ``3.1–3.3 s``, ``3.1 s`` when it is as narrow as it is written."""
    low, high = f"{interval.earliest:.1f}", f"{interval.latest:.1f}"
    return t("{low} s" if low == high else "{low}–{high} s", low=low, high=high)


def these(names: Iterable[object], at_most: int = 5) -> str:
    """A list for a sentence, cut where it would drown it."""
    known = [str(name) for name in names]
    if len(known) <= at_most:
        return listed(known)
    return t("{names} and {count} more", names=listed(known[:at_most]), count=len(known) - at_most)
