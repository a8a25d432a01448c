"""What stands in the way of writing down or of reading what was written: nothing is injected, and it is said why.

Each is a real cause, met by a run as `chaos run` and `chaos verify` make one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aborting import Run, experiment, inject, running, small_project

from chaos_ext.safety import ledger as ledgers
from chaos_ext.safety.ledger import Entry, Ledger


@dataclass
class Project:
    """A small project, and what its runs come to."""

    root: Path
    thing: Any
    place: Any

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.root / "state" / "ledger", "small", self.place.marker)

    def intended(self, prior: str = "", **more: Any) -> Entry:
        """A fault of this process, as its door writes it down."""
        return self.ledger.intend(
            "an-earlier-one", **self.thing.fault(), target=[], prior=prior,
            configuration={"chaos_facts": self.place.facts}, identity=self.place.identity, **{"lease_s": 60, **more},
        )  # fmt: skip

    def refused(self, how: str = "ours", **more: Any) -> str:
        """Run it; why nothing was injected. Nothing was, and nothing new is open."""
        before = self.thing.log("break")
        what = experiment(inject(self.thing.path))
        with running(self.root, self.thing.path, self.place.facts, what, how, **more) as run:
            run.process.wait(60)
            assert self.thing.log("break") == before
            assert self.thing.is_whole
            return _why(run)


def _why(run: Run) -> str:
    """What the run's record says, its log and its screen."""
    found = [
        str(event.get("why"))
        for kind in ("blocked", "fault-not-injected", "abort")
        for event in run.events(kind)
    ]
    log = run.root / "trial" / "experiment.log"
    return "\n".join([*found, run.output(), log.read_text() if log.exists() else ""])


@pytest.fixture
def project(tmp_path, service, shared_place, thing) -> Project:
    small_project(tmp_path, service, thing.path)
    return Project(tmp_path, thing, shared_place)


def _rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first record of a ledger's file."""
    first, *rest = path.read_text().splitlines()
    record = json.loads(first)
    change(record)
    path.write_text("".join(f"{line}\n" for line in [json.dumps(record), *rest]))


def test_a_full_disk_at_the_door(project):
    """The ledger has as many bytes as a file may have: everything else can be written."""
    project.ledger.close(project.intended(prior="x" * 3_000_000), "undone", "long ago")
    path, before = project.ledger.path, project.ledger.path.read_bytes()
    why = project.refused(largest_file=len(before))
    assert f"{path}: got File too large, expected to write down 'intended' durably. Make room" in why
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["ours", "plain"])
def test_a_record_that_cannot_be_begun(project, how):
    record = project.root / "trial" / "events.jsonl"
    record.parent.mkdir()
    record.write_text(json.dumps({"kind": "long-ago", "said": "x" * 3_000_000}) + "\n")
    assert "File too large" in project.refused(how, largest_file=record.stat().st_size)
    assert record.read_text().count("\n") == 1


def test_a_folder_that_takes_no_record(project):
    (project.root / "trial").mkdir()
    (project.root / "trial" / "events.jsonl").mkdir()
    assert "events.jsonl" in project.refused()


def test_a_state_folder_that_takes_no_ledger(project):
    (project.root / "state").mkdir()
    (project.root / "state" / "ledger").write_text("a file")
    why = project.refused()
    assert f"{project.root / 'state' / 'ledger'}" in why


def _below_a_file(root: Path) -> Path:
    (root / "file").write_text("")
    return root / "file" / "state"


def _where_nobody_may_write(root: Path) -> Path:
    return Path("/sys/chaos-ext")  # not even root


def _with_a_file_for_the_runs(root: Path) -> Path:
    (root / "state").mkdir()
    (root / "state" / "runs").write_text("")
    return root / "state"


@pytest.mark.parametrize("where", [_below_a_file, _where_nobody_may_write, _with_a_file_for_the_runs])
def test_a_state_folder_that_takes_no_run(tmp_path, where):
    """Before anything is started; and it is no bug of ours."""
    state = where(tmp_path)
    command = [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", "verify"]
    done = subprocess.run(
        [*command, "redis-memory-full"], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False,
        env={**os.environ, "CHAOS_STATE": str(state)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(str(state)), done.stderr
    assert done.stderr.endswith(". Check who owns it and whether it may be written.\n")
    assert not list(tmp_path.rglob("events.jsonl"))


def test_half_a_line_at_the_end_after_power_loss_was_never_written(project):
    project.ledger.close(project.intended(), "undone", "before the power was lost")
    whole = project.ledger.path.read_bytes()
    project.ledger.path.write_bytes(whole + whole[:700])
    what = experiment(inject(project.thing.path))
    with running(project.root, project.thing.path, project.place.facts, what) as run:
        run.process.wait(60)
        assert [entry.state for entry in run.entries()] == ["undone", "undone"], run.output()
        assert run.events("fault-injected")
    assert project.ledger.path.read_bytes().startswith(whole)


def test_half_a_line_in_the_middle_is_named(project):
    entry = project.intended()
    whole = project.ledger.path.read_bytes()
    project.ledger.path.write_bytes(whole[:700] + b"\n" + whole)
    why = project.refused()
    assert f"{entry.path}:1: got a line that cannot be read" in why
    assert "Keep a copy of the file, mend or remove that line, then run 'chaos heal'" in why
    project.ledger.path.write_bytes(b"")


def test_a_ledger_of_a_newer_version_is_named(project):
    entry = project.intended()
    with project.ledger.path.open("a") as file:
        file.write('{"schema": 3, "entry": "x", "state": "paused", "wall": ""}\n')
    why = project.refused()
    assert f"{entry.path}:2: got a record of a newer version (schema 3, this version reads 2)" in why
    assert "Upgrade chaos-ext here" in why
    project.ledger.path.write_bytes(b"")


def test_a_shared_ledger_of_a_newer_version_is_named(
    tmp_path, service, shared_place, thing, server, url, here
):
    here.book()  # makes it
    server.execute("INSERT INTO chaos_ledger.version (version) VALUES (2)", "ledger")
    small_project(tmp_path, service, thing.path, more=f"ledger: {url}")
    why = Project(tmp_path, thing, shared_place).refused()
    assert (
        f"{url}: got a ledger of version 2, expected 1: a newer chaos-ext made it. Upgrade chaos-ext here"
        in why
    )


def _of_a_machine_that_is_gone(project: Project, lease_until: float) -> None:
    def change(record: dict[str, Any]) -> None:
        record["fault"] |= {"runner_host": "gone", "lease_until": lease_until}

    project.intended()
    _rewritten(project.ledger.path, change)


def test_a_lease_of_a_machine_that_is_gone_is_waited_for(project):
    _of_a_machine_that_is_gone(project, time.time() + 500)
    why = project.refused()
    assert f"{project.ledger.path}: got an-earlier-one" in why
    assert f"in force by a run that may be alive (gone, pid {os.getpid()}), at the latest until 20" in why
    assert "If that machine is gone: after that time 'chaos heal' puts it back" in why
    project.ledger.path.write_bytes(b"")


def test_a_lease_of_a_machine_that_is_gone_ends(project):
    _of_a_machine_that_is_gone(project, time.time())  # one that ended before it began would be in doubt
    why = project.refused()
    assert f"{project.ledger.path}: got 1 unhealed: an-earlier-one" in why
    assert "Run 'chaos heal'" in why
    (entry,) = project.ledger.open_entries()
    assert not entry.runner_may_live()
    assert ledgers.find(entry.path, entry.id).state == "intended", "nobody but 'chaos heal' touches it"
    project.ledger.path.write_bytes(b"")
