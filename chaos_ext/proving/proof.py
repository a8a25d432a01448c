"""What was found about the probes of a failure mode, and where that is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from chaos_ext.proving.answers import Finding


@dataclass
class ModeProof:
    """What was found about the probes of a mode."""

    mode: str
    found: list[Finding] = field(default_factory=list)
    unproven: str = ""  # why it could not be proven, or not all of it
    broken: str = ""  # what was left
    changed: bool = False  # the place is not as it was: what its runbook leaves, or more
    unmoved: list[str] = field(default_factory=list)  # looks in which this fault does not show
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Folders:
    """Where a proof writes; made when missing."""

    record: Path  # of its trial
    aside: Path  # what its mutants are told; goes with the command
