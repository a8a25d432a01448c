"""What the arms of a run mean, and what happens between its trials, told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chaos_ext.language import Said, t
from chaos_ext.model import Arm, Event, Mutation
from chaos_ext.report.line import Line
from chaos_ext.report.words import duration

if TYPE_CHECKING:
    from chaos_ext.report.story import Story

_ARMS = {
    Arm.TREATMENT: t("the fault, then the whole runbook"),
    Arm.NO_ACTION: t("the same fault, and nobody acts"),
    Arm.LOOK_ONLY: t("the same fault, and only the blocks that look"),
    Arm.HEALTHY: t("no fault, and the whole runbook"),
}
MUTATIONS = {
    Mutation.WRONG_TARGET: t("wrong target"),
    Mutation.SWAPPED: t("swapped with the next step"),
    Mutation.DOUBLED: t("done twice"),
    Mutation.CUT: t("cut in the middle, then everything from the beginning"),
}


def meaning(event: Event) -> Said | str:
    """What a trial tries, by its trial-started event; empty for an arm that is not known."""
    arm, step = str(event.get("arm")), event.get("step")
    if arm == Arm.WITHOUT_STEP:
        return t("the same fault, and the runbook without '{step}'", step=step)
    if arm == Arm.MUTATED:
        mutation = str(event.get("mutation"))
        how = next((words for known, words in MUTATIONS.items() if known == mutation), mutation)
        return t("the same fault, and a mistake in '{step}': {how}", step=step, how=how)
    return next((words for known, words in _ARMS.items() if known == arm), "")


def left_out(story: Story, event: Event) -> Iterator[Line]:
    words = t("{arm} left out: {why}", arm=event.get("variant"), why=story.say(event.get("why")))
    yield from story.row({}, t("arms"), words, "dim")


def taken_over(story: Story, event: Event) -> Iterator[Line]:
    words = t(
        "{trial} is taken over from {run}, and not run again",
        trial=event.get("trial"),
        run=event.get("run_id"),
    )
    yield from story.row({}, t("resumed"), words)


def progress(story: Story, event: Event) -> Iterator[Line]:
    done, of = event.get("done"), event.get("of")
    if done == of:
        return
    words = t(
        "{done} of {of} trials, about {left} left", done=done, of=of, left=duration(event.get("left_s"))
    )
    yield from story.row({}, t("progress"), words, "strong")


def verification_after(story: Story, event: Event) -> Iterator[Line]:
    words = t("Verification passes at the end") if event.get("passed") else t("Verification fails at the end")
    yield from story.row(event, t("check"), words)
