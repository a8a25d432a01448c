"""One run: every arm of a failure mode in one environment, saved, then judged.

It listens for whatever means "stop" (`safety/abort.py`): every wait of
ours hears it, the trial's control refuses what has not begun, its stopper undoes what has.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_ext import arms as all_arms
from chaos_ext import compile as compiling
from chaos_ext import environments, trial
from chaos_ext.catalog import load
from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import Interrupted, LabError
from chaos_ext.fresh import FreshLabs
from chaos_ext.fresh_cloud import FreshClouds, Standing
from chaos_ext.history import bundle, interrupted, manifest, reading
from chaos_ext.language import t
from chaos_ext.masking.files import copy_tree
from chaos_ext.model import Arm, Environment, Event, FailureMode, Variant, Verdict
from chaos_ext.progress import Took, guess_s, left_s
from chaos_ext.record import Listener, Recorder, read_events
from chaos_ext.report.permissions import aws_policy
from chaos_ext.restored import shipped, snapshot
from chaos_ext.runbook import parse
from chaos_ext.runbook.model import Runbook
from chaos_ext.runbook.variants import mitigations
from chaos_ext.runner import run_experiment_of
from chaos_ext.safety.abort import Abort, Ways
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.policy import enforcing
from chaos_ext.safety.policy.approving import Request
from chaos_ext.safety.policy.permissions import derive
from chaos_ext.safety.prune import prune
from chaos_ext.verdict.judge import judge

# The no-action arm is watched this much longer than it must be, so that a rounded number never makes it too short.
WATCH_MARGIN_S = 0.2
INTERNAL = 3  # the exit code of our own mistakes
GRAVITY = (0, 4, 1, 2, INTERNAL, 130, 5)  # exit codes, the gravest last


@dataclass(frozen=True)
class Plan:
    """What to run. `seed` decides the order of the trials; `resumes` is the interrupted run to go on with, if any."""

    mode: FailureMode
    environment: Environment
    arms: dict[Arm, int]
    seed: int
    resumes: Path | None = None

    def order(self, runbook: Runbook | None) -> tuple[list[Variant], list[all_arms.LeftOut]]:
        """The trials in their order, and what cannot be tried here."""
        planned, left_out = all_arms.trials(self.arms, runbook, self.environment)
        return all_arms.ordered(planned, self.seed), left_out


def new_seed() -> int:
    """A seed for a run that was given none; recorded with the run."""
    return secrets.randbelow(2**31)


def gravest(codes: Iterable[int]) -> int:
    """The exit code of several runs: something left broken before interrupted, refuted, unknown, and all is well."""
    return max(codes, key=GRAVITY.index)


def verify(
    catalog: Catalog, plan: Plan, listeners: tuple[Listener, ...], reader: bool = True
) -> tuple[Verdict, Path]:
    """Run every trial of `plan`, save everything, judge. Returns the verdict and the bundle's folder.

    `reader`: the loss of the terminal, or of whoever reads our output, means stop.

    Raises Blocked, LabError, UsageError before anything is broken, UndoFailed when something still is. Whatever
    it started is ended when it returns or raises; when it is killed, the janitor does that.
    """
    state = environments.state_dir()
    made_from = load.digests(catalog, plan.mode, plan.environment.name)
    experiment = compiling.compile(plan.mode, plan.environment, catalog.services, made_from)
    ruling = enforcing.refuse_before_run(catalog.root, experiment, plan.environment, id=plan.mode.id)
    runbook = runbook_of(catalog, plan.mode)
    order, left_out = plan.order(runbook)
    folder = bundle.create(
        state / "runs", catalog=catalog, mode=plan.mode, environment=plan.environment, experiment=experiment,
        seed=plan.seed, arms=plan.arms, ruling=ruling, plan=order, resumes=plan.resumes.name if plan.resumes else "",
    )  # fmt: skip
    recorder = Recorder(folder / "events.jsonl", listeners)
    recorder.emit(
        "run-started",
        run_id=folder.name,
        mode=plan.mode.id,
        title=plan.mode.title if isinstance(plan.mode.title, str) else plan.mode.title.model_dump(),
        environment=plan.environment.name,
        arms=dict(plan.arms),
        trials=len(order),
        steps=[] if runbook is None else mitigations(runbook, plan.environment.platform),
        seed=plan.seed,
        bundle=str(folder),
        approved=ruling.approved,
    )
    for each in left_out:
        recorder.emit("variant-left-out", variant=each.name, why=each.why, trials=[])
    janitor = Janitor.start_in_background(state / "ledger")
    aborting = Abort()
    with Ways(aborting, reader=reader) as ways:
        try:
            trial.host = trial.Host(listeners, True, aborting, janitor, trial.holder("chaos verify"))
            _Trials(catalog, plan, order, runbook, experiment, folder, recorder, janitor, ways).run()
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

    `why` ends "The run was stopped: …", unless it was judged already and killed while it was sealed: then all it had
    to show is there. `left` is what is broken or running all the same. Raises OSError, UsageError; FileExistsError
    when it is sealed already.
    """
    if manifest.is_sealed(folder):
        raise FileExistsError(t("{folder}: this run is sealed", folder=folder))
    judged = any(event.get("kind") == "verdict" for event in reading.load(folder).events)
    recorder = Recorder(folder / "events.jsonl")
    if judged and not left:
        return _judge_and_seal(folder, recorder)
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


