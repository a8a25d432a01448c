"""The two looks of a trial: right before its first fault, and after everything was undone."""

from __future__ import annotations

import time
from typing import Any, Protocol

from chaos_ext.errors import Blocked, ChaosExtError
from chaos_ext.language import listed, t
from chaos_ext.model import Arm, Event, FailureMode, Place
from chaos_ext.restored.compare import Remains, differences, remains
from chaos_ext.restored.shipped import looks
from chaos_ext.restored.snapshot import Snapshot, take

SETTLES_WITHIN_S = 5.0  # what was undone may take a moment: a standby connects again, a program starts
SEEN_WITHIN_S = 15.0  # a look that fails says nothing yet; on a busy machine a later one sees
_LOOK_EVERY_S = 0.25
_TRIES = 2  # of the look before: one probe that stumbles on a busy machine is no reason not to begin


class Looked(Protocol):
    """What the looks need of a trial."""

    mode: FailureMode
    place: Place

    def emit(self, kind: str, **fields: Any) -> Event: ...
    def last(self, kind: str) -> Event | None: ...
    def prove(self) -> object: ...


def before(trial: Looked) -> None:
    """Look before the first fault; later calls do nothing. Raises Blocked when there is something it cannot see.

    What was not seen before could not be missed afterwards, so nothing is broken then.
    """
    if trial.last("snapshot") is not None or not trial.place.environment.snapshot:
        return
    for _ in range(_TRIES):
        snapshot = _take(trial)
        if not snapshot.failed:
            break
    _emit(trial, "before", snapshot)
    if snapshot.failed:
        raise Blocked(
            t(
                "The place cannot be looked at before the fault, so nobody could say whether it is restored: {why}",
                why=listed(_told(snapshot), "; "),
            )
        )


def after(trial: Looked) -> None:
    """Look after everything was undone, wait a moment for what settles, and record what is not as it was."""
    first = trial.last("snapshot")
    if first is None or first["when"] != "before" or first["failed"]:
        return
    began = time.monotonic()
    while True:
        snapshot = _take(trial)
        found = _remains(trial, first, snapshot)
        waited_s = time.monotonic() - began
        settled = not found.unexpected or waited_s > SETTLES_WITHIN_S
        if settled and (not snapshot.failed or waited_s > SEEN_WITHIN_S):
            break
        time.sleep(_LOOK_EVERY_S)
    _emit(trial, "after", snapshot)
    trial.emit(
        "restored",
        holds=not found.unexpected and not snapshot.failed,
        differences=[difference.as_dict() for difference in found.unexpected],
        not_seen=snapshot.failed,
        left=[{**difference.as_dict(), "leaves": entry.path} for difference, entry in found.left],
        unmatched=[entry.path for entry in found.unmatched],
        mode=trial.mode.id,
        disposable=trial.place.environment.disposable,
    )


def _take(trial: Looked) -> Snapshot:
    """Look, at a place that is proven to be the one."""
    try:
        trial.prove()
    except ChaosExtError as error:
        return Snapshot({}, {trial.place.environment.name: str(error)}, 0.0)
    environment = trial.place.environment
    return take(looks(environment), trial.place.facts, identity=environment.identity)


def _remains(trial: Looked, first: Event, snapshot: Snapshot) -> Remains:
    known = {name: value for name, value in first["seen"].items() if name in snapshot.seen}
    started = trial.last("trial-started")
    only_looks = started is not None and started.get("arm") == Arm.LOOK_ONLY
    followed = trial.last("runbook-started") is not None and not only_looks
    return remains(differences(known, snapshot.seen), trial.mode.leaves, followed=followed)


def _emit(trial: Looked, when: str, snapshot: Snapshot) -> None:
    trial.emit("snapshot", when=when, seen=snapshot.seen, failed=snapshot.failed, seconds=snapshot.seconds)


def _told(snapshot: Snapshot) -> list[str]:
    return [t("{name}: {why}", name=name, why=why) for name, why in snapshot.failed.items()]
