"""A run whose process is killed while it is written: whole and seen to be, or not taken for whole. Nothing between."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_ext.history import index, manifest
from chaos_ext.history.bundle import load, seal, verdict_of
from chaos_ext.history.entries import UNFINISHED, read
from chaos_ext.model import Verdict, VerdictWord
from chaos_ext.record import Recorder
from chaos_ext.run import seal_dead

WRITES = Path(__file__).with_name("writes_bundles.py")
EVENTS, SAMPLES = 60, 300
KILLS = 200
SEED = 20261128


def write(project: Path, *numbers: object) -> str:
    command = [sys.executable, str(WRITES), str(project), *map(str, numbers)]
    ours = {**os.environ, "PYTHONPATH": str(WRITES.parents[2])}  # not what happens to be installed
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=ours)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of runs after 200 processes that wrote some were killed, each at a moment of its own."""
    project = tmp_path_factory.mktemp("killed")
    for folder in ("catalog", "environments"):
        shutil.copytree(Path(__file__).parents[2] / folder, project / folder)
    whole_s = json.loads(write(project))
    shutil.rmtree(project / ".chaos")
    write(project, SEED, KILLS, 2 * whole_s)
    return project / ".chaos" / "runs"


def test_no_torn_run_is_taken_for_whole(killed: Path) -> None:
    sealed, torn = 0, 0
    for folder in killed.iterdir():
        if manifest.check(folder):
            assert not manifest.is_sealed(folder), folder
            torn += 1
            continue
        sealed += 1
        assert verdict_of(folder).word is VerdictWord.VERIFIED
        (trial,) = load(folder).trials
        assert (len(trial.events), len(trial.samples), trial.unreadable) == (EVENTS, SAMPLES, ())
        assert trial.journal is not None
    assert sealed  # else the moments were no good
    assert torn


def test_the_list_shows_of_each_run_what_it_came_to(killed: Path) -> None:
    listed = {each.run_id: each.verdict for each in index.entries(killed)}
    expected = {}
    for folder in killed.iterdir():
        if (folder / "run.json").exists():
            expected[folder.name] = "verified" if manifest.is_sealed(folder) else UNFINISHED
    assert listed == expected


def test_what_a_killed_run_had_recorded_is_kept_and_can_be_sealed(killed: Path, tmp_path: Path) -> None:
    """Half a verdict, half a manifest and half a line are no obstacle, and do not become part of it."""
    torn = [f for f in sorted(killed.iterdir()) if (f / "run.json").exists() and not manifest.is_sealed(f)]
    for folder in torn:
        copy = tmp_path / folder.name
        shutil.copytree(folder, copy)
        before = [trial.events for trial in load(copy).trials]
        seal(copy, Verdict(VerdictWord.UNKNOWN, (), (), "", 4))
        assert manifest.check(copy) == []
        found = read(copy)
        assert found is not None
        assert found.verdict == "unknown"
        assert [trial.events for trial in load(copy).trials] == before
        assert not any(copy.glob(".verdict.json.*")), "half a verdict is no evidence"
        assert not any(copy.glob(".manifest.json.*"))


KILLED_AT_STEP = """
import os, shutil, signal, sys
from pathlib import Path
from chaos_ext.history import bundle, manifest
from chaos_ext.model import Verdict, VerdictWord
STEPS = {"seal", "write_json", "_write", "write_manifest", "_put", "sync"}

def seal_but_die_at(run, step):
    left = step

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_name not in STEPS or "/history/" not in frame.f_code.co_filename:
            return None
        left -= event == "line"
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    bundle.seal(run, Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0))
    os._exit(0)

step = 0
while True:
    run = Path(sys.argv[2]) / f"{step:03d}"
    shutil.copytree(sys.argv[1], run)
    child = os.fork()
    if not child:
        seal_but_die_at(run, step)
    if not os.waitpid(child, 0)[1]:
        break
    step += 1
print(step)
"""


def test_a_seal_that_is_killed_at_any_of_its_steps_seals_or_does_not(
    new_run: Callable[[], Path], trial: Callable[..., Path], tmp_path: Path
) -> None:
    run = new_run()
    trial(run, "01-treatment")
    copies = tmp_path / "copies"
    copies.mkdir()
    command = [sys.executable, "-c", KILLED_AT_STEP, str(run), str(copies)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30
    outcomes = [manifest.is_sealed(each) for each in sorted(copies.iterdir())]
    assert [bool(manifest.check(each)) for each in sorted(copies.iterdir())] == [not o for o in outcomes]
    assert outcomes == sorted(outcomes)  # once sealed, sealed
    for each in copies.iterdir():
        if not manifest.is_sealed(each):
            seal(each, Verdict(VerdictWord.UNKNOWN, (), (), "", 4))
            assert manifest.check(each) == []
            assert not [path for path in each.iterdir() if path.name.startswith(".")], "half of something"


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("left", [(), ("a fault is still in",)])
def test_a_run_that_was_killed_after_it_was_judged_was_not_interrupted(
    new_run: Callable[[], Path], trial: Callable[..., Path], judged: bool, left: tuple[str, ...]
) -> None:
    run = new_run()
    trial(run, "01-treatment")
    trial(run, "02-no-action")
    recorder = Recorder(run / "events.jsonl")
    recorder.emit("run-started")
    recorder.emit("lab-stopped", seconds=1.0)
    if judged:
        recorder.emit("verdict", word="unknown")
    recorder.close()
    verdict = seal_dead(run, "its process was killed", left)
    words = [reason.word for reason in verdict.reasons]
    assert ("interrupted" in words) is not (judged and not left)
    assert bool(verdict.flags) is bool(left)
    assert manifest.check(run) == []


SEAL_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from chaos_ext.history import bundle
from chaos_ext.model import Verdict, VerdictWord
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    bundle.seal(Path(sys.argv[1]), Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0))
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("room", [0, 60, 600, 1200])
def test_a_disk_that_fills_while_a_run_is_sealed_leaves_it_unsealed_and_whole(
    new_run: Callable[[], Path], trial: Callable[..., Path], room: int
) -> None:
    run = new_run()
    trial(run, "01-treatment")
    before = load(run)
    command = [sys.executable, "-c", SEAL_ON_A_FULL_DISK, str(run), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "File too large\n", done.stderr
    assert not manifest.is_sealed(run)
    found = read(run)
    assert found is not None
    assert found.verdict == UNFINISHED
    assert load(run) == before
    seal(run, Verdict(VerdictWord.UNKNOWN, (), (), "", 4))
    assert manifest.check(run) == []


def test_one_altered_byte_is_found_wherever_it_is(killed: Path, tmp_path: Path) -> None:
    whole = next(folder for folder in sorted(killed.iterdir()) if manifest.is_sealed(folder))
    copy = tmp_path / whole.name
    shutil.copytree(whole, copy)
    drawn = random.Random(SEED)
    files = [path for path in sorted(copy.rglob("*")) if path.is_file() and path.stat().st_size]
    for path in files:
        data = path.read_bytes()
        at = drawn.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << drawn.randrange(8)]) + data[at + 1 :])
        differences = manifest.check(copy)
        if path.name == manifest.NAME:  # white space of the manifest itself is nobody's
            assert differences or json.loads(path.read_bytes()) == json.loads(data)
        else:
            assert [each.file for each in differences] == [path.relative_to(copy).as_posix()]
        path.write_bytes(data)
    assert manifest.check(copy) == []
