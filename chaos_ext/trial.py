"""The trial that this process is in: its place, its record, its meter, its way out.

Every action, probe and control asks `current()` for it; the first one opens it. So an experiment
whose controls were deleted by hand is proven, recorded and guarded all the same, and `chaos run`
alone does what `chaos verify` does. A runner that has more to say (where to write, who listens, when
to stop) puts a `Host` in place first.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext import environments
from chaos_ext.alerts.watch import AlertWatch
from chaos_ext.arms import ONLY_WHERE_DISPOSABLE
from chaos_ext.catalog import load
from chaos_ext.errors import Blocked, Interrupted, UsageError
from chaos_ext.language import t
from chaos_ext.meter.none import NoMeter
from chaos_ext.model import Arm, Environment, Event, FailureMode, Services, Variant
from chaos_ext.record import Closed, Listener, Recorder
from chaos_ext.restored import of_trial as restored
from chaos_ext.safety import conditions, gate, guard, shared
from chaos_ext.safety.abort import Abort, Ways
from chaos_ext.safety.conditions import Reached
from chaos_ext.safety.free import refuse_unless_free
from chaos_ext.safety.hold import hold
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Entry
from chaos_ext.safety.lookout import Lookout
from chaos_ext.safety.place import open_place
from chaos_ext.safety.policy import enforcing
from chaos_ext.safety.stopper import Stopper
from chaos_ext.vaults.read import secrets_of
from chaos_ext.verdict.rehearsed import without_users

if TYPE_CHECKING:
    from chaos_ext.meter.client import Meter


@dataclass
class Host:
    """What a runner gives to the trials of its process. Plain `chaos run` gives nothing."""

    listeners: tuple[Listener, ...] = ()
    listens: bool = False  # it listens itself for what means "stop"
    aborting: Abort = field(default_factory=Abort)
    janitor: Janitor | None = None  # the runner's own; otherwise each trial starts one
    holder: str = "chaos run"


host = Host()
_current: Trial | None = None
_opening = threading.Lock()


class Trial:
    """One arm, once. Made by `current()`; `close()` ends it. Safe to use from several threads."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        """Prove the place, take it, start recording and measuring. Whatever was started is ended when this raises.

        Raises Blocked (not proven, taken, not healed), UsageError, LabError, OSError.
        """
        self.variant = Variant.named(configuration.get("chaos_arm") or Arm.TREATMENT)
        self.arm = self.variant.arm
        self.aborting = host.aborting
        gate.install()  # whoever runs this: a program of a team's own, too
        gate.project()  # raises where the experiment's file is of another project than we are in
        root = environments.project_root()
        self.mode: FailureMode = load.mode(root, configuration["chaos_mode"])
        self.services: Services = load.services(root)
        self.root = root
        self.place = open_place(configuration["chaos_environment"], configuration.get("chaos_lab") or None)
        self.rehearses = self.place.environment.rehearsal is not None
        if self.rehearses:
            self.mode, self.services = without_users(self.mode, self.services)
        self.directory = Path(
            configuration.get("chaos_trial_dir") or _own_directory(self.mode.id, self.variant)
        )
        self.watch_s = float(configuration.get("chaos_watch_s") or 0) or self._longest_watch_s()
        self.alert_watch: AlertWatch | None = None
        self._marks: dict[str, Event] = {}
        self._intended_at: float | None = None  # the first fault
        self.at_its_end = (
            False  # what is left is to see who is back, to read back and to undo, each with its own limit
        )
        self.first_fault_at: float | None = None  # when the first of several began to go in, monotonic
        self._ends = ExitStack()
        self.stopper: Stopper | None = None
        if not host.listens:
            self._ends.enter_context(Ways(self.aborting))
        try:
            self._open()
        except BaseException:
            self._ends.close()
            raise

    def _open(self) -> None:
        self.meter: Meter | NoMeter
        environment = self.place.environment
        stopping = self.aborting.is_set
        gate.stop_when(stopping)
        self._ends.callback(gate.forget, stopping)
        self._recorder = Recorder(self.directory / "events.jsonl", (self._mark, *host.listeners))
        self._ends.callback(self._recorder.close)
        self.ledger = shared.ledger_of(environment, self.place.instance)
        objectives = self.mode.objectives_in(environment.name)
        self.emit(
            "trial-started",
            trial=self.directory.name,
            arm=self.arm,
            **_varied(self.variant),
            mode=self.mode.id,
            environment=environment.name,
            objectives={
                "detect_within_s": objectives.detect_within,
                "recover_within_s": objectives.recover_within,
                "lost_acknowledged_writes": objectives.lost_acknowledged_writes,
            },
            recovery=self.mode.recovery,
            windows={"baseline_s": environment.windows.baseline, "stable_s": environment.windows.stable},
            flows=list(self.services.flows),
            claim={flow: self.mode.impact.on(flow) for flow in self.services.flows},
            possible=dict(self.mode.impact.possible),
            abort=environment.abort.model_dump(),
        )
        try:
            if self.arm is Arm.MUTATED and not environment.disposable:
                raise Blocked(ONLY_WHERE_DISPOSABLE)
            self._ends.enter_context(hold(self.ledger, host.holder, self._lost))
            refuse_unless_free(self.ledger)
            self.prove()
            self.secrets = self._secrets()
        except Blocked as error:
            self.emit("blocked", why=str(error))
            raise
        if host.janitor is None:
            self.janitor = Janitor.start(self.ledger.directory)
            self._ends.callback(self.janitor.close)
        else:
            self.janitor = host.janitor
        self.stopper = Stopper(self.aborting, self.ledger, self.emit)
        self._ends.callback(self.stopper.close)
        self.meter = self._meter(environment)
        self._ends.callback(self.meter.stop)
        self.meter.start()
        lookout = Lookout(self.aborting, self._conditions, lambda: self.meter.failed)
        self._ends.callback(lookout.close)
        if not self.rehearses:
            self.emit(
                "meter-started", flows={name: flow.per_second for name, flow in self.services.flows.items()}
            )

    def _meter(self, environment: Environment) -> Meter | NoMeter:
        if self.rehearses:
            return NoMeter()
        from chaos_ext.meter.client import Meter  # 0.2 s; a runner imports it while the lab starts

        return Meter(
            flows=dict(self.services.flows),
            base_url=environment.base_url,
            ca_file=environment.ca_file,
            directory=self.directory,
            run_id=f"{self.mode.id}-{uuid.uuid4().hex[:12]}",
        )

    def _lost(self, why: str) -> None:
        """Another machine may have the place now."""
        self.aborting.ask(t("the place could not be kept: {why}", why=why), "program")

    def _secrets(self) -> dict[str, str]:
        """The values for the runbook's blocks. Raises Blocked: without them nothing is broken."""
        try:
            return shared.without_ledgers(secrets_of(self.place.environment, self.prove))
        except UsageError as error:
            raise Blocked(str(error)) from error

    # --- the record ---

    def watch_alert(self, silent_at: float) -> None:
        """Look for the alert that must fire, from now until the trial ends; it did not fire at `silent_at`."""
        watch = AlertWatch(self.place.environment.alerts, self.mode.detection.alert, silent_at)
        self.alert_watch = self._ends.enter_context(watch)

    @property
    def recorder(self) -> Trial:
        """This trial: `emit` records."""
        return self

    def emit(self, kind: str, **fields: Any) -> Event:
        """Record an event. What cannot be recorded must not go on: a full disk aborts the trial."""
        try:
            return self._recorder.emit(kind, **fields)
        except Closed:
            raise  # a late word of this trial; the run goes on
        except OSError as error:
            self.aborting.ask(t("the record cannot be written: {why}", why=error.strerror or error), "record")
            raise

    def _mark(self, event: Event) -> None:
        self._marks[event["kind"]] = event
        if event["kind"] == "fault-intended" and self._intended_at is None:
            self._intended_at = event["at"]
        if event["kind"] == "fault-injected" and self.first_fault_at is None:
            self.first_fault_at = event["started"]

    def last(self, kind: str) -> Event | None:
        """The latest event of that kind in this trial."""
        return self._marks.get(kind)

    @property
    def fault_began_at(self) -> float | None:
        """When the (latest) fault began to go in, monotonic; None before that. Recoveries count from here."""
        event = self.last("fault-injected")
        return None if event is None else float(event["started"])

    @property
    def fault_at(self) -> float | None:
        """When the (latest) fault was confirmed to be in, monotonic; None before that."""
        event = self.last("fault-injected")
        return None if event is None else float(event["ended"])

    # --- safety ---

    def prove(self) -> None:
        """Prove again that this is the place it claims to be; raises Blocked. Recorded the first time."""
        proofs = guard.prove(self.place)
        if self.last("environment-proven") is None:
            self.emit(
                "environment-proven",
                proofs=[{"kind": p.kind, "expected": p.expected, "got": p.got} for p in proofs],
            )

    def refuse_if_aborting(self) -> None:
        """Raises Interrupted once somebody asked to stop: no further mutating call starts."""
        if self.aborting.is_set():
            raise Interrupted(t("asked to stop: nothing more is started"))

    def _conditions(self) -> Iterator[Reached]:
        """The abort conditions that are met now. None is once the faults are being put back."""
        environment, claim, flows = self.place.environment, self.mode.impact, self.services.flows
        on, stable_s, now = environment.abort, environment.windows.stable, time.monotonic()
        if on.limits_passed and self._intended_at is not None and self.last("fault-undone") is None:
            broken = {one for entry in self.ledger.open_entries() for one in entry.targets}
            limits = environment.limits
            yield from filter(
                None,
                [
                    conditions.limit_passed(
                        now - self._intended_at,  # also when the janitor, who keeps to the lease, was faster
                        sorted(broken),
                        limits.longest_fault,
                        limits.targets,
                    )
                ],
            )
        if self.rehearses:
            return
        began, was_in = self.fault_began_at, self.fault_at
        if began is None or was_in is None or self.last("fault-undone") is not None:
            return
        span_s = conditions.span_s(flows, stable_s)
        live = {name: [s for s in of if s.sent >= began] for name, of in self.meter.live(span_s).items()}
        moment = conditions.Moment(began, was_in, time.monotonic(), live)
        if not conditions.protect_users(self.arm, environment.disposable):
            return
        if on.hurt_outside_claim and (found := conditions.hurt_outside_claim(moment, claim, flows, stable_s)):
            yield found
        if on.fault_outlives and not self.at_its_end:
            within_s = self.mode.objectives_in(environment.name).recover_within
            watch_s = self.watch_s if self.only_watches else None
            if found := conditions.outlived(moment, flows, stable_s, within_s, watch_s):
                yield found

    @property
    def only_watches(self) -> bool:
        """Whether nothing is done about the failure in this arm."""
        return self.arm in (Arm.NO_ACTION, Arm.LOOK_ONLY)

    def undo_on_abort(self, entry: Entry, secrets: dict[str, Any]) -> None:
        """A fault that is about to go in: it is undone at once when somebody asks to stop."""
        if self.stopper is not None:
            self.stopper.expect(entry, secrets)

    def look_before_fault(self) -> None:
        """See how everything is, once, right before the first fault; raises Blocked when it cannot be seen."""
        enforcing.refuse_to_look(self.place.environment, self.mode.id)
        restored.before(self)

    # --- time ---

    def wait(self, seconds: float) -> None:
        """Wait, unless asked to stop (raises Interrupted)."""
        self.aborting.wait(max(0.0, seconds))
        self.refuse_if_aborting()

    def wait_until(self, holds: Callable[[], bool], deadline: float, every_s: float = 0.05) -> bool:
        """Poll until `holds()` or the monotonic `deadline`; says which. Raises Interrupted when asked to stop."""
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.wait(min(every_s, left))
        return True

    def _longest_watch_s(self) -> float:
        """How long a no-action arm watches when nobody measured a treatment: as long as one may take."""
        environment = self.place.environment
        return self.mode.objectives_in(environment.name).recover_within + environment.windows.stable

    def settle(self) -> None:
        """Wait for what an abort has begun to undo."""
        if self.stopper is not None:
            self.stopper.close()

    def close(self) -> None:
        """End the meter, the janitor (if it is this trial's own) and the record; let go of the place."""
        self._ends.close()


