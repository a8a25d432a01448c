"""The probes of one failure mode, asked before its fault, while it is in force, and after it was undone.

The fault is a real one and goes in by the guarded door, in a trial like any other: proven, in the ledger, with the
janitor standing by. Nobody acts, and the fault's own undo puts it back. Where a runbook's Verification asks for what
only the runbook makes (a clone, a message that was put aside) the runbook is followed first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_ext import trial as trials
from chaos_ext.actions import fault as door
from chaos_ext.actions.respond import follow_in
from chaos_ext.compile import faults_in
from chaos_ext.errors import Blocked, ChaosExtError, FaultNotInjected, Interrupted, UndoFailed
from chaos_ext.language import listed, t
from chaos_ext.meter.slo import evidence
from chaos_ext.model import Arm, FailureMode, InjectedFault
from chaos_ext.probes import alert as alert_probe
from chaos_ext.probes import impact, measured, steady_state
from chaos_ext.probes.recovery import PATIENCE
from chaos_ext.proving import of_alert, of_evidence, of_looks, of_users, of_verification
from chaos_ext.proving.altered import altered
from chaos_ext.proving.answers import Answer, Asked, Kind, Result, Says, State, findings
from chaos_ext.proving.asking import ask_all
from chaos_ext.proving.nobody import Nobody
from chaos_ext.proving.proof import Folders, ModeProof
from chaos_ext.proving.scene import Scene, short
from chaos_ext.proving.things import Things
from chaos_ext.restored.shipped import looks
from chaos_ext.restored.snapshot import take
from chaos_ext.safety.conditions import LATE_S, MOST_LATE
from chaos_ext.trial import Trial

Say = Callable[[str], None]
_MARGIN_S = 1.5  # a slow flow is sent once a second
_AGAIN = 3  # times that a fault which heals by itself goes in once more


def prove(
    mode: FailureMode, environment: str, lab: str, folders: Folders, nobody: Nobody, say: Say
) -> ModeProof:
    """Prove the probes of `mode` in a lab that is up.

    Raises Interrupted. Whatever was broken is undone when it returns or raises; `broken` says when that failed.
    """
    began = time.monotonic()
    proof = ModeProof(mode.id)
    configuration = {
        "chaos_environment": environment,
        "chaos_mode": mode.id,
        "chaos_arm": str(Arm.NO_ACTION),
        "chaos_trial_dir": str(folders.record),
        "chaos_lab": lab,
        # Nobody acts for as long as it takes to ask; the environment's longest_fault ends it in any case.
        "chaos_watch_s": "3600",
    }
    running: Trial | None = None
    folders.record.mkdir(parents=True, mode=0o700)
    try:
        running = trials.current(configuration)
        _Proof(running, configuration, folders.aside, nobody, say, proof).run()
    except Interrupted:
        raise
    except UndoFailed as error:
        proof.broken = str(error)
    except ChaosExtError as error:
        proof.unproven = str(error)
    finally:
        trials.finish()
        proof.seconds = round(time.monotonic() - began, 1)
    _restored(running, proof)
    return proof


def _restored(running: Trial | None, proof: ModeProof) -> None:
    if running is None:
        return
    event = running.last("restored")
    if event is not None and not event["holds"] and not proof.broken:
        paths = [each["path"] for each in event["differences"]] + list(event["not_seen"])
        proof.broken = t("the place is not as it was: {paths}", paths=listed(paths))
    proof.changed = proof.changed or bool(proof.broken) or bool(event and event["left"])


@dataclass
class _Proof:
    trial: Trial
    configuration: dict[str, Any]
    aside: Path
    nobody: Nobody
    say: Say
    proof: ModeProof
    asked: list[Asked] = field(default_factory=list)

    def run(self) -> None:
        """Ask everything, and say what it comes to, also when not all could be asked.

        Raises Interrupted, UndoFailed.
        """
        try:
            self._ask_everything()
        except (Interrupted, UndoFailed):
            raise
        except ChaosExtError as error:
            self.proof.unproven = str(error)
        self._conclude()

    def _ask_everything(self) -> None:
        trial = self.trial
        faults = faults_in(trial.mode, trial.place.environment)
        self.say(t("before the fault"))
        held = steady_state.flows_meet_slo(self.configuration)
        if not held["holds"]:
            raise Blocked(t("the place is not well before anything is broken: {why}", why=held["why"]))
        self._prepare(faults)
        ask_all(self.asked, State.BEFORE, trial.wait)
        follows = self._needs_its_runbook()
        verification = [a for a in self.asked if a.probe.kind is Kind.VERIFICATION]
        refused = [a for a in self.asked if a.probe.kind is Kind.EVIDENCE and a.wrong]
        if refused:  # the door would not let it in
            self.proof.unproven = t("the evidence does not say no before the fault, so nothing was broken")
            return
        try:
            self._round(faults, self.asked, follows)
            for _ in range(_AGAIN):
                if late := [a for a in verification if State.IN_FORCE in a.missing and self._heals]:
                    self._round(faults, late, follows)  # it was over before it was asked
        except FaultNotInjected as error:
            self._not_in_force(str(error))
            return
        self._after(self.asked)
        if left := [a for a in verification if not follows and self._is_left(a)]:
            self._round(faults, (), True)
            self._after(left)

    @property
    def _heals(self) -> bool:
        return self.trial.mode.recovery == "self"

    def _round(self, faults: Sequence[InjectedFault], asked: Sequence[Asked], follows: bool) -> None:
        """The faults go in, `asked` are asked, and everything is put back; by the runbook first, if it `follows` it."""
        injected: list[InjectedFault] = []
        try:
            for each in faults:
                injected.append(each)
                self._inject(each)
            self._in_force(asked)
            if follows:
                self.say(t("the runbook is followed"))
                self.proof.changed = True
                follow_in(self.trial, self.trial.mode.runbook, {})
        finally:
            for each in reversed(injected):
                door.undo(each.name, configuration=self.configuration)

    def _is_left(self, asked: Asked) -> bool:
        """Whether Verification does not hold after the undo: of what the fault has led to, a runbook takes care."""
        if asked.original[State.AFTER].says is Says.YES:
            return False
        for answers in (asked.original, *asked.mutants):
            answers.pop(State.AFTER, None)
        self.proof.notes.append(
            t("its Verification does not hold after the undo alone: it was tried again with the runbook")
        )
        return True

    def _prepare(self, faults: Sequence[InjectedFault]) -> None:
        trial = self.trial
        place = trial.place
        self.aside.mkdir(parents=True, mode=0o700)
        seen = take(looks(place.environment), place.facts, identity=place.environment.identity)
        scene = Scene(
            trial,
            {**self.configuration, "chaos_expires_after_s": 0.0},
            altered(place.facts, self.aside, self.nobody),
            Things.seen(seen.seen, place.environment.siblings),
        )
        probes = [of_evidence.probe(scene, each.in_force) for each in faults]
        probes += of_looks.probes(scene)
        arguments = [dict(each.in_force["provider"].get("arguments") or {}) for each in faults]
        verification = of_verification.probe(scene, arguments)
        probes += [] if verification is None else [verification]
        probes += [of_alert.probe(scene), *of_users.probes(scene)]
        self.asked = [Asked(probe) for probe in probes]
        if not trial.mode.impact.hurt:
            self.proof.notes.append(
                t("no flow is claimed to be hurt: impact, recovery and steady state say nothing about it")
            )

    def _needs_its_runbook(self) -> bool:
        """Whether Verification holds only after the runbook was followed; then it must not hold before."""
        for asked in self.asked:
            before = asked.original.get(State.BEFORE)
            if asked.probe.kind is Kind.VERIFICATION and before is not None and before.says is Says.NO:
                asked.probe.passes[State.BEFORE] = frozenset((Says.NO,))
                self.proof.notes.append(
                    t("its Verification asks for what only the runbook makes: the runbook was followed")
                )
                return True
        return False

    def _inject(self, each: InjectedFault) -> None:
        self.say(t("{fault} goes in", fault=each.name))
        door.inject(
            each.name,
            {"type": each.type, "name": each.name, "provider": each.provider},
            each.in_force,
            each.undo,
            each.cannot_be_undone_because or "",
            each.expires_after or 0.0,
            configuration=self.configuration,
        )

    def _in_force(self, asked: Sequence[Asked]) -> None:
        trial = self.trial
        quick = [a for a in asked if a.probe.kind in (Kind.EVIDENCE, Kind.LOOK, Kind.VERIFICATION)]
        alert = [a for a in asked if a.probe.kind is Kind.ALERT]
        of_users = [a for a in asked if a not in (*quick, *alert)]
        if self._heals:  # it is over soon
            self._at_once(quick)
        impact.seen(self.configuration)
        objectives = trial.mode.objectives_in(trial.place.environment.name)
        alert_probe.fires_and_links(
            trial.mode.detection.alert,
            trial.mode.runbook,
            objectives.detect_within,
            trial.mode.detection.receiver or "",
            configuration=self.configuration,
        )
        self.say(t("in force"))
        ask_all(alert, State.IN_FORCE, trial.wait)
        if not self._heals:
            ask_all(quick, State.IN_FORCE, trial.wait)
        # Before a stable window has passed nothing can be back, so that it is not says nothing.
        assert trial.fault_at is not None
        could_be_back = trial.fault_at + trial.place.environment.windows.stable + _MARGIN_S
        trial.wait(could_be_back - time.monotonic())
        ask_all(of_users, State.IN_FORCE, trial.wait)
        for look in [a for a in quick if a.probe.kind is Kind.LOOK]:
            if look.original[State.IN_FORCE].says is Says.NO:
                self.asked.remove(look)
                self.proof.unmoved.append(look.probe.name)

    def _at_once(self, quick: Sequence[Asked]) -> None:
        """Ask about what heals by itself, all at the same time; what was over before it was asked was not asked."""
        with ThreadPoolExecutor(max(1, len(quick))) as pool:
            list(pool.map(lambda asked: ask_all([asked], State.IN_FORCE, self.trial.wait), quick))
        for asked in quick:
            if asked.probe.kind is Kind.VERIFICATION and State.IN_FORCE in asked.wrong:
                for answers in (asked.original, *asked.mutants):
                    answers.pop(State.IN_FORCE, None)

    def _after(self, asked: Sequence[Asked]) -> None:
        trial = self.trial
        self.say(t("after its undo"))
        since = trial.fault_at
        assert since is not None
        place = trial.place.environment
        within_s = PATIENCE * trial.mode.objectives_in(place.name).recover_within + place.windows.stable
        flows = trial.services.flows
        trial.wait_until(
            lambda: len(measured.flows_back(trial, since, place.windows.stable)) == len(flows),
            time.monotonic() + within_s,
            every_s=0.1,
        )
        ask_all(asked, State.AFTER, trial.wait)
        if steady_state.already_firing(trial):
            self.proof.notes.append(
                t("its alert still fires after the undo: it tells of an event, not of a state")
            )

    def _not_in_force(self, why: str) -> None:
        """The activity came to nothing, or it returned and its evidence did not see what it did: that is an answer."""
        event = self.trial.last("fault-not-injected") or {}
        not_shown = t("the activity returned, but its effect does not show: {evidence}", evidence="")
        if str(event.get("why", "")).startswith(not_shown):
            names = [each.name for each in faults_in(self.trial.mode, self.trial.place.environment)]
            asked = self.asked[names.index(event["name"])]  # evidence comes first, in the order of the faults
            asked.original[State.IN_FORCE] = Answer(Says.NO, short(event["why"]))
        self.proof.unproven = why

    def _conclude(self) -> None:
        self.proof.found = [line for asked in self.asked for line in findings(self.proof.mode, asked)]
        if any(line.result is not Result.KILLED for line in self.proof.found) and self._was_starved():
            why = t("this machine was too busy to measure: run it again with less beside it")
            self.proof.unproven = self.proof.unproven or why
            self.proof.found = [line.unproven(why) for line in self.proof.found]

    def _was_starved(self) -> bool:
        """Whether the meter sent so much too late that nothing which went wrong says anything."""
        samples = evidence(self.trial.meter.snapshot(None))
        late = sum(sample.sent - sample.scheduled > LATE_S for sample in samples)
        return late > MOST_LATE * len(samples)