def runbook_of(catalog: Catalog, mode: FailureMode) -> Runbook | None:
    """The runbook of `mode`; None when it has none. Raises UsageError."""
    return None if mode.runbook == "none" else parse.parse(catalog.root / "catalog" / mode.runbook)


@dataclass
class _Trials:
    """The trials of one run, one after the other."""

    catalog: Catalog
    plan: Plan
    order: list[Variant]
    runbook: Runbook | None
    experiment: dict[str, Any]
    folder: Path
    recorder: Recorder
    janitor: Janitor
    ways: Ways
    slowest_s: float = 0.0
    took: list[Took] = field(default_factory=list)
    knows_its_way: bool = False  # whether a treatment has shown which steps the runbook comes to

    def run(self) -> None:
        """Run all that were not run before; returns early when asked to stop."""
        aborting = trial.host.aborting
        resumes = self.plan.resumes
        before = {} if resumes is None else interrupted.finished_trials(resumes)
        before_s = {} if resumes is None else interrupted.took_s(resumes)
        to_come = list(all_arms.numbered(self.order))
        fresh = self._places()
        try:
            while to_come:
                (name, variant), *to_come = to_come
                began = time.monotonic()
                directory = self.folder / "trials" / name
                if name in before:
                    interrupted.take_over(before[name], directory.parent)
                    self.recorder.emit("trial-taken-over", trial=name, run_id=before[name].parents[1].name)
                else:
                    ahead = any(other not in before for other, _ in to_come)
                    self._one(fresh, variant, directory, [v.arm for _, v in to_come], ahead)
                events = _events_of(directory)
                # A step that was left out, or mistaken, says nothing of how long a treatment takes.
                if variant.arm is Arm.TREATMENT:
                    felt = bool(self.plan.mode.impact.hurt) and self.plan.environment.rehearsal is None
                    recovered_s = _recovery_s(events, felt)
                    self.slowest_s = max(self.slowest_s, recovered_s)
                to_come = self._worth_trying(variant, events, to_come)
                if to_come and aborting.is_set():
                    if not any(event["kind"] == "abort" for event in events):
                        why = t("{why}, before all trials had run", why=aborting.why)
                        _emit_abort(self.recorder, aborting, why)
                    break
                guessed_s = guess_s(variant, self.plan.mode, self.plan.environment)
                took_s = before_s.get(name, guessed_s) if name in before else time.monotonic() - began
                self.took.append((variant, took_s))
                self._tell_progress(name, [v for _, v in to_come])
        except Interrupted:
            _emit_abort(self.recorder, aborting, t("{why}, before the trial began", why=aborting.why))
        finally:
            started = time.monotonic()
            try:
                fresh.close()
            except LabError as error:
                self.recorder.emit("environment-not-restored", why=str(error))
            if fresh.thrown_away:
                self.recorder.emit("lab-stopped", seconds=round(time.monotonic() - started, 3))

    def _places(self) -> FreshLabs | FreshClouds | Standing:
        """Where the trials are run: a lab or a cloud of its own for each, or the one place that is there."""
        environment, say = self.plan.environment, lambda line: _said(self.recorder, line)
        if environment.rehearsal is not None:
            root, mode = self.catalog.root, self.plan.mode
            file = root / "experiments" / environment.name / f"{mode.id}.yaml"
            request = Request(mode.id, file, self.experiment, environment, self.catalog)
            return FreshClouds(environment, root, aws_policy(derive(root, request)), self.janitor)
        if environment.platform == "lab":
            return FreshLabs(environment, self.folder, self.janitor, say)
        return Standing()

    def _one(
        self,
        fresh: FreshLabs | FreshClouds | Standing,
        variant: Variant,
        directory: Path,
        to_come: Sequence[Arm],
        ahead: bool,
    ) -> None:
        """Run one trial in a lab of its own; `ahead`: another lab will be needed."""
        if fresh.thrown_away:
            self.recorder.emit("lab-starting", trial=directory.name)
        fresh.start_ahead()
        _meanwhile(self.plan.environment)
        facts, waited_s = fresh.take(lambda _: _refuse_if(trial.host.aborting))
        if fresh.thrown_away:
            self.recorder.emit(
                "lab-started", seconds=round(facts["started_in_s"], 3), waited_s=round(waited_s, 3),
                dir=facts["dir"], name=facts["name"],
            )  # fmt: skip
        directory.mkdir(parents=True, mode=0o700)
        only_watches = variant.arm in (Arm.NO_ACTION, Arm.LOOK_ONLY)
        variables = {
            "chaos_arm": str(variant),
            "chaos_trial_dir": str(directory),
            "chaos_lab": facts.get("dir", ""),
            "chaos_watch_s": watch_s(self.plan, self.slowest_s, to_come) if only_watches else "",
        }
        experiment = all_arms.experiment_of(self.experiment, variant)
        run_experiment_of(
            variant, experiment, variables, directory, self.ways, fresh.start_ahead if ahead else None
        )
        if "logs" in facts:
            with suppress(OSError):
                copy_tree(Path(facts["logs"]), directory / "logs")
        fresh.give_back(facts)

    def _worth_trying(
        self, variant: Variant, events: Sequence[Event], to_come: list[tuple[str, Variant]]
    ) -> list[tuple[str, Variant]]:
        """What of the trials to come changes a step that the runbook came to, once it was followed to its end."""
        finished = next((e for e in events if e["kind"] == "runbook-finished" and e["ok"]), None)
        asked = variant.arm is Arm.TREATMENT and not self.knows_its_way
        if not asked or self.runbook is None or finished is None:
            return to_come
        self.knows_its_way = True
        platform, exercised = self.plan.environment.platform, finished["exercised"]
        kept = [x for x in to_come if all_arms.come_to(x[1], self.runbook, platform, exercised)]
        for gone in dict.fromkeys(v for _, v in to_come if v not in {v for _, v in kept}):
            why = t("the runbook was followed to its end and did not come to this step")
            names = [name for name, v in to_come if v == gone]
            self.recorder.emit("variant-left-out", variant=str(gone), why=why, trials=names)
        return kept

    def _tell_progress(self, name: str, to_come: Sequence[Variant]) -> None:
        mode, environment = self.plan.mode, self.plan.environment
        guesses: Mapping[Variant, float] = {v: guess_s(v, mode, environment) for v in self.order}
        self.recorder.emit(
            "progress",
            trial=name,
            done=len(self.took),
            of=len(self.took) + len(to_come),
            took_s=round(self.took[-1][1], 1),
            left_s=round(left_s(self.took, to_come, guesses), 1),
        )