def current(configuration: Mapping[str, Any] | None = None) -> Trial:
    """The trial of this process; opened by the first call, which needs the experiment's configuration."""
    global _current
    with _opening:
        if _current is None:
            _current = Trial(configuration or {})
        return _current


def finish() -> None:
    """Close the current trial, if one is open. The last event says that it came to its end."""
    global _current
    with _opening:
        trial, _current = _current, None
    if trial is None:
        return
    started = trial.last("trial-started")
    try:
        trial.settle()
        restored.after(trial)
        if started is not None:
            trial.emit(
                "trial-finished",
                trial=trial.directory.name,
                arm=trial.arm,
                seconds=round(time.monotonic() - started["at"], 3),
            )
    finally:
        trial.close()


# When controls were deleted, nobody else ends the trial; the janitor then heals what is still broken.
atexit.register(finish)


def holder(command: str) -> str:
    """Who holds a place, for people: command, user, host and pid."""
    user = os.environ.get("USER") or str(os.getuid())
    return f"{command} by {user}@{socket.gethostname()} (pid {os.getpid()})"


def _varied(variant: Variant) -> dict[str, str]:
    """What is done otherwise than the runbook says, for the record."""
    named = {"step": variant.step, "mutation": str(variant.mutation or "")}
    return {key: value for key, value in named.items() if value}


def _own_directory(mode: str, variant: Variant) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"
    return environments.state_dir() / "runs" / f"{stamp}-{mode}-plain" / "trials" / f"01-{variant}"
