"""`chaos catalog prove-probes`: every probe says no when it should, or its mutants would not be noticed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from chaos_ext.cli.catalog.options import as_json
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, formatted
from chaos_ext.cli.usage import Command
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.catalog.load import Catalog
    from chaos_ext.model import Environment, FailureMode
    from chaos_ext.proving.proof import ModeProof


@click.command(
    "prove-probes",
    cls=Command,
    epilog="""\b
Examples:
  chaos catalog prove-probes
  chaos catalog prove-probes postgresql-lock-held --format markdown
  chaos catalog prove-probes 'redis-*' --json

\b
Exit codes: 0 no mutant survived · 1 one did, or a probe does not tell the fault from its absence ·
2 usage or catalogue error · 4 not all could be proven · 5 undo failed or environment not restored · 130 interrupted""",
)
@click.argument("ids", nargs=-1, metavar="[MODE]...")
@formatted("table", "json", "markdown", help="How to print it.")
@guarded
def prove_probes(ids: tuple[str, ...], form: str) -> None:
    """Prove that the probes of failure modes fail when they should: ids, patterns, or all of them.

    In a lab each fault is really injected, and each probe asked before it, while it is in force, after its undo, and
    with its source cut off. The same is asked of mutants: constant true, constant false, empty data, wrong target,
    swallowed exception. A mutant that nobody would notice is a defect of the probe, or of the catalogue.
    """
    catalog, place, modes = _chosen(ids or ("all",))
    from chaos_ext.proving import shown
    from chaos_ext.proving.all_modes import prove_all

    proofs: list[ModeProof] = []

    def heard(proof: ModeProof) -> None:
        proofs.append(proof)
        _say(proof.mode, shown.of_mode(proof))

    try:
        prove_all(catalog, modes, place, _say, heard)
    finally:  # what was proven before somebody stopped it is told
        if proofs:
            _print(proofs, form)
    sys.exit(shown.code(proofs))


def _say(mode: str, what: str) -> None:
    echo(t("{mode}: {what}", mode=mode, what=what) if mode else what, err=True)


def _chosen(ids: tuple[str, ...]) -> tuple[Catalog, Environment, list[FailureMode]]:
    """Everything that is wrong with the words and the catalogue, before anything starts."""
    from chaos_ext import environments
    from chaos_ext.campaign import choosing
    from chaos_ext.catalog import check, load
    from chaos_ext.catalog.unfilled import unfilled
    from chaos_ext.errors import UsageError

    root = environments.project_root()
    try:
        catalog = load.catalog(root)
    except UsageError as error:
        raise UsageError(check.check(root, compiled=False).problems or error.problems) from error
    place = environments.load(
        "lab", root
    )  # the one place in which a probe may be broken, and a fault only tries it
    chosen = choosing.choose(ids, catalog, place)
    problems = [*chosen.problems, *check.check_modes(catalog, chosen.modes, environments=[place])]
    problems += unfilled(catalog, chosen.modes)
    if problems:
        raise UsageError(problems)
    for mode_id in chosen.skipped:
        echo(
            t(
                "{mode}: left out, it has no fault for platform '{platform}'.",
                mode=mode_id,
                platform=place.platform,
            ),
            err=True,
        )
    return catalog, place, chosen.modes


def _print(proofs: list[ModeProof], form: str) -> None:
    import shutil

    from chaos_ext.language import chosen_for
    from chaos_ext.masking.register import hide
    from chaos_ext.proving import shown
    from chaos_ext.report.view_tables import rendered

    if form == "json":
        click.echo(hide(as_json(shown.as_dict(proofs))))
        return
    columns = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 0
    click.echo(hide(rendered(shown.parts(proofs), form, chosen_for(sys.stdout), columns)))
