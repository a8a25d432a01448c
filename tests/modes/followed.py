"""A shipped runbook, or some steps of it, followed in the lab that a test process shares."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_ext import environments
from chaos_ext.runbook.follow import Outcome, follow
from chaos_ext.runbook.parse import parse
from chaos_ext.runbook.verify_once import verify_once

RUNBOOKS = Path(__file__).resolve().parents[2] / "catalog" / "runbooks"


@dataclass(frozen=True)
class Followed:
    """How it went, and what its steps printed."""

    outcome: Outcome
    said: dict[str, list[str]]  # by the step's key

    @property
    def variables(self) -> Mapping[str, str]:
        return self.outcome.variables


def followed(
    facts: dict[str, Any], mode: str, *, only: Collection[str] | None = None, **variables: str
) -> Followed:
    """Follow the runbook of `mode`, or `only` the steps with these keys, nobody being there to ask."""
    said: dict[str, list[str]] = {}

    def emit(kind: str, **fields: Any) -> None:
        if kind == "step-output":
            said.setdefault(fields["step"], []).append(fields["line"])

    outcome = follow(
        parse(RUNBOOKS / f"{mode}.md"),
        **_around(facts, variables),
        emit=emit,
        prove=lambda: None,
        only=only,
    )
    return Followed(outcome, said)


def verified(facts: dict[str, Any], mode: str, **variables: str) -> bool:
    """Whether the runbook's verification holds now."""
    runbook = parse(RUNBOOKS / f"{mode}.md")
    return verify_once(runbook, **_around(facts, variables), emit=lambda _kind, **_fields: None).passed


def _around(facts: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    environment = environments.fill(environments.load("lab"), facts)
    return {
        "platform": "lab",
        "variables": {**environment.variables, **variables},
        "secrets": {},
        "path": environment.path,
        "aborting": threading.Event(),
    }
