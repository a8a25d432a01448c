"""`chaos verify`: the main job. Arms, verdict, evidence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.edge import guarded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos_ext.catalog.load import Catalog
    from chaos_ext.model import Arm, Environment, FailureMode, Verdict


@click.command(
    epilog="""\b
Examples:
  chaos verify postgresql-primary-down
  chaos verify service-bad-release --arms standard --seed 7
  chaos verify postgresql-primary-down --dry-run

\b
Exit codes: 0 verified (or reproduced) · 1 refuted · 2 usage or catalogue error · 3 our bug ·
4 unknown · 5 undo failed or environment not restored · 130 interrupted"""
)
@click.argument("ids", nargs=-1, required=True)
@click.option("--env", "environment", default="lab", show_default=True, help="Environment to run in.")
@click.option(
    "--arms",
    type=click.Choice(["smoke", "standard"]),
    default="smoke",
    show_default=True,
    help="smoke: 1 treatment and 1 no-action trial. standard: 5 and 3.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Decides the order of the arms; drawn and recorded when not given.",
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, writable=True), help="Write the verdicts as JUnit XML."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be done, with every variable filled in that is known; inject nothing.",
)
@guarded
def verify(
    ids: tuple[str, ...], environment: str, arms: str, seed: int | None, junit: str | None, dry_run: bool
) -> None:
    """Prove that the runbooks of the failure modes IDS recover them.

    Breaks the environment as the catalogue says, follows the runbook, shows that users are back in time with
    nothing lost, shows that they are not when nobody acts, and keeps the evidence.
    """
    from chaos_ext import environments, run
    from chaos_ext.catalog import check, load
    from chaos_ext.errors import UsageError

    root = environments.project_root()
    try:
        catalog = load.catalog(root)
    except UsageError as error:  # everything that is wrong, not only what cannot be read
        raise UsageError(check.check(root, compiled=False).problems or error.problems) from error
    place = environments.load(environment)
    modes = [load.find(catalog, mode_id) for mode_id in ids]
    problems = check.check_modes(catalog, modes, environments=[place])
    if problems:
        raise UsageError(problems)
    if dry_run:
        for mode in modes:
            _plan(catalog, mode, place, run.ARMS[arms])
        return
    verdicts: list[tuple[str, Verdict]] = []
    try:
        for mode in modes:
            plan = run.Plan(mode, place, run.ARMS[arms], run.new_seed() if seed is None else seed)
            verdict = _one(catalog, plan)
            verdicts.append((mode.id, verdict))
            if verdict.exit_code == 130:
                break
    finally:  # also when a later mode could not be run
        if junit:
            _write_junit(junit, verdicts)
    sys.exit(run.gravest(verdict.exit_code for _, verdict in verdicts))


def _write_junit(path: str, verdicts: list[tuple[str, Verdict]]) -> None:
    from pathlib import Path

    from chaos_ext.report.junit import junit_xml

    Path(path).write_text(junit_xml(verdicts), encoding="utf-8")


def _one(catalog: Catalog, plan: Any) -> Verdict:
    from chaos_ext import run
    from chaos_ext.report.terminal import Terminal, render_verdict

    with Terminal.for_stream(sys.stdout) as terminal:
        verdict, folder = run.verify(catalog, plan, (terminal,))
    for line in render_verdict(
        verdict, bundle=folder, next_command=_next(plan.mode, verdict), terminal=terminal
    ):
        click.echo(line)
    return verdict


def _next(mode: FailureMode, verdict: Verdict) -> str:
    """The next useful command after this verdict."""
    from chaos_ext.model import VerdictWord

    if verdict.flags:
        broken = any(flag.word == "undo-failed" for flag in verdict.flags)
        return _typed("heal" if broken else "lab list")
    if verdict.exit_code == 130:
        return f"make chaos EXP={mode.id}"
    if verdict.word is VerdictWord.VERIFIED:
        return f"make chaos EXP={mode.id} ARMS=standard"
    if verdict.word is VerdictWord.REFUTED and mode.runbook != "none":
        return _typed(f"runbook show catalog/{mode.runbook}")
    return _typed(f"catalog show {mode.id}")


def _typed(words: str) -> str:
    """A command of ours as a person can paste it here: `chaos` is on PATH only inside the virtual environment."""
    import os
    import shutil

    if shutil.which("chaos"):
        return f"chaos {words}"
    return f"{os.path.relpath(os.path.join(sys.prefix, 'bin', 'chaos'))} {words}"


def _plan(catalog: Catalog, mode: FailureMode, environment: Environment, arms: Mapping[Arm, int]) -> None:
    """What `--dry-run` prints; nothing is started."""
    from chaos_ext.report.plan import plan_lines

    for line in plan_lines(catalog, mode, environment, arms):
        click.echo(line)
