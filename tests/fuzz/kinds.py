"""The kinds of file that are mutated, each with the shipped ones and everything that reads them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz import mutations
from fuzz.around import Files, of_the_lab, shipped
from fuzz.mutations import Originals
from fuzz.of_a_run import LEDGER, beside_ledger, beside_runbook, ledger_as_written, read_ledger, read_runbook
from fuzz.of_catalogue import (
    beside_environment,
    beside_mode,
    beside_services,
    read_environment,
    read_mode,
    read_services,
)
from fuzz.of_policy import (
    HISTORY,
    approval_as_written,
    beside_policy,
    read_approval,
    read_guidelines,
    read_history,
)

from chaos_ext.catalog import keeping
from chaos_ext.errors import Blocked, Problem, UsageError
from chaos_ext.language import say

LONGEST = 3000  # characters of one message: it is for a person


@dataclass(frozen=True)
class Outcome:
    """How reading ended. `problems` is empty when it ended well."""

    problems: tuple[Problem, ...] = ()
    blocked: tuple[str, ...] = ()  # a ledger's refusals are sentences

    @property
    def word(self) -> str:
        """What the counts are kept by."""
        if not self.problems and not self.blocked:
            return "well"
        wheres = [problem.where for problem in self.problems] + list(self.blocked)
        return "with line" if any(re.search(r":\d+", where) for where in wheres) else "file only"


@dataclass
class Kind:
    """One kind of file: where the mutated one is put, and what reads it."""

    name: str
    originals: Originals
    prepare: Callable[[Path, str], None]  # (empty folder, path): makes the project around it, once
    read: Callable[[Path, str], Iterable[Problem]]  # (project, path) → problems; or raises one of our errors
    roots: dict[str, Path] = field(default_factory=dict)

    def root(self, folder: Path, path: str) -> Path:
        """The project for `path`."""
        found = self.roots.get(path)
        if found is None:
            found = self.roots[path] = folder / self.name / str(len(self.roots))
            found.mkdir(parents=True)
            self.prepare(found, path)
        return found

    def outcome(self, root: Path, path: str) -> Outcome:
        """Read it, and say everything that is wrong with it in both languages. Anything but our errors escapes."""
        try:
            problems = tuple(self.read(root, path))
        except UsageError as error:
            problems = tuple(error.problems) or (
                Problem("", "", str(error), "a refusal with where and what"),
            )
        except Blocked as error:
            return _blocked(error)
        for problem in problems:
            _sayable(str(problem), say(problem.said(), "ja"))
        return Outcome(problems)


def _blocked(error: Blocked) -> Outcome:
    _sayable(str(error), say(error, "ja"))
    return Outcome(blocked=(str(error),))


def _sayable(*texts: str) -> None:
    for told in texts:
        told.encode()
        assert len(told) <= LONGEST, f"a message of {len(told)} characters: {told[:300]}…"
        bad = [character for character in told if not character.isprintable() and character not in "\n\u3000"]
        assert not bad, f"a message that holds {bad[0]!r}: {told!r}"


def kinds(folder: Path) -> dict[str, Kind]:
    """All of them; `folder` takes what has to be written first."""
    written = ledger_as_written(folder)
    of_yaml, of_markdown, of_json = mutations.OF_YAML, mutations.OF_MARKDOWN, mutations.OF_JSON_LINES
    approval = (("approvals/lab/redis-memory-full.yaml", approval_as_written()),)
    table: tuple[tuple[str, Files, Any, Any, Any], ...] = (
        ("failure-mode", of_the_lab("catalog/failure-modes/**/*.yaml"), of_yaml, beside_mode, read_mode),
        ("services", shipped("catalog/services.yaml"), of_yaml, beside_services, read_services),
        ("environment", shipped("environments/lab.yaml"), of_yaml, beside_environment, read_environment),
        ("guidelines", shipped("catalog/guidelines.yaml"), of_yaml, beside_policy, read_guidelines),
        ("history", ((keeping.FILE, HISTORY.encode()),), of_yaml, beside_policy, read_history),
        ("approval", approval, of_yaml, beside_policy, read_approval),
        ("runbook", of_the_lab("catalog/runbooks/*.md"), of_markdown, beside_runbook, read_runbook),
        ("ledger", ((LEDGER, written),), of_json, beside_ledger, read_ledger),
    )
    found = [Kind(name, Originals(files, by), beside, read) for name, files, by, beside, read in table]
    shutil.rmtree(folder / "ledger")
    return {kind.name: kind for kind in found}
