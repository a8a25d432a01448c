"""`chaos verify`: the main job. Arms, verdict, evidence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli import output
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.paged import attempted, page_of_run
from chaos_ext.cli.screen import echo
from chaos_ext.cli.usage import Command
from chaos_ext.language import t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos_ext import run
    from chaos_ext.catalog.load import Catalog
    from chaos_ext.model import Arm, Environment, FailureMode
    from chaos_ext.report.several import Result


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  chaos verify postgresql-primary-down
  chaos verify service-bad-release --arms standard --seed 7
  chaos verify postgresql-lock-held --arms treatment=5,no-action=3,without-step=5
  chaos verify postgresql-primary-down --dry-run
  chaos verify all --jobs 2 --junit verdicts.xml
  chaos verify 'postgresql-*' service-bad-release --resume

\b
Exit codes: 0 verified (or reproduced, rehearsed) · 1 refuted · 2 usage or catalogue error · 3 our bug ·
4 unknown · 5 undo failed or environment not restored · 130 interrupted""",
)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--env", "environment", default="lab", show_default=True, help="Environment to run in.")
@click.option(
    "--arms",
    default="smoke",
    show_default=True,
    metavar="SET|LIST",
    help="smoke: 1 treatment and 1 no-action trial. standard: 5 and 3. certify: 29 and 3, look-only, healthy, 5 "
    "without each mitigation step, 1 with each mistake. Or a list: treatment=5,no-action=3,look-only.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Decides the order of the arms; drawn and recorded when not given.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many failure modes at a time, each in a lab of its own.",
)
@click.option(
    "--fail-fast",
    is_flag=True,
    help="Start nothing new after the first one that is not good; what goes on comes to its end.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Do not repeat what is decided already with the same catalogue, runbooks, code and arms; go on with a run "
    "that was interrupted, without its finished trials.",
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, writable=True), help="Write the verdicts as JUnit XML."
)
@click.option("--events", type=int, hidden=True, help="Socket that gets the events; nothing is printed.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be done, with every variable filled in that is known; inject nothing.",
)
@guarded
def verify(
    ids: tuple[str, ...],
    environment: str,
    arms: str,
    seed: int | None,
    jobs: int,
    fail_fast: bool,
    resume: bool,
    junit: str | None,
    events: int | None,
    dry_run: bool,
) -> None:
    """Prove that the runbooks of failure modes recover them: ids, lists with commas, 'all', or patterns.

    Breaks the environment as the catalogue says, follows the runbook, shows that users are back in time with
    nothing lost, shows that they are not when nobody acts, and keeps the evidence. Several are run in processes
    of their own, --jobs at a time; the exit code is the gravest.
    """
    from chaos_ext import arms as all_arms
    from chaos_ext import environments

    counts = all_arms.counts(arms)
    catalog, place, modes = _chosen(ids, environment, jobs, junit)
    if events is not None and len(modes) != 1:
        raise click.UsageError(t("--events goes with one failure mode."))
    if dry_run:
        for mode in modes:
            _plan(catalog, mode, place, counts)
        return
    if events is None:
        from chaos_ext.leftovers import seal_dead_runs

        for line in seal_dead_runs(environments.state_dir()):
            echo(line, err=True)
    before: dict[str, Result] = {}
    if resume and events is None:
        from chaos_ext.campaign.resume import decided

        before = decided(environments.state_dir() / "runs", catalog, modes, place, counts)
    results: list[Result] = list(before.values())
    try:
        if len(modes) == 1 and not before:
            code = _one(catalog, _planned(catalog, modes[0], place, counts, seed, resume), events, results)
        else:
            from chaos_ext.campaign.shown import Asked, run_all

            asked = Asked(place, arms, seed, jobs, fail_fast, resume)
            code = run_all(
                modes, before, asked, environments.state_dir(), sys.stdout, results, written=attempted
            )
    finally:  # also when a later one could not be run
        if junit:
            _write_junit(junit, results)
    sys.exit(code)


def _planned(
    catalog: Catalog,
    mode: FailureMode,
    place: Environment,
    counts: dict[Arm, int],
    seed: int | None,
    resume: bool,
) -> run.Plan:
    """What to run; with `resume` the rest of a run that was interrupted, in the order that it had."""
    from chaos_ext import environments, run
    from chaos_ext.history.interrupted import to_go_on_with
    from chaos_ext.history.reading import run_facts

    runs = environments.state_dir() / "runs"
    before = to_go_on_with(runs, catalog, mode, place, counts, seed) if resume else None
    if before is not None:
        return run.Plan(mode, place, counts, int(run_facts(before)["seed"]), before)
    return run.Plan(mode, place, counts, run.new_seed() if seed is None else seed)


