"""One real lab for each test module, and runners in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_ext.actions.door import Fault

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "support"), str(HERE.parent / "safety" / "support")]

from actions_door import SmallTrial, as_fault, open_trial, python  # noqa: E402

Facts = dict[str, Any]


def lab_command(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "chaos_lab", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lab() -> Iterator[Facts]:
    """A lab that is up. Tests put back what they break, or are the last of their module."""
    name = f"t{uuid.uuid4().hex[:6]}"
    facts: Facts = json.loads(lab_command("up", "--name", name, "--owner-pid", str(os.getpid()), "--json"))
    yield facts
    lab_command("down", name)


@pytest.fixture
def configuration(lab: Facts) -> dict[str, Any]:
    return {"chaos_facts": lab}


@pytest.fixture
def submit(lab: Facts) -> Callable[[str], int]:
    """Submits a response as a user does; the status of the answer."""
    context = ssl.create_default_context(cafile=lab["edge"]["ca_file"])

    def post(text: str) -> int:
        body = json.dumps({"id": uuid.uuid4().hex, "survey": "s", "text": text, "score": 4}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{lab['edge']['url']}/responses", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=5, context=context) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    return post


@pytest.fixture
def runner(lab: Facts, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a process that injects a mode's fault; it has written `ready` when this returns."""
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "facts.json").write_text(json.dumps(lab))

    def start(mode: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                sys.executable,
                str(HERE / "support" / "actions_runner.py"),
                str(tmp_path / "facts.json"),
                str(tmp_path),
                mode,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(20)
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


@pytest.fixture
def trial(lab: Facts, tmp_path: Path) -> Iterator[SmallTrial]:
    opened = open_trial(lab, tmp_path)
    yield opened
    opened.janitor.close()
    opened.recorder.close()


@pytest.fixture
def thing(tmp_path: Path) -> Path:
    """A file that can be broken and mended."""
    path = tmp_path / "thing"
    path.write_text("whole")
    return path


@pytest.fixture
def own_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that frees functions of its own in the lab; the shipped guidelines have them reviewed."""
    root = tmp_path / "team"
    shutil.copytree(HERE.parents[1] / "environments", root / "environments")
    (root / "catalog").mkdir()
    (root / "catalog" / "guidelines.yaml").write_text(
        "schema: 1\nrules:\n  - {id: ours, decision: free, reason: {en: We wrote it., ja: 自作。}, "
        'match: {platform: lab, activity: "safety_breakable.*"}}\n'
    )
    monkeypatch.setenv("CHAOS_PROJECT", str(root))


@pytest.fixture
def break_it(lab: Facts, thing: Path, own_rules: None) -> Callable[..., Fault]:
    """A fault that breaks `thing`, with parts of it replaced."""

    def make(
        by: str = "break_file",
        undo_by: str = "mend",
        in_force: str = "is_broken",
        name: str = "break-file",
        **more: Any,
    ) -> Fault:
        parts = {
            "activity": python("safety_breakable", by, path=str(thing)),
            "in_force": python("safety_breakable", in_force, "probe", path=str(thing)),
            "undo": python("safety_breakable", undo_by, path=str(thing)),
        }
        return as_fault(lab, name, **{**parts, **more})

    return make
