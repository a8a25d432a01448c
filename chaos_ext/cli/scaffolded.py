"""What every command that writes a scaffold does before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_ext.cli.screen import echo

if TYPE_CHECKING:
    from chaos_ext.catalog.draft import Draft
    from chaos_ext.catalog.load import Catalog
    from chaos_ext.catalog.scaffold import Made


def begin() -> tuple[Draft, Catalog]:
    """A draft of this project, and its catalogue. Raises UsageError when that is not in order."""
    from chaos_ext import environments
    from chaos_ext.catalog import check, load
    from chaos_ext.catalog.draft import Draft
    from chaos_ext.errors import UsageError

    root = environments.project_root()
    try:
        return Draft(root), load.catalog(root)
    except UsageError as error:  # everything that is wrong, not only what cannot be read
        raise UsageError(check.check(root, compiled=False).problems or error.problems) from error


def finish(draft: Draft, made: Made, command: str) -> None:
    """Check the project as it would be, write it, and say what to fill in."""
    from chaos_ext.language import t

    draft.check()
    for name in draft.write():
        echo(t("wrote {path}", path=name))
    echo()
    echo(t("What to fill in:"))
    for each in made.to_fill_in:
        echo(t("  {mark}", mark=str(each)))
    echo(t("Then: make compile, and {command}", command=command))
