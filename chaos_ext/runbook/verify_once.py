"""What a runbook's Verification says before anything is done: it must not hold while the failure is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos_ext.runbook.blocks import Blocks, open_shell
from chaos_ext.runbook.model import Runbook, SectionName

Emit = Callable[..., Any]  # emit(kind, **fields), as record.Recorder.emit


@dataclass(frozen=True)
class VerifiedOnce:
    """What the verification says right now."""

    passed: bool
    output: str  # masked
    in_time: bool = True  # whether every block came to its end; one that did not says nothing


def verify_once(
    runbook: Runbook,
    *,
    platform: str,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
    path: Sequence[str],
    emit: Emit,
    aborting: threading.Event,
) -> VerifiedOnce:
    """Run the verification a single time without waiting, after the parameters; emits verification-before.

    Raises Interrupted when `aborting` was set, and UsageError when there is no bash.
    """
    lines: list[str] = []

    def take(_stream: str, line: str) -> None:
        lines.append(line)

    with open_shell(variables, secrets, path) as shell:
        runner = Blocks(shell, secrets, aborting)
        passed = in_time = True
        for section in (SectionName.PARAMETERS, SectionName.VERIFICATION):
            for step in (step for step in runbook.steps if step.section is section):
                for block in step.blocks_on(platform):
                    if passed:
                        ended = runner.run(step, block, take)
                        in_time = not ended.timed_out
                        why = runner.judge(block, ended)
                        passed = why is None
                        lines += [] if why is None else [f"{step.heading}: {runner.hide(why)}"]
    output = "\n".join(lines)
    emit("verification-before", passed=passed, output=output)
    return VerifiedOnce(passed, output, in_time)
