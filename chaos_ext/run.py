"""One run: every arm of a failure mode in one environment, saved, then judged.

The only caller of Chaos Toolkit's runner, and the owner of the signals: a signal sets one flag, every
wait of ours watches it, the trial's control refuses what has not begun, rollbacks undo what has.
"""

from __future__ import annotations

import json
import logging
import random
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from chaos_ext import compile as compiling
from chaos_ext import environments, trial
from chaos_ext.catalog import load
from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import Interrupted, LabError
from chaos_ext.fresh import FreshLabs
from chaos_ext.history import bundle, manifest, reading
from chaos_ext.language import t
from chaos_ext.model import Arm, Environment, Event, FailureMode, Verdict
from chaos_ext.record import Listener, Recorder, read_events
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.prune import prune
from chaos_ext.verdict.judge import judge

# How many trials of each arm; see design/verification.md.
ARMS: dict[str, dict[Arm, int]] = {
    "smoke": {Arm.TREATMENT: 1, Arm.NO_ACTION: 1},
    "standard": {Arm.TREATMENT: 5, Arm.NO_ACTION: 3},
}
# The no-action arm is watched this much longer than it must be, so that a rounded number never makes it too short.
WATCH_MARGIN_S = 0.5
INTERNAL = 3  # the exit code of our own mistakes
GRAVITY = (0, 4, 1, 2, INTERNAL, 130, 5)  # exit codes, the gravest last


@dataclass(frozen=True)
class Plan:
    """What to run. `seed` decides the order of the arms."""

    mode: FailureMode
    environment: Environment
    arms: dict[Arm, int]
    seed: int

    def order(self) -> list[Arm]:
        """The arms in the order of their trials.

        Drawn from the seed, but a treatment comes first: it says how long nobody must act for the no-action
        arm to mean anything, and a runbook that is refuted at once is known at once.
        """
        rest = [arm for arm, count in self.arms.items() for _ in range(count)]
        rest.remove(Arm.TREATMENT)
        random.Random(self.seed).shuffle(rest)
        return [Arm.TREATMENT, *rest]


def new_seed() -> int:
    """A seed for a run that was given none; recorded with the run."""
    return secrets.randbelow(2**31)


def gravest(codes: Iterable[int]) -> int:
    """The exit code of several runs: something left broken before interrupted, refuted, unknown, and all is well."""
    return max(codes, key=GRAVITY.index)


def verify(catalog: Catalog, plan: Plan, listeners: tuple[Listener, ...]) -> tuple[Verdict, Path]:
    """Run every trial of `plan`, save everything, judge. Returns the verdict and the bundle's folder.

    Raises Blocked, LabError, UsageError before anything is broken, UndoFailed when something still is. Whatever
    it started is ended when it returns or raises; when it is killed, the janitor does that.
    """
    state = environments.state_dir()
    made_from = load.digests(catalog, plan.mode, plan.environment.name)
    experiment = compiling.compile(plan.mode, plan.environment, catalog.services, made_from)
    folder = bundle.create(
        state / "runs", catalog=catalog, mode=plan.mode, environment=plan.environment, experiment=experiment,
        seed=plan.seed, arms=plan.arms,
    )  # fmt: skip
    recorder = Recorder(folder / "events.jsonl", listeners)
    recorder.emit(
        "run-started",
        run_id=folder.name,
        mode=plan.mode.id,
        title=plan.mode.title if isinstance(plan.mode.title, str) else plan.mode.title.model_dump(),
        environment=plan.environment.name,
        arms=dict(plan.arms),
        seed=plan.seed,
        bundle=str(folder),
    )
    janitor = Janitor.start_in_background(state / "ledger")
    with _signals() as aborting:
        try:
            trial.host = trial.Host(listeners, aborting, janitor, trial.holder("chaos verify"))
            _trials(plan, experiment, folder, recorder, janitor)
        except Exception as error:
            with suppress(OSError):  # a full disk ends a run unsealed; the error says so
                recorder.emit("run-failed", why=str(error) or type(error).__name__)
                _judge_and_seal(folder, recorder)
            raise
        finally:
            trial.host = trial.Host()
            janitor.close()
        return _judge_and_seal(folder, recorder), folder


