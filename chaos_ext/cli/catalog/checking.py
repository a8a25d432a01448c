"""`chaos catalog check` and `compile`: whether it holds together, and what it becomes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from chaos_ext.cli.catalog.options import as_json, in_format
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.catalog.check import Checked


@click.command(
    epilog="""\b
Examples:
  chaos catalog check
  chaos catalog check --format json

\b
Exit codes: 0 nothing wrong · 2 something is"""
)
@in_format
@guarded
def check(form: str) -> None:
    """Check every file: failure modes, runbooks, services, environments, compiled experiments.

    Says all that is wrong at once, as file:line: field: got …, expected ….
    """
    from chaos_ext import environments
    from chaos_ext.catalog import check as checking

    checked = checking.check(environments.project_root())
    if form == "json":
        click.echo(as_json([vars(problem) for problem in checked.problems]))
    else:
        for problem in checked.problems:
            echo(problem)
        echo(_summed_up(checked))
    sys.exit(2 if checked.problems else 0)


@click.command(
    epilog="""\b
Examples:
  chaos catalog compile
  make compile"""
)
@guarded
def compile() -> None:  # the command's name
    """Write experiments/ENVIRONMENT/ID.yaml anew from the catalogue; commit what changes.

    Writes nothing while anything else is wrong.
    """
    from chaos_ext import environments
    from chaos_ext.catalog import check as checking
    from chaos_ext.errors import UsageError

    root = environments.project_root()
    checked = checking.check(root, compiled=False)
    if checked.problems:
        raise UsageError(checked.problems)
    written, removed = checking.write(root, checked)
    for path in written:
        echo(t("wrote {path}", path=path.relative_to(root)))
    for path in removed:
        echo(t("removed {path}", path=path.relative_to(root)))
    same = len(checked.experiments) - len(written)
    echo(
        t(
            "{written} written, {removed} removed, {same} up to date already.",
            written=len(written),
            removed=len(removed),
            same=same,
        )
    )


def _summed_up(checked: Checked) -> str:
    modes, environments, problems = checked.modes, checked.environments, len(checked.problems)
    looked_at = t(
        "{modes} and {environments}",
        modes=t("{n} failure mode" if modes == 1 else "{n} failure modes", n=modes),
        environments=t("{n} environment" if environments == 1 else "{n} environments", n=environments),
    )
    if not checked.problems:
        return t("{looked_at}: nothing wrong.", looked_at=looked_at)
    wrong = t("{n} problem" if problems == 1 else "{n} problems", n=problems)
    return t("{looked_at} understood: {problems}.", looked_at=looked_at, problems=wrong)
