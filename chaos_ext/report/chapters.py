"""What each event of a run adds to its story, but for the runbook's steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chaos_ext.language import listed, t
from chaos_ext.model import Arm, Event, Interval
from chaos_ext.report import arms, steps, written
from chaos_ext.report.line import Line
from chaos_ext.report.words import HOPS, milliseconds, plainly, seconds, span
from chaos_ext.report.words import approved as approved_words
from chaos_ext.report.words import impact as impact_word
from chaos_ext.restored.words import read, said, to_do
from chaos_ext.verdict.alerted import alerted, is_watch
from chaos_ext.verdict.hops import way

if TYPE_CHECKING:
    from chaos_ext.report.story import Story

Teller = Callable[["Story", Event], Iterator[Line]]

_WHEN = {"after-injection": t("after injection"), "before-mitigation": t("before mitigation")}
_OUTCOMES = {
    "undone": t("undone"),
    "superseded": t("superseded"),
    "already": t("undone already"),
    "failed": t("failed"),
}
# --- the run and its trials ---


def run_started(story: Story, event: Event) -> Iterator[Line]:
    asked = event.get("arms") or {}
    counts = asked.items() if isinstance(asked, dict) else ()
    story.trials = int(event.get("trials") or sum(int(count) for _, count in counts))
    title = event.get("title", "")
    title = title.get(story.language, title.get("en", "")) if isinstance(title, dict) else title
    yield from story.heading(f"{event.get('mode', '')}: {title}")
    told = listed(t("{arm} {count}×", arm=arm, count=count) for arm, count in counts)
    words = t(
        "environment {environment} · {arms} · seed {seed}",
        environment=event.get("environment"),
        arms=told,
        seed=event.get("seed"),
    )
    yield from story.heading(words, "dim")
    if (approved := event.get("approved")) and isinstance(approved, dict):
        yield from story.heading(approved_words(approved), "dim")


def lab_started(story: Story, event: Event) -> Iterator[Line]:
    waited = event.get("waited_s")
    ahead = isinstance(waited, int | float) and waited < 0.5 * event.get("seconds", 0.0)
    name, took = event.get("name", ""), seconds(event.get("seconds"))
    words = t(
        "{name} up in {seconds}, started ahead" if ahead else "{name} up in {seconds}",
        name=name,
        seconds=took,
    )
    yield from story.row({}, t("lab"), words)


def trial_started(story: Story, event: Event) -> Iterator[Line]:
    story.trial, story.arm = event, str(event.get("arm"))
    story.plain = story.arm not in (Arm.WITHOUT_STEP, Arm.MUTATED)
    story.started, story.fault = event.get("at"), None
    number = str(event.get("trial", "")).split("-")[0].lstrip("0") or "?"
    of = (
        t("trial {number} of {trials}", number=number, trials=story.trials)
        if story.trials
        else t("trial {name}", name=event.get("trial"))
    )
    meaning = arms.meaning(event)
    yield Line("")
    yield from story.heading(t("{trial}: {arm} · {meaning}", trial=of, arm=story.arm, meaning=meaning))


def proven(story: Story, event: Event) -> Iterator[Line]:
    if story.alone:
        return
    shown = listed(
        t("{key} {value}", key=proof.get("kind"), value=proof.get("got"))
        for proof in event.get("proofs") or ()
    )
    words = t("{environment} proven: {proofs}", environment=story.trial.get("environment"), proofs=shown)
    yield from story.row(event, t("environment"), words, "good")


def baseline(story: Story, event: Event) -> Iterator[Line]:
    flows: dict[str, dict[str, Any]] = event.get("flows") or {}
    if not event.get("holds"):
        yield from story.row(event, t("baseline"), t("does not hold: {why}", why=event.get("why")), "bad")
    elif not flows:
        yield from story.row(event, t("baseline"), t("nobody uses a rehearsal: nothing is measured"), "dim")
    elif not story.alone:
        window = seconds(event.get("window_s") or event.get("seconds"))
        words = t("every user flow meets its SLO for {window}", window=window)
        yield from story.row(event, t("baseline"), words, "good")
        yield from story.table(
            (t("flow"), t("operations"), t("failed"), t("latency")),
            [
                (n, f.get("operations"), f.get("failed"), milliseconds(f.get("p_latency_s")))
                for n, f in flows.items()
            ],
        )


# --- the fault and what it did ---


def injected(story: Story, event: Event) -> Iterator[Line]:
    started, ended, name = event.get("started"), event.get("ended"), event.get("name")
    words = t("{name} is in; times now count from it", name=name)
    if isinstance(started, int | float) and isinstance(ended, int | float):
        words = t(
            "{name} is in after {seconds}; times now count from it",
            name=name,
            seconds=seconds(ended - started),
        )
        first = started if story.fault is None else story.fault.earliest
        story.fault = Interval(first, ended)
    yield from story.row(event, t("fault"), words, "strong")


def not_injected(story: Story, event: Event) -> Iterator[Line]:
    words = t("{name} could not be injected: {why}", name=event.get("name"), why=event.get("why"))
    yield from story.row(event, t("fault"), words, "bad")


def in_force(story: Story, event: Event) -> Iterator[Line]:
    if story.alone and event.get("holds"):
        return
    when = str(event.get("when", ""))
    found: list[dict[str, Any]] = event.get("evidence") or [{}]
    for evidence in found:
        holds = bool(evidence.get("holds"))
        seen = listed(
            t("{key} {value}", key=k, value=plainly(v))
            for k, v in evidence.items()
            if k not in ("name", "holds")
        )
        words = t(
            "{word}, {when}, by {name}: {seen}" if seen else "{word}, {when}, by {name}",
            word=t("yes") if holds else t("NO"),
            when=_WHEN.get(when, when.replace("-", " ")),
            name=evidence.get("name", "?"),
            seen=seen,
        )
        yield from story.row(event, t("in force"), words, "good" if holds else "bad")


def impact(story: Story, event: Event) -> Iterator[Line]:
    flows: dict[str, dict[str, Any]] = event.get("flows") or {}
    felt = listed(
        t("{key} {value}", key=name, value=impact_word(f.get("measured")))
        for name, f in flows.items()
        if f.get("measured") not in (None, "none")
    )
    as_claimed = all(f.get("measured") in (f.get("claimed"), f.get("possible")) for f in flows.values())
    style = "plain" if event.get("seen") and as_claimed else "bad"
    yield from story.row(event, t("users feel"), felt or t("nobody feels it"), style)
    if not story.alone:
        yield from story.table(
            (t("flow"), t("claimed"), t("measured"), t("failed"), t("latency")),
            [
                (
                    name,
                    _claim(f),
                    impact_word(f.get("measured")),
                    t("{failed} of {operations}", failed=f.get("failed"), operations=f.get("operations")),
                    milliseconds(f.get("p_latency_s")),
                )
                for name, f in flows.items()
            ],
        )


def _claim(flow: dict[str, Any]) -> str:
    claimed, possible = impact_word(flow.get("claimed")), flow.get("possible")
    return listed((claimed, impact_word(possible)), "/") if possible else claimed


def alert(story: Story, event: Event) -> Iterator[Line]:
    name = event.get("name")
    objective = story.objective("detect_within_s")
    if not event.get("fired"):
        words = t(
            "{name} did not fire in {seconds}{objective} {why}",
            name=name,
            seconds=seconds(event.get("waited_s")),
            objective=objective,
            why=event.get("why") or "",
        )
        yield from story.row(event, t("alert"), words, "bad")
        return
    if story.alone and event.get("links") and _reached(event):
        return
    fired = t(
        "{name} fired {after}{objective}", name=name, after=story.after_fault(event), objective=objective
    )
    yield from story.row(event, t("alert"), fired, "good")
    yield from _hops(story, event)
    if not _reached(event):
        told = listed(event.get("told") or ()) or t("nobody")
        words = t("told {told}, expected {receiver}", told=told, receiver=event.get("receiver"))
        yield from story.below(words, "bad")
    url = event.get("runbook_url") or t("no runbook")
    if event.get("links"):
        yield from story.below(t("links {url}", url=url))
    else:
        yield from story.below(t("links {url}", url=url), "bad")
        yield from story.below(t("expected {url}", url=event.get("expected_url")), "bad")


def _reached(event: Event) -> bool:
    """Whether the receiver that must be told was, as far as it was looked at."""
    wanted, watch = event.get("receiver"), event.get("watch")
    if not wanted or not isinstance(watch, dict):
        return True
    return wanted in (event.get("told" if "received" in watch else "receivers") or ())


def _hops(story: Story, event: Event) -> Iterator[Line]:
    """How it was noticed, two hops a line."""
    if story.fault is None or not is_watch(event.get("watch")):
        return
    hurt = event.get("hurt")
    first = (Interval(hurt["earliest"], hurt["latest"]), str(hurt["flow"])) if hurt else None
    hops = [
        hop for hop in way(alerted(event), story.fault, first, event.get("receiver") or None) if hop.after
    ]
    for two in (hops[:2], hops[2:]):
        parts = [
            t("{hop} after {time}", hop=HOPS[hop.name], time=span(hop.after))
            if not hop.note
            else t("{hop} after {time} ({note})", hop=HOPS[hop.name], time=span(hop.after), note=hop.note)
            for hop in two
            if hop.after is not None
        ]
        if parts:
            yield from story.below(listed(parts), "dim")


# --- how it ended ---


def recovery(story: Story, event: Event) -> Iterator[Line]:
    back, after = bool(event.get("recovered")), story.after_fault(event)
    if story.alone:
        itself = story.trial.get("recovery") == "self"
        after = after or t("by its evidence")
        words = (
            t("back {after}", after=after) if back else t("not back after {time}", time=story.since(event))
        )
        label = t("nobody acted") if story.arm == Arm.NO_ACTION else t("only looked")
        yield from story.row(event, label, words, "good" if back is itself else "bad")
        return
    if story.arm == Arm.HEALTHY:
        words = t("users felt nothing of it") if back else t("users are hurt: {why}", why=event.get("why"))
        yield from story.row(event, t("healthy"), words, "good" if back else "bad")
        return
    if event.get("by") == "evidence":
        words = t("the fault is over, by its evidence") if back else t("the fault is still in force")
        yield from story.row(
            event, t("recovery"), words, "good" if back else "bad" if story.plain else "plain"
        )
        return
    objective = story.objective("recover_within_s")
    if not back:
        words = t("not back after {time}{objective}", time=story.since(event), objective=objective)
    elif event.get("flow"):
        words = t(
            "{flow} was the last flow to be back, {after}{objective}",
            flow=event["flow"],
            after=after,
            objective=objective,
        )
    else:
        words = t("back {after}{objective}", after=after, objective=objective)
    yield from story.row(event, t("recovery"), words, "good" if back else "bad" if story.plain else "plain")


def undone(story: Story, event: Event) -> Iterator[Line]:
    outcome = str(event.get("outcome"))
    words = t(
        "{name} {outcome}: {why}" if event.get("why") else "{name} {outcome}",
        name=event.get("name"),
        outcome=_OUTCOMES.get(outcome, outcome),
        why=event.get("why"),
    )
    yield from story.row(event, t("undo"), words, "bad" if outcome == "failed" else "plain")


def aborted(story: Story, event: Event) -> Iterator[Line]:
    yield from story.row(event, t("stopping"), story.say(event.get("why") or t("asked to stop")), "bad")


def undo_started(story: Story, event: Event) -> Iterator[Line]:
    after_ms = 1000 * float(event.get("after_s") or 0.0)
    yield from story.row(
        event,
        t("undoing"),
        t("{name}: begun {ms:.0f} ms after the stop", name=event.get("name"), ms=after_ms),
    )


def undo_waits(story: Story, event: Event) -> Iterator[Line]:
    said = t("{name}: {why}", name=event.get("name"), why=story.say(event.get("why")))
    yield from story.row(event, t("undoing"), said)


def left(story: Story, event: Event) -> Iterator[Line]:
    story.left = True
    yield from story.row({}, t("NOT RESTORED"), story.say(event.get("why")), "bad")


def restored(story: Story, event: Event) -> Iterator[Line]:
    """What is as it was, or is not; when nobody acted, only the latter, and what the fault itself leaves."""
    found = [said(read(each)) for each in event.get("differences") or ()]
    if found and not story.plain and event.get("disposable"):
        words = t("{count} differences, which go with the place: it is thrown away", count=len(found))
        yield from story.row(event, t("restored"), words, "dim")
        return
    not_seen: dict[str, Any] = event.get("not_seen") or {}
    left = event.get("left") or []
    if event.get("holds") and (not story.alone or left):
        words = t(
            "everything is as before the fault, but for what the mode leaves ({count})"
            if left
            else "everything is as before the fault",
            count=len(left),
        )
        yield from story.row(event, t("restored"), words, "good")
    for words in found:
        yield from story.row(event, t("NOT RESTORED"), words, "bad")
    for name, why in not_seen.items():
        words = t("{name} could not be looked at: {why}", name=name, why=why)
        yield from story.row(event, t("NOT RESTORED"), words, "bad")
    if found:
        words = to_do(str(event.get("mode", "")), disposable=bool(event.get("disposable")))
        yield from story.row({}, "", words, "bad")
    for path in event.get("unmatched") or () if story.arm == Arm.TREATMENT else ():
        words = t(
            "the mode says that it leaves {path}, which is not so here: remove it, or correct it", path=path
        )
        yield from story.row(event, t("leaves"), words, "dim")


def lab_stopped(story: Story, event: Event) -> Iterator[Line]:
    yield Line("")
    words = t(
        "not all of it taken down, {seconds} waited"
        if story.left
        else "everything taken down, {seconds} waited",
        seconds=seconds(event.get("seconds")),
    )
    yield from story.row({}, t("lab"), words)


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
    "verification-after": arms.verification_after,
    "variant-left-out": arms.left_out,
    "trial-taken-over": arms.taken_over,
    "progress": arms.progress,
    "step-started": steps.step_started,
    "step-output": steps.step_output,
    "step-finished": steps.step_finished,
    "runbook-finished": steps.runbook_finished,
    "recovery": recovery,
    "write-log": written.writes,
    "fault-undone": undone,
    "abort": aborted,
    "restored": restored,
    "undo-started": undo_started,
    "undo-waits": undo_waits,
    "environment-not-restored": left,
    "lab-stopped": lab_stopped,
}
