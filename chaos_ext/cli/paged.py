"""The page at the end of a run. What goes wrong with it is told, and changes neither verdict nor exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chaos_ext.cli.screen import echo
from chaos_ext.language import t


def page_of_run(folder: Path) -> Path | None:
    """Write the page of the run in `folder`; None when that failed, which was told then."""
    from chaos_ext import environments
    from chaos_ext.language import chosen
    from chaos_ext.pages import files, run_page

    return attempted(
        lambda: files.write(
            files.path_of(environments.state_dir(), folder.name), run_page.run_page(folder, chosen())
        )
    )


def attempted(write: Callable[[], Path]) -> Path | None:
    """What `write` returns; None when it failed, which is told on standard error."""
    try:
        return write()
    except Exception as error:  # noqa: BLE001 - a verdict stands, whatever becomes of the page that shows it
        words = t(
            "The report could not be written ({why}); verdict and bundle stand. Try: chaos history report",
            why=str(error) or type(error).__name__,
        )
        echo(words, err=True)
        return None
