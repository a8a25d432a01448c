"""What a run goes by, a runbook, and what it leaves, a ledger: what stands around each, and all that reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fuzz.around import lay_out

from chaos_ext import environments
from chaos_ext.cli import ledger as ledger_command
from chaos_ext.errors import Problem
from chaos_ext.model import Environment
from chaos_ext.report import text
from chaos_ext.runbook import outline
from chaos_ext.runbook.lint import lint
from chaos_ext.runbook.parse import parse
from chaos_ext.safety import free, ledger

# --- runbooks ------------------------------------------------------------------------------------


def beside_runbook(root: Path, path: str) -> None:
    lay_out(root, "environments/*.yaml")
    (root / "catalog" / "runbooks").mkdir(parents=True)


def read_runbook(root: Path, path: str) -> list[Problem]:
    environment = _known_environment(root)
    rules = [rule for rule in environment.alerts.rules if rule.runbook == path.removeprefix("catalog/")]
    problems = lint(
        root / path,
        platforms=["lab"],
        variables={*environment.variables, *environment.secrets},
        modes=[Path(path).stem],
        alerts=rules,
    )
    if not problems:
        runbook = parse(root / path)
        outline.as_text(runbook)
        json.dumps(outline.as_json(runbook))
    return problems


_environments: dict[Path, Environment] = {}


def _known_environment(root: Path) -> Environment:
    if root not in _environments:
        _environments[root] = environments.load("lab", root)
    return _environments[root]


# --- ledgers -------------------------------------------------------------------------------------

LEDGER = "ledger/an-instance.jsonl"


def ledger_as_written(folder: Path) -> bytes:
    """A ledger with faults in every state, as a run writes it."""
    book = ledger.Ledger(folder / "ledger", "lab", "an-instance")

    def activity(func: str) -> dict[str, Any]:
        return {
            "type": "action",
            "name": func,
            "provider": {"type": "python", "module": "chaos_ext.no", "func": func},
        }

    for state in ("intended", "injected", "undone", "superseded", "failed"):
        entry = book.intend(
            f"stop-{state}", activity=activity("stop"), undo=activity("start"), in_force=activity("stopped"),
            target={"node": "pg-a"}, prior={"holds": False, "日本": [1, None]}, lease_s=600,
            configuration={"chaos_facts": {"dir": "/x"}}, identity={"lab": {"marker": "x", "directory": "/x"}},
        )  # fmt: skip
        if state != "intended":
            entry = book.injected(entry, {"pid": 7, "why": "x"})
        if state not in ("intended", "injected"):
            book.close(entry, state, "because")
    return book.path.read_bytes()


def beside_ledger(root: Path, path: str) -> None:
    (root / "ledger").mkdir()


def read_ledger(root: Path, path: str) -> list[Problem]:
    """As `chaos heal`, `chaos ledger show` and a run that is about to begin read it."""
    directory = root / "ledger"
    entries = ledger.read_all(directory)
    for entry in entries:
        row = ledger_command._row(entry)
        text.table([list(row.values())], list(row))
        json.dumps([{**row, **ledger_command._more(entry)}])
        entry.is_of_this_process()
    if not any(entry.is_open for entry in entries):
        free.refuse_if_unhealed(ledger.Ledger(directory, "", "an-instance").book())
    return []
