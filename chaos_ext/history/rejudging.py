"""Verdicts derived again from what was saved, by today's rules; or the reason why that is not to be had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chaos_ext.errors import UsageError
from chaos_ext.history import manifest
from chaos_ext.history.entries import buried, read
from chaos_ext.history.reading import load
from chaos_ext.language import listed, t
from chaos_ext.model import Verdict
from chaos_ext.verdict.facts import these
from chaos_ext.verdict.judge import judge

_VERDICT = "verdict.json"  # not evidence: a verdict that was altered can be derived again


@dataclass(frozen=True)
class Again:
    """One run judged again."""

    was: str  # a word, as it was sealed
    verdict: Verdict | None  # None: refused
    refused: str = ""  # why

    @property
    def same(self) -> bool:
        """Whether today's rules come to the same word."""
        return self.verdict is not None and str(self.verdict.word) == self.was


def again(folder: Path) -> Again:
    """Judge the run in `folder` again. Raises UsageError when there is none.

    Refused: evidence that is not as it was sealed, that was removed, or that this version cannot read.
    """
    entry = read(folder)
    if entry is None:
        load(folder)  # says what is missing
    was = "" if entry is None else entry.verdict
    if told := buried(folder):
        return Again(was, None, t("its evidence was removed: {why}", why=str(told.get("why", "?"))))
    if manifest.is_sealed(folder):
        differs = [each for each in manifest.check(folder) if each.file != _VERDICT]
        if differs:
            return Again(was, None, t("not as it was sealed: {files}", files=these(differs)))
    try:
        return Again(was, judge(load(folder)))
    except UsageError as error:
        return Again(was, None, listed([each.said() for each in error.problems], " "))
