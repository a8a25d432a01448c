"""A runbook in short, and what following it would run. Nothing but parameters is ever run here."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos_ext.language import listed, t
from chaos_ext.masking.masker import MASK
from chaos_ext.runbook import shell
from chaos_ext.runbook.execute import Shell
from chaos_ext.runbook.lint.variables import ONLY_SETTING
from chaos_ext.runbook.model import Block, Role, Runbook, SectionName, Step

_PARAMETERS_WITHIN_S = 10.0


@dataclass(frozen=True)
class PlannedBlock:
    """One block that would run, with every variable written out that is known."""

    step: str  # the step's key
    heading: str
    role: str
    timeout_s: float
    command: str


def planned(
    runbook: Runbook,
    platform: str,
    variables: Mapping[str, str],
    secrets: Collection[str] = (),
    only: Collection[str] | None = None,
) -> list[PlannedBlock]:
    """What `follow` would run on `platform`, in the order in which it stands (decisions are not taken).

    `secrets` are names; their values are not asked for. The parameters' own defaults count as known, unless
    the parameters do more than set variables.
    """
    known = {
        **variables,
        **_defaults(runbook, platform, variables, secrets),
        **dict.fromkeys(secrets, MASK),
    }
    blocks = []
    for step in runbook.all_steps:
        if not _is_planned(step, only):
            continue
        for block in step.blocks_on(platform):
            command = shell.fill(block.code, known)
            blocks.append(PlannedBlock(step.key, step.heading, _role(block), block.timeout_s, command))
        if step.tasks and not step.blocks_on(platform):
            tasks = "\n".join(f"[ ] {task.text}" for task in step.tasks)
            blocks.append(PlannedBlock(step.key, step.heading, "manual", 0.0, tasks))
    return blocks


def _is_planned(step: Step, only: Collection[str] | None) -> bool:
    if step.section is SectionName.PARAMETERS or (only is not None and step.key in only):
        return True
    return only is None and not any(block.role is Role.UNDO for block in step.blocks)


def _role(block: Block) -> str:
    return block.role.value if block.role else t("no role")


def _defaults(
    runbook: Runbook, platform: str, variables: Mapping[str, str], secrets: Collection[str]
) -> dict[str, str]:
    """What the parameters export when they are run with what is known."""
    blocks = [block for _, block in runbook.blocks(Role.PARAMS) if block.runs_on(platform)]
    if any(command.name not in ONLY_SETTING for b in blocks for command in shell.read(b.code).commands):
        return {}
    given = {**variables, **dict.fromkeys(secrets, MASK)}
    with tempfile.TemporaryDirectory(prefix="chaos-runbook-") as home:
        place = Shell(Path(home), given, ())
        for block in blocks:
            ended = place.run(
                block.code,
                name="parameters",
                timeout_s=_PARAMETERS_WITHIN_S,
                line=lambda _stream, _line: None,
                aborting=threading.Event(),
            )
            place.variables.update(ended.exports)
    return {name: value for name, value in place.variables.items() if name not in secrets}


def as_text(runbook: Runbook) -> tuple[list[str], list[tuple[str, ...]]]:
    """The lines above the table, and its rows: step, role, platform, time limit, what."""
    front = runbook.front
    facts: list[str] = [
        front.id,
        t("owner {owner}", owner=front.owner),
        t("recovers {modes}", modes=listed(front.recovers)),
    ]
    facts += [t("rto {s:g} s", s=front.rto_s)] if front.rto_s is not None else []
    facts += [t("rpo {s:g} s", s=front.rpo_s)] if front.rpo_s is not None else []
    return [runbook.title, listed(facts, " · "), ""], [
        row for step in runbook.all_steps for row in _rows(step, runbook)
    ]


def _rows(step: Step, runbook: Runbook) -> Iterator[tuple[str, ...]]:
    what = step.heading
    if step.branches:
        ways = (_way(runbook, row.target) for row in step.branches)
        what = t("{step} → {ways}", step=what, ways=listed(dict.fromkeys(ways)))
    if step.tasks:
        yield step.key, t("manual"), "", "", what
    for block in step.blocks:
        yield step.key, _role(block), block.on or t("all"), t("{s:g} s", s=block.timeout_s), what
    if not step.tasks and not step.blocks and step.number:
        yield step.key, "", "", "", what


def _way(runbook: Runbook, target: str | None) -> str:
    step = runbook.find(target) if target else None
    return step.key if step else (target or "?").removeprefix("#")


def as_json(runbook: Runbook) -> dict[str, Any]:
    """The whole runbook for programs."""
    front = runbook.front
    return {
        "title": runbook.title,
        "digest": runbook.digest,
        "id": front.id,
        "recovers": list(front.recovers),
        "owner": front.owner,
        "rto_s": front.rto_s,
        "rpo_s": front.rpo_s,
        "platforms": list(runbook.platforms),
        "steps": [
            {
                "key": step.key,
                "heading": step.heading,
                "kind": step.kind,
                "section": step.section,
                "line": step.line,
                "tasks": [task.text for task in step.tasks],
                "branches": [
                    {"values": list(row.values), "to": _way(runbook, row.target)} for row in step.branches
                ],
                "blocks": [_block(block) for block in step.blocks],
            }
            for step in runbook.all_steps
            if step.blocks or step.tasks or step.number
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    verify = {"within_s": block.within_s, "every_s": block.every_s, "stable_s": block.stable_s}
    return {
        "name": block.name,
        "line": block.line,
        "role": block.role,
        "on": block.on,
        "timeout_s": block.timeout_s,
        "exit": block.exit,
        "next": block.next,
        "expect": {"how": block.expects.how, "lines": list(block.expects.lines)} if block.expects else None,
        "code": block.code,
        **(verify if block.role is Role.VERIFY else {}),
    }
