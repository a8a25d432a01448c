"""What the rules look at: a parsed runbook, its scripts, and what is known of the project around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from chaos_ext.errors import Problem
from chaos_ext.model import AlertRule
from chaos_ext.runbook import shell
from chaos_ext.runbook.model import Block, Runbook
from chaos_ext.runbook.parse import shown


@dataclass(frozen=True)
class Surroundings:
    """What is known around a runbook; None where nothing is, and then nothing is said about it."""

    platforms: frozenset[str] = frozenset()
    variables: Collection[str] | None = None
    modes: Collection[str] | None = None
    alerts: Collection[AlertRule] | None = None
    secrets: Collection[str] = ()
    by_platform: Mapping[str, Collection[str]] = field(
        default_factory=dict
    )  # variables of environments on it

    def given(self, platform: str | None) -> Collection[str] | None:
        """The variables that a block for `platform` (None: for all) finds; None: not known."""
        if platform is None:
            return self.variables
        if self.platforms and platform not in self.platforms:
            return None
        return self.by_platform.get(platform) if self.by_platform else self.variables


@dataclass(frozen=True)
class Document:
    """A runbook as the rules see it."""

    runbook: Runbook
    around: Surroundings

    @cached_property
    def file(self) -> str:
        """The file as messages name it."""
        return shown(self.runbook.path)

    @cached_property
    def scripts(self) -> dict[int, shell.Script]:
        """What each block does, by the line of its fence."""
        return {block.line: shell.read(block.code) for _, block in self.runbook.blocks()}

    def script(self, block: Block) -> shell.Script:
        """What `block` does."""
        return self.scripts[block.line]

    def problem(self, line: int, what: str, got: str, expected: str, hint: str = "") -> Problem:
        """A problem on a line of the file."""
        return Problem(f"{self.file}:{line}", what, got, expected, hint)

    def in_block(
        self, block: Block, line: int, what: str, got: str, expected: str, hint: str = ""
    ) -> Problem:
        """A problem on a line of a block's code, counted from 1."""
        return self.problem(block.line + line, what, got, expected, hint)
