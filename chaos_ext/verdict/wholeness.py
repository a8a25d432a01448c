"""Whether a trial's record is whole and tells one story. What it lacks or contradicts is `no-data`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from chaos_ext.language import t
from chaos_ext.meter.samples import OVERLOAD
from chaos_ext.meter.slo import evidence
from chaos_ext.model import Arm, Reason
from chaos_ext.verdict.facts import Facts, these

# Above this share of operations that were never sent, what was measured is the machine, not the service.
_MOST_OVERLOADED = 0.05


def _required(facts: Facts) -> Iterator[str]:
    users = not facts.run.rehearses
    yield from ("trial-started", "environment-proven", "baseline")
    yield from ("meter-started",) if users else ()
    broken = facts.arm is not Arm.HEALTHY
    if broken:
        yield from ("fault-intended", "fault-injected", "fault-in-force")
        yield from ("impact", "alert") if users else ()
    yield "recovery"
    itself = facts.run.mode.recovery == "self"
    if facts.acted or facts.arm is Arm.LOOK_ONLY:
        yield from ("runbook-started", "step-started", "step-finished", "runbook-finished")
    if facts.followed and not itself:
        yield "verification-before"
    if facts.arm is Arm.MUTATED:
        yield "verification-after"
    if facts.arm in (Arm.NO_ACTION, Arm.LOOK_ONLY):
        yield "watched"
    if users and (facts.acted or itself):
        yield "write-log"
    if broken:
        yield "fault-undone"
    yield from ("snapshot", "restored", "trial-finished")


def complete(facts: Facts) -> Iterator[Reason]:
    """Every event that such a trial leaves is there, and every file can be read."""
    missing = [kind for kind in _required(facts) if not facts.has(kind)]
    if missing:
        failed = facts.activity("")
        tail = (
            t(" Activity {name} failed: {why}", name=failed["activity"]["name"], why=exception_of(failed))
            if failed
            else ""
        )
        yield facts.no_data(t("has no record of {missing}.{tail}", missing=these(missing, 20), tail=tail))
    if facts.evidence.journal is None:
        yield facts.no_data(
            t("left no Chaos Toolkit journal: whether its rollbacks were played is not known.")
        )
    if facts.damaged:
        yield facts.no_data(t("has damaged records: {damaged}.", damaged=these(facts.damaged)))
    if facts.evidence.unreadable:
        yield facts.no_data(
            t("has damaged files: {unreadable}.", unreadable=these(facts.evidence.unreadable))
        )
    if not facts.evidence.samples and not facts.run.rehearses:
        yield facts.no_data(t("has not one measured operation."))


def looked_at_the_end(facts: Facts) -> Iterator[Reason]:
    """A failure that hurts no flow is over when its evidence says so, and somebody must have looked."""
    if facts.proven_by_evidence and facts.fault is not None and facts.gone is None and facts.has("recovery"):
        yield facts.no_data(
            t(
                "hurt no flow, as claimed, and has no look at the fault at the end: whether it "
                "was over then is not known."
            )
        )


def measured_throughout(facts: Facts) -> Iterator[Reason]:
    """Numbers count up without gaps: an operation that is not there was removed, or its line was lost."""
    for flow, samples in facts.samples.items():
        if flow not in facts.run.services.flows:
            yield facts.no_data(t("measured {flow}, which is no user flow of services.yaml.", flow=flow))
        numbers = {s.number for s in samples}
        if samples and len(numbers) != max(numbers) + 1:
            yield facts.no_data(
                t(
                    "lacks {count} operations of {flow} that were begun.",
                    count=max(numbers) + 1 - len(numbers),
                    flow=flow,
                )
            )
        overloaded = sum(s.why.startswith(OVERLOAD) for s in samples)
        if overloaded > _MOST_OVERLOADED * len(samples):
            yield facts.no_data(
                t(
                    "could not send {overloaded} of {samples} operations of {flow} in time: this "
                    "machine is too busy to measure. Run it again with less beside it.",
                    overloaded=overloaded,
                    samples=len(samples),
                    flow=flow,
                ),
            )


def measured_without_pause(facts: Facts) -> Iterator[Reason]:
    """From the baseline to the end every flow was measured: where nobody looked, it may have been back, or hurt."""
    if facts.fault is None or facts.end is None:
        return
    baseline_at = facts.fault.earliest - facts.run.environment.windows.baseline
    for name, flow in facts.run.services.flows.items():
        due = facts.first_due(name)
        since = baseline_at if due is None else max(baseline_at, due)
        sent = sorted(s.sent for s in evidence(facts.samples[name]) if since < s.sent < facts.end)
        longest_s = facts.run.environment.windows.stable / 2 + 1 / flow.per_second
        for before, after in pairwise((since, *sent, facts.end)):
            if after - before > longest_s:
                yield facts.no_data(
                    t(
                        "measured nothing of {name} for {lasted_s:.1f} s, from {since_s:+.1f} s after the "
                        "fault: what users felt then is not known.",
                        name=name,
                        lasted_s=after - before,
                        since_s=before - facts.fault.latest,
                    ),
                )
                break


def belongs_here(facts: Facts) -> Iterator[Reason]:
    """The trial is one of this run."""
    started = facts.last("trial-started")
    if started is None:
        return
    run = facts.run
    varied = t("what was done otherwise")
    for what, got, expected in (
        (t("failure mode"), started["mode"], run.mode.id),
        (t("environment"), started["environment"], run.environment.name),
        (t("arm"), started["arm"], str(facts.arm)),
        (varied, str(started.get("step") or ""), facts.step),
        (varied, str(started.get("mutation") or ""), str(facts.mutation or "")),
    ):
        if got != expected:
            yield facts.no_data(
                t(
                    "was recorded for {what} {got}, not {expected}: it is not of this run.",
                    what=what,
                    got=got,
                    expected=expected,
                )
            )


def verification_in_time(facts: Facts) -> Iterator[Reason]:
    """Rule 4 needs the runbook's own check from before the first mitigation."""
    before = facts.last("verification-before")
    if before is not None and facts.mitigation_at is not None and before["at"] > facts.mitigation_at:
        yield facts.no_data(t("ran the runbook's Verification only after the mitigation had begun."))