def seal_dead(folder: Path, why: str, left: Sequence[str] = ()) -> Verdict:
    """Judge and seal the bundle of a run whose process is dead, and whose janitor has ended.

    `why` ends "The run was stopped: …". `left` is what is broken or running all the same. Raises OSError,
    UsageError; FileExistsError when it is sealed already.
    """
    if (folder / manifest.NAME).exists():
        raise FileExistsError(t("{folder}: this run is sealed", folder=folder))
    recorder = Recorder(folder / "events.jsonl")
    recorder.emit("abort", why=why)
    for each in left:
        recorder.emit("environment-not-restored", why=each)
    if not left:
        recorder.emit("lab-stopped", seconds=0.0)
    return _judge_and_seal(folder, recorder)


def _judge_and_seal(folder: Path, recorder: Recorder) -> Verdict:
    verdict = judge(reading.load(folder))
    recorder.emit("verdict", **bundle.verdict_fields(verdict))
    recorder.close()
    bundle.seal(folder, verdict)
    return verdict


def _trials(
    plan: Plan, experiment: dict[str, Any], folder: Path, recorder: Recorder, janitor: Janitor
) -> None:
    fresh = FreshLabs(plan.environment, folder, janitor, lambda line: _said(recorder, line))
    aborting = trial.host.aborting
    order = plan.order()
    slowest_s = 0.0
    try:
        for number, arm in enumerate(order, start=1):
            name = f"{number:02d}-{arm}"
            recorder.emit("lab-starting", trial=name)
            fresh.start_ahead()
            _meanwhile()
            facts, waited_s = fresh.take(lambda _: _refuse_if(aborting))
            recorder.emit(
                "lab-started", seconds=round(facts["started_in_s"], 3), waited_s=round(waited_s, 3),
                dir=facts["dir"], name=facts["name"],
            )  # fmt: skip
            directory = folder / "trials" / name
            directory.mkdir(parents=True, mode=0o700)
            variables = {
                "chaos_arm": str(arm),
                "chaos_trial_dir": str(directory),
                "chaos_lab": facts["dir"],
                "chaos_watch_s": watch_s(plan, slowest_s, order[number:]) if arm is Arm.NO_ACTION else "",
            }
            more_to_come = number < len(order)
            _run_experiment(experiment, variables, directory, fresh.start_ahead if more_to_come else None)
            events = _events_of(directory)
            slowest_s = max(slowest_s, _recovery_s(events, bool(plan.mode.impact.hurt)))
            with suppress(OSError):
                shutil.copytree(facts["logs"], directory / "logs", dirs_exist_ok=True)
            fresh.give_back(facts)
            if more_to_come and aborting.is_set():
                if not any(event["kind"] == "abort" for event in events):
                    recorder.emit("abort", why=t("asked to stop before all trials had run"))
                break
    except Interrupted:
        recorder.emit("abort", why=t("asked to stop before the trial began"))
    finally:
        started = time.monotonic()
        try:
            fresh.close()
        except LabError as error:
            recorder.emit("environment-not-restored", why=str(error))
        recorder.emit("lab-stopped", seconds=round(time.monotonic() - started, 3))


