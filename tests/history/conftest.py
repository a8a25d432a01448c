"""A project with one failure mode, and runs of it on the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.compile import compile as compile_mode
from chaos_ext.history import bundle
from chaos_ext.model import Arm
from chaos_ext.safety.policy.enforcing import Ruling

REPOSITORY = Path(__file__).parents[2]
MODE = "postgresql-primary-down"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this repository's catalogue and environments."""
    root = tmp_path / "project"
    for folder in ("catalog", "environments"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    return root


@pytest.fixture
def new_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes the folder of a new run, as `chaos verify` does."""
    monkeypatch.setenv("CHAOS_PROJECT", str(project))
    monkeypatch.setenv("CHAOS_STATE", str(project / ".chaos"))
    monkeypatch.delenv("CHAOS_INDEX", raising=False)
    catalog = load.catalog(project)
    environment = environments.load("lab")

    def create(of: str = MODE, started: datetime | None = None) -> Path:
        mode = catalog.modes[of]
        made = load.digests(catalog, mode, environment.name)
        folder = bundle.create(
            project / ".chaos" / "runs",
            catalog=catalog,
            mode=mode,
            environment=environment,
            experiment=compile_mode(mode, environment, catalog.services, made),
            seed=7,
            arms={Arm.TREATMENT: 1, Arm.NO_ACTION: 1},
            ruling=Ruling(MODE, ()),
        )
        if started is not None:
            facts = json.loads((folder / "run.json").read_bytes())
            bundle.write_json(folder / "run.json", {**facts, "started": started.isoformat()})
            name = f"{started.strftime('%Y%m%dT%H%M%S%f')[:-3]}Z-{of}-{folder.name[-4:]}"
            folder = folder.rename(folder.with_name(name))
        return folder

    return create


def write_trial(run: Path, name: str, **files: Any) -> Path:
    """A trial's folder with a line or two in each file; `files` replace their text."""
    folder = run / "trials" / name
    folder.mkdir()
    text = {
        "events.jsonl": json.dumps({"kind": "trial-started", "at": 1.0, "wall": ""}) + "\n",
        "samples.jsonl": '{"flow":"submit","number":0,"scheduled":1.0,"sent":1.0,"done":1.1}\n',
        "writes.jsonl": '{"id":"w0","flow":"submit","text":"t","at":1.0}\n{"id":"w0","outcome":"ok","at":1.1}\n',
        "journal.json": '{"status":"completed","run":[]}',
        **{name.replace("_", "."): content for name, content in files.items()},
    }
    for file, content in text.items():
        if content is not None:
            (folder / file).write_text(content)
    return folder


@pytest.fixture
def trial() -> Callable[..., Path]:
    return write_trial
