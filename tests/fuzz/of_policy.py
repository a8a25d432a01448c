"""Guidelines, approvals, and what is kept of the history: what stands around each, and all that reads it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import yaml
from fuzz.around import ROOT, lay_out

from chaos_ext import environments
from chaos_ext.catalog import guidelines, keeping, load
from chaos_ext.catalog.words import understood
from chaos_ext.errors import Problem
from chaos_ext.model import Environment
from chaos_ext.model.approvals import Approval
from chaos_ext.safety.policy import approvals, canonical, deciding, enforcing, subject

_NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
_APPROVED = "experiments/lab/redis-memory-full.yaml"


def beside_policy(root: Path, path: str) -> None:
    lay_out(root, "catalog/**/*.*", "environments/*.yaml", "experiments/lab/*.yaml")
    (root / "approvals" / "lab").mkdir(parents=True)


@cache
def _around(root: Path) -> tuple[load.Catalog, Environment, tuple[subject.Subject, ...]]:
    """What the guidelines are asked about: some faults of the catalogue, and some of a team's own."""
    catalog, environment = load.catalog(root), environments.load("lab", root)
    experiments = [
        (yaml.safe_load((root / "experiments" / "lab" / f"{mode.id}.yaml").read_bytes()), mode)
        for mode in [mode for mode in catalog.modes.values() if "lab" in mode.reproduce][:4]
    ]
    own = {
        "type": "action",
        "name": "x",
        "provider": {"type": "http", "url": "https://a:1/b?c", "method": "POST"},
    }
    process = {
        "type": "action",
        "name": "y",
        "provider": {"type": "process", "path": "rm", "arguments": "-rf ${x}"},
    }
    found = [each for one, mode in experiments for each in subject.subjects(one, environment, _NOW, mode)]
    found += subject.subjects({"method": [own, process]}, environment, _NOW)
    return catalog, environment, tuple(found)


HISTORY = "schema: 1\nkeep:\n  - {environment: lab, for: 30d, last: 3}\n  - {environment: 'dedicated-*', for: 730d}\n"


def read_history(root: Path, path: str) -> list[Problem]:
    """As `chaos history prune` reads it; what the check says is the same."""
    problems: list[Problem] = []
    for rule in keeping.scan(root, problems):
        assert rule.kept.last >= 1
        assert 0 <= rule.kept.for_ < 11 * 366 * 86_400
    return problems


def read_guidelines(root: Path, path: str) -> list[Problem]:
    catalog, environment, subjects = _around(root)
    problems: list[Problem] = []
    read = guidelines.scan(root, problems)
    if read is not None:
        problems += guidelines.check(read, catalog, [environment])
        for each in subjects:
            decided = deciding.decide(read, each)
            enforcing.said(decided)
            json.dumps([str(decided.doubt), [str(passed.why) for passed in decided.passed]])
    return problems


def approval_as_written() -> bytes:
    """An approval of a shipped experiment, as `chaos policy approve` writes it."""
    content = yaml.safe_load((ROOT / _APPROVED).read_bytes())
    written = {
        "schema": 1,
        "experiment": {
            "id": "redis-memory-full", "file": _APPROVED, "content": canonical.digest(content),
            "sha256": hashlib.sha256((ROOT / _APPROVED).read_bytes()).hexdigest(), "faults": {"fill-memory": "0" * 64},
        },
        "environment": {
            "name": "lab", "file": "environments/lab.yaml", "sha256": environments.digest("lab", ROOT),
        },
        "issuer": "mika@example.com", "issued": "2026-11-24T02:00:00Z", "expires": "2026-11-25T02:00:00Z",
        "reason": "Looked at together.",
    }  # fmt: skip
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True).encode()


def read_approval(root: Path, path: str) -> list[Problem]:
    """Everything that is asked of an approval whose signature holds; whose does not is refused before."""
    problems = approvals.check(root)
    approval, source = understood(root / path, root, Approval, [])
    if approval is None or source is None:
        return problems
    faults = {"fill-memory": "0" * 64}
    for content in (canonical.digest(yaml.safe_load((root / _APPROVED).read_bytes())), None):
        wanted = approvals.Wanted("redis-memory-full", "lab", faults, content)
        approvals._speaks_of(root / path, root, wanted)
        approvals._check_experiment(root, approval, source, wanted, problems)
    approvals._check_place(root, approval, source, "lab", problems)
    approvals._check_time(approval, source, _NOW, problems)
    return problems
