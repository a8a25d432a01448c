"""`chaos env`: places to try failures in."""

from __future__ import annotations

import click

from chaos_ext.cli.edge import guarded


@click.group()
def env() -> None:
    """Environments: places to try failures in.

    \b
    Example:
      chaos env new verification --platform gcp
    """


@env.command(
    epilog="""\b
Examples:
  chaos env new second-lab
  chaos env new verification --platform gcp"""
)
@click.argument("name")
@click.option(
    "--platform",
    type=click.Choice(["lab", "kubernetes", "aws", "gcp"]),
    default="lab",
    show_default=True,
    help="What it runs on.",
)
@guarded
def new(name: str, platform: str) -> None:
    """Write environments/NAME.yaml; say what to fill in.

    A copy of the first environment of that platform when there is one. What is written holds together at once
    (`chaos catalog check`). Nothing that is there is overwritten.
    """
    from chaos_ext.catalog import scaffold
    from chaos_ext.cli.scaffolded import begin, finish

    draft, catalog = begin()
    made = scaffold.environment(draft, catalog, name, platform)
    finish(draft, made, f"chaos verify ID --env {name}")
