"""Every failure mode of the catalogue in one campaign, two labs side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml


@pytest.mark.slow
def test_the_whole_catalogue_is_verified_and_nothing_is_left(project: Any) -> None:
    paths = (project.root / "catalog" / "failure-modes").rglob("*.yaml")
    modes = {yaml.safe_load(path.read_text())["id"] for path in paths}
    assert len(modes) >= 12

    done = project.chaos("verify", "all", "--jobs", "2", timeout=1200)

    assert done.code == 0, done.out + done.err
    verdicts = [json.loads((bundle / "verdict.json").read_text()) for bundle in project.bundles()]
    assert [(v["word"], v["reasons"], v["flags"]) for v in verdicts] == [("verified", [], [])] * len(modes)
    run = {json.loads((bundle / "run.json").read_text())["mode"] for bundle in project.bundles()}
    assert run == modes
    assert project.labs() == []
    assert all(entry["state"] in ("undone", "superseded", "already") for entry in project.ledger())
