"""`chaos catalog site`: the catalogue as plain files, to be read and searched without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.pages.site import Site


@click.command(
    epilog="""\b
Examples:
  chaos catalog site
  chaos catalog site --output public --lang ja
  chaos catalog site --env lab --open"""
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write; default: .chaos/site.",
)
@click.option(
    "--env",
    "names",
    multiple=True,
    help="Whose proofs to show; may be given again. Default: every environment.",
)
@click.option("--open", "shown", is_flag=True, help="Show it in a browser.")
@guarded
def site(output: Path | None, names: tuple[str, ...], shown: bool) -> None:
    """Write the catalogue as a site: both tables, each failure mode, each runbook with its proof.

    In English and in Japanese (--lang says which one comes first). Plain files that need no server and no network. A
    folder that this command wrote is written anew; any other that holds something is refused.
    """
    from chaos_ext import environments
    from chaos_ext.language import chosen
    from chaos_ext.pages import folder
    from chaos_ext.pages.site import files

    root = environments.project_root()
    target = (output or environments.state_dir() / "site").absolute()
    folder.refuse("--output", target)
    made = _site(root, names or tuple(environments.names(root)))
    count = folder.write(target, files(made, chosen()))
    start = target / "index.html"
    echo(t("wrote {count} pages: {path}", count=count, path=start))
    if shown:
        click.launch(start.as_uri())


def _site(root: Path, names: tuple[str, ...]) -> Site:
    from datetime import UTC, datetime

    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.pages.proofs import places
    from chaos_ext.pages.site import Site
    from chaos_ext.runbook.parse import parse_text, read_text

    catalog, now = load.catalog(root), datetime.now(UTC)
    known = [environments.load(name, root) for name in dict.fromkeys(names)]
    runbooks = {}
    for path in sorted((root / "catalog" / "runbooks").rglob("*.md")):
        text = read_text(path)
        runbooks[path.stem] = (parse_text(text, path), text)
    return Site(
        catalog=catalog,
        places=places(environments.state_dir() / "runs", catalog, known, now),
        runbooks=runbooks,
        made=now.isoformat(timespec="seconds"),
    )
