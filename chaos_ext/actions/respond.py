"""What is done about a failure: the runbook is followed, or, to know what that is worth, nobody acts.

Or it is followed otherwise than it is written (`runbook/variants.py`), or although nothing is broken.
"""

import time
from typing import Any

from chaoslib.types import Configuration, Secrets

from chaos_ext.errors import FaultNotInjected
from chaos_ext.language import t
from chaos_ext.model import Arm
from chaos_ext.probes.fault import is_gone, look, seen_in_force
from chaos_ext.probes.measured import flows_back
from chaos_ext.runbook import parse
from chaos_ext.runbook.follow import follow
from chaos_ext.runbook.variants import varied
from chaos_ext.runbook.verify_once import verify_once
from chaos_ext.safety import mitigating
from chaos_ext.safety.identity import pins
from chaos_ext.trial import Trial, current

__all__ = ["respond"]


def respond(runbook: str, configuration: Configuration = None, secrets: Secrets = None) -> dict[str, Any]:
    """Follow `runbook` as the arm says; in the no-action arm watch and do nothing.

    - `runbook`: path below catalog/, or "none"

    Raises FaultNotInjected when no fault is in, but in the healthy arm: a runbook that is followed without its failure
    proves nothing. What the runbook changed is the environment's new state; the mode's `leaves` says which.
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
    if trial.fault_at is None and trial.arm is not Arm.HEALTHY:
        raise FaultNotInjected(t("no fault is in: the runbook is not followed"))
    if trial.arm is Arm.NO_ACTION:
        outcome = _watch(trial, dict(secrets or {}))
    elif runbook == "none":
        outcome = {"followed": False, "why": t("this failure mode has no runbook")}
    else:
        if trial.arm is Arm.HEALTHY:
            trial.look_before_fault()  # what following it by mistake leaves is compared with this
        outcome = follow_in(trial, runbook, dict(secrets or {}))
        if trial.arm is Arm.LOOK_ONLY:
            outcome |= _watch(trial, dict(secrets or {}))
    if trial.arm is Arm.HEALTHY:
        return outcome
    if _is_felt_by_nobody(trial):
        seen_in_force(trial, "at-the-end", dict(secrets or {}))
    return outcome


def _is_felt_by_nobody(trial: Trial) -> bool:
    """Whether no flow shows that the failure is over: then the evidence of the fault must."""
    return not trial.mode.impact.hurt


def follow_in(trial: Trial, path: str, of_probes: dict[str, Any]) -> dict[str, Any]:
    """Follow the runbook at `path` (below catalog/) in this trial, as its arm says. `of_probes`: secrets of probes."""
    with pins.for_blocks(trial.place.environment.identity) as (seen, hidden):
        return _follow_with(trial, path, of_probes, seen, {**trial.secrets, **hidden})


def _follow_with(
    trial: Trial, path: str, of_probes: dict[str, Any], pinned: dict[str, str], secrets: dict[str, str]
) -> dict[str, Any]:
    """Follow with what the place's identity pins: no block reaches anything but what was proven."""
    environment = trial.place.environment
    written = parse.parse(trial.root / "catalog" / path)
    document = varied(written, trial.variant, environment.platform, environment.siblings)
    around: dict[str, Any] = {
        "platform": environment.platform,
        "variables": {**environment.variables, **pinned},
        "secrets": secrets,
        "path": environment.path,
        "emit": trial.emit,
        "aborting": trial.aborting,
    }
    if trial.mode.recovery == "runbook" and trial.arm in (Arm.TREATMENT, Arm.HEALTHY):
        verify_once(document, **around)
    looked = False

    def prove() -> None:
        """Before each block that changes something; right before the first, the fault must still be in force."""
        nonlocal looked
        trial.prove()
        if not looked and trial.arm is not Arm.HEALTHY:
            looked = True
            seen_in_force(trial, "before-mitigation", of_probes)

    with mitigating.following(trial.ledger, document.path.name, environment.disposable) as begins:
        outcome = follow(document, **around, prove=prove, begins=begins)
    return {"followed": True, "ok": outcome.ok, "failed_step": outcome.failed_step, "why": outcome.why}


def _watch(trial: Trial, of_probes: dict[str, Any]) -> dict[str, Any]:
    """Do nothing for as long as the longest treatment took and its stable window, or until all is back."""
    began, since = trial.fault_began_at, trial.fault_at
    assert began is not None
    assert since is not None
    stable_s = trial.place.environment.windows.stable

    def all_back() -> bool:
        if len(flows_back(trial, since, stable_s)) < len(trial.services.flows):
            return False
        if not _is_felt_by_nobody(trial):
            return True
        # Flows that were never hurt are always back: of what only a runbook ends, the end is the whole watch.
        return trial.mode.recovery == "self" and is_gone(look(trial, of_probes))

    back = trial.wait_until(all_back, began + trial.watch_s, every_s=0.25)
    seconds = round(time.monotonic() - began, 3)
    trial.emit("watched", seconds=seconds, planned_s=trial.watch_s, back=back)
    return {"followed": False, "watched_s": seconds, "back": back}
