"""The guarded door: the only way in which anything is broken.

Compiled experiments name no mutating activity bare; each is an argument of `inject`, which proves the
environment, looks that the fault is not there already, writes the undo down, has the janitor stand by,
lets Chaos Toolkit run the real activity, and believes it only when independent evidence shows its effect.
So a control removed from the file, or plain `chaos run`, changes nothing about safety.

Chaos Toolkit only notes an exception of an activity and goes on; so everything that a verdict needs is an
event of the trial's record.
"""

import contextlib
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Action, Configuration, Probe, Secrets

from chaos_ext.actions.before_fault import last_look, nothing_was_injected, refuse_unless_safe, stand_by
from chaos_ext.actions.door import Door, Fault, intend, look
from chaos_ext.errors import Blocked, ChaosExtError, FaultNotInjected, UndoFailed
from chaos_ext.language import t
from chaos_ext.model import Place
from chaos_ext.safety import execute, holders
from chaos_ext.safety.abort import injection, mutating
from chaos_ext.safety.bounded import Bounded, Overdue
from chaos_ext.safety.heal import Outcome, undo_entry, undo_once
from chaos_ext.safety.ledger import Entry
from chaos_ext.trial import current

__all__ = ["inject", "undo"]

SHOWS_WITHIN_S = 15.0  # how long a fault may take to show after its activity returned
_LOOK_EVERY_S = 0.05


