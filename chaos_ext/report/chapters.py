"""What each event of a run adds to its story, but for the runbook's steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chaos_ext.model import Arm, Event, Interval
from chaos_ext.report import steps
from chaos_ext.report.line import Line
from chaos_ext.report.words import milliseconds, plainly, seconds

if TYPE_CHECKING:
    from chaos_ext.report.story import Story

Teller = Callable[["Story", Event], Iterator[Line]]

_ARMS = {
    Arm.TREATMENT: "the fault, then the whole runbook",
    Arm.NO_ACTION: "the same fault, and nobody acts",
}

# --- the run and its trials ---


def run_started(story: Story, event: Event) -> Iterator[Line]:
    arms = event.get("arms") or {}
    counts = arms.items() if isinstance(arms, dict) else ()
    story.trials = sum(int(count) for _, count in counts)
    title = event.get("title", "")
    title = title.get("en", "") if isinstance(title, dict) else title
    yield from story.heading(f"{event.get('mode', '')}: {title}")
    told = ", ".join(f"{arm} {count}×" for arm, count in counts)
    yield from story.heading(
        f"environment {event.get('environment')} · {told} · seed {event.get('seed')}", "dim"
    )


def lab_started(story: Story, event: Event) -> Iterator[Line]:
    waited = event.get("waited_s")
    ahead = isinstance(waited, int | float) and waited < 0.5 * event.get("seconds", 0.0)
    how = ", started ahead" if ahead else ""
    yield from story.row({}, "lab", f"{event.get('name', '')} up in {seconds(event.get('seconds'))}{how}")


def trial_started(story: Story, event: Event) -> Iterator[Line]:
    story.trial, story.arm = event, str(event.get("arm"))
    story.started, story.fault = event.get("at"), None
    number = str(event.get("trial", "")).split("-")[0].lstrip("0") or "?"
    of = f"trial {number} of {story.trials}" if story.trials else f"trial {event.get('trial')}"
    meaning = next((words for arm, words in _ARMS.items() if arm == story.arm), "")
    yield Line("")
    yield from story.heading(f"{of}: {story.arm} · {meaning}")


def proven(story: Story, event: Event) -> Iterator[Line]:
    if story.alone:
        return
    shown = ", ".join(f"{proof.get('kind')} {proof.get('got')}" for proof in event.get("proofs") or ())
    yield from story.row(event, "environment", f"{story.trial.get('environment')} proven: {shown}", "good")


def baseline(story: Story, event: Event) -> Iterator[Line]:
    flows: dict[str, dict[str, Any]] = event.get("flows") or {}
    if not event.get("holds"):
        yield from story.row(event, "baseline", f"does not hold: {event.get('why')}", "bad")
    elif not story.alone:
        window = seconds(event.get("window_s") or event.get("seconds"))
        yield from story.row(event, "baseline", f"every user flow meets its SLO for {window}", "good")
        yield from story.table(
            ("flow", "operations", "failed", "latency"),
            [
                (n, f.get("operations"), f.get("failed"), milliseconds(f.get("p_latency_s")))
                for n, f in flows.items()
            ],
        )


# --- the fault and what it did ---


def injected(story: Story, event: Event) -> Iterator[Line]:
    started, ended = event.get("started"), event.get("ended")
    took = ""
    if isinstance(started, int | float) and isinstance(ended, int | float):
        took = f" after {seconds(ended - started)}"
        first = started if story.fault is None else story.fault.earliest
        story.fault = Interval(first, ended)
    yield from story.row(
        event, "fault", f"{event.get('name')} is in{took}; times now count from it", "strong"
    )


def not_injected(story: Story, event: Event) -> Iterator[Line]:
    yield from story.row(
        event, "fault", f"{event.get('name')} could not be injected: {event.get('why')}", "bad"
    )


def in_force(story: Story, event: Event) -> Iterator[Line]:
    if story.alone and event.get("holds"):
        return
    when = str(event.get("when", "")).replace("-", " ")
    found: list[dict[str, Any]] = event.get("evidence") or [{}]
    for evidence in found:
        seen = ", ".join(f"{k} {plainly(v)}" for k, v in evidence.items() if k not in ("name", "holds"))
        word = "yes" if evidence.get("holds") else "NO"
        detail = f": {seen}" if seen else ""
        style = "good" if evidence.get("holds") else "bad"
        yield from story.row(
            event, "in force", f"{word}, {when}, by {evidence.get('name', '?')}{detail}", style
        )


def impact(story: Story, event: Event) -> Iterator[Line]:
    flows: dict[str, dict[str, Any]] = event.get("flows") or {}
    felt = [
        f"{name} {f.get('measured')}" for name, f in flows.items() if f.get("measured") not in (None, "none")
    ]
    as_claimed = all(f.get("measured") in (f.get("claimed"), f.get("possible")) for f in flows.values())
    words = ", ".join(felt) or "nobody feels it"
    style = "plain" if event.get("seen") and as_claimed else "bad"
    yield from story.row(event, "users feel", words, style)
    if not story.alone:
        yield from story.table(
            ("flow", "claimed", "measured", "failed", "latency"),
            [
                (
                    name,
                    _claim(f),
                    f.get("measured") or "no data",
                    f"{f.get('failed')} of {f.get('operations')}",
                    milliseconds(f.get("p_latency_s")),
                )
                for name, f in flows.items()
            ],
        )


def _claim(flow: dict[str, Any]) -> str:
    possible = flow.get("possible")
    return str(flow.get("claimed")) if not possible else f"{flow.get('claimed')}/{possible}"


def alert(story: Story, event: Event) -> Iterator[Line]:
    name = event.get("name")
    if not event.get("fired"):
        words = f"{name} did not fire in {seconds(event.get('waited_s'))}{story.objective('detect_within_s')}"
        yield from story.row(event, "alert", f"{words} {event.get('why') or ''}", "bad")
        return
    if story.alone and event.get("links"):
        return
    yield from story.row(
        event,
        "alert",
        f"{name} fired {story.after_fault(event)}{story.objective('detect_within_s')}",
        "good",
    )
    url = event.get("runbook_url") or "no runbook"
    if event.get("links"):
        yield from story.below(f"links {url}")
    else:
        yield from story.below(f"links {url}", "bad")
        yield from story.below(f"expected {event.get('expected_url')}", "bad")


# --- how it ended ---


def recovery(story: Story, event: Event) -> Iterator[Line]:
    back, after = bool(event.get("recovered")), story.after_fault(event)
    if story.alone:
        itself = story.trial.get("recovery") == "self"
        words = f"back {after}" if back else f"not back after {story.since(event)}"
        yield from story.row(event, "nobody acted", words, "good" if back is itself else "bad")
    elif back:
        flow = f"{event['flow']} was the last flow to be back, " if event.get("flow") else "back "
        yield from story.row(event, "recovery", f"{flow}{after}{story.objective('recover_within_s')}", "good")
    else:
        words = f"not back after {story.since(event)}{story.objective('recover_within_s')}"
        yield from story.row(event, "recovery", words, "bad")


def writes(story: Story, event: Event) -> Iterator[Line]:
    if not event.get("readable"):
        yield from story.row(event, "write log", f"could not be read back: {event.get('why')}", "bad")
        return
    lists = [(name, event.get(name) or []) for name in ("lost", "duplicated", "unexpected", "changed")]
    counts = [f"{event.get('acknowledged')} acknowledged", f"{len(lists[0][1])} lost"]
    counts += [f"{event.get('indeterminate')} indeterminate", f"{event.get('failed')} failed"]
    counts += [f"{len(ids)} {name}" for name, ids in lists[1:] if ids or name == "duplicated"]
    bad = any(ids for _, ids in lists)
    yield from story.row(event, "write log", ", ".join(counts), "bad" if bad else "good")
    for name, ids in lists:
        if ids:
            yield from story.below(f"{name}: {', '.join(map(str, ids))}", "bad")


def undone(story: Story, event: Event) -> Iterator[Line]:
    why = f": {event['why']}" if event.get("why") else ""
    style = "bad" if event.get("outcome") == "failed" else "plain"
    yield from story.row(event, "undo", f"{event.get('name')} {event.get('outcome')}{why}", style)


def aborted(story: Story, event: Event) -> Iterator[Line]:
    yield from story.row(event, "stopping", str(event.get("why") or "asked to stop"), "bad")


def left(story: Story, event: Event) -> Iterator[Line]:
    story.left = True
    yield from story.row({}, "NOT RESTORED", str(event.get("why")), "bad")


def lab_stopped(story: Story, event: Event) -> Iterator[Line]:
    yield Line("")
    what = "not all of it taken down" if story.left else "everything taken down"
    yield from story.row({}, "lab", f"{what}, {seconds(event.get('seconds'))} waited")


# Kinds that are not named here add nothing.
TELLERS: dict[str, Teller] = {
    "run-started": run_started,
    "lab-started": lab_started,
    "trial-started": trial_started,
    "environment-proven": proven,
    "baseline": baseline,
    "fault-injected": injected,
    "fault-not-injected": not_injected,
    "fault-in-force": in_force,
    "impact": impact,
    "alert": alert,
    "runbook-started": steps.runbook_started,
    "verification-before": steps.verification_before,
    "step-started": steps.step_started,
    "step-output": steps.step_output,
    "step-finished": steps.step_finished,
    "runbook-finished": steps.runbook_finished,
    "recovery": recovery,
    "write-log": writes,
    "fault-undone": undone,
    "abort": aborted,
    "environment-not-restored": left,
    "lab-stopped": lab_stopped,
}
