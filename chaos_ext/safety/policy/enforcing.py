"""Nothing that is forbidden is run, nothing that needs a review without one, and every doubt refuses.

Three places ask: `chaos verify` before anything starts, the gate before any experiment, and the guarded door
before each fault. The door asks again because experiments are edited, time goes by, and other faults are open.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext import environments
from chaos_ext.catalog import guidelines, load
from chaos_ext.errors import Blocked, ChaosExtError, Problem, UsageError
from chaos_ext.language import Said, both, listed, t
from chaos_ext.model import Decision, FailureMode, Text
from chaos_ext.safety import running
from chaos_ext.safety.policy import approvals, values
from chaos_ext.safety.policy.approvals import Standing, Wanted
from chaos_ext.safety.policy.canonical import of_experiment
from chaos_ext.safety.policy.deciding import Decided, decide, gravest
from chaos_ext.safety.policy.subject import looks, of_activity, of_fault, parts, subjects

if TYPE_CHECKING:
    from chaos_ext.model import Environment


@dataclass(frozen=True)
class Ruling:
    """What the guidelines, and the approval if one is needed, say of an experiment."""

    id: str
    decided: tuple[Decided, ...]
    approval: Standing | None = None
    refused: tuple[Problem, ...] = ()  # why there is no approval

    @property
    def decision(self) -> Decision:
        """That of the gravest of its faults."""
        return gravest(self.decided)

    @property
    def may_run(self) -> bool:
        """Whether it may run here and now."""
        return self.decision is Decision.FREE or (
            self.decision is Decision.REVIEW and self.approval is not None
        )

    @property
    def approved(self) -> dict[str, Any] | None:
        """For a record: who approved it, until when, and which rules asked for that. None where nobody had to."""
        if self.approval is None:
            return None
        said = self.approval.approval
        asking = [each for each in self.decided if each.decision is Decision.REVIEW]
        return {
            "file": self.approval.shown,
            "issuer": said.issuer,
            "issued": said.issued,
            "expires": said.expires,
            "reason": said.reason,
            "rules": list(dict.fromkeys(each.rule for each in asking)),  # "": there is none about it
        }


def rule(
    root: Path,
    experiment: Mapping[str, Any],
    environment: Environment,
    *,
    id: str,
    file: Path | None = None,
    at: datetime | None = None,
) -> Ruling:
    """What may be done with an experiment. `id` names its approval; `file` is where it stands, if it is a file.

    Raises UsageError when the guidelines cannot be read.
    """
    at = at or datetime.now(UTC)
    read = guidelines.read(root)
    found = subjects(experiment, environment, at, mode_of(root, experiment))
    decided = tuple(decide(read, each) for each in found)
    return _with_approval(root, id, environment, decided, at, experiment, file)


def refuse_before_run(
    root: Path, experiment: Mapping[str, Any], environment: Environment, **more: Any
) -> Ruling:
    """`rule`, and Blocked with everything that stands against it."""
    return _or_blocked(rule(root, experiment, environment, **more))


def refuse_at_the_door(
    fault: Any, environment: Environment, targets: Sequence[str], at: datetime | None = None
) -> Ruling:
    """Before one fault goes in. `targets` is everything that is broken then. Raises Blocked, UsageError."""
    at = at or datetime.now(UTC)
    root = environments.project_root()
    read = guidelines.read(root)
    name = str(fault.configuration.get("chaos_mode") or "")
    subject = of_fault(fault, environment, at, tuple(targets), _mode(root, name))
    decided = tuple(decide(read, each) for each in parts(subject))
    whole = running.experiment()
    ruling = _or_blocked(_with_approval(root, name, environment, decided, at, whole, None))
    _refuse_other_values(ruling, whole or {}, fault.configuration)
    return ruling


def refuse_to_look(environment: Environment, id: str, at: datetime | None = None) -> None:
    """Before an environment is looked at around a trial: looks run what its file says. Raises Blocked, UsageError."""
    at = at or datetime.now(UTC)
    found = list(looks(environment, at))
    if found:
        root = environments.project_root()
        read = guidelines.read(root)
        decided = tuple(decide(read, each) for each in found)
        _or_blocked(_with_approval(root, id, environment, decided, at, running.experiment(), None))


def refuse_at_the_gate(
    root: Path,
    activity: Mapping[str, Any],
    configuration: Mapping[str, Any],
    experiment: Mapping[str, Any],
    environment: Environment,
    *,
    file: Path | None = None,
    before: Ruling | None = None,
    rolling_back: bool = False,
    at: datetime | None = None,
) -> Ruling:
    """Before an activity that does not go through the door: first its whole experiment, then each by itself.

    `before` is what was returned for the experiment's first one. What was let in may always be rolled back. Raises
    Blocked, UsageError.
    """
    id = id_of(experiment, file)
    if before is None:
        whole = experiment if experiment.get("method") else {"method": [dict(activity)]}
        before = refuse_before_run(root, whole, environment, id=id, file=file, at=at)
    if rolling_back:
        return before
    at = at or datetime.now(UTC)
    read = guidelines.read(root)
    decided = tuple(
        decide(read, each) for each in parts(of_activity(activity, environment, at, configuration))
    )
    ruling = _or_blocked(_with_approval(root, id, environment, decided, at, experiment, file))
    _refuse_other_values(ruling, experiment, configuration)
    return before


def _refuse_other_values(
    ruling: Ruling, experiment: Mapping[str, Any], configuration: Mapping[str, Any]
) -> None:
    if ruling.approval is not None:
        values.refuse_others(experiment, configuration)


def id_of(experiment: Mapping[str, Any], file: Path | None = None) -> str:
    """The name that an experiment's approval has: its mode's, or its file's stem."""
    configuration = experiment.get("configuration")
    name = configuration.get("chaos_mode") if isinstance(configuration, Mapping) else None
    return plain(str(name)) if isinstance(name, str) and name else "" if file is None else plain(file.stem)


