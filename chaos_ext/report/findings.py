"""What a verdict says of steps and mistakes, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.language import t
from chaos_ext.model import MutantWord, StepWord, Verdict
from chaos_ext.report.arms import MUTATIONS

_BAD = (StepWord.HARMFUL, MutantWord.BLIND, MutantWord.HARMFUL)
_QUIET = (StepWord.LEFT_OUT, MutantWord.LEFT_OUT, MutantWord.UNKNOWN, MutantWord.LATE)


def finding_rows(verdict: Verdict) -> Iterator[tuple[str, str, str]]:
    """A label, a sentence and a style for each step that was left out, and for each mistake."""
    for step in verdict.steps:
        words = t("{heading}: {sentence}", heading=step.heading, sentence=step.sentence)
        if step.invalid:
            words = t("{words} {count} trials without it do not count.", words=words, count=step.invalid)
        yield t("step"), words, _style(step.finding)
    if verdict.mutations is None:
        return
    for mutant in verdict.mutations.mutants:
        words = t(
            "{heading}, {mistake}: {sentence}",
            heading=mutant.heading,
            mistake=MUTATIONS[mutant.mutation],
            sentence=mutant.sentence,
        )
        yield t("mistake"), words, _style(mutant.finding)
    score = (
        t(
            "Verification noticed {noticed} of {of} mistakes after which users were not back.",
            noticed=verdict.mutations.noticed,
            of=verdict.mutations.of,
        )
        if verdict.mutations.of
        else t("After no mistake that counts users were not back: nothing for Verification to notice.")
    )
    yield t("mistakes"), score, "plain" if verdict.mutations.noticed == verdict.mutations.of else "bad"


def _style(word: StepWord | MutantWord) -> str:
    if word in _QUIET:
        return "dim"
    return "bad" if word in _BAD else "plain"
