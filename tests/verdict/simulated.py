"""One trial as it would be recorded: a meter at its rate, an outage, a runbook, and the events of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from verdict.documents import SEEN

from chaos_ext.meter.samples import Sample
from chaos_ext.model import Arm, Event, FailureMode, Flow, Mutation, Services, Variant
from chaos_ext.verdict.evidence import TrialEvidence

Hurts = Callable[[float, int], bool]  # (when, number of the operation) → it fails
Fails = Callable[[float], str]  # when → why it fails, empty when it does not
ORIGIN = 1000.0
OF_A_FAULT = ("fault-intended", "fault-injected", "fault-in-force", "impact", "alert", "fault-undone")


@dataclass(frozen=True)
class Told:
    """One trial to simulate; times are seconds after the meter's start."""

    arm: Arm = Arm.TREATMENT
    number: int = 1
    fault: tuple[float, float] = (3.2, 3.3)
    mitigation: float = 6.0
    back: float | None = 7.0  # when the service is well again; None: never
    end: float = 11.0  # when recovery is looked at (or the watch ends)
    submit_hurts: Hurts | None = None  # default: everything between fault and back
    read_hurts: Hurts = lambda at, number: False
    others: dict[str, Fails] = field(default_factory=dict)  # further flows of the services, by name
    latency_s: float = 0.01
    edits: tuple[tuple[str, dict[str, Any]], ...] = field(default=())
    step: str = ""  # left out, or mistaken
    mutation: Mutation | None = None
    ok: bool = True  # the runbook came to its end
    passes: bool | None = None  # what Verification says at the end of a mutated trial; None: as the meter
    lost: tuple[str, ...] = ()

    @property
    def variant(self) -> Variant:
        return Variant(self.arm, self.step, self.mutation)

    @property
    def name(self) -> str:
        return f"{self.number:02d}-{self.variant}"

    @property
    def follows(self) -> bool:
        return self.arm is not Arm.NO_ACTION

    @property
    def watches(self) -> bool:
        return self.arm in (Arm.NO_ACTION, Arm.LOOK_ONLY)

    def submit_fails(self, at: float, number: int) -> bool:
        if self.submit_hurts is not None:
            return self.submit_hurts(at, number)
        if self.arm is Arm.HEALTHY:
            return False
        return at >= self.fault[0] + 0.05 and (self.back is None or at < self.back)


def operations(flow: str, per_second: float, until: float, fails: Hurts, latency_s: float) -> list[Sample]:
    found = []
    for number in range(int(until * per_second)):
        at = number / per_second
        bad = fails(at, number)
        sent = ORIGIN + at
        found.append(
            Sample(flow, number, sent, sent, sent + latency_s, not bad, "status 503" if bad else "", False)
        )
    return found


def slowly(name: str, flow: Flow, until: float, fails: Fails, latency_s: float) -> list[Sample]:
    """The operations of a further flow; one that follows begins when the first write (sent at 0) is due."""
    begin = latency_s + flow.follows.after if flow.follows else 0.0
    ticks = [n / flow.per_second + 0.05 for n in range(int(until * flow.per_second))]
    sends = [at for at in ticks if at >= begin]
    return [
        Sample(
            name, n, ORIGIN + at, ORIGIN + at, ORIGIN + at + latency_s, not fails(at), fails(at), n % 10 == 0
        )
        for n, at in enumerate(sends)
    ]


def simulate(told: Told, mode: FailureMode, services: Services) -> TrialEvidence:
    until = told.end + 0.5
    submits = operations("submit", 10, until, told.submit_fails, told.latency_s)
    reads = operations("read", 30, until, told.read_hurts, told.latency_s)
    more = [
        sample
        for name, flow in services.flows.items()
        if name not in ("submit", "read")
        for sample in slowly(name, flow, until, told.others.get(name, lambda at: ""), told.latency_s)
    ]
    samples = sorted([*submits, *reads, *more], key=lambda s: s.done)
    writes: list[dict[str, Any]] = []
    for s in submits:
        writes.append({"id": f"w{s.number}", "flow": "submit", "text": "t", "at": s.sent})
        writes.append({"id": f"w{s.number}", "outcome": "ok" if s.ok else "indeterminate", "at": s.done})
    events = record(told, mode, acknowledged=sum(s.ok for s in submits))
    if told.arm is Arm.HEALTHY:
        events = [event for event in events if event["kind"] not in OF_A_FAULT]
    return TrialEvidence(
        told.name,
        told.arm,
        tuple(events),
        tuple(samples),
        tuple(writes),
        {"status": "completed", "run": []},
        step=told.step,
        mutation=told.mutation,
    )


