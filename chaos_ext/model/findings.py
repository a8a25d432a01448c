"""What a run found out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Arm(StrEnum):
    """One way to live through the failure."""

    TREATMENT = "treatment"  # fault, the whole runbook
    NO_ACTION = "no-action"  # fault, nobody acts


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
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reason:
    """Why a verdict is not better: a word of design/verification.md and a sentence with the evidence."""

    word: str
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The judgement of one run. `flags` are undo-failed and environment-not-restored; they always fail a command."""

    word: VerdictWord
    reasons: tuple[Reason, ...]
    flags: tuple[Reason, ...]
    worth: str  # what the verdict is worth, in a sentence
    exit_code: int


Event = dict[str, Any]  # one line of a trial's events.jsonl; `kind`, `at` and `wall` are always there
