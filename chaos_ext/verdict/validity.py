"""Whether a trial counts at all, decided before anybody looks at how it ended.

Each rule yields the reasons why nothing may be concluded from the trial. A trial with any such reason is
`unknown`: it is counted and told, and never passes. What was not recorded did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from chaos_ext.language import Said, listed, t
from chaos_ext.model import Event, Impact, Reason
from chaos_ext.verdict import healthy, starved, wholeness, writes
from chaos_ext.verdict.facts import Facts, these

Rule = Callable[[Facts], Iterable[Reason]]


def invalid(facts: Facts) -> tuple[Reason, ...]:
    """Why this trial proves nothing; empty when it counts."""
    for first in (_interrupted, _blocked, _baseline_said_no, _not_injected):
        # What is missing after one of these is its consequence, and would only hide it.
        if found := tuple(first(facts)):
            return found
    return tuple(reason for rule in _RULES for reason in rule(facts))


def _interrupted(facts: Facts) -> Iterator[Reason]:
    abort = facts.last("abort")
    if abort is not None and abort.get("by") == "condition":
        yield from _aborted(facts, abort)
    elif abort is not None:
        why = str(abort.get("why") or t("somebody asked to stop"))
        yield facts.reason("interrupted", t("was stopped before its end: {why}. Run it again.", why=why))
    elif _cut_off(facts) and facts.has("environment-proven"):
        yield facts.reason("interrupted", t("was stopped before its end. Run it again."))


def _aborted(facts: Facts, abort: Event) -> Iterator[Reason]:
    """Nobody asked to stop: what was measured did. That users were not back long after the objective is a finding."""
    why, seen = abort.get("why", ""), float(abort.get("seen") or abort["at"])
    yield facts.reason("aborted", t("was stopped and undone before its end: {why}.", why=why))
    stable_s = facts.run.environment.windows.stable
    hurt = [
        f for f in facts.samples if facts.figures(f, seen - stable_s, seen).impact not in (None, Impact.NONE)
    ]
    if abort.get("condition") == "fault_outlives" and facts.followed and facts.fault is not None and hurt:
        yield facts.reason(
            "not-recovered",
            t(
                "shows that {flows} was not back {age_s:.1f} s after the fault, when it was stopped and undone; the "
                "objective is {within_s:g} s.",
                flows=these(hurt),
                age_s=seen - facts.fault.earliest,
                within_s=facts.run.objectives.recover_within,
            ),
        )


def _blocked(facts: Facts) -> Iterator[Reason]:
    blocked = facts.last("blocked")
    if facts.fault is not None:
        return
    if blocked is not None:
        yield facts.reason(
            "blocked", t("was refused, nothing was injected: {why}", why=blocked.get("why", ""))
        )
    elif _cut_off(facts) and not facts.has("environment-proven"):
        yield facts.reason(
            "blocked",
            t(
                "was refused before it began, nothing was injected: its environment could not be "
                "proven, is taken or is not healed. The trial's experiment.log says which."
            ),
        )


def _cut_off(facts: Facts) -> bool:
    """Whether Chaos Toolkit says that a control stopped the experiment."""
    return (facts.evidence.journal or {}).get("status") in ("interrupted", "aborted")


def _baseline_said_no(facts: Facts) -> Iterator[Reason]:
    baseline = facts.last("baseline")
    if baseline is not None and not baseline["holds"]:
        why = str(baseline.get("why") or t("the user flows did not meet their SLOs"))
        yield facts.reason(
            "baseline-not-met",
            t(
                "found the environment unwell before anything was broken: {why}. Mend it and run again.",
                why=why,
            ),
        )


def _not_injected(facts: Facts) -> Iterator[Reason]:
    refused = facts.all("fault-not-injected")
    for event in refused:
        why = event.get("why") or t("its activity failed")
        yield facts.reason(
            "fault-not-injected", t("could not inject {name}: {why}", name=event["name"], why=why)
        )
    failed = facts.activity("inject-")
    if failed is not None and not refused:
        yield facts.reason(
            "fault-not-injected",
            t(
                "failed in {name}: {why}",
                name=failed["activity"]["name"],
                why=wholeness.exception_of(failed),
            ),
        )


# --- the rules of design/verification.md ---------------------------------------------------------


def _baseline_measured(facts: Facts) -> Iterator[Reason]:
    """Rule 1: the baseline held for a whole window right before the fault."""
    if facts.fault is None or facts.run.rehearses:
        return
    window_s = facts.run.environment.windows.baseline
    first = min((s.sent for s in facts.evidence.samples), default=facts.fault.earliest)
    period_s = 1 / max(flow.per_second for flow in facts.run.services.flows.values())
    if first > facts.fault.earliest - window_s + period_s:
        yield facts.no_data(
            t(
                "measured {lead_s:.1f} s before the fault, fewer than {window_s:g} s.",
                lead_s=facts.fault.earliest - first,
                window_s=window_s,
            ),
        )
    for figures in facts.baseline:
        if not figures.operations:
            yield facts.no_data(
                t(
                    "measured no operation of {flow} in the {window_s:g} s before the fault.",
                    flow=figures.flow,
                    window_s=window_s,
                )
            )
        elif not figures.well:
            yield facts.reason(
                "baseline-not-met",
                t(
                    "broke something that was not well: in the {window_s:g} s before the fault "
                    "{figures} in {flow}.",
                    window_s=window_s,
                    figures=figures,
                    flow=figures.flow,
                ),
            )


def _in_force(facts: Facts) -> Iterator[Reason]:
    """Rule 2: evidence other than the injecting call's own shows the fault, twice."""
    injected = {e["name"] for e in facts.all("fault-injected")}
    absent = [name for name in facts.run.faults if name not in injected]
    if facts.fault is not None and absent:
        yield facts.reason(
            "fault-not-injected", t("has no record that {absent} went in.", absent=these(absent))
        )
    if not facts.run.faults:
        yield facts.no_data(
            t(
                "has no fault to judge: the mode says none for {platform}.",
                platform=facts.run.environment.platform,
            )
        )
    looks = ["after-injection"]
    if facts.run.mode.recovery != "self":
        looks.append("before-mitigation")
    for when in looks:
        # The first look after it went in; the last one before something was done about it.
        seen = [e for e in facts.all("fault-in-force") if e["when"] == when]
        event = None if not seen else seen[-1 if when == "before-mitigation" else 0]
        if event is None:
            if facts.has("fault-in-force"):
                yield facts.no_data(t("has no look at the fault {when}.", when=_WHEN[when]))
            continue
        yield from _look(facts, event, when)