def record(told: Told, mode: FailureMode, acknowledged: int) -> list[Event]:
    events: list[Event] = []

    def emit(at: float, kind: str, **fields: Any) -> None:
        events.append({"kind": kind, "at": ORIGIN + at, "wall": "2025-01-01T00:00:00.000Z", **fields})

    begin, injected = told.fault
    last_bad = None if told.back is None else ORIGIN + told.back
    otherwise = {"step": told.step, "mutation": str(told.mutation or "")}
    otherwise = {key: value for key, value in otherwise.items() if value}
    emit(
        0.0, "trial-started", trial=told.name, arm=str(told.arm), mode=mode.id, environment="lab", **otherwise
    )
    emit(0.0, "environment-proven", proofs=[{"kind": "lab", "expected": "m", "got": "m"}])
    emit(0.0, "meter-started", flows={"submit": 10, "read": 30})
    emit(begin - 0.1, "baseline", holds=True, why="", seconds=3.0, flows={})
    emit(begin - 0.05, "snapshot", when="before", seen=SEEN, failed={}, seconds=0.1)
    emit(begin, "fault-intended", name="kill-store", entry="e")
    emit(
        injected,
        "fault-injected",
        name="kill-store",
        entry="e",
        started=ORIGIN + begin,
        ended=ORIGIN + injected,
    )
    evidence = [{"name": "kill-store", "holds": True, "pid": "gone"}]
    emit(injected + 0.1, "fault-in-force", when="after-injection", holds=True, evidence=evidence)
    emit(injected + 0.6, "impact", seen=True, waited_s=0.5, flows={})
    emit(
        injected + 1.7,
        "alert",
        name="StoreDown",
        fired=True,
        earliest=ORIGIN + injected + 1.4,
        latest=ORIGIN + injected + 1.65,
        links=True,
        runbook_url="https://example.com/runbooks/store-down.md",
        expected_url="https://example.com/runbooks/store-down.md",
        waited_s=1.1,
    )
    emit(injected + 1.8, "fault-in-force", when="before-mitigation", holds=True, evidence=evidence)
    if told.follows and mode.runbook != "none":
        m = told.mitigation
        if told.arm is Arm.TREATMENT:
            emit(m - 0.8, "verification-before", passed=False, output="no")
        emit(m - 0.7, "runbook-started", runbook="store-down.md", steps=[], digest="d1", platform="lab")
        for at, step, role in (
            (m - 0.5, "look", "diagnose"),
            (m, "start", "mitigate"),
            (m + 0.8, "check", "verify"),
        )[: 1 if told.watches else 3]:
            emit(at, "step-started", step=step, heading=f"Step: {step}", role=role, command="true")
            emit(
                at + 0.4,
                "step-finished",
                step=step,
                heading=f"Step: {step}",
                role=role,
                ok=told.ok or step != "check",
                exit=0,
                expected_exit=0,
                seconds=0.4,
                why="",
                command="true",
                branch=None,
                person=False,
            )
        emit(
            m + 1.3,
            "runbook-finished",
            ok=told.ok,
            failed_step=None if told.ok else "check",
            seconds=2.0,
            needs_person=False,
            exercised=["look", "start", "check"],
            why="",
        )
    if told.watches:
        emit(told.end - 0.01, "watched", seconds=told.end - injected, planned_s=told.end - injected)
    emit(
        told.end,
        "recovery",
        recovered=told.back is not None,
        flow="submit" if told.back is not None else None,
        earliest=None if last_bad is None else last_bad - 0.15,
        latest=None if last_bad is None else last_bad + 0.15,
        waited_s=1.0,
    )
    if told.arm is Arm.MUTATED:
        passes = told.back is not None if told.passes is None else told.passes
        emit(told.end + 0.2, "verification-after", passed=passes, output="")
    if not told.watches or mode.recovery == "self":
        emit(
            told.end + 1,
            "write-log",
            acknowledged=acknowledged,
            read=acknowledged,
            lost=list(told.lost),
            indeterminate=3,
            failed=0,
            duplicated=[],
            unexpected=[],
            changed=[],
            readable=True,
            why="",
        )
    emit(told.end + 1.2, "fault-undone", name="kill-store", entry="e", outcome="superseded", why="")
    emit(told.end + 1.3, "snapshot", when="after", seen=SEEN, failed={}, seconds=0.1)
    emit(told.end + 1.3, "restored", holds=True, differences=[], left=[], unmatched=[], not_seen={})
    emit(told.end + 1.3, "trial-finished", trial=told.name, arm=str(told.arm), seconds=told.end + 1.3)
    return events