def plain(name: str) -> str:
    """`name`, when it can be a file's; otherwise nothing: an experiment must not choose where we look."""
    return "" if os.sep in name or name.startswith(".") or "\0" in name else name


def mode_of(root: Path, experiment: Mapping[str, Any]) -> FailureMode | None:
    """The failure mode that an experiment says it is of."""
    return _mode(root, id_of(experiment))


def _mode(root: Path, name: str) -> FailureMode | None:
    if not plain(name):
        return None
    try:
        return load.mode(root, name)
    except ChaosExtError:
        return None


def _with_approval(
    root: Path,
    id: str,
    environment: Environment,
    decided: tuple[Decided, ...],
    at: datetime,
    experiment: Mapping[str, Any] | None,
    file: Path | None,
) -> Ruling:
    ruling = Ruling(id, decided)
    if ruling.decision is not Decision.REVIEW:
        return ruling
    if unknown := tuple(values.from_outside(experiment or {}, file, root, id)):
        return Ruling(id, decided, refused=unknown)
    faults = {each.subject.name: each.subject.digest for each in decided if each.decision is Decision.REVIEW}
    content = None if experiment is None else of_experiment(experiment)
    wanted = Wanted(plain(id), environment.name, faults, content, file)
    try:
        return Ruling(id, decided, approval=approvals.find(root, wanted, at))
    except UsageError as error:
        return Ruling(id, decided, refused=tuple(error.problems))


def _or_blocked(ruling: Ruling) -> Ruling:
    if ruling.may_run:
        return ruling
    found = against(ruling.decided, ruling.decision)
    raise Blocked(listed([*map(said, found), *ruling.refused], "\n"))


def against(decided: Iterable[Decided], decision: Decision) -> list[Decided]:
    """What was so decided; not once more for an undo or evidence what was said of its fault by the same rule."""
    found = [each for each in decided if each.decision is decision]
    told = {(each.subject.name, each.rule) for each in found if not each.subject.part}
    return [each for each in found if not each.subject.part or (each.subject.name, each.rule) not in told]


def said(decided: Decided) -> Said:
    """Why a fault is not free, where, and what to do."""
    where = decided.where or guidelines.FILE
    reason = in_both(decided.reason)
    if decided.doubt:
        reason = t("{reason} ({doubt})", reason=reason, doubt=decided.doubt)
    if decided.decision is Decision.FORBIDDEN:
        return t(
            "{where}: {fault}: got what '{rule}' forbids in {environment}, expected anything else: {reason} No "
            "approval "
            "changes that. Nothing was injected.",
            where=where,
            fault=decided.subject.told,
            rule=decided.rule,
            environment=decided.subject.environment.name,
            reason=reason,
        )
    return t(
        "{where}: {fault}: needs an SRE's review in {environment}: {reason} Nothing was injected.",
        where=where,
        fault=decided.subject.told,
        environment=decided.subject.environment.name,
        reason=reason,
    )


def in_both(text: Text) -> Said:
    """A text that people wrote, as part of a sentence."""
    return both(text, text) if isinstance(text, str) else both(text.en, text.ja)
