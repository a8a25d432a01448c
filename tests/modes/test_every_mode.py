"""That every mode of the lab is held to the same: each kind of mistake, and a fault that does nothing."""

from __future__ import annotations

import importlib
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from modes import spoil

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.catalog.runbooks import check_runbooks

ROOT = Path(__file__).resolve().parents[2]
CATALOG = load.catalog(ROOT)
PLACES = [environments.load(name, ROOT) for name in environments.names(ROOT)]
MODES = sorted(mode.id for mode in CATALOG.modes.values() if mode.reproduce.get("lab"))


def _file(mode: str) -> Path:
    return Path(__file__).with_name(f"test_{mode.replace('-', '_')}.py")


def _module(mode: str) -> ModuleType:
    assert _file(mode).is_file(), f"{mode} has no tests: write {_file(mode).name}"
    return importlib.import_module(f"modes.{_file(mode).stem}")


def _rows(mode: str) -> dict[str, Any]:
    return {row.id: row for row in _module(mode).BAD} if _file(mode).is_file() else {}


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
    shutil.copytree(ROOT / "catalog", tmp_path / "catalog")
    path = tmp_path / "catalog" / "runbooks" / f"{mode}.md"
    text = path.read_text(encoding="utf-8")
    spoilt = _rows(mode)[name].values[0](text)
    assert spoilt != text
    path.write_text(spoilt, encoding="utf-8")
    problems = check_runbooks(replace(CATALOG, root=tmp_path), [CATALOG.modes[mode]], PLACES)
    assert [str(problem) for problem in problems] == []