def inject(
    name: str,
    activity: Action,
    in_force: Probe,
    undo: Action = None,
    cannot_be_undone_because: str = "",
    expires_after: float = 0.0,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> dict[str, Any]:
    """Break something, guarded: prove, write the undo down, inject, and read the effect back.

    - `name`: the fault's name, unique in the experiment; `undo` is called with the same
    - `activity`: the real action, in Chaos Toolkit's grammar; gets the place's facts as
      ``configuration["chaos_facts"]``
    - `in_force`: probe that returns ``{"holds": bool, …}`` from evidence independent of `activity`
    - `undo`: action that puts it back; idempotent; returns ``{"outcome": "undone" | "superseded" | "already",
      "why": …}``
    - `cannot_be_undone_because`: why there is no `undo`; one of the two must be given
    - `expires_after`: seconds after which the provider itself ends the fault; 0: never

    Returns ``{"entry", "output", "evidence"}``. Raises Blocked (not proven, in force already, not healed, not
    recordable: nothing was injected), FaultNotInjected (the activity failed or its effect does not show: it
    was undone), Interrupted. Undone by: `undo(name)` of this module, the janitor when the runner dies or the
    environment's `longest_fault` has passed, `chaos heal`.

    YAML::

        type: action
        name: inject-destroy-primary
        provider:
          type: python
          module: chaos_ext.actions.fault
          func: inject
          arguments:
            name: destroy-primary
            activity:
              type: action
              name: destroy-primary
              provider:
                type: python
                module: chaos_ext.actions.lab.postgresql
                func: destroy_node
                arguments: {node: pg-a}
            in_force:
              type: probe
              name: primary-is-destroyed
              provider:
                type: python
                module: chaos_ext.actions.lab.postgresql
                func: node_is_destroyed
                arguments: {node: pg-a}
            undo:
              type: action
              name: restore-primary
              provider:
                type: python
                module: chaos_ext.actions.lab.postgresql
                func: restore_node
                arguments: {node: pg-a}
    """
    trial = current(configuration)
    try:
        trial.look_before_fault()
    except ChaosExtError as error:
        trial.emit("fault-not-injected", name=name, why=str(error))
        raise
    return through(
        trial,
        Fault(
            name=name,
            activity=activity,
            in_force=in_force,
            undo=undo,
            cannot_be_undone_because=cannot_be_undone_because,
            configuration=_with_facts(configuration, trial.place, expires_after),
            secrets=dict(secrets or {}),
            identity=trial.place.environment.identity,
        ),
    )


def undo(name: str, configuration: Configuration = None, secrets: Secrets = None) -> dict[str, Any]:
    """Put back what `inject(name)` broke, and look that it is gone. Harmless when there is nothing to undo.

    - `name`: the fault's name, as given to `inject`

    Returns ``{"outcome": "undone" | "superseded" | "already", "why"}``; superseded: the world has moved on
    and undoing would do harm. Raises UndoFailed: it is still broken, and `chaos heal` tries again.

    YAML::

        type: action
        name: undo-destroy-primary
        provider:
          type: python
          module: chaos_ext.actions.fault
          func: undo
          arguments: {name: destroy-primary}
    """
    return back_through(current(configuration), name, dict(secrets or {}))


def through(door: Door, fault: Fault) -> dict[str, Any]:
    """What `inject` does, for any trial."""
    with ExitStack() as under_way:
        try:
            door.refuse_if_aborting()
            before = refuse_unless_safe(door, fault)
            under_way.enter_context(mutating(door.aborting, injection(fault.name)))
            entry = stand_by(door, fault, before)
        except ChaosExtError as error:
            door.recorder.emit("fault-not-injected", name=fault.name, why=str(error))
            raise
        began: list[float] = []
        output, returned, entry = _break(door, fault, entry, began)
    evidence = _shown(door, fault)
    if not evidence["holds"]:
        raise _give_up(
            door,
            fault,
            entry,
            t("the activity returned, but its effect does not show: {evidence}", evidence=evidence),
        )
    door.recorder.emit(
        "fault-injected",
        name=fault.name,
        entry=entry.id,
        started=began[0],
        returned=returned,
        ended=time.monotonic(),  # the fault set in somewhere between its start and its showing
        output=output,
        evidence=evidence,
    )
    return {"entry": entry.id, "output": output, "evidence": evidence}


def _break(door: Door, fault: Fault, entry: Entry, began: list[float]) -> tuple[Any, float, Entry]:
    """What the activity returned, when, and the entry that says so; `began` gets the instant at which it was called.

    Raises what `inject` raises.
    """
    try:
        output = _run(door, fault, entry, began)
    except InterruptExecution:
        raise  # the run is being stopped; its rollbacks, or the janitor, undo what was done
    except Overdue as error:
        # It may still go on, and two must not work on one thing at once: its entry stays open for the rollbacks.
        why = t("the activity has not returned ({error}); what it does from now on is undone", error=error)
        door.recorder.emit("fault-not-injected", name=fault.name, why=why)
        raise FaultNotInjected(t("{name}: {why}", name=fault.name, why=why)) from error
    except Exception as error:
        if not began and isinstance(error, ChaosExtError):
            nothing_was_injected(door, entry)
            door.recorder.emit("fault-not-injected", name=fault.name, why=str(error))
            raise
        raise _give_up(door, fault, entry, t("the activity failed: {error}", error=error)) from error
    returned = time.monotonic()
    try:
        entry = door.ledger.injected(entry, output)
    except Blocked as error:
        raise _give_up(door, fault, entry, str(error)) from error
    return output, returned, entry


def back_through(door: Door, name: str, secrets: dict[str, Any]) -> dict[str, Any]:
    """What `undo` does, for any trial. An abort does not stop it."""
    named = [entry for entry in door.ledger.entries() if entry.name == name]
    still_open = [entry for entry in named if entry.is_open]
    if not still_open:
        last = named[-1] if named else None
        why = (
            t("{state} before: {why}", state=last.state, why=last.why) if last else t("nothing was injected")
        )
        door.recorder.emit(
            "fault-undone",
            name=name,
            entry=last.id if last else None,
            outcome="already",
            why=why,
            # When this is the trial's first word on it, the janitor's lease ran out or a person healed.
            closed_before=last is not None,
        )
        return {"outcome": "already", "why": why}
    outcomes = [_undo(door, entry, secrets) for entry in reversed(still_open)]
    for outcome in outcomes:
        _say_undone(door, outcome)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if failed:
        raise UndoFailed(t("{name}: {why}. Run 'chaos heal'.", name=name, why=failed[0].why))
    return {"outcome": outcomes[0].state, "why": outcomes[0].why}


def _run(door: Door, fault: Fault, entry: Entry, began: list[float]) -> Any:
    """What the activity returns. Raises Overdue when it takes longer than half of what a fault may last here.

    It is called when all that takes time is done, the last look included. An activity that comes back after that has
    perhaps broken something which was undone before: it is undone again, under an entry of its own, so that the
    janitor knows of it too.
    """

    def undo_again() -> None:
        if not began:
            return
        try:
            again = intend(door, fault, {"holds": False})
        except (ChaosExtError, OSError):  # the ledger takes nothing from us any more
            undo_once(entry, fault.secrets)
        else:
            undo_entry(again, secrets=fault.secrets)

    limit_s = door.place.environment.limits.longest_fault / 2

    def run() -> Any:
        with holders.injecting(door.ledger, entry):
            return execute.run(
                fault.activity,
                fault.configuration,
                fault.secrets,
                fault.identity,
                starts=lambda: began.append(last_look(door, entry)),
            )

    activity = Bounded(injection(fault.name), run, if_late=undo_again)
    return activity.wait(limit_s, door.aborting.is_set)


def _shown(door: Door, fault: Fault) -> dict[str, Any]:
    """The first evidence that shows the fault, or the last that does not."""
    deadline = time.monotonic() + SHOWS_WITHIN_S
    while True:
        try:
            evidence = look(door, fault)
        except InterruptExecution:
            raise
        except Exception as error:  # noqa: BLE001 - evidence that cannot be had is no evidence
            evidence = {"holds": False, "error": str(error)}
        if evidence["holds"] or time.monotonic() >= deadline:
            return evidence
        door.wait(_LOOK_EVERY_S)


def _give_up(door: Door, fault: Fault, entry: Entry, why: str) -> FaultNotInjected:
    """Undo what may have been half done, and say so."""
    outcome = _undo(door, entry, fault.secrets)
    door.recorder.emit("fault-not-injected", name=fault.name, why=why)
    _say_undone(door, outcome)
    return FaultNotInjected(f"{fault.name}: {why}")


def _undo(door: Door, entry: Entry, secrets: dict[str, Any]) -> Outcome:
    def waits(who: str) -> None:
        with contextlib.suppress(OSError):
            door.recorder.emit("undo-waits", name=entry.name, entry=entry.id, why=who)

    return undo_entry(entry, secrets=secrets, waits=waits)


def _say_undone(door: Door, outcome: Outcome) -> None:
    entry = outcome.entry
    door.recorder.emit(
        "fault-undone", name=entry.name, entry=entry.id, outcome=outcome.state, why=outcome.why
    )


def _with_facts(
    configuration: Mapping[str, Any] | None, place: Place, expires_after: float
) -> dict[str, Any]:
    return {**(configuration or {}), "chaos_facts": place.facts, "chaos_expires_after_s": expires_after}