_WHEN = {
    "after-injection": t("after it went in"),
    "before-mitigation": t("right before the first mitigation"),
}


def _look(facts: Facts, event: Event, when: str) -> Iterator[Reason]:
    against = [e for e in event["evidence"] if not (isinstance(e, dict) and e.get("holds") is True)]
    if not event["holds"] or against:
        word = "fault-not-in-force"
        if when == "before-mitigation" and facts.run.expires_after_s is not None:
            word = "fault-expired"
        names = these(e.get("name", "?") if isinstance(e, dict) else e for e in against) or t("the evidence")
        yield facts.reason(
            word,
            t(
                "shows no fault {when}: {names} does not hold. What happened afterwards proves "
                "nothing; check the fault's activity and its in_force probe.",
                when=_WHEN[when],
                names=names,
            ),
        )
    elif len(event["evidence"]) < len(facts.run.faults):
        yield facts.no_data(
            t(
                "has evidence for {evidence} of {faults} faults {when}.",
                evidence=len(event["evidence"]),
                faults=len(facts.run.faults),
                when=_WHEN[when],
            ),
        )
    if facts.fault is not None and event["at"] < facts.fault.latest:
        yield facts.no_data(t("looked at the fault before it had gone in."))
    if facts.mitigation_at is not None and event["at"] > facts.mitigation_at:
        yield facts.no_data(t("looked at the fault only after the mitigation had begun."))


def _outlived(facts: Facts) -> Iterator[Reason]:
    """Rule 2, second half: a fault that its provider, the janitor or somebody ends must outlast what is judged."""
    if facts.fault is None:
        return
    first = {e["name"]: e for e in reversed(facts.all("fault-undone"))}
    for name in dict.fromkeys(e["name"] for e in facts.all("fault-injected")):
        if not first.get(name, {}).get("closed_before"):
            continue
        yield facts.reason(
            "fault-expired",
            t(
                "found {name} undone by somebody else before its own undo: what brought the "
                "service back cannot be told. Leave a run alone, or give the environment a "
                "longer limits.longest_fault.",
                name=name,
            ),
        )
    back = facts.recovery.interval
    until = back.latest if back is not None else facts.end
    if until is None or facts.run.mode.recovery == "self":
        return
    lasted_s = until - facts.fault.earliest
    for ends_s, who, longer in (
        (
            facts.run.expires_after_s,
            t("the fault ends by itself"),
            t("Give the fault a longer expires_after."),
        ),
        (
            facts.run.environment.limits.longest_fault,
            t("the janitor undoes it"),
            t("Give the environment a longer limits.longest_fault."),
        ),
    ):
        if ends_s is not None and lasted_s >= ends_s:
            yield facts.reason(
                "fault-expired",
                t(
                    "went on for {lasted_s:.1f} s, but {who} after {ends_s:g} s: what brought the "
                    "service back cannot be told. {longer}",
                    lasted_s=lasted_s,
                    who=who,
                    ends_s=ends_s,
                    longer=longer,
                ),
            )


