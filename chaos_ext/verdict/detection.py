"""Whether the right people are told of a failure in time, and where to read on. Pure.

What was not looked at speaks for nothing; what the mode names and nobody could see is `no-data`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chaos_ext.alerts import links
from chaos_ext.language import Said, listed, t
from chaos_ext.meter.onset import onset
from chaos_ext.model import Event, Impact, Interval, Reason
from chaos_ext.verdict.alerted import FIRING, RECEIVED, Alerted, Seen, alerted
from chaos_ext.verdict.facts import Facts, spell
from chaos_ext.verdict.hops import Hop, receivers, way
from chaos_ext.verdict.validity import too_coarse


@dataclass(frozen=True)
class Linked:
    """What the alert's link points at."""

    url: str
    expected: str
    revision: str  # that it names; empty: none
    followed: str  # digest of the runbook that was followed, or is there; empty: not known
    right: bool | None  # None: not known, or there is no runbook


def first_hurt(facts: Facts) -> tuple[Interval, str] | None:
    """When the first users were hurt, and of which flow; None when nobody was."""
    if facts.fault is None:
        return None
    environment = facts.run.environment
    since = facts.fault.earliest - environment.windows.baseline
    found: list[tuple[Interval, str]] = []
    for name, flow in facts.run.services.flows.items():
        felt = facts.impact.get(name)
        if felt is None or felt.impact in (None, Impact.NONE):
            continue
        of = [
            s for s in facts.samples[name] if s.sent >= since and (facts.end is None or s.done <= facts.end)
        ]
        began = onset(of, flow.slo, facts.fault, environment.windows.stable)
        if began is not None:
            found.append((began, name))
    if not found:
        return None
    _, flow_name = min(found, key=lambda each: each[0].latest)
    return Interval(min(i.earliest for i, _ in found), min(i.latest for i, _ in found)), flow_name


def hops(facts: Facts) -> tuple[Hop, ...]:
    """The whole way, in its order; empty without a fault or a look at the alert."""
    event = facts.last("alert")
    if event is None or facts.fault is None:
        return ()
    return way(alerted(event), facts.fault, first_hurt(facts), facts.run.mode.detection.receiver)


def linked(facts: Facts) -> Linked | None:
    """What the alert that is about the fault links; None when none fired."""
    event = facts.last("alert")
    if event is None or facts.fault is None:
        return None
    firing = alerted(event).about(facts.fault)
    if firing is None:
        return None
    expected = str(event.get("expected_url") or facts.run.mode.runbook)
    named, followed = links.revision(firing.url), _followed(facts, event)
    right: bool | None = bool(event["links"])
    if not facts.run.has_runbook:
        right = None
    elif isinstance(event.get("watch"), dict):
        right = links.without_revision(firing.url) == links.without_revision(expected)
        if right and facts.run.environment.alerts.link_revision:
            right = links.is_of(named, followed) if followed else None
    return Linked(firing.url, expected, named, followed, right)


def against(facts: Facts) -> Iterator[Reason]:
    """What in this trial speaks against the claim that the right people are told in time, and where to read on."""
    event = facts.last("alert")
    if event is None or facts.fault is None:
        return
    name = facts.run.mode.detection.alert
    if event["name"] != name:
        yield facts.reason(
            "not-detected",
            t("looked for alert {name}, but the mode names {claimed}.", name=event["name"], claimed=name),
        )
        return
    seen = alerted(event)
    firing = seen.about(facts.fault)
    if event["fired"] and event["latest"] is None:
        yield facts.no_data(t("recorded an alert that fired, but not when."))
    elif firing is None:
        yield _silent(facts, event, seen)
    elif firing.interval is None:
        yield facts.no_data(t("recorded an alert that fired, but not when."))
    else:
        within_s = facts.run.objectives.detect_within
        yield from _in_time(facts, t("saw alert {name}", name=name), firing.interval, within_s)
        yield from _link(facts)
        yield from _told(facts, seen, firing, within_s)


def _followed(facts: Facts, event: Event) -> str:
    started = facts.last("runbook-started")
    return str((started or {}).get("digest") or facts.run.runbook_digest or event.get("digest") or "")


# --- the rules -----------------------------------------------------------------------------------


