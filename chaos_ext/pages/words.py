"""What pages say of a verdict, a step, a mistake and a write log."""

from __future__ import annotations

from chaos_ext.language import Said, t
from chaos_ext.model import MutantWord, StepWord

_MEANING: dict[str, Said] = {
    "verified": t(
        "The failure was real, the alert fired in time and linked this runbook, and the runbook as it is written "
        "brought users back in time with nothing acknowledged lost. Where nobody acted they did not come back."
    ),
    "rehearsed": t(
        "Tried on a cloud's control plane without users: the requests, the evidence, the undo, the permissions and the "
        "runbook's commands were right. Whether users come back, how soon, and whether the alert fires was not tried."
    ),
    "refuted": t("Something that the catalogue claims was shown to be wrong. What, and where, stands below."),
    "unknown": t(
        "Nothing is claimed: what was recorded proves neither that the runbook works nor that it does not."
    ),
    "unfinished": t("This run was never judged: it goes on, or it was killed. Nothing is claimed."),
}
_HEALS = t(
    "The failure was real and the alert fired in time. What users felt of it, if anything, passed by itself in time "
    "with nothing acknowledged lost, as the catalogue claims, and the runbook neither harmed nor delayed that."
)
_REPRODUCED = t(
    "The failure is real and hurts users as the catalogue claims. There is no runbook for it to be proven."
)

WHEN: dict[str, Said] = {
    "after-injection": t("after injection"),
    "before-mitigation": t("before mitigation"),
    "at-the-end": t("at the end"),
}
STEPS: dict[str, Said] = {
    StepWord.NECESSARY: t("necessary"),
    StepWord.NOT_SHOWN: t("not shown necessary"),
    StepWord.HARMFUL: t("harmful"),
    StepWord.LEFT_OUT: t("not tried"),
}
MUTANTS: dict[str, Said] = {
    MutantWord.NOTICED: t("noticed"),
    MutantWord.BLIND: t("not noticed"),
    MutantWord.HARMLESS: t("harmless: users came back"),
    MutantWord.HARMFUL: t("harmful"),
    MutantWord.LATE: t("too late to tell"),
    MutantWord.UNKNOWN: t("unknown"),
    MutantWord.LEFT_OUT: t("not tried"),
}
# What a badge says besides the words of a verdict.
WORDS: dict[str, Said] = {
    "unfinished": t("not judged"),
    "stale": t("stale"),
    "overdue": t("overdue"),
    "never": t("never tried"),
}
# What a write log counts, in the order of a table; those that a bundle does not have are left out.
WRITES: dict[str, Said] = {
    "attempted": t("sent"),
    "acknowledged": t("acknowledged"),
    "indeterminate": t("indeterminate"),
    "failed": t("refused"),
    "lost": t("lost"),
    "recovered": t("recovered"),
    "duplicated": t("twice"),
    "unexpected": t("unexpected"),
    "changed": t("changed"),
    "stale": t("stale writes"),
}


def meaning(word: object, *, has_runbook: bool = True, recovery: str = "runbook") -> Said:
    """What a verdict says, for somebody who has never seen one."""
    if str(word) not in _MEANING or (str(word) == "verified" and not has_runbook):
        return _REPRODUCED
    return _HEALS if str(word) == "verified" and recovery == "self" else _MEANING[str(word)]
