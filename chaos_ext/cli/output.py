"""A file that a command is asked to write: whether it can be, told before anything is worked out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.errors import Problem

force = click.option("--force", is_flag=True, help="Write over a file that is there.")


def unwritable(option: str, file: str | Path) -> Problem | None:
    """What is wrong with the folder that `option` names a file in; None: nothing."""
    from chaos_ext.errors import Problem

    folder = os.path.dirname(os.path.abspath(file))
    if os.path.isdir(folder) and os.access(folder, os.W_OK):
        return None
    return Problem(option, "", repr(str(file)), t("a file in a folder that is there and may be written"))


def refuse(option: str, file: Path, *, over: bool, suffix: str = "") -> None:
    """Raise UsageError unless `file` can be written, and is new or may be written `over`.

    Whether this toolkit wrote what is there cannot be told from the file, so nothing is taken for it. `suffix` is what
    the name must end in, such as ``.xlsx``; empty: anything.
    """
    from chaos_ext.errors import Problem, UsageError

    problems = []
    if suffix and file.suffix.lower() != suffix:
        expected = t("a name that ends in '{suffix}'", suffix=suffix)
        problems.append(Problem(option, "", repr(str(file)), expected))
    if problem := unwritable(option, file):
        problems.append(problem)
    elif os.path.lexists(file) and not over:
        got = t("'{file}', which is there", file=file)
        hint = t("Take another name, or add --force to write over it.")
        problems.append(Problem(option, "", got, t("a file that is not there yet"), hint))
    if problems:
        raise UsageError(problems)