def _silent(facts: Facts, event: Event, seen: Alerted) -> Reason:
    """Why no firing is about the fault."""
    assert facts.fault is not None
    name, within_s = event["name"], facts.run.objectives.detect_within
    after = [each for each in seen.firing if each.latest >= facts.fault.earliest]
    if after:
        return facts.reason(
            "not-detected",
            t(
                "saw alert {name} fire, but its condition was true before the fault: it says nothing about it.",
                name=name,
            ),
        )
    if seen.firing:
        return facts.reason(
            "not-detected", t("saw alert {name} fire before the fault: it says nothing about it.", name=name)
        )
    if seen.trouble.get(FIRING):
        why = seen.trouble[FIRING]
        return facts.reason(
            "not-detected",
            t("saw no alert {name}, and at last could not ask for it: {why}.", name=name, why=why),
        )
    waited = event.get("waited_s")
    return facts.reason(
        "not-detected",
        t(
            "waited for alert {name} and it did not fire in {waited_s:.1f} s (objective {within_s:g} s). Check "
            "the alert's rule against what this fault really changes."
            if isinstance(waited, int | float)
            else "waited for alert {name} and it did not fire (objective {within_s:g} s). Check the alert's rule "
            "against what this fault really changes.",
            name=name,
            waited_s=waited,
            within_s=within_s,
        ),
    )


def _in_time(facts: Facts, what: Said, moment: Interval, within_s: float) -> Iterator[Reason]:
    after = facts.since_fault(moment)
    if after.earliest > within_s:
        yield facts.reason(
            "not-detected",
            t(
                "{what} only {after} after the fault; the objective is {within_s:g} s. "
                "Shorten the rule's `for` or its window, or correct detect_within.",
                what=what,
                after=spell(after),
                within_s=within_s,
            ),
        )
    elif after.latest > within_s:
        yield too_coarse(facts, what, spell(after), within_s)


def _link(facts: Facts) -> Iterator[Reason]:
    found, name = linked(facts), facts.run.mode.detection.alert
    if found is None or found.right or not facts.run.has_runbook:
        return
    if found.right is None:
        yield facts.no_data(
            t("saw alert {name} link its runbook, but which revision was followed is not known.", name=name)
        )
    elif links.without_revision(found.url) != links.without_revision(found.expected) or not found.followed:
        yield facts.reason(
            "wrong-runbook-linked",
            t(
                "saw alert {name} link {got}, expected {expected}. Correct the alert's runbook link.",
                name=name,
                got=found.url or t("no runbook at all"),
                expected=found.expected,
            ),
        )
    else:
        yield facts.reason(
            "wrong-runbook-linked",
            t(
                "saw alert {name} link revision {revision} of the runbook, but {followed} was followed. Give the "
                "alerting its rules again, so that they link the runbook as it is now.",
                name=name,
                revision=found.revision or t("none"),
                followed=found.followed[: links.DIGITS],
            ),
        )


def _told(facts: Facts, seen: Alerted, firing: Seen, within_s: float) -> Iterator[Reason]:
    """The receiver that the mode names was told, in time."""
    wanted, name = facts.run.mode.detection.receiver, facts.run.mode.detection.alert
    if wanted is None:
        return
    if seen.received is None:
        if not firing.receivers:
            yield facts.no_data(t("saw alert {name} fire, but not who is told.", name=name))
        elif wanted not in firing.receivers:
            yield _elsewhere(facts, wanted, list(firing.receivers))
        return
    arrived = seen.told(firing)
    right = [each for each in arrived if each.receiver == wanted]
    if right:
        moment = right[0].interval
        if moment is None:
            yield facts.no_data(
                t("saw alert {name} reach {receiver}, but not when.", name=name, receiver=wanted)
            )
        else:
            what = t("saw alert {name} reach {receiver}", name=name, receiver=wanted)
            yield from _in_time(facts, what, moment, within_s)
    elif arrived:
        yield _elsewhere(facts, wanted, receivers(arrived))
    elif why := seen.trouble.get(RECEIVED):
        yield facts.no_data(t("could not see who was told of alert {name}: {why}", name=name, why=why))
    else:
        yield facts.reason(
            "not-detected",
            t(
                "saw alert {name} fire, and nothing arrived at {receiver}. Check the alerting's routes, and the way to "
                "the receiver.",
                name=name,
                receiver=wanted,
            ),
        )


def _elsewhere(facts: Facts, wanted: str, others: list[str]) -> Reason:
    return facts.reason(
        "not-detected",
        t(
            "saw alert {name} reach {others}, not {receiver}: those who follow the runbook were not told. Correct the "
            "alerting's routes, or detection.receiver.",
            name=facts.run.mode.detection.alert,
            others=listed(others),
            receiver=wanted,
        ),
    )
