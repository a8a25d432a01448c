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
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext import environments, labs
from chaos_ext.alerts.watch import AlertWatch
from chaos_ext.catalog import load
from chaos_ext.errors import Blocked, Interrupted
from chaos_ext.language import t
from chaos_ext.model import Arm, Event, FailureMode, Place, Services
from chaos_ext.record import Listener, Recorder
from chaos_ext.safety import guard, lock
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Ledger, refuse_if_unhealed

if TYPE_CHECKING:
    from chaos_ext.meter.client import Meter


@dataclass
class Host:
    """What a runner gives to the trials of its process. Plain `chaos run` gives nothing."""

    listeners: tuple[Listener, ...] = ()
    aborting: threading.Event = field(default_factory=threading.Event)
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
        self.arm = Arm(configuration.get("chaos_arm") or Arm.TREATMENT)
        self.aborting = host.aborting
        root = environments.project_root()
        self.mode: FailureMode = load.mode(root, configuration["chaos_mode"])
        self.services: Services = load.services(root)
        self.root = root
        self.place = open_place(configuration["chaos_environment"], configuration.get("chaos_lab") or None)
        self.directory = Path(configuration.get("chaos_trial_dir") or _own_directory(self.mode.id, self.arm))
        self.watch_s = float(configuration.get("chaos_watch_s") or 0) or self._longest_watch_s()
        self.alert_watch: AlertWatch | None = None
        self._marks: dict[str, Event] = {}
        self._ends = ExitStack()
        try:
            self._open()
        except BaseException:
            self._ends.close()
            raise

    def _open(self) -> None:
        self.meter: Meter
        environment = self.place.environment
        self._recorder = Recorder(self.directory / "events.jsonl", (self._mark, *host.listeners))
        self._ends.callback(self._recorder.close)
        ledger_dir = environments.state_dir() / "ledger"
        self.ledger = Ledger(ledger_dir, environment.name, self.place.instance)
        objectives = self.mode.objectives_in(environment.name)
        self.emit(
            "trial-started",
            trial=self.directory.name,
            arm=self.arm,
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
        )
        try:
            self._ends.enter_context(lock.hold(ledger_dir, self.place.instance, host.holder))
            refuse_if_unhealed(ledger_dir, self.place.instance)
            self.prove()
        except Blocked as error:
            self.emit("blocked", why=str(error))
            raise
        if host.janitor is None:
            self.janitor = Janitor.start(ledger_dir)
            self._ends.callback(self.janitor.close)
        else:
            self.janitor = host.janitor
        from chaos_ext.meter.client import Meter  # 0.2 s; a runner imports it while the lab starts

        self.meter = Meter(
            flows=dict(self.services.flows),
            base_url=environment.base_url,
            ca_file=environment.ca_file,
            directory=self.directory,
            run_id=f"{self.mode.id}-{uuid.uuid4().hex[:12]}",
        )
        self._ends.callback(self.meter.stop)
        self.meter.start()
        self.emit(
            "meter-started", flows={name: flow.per_second for name, flow in self.services.flows.items()}
        )

    # --- the record ---

    def watch_alert(self, silent_at: float) -> None:
        """Look for the alert that must fire, from now until the trial ends; it did not fire at `silent_at`."""
        alerts = self.place.environment.alerts
        watch = AlertWatch(alerts.url, self.mode.detection.alert, alerts.poll, silent_at)
        self.alert_watch = self._ends.enter_context(watch)

    @property
    def recorder(self) -> Trial:
        """This trial: `emit` records."""
        return self

    def emit(self, kind: str, **fields: Any) -> Event:
        """Record an event. What cannot be recorded must not go on: a full disk aborts the trial."""
        try:
            return self._recorder.emit(kind, **fields)
        except OSError:
            self.aborting.set()
            raise

    def _mark(self, event: Event) -> None:
        self._marks[event["kind"]] = event

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
            if self.last("abort") is None:
                self.emit("abort", why=t("asked to stop; undoing what was broken"))
            raise Interrupted(t("asked to stop: nothing more is started"))

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

    def close(self) -> None:
        """End the meter, the janitor (if it is this trial's own) and the record; let go of the place."""
        self._ends.close()


def open_place(environment_name: str, lab: str | None = None) -> Place:
    """The environment with everything filled in that only a running place can tell. Raises UsageError, LabError."""
    environment = environments.load(environment_name)
    facts = labs.facts(lab) if environment.platform == "lab" else {}
    filled = environments.fill(environment, facts)
    return Place(filled, instance=str(facts.get("marker", filled.name)), facts=facts)


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


def _own_directory(mode: str, arm: Arm) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"
    return environments.state_dir() / "runs" / f"{stamp}-{mode}-plain" / "trials" / f"01-{arm}"