def recovery_agrees(facts: Facts) -> Iterator[Reason]:
    """Recovery as it was seen and as it is measured again must be the same."""
    event = facts.last("recovery")
    if event is None or facts.fault is None or not facts.samples:
        return
    if not facts.seen_recovered(event["recovered"]):
        yield facts.no_data(
            t(
                "recorded that the flows had come back, but by its samples they were not back."
                if event["recovered"]
                else "recorded that the flows had not come back, but by its samples they were back."
            )
        )
    elif event["recovered"] and str(event.get("flow")) in facts.run.services.flows and facts.end is not None:
        again = facts.back(str(event["flow"]), facts.end)
        early, late = event["earliest"], event["latest"]
        if early is None or late is None:
            yield facts.no_data(t("recorded a recovery without its time."))
        elif again is not None and (again.earliest > late or again.latest < early):
            yield facts.no_data(
                t("recorded another time of recovery for {flow} than its samples show.", flow=event["flow"])
            )


def steps_add_up(facts: Facts) -> Iterator[Reason]:
    """The runbook's end and its steps must tell the same story."""
    finished = facts.last("runbook-finished")
    if facts.arm is Arm.NO_ACTION or finished is None:
        return
    bad = [s["step"] for s in facts.all("step-finished") if not s["ok"]]
    started = [s["step"] for s in facts.all("step-started")]
    ended = [s["step"] for s in facts.all("step-finished")]
    open_ = [step for step in dict.fromkeys(started) if started.count(step) > ended.count(step)]
    if open_:
        yield facts.no_data(t("has no end of {open}.", open=these(open_)))
    if finished["ok"] and bad:
        yield facts.no_data(t("calls its runbook done although {bad} failed.", bad=these(bad)))
    if not finished["ok"] and not bad and not finished.get("failed_step"):
        why = finished.get("why") or t("and its record does not say why")
        yield facts.no_data(
            t("stopped following its runbook, although no step of it failed: {why}.", why=why)
        )
    if (
        facts.followed
        and finished["ok"]
        and facts.mitigation_at is None
        and facts.run.mode.recovery == "runbook"
    ):
        yield facts.no_data(t("followed its runbook to the end without one step that changes anything."))
    if finished["ok"] and not finished["exercised"]:
        yield facts.no_data(t("followed a runbook of which not one block ran."))


def exception_of(entry: Mapping[str, object]) -> str:
    """The last line of what an activity of Chaos Toolkit's journal raised."""
    lines = entry.get("exception")
    text = lines if isinstance(lines, str) else "".join(map(str, lines)) if isinstance(lines, list) else ""
    return text.strip().splitlines()[-1] if text.strip() else t("no exception was recorded")
