"""What a killed lab leaves is found and removed by the next start, and nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def supervisor_of(facts: dict) -> int:
    return int(json.loads((Path(facts["dir"]) / "lab.json").read_text())["supervisor"]["pid"])


def test_a_killed_supervisor_leaves_parts_that_are_swept(lab_command, traces) -> None:
    broken, healthy = lab_command.up("broken"), lab_command.up("healthy")
    segments = traces.segments(broken)
    os.kill(supervisor_of(broken), signal.SIGKILL)
    traces.wait_for("the parts are alone", lambda: not Path(f"/proc/{supervisor_of(broken)}/cwd").exists())
    assert traces.processes_of(broken["dir"]), "the parts should outlive their supervisor"
    assert [lab["left_over"] for lab in lab_command("list", "--json").json] == [
        "its supervisor is gone",
        None,
    ]

    swept = lab_command("sweep", "--json")
    assert swept.json == {"swept": ["broken"]}
    assert traces.processes_of(broken["dir"]) == []
    assert not Path(broken["dir"]).exists()
    assert traces.still_there(traces.segments(healthy)), "nothing of the other lab may be touched"
    assert lab_command("status", "healthy").code == 0
    assert lab_command("down", "healthy").code == 0
    assert traces.still_there(segments) == set()


def test_a_lab_whose_owner_is_gone_is_removed_by_the_next_start(lab_command, traces) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    facts = lab_command.up("orphan", "--owner-pid", str(owner.pid))
    assert lab_command("sweep", "--json").json == {"swept": []}
    owner.communicate()

    other = lab_command.up("next")
    assert traces.processes_of(facts["dir"]) == []
    assert lab_command.names() == {"next"}
    assert lab_command("down", other["name"]).code == 0


def test_cache_cloud_and_clones_of_a_killed_lab_are_swept(lab_command, traces) -> None:
    """Those that nobody but the supervisor, or nobody at all, would have ended."""
    facts = lab_command.up("broken")
    moment = traces.tool(facts, "psql", "service=pg-a", "-XAtqc", "SELECT clock_timestamp()").out.strip()
    made = traces.tool(facts, "pg-clone", "create", "--at", moment, "before")
    assert made.code == 0, made.err
    segments, ports = traces.segments(facts), traces.ports_of(facts)
    assert len(segments) == 4
    os.kill(supervisor_of(facts), signal.SIGKILL)
    traces.wait_for("the parts are alone", lambda: lab_command("list", "--json").json[0]["left_over"])
    # The clone cannot end in order any more.
    (clone,) = [
        int((Path(facts["data"]) / name / "postmaster.pid").read_text().split()[0])
        for name in os.listdir(facts["data"])
        if name.startswith("clone-")
    ]
    os.kill(clone, signal.SIGKILL)
    running = {process.name() for process in traces.processes_of(facts["dir"])}
    assert {"valkey-server", "postgres"} <= running
    assert traces.answers("127.0.0.1", int(facts["cloud"]["url"].rpartition(":")[2]))

    assert lab_command("sweep", "--json").json == {"swept": ["broken"]}
    assert traces.processes_of(facts["dir"]) == []
    assert [port for port in ports if traces.answers("127.0.0.1", port)] == []
    assert traces.still_there(segments) == set()
    assert not Path(facts["dir"]).exists()


@pytest.mark.parametrize("at", ["laying out", "starting"])
def test_a_start_that_is_killed_is_swept(at: str, lab_command, traces) -> None:
    starting = lab_command.start("up", "--name", "half")
    for line in starting.stderr:
        if at in line:
            break
    starting.kill()
    starting.communicate()
    assert starting.returncode == -signal.SIGKILL
    assert (lab_command.home / "half").exists()

    assert lab_command("sweep", "--json").json == {"swept": ["half"]}
    assert traces.processes_of(lab_command.home) == []
    assert lab_command.names() == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_is_told_to_stop_leaves_nothing(number: signal.Signals, lab_command, traces) -> None:
    starting = lab_command.start("up", "--name", "half")
    for line in starting.stderr:
        if "starting" in line:
            break
    starting.send_signal(number)
    out, err = starting.communicate(timeout=30)
    assert (starting.returncode, out) == (128 + number, "")
    assert "Traceback" not in err
    assert traces.processes_of(lab_command.home) == []
    assert not (lab_command.home / "half").exists()


def test_a_start_ends_when_its_owner_dies_meanwhile(lab_command, traces) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    starting = lab_command.start("up", "--name", "half", "--owner-pid", str(owner.pid))
    for line in starting.stderr:
        if "laying out" in line:
            break
    owner.communicate()
    _, err = starting.communicate(timeout=60)
    assert starting.returncode == 2
    assert f"its owner, process {owner.pid}, is gone" in err
    assert traces.processes_of(lab_command.home) == []
    assert not (lab_command.home / "half").exists()


def test_parts_whose_directory_was_taken_away_are_ended(lab_command, traces) -> None:
    facts = lab_command.up("gone")
    shutil.rmtree(facts["dir"], ignore_errors=True)
    shutil.rmtree(facts["dir"], ignore_errors=True)  # a part may just have written a file
    assert traces.processes_of(facts["dir"])
    assert lab_command("sweep").code == 0
    assert traces.processes_of(facts["dir"]) == []


def test_a_stopped_part_and_an_end_that_was_cut_short_are_no_obstacle(lab_command, traces) -> None:
    facts = lab_command.up("one")
    for process in traces.processes_of(facts["dir"]):
        process.suspend()  # the supervisor as well: nothing ends by itself any more
    ending = lab_command.start("down", "one")
    traces.wait_for("down has begun", lambda: lab_command_state(facts) in ("stopping", None))
    ending.kill()
    ending.communicate()
    assert lab_command("sweep").code == 0
    assert traces.processes_of(facts["dir"]) == []
    assert lab_command.names() == set()


def lab_command_state(facts: dict) -> str | None:
    try:
        return str(json.loads((Path(facts["dir"]) / "lab.json").read_text())["state"])
    except OSError:
        return None


def test_what_is_no_lab_is_never_touched(lab_command) -> None:
    """Somebody's home directory may be the lab home."""
    work = lab_command.home / "projects"
    work.mkdir(parents=True)
    (work / "thesis").write_text("three years\n")
    (lab_command.home / "notes").mkdir()
    (lab_command.home / "notes" / "lab.json").write_text("[]\n")

    assert lab_command("sweep", "--json").json == {"swept": []}
    assert lab_command("list", "--json").json == []
    assert lab_command("down", "projects").code == 2
    refused = lab_command("up", "--name", "projects")
    assert refused.code == 2
    assert "is there and no lab" in refused.err
    assert (work / "thesis").read_text() == "three years\n"
    assert (lab_command.home / "notes" / "lab.json").exists()
    shutil.rmtree(work)
    shutil.rmtree(lab_command.home / "notes")
