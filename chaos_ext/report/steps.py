"""A runbook that is followed, told step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chaos_ext.language import t
from chaos_ext.model import Arm, Event
from chaos_ext.report.line import Line
from chaos_ext.report.words import seconds

if TYPE_CHECKING:
    from chaos_ext.report.story import Story

ROLES = {
    "params": t("params"),
    "diagnose": t("diagnose"),
    "mitigate": t("mitigate"),
    "undo": t("undo"),
    "standin": t("standin"),
    "verify": t("verify"),
    "step": t("step"),
}


# --- the runbook ---


def runbook_started(story: Story, event: Event) -> Iterator[Line]:
    words = t(
        "{runbook} on {platform}, {count} steps",
        runbook=event.get("runbook"),
        platform=event.get("platform"),
        count=len(event.get("steps") or ()),
    )
    yield from story.row(event, t("runbook"), words, "strong")


def verification_before(story: Story, event: Event) -> Iterator[Line]:
    if story.arm == Arm.HEALTHY:
        well = bool(event.get("passed"))
        words = (
            t("Verification passes, as it should with nothing broken")
            if well
            else t("Verification fails although nothing is broken")
        )
        yield from story.row(event, t("check"), words, "good" if well else "bad")
    elif event.get("passed"):
        words = t("Verification passes before anything is done: it does not see the failure")
        yield from story.row(event, t("check"), words, "bad")
    else:
        words = t("Verification fails before anything is done, as it should")
        yield from story.row(event, t("check"), words, "good")


def step_started(story: Story, event: Event) -> Iterator[Line]:
    role = str(event.get("role", "step"))
    yield from story.row(event, ROLES.get(role, role), str(event.get("heading") or event.get("step")))


def step_output(story: Story, event: Event) -> Iterator[Line]:
    yield from story.below(str(event.get("line", "")), "dim", mark="| ")


def step_finished(story: Story, event: Event) -> Iterator[Line]:
    step, took = event.get("step"), seconds(event.get("seconds"))
    if event.get("branch"):
        yield from story.below(t("→ {step}", step=event["branch"]))
    if event.get("ok"):
        yield from story.below(t("{step} ok in {seconds}", step=step, seconds=took), "good")
        return
    code = event.get("exit")
    got = t("no exit code") if code is None else t("exit {code}", code=code)
    words = t(
        "{step} failed in {seconds}: {got}, expected exit {expected}",
        step=step,
        seconds=took,
        got=got,
        expected=event.get("expected_exit", 0),
    )
    yield from story.below(words, "bad")
    if event.get("why"):
        yield from story.below(story.say(event["why"]), "bad")
    for line in str(event.get("command") or "").splitlines():
        yield from story.below(line, "bad", mark="$ ")


def runbook_finished(story: Story, event: Event) -> Iterator[Line]:
    took, at = seconds(event.get("seconds")), event.get("failed_step")
    if event.get("needs_person"):
        words = t("needs a person at {step}" if at else "needs a person", step=at)
        yield from story.row(event, t("runbook"), words, "bad")
    elif event.get("ok"):
        yield from story.row(event, t("runbook"), t("followed to its end in {seconds}", seconds=took), "good")
    else:
        words = t(
            "stopped at {step} after {seconds}" if at else "stopped after {seconds}", step=at, seconds=took
        )
        yield from story.row(event, t("runbook"), words, "bad")
        if not at and event.get("why"):
            yield from story.below(story.say(event["why"]), "bad")
