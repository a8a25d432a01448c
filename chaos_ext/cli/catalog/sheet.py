"""`chaos catalog export` and `import`: the catalogue as a workbook, and back."""

from __future__ import annotations

from pathlib import Path

import click

from chaos_ext.cli import output
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo

_ENV = click.option(
    "--env", "environment", default="lab", show_default=True, help="Whose runs and objectives."
)


@click.command(
    epilog="""\b
Examples:
  chaos catalog export --xlsx catalogue.xlsx
  chaos catalog export --xlsx catalogue.xlsx --lang ja"""
)
@click.option(
    "--xlsx",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The workbook to write; its name ends in .xlsx.",
)
@output.force
@_ENV
@guarded
def export(file: Path, force: bool, environment: str) -> None:
    """Write the catalogue as a workbook: product view, application view, dependencies.

    Grey columns are only shown. Change the others, add rows for new failure modes, then `chaos catalog import`.
    """
    output.refuse("--xlsx", file, over=force, suffix=".xlsx")
    write_workbook(file, environment, "product")


def write_workbook(file: Path, environment: str, first: str) -> None:
    """The workbook, as a file; `first` is the sheet that is open at first."""
    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.history import measured
    from chaos_ext.language import chosen, t
    from chaos_ext.sheets import rows, write
    from chaos_ext.sheets.columns import LAYOUTS

    root = environments.project_root()
    catalog = load.catalog(root)
    last = measured.last(environments.state_dir() / "runs", catalog, environments.load(environment, root))
    language = chosen()
    found = rows.rows(catalog, environment, last, language)
    offered = {
        (layout.key, column.key): rows.choices(catalog, column)
        for layout in LAYOUTS
        for column in layout.columns
        if column.read
    }
    file.write_bytes(write.workbook(found, offered, language, first))
    echo(t("wrote {path}", path=file))


@click.command(
    "import",
    epilog="""\b
Examples:
  chaos catalog import catalogue.xlsx --dry-run
  chaos catalog import catalogue.xlsx

\b
Exit codes: 0 done (or nothing to do) · 2 something is wrong; nothing was written""",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.xlsx")
@click.option("--dry-run", is_flag=True, help="Show what would change, as a diff; write nothing.")
@_ENV
@guarded
def import_(file: Path, dry_run: bool, environment: str) -> None:
    """Bring what was changed in a workbook back into the catalogue.

    Only values that differ are changed, in place: comments, order and everything that the workbook does not show stay
    as they are. A row with a new id becomes a new failure mode; a row that is gone is told, and nothing is deleted.
    When anything is wrong, everything that is wrong is told, and nothing is written.
    """
    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.language import t
    from chaos_ext.sheets import change, read

    root = environments.project_root()
    environments.path_of(environment, root)
    catalog = load.catalog(root)
    plan = change.plan(catalog, environment, read.read(file))
    for each in (*plan.changes, *plan.notes):
        echo(each)
    if dry_run:
        for line in plan.draft.diff():
            echo(line)
        echo(t("dry run: nothing was written"))
        return
    written = plan.draft.write()
    for name in written:
        echo(t("wrote {path}", path=name))
    echo(
        t("{values} values changed, {modes} failure modes new, {files} files written.",
          values=len(plan.changes), modes=len(plan.added), files=len(written))
    )  # fmt: skip
