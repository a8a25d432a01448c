"""`chaos catalog schema`: JSON Schema for editors."""

from __future__ import annotations

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo
from chaos_ext.language import listed, t

_KINDS = ("failure-mode", "services", "environment", "guidelines", "history")


@click.command(
    epilog="""\b
Examples:
  chaos catalog schema failure-mode > failure-mode.json
  chaos catalog schema --write"""
)
@click.argument("kind", type=click.Choice(_KINDS), required=False)
@click.option("--write", is_flag=True, help="Write all of them to schemas/, where the files refer to them.")
@guarded
def schema(kind: str | None, write: bool) -> None:
    """JSON Schema for editors: of failure modes, services, environments, guidelines or history."""
    from chaos_ext import environments
    from chaos_ext.catalog import schema as schemas

    if kind is None and not write:
        raise click.UsageError(t("Say which: {kinds}; or --write for all.", kinds=listed(_KINDS)))
    if kind is not None:
        click.echo(schemas.text(kind), nl=False)
    if write:
        root = environments.project_root()
        for path, text in schemas.files(root).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            echo(t("wrote {path}", path=path.relative_to(root)), err=kind is not None)
