"""What the guarded door takes in: a fault with its evidence and its way back, and the trial it belongs to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from chaos_ext.model import Activity, Environment, Event, Place
from chaos_ext.safety import execute
from chaos_ext.safety.bounded import Bounded
from chaos_ext.safety.identity.proof import Identity
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Entry, Ledger
from chaos_ext.safety.targets import hit

LOOK_LIMIT_S = 30.0  # longest time for one look at a fault


class Record(Protocol):
    """Where events go."""

    def emit(self, kind: str, **fields: Any) -> Event: ...


class Door(Protocol):
    """What the guarded door needs of a trial."""

    @property
    def place(self) -> Place: ...
    @property
    def recorder(self) -> Record: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def janitor(self) -> Janitor: ...
    @property
    def aborting(self) -> threading.Event: ...
    def undo_on_abort(self, entry: Entry, secrets: dict[str, Any]) -> None: ...
    def prove(self) -> object: ...
    def refuse_if_aborting(self) -> None: ...
    def wait(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Fault:
    """One fault with its evidence and its way back, as an experiment hands it over."""

    name: str
    activity: Activity
    in_force: Activity
    undo: Activity | None
    cannot_be_undone_because: str
    configuration: dict[str, Any]  # the experiment's, and the place's facts
    secrets: dict[str, Any]
    identity: Identity = field(default_factory=dict)  # whose credentials it gets


def targets(fault: Fault, environment: Environment) -> list[str]:
    """What it hits, each once."""
    return hit(fault.activity, environment)


def look(door: Door, fault: Fault) -> dict[str, Any]:
    """Its evidence, now. Raises what the probe raises, and Overdue after LOOK_LIMIT_S, or at once after an abort."""
    looking = Bounded(
        f"look at {fault.name}",
        lambda: execute.evidence(fault.in_force, fault.configuration, fault.secrets, fault.identity),
    )
    return looking.wait(LOOK_LIMIT_S, door.aborting.is_set, hurry_s=0.0)


def intend(door: Door, fault: Fault, before: dict[str, Any]) -> Entry:
    """An entry of the ledger for it, on the disk; `before` is what was seen before the fault."""
    environment = door.place.environment
    entry = door.ledger.intend(
        fault.name,
        activity=fault.activity,
        undo=fault.undo,
        in_force=fault.in_force,
        target=targets(fault, environment),
        prior=before,
        lease_s=environment.limits.longest_fault,
        configuration={**fault.configuration, **_denied(environment)},
        identity=environment.identity,
        cannot_be_undone_because=fault.cannot_be_undone_because,
    )
    door.undo_on_abort(entry, fault.secrets)
    return entry


def _denied(environment: Environment) -> dict[str, Any]:
    """What an undo must know of who the place must never be, whatever becomes of the environment's file."""
    denied = {kind: [dict(item) for item in items] for kind, items in environment.deny.items()}
    return {"chaos_deny": denied} if denied else {}
