"""A campaign as a person sees it: the table while it goes on, the summary at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from chaos_ext.arms import MORE
from chaos_ext.campaign.reported import write_page
from chaos_ext.campaign.running import Campaign, conduct, exit_code
from chaos_ext.model import Environment, FailureMode
from chaos_ext.report.live import Live
from chaos_ext.report.several import Result, summary


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    `arms`: a set of arms, or a list; `seed` None: one for each run, drawn and recorded; `resume`: go on with what was
    interrupted.
    """

    environment: Environment
    arms: str
    seed: int | None
    jobs: int
    fail_fast: bool
    resume: bool = False


def run_all(
    modes: Sequence[FailureMode],
    before: Mapping[str, Result],
    asked: Asked,
    state: Path,
    stream: TextIO,
    results: list[Result],
    written: Callable[[Callable[[], Path]], Path | None] = lambda write: write(),
) -> int:
    """Run `modes` but those decided `before`; adds to `results`, which has these already. Returns the exit code.

    `written` is given what writes the campaign's page, and says what becomes of an error there.
    """
    began = time.monotonic()
    options = ["--env", asked.environment.name, "--arms", asked.arms]
    options += [] if asked.seed is None else ["--seed", str(asked.seed)]
    options += ["--resume"] if asked.resume else []
    to_run = tuple(mode.id for mode in modes if mode.id not in before)
    campaign = Campaign(to_run, tuple(options), state, asked.jobs, asked.fail_fast)
    live = Live.for_stream(stream)
    live.begin([mode.id for mode in modes], before.values())
    with live:
        results += conduct(campaign, live, failed=any(not result.good for result in before.values()))
    code = exit_code(results)
    page = written(lambda: write_page(results, state, live.language))
    live.lines(
        summary(
            results,
            exit_code=code,
            took_s=time.monotonic() - began,
            next_command=_again(results, asked),
            report=page,
            width=live.width,
            language=live.language,
        )
    )
    return code


def _again(results: Sequence[Result], asked: Asked) -> str:
    """The command for what was not good; when all is, the one that asks more of the same."""
    left = [result.mode for result in results if not result.good]
    ids = left or [result.mode for result in results]
    arms = asked.arms if left else MORE.get(asked.arms, asked.arms)
    words = [f"make chaos EXP={','.join(ids)}"]
    words += [f"ENV={asked.environment.name}"] if asked.environment.name != "lab" else []
    words += [f"ARMS={arms}"] if arms != "smoke" else []
    words += [f"JOBS={asked.jobs}"] if asked.jobs > 1 and len(ids) > 1 else []
    return " ".join(words)
