"""Marks of a scaffold that still stand where somebody was to say more.

A draft holds together, so that it can be checked from the first minute. It says nothing of the team's own failure yet,
and what it says must not be proven.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chaos_ext.catalog import load, templates
from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import Problem
from chaos_ext.language import t
from chaos_ext.model import FailureMode


def unfilled(catalog: Catalog, modes: Iterable[FailureMode]) -> list[Problem]:
    """Every mark in the files of `modes` and in their runbooks. A runbook that is not there is another's finding."""
    files: dict[Path, None] = {}
    for mode in modes:
        files[load.path_of(catalog.root, mode.id)] = None
        if mode.runbook != "none":
            files[catalog.root / "catalog" / mode.runbook] = None
    found = []
    for path in files:
        if not path.is_file():
            continue
        shown = str(path.relative_to(catalog.root))
        for line, what in templates.marks(path.read_text(encoding="utf-8-sig", errors="replace")):
            got = t("the scaffold's mark 'fill in: {what}'", what=what)
            hint = t("Say it there, and take the mark away.")
            found.append(Problem(f"{shown}:{line}", "", got, t("what it asks for"), hint))
    return found
