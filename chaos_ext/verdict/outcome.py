"""What a trial that counts found against the claim, rule by rule.

The claim: the alert fires in time and links the runbook; the runbook, followed as written, brings users
back in time with nothing acknowledged lost; without it they do not come back (or do, for `recovery: self`).
"""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.language import t
from chaos_ext.model import Arm, Event, Impact, Interval, Reason
from chaos_ext.verdict.facts import Facts, spell, these
from chaos_ext.verdict.validity import too_coarse


def against(facts: Facts) -> tuple[Reason, ...]:
    """Everything in this valid trial that speaks against the claim, and what it leaves open (`no-data`)."""
    found = [*_detection(facts), *_impact(facts), *_writes(facts)]
    if facts.followed:
        found += [*_blind_before(facts), *_steps(facts), *_recovery(facts)]
    if facts.arm is Arm.NO_ACTION:
        found += _alone(facts)
    return tuple(found)


def in_time(facts: Facts) -> bool:
    """Whether users were back, surely inside the objective."""
    interval = facts.recovery.interval
    if not facts.recovery.recovered or interval is None:
        return facts.recovery.recovered and facts.run.mode.recovery == "self"  # nobody felt anything
    return facts.since_fault(interval).latest <= facts.run.objectives.recover_within


# --- detection -----------------------------------------------------------------------------------


def _detection(facts: Facts) -> Iterator[Reason]:
    alert = facts.last("alert")
    if alert is None or facts.fault is None:
        return
    name, within_s = facts.run.mode.detection.alert, facts.run.objectives.detect_within
    if alert["name"] != name:
        yield facts.reason("not-detected", f"looked for alert {alert['name']}, but the mode names {name}.")
    elif not alert["fired"]:
        waited = alert.get("waited_s")
        long = f" in {waited:.1f} s" if isinstance(waited, int | float) else ""
        yield facts.reason(
            "not-detected",
            f"waited for alert {name} and it did not fire{long} (objective {within_s:g} s). "
            "Check the alert's rule against what this fault really changes.",
        )
    elif alert["earliest"] is None or alert["latest"] is None:
        yield facts.no_data("recorded an alert that fired, but not when.")
    else:
        yield from _in_time(facts, alert, within_s)
        yield from _link(facts, alert)


def _in_time(facts: Facts, alert: Event, within_s: float) -> Iterator[Reason]:
    assert facts.fault is not None
    name, seen = alert["name"], Interval(alert["earliest"], alert["latest"])
    if seen.latest < facts.fault.earliest:
        yield facts.reason(
            "not-detected", f"saw alert {name} fire before the fault: it says nothing about it."
        )
        return
    after = facts.since_fault(seen)
    if after.earliest > within_s:
        yield facts.reason(
            "not-detected",
            f"saw alert {name} only {spell(after)} after the fault; the objective is {within_s:g} s. "
            "Shorten the rule's `for` or its window, or correct detect_within.",
        )
    elif after.latest > within_s:
        yield too_coarse(facts, f"saw alert {name}", spell(after), within_s)


def _link(facts: Facts, alert: Event) -> Iterator[Reason]:
    if alert["links"] or not facts.run.has_runbook:
        return
    got = alert.get("runbook_url") or "no runbook at all"
    expected = alert.get("expected_url") or facts.run.mode.runbook
    yield facts.reason(
        "wrong-runbook-linked",
        f"saw alert {alert['name']} link {got}, expected {expected}. Correct the alert's runbook link.",
    )


# --- what users felt -----------------------------------------------------------------------------


def _impact(facts: Facts) -> Iterator[Reason]:
    for flow, figures in facts.impact.items():
        claim = facts.run.mode.impact
        if figures.impact is not None and not claim.allows(flow, figures.impact):
            possible = claim.possible.get(flow)
            claimed = str(claim.on(flow)) if possible is None else f"{claim.on(flow)}, or possibly {possible}"
            yield facts.reason(
                "impact-differs",
                f"measured {figures.impact} in {flow} ({figures}), but the mode claims {claimed}. "
                f"Correct impact.flows.{flow}, or find out why.",
            )


def _writes(facts: Facts) -> Iterator[Reason]:
    log = facts.last("write-log")
    if log is None or not log["readable"] or not (facts.followed or facts.run.mode.recovery == "self"):
        return
    changed = [i for i in log.get("changed") or () if i not in log["lost"]]
    gone = [*log["lost"], *changed]
    allowed = facts.run.objectives.lost_acknowledged_writes
    if len(gone) > allowed:
        yield facts.reason(
            "data-lost",
            f"lost {len(gone)} of {log['acknowledged']} writes that users were told are stored, "
            f"{allowed} allowed: "
            f"{these(gone)}.{_changed(changed)}{_rpo(facts, gone)}",
        )
    for kind, what in (
        ("duplicated", "stored more than once"),
        ("unexpected", "stored, although nobody sent them"),
    ):
        if log[kind]:
            yield facts.reason(
                "impact-differs",
                f"found {len(log[kind])} writes {what}: {these(log[kind])}. Users see "
                f"{Impact.WRONG} content, "
                "which the mode does not claim.",
            )


def _changed(changed: list[str]) -> str:
    return f" {len(changed)} of them are there with other content." if changed else ""


