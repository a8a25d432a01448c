"""A runbook that is followed, told step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chaos_ext.model import Event
from chaos_ext.report.line import Line
from chaos_ext.report.words import seconds

if TYPE_CHECKING:
    from chaos_ext.report.story import Story


# --- the runbook ---


def runbook_started(story: Story, event: Event) -> Iterator[Line]:
    steps = event.get("steps") or ()
    yield from story.row(
        event,
        "runbook",
        f"{event.get('runbook')} on {event.get('platform')}, {len(steps)} steps",
        "strong",
    )


def verification_before(story: Story, event: Event) -> Iterator[Line]:
    if event.get("passed"):
        words = "Verification passes before anything is done: it does not see the failure"
        yield from story.row(event, "check", words, "bad")
    else:
        words = "Verification fails before anything is done, as it should"
        yield from story.row(event, "check", words, "good")


def step_started(story: Story, event: Event) -> Iterator[Line]:
    yield from story.row(
        event, str(event.get("role", "step")), str(event.get("heading") or event.get("step"))
    )


def step_output(story: Story, event: Event) -> Iterator[Line]:
    yield from story.below(str(event.get("line", "")), "dim", mark="| ")


def step_finished(story: Story, event: Event) -> Iterator[Line]:
    took = seconds(event.get("seconds"))
    if event.get("branch"):
        yield from story.below(f"→ {event['branch']}")
    if event.get("ok"):
        yield from story.below(f"{event.get('step')} ok in {took}", "good")
        return
    got = "no exit code" if event.get("exit") is None else f"exit {event['exit']}"
    yield from story.below(
        f"{event.get('step')} failed in {took}: {got}, expected exit {event.get('expected_exit', 0)}",
        "bad",
    )
    if event.get("why"):
        yield from story.below(str(event["why"]), "bad")
    for line in str(event.get("command") or "").splitlines():
        yield from story.below(line, "bad", mark="$ ")


def runbook_finished(story: Story, event: Event) -> Iterator[Line]:
    took = seconds(event.get("seconds"))
    where = f" at {event['failed_step']}" if event.get("failed_step") else ""
    if event.get("needs_person"):
        yield from story.row(event, "runbook", f"needs a person{where}", "bad")
    elif event.get("ok"):
        yield from story.row(event, "runbook", f"followed to its end in {took}", "good")
    else:
        yield from story.row(event, "runbook", f"stopped{where} after {took}", "bad")
        if not where and event.get("why"):
            yield from story.below(str(event["why"]), "bad")
