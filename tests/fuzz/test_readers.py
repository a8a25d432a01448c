"""Mutated files of every kind: each ends well or in a refusal that says where, in time, and nothing is executed.

pytest tests/fuzz                                              # a few hundred
pytest tests/fuzz --slow -s                                    # 20,000, with the counts
FUZZ_SEED=7 FUZZ_EXAMPLES=2000 pytest tests/fuzz -k ledger -s  # others
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fuzz import kinds, mutations
from fuzz.hostile import TRAP
from fuzz.watched import watched
from hypothesis import HealthCheck, Phase, given, seed, settings

SEED = int(os.environ.get("FUZZ_SEED", "20261124"))
FEW = int(os.environ.get("FUZZ_EXAMPLES", "50"))
MANY = {
    "failure-mode": 2500, "services": 1500, "environment": 2500, "guidelines": 2500, "history": 500, "approval": 3500,
    "runbook": 3500, "ledger": 3500,
}  # fmt: skip
NAMES = tuple(MANY)


@dataclass
class Counted:
    """How the files of one kind ended."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory):
    return kinds.kinds(tmp_path_factory.mktemp("fuzz"))


@pytest.fixture
def trapped(tmp_path, monkeypatch):
    """A current folder that nothing may write to, and a module that nothing may import."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / f"{TRAP}.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("CHAOS_PROJECT", "set for each file, and put back at the end")
    yield
    assert not any((tmp_path / "here").iterdir())


def examined(kind: kinds.Kind, folder: Path, path: str, raw: bytes, counted: Counted) -> None:
    """Read one mutated file under watch, and hold the outcome against what is promised."""
    root = kind.root(folder, path)
    (root / path).write_bytes(raw)
    os.environ["CHAOS_PROJECT"] = str(root)
    begun = time.process_time()
    outcome = watched(lambda: kind.outcome(root, path))
    counted.slowest_s = max(counted.slowest_s, time.process_time() - begun)
    counted.outcomes[outcome.word] += 1
    for problem in outcome.problems:
        where, _, line = problem.where.partition(":")
        where = str(Path(where).relative_to(root)) if Path(where).is_absolute() else where
        assert where == path, f"names another file: {problem}"
        assert line or "bytes" in problem.got, f"names no line: {problem}"
        assert not line or 1 <= int(line) <= _lines(raw), f"a line that is not there: {problem}"
        counted.refusals[_template(problem.got)] += 1
    for told in outcome.blocked:
        assert told.startswith(f"{root / path}:"), f"names no line: {told}"
        counted.refusals[re.sub(r"[\d'\"].*", "", told.partition("got ")[2])[:60]] += 1


def _lines(raw: bytes) -> int:
    """Lines as YAML counts them, and one more: something can be missing at the end."""
    return len(re.split("\r\n|[\n\r\u0085\u2028\u2029]", raw.decode(errors="replace"))) + 1


def _template(said: str) -> str:
    return getattr(said, "template", "") or ("a value" if said.startswith(("'", '"')) else said[:40])


def fuzzed(kind: kinds.Kind, folder: Path, examples: int) -> Counted:
    counted = Counted()
    for path, raw in kind.originals.files:
        examined(kind, folder, path, raw, counted)
    assert set(counted.outcomes) == {"well"}, counted.refusals  # as shipped

    @seed(SEED)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(file=mutations.mutated(kind.originals))
    def any_file(file):
        path, raw = file
        examined(kind, folder, path, raw, counted)

    any_file()
    return counted


@pytest.mark.parametrize("name", NAMES)
def test_a_mutated_file_is_read_or_refused(name, all_kinds, tmp_path_factory, trapped):
    counted = fuzzed(all_kinds[name], tmp_path_factory.mktemp("projects"), FEW)
    _report(name, counted)
    assert counted.outcomes["well"] > 1
    assert counted.outcomes["with line"] > FEW / 4


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_twenty_thousand_mutated_files_are_read_or_refused(
    name, all_kinds, tmp_path_factory, trapped, capsys
):
    assert sum(MANY.values()) >= 20_000
    counted = fuzzed(all_kinds[name], tmp_path_factory.mktemp("projects"), MANY[name])
    with capsys.disabled():
        _report(name, counted)
    assert counted.outcomes.total() >= MANY[name]
    assert counted.outcomes["well"] > MANY[name] / 100
    assert counted.outcomes["with line"] > MANY[name] / 4
    assert len(counted.refusals) >= 5  # not all at the same check


def _report(name: str, counted: Counted) -> None:
    ends = ", ".join(f"{count} {word}" for word, count in counted.outcomes.most_common())
    print(
        f"\n{name}: {counted.outcomes.total()} files (seed {SEED}): {ends}; slowest {counted.slowest_s:.2f} s CPU"
    )
    print(f"  {len(counted.refusals)} kinds of refusal; most often:")
    for said, count in counted.refusals.most_common(8):
        print(f"  {count:7} {said}")
