"""What is done about a failure: the runbook is followed, or, to know what that is worth, nobody acts."""

import time
from typing import Any

from chaoslib.types import Configuration, Secrets

from chaos_ext import environments
from chaos_ext.errors import FaultNotInjected
from chaos_ext.language import t
from chaos_ext.model import Arm
from chaos_ext.probes.fault import seen_in_force
from chaos_ext.probes.measured import flows_back
from chaos_ext.runbook import parse
from chaos_ext.runbook.follow import follow, verify_once
from chaos_ext.trial import Trial, current

__all__ = ["respond"]


def respond(runbook: str, configuration: Configuration = None, secrets: Secrets = None) -> dict[str, Any]:
    """Follow `runbook` (treatment arm) or watch and do nothing (no-action arm).

    - `runbook`: path below catalog/, or "none"

    Raises FaultNotInjected when no fault is in: a runbook that is followed without its failure proves
    nothing. What the runbook changed is the environment's new state; the mode's `leaves` says which.
    Undone by: nothing, a runbook has its own undo blocks; the lab is thrown away.

    YAML::

        type: action
        name: respond
        provider:
          type: python
          module: chaos_ext.actions.respond
          func: respond
          arguments: {runbook: runbooks/postgresql-primary-down.md}
    """
    trial = current(configuration)
    if trial.fault_at is None:
        raise FaultNotInjected(t("no fault is in: the runbook is not followed"))
    if trial.arm is Arm.NO_ACTION:
        outcome = _watch(trial)
    elif runbook == "none":
        outcome = {"followed": False, "why": t("this failure mode has no runbook")}
    else:
        outcome = _follow(trial, runbook, dict(secrets or {}))
    if _is_felt_by_nobody(trial):
        seen_in_force(trial, "at-the-end", dict(secrets or {}))
    return outcome


def _is_felt_by_nobody(trial: Trial) -> bool:
    """Whether no flow shows that the failure is over: then the evidence of the fault must."""
    return not trial.mode.impact.hurt and trial.mode.recovery == "runbook"


def _follow(trial: Trial, path: str, of_probes: dict[str, Any]) -> dict[str, Any]:
    environment = trial.place.environment
    document = parse.parse(trial.root / "catalog" / path)
    secrets = environments.secrets_of(environment)
    if trial.mode.recovery == "runbook":
        verify_once(
            document,
            platform=environment.platform,
            variables=environment.variables,
            secrets=secrets,
            path=environment.path,
            emit=trial.emit,
            aborting=trial.aborting,
        )
    looked = False

    def prove() -> None:
        """Before each block that changes something; right before the first, the fault must still be in force."""
        nonlocal looked
        trial.prove()
        if not looked:
            looked = True
            seen_in_force(trial, "before-mitigation", of_probes)

    outcome = follow(
        document,
        platform=environment.platform,
        variables=environment.variables,
        secrets=secrets,
        path=environment.path,
        emit=trial.emit,
        prove=prove,
        aborting=trial.aborting,
    )
    return {"followed": True, "ok": outcome.ok, "failed_step": outcome.failed_step, "why": outcome.why}


def _watch(trial: Trial) -> dict[str, Any]:
    """Do nothing for as long as the longest treatment took and its stable window, or until all is back."""
    began, since = trial.fault_began_at, trial.fault_at
    assert began is not None
    assert since is not None
    stable_s = trial.place.environment.windows.stable
    felt = not _is_felt_by_nobody(trial)
    back = trial.wait_until(
        lambda: felt and len(flows_back(trial, since, stable_s)) == len(trial.services.flows),
        began + trial.watch_s,
        every_s=0.25,
    )
    seconds = round(time.monotonic() - began, 3)
    trial.emit("watched", seconds=seconds, planned_s=trial.watch_s, back=back)
    return {"followed": False, "watched_s": seconds, "back": back}
