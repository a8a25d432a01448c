"""What a run found out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Arm(StrEnum):
    """One way to live through the failure."""

    TREATMENT = "treatment"  # fault, the whole runbook
    NO_ACTION = "no-action"  # fault, nobody acts
    LOOK_ONLY = "look-only"  # fault, only the blocks that look
    WITHOUT_STEP = "without-step"  # fault, the runbook less one mitigation step
    MUTATED = "mutated"  # fault, the runbook with one mistake in it
    HEALTHY = "healthy"  # no fault, the whole runbook


class Mutation(StrEnum):
    """A mistake that somebody makes at 3 am while following a runbook."""

    WRONG_TARGET = "wrong-target"  # a step on the neighbour of what it is for
    SWAPPED = "swapped"  # a step and the next one in the wrong order
    DOUBLED = "doubled"  # a step twice
    CUT = "cut"  # interrupted in the middle of a step, then everything from the beginning


@dataclass(frozen=True)
class Variant:
    """One arm, and for the two that change the runbook: where, and how. `str` of it is its name."""

    arm: Arm
    step: str = ""  # name of the runbook's block that is left out or mistaken
    mutation: Mutation | None = None

    def __str__(self) -> str:
        return "-".join(part for part in (self.arm, self.mutation, self.step) if part)

    @classmethod
    def named(cls, name: str) -> Variant:
        """The variant of that name. Raises ValueError for anything else."""
        arm = next((arm for arm in Arm if name == arm or name.startswith(f"{arm}-")), None)
        rest = "" if arm is None else name[len(arm) + 1 :]
        if arm is Arm.MUTATED:
            how = next((m for m in Mutation if rest.startswith(f"{m}-")), None)
            if how is not None and rest[len(how) + 1 :]:
                return cls(arm, rest[len(how) + 1 :], how)
        elif arm is not None and bool(rest) is (arm is Arm.WITHOUT_STEP):
            return cls(arm, rest)
        raise ValueError(f"no variant: {name!r}")


@dataclass(frozen=True)
class Interval:
    """When something happened, as narrow as the samples allow: not before `earliest`, not after `latest`."""

    earliest: float
    latest: float

    def since(self, start: Interval) -> Interval:
        """How long after `start` this was: shortest and longest possible, in seconds."""
        return Interval(max(0.0, self.earliest - start.latest), max(0.0, self.latest - start.earliest))


class VerdictWord(StrEnum):
    """What a run proves. Refuted beats unknown beats the rest."""

    VERIFIED = "verified"
    REPRODUCED = "reproduced"  # the failure is real; the mode has no runbook
    REHEARSED = "rehearsed"  # by a control plane without users: nothing is claimed of what they feel
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reason:
    """Why a verdict is not better: a word of design/verification.md and a sentence with the evidence."""

    word: str
    sentence: str


@dataclass(frozen=True)
class Successes:
    """Of `of` trials that count, in so many users were back in time with nothing lost."""

    back: int
    of: int


class StepWord(StrEnum):
    """What leaving a mitigation step out has shown of it."""

    NECESSARY = "necessary"
    NOT_SHOWN = "not-shown-necessary"  # which is never "unnecessary"
    HARMFUL = "harmful"  # without it users were back more often
    LEFT_OUT = "left-out"  # not tried


@dataclass(frozen=True)
class StepFinding:
    """What the trials without one mitigation step say of it, held against those with the whole runbook."""

    step: str  # name of the runbook's block
    heading: str  # of its step, as people read it
    finding: StepWord
    with_it: Successes
    without: Successes
    invalid: int  # trials without it that prove nothing
    p: (
        float | None
    )  # two-sided Fisher's exact test, Holm-corrected over all steps of the run; None: not tried
    sentence: str


class MutantWord(StrEnum):
    """What became of the runbook with one mistake in it."""

    NOTICED = "noticed"  # users were not back, and the runbook's Verification said so
    BLIND = "blind"  # users were not back, and it passed
    HARMLESS = "harmless"  # users were back all the same: nothing for Verification to notice
    HARMFUL = "harmful"  # users were back, but without writes that they were told are stored
    LATE = "late"  # users were only just coming back: nothing can be said of Verification
    UNKNOWN = "unknown"  # the trial proves nothing
    LEFT_OUT = "left-out"  # not tried


@dataclass(frozen=True)
class MutantFinding:
    """One trial with a mistake in the runbook, or a mistake that was not tried (`trial` is empty then)."""

    mutation: Mutation
    step: str  # name of the runbook's block
    heading: str
    trial: str  # its directory's name
    finding: MutantWord
    back: bool | None  # whether users were back in the end, by the meter; None: not known
    passed: bool | None  # what the runbook's Verification said last; None: not known
    lost: int  # acknowledged writes
    sentence: str


@dataclass(frozen=True)
class Mutations:
    """How good the runbook's own Verification is: it `noticed` so many `of` the mistakes that left users broken."""

    noticed: int
    of: int
    mutants: tuple[MutantFinding, ...]


@dataclass(frozen=True)
class Verdict:
    """The judgement of one run. `flags` are undo-failed and environment-not-restored; they always fail a command."""

    word: VerdictWord
    reasons: tuple[Reason, ...]
    flags: tuple[Reason, ...]
    worth: str  # what the verdict is worth, in a sentence
    exit_code: int
    steps: tuple[StepFinding, ...] = ()  # one for each mitigation step that was left out, or was to be
    mutations: Mutations | None = None  # None: no mistake was tried


Event = dict[str, Any]  # one line of a trial's events.jsonl; `kind`, `at` and `wall` are always there
