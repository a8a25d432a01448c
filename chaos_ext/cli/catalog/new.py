"""`chaos catalog new`: a failure mode to begin with."""

from __future__ import annotations

import click

from chaos_ext.cli.edge import guarded


@click.command(
    epilog="""\b
Examples:
  chaos catalog new dashboard-stopped
  chaos catalog new mysql-primary-down --product MySQL --like postgresql-primary-down"""
)
@click.argument("id_", metavar="ID")
@click.option("--product", help="Its product; default: that of other failure modes whose id begins the same.")
@click.option(
    "--like", metavar="OTHER", help="Begin with a copy of this failure mode, its runbook and its alert."
)
@guarded
def new(id_: str, product: str | None, like: str | None) -> None:
    """Write a new failure mode with its runbook and its alert; say what to fill in.

    What is written holds together at once (`chaos catalog check`); without --like, a part of the lab is stopped. It can
    be tried (`chaos verify ID`) once the last mark 'fill in' is taken away. Nothing that is there is overwritten.
    """
    from chaos_ext.catalog import load, scaffold
    from chaos_ext.cli.scaffolded import begin, finish

    draft, catalog = begin()
    other = None if like is None else load.find(catalog, like)
    made = scaffold.mode(draft, catalog, id_, product=product, like=other)
    finish(draft, made, f"chaos verify {id_}")
