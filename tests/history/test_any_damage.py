"""Whatever stands in a run's files, it is listed, judged or refused: never a traceback, never a pass."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos_ext.errors import UsageError
from chaos_ext.history import bundle, compare, entries, index, manifest, rejudging
from chaos_ext.history.store import as_entry, as_row
from chaos_ext.model import Verdict, VerdictWord

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "120"))
VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
FILES = (
    "run.json", "verdict.json", "manifest.json", "mode.json", "environment.json", "services.json", "events.jsonl",
    "trials/01-treatment/events.jsonl", "trials/01-treatment/samples.jsonl", "trials/01-treatment/writes.jsonl",
    "trials/01-treatment/journal.json", "tombstone.json",
)  # fmt: skip
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just("\ud800\0\x1b[2J")
)
VALUES = st.recursive(
    _LEAVES,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=8), v, max_size=3),
    max_leaves=8,
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in _places(each, (*at, key)))]


def _with(value: Any, at: tuple[Any, ...], put: Any) -> Any:
    if not at:
        return put
    whole = copy.deepcopy(value)
    inner = whole
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = put
    return whole


@pytest.fixture
def whole(new_run: Callable[[], Path], trial: Callable[..., Path]) -> Path:
    run = new_run()
    trial(run, "01-treatment")
    (run / "events.jsonl").write_text('{"kind":"run-started","at":1.0}\n')
    found = entries.read(run)
    assert found is not None
    bundle.write_json(run / "tombstone.json", {"removed": "x", "why": "y", "run": found.as_dict()})
    return run


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize="FUZZ_EXAMPLES" not in os.environ,
)
@given(data=st.data())
def test_no_file_of_a_run_breaks_what_reads_it(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    run = tmp_path / "runs" / whole.name
    shutil.rmtree(run.parent, ignore_errors=True)
    shutil.copytree(whole, run)
    name = data.draw(st.sampled_from(FILES), "file")
    if name != "tombstone.json":
        (run / "tombstone.json").unlink()
    sealed = name == "manifest.json" or data.draw(st.booleans(), "sealed before")
    if sealed:
        bundle.seal(run, VERIFIED)
    path = run / name
    if data.draw(st.booleans(), "bytes"):
        path.write_bytes(data.draw(st.binary(max_size=60)))
    elif path.exists():
        before = json.loads(path.read_text().splitlines()[0] if name.endswith("l") else path.read_text())
        at = data.draw(st.sampled_from(_places(before)), "place")
        changed = json.dumps(_with(before, at, data.draw(VALUES, "value")))
        path.write_text(changed + "\n")
    if not sealed and data.draw(st.booleans(), "sealed after"):  # as it would be of another version
        bundle.seal(run, VERIFIED)
    is_as_sealed = manifest.is_sealed(run) and not manifest.check(run)

    found = entries.read(run)
    if found is not None:
        row = as_row("", found)
        assert as_entry(row, "")._replace(reasons=(), flags=(), arms=()) == found._replace(
            reasons=(), flags=(), arms=()
        )
        assert json.loads(json.dumps(found.as_dict()))["run_id"] == run.name
        if found.verdict == "verified" and not found.removed:
            assert manifest.is_sealed(run)
            small = {difference.file for difference in manifest.check(run)}
            assert small.isdisjoint(("run.json", "verdict.json", "mode.json", "manifest.json"))
    assert [each.run_id for each in index.entries(run.parent)] == ([] if found is None else [run.name])
    try:
        again = rejudging.again(run)
    except UsageError:
        assert not is_as_sealed
    else:
        assert again.refused or again.verdict is not None
        assert again.verdict is None or again.verdict.word is not VerdictWord.VERIFIED
    try:
        compare.compare(run, run)
    except UsageError:
        assert found is None