def _meanwhile(environment: Environment) -> None:
    """While a lab starts: import what a trial needs and takes long to import, and tidy up."""
    import chaoslib.experiment  # noqa: F401

    import chaos_ext.meter.client  # noqa: F401

    snapshot.preload(shipped.looks(environment))
    prune(environments.state_dir() / "ledger")


def watch_s(plan: Plan, slowest_s: float, to_come: Sequence[Arm] = ()) -> str:
    """How long nobody acts: as the slowest treatment, and its stable window.

    A treatment `to_come` may be slower than those before it; one that is slower than the objective refutes anyway.
    What heals by itself has as long as the objective gives it, however soon a runbook called it over.
    """
    longest_s = slowest_s
    if not slowest_s or Arm.TREATMENT in to_come or plan.mode.recovery == "self":
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
            latest = event["latest"] if felt else max(event["latest"] or 0.0, verified or 0.0)
        if event["kind"] == "runbook-finished" and event["ok"]:
            verified = event["at"]
    return 0.0 if fault_started is None or latest is None else float(latest - fault_started)


def _said(recorder: Recorder, line: str) -> None:
    with suppress(OSError):  # a full disk: whatever must be recorded says so; a thread of the lab's could not
        recorder.emit("lab-says", line=line)


def _refuse_if(aborting: Abort) -> None:
    if aborting.is_set():
        raise Interrupted(t("asked to stop"))


def _emit_abort(recorder: Recorder, aborting: Abort, why: str) -> None:
    """Outside a trial; inside, it is its stopper that records."""
    recorder.emit("abort", why=why, seen=aborting.seen, by=aborting.asked.by if aborting.asked else "")
