"""Simulated runs. `verified()` is one that proves its runbook; each test spoils one thing in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from verdict.documents import ENVIRONMENT, MODE, SERVICES, changed
from verdict.simulated import Told, simulate

from chaos_ext.model import Arm, Environment, FailureMode, Services
from chaos_ext.verdict.evidence import RunEvidence, TrialEvidence


class Runs:
    """Builds runs, and spoils them."""

    def run(
        self,
        *trials: Told,
        mode: dict[str, Any] | None = None,
        environment: dict[str, Any] | None = None,
        services: dict[str, Any] | None = None,
    ) -> RunEvidence:
        written = FailureMode.model_validate(mode or MODE)
        told = trials or (self.treatment(), self.no_action())
        known = Services.model_validate(services or SERVICES)
        return RunEvidence(
            mode=written,
            environment=Environment.model_validate(environment or ENVIRONMENT),
            services=known,
            trials=tuple(simulate(one, written, known) for one in told),
            arms=tuple(one.arm for one in told),
        )

    def verified(self) -> RunEvidence:
        return self.run()

    def treatment(self, **fields: Any) -> Told:
        return Told(**{"arm": Arm.TREATMENT, **fields})

    def no_action(self, **fields: Any) -> Told:
        return Told(**{"arm": Arm.NO_ACTION, "number": 2, "back": None, "end": 14.0, **fields})

    def mode(self, **fields: Any) -> dict[str, Any]:
        return changed(MODE, **fields)

    def services(self, **fields: Any) -> dict[str, Any]:
        return changed(SERVICES, **fields)

    def environment(self, **fields: Any) -> dict[str, Any]:
        return changed(ENVIRONMENT, **fields)

    def objectives(self, **fields: Any) -> dict[str, Any]:
        return self.mode(objectives={"default": {**MODE["objectives"]["default"], **fields}})

    def of(
        self, run: RunEvidence, arm: Arm | None, change: Callable[[TrialEvidence], TrialEvidence]
    ) -> RunEvidence:
        """The run with the trials of `arm` (None: all) changed."""
        return replace(run, trials=tuple(change(t) if arm in (None, t.arm) else t for t in run.trials))

    def edit(self, run: RunEvidence, kind: str, arm: Arm | None = None, **fields: Any) -> RunEvidence:
        """The run with `fields` changed in every event of `kind`; `where` picks by other fields."""
        where = fields.pop("where", {})

        def change(trial: TrialEvidence) -> TrialEvidence:
            meant = [e["kind"] == kind and all(e.get(k) == v for k, v in where.items()) for e in trial.events]
            assert any(meant), f"no event {kind} to change"
            pairs = zip(trial.events, meant, strict=True)
            return replace(trial, events=tuple({**e, **fields} if this else e for e, this in pairs))

        return self.of(run, arm, change)

    def without(self, run: RunEvidence, kind: str, arm: Arm | None = None, **where: Any) -> RunEvidence:
        def change(trial: TrialEvidence) -> TrialEvidence:
            return replace(
                trial,
                events=tuple(
                    e
                    for e in trial.events
                    if not (e["kind"] == kind and all(e.get(k) == v for k, v in where.items()))
                ),
            )

        return self.of(run, arm, change)

    def plus(self, run: RunEvidence, kind: str, arm: Arm | None = None, **fields: Any) -> RunEvidence:
        """The run with one more event at the end of each trial."""

        def change(trial: TrialEvidence) -> TrialEvidence:
            event = {"kind": kind, "at": trial.events[-1]["at"], "wall": "", **fields}
            return replace(trial, events=(*trial.events, event))

        return self.of(run, arm, change)


@pytest.fixture
def runs() -> Runs:
    return Runs()
