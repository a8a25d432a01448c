"""Follows a runbook as it is written, step by step, and records what a person would have seen.

Every block runs with the declared variables and nothing else; before every block that changes something the
place is proven again. The first thing that does not go as the runbook says ends it. Nothing is taken back by
itself: the outcome names the undo steps that a person may want.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chaos_ext.errors import ChaosExtError, Interrupted
from chaos_ext.language import t
from chaos_ext.runbook.blocks import Blocks, open_shell
from chaos_ext.runbook.execute import Ended, Shell
from chaos_ext.runbook.model import Block, Role, Runbook, SectionName, Step, StepKind, matches

MOST_VISITS = 10  # of one step; more is a runbook that goes round in circles
CHANGING = (Role.MITIGATE, Role.STANDIN, Role.UNDO)
_FOLLOWED = (
    SectionName.PARAMETERS,
    SectionName.DIAGNOSIS,
    SectionName.MITIGATION,
    SectionName.VERIFICATION,
)

Emit = Callable[..., Any]  # emit(kind, **fields), as record.Recorder.emit
Ask = Callable[[Step], bool]  # a person did the manual step, or could not


@dataclass(frozen=True)
class Outcome:
    """How following went."""

    ok: bool
    failed_step: str | None  # its key
    why: str  # empty when all went well
    needs_person: bool  # a person did something, or would have had to
    exercised: tuple[str, ...]  # keys of the steps that ran blocks, in the order of their first run
    variables: Mapping[str, str]  # given and exported, at the end; not the secrets
    seconds: float
    undo_offered: tuple[
        str, ...
    ]  # keys of undo steps of what was done, last done first; empty when all went well


class _Stop(Exception):
    """Following ends here: `why`, in a sentence. Never leaves this module."""

    def __init__(self, why: str, *, person: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.person = person


def follow(
    runbook: Runbook,
    *,
    platform: str,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
    path: Sequence[str],
    emit: Emit,
    prove: Callable[[], None],
    aborting: threading.Event,
    unattended: bool = True,
    only: Collection[str] | None = None,
    ask: Ask | None = None,
    begins: Callable[[Step], None] | None = None,
) -> Outcome:
    """Follow `runbook` on `platform`: parameters, diagnosis, mitigation, verification.

    Args:
        variables: what blocks see, by name; `secrets` likewise, and hidden by value in everything emitted
        path: folders before /usr/bin and /bin
        emit: takes the events runbook-started, step-started, step-output, step-finished, runbook-finished
        prove: called before every block that changes something; raises Blocked when the place is not proven
        aborting: once set, what runs is ended at once
        unattended: nobody is there: manual steps run their stand-in, and without one following stops
        only: keys of the steps to follow (parameters are always run); an undo step runs only when named here
        ask: for manual steps when somebody is there
        begins: called with its step right before every block that changes something; may raise to stop it

    Returns the outcome, also when a step fails. Raises Interrupted when `aborting` was set, whatever `prove`
    raises, and UsageError when there is no bash. What steps changed stays; undo steps are offered, not run.
    """
    with open_shell(variables, secrets, path) as shell:
        return _Follower(
            runbook, shell, platform, secrets, emit, prove, aborting, unattended, only, ask, begins
        ).follow()


@dataclass
class _Follower:
    runbook: Runbook
    shell: Shell
    platform: str
    secrets: Mapping[str, str]
    record: Emit
    prove: Callable[[], None]
    aborting: threading.Event
    unattended: bool
    only: Collection[str] | None
    ask: Ask | None
    begins: Callable[[Step], None] | None = None
    exercised: list[str] = field(default_factory=list)
    changed: list[Step] = field(default_factory=list)
    person: bool = False

    def __post_init__(self) -> None:
        self.blocks = Blocks(self.shell, self.secrets, self.aborting)
        self.hide = self.blocks.hide

    def emit(self, kind: str, **fields: Any) -> None:
        texts = {name: self._masked(value) for name, value in fields.items()}
        self.record(kind, **texts)

    def _masked(self, value: Any) -> Any:
        masked = self.hide(value) if isinstance(value, str) else value
        # A sentence without secrets can still be said in Japanese.
        return value if masked == value else masked

    def follow(self) -> Outcome:
        started = time.monotonic()
        steps = [step for step in self._main_flow() if self._wanted(step)]
        self.emit(
            "runbook-started",
            runbook=self.runbook.path.name,
            steps=[{"key": step.key, "heading": step.heading} for step in steps],
            digest=self.runbook.digest,
            platform=self.platform,
        )
        failed: Step | None = None
        why: str = t("interrupted")
        finished = False
        try:
            failed, why = self._walk()
            finished = True
        except ChaosExtError as error:  # the place is not the proven one any more, or somebody asked to stop
            why = str(error)
            raise
        finally:
            outcome = Outcome(
                ok=finished and failed is None,
                failed_step=failed.key if failed else None,
                why=self._masked(why),
                needs_person=self.person,
                exercised=tuple(dict.fromkeys(self.exercised)),
                variables={k: self.hide(v) for k, v in self.shell.variables.items() if k not in self.secrets},
                seconds=round(time.monotonic() - started, 6),
                undo_offered=() if finished and failed is None else self._undos(),
            )
            self.emit(
                "runbook-finished",
                ok=outcome.ok,
                failed_step=outcome.failed_step,
                seconds=outcome.seconds,
                needs_person=outcome.needs_person,
                exercised=list(outcome.exercised),
                why=outcome.why,
                undo_offered=list(outcome.undo_offered),
            )
        return outcome

    def _main_flow(self) -> list[Step]:
        undos = [step for step in self.runbook.undos if self.only is not None and step.key in self.only]
        steps = [
            step for step in self.runbook.steps if step.section in _FOLLOWED and self._says_something(step)
        ]
        return [*steps, *undos]

    def _says_something(self, step: Step) -> bool:
        return step.kind is not StepKind.SECTION or bool(step.blocks_on(self.platform) or step.tasks)

    def _wanted(self, step: Step) -> bool:
        if self.only is None or step.key in self.only:
            return True
        return step.section is SectionName.PARAMETERS

    def _undos(self) -> tuple[str, ...]:
        changed = {step.key: step for step in self.changed}  # a step may have been done twice
        offered = (self.runbook.undo_of(step) for step in reversed(changed.values()))
        return tuple(undo.key for undo in offered if undo)

    def _walk(self) -> tuple[Step | None, str]:
        """Go through the steps; returns the one that failed and why, or (None, "")."""
        flow = self._main_flow()
        visits: dict[str, int] = {}
        position = 0
        while position < len(flow):
            step = flow[position]
            position += 1
            if not self._wanted(step):
                continue
            visits[step.key] = visits.get(step.key, 0) + 1
            try:
                if visits[step.key] > MOST_VISITS:
                    raise _Stop(
                        t(
                            "reached more than {times} times: the runbook goes round in circles",
                            times=MOST_VISITS,
                        )
                    )
                target = self._do(step)
                if target is not None:
                    position = self._position(flow, target)
            except _Stop as stop:
                self.person = self.person or stop.person
                return step, t("{heading}: {why}", heading=step.heading, why=stop.why)
        return None, ""

    def _position(self, flow: list[Step], target: str) -> int:
        step = self.runbook.find(target)
        section = None if step and step.kind is not StepKind.SECTION else self.runbook.section_at(target)
        if section and section.name is SectionName.ESCALATION:
            raise _Stop(
                t("the runbook hands over to a person: {heading}", heading=section.heading), person=True
            )
        if section and section.name:
            step = next((s for s in flow if s.section is section.name), None)
        if step is None or step not in flow:
            raise _Stop(t("the runbook goes on at '{target}', which is no step of it", target=target))
        return flow.index(step)

    def _do(self, step: Step) -> str | None:
        """Do one step; returns where it sends us, or None for the next one."""
        target: str | None = None
        if step.tasks:
            self._by_hand(step)
        blocks = [block for block in step.blocks_on(self.platform) if self._is_run(block, step)]
        if not blocks and not step.tasks:
            raise self._without_block(step)
        for block in blocks:
            target = self._block(step, block) or target
        return target

    def _is_run(self, block: Block, step: Step) -> bool:
        if block.role is Role.STANDIN:
            return self.unattended and bool(step.tasks)
        return block.role is not Role.UNDO or step.kind is StepKind.UNDO

    def _without_block(self, step: Step) -> _Stop:
        why = t("has no block for the platform '{platform}'", platform=self.platform)
        self.emit("step-started", step=step.key, heading=step.heading, role="manual", command="")
        self._finished(step, "manual", "", why=why, person=True)
        return _Stop(why, person=True)

    def _by_hand(self, step: Step) -> None:
        if self.unattended and any(block.role is Role.STANDIN for block in step.blocks_on(self.platform)):
            return  # its stand-in is among the blocks
        command = "\n".join(f"- [ ] {task.text}" for task in step.tasks)
        self.emit("step-started", step=step.key, heading=step.heading, role="manual", command=command)
        self.person = True
        started = time.monotonic()
        done = not self.unattended and self.ask is not None and self.ask(step)
        if self.aborting.is_set():
            raise Interrupted(t("stopped at {heading}", heading=step.heading))
        nobody = t("needs a person, and has no stand-in for when nobody is there")
        why = (
            ""
            if done
            else (nobody if self.unattended or self.ask is None else t("the person could not do it"))
        )
        self._finished(step, "manual", command, why=why, person=True, seconds=time.monotonic() - started)
        if why:
            raise _Stop(why, person=True)

    def _finished(
        self,
        step: Step,
        role: str,
        command: str,
        *,
        why: str,
        exit_code: int | None = None,
        expected_exit: int | None = None,
        seconds: float = 0.0,
        branch: str | None = None,
        person: bool = False,
    ) -> None:
        self.emit(
            "step-finished",
            step=step.key,
            heading=step.heading,
            role=role,
            ok=not why,
            exit=exit_code,
            expected_exit=expected_exit,
            seconds=round(seconds, 6),
            why=why,
            command=command,
            branch=branch,
            person=person,
        )

    def _block(self, step: Step, block: Block) -> str | None:
        """Run one block; returns where it sends us. _Stop when it did not do what the runbook says."""
        if self.aborting.is_set():
            raise Interrupted(t("stopped before {heading}", heading=step.heading))
        role = block.role.value if block.role else "diagnose"
        if block.role in CHANGING:
            self.prove()
            if self.begins is not None:
                self.begins(step)
            if self.aborting.is_set():
                raise Interrupted(t("stopped before {heading}", heading=step.heading))
        self.emit("step-started", step=step.key, heading=step.heading, role=role, command=block.code)
        self.exercised.append(step.key)
        if block.role is Role.MITIGATE:
            self.changed.append(step)
        started = time.monotonic()
        exit_code: int | None = None
        why: str | None = t("interrupted")
        target: str | None = None
        try:
            if block.role is Role.VERIFY:
                ended, why = self.blocks.run_until_it_holds(step, block, partial(self._output, step))
            else:
                ended = self.blocks.run(step, block, partial(self._output, step))
                why = self.blocks.judge(block, ended)
            exit_code = ended.exit
            if why is None:
                target, why = self._branch(step, block, ended)
        finally:
            self._finished(
                step,
                role,
                block.code,
                why=why or "",
                exit_code=exit_code,
                expected_exit=block.exit,
                seconds=time.monotonic() - started,
                branch=target if step.kind is StepKind.DECISION else None,
            )
        if why:
            raise _Stop(why)
        return target or block.next

    def _output(self, step: Step, stream: str, line: str) -> None:
        self.emit("step-output", step=step.key, line=line, stream=stream)

    def _branch(self, step: Step, block: Block, ended: Ended) -> tuple[str | None, str | None]:
        """The row of a decision's table that fits the block's output, and why none does."""
        if step.kind is not StepKind.DECISION or not block.exports:
            return None, None
        value = ended.stdout.strip()
        rows = [row for row in step.branches if any(matches(pattern, value) for pattern in row.values)]
        rows += [row for row in step.branches if not row.values]
        if not rows or rows[0].target is None:
            return None, t("no row of the table says what to do for {value!r}", value=self.hide(value))
        target = rows[0].target
        found = self.runbook.find(target)
        return (found.key if found else target.removeprefix("#")), None
