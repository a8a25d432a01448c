"""What must be true before a fault goes in: nothing is injected unless all of it is."""

from __future__ import annotations

from typing import Any

from chaoslib.exceptions import InterruptExecution

from chaos_ext.actions.door import Door, Fault, intend, look, targets
from chaos_ext.errors import Blocked, ChaosExtError
from chaos_ext.language import listed, t
from chaos_ext.safety import execute
from chaos_ext.safety.abort import starts
from chaos_ext.safety.free import refuse_unless_free
from chaos_ext.safety.identity import arguments, drivers
from chaos_ext.safety.identity.proof import Identity
from chaos_ext.safety.ledger import Entry
from chaos_ext.safety.policy import enforcing


def refuse_unless_safe(door: Door, fault: Fault) -> dict[str, Any]:
    """Everything that must be true before anything is written; returns what was seen before the fault."""
    if fault.in_force.get("type") != "probe":  # it runs before anything is written down
        raise Blocked(
            t("{name}: got an in_force that is no probe, expected one: it only looks.", name=fault.name)
        )
    if fault.undo is None and not fault.cannot_be_undone_because:
        raise Blocked(t("{name}: got no undo, expected one, or cannot_be_undone_because.", name=fault.name))
    if _needs_secrets(fault):
        raise Blocked(
            t("{name}: got an undo that needs secrets; the janitor has none to run it with.", name=fault.name)
        )
    door.prove()
    _refuse_other_places(door.place.environment.identity, fault)
    refuse_unless_free(door.ledger)
    hit = _all_that_is_hit(door, fault)
    _refuse_too_many_targets(door, fault, hit)
    ruling = enforcing.refuse_at_the_door(fault, door.place.environment, hit)
    if ruling.approved:
        door.recorder.emit("fault-approved", name=fault.name, **ruling.approved)
    try:
        execute.preload(fault.activity)
        before = look(door, fault)
    except InterruptExecution:
        raise
    except Exception as error:
        raise Blocked(
            t(
                "{name}: got {error}, expected to see whether it is in force already.",
                name=fault.name,
                error=error,
            )
        ) from error
    if before["holds"]:
        raise Blocked(
            t(
                "{name}: got in force before anything was done ({before}), expected not.",
                name=fault.name,
                before=before,
            )
        )
    return before


def _needs_secrets(fault: Fault) -> bool:
    """Whether its undo is given something that is secret, and not only what the pins say as well."""
    asks = fault.undo is not None and fault.undo["provider"].get("secrets")
    return bool(asks) and not drivers.are_names(fault.secrets)


def _refuse_other_places(identity: Identity, fault: Fault) -> None:
    drivers.refuse_others(identity, configuration=fault.configuration, secrets=fault.secrets)
    for activity in filter(None, (fault.activity, fault.undo, fault.in_force)):
        arguments.refuse_others(identity, activity, fault.configuration, fault.secrets)


def _all_that_is_hit(door: Door, fault: Fault) -> list[str]:
    """What is broken already, and what this fault would break."""
    broken = {one for entry in door.ledger.open_entries() for one in entry.targets}
    return sorted({*broken, *targets(fault, door.place.environment)})


def _refuse_too_many_targets(door: Door, fault: Fault, hit: list[str]) -> None:
    environment = door.place.environment
    most = environment.limits.targets
    if len(hit) > most:
        raise Blocked(
            t(
                "{name}: got {number} targets at once ({hit}), expected at most {most}: limits.targets in "
                "environments/{environment}.yaml.",
                name=fault.name,
                number=len(hit),
                hit=listed(hit),
                most=most,
                environment=environment.name,
            )
        )


def stand_by(door: Door, fault: Fault, before: dict[str, Any]) -> Entry:
    """The undo on the disk, the janitor ready, the place proven once more; `last_look` and the call are left."""
    entry = intend(door, fault, before)
    try:
        door.janitor.expect(entry)
        door.recorder.emit("fault-intended", name=fault.name, entry=entry.id)
        door.prove()  # once more: looking and writing took a while
        door.refuse_if_aborting()
    except (ChaosExtError, OSError) as error:
        nothing_was_injected(door, entry)
        if isinstance(error, OSError):
            raise Blocked(
                t(
                    "{name}: got {error}, expected to record it. Nothing was injected.",
                    name=fault.name,
                    error=error,
                )
            ) from error
        raise
    return entry


def last_look(door: Door, entry: Entry) -> float:
    """Right before the call, in its own thread: the instant at which the fault begins. Raises Blocked, Interrupted.

    Whatever was true when the entry was written may have changed since: this process may have stood still, its place
    may be another's, and somebody may have healed what was not broken yet.
    """
    door.ledger.refuse_if_late(entry)
    return starts(door.aborting)


def nothing_was_injected(door: Door, entry: Entry) -> None:
    """Close the entry of a fault that did not begin."""
    door.ledger.close(entry, "undone", t("nothing was injected"))