def _run_experiment(
    experiment: dict[str, Any],
    variables: dict[str, str],
    directory: Path,
    when_measured: Callable[[], None] | None,
) -> None:
    """Run one arm with Chaos Toolkit; its journal and log go into `directory`."""
    from chaoslib.experiment import run_experiment
    from chaoslib.run import RunEventHandler
    from chaoslib.types import Experiment, Journal

    class TakeSignalsBack(RunEventHandler):
        """Chaos Toolkit installs its own SIGTERM handler, which would let the next injection go on."""

        def started(self, experiment: Experiment, journal: Journal) -> None:
            _install(trial.host.aborting)

    def listen(event: Event) -> None:
        # Not earlier: a lab that starts takes every core, and would be measured as the service's slowness.
        if when_measured is not None and event["kind"] == "recovery" and not mine.aborting.is_set():
            when_measured()

    mine = trial.host
    trial.host = trial.Host((*mine.listeners, listen), mine.aborting, mine.janitor, mine.holder)
    settings = {"runtime": {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": "default"}}}
    try:
        with _log_to(directory / "experiment.log"):
            journal = run_experiment(
                json.loads(json.dumps(experiment)),  # the runner writes into what it is given
                settings=settings,
                experiment_vars=(dict(variables), {}),
                event_handlers=[TakeSignalsBack()],
            )
        bundle.write_json(directory / "journal.json", journal)
    finally:
        trial.finish()
        trial.host = mine


def _meanwhile() -> None:
    """While a lab starts: import what a trial needs and takes long to import, and tidy up."""
    import chaoslib.experiment  # noqa: F401

    import chaos_ext.meter.client  # noqa: F401

    prune(environments.state_dir() / "ledger")


def watch_s(plan: Plan, slowest_s: float, to_come: Sequence[Arm] = ()) -> str:
    """How long nobody acts: as the slowest treatment, and its stable window.

    A treatment `to_come` may be slower than those before it; one that is slower than the objective refutes anyway.
    """
    longest_s = slowest_s
    if not slowest_s or Arm.TREATMENT in to_come:
        longest_s = max(slowest_s, plan.mode.objectives_in(plan.environment.name).recover_within)
    return str(round(longest_s + plan.environment.windows.stable + WATCH_MARGIN_S, 3))


def _events_of(trial_dir: Path) -> list[Event]:
    """What a trial recorded; nothing when it never began, or its record is damaged: the verdict tells that."""
    try:
        return list(read_events(trial_dir / "events.jsonl"))
    except (OSError, ValueError):
        return []


def _recovery_s(events: list[Event], felt: bool = True) -> float:
    """How long after the fault the flows were back in a trial, at the longest; 0 when they were not.

    Of a failure that no flow feels: how long after it the runbook's Verification said that it is over.
    """
    fault_started, latest, verified = None, None, None
    for event in events:
        if event["kind"] == "fault-injected" and fault_started is None:
            fault_started = event["started"]
        if event["kind"] == "recovery" and event["recovered"]:
            latest = event["latest"] if felt else max(event["latest"], verified or 0.0)
        if event["kind"] == "runbook-finished" and event["ok"]:
            verified = event["at"]
    return 0.0 if fault_started is None or latest is None else float(latest - fault_started)


def _said(recorder: Recorder, line: str) -> None:
    with suppress(OSError):  # a full disk: whatever must be recorded says so; a thread of the lab's could not
        recorder.emit("lab-says", line=line)


def _refuse_if(aborting: threading.Event) -> None:
    if aborting.is_set():
        raise Interrupted(t("asked to stop"))


# --- signals and logs ---


def _install(aborting: threading.Event) -> None:
    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        aborting.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Own SIGINT, SIGTERM and SIGHUP while inside: each only sets the flag."""
    aborting = threading.Event()
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    _install(aborting)
    try:
        yield aborting
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _LogFile(logging.FileHandler):
    """A log that cannot be written is not worth a traceback in the terminal: what counts is in events.jsonl."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Chaos Toolkit's log goes to `path` and nowhere else. Its debug level holds secrets, so it is left out."""
    logger = logging.getLogger("chaostoolkit")
    path.touch(mode=0o600)
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = (logger.handlers[:], logger.level, logger.propagate)
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])
        with suppress(OSError):
            handler.close()
