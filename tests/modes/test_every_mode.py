"""That every mode of the catalogue is held to the same: each kind of mistake, and a fault that does nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from modes import spoil

from chaos_ext import environments
from chaos_ext.runbook.lint import lint

ROOT = Path(__file__).resolve().parents[2]
MODES = sorted(path.stem for path in ROOT.glob("catalog/failure-modes/*/*.yaml"))


def _module(mode: str) -> ModuleType:
    return importlib.import_module(f"modes.test_{mode.replace('-', '_')}")


def _rows(mode: str) -> dict[str, Any]:
    return {row.id: row for row in _module(mode).BAD}


ROWS = [(mode, name) for mode in MODES for name in _rows(mode)]


@pytest.mark.parametrize("mode", MODES)
def test_it_has_a_mistake_of_each_kind_and_a_fault_that_does_nothing(mode: str) -> None:
    module = _module(mode)
    rows = _rows(mode)
    assert mode == module.MODE
    assert len(rows) == len(module.BAD) >= 6, "two rows have one name"
    kinds = [[kind for kind in spoil.KINDS if name.startswith(f"{kind}-")] for name in rows]
    assert all(len(each) == 1 for each in kinds), "a row is not made by spoil.mistake"
    assert {each[0] for each in kinds} == set(spoil.KINDS)

    (tried,) = [
        mark for mark in _marks(module.test_a_bad_runbook_is_not_verified) if mark.name == "parametrize"
    ]
    assert tried.args[1] is module.BAD
    assert module.test_a_bad_runbook_is_not_verified.of == mode
    assert module.test_a_fault_that_does_nothing_proves_nothing.of == mode


def _marks(test: Any) -> list[pytest.Mark]:
    return list(getattr(test, "pytestmark", ()))


@pytest.mark.parametrize(("mode", "name"), ROWS, ids=[f"{mode}-{name}" for mode, name in ROWS])
def test_a_mistake_is_one_that_only_a_run_finds(tmp_path: Path, mode: str, name: str) -> None:
    """Otherwise its run would end before it began; the slow tests are not the place to hear of that first."""
    text = (ROOT / "catalog" / "runbooks" / f"{mode}.md").read_text(encoding="utf-8")
    spoilt = _rows(mode)[name].values[0](text)
    assert spoilt != text
    (tmp_path / "catalog" / "runbooks").mkdir(parents=True)
    path = tmp_path / "catalog" / "runbooks" / f"{mode}.md"
    path.write_text(spoilt, encoding="utf-8")
    environment = environments.load("lab", ROOT)
    problems = lint(
        path,
        platforms=["lab"],
        variables={*environment.variables, *environment.secrets},
        modes=[mode],
        alerts=[rule for rule in environment.alerts.rules if rule.runbook == f"runbooks/{mode}.md"],
    )
    assert [str(problem) for problem in problems] == []
