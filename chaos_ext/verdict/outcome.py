"""What a trial that counts found against the claim, rule by rule.

The claim: the alert fires in time, tells the right people and links the runbook (`detection`); the runbook,
followed as written, brings users back in time with nothing acknowledged lost; without it they do not come back (or
do, for `recovery: self`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos_ext.language import listed, t
from chaos_ext.model import Arm, Impact, Interval, Reason
from chaos_ext.verdict import detection, felt, healthy, stale
from chaos_ext.verdict.facts import Facts, spell
from chaos_ext.verdict.validity import too_coarse


def against(facts: Facts, alone: Sequence[Facts] = ()) -> tuple[Reason, ...]:
    """Everything in this valid trial that speaks against the claim, and what it leaves open (`no-data`).

    `alone`: the valid trials of the run in which nobody acted.
    """
    found = [*detection.against(facts), *felt.against(facts, alone), *stale.against(facts)]
    if facts.followed:
        found += [*_blind_before(facts), *_steps(facts), *_recovery(facts)]
    if facts.arm is Arm.NO_ACTION or (facts.arm is Arm.LOOK_ONLY and facts.run.mode.recovery == "self"):
        found += _alone(facts)
    elif facts.arm is Arm.LOOK_ONLY:
        found += _looked_at(facts)
    found += healthy.against(facts)
    return tuple(found)


def in_time(facts: Facts) -> bool:
    """Whether users were back, surely inside the objective."""
    interval = facts.recovery.interval
    if not facts.recovery.recovered or interval is None:
        return facts.recovery.recovered and facts.run.mode.recovery == "self"  # nobody felt anything
    return facts.since_fault(interval).latest <= facts.run.objectives.recover_within


# --- the runbook ---------------------------------------------------------------------------------


def _blind_before(facts: Facts) -> Iterator[Reason]:
    before = facts.last("verification-before")
    if before is None or not before["passed"] or facts.run.mode.recovery == "self":
        return
    hurt = {flow: x for flow, x in facts.impact.items() if x.impact not in (None, Impact.NONE)}
    broken = listed([t("{flow}: {figures}", flow=flow, figures=x) for flow, x in hurt.items()], "; ") or t(
        "the evidence shows the fault in force"
    )
    yield facts.reason(
        "verification-blind",
        t(
            "saw the runbook's Verification pass before anything was done, while the service "
            "was broken ({broken}). Make it check what users feel.",
            broken=broken,
        ),
    )


def _steps(facts: Facts) -> Iterator[Reason]:
    failed = [step for step in facts.all("step-finished") if not step["ok"]]
    finished = facts.last("runbook-finished")
    if not failed and finished is not None and not finished["ok"]:
        why = finished.get("why") or t("it did not say why")
        yield facts.reason(
            "step-failed",
            t("stopped at step {failed_step}: {why}.", failed_step=finished.get("failed_step"), why=why),
        )
    for step in failed:
        got = t("exit {exit}", exit=step["exit"]) if step.get("exit") is not None else t("no exit code")
        expected = step.get("expected_exit", 0)
        command = str(step.get("command") or "").strip().splitlines()
        shown = (
            t(" Command: {line}" if len(command) == 1 else " Command: {line} …", line=command[0])
            if command
            else ""
        )
        said = str(step.get("why") or "")
        why = (
            t(": {why}", why=said) if said and not said.startswith("exit code") else ""
        )  # `got` says that already
        yield facts.reason(
            "step-failed",
            t(
                "failed in step {step} ({heading}): got {got}, expected exit {expected}{why}.{shown}",
                step=step["step"],
                heading=step.get("heading") or step["role"],
                got=got,
                expected=expected,
                why=why,
                shown=shown,
            ),
        )


def _recovery(facts: Facts) -> Iterator[Reason]:
    recovery, within_s = facts.recovery, facts.run.objectives.recover_within
    if not recovery.recovered:
        yield from _not_back(facts, within_s)
        return
    if recovery.interval is not None:
        yield from _late(facts, recovery.interval)
    elif facts.run.mode.recovery == "runbook":
        yield facts.no_data(t("shows no moment at which the service came back."))


def _late(facts: Facts, interval: Interval) -> Iterator[Reason]:
    within_s, after = facts.run.objectives.recover_within, facts.since_fault(interval)
    if facts.run.rehearses:
        return  # how fast an emulator is says nothing
    if after.earliest > within_s:
        yield facts.reason(
            "too-slow",
            t(
                "shows that {flow} was back {after} after the fault; the objective is {within_s:g} s."
                if facts.recovery.flow
                else "shows that users were back {after} after the fault; the objective is {within_s:g} s.",
                flow=facts.recovery.flow,
                after=spell(after),
                within_s=within_s,
            ),
        )
    elif after.latest > within_s:
        yield too_coarse(
            facts,
            t(
                "shows that {flow} was back" if facts.recovery.flow else "shows that users were back",
                flow=facts.recovery.flow,
            ),
            spell(after),
            within_s,
        )


def _not_back(facts: Facts, within_s: float) -> Iterator[Reason]:
    finished = facts.last("runbook-finished")
    done = finished is not None and finished["ok"]
    when = t("after the whole runbook") if done else t("when the runbook stopped")
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
    flow = max(ends, key=lambda f: ends[f].failed / max(1, ends[f].operations), default=t("the service"))
    tail = ends.get(flow)
    last = t("; in its last {s:g} s {figures}", s=stable_s, figures=tail) if tail is not None else ""
    yield facts.reason(
        "not-recovered",
        t(
            "shows that {flow} was not back for a whole {stable_s:g} s {when}, "
            "{watched_s:.1f} s after the fault (objective {within_s:g} s){last}.",
            flow=flow,
            stable_s=stable_s,
            when=when,
            watched_s=facts.watched_s,
            within_s=within_s,
            last=last,
        ),
    )
    if done:
        yield facts.reason(
            "verification-blind",
            t(
                "saw the runbook's Verification pass at the end, while {flow} was still broken. "
                "Make it check what users feel.",
                flow=flow,
            ),
        )


# --- nobody acts ---------------------------------------------------------------------------------


def _alone(facts: Facts) -> Iterator[Reason]:
    recovery = facts.recovery
    if facts.run.mode.recovery == "self":
        if not recovery.recovered and recovery.flow is None and facts.proven_by_evidence:
            yield facts.reason(
                "does-not-heal",
                t(
                    "was left alone and shows the fault still in force after {watched_s:.1f} s, but the mode claims "
                    "recovery: self.",
                    watched_s=facts.watched_s,
                ),
            )
        elif not recovery.recovered:
            yield facts.reason(
                "does-not-heal",
                t(
                    "was left alone and {flow} was not back after {watched_s:.1f} s, but the mode "
                    "claims recovery: self.",
                    flow=recovery.flow or t("the service"),
                    watched_s=facts.watched_s,
                ),
            )
        elif recovery.interval is not None:
            yield from _late(facts, recovery.interval)
    elif recovery.recovered:
        yield facts.reason(
            "heals-itself",
            t(
                "was left alone and came back {after} after the fault, so it is not the runbook that brings the "
                "service back. Claim recovery: self, or choose a fault that stays."
                if recovery.interval
                else "was left alone and came back, so it is not the runbook that brings the service back. Claim "
                "recovery: self, or choose a fault that stays.",
                after=spell(facts.since_fault(recovery.interval)) if recovery.interval else "",
            ),
        )


def _looked_at(facts: Facts) -> Iterator[Reason]:
    """A failure that needs a runbook must not go away because somebody looks at it."""
    if facts.recovery.recovered:
        yield facts.reason(
            "heals-itself",
            t(
                "was only looked at and came back: a block of the runbook that is to look heals, or it comes back "
                "alone. Find out which."
            ),
        )
