"""The shipped files, and a project of some of them around the one that is mutated."""

from __future__ import annotations

from pathlib import Path

import yaml

from chaos_ext.catalog import load

ROOT = Path(__file__).resolve().parents[2]
Files = tuple[tuple[str, bytes], ...]


def shipped(*patterns: str) -> Files:
    """The files that match, each as its path in the project and its bytes."""
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    assert paths, patterns
    return tuple((str(path.relative_to(ROOT)), path.read_bytes()) for path in paths)


def of_the_lab(*patterns: str) -> Files:
    """Those of them that are called as a failure mode that the lab reproduces."""
    modes = {id for id, mode in load.catalog(ROOT).modes.items() if "lab" in mode.reproduce}
    return tuple((path, raw) for path, raw in shipped(*patterns) if Path(path).stem in modes)


def lay_out(root: Path, *patterns: str) -> None:
    """Put the files that match into the project `root`."""
    for path, raw in shipped(*patterns):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(raw)


_ANY_GUIDELINES = """\
schema: 1
rules:
  - {id: anything, decision: free, reason: {en: It is a test., ja: テストのため。}, match: {environment: [lab]}}
"""


def environment_about(root: Path, runbook: str) -> None:
    """The shipped environment with the alerts of one runbook, so that nothing else is looked at again and again."""
    ((path, raw),) = shipped("environments/lab.yaml")
    data = yaml.safe_load(raw)
    data["alerts"]["rules"] = [rule for rule in data["alerts"]["rules"] if rule["runbook"] == runbook]
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (root / "catalog").mkdir(exist_ok=True)
    (root / "catalog" / "guidelines.yaml").write_text(_ANY_GUIDELINES, encoding="utf-8")