def _felt(facts: Facts) -> Iterator[Reason]:
    """Rule 3: users felt it, in a flow that the mode claims to hurt."""
    mode = facts.run.mode
    flows = facts.run.services.flows
    claimed = {f: impact for f, impact in mode.impact.hurt.items() if f in flows}
    named = [*mode.impact.flows.items(), *mode.impact.possible.items()]
    other = [f for f, _ in named if f not in flows]
    if other:
        yield facts.no_data(
            t("cannot measure {other}: services.yaml has no such user flow.", other=these(other))
        )
    dim = [f"{f} ({impact})" for f, impact in named if f in flows and impact not in flows[f].shows]
    if dim:
        yield facts.no_data(t("cannot measure the claimed impact on {dim} with this meter.", dim=these(dim)))
    if not facts.impact:
        return
    unmeasured = [f for f, figures in facts.impact.items() if figures.impact is None]
    if unmeasured:
        yield facts.no_data(
            t(
                "measured no operation of {unmeasured} between the fault and the first mitigation.",
                unmeasured=these(unmeasured),
            )
        )
        return
    felt = [f for f in claimed if facts.impact[f].impact is not Impact.NONE]
    event = facts.last("impact")
    told = event is not None and event["seen"]
    if claimed and not felt:
        figures = _figures(facts, claimed)
        if told:
            yield facts.no_data(
                t(
                    "recorded that users felt the fault, but its samples say otherwise: {figures}.",
                    figures=figures,
                )
            )
        others = [
            f for f, seen in facts.impact.items() if f not in claimed and seen.impact is not Impact.NONE
        ]
        yield facts.reason(
            "no-impact",
            t(
                "hurt none of the flows that the mode claims to hurt ({figures}). It hurt others ({others}): is the "
                "claim about the wrong flow? Correct impact.flows."
                if others
                else "hurt none of the flows that the mode claims to hurt ({figures}). The fault is in force and "
                "nobody felt it: correct impact.flows, or take another fault.",
                figures=figures,
                others=_figures(facts, others),
            ),
        )


def _figures(facts: Facts, flows: Iterable[str]) -> Said:
    return listed((t("{flow}: {figures}", flow=flow, figures=facts.impact[flow]) for flow in flows), "; ")


def _person(facts: Facts) -> Iterator[Reason]:
    finished = facts.last("runbook-finished")
    if facts.followed and finished is not None and finished["needs_person"]:
        steps = these(s["step"] for s in facts.all("step-finished") if s.get("person"))
        why = finished.get("why") or steps or t("see the runbook")
        yield facts.reason(
            "needs-a-person",
            t(
                "came to what only a person can do ({why}). Give that step a standin block to "
                "have it verified unattended.",
                why=why,
            ),
        )


_RULES: tuple[Rule, ...] = (
    wholeness.belongs_here,
    wholeness.measured_throughout,
    wholeness.measured_without_pause,
    starved.sent_in_time,
    _baseline_measured,
    _in_force,
    _outlived,
    _felt,
    wholeness.verification_in_time,
    _person,
    wholeness.steps_add_up,
    wholeness.recovery_agrees,
    wholeness.looked_at_the_end,
    writes.writes_add_up,
    healthy.invalid,
    wholeness.complete,
)


def too_short(facts: Facts, needed_s: float) -> tuple[Reason, ...]:
    """Rule 5: the no-action arm is watched as long as the slowest treatment took, and its stable window."""
    if facts.recovery.recovered or facts.watched_s >= needed_s:
        return ()
    return (
        facts.reason(
            "no-action-arm-too-short",
            t(
                "was watched for {watched_s:.1f} s, but the slowest treatment and its stable "
                "window took {needed_s:.1f} s: that it does not come back alone is not shown.",
                watched_s=facts.watched_s,
                needed_s=needed_s,
            ),
        ),
    )


def too_coarse(facts: Facts, what: str, measured: str, objective_s: float) -> Reason:
    """An interval that lies on both sides of its objective decides nothing."""
    return facts.no_data(
        t(
            "{what} {measured} after the fault, around the objective of {objective_s:g} s: "
            "too coarse to judge.",
            what=what,
            measured=measured,
            objective_s=objective_s,
        ),
    )
