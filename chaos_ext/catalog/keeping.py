"""`catalog/history.yaml` from disk: for how long runs are kept. Without the file, for ever."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_ext.catalog.words import understood
from chaos_ext.errors import Problem, UsageError

if TYPE_CHECKING:
    from chaos_ext.model import Kept

FILE = "catalog/history.yaml"


@dataclass(frozen=True)
class Rule:
    """One entry of `keep`, and where it stands."""

    kept: Kept
    where: str


def rules(root: Path) -> tuple[Rule, ...]:
    """The rules of a project; none without the file. Raises UsageError with everything that is wrong with it."""
    problems: list[Problem] = []
    found = scan(root, problems)
    if problems:
        raise UsageError(problems)
    return found


def scan(root: Path, problems: list[Problem]) -> tuple[Rule, ...]:
    """Like `rules`, but problems go to the list."""
    if not os.path.lexists(root / FILE):
        return ()
    from chaos_ext.model import History

    found, source = understood(root / FILE, root, History, problems)
    if found is None or source is None:
        return ()
    return tuple(Rule(kept, source.where(("keep", number))) for number, kept in enumerate(found.keep))
