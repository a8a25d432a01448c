"""A project to spoil, and runs in it that were decided."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.catalog.load import Catalog
from chaos_ext.compile import compile_experiment
from chaos_ext.history import bundle
from chaos_ext.model import Arm, Environment, Verdict, VerdictWord
from chaos_ext.safety.policy.enforcing import Ruling

REPOSITORY = Path(__file__).parents[2]
SMOKE = {Arm.TREATMENT: 1, Arm.NO_ACTION: 1}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    for folder in ("catalog", "environments"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    monkeypatch.setenv("CHAOS_PROJECT", str(root))
    monkeypatch.setenv("CHAOS_STATE", str(root / ".chaos"))
    return root


@pytest.fixture
def catalog(project: Path) -> Catalog:
    return load.catalog(project)


@pytest.fixture
def lab(project: Path) -> Environment:
    return environments.load("lab")


VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)


@pytest.fixture
def new_run(project: Path) -> Callable[..., Path]:
    """Makes a whole bundle, as a run leaves one; with `verdict` None one that was never sealed."""

    def make(
        mode: str = "service-bad-release",
        verdict: Verdict | None = VERIFIED,
        arms: dict[Arm, int] = SMOKE,
    ) -> Path:
        catalog, environment = load.catalog(project), environments.load("lab")
        found = catalog.modes[mode]
        folder = bundle.create(
            project / ".chaos" / "runs",
            catalog=catalog,
            mode=found,
            environment=environment,
            experiment=compile_experiment(catalog, found, environment),
            seed=7,
            arms=arms,
            ruling=Ruling(mode, ()),
        )
        if verdict is not None:
            bundle.seal(folder, verdict)
        return folder

    return make