def _rpo(facts: Facts, gone: list[str]) -> str:
    """Fault time minus the time at which the oldest lost write was acknowledged."""
    told = [w["at"] for w in facts.evidence.writes if w.get("outcome") == "ok" and w.get("id") in set(gone)]
    if not told or facts.fault is None or min(told) > facts.fault.earliest:
        return ""
    return f" Observed RPO: {facts.fault.earliest - min(told):.1f} s."


# --- the runbook ---------------------------------------------------------------------------------


def _blind_before(facts: Facts) -> Iterator[Reason]:
    before = facts.last("verification-before")
    if before is None or not before["passed"] or facts.run.mode.recovery == "self":
        return
    felt = [f"{f}: {x}" for f, x in facts.impact.items() if x.impact not in (None, Impact.NONE)]
    broken = "; ".join(felt) or "the evidence shows the fault in force"
    yield facts.reason(
        "verification-blind",
        f"saw the runbook's Verification pass before anything was done, while the service was "
        f"broken ({broken}). "
        "Make it check what users feel.",
    )


def _steps(facts: Facts) -> Iterator[Reason]:
    failed = [step for step in facts.all("step-finished") if not step["ok"]]
    finished = facts.last("runbook-finished")
    if not failed and finished is not None and not finished["ok"]:
        why = finished.get("why") or "it did not say why"
        yield facts.reason("step-failed", f"stopped at step {finished.get('failed_step')}: {why}.")
    for step in failed:
        got = f"exit {step['exit']}" if step.get("exit") is not None else "no exit code"
        expected = step.get("expected_exit", 0)
        command = str(step.get("command") or "").strip().splitlines()
        shown = f" Command: {command[0]}{' …' if len(command) > 1 else ''}" if command else ""
        said = str(step.get("why") or "")
        why = (
            f": {said}" if said and not said.startswith("exit code") else ""
        )  # that is what `got` says already
        yield facts.reason(
            "step-failed",
            f"failed in step {step['step']} ({step.get('heading') or step['role']}): got {got}, "
            "expected exit "
            f"{expected}{why}.{shown}",
        )


def _recovery(facts: Facts) -> Iterator[Reason]:
    recovery, within_s = facts.recovery, facts.run.objectives.recover_within
    if not recovery.recovered:
        yield from _not_back(facts, within_s)
        return
    if recovery.interval is not None:
        yield from _late(facts, recovery.interval)
    elif facts.run.mode.recovery == "runbook":
        yield facts.no_data("shows no moment at which the service came back.")


def _late(facts: Facts, interval: Interval) -> Iterator[Reason]:
    within_s, after = facts.run.objectives.recover_within, facts.since_fault(interval)
    of = f"{facts.recovery.flow} was" if facts.recovery.flow else "users were"
    if after.earliest > within_s:
        yield facts.reason(
            "too-slow",
            f"shows that {of} back {spell(after)} after the fault; the objective is {within_s:g} s.",
        )
    elif after.latest > within_s:
        yield too_coarse(facts, f"shows that {of} back", spell(after), within_s)


def _not_back(facts: Facts, within_s: float) -> Iterator[Reason]:
    finished = facts.last("runbook-finished")
    done = finished is not None and finished["ok"]
    when = "after the whole runbook" if done else "when the runbook stopped"
    assert facts.end is not None
    stable_s = facts.run.environment.windows.stable
    if facts.recovery.flow is None:
        yield facts.reason("not-recovered", t("shows the fault still in force {when}.", when=when))
        if done:
            yield facts.reason(
                "verification-blind",
                t(
                    "saw the runbook's Verification pass at the end, while the fault was still in force. Make it "
                    "look at the thing itself."
                ),
            )
        return
    # The flow that is worst off in the end, not merely one that was not back yet.
    ends = {f: facts.figures(f, facts.end - stable_s, facts.end) for f in facts.samples}
    flow = max(ends, key=lambda f: ends[f].failed / max(1, ends[f].operations), default="the service")
    tail = ends.get(flow)
    last = f"; in its last {stable_s:g} s {tail}" if tail is not None else ""
    yield facts.reason(
        "not-recovered",
        f"shows that {flow} was not back for a whole {stable_s:g} s {when}, {facts.watched_s:.1f} s "
        "after the fault "
        f"(objective {within_s:g} s){last}.",
    )
    if done:
        yield facts.reason(
            "verification-blind",
            f"saw the runbook's Verification pass at the end, while {flow} was still broken. Make "
            "it check what "
            "users feel.",
        )


# --- nobody acts ---------------------------------------------------------------------------------


def _alone(facts: Facts) -> Iterator[Reason]:
    recovery = facts.recovery
    if facts.run.mode.recovery == "self":
        if not recovery.recovered:
            yield facts.reason(
                "does-not-heal",
                f"was left alone and {recovery.flow or 'the service'} was not back after "
                f"{facts.watched_s:.1f} s, but "
                "the mode claims recovery: self.",
            )
        elif recovery.interval is not None:
            yield from _late(facts, recovery.interval)
    elif recovery.recovered:
        when = f" {spell(facts.since_fault(recovery.interval))} after the fault" if recovery.interval else ""
        yield facts.reason(
            "heals-itself",
            f"was left alone and came back{when}, so it is not the runbook that brings the service "
            "back. Claim "
            "recovery: self, or choose a fault that stays.",
        )
