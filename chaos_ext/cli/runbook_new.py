"""`chaos runbook new`: a runbook to begin with."""

from __future__ import annotations

import click

from chaos_ext.cli.edge import guarded


@click.command(
    epilog="""\b
Examples:
  chaos runbook new redis-memory-full
  chaos runbook new redis-trouble --for redis-memory-full --for redis-down"""
)
@click.argument("id_", metavar="ID")
@click.option(
    "--for",
    "recovers",
    multiple=True,
    metavar="MODE",
    help="A failure mode that it recovers; default: the one of its ID.",
)
@guarded
def new(id_: str, recovers: tuple[str, ...]) -> None:
    """Write catalog/runbooks/ID.md for failure modes without a runbook; say what to fill in.

    The failure modes and their alerts then link it. What is written can be followed and holds together at once
    (`chaos catalog check`). Nothing that is there is overwritten.
    """
    from chaos_ext.catalog import scaffold
    from chaos_ext.cli.scaffolded import begin, finish

    draft, catalog = begin()
    made = scaffold.runbook(draft, catalog, id_, recovers)
    finish(draft, made, f"chaos runbook show {made.file}")