def _chosen(
    ids: tuple[str, ...], environment: str, jobs: int, junit: str | None
) -> tuple[Catalog, Environment, list[FailureMode]]:
    """Everything that is wrong with the command line and the catalogue, all at once, before anything starts."""
    from chaos_ext import environments
    from chaos_ext.campaign import capacity, choosing
    from chaos_ext.catalog import check, load
    from chaos_ext.catalog.unfilled import unfilled
    from chaos_ext.errors import UsageError
    from chaos_ext.vaults.read import problems_here

    root = environments.project_root()
    try:
        catalog = load.catalog(root)
    except UsageError as error:  # everything that is wrong, not only what cannot be read
        raise UsageError(check.check(root, compiled=False).problems or error.problems) from error
    place = environments.load(environment)
    chosen = choosing.choose(ids, catalog, place)
    problems = [*chosen.problems]
    if too_many := capacity.problem(jobs, place):
        problems.append(too_many)
    if junit and (problem := output.unwritable("--junit", junit)):
        problems.append(problem)
    problems += problems_here(place)
    problems += check.check_modes(catalog, chosen.modes, environments=[place])
    problems += unfilled(catalog, chosen.modes)
    if problems:
        raise UsageError(problems)
    for mode_id in chosen.skipped:
        words = t(
            "{mode}: left out, it has no fault for platform '{platform}'.",
            mode=mode_id,
            platform=place.platform,
        )
        echo(words, err=True)
    return catalog, place, chosen.modes


def _write_junit(path: str, results: list[Result]) -> None:
    from pathlib import Path

    from chaos_ext.masking.register import hide
    from chaos_ext.report.junit import junit_xml

    Path(path).write_text(hide(junit_xml(results)), encoding="utf-8")


def _one(catalog: Catalog, plan: Any, events: int | None, results: list[Result]) -> int:
    """One run in this process, with its whole story; or, for a campaign, without a word. Adds to `results`."""
    import time

    from chaos_ext import run
    from chaos_ext.campaign.line import Line
    from chaos_ext.errors import ChaosExtError
    from chaos_ext.report.several import Result
    from chaos_ext.report.terminal import Terminal, render_verdict

    began = time.monotonic()
    try:
        if events is not None:
            with Line(events) as line:
                verdict, folder = run.verify(catalog, plan, (line,), reader=False)
        else:
            with Terminal.for_stream(sys.stdout) as terminal:
                verdict, folder = run.verify(catalog, plan, (terminal,))
    except ChaosExtError as error:
        took = time.monotonic() - began
        results.append(Result(plan.mode.id, error.exit_code, seconds=took, note=str(error)))
        raise
    results.append(Result(plan.mode.id, verdict.exit_code, verdict, folder, time.monotonic() - began))
    page = page_of_run(folder)
    if events is None:
        told = _next(plan.mode, verdict, plan.arms)
        for each in render_verdict(verdict, bundle=folder, report=page, next_command=told, terminal=terminal):
            click.echo(each)
    return verdict.exit_code


def _next(mode: FailureMode, verdict: Any, arms: Mapping[Arm, int]) -> str:
    """The next useful command after this verdict."""
    from chaos_ext.arms import MORE, SETS, spelled
    from chaos_ext.model import VerdictWord

    if verdict.flags:
        broken = any(flag.word == "undo-failed" for flag in verdict.flags)
        return _typed("heal" if broken else "history show last")
    if verdict.exit_code == 130:
        asked = "" if arms == SETS["smoke"] else f" ARMS={spelled(arms)}"
        return f"make chaos EXP={mode.id}{asked} RESUME=1"
    if verdict.word is VerdictWord.VERIFIED and (more := MORE.get(spelled(arms))):
        return f"make chaos EXP={mode.id} ARMS={more}"
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
    from chaos_ext.language import chosen_for
    from chaos_ext.report.plan import plan_lines

    for line in plan_lines(catalog, mode, environment, arms, chosen_for(sys.stdout)):
        click.echo(line)
