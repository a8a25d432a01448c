"""`chaos history report`: a run, or several, as a page, a comment on a pull request, or data."""

from __future__ import annotations

import json
from pathlib import Path

import click

from chaos_ext.cli import output as target
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, formatted
from chaos_ext.language import t


@click.command(
    epilog="""\b
Examples:
  chaos history report last
  chaos history report last --open
  chaos history report last --format markdown --output comment.md
  chaos history report 20261124T153639768Z-postgresql-primary-down-f8d2 --format json
  chaos history report f8d2 91ab --lang ja"""
)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@formatted(
    "html", "markdown", "json", help="html: a page in one file. markdown: a comment on a pull request."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file; without it html goes below .chaos/reports, the others to the terminal.",
)
@target.force
@click.option("--open", "shown", is_flag=True, help="Show the page in a browser.")
@guarded
def report(runs: tuple[str, ...], form: str, output: Path | None, force: bool, shown: bool) -> None:
    """What a run proved, to be read, passed on and printed: one file that needs no network.

    RUN is an id, a part of it that fits one run, a path, or "last" (the default). Several runs make one page of all.
    Nothing is judged again, and the bundle is not touched.
    """
    from chaos_ext import environments
    from chaos_ext.history import index
    from chaos_ext.pages import files

    if shown and form != "html":
        raise click.UsageError(t("--open goes with --format html."))
    if output is not None:
        target.refuse("--output", output, over=force)
    state = environments.state_dir()
    folders = [index.find(state / "runs", name) for name in dict.fromkeys(runs or ("last",))]
    text = _made(folders, form)
    if form == "html":
        name = folders[0].name if len(folders) == 1 else f"{folders[0].name}-and-{len(folders) - 1}-more"
        path = output or files.path_of(state, name)
        files.write(path, text)
        echo(t("report: {path}", path=path))
        if shown:
            click.launch(path.absolute().as_uri())
    elif output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        echo(t("wrote {path}", path=output), err=True)


def _made(folders: list[Path], form: str) -> str:
    from chaos_ext.language import chosen
    from chaos_ext.pages import comment, data, run_page, several_page
    from chaos_ext.pages.kept import read
    from chaos_ext.pages.run import told

    language = chosen()
    runs = [told(read(folder)) for folder in folders]
    if form == "json":
        value = data.run_data(runs[0], language) if len(runs) == 1 else data.runs_data(runs, language)
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if form == "markdown":
        return (
            comment.run_comment(runs[0], language) if len(runs) == 1 else comment.runs_comment(runs, language)
        )
    return run_page.rendered(runs[0], language) if len(runs) == 1 else several_page.rendered(runs, language)
