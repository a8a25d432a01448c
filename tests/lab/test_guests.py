"""Programs of others that a lab runs: what is refused, and a small one from up to down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from chaos_lab import guests
from chaos_lab.errors import LabProblem
from chaos_lab.page import looking
from chaos_lab.places import Lab

GOOD = {"name": "web", "command": ["web"], "health": "/healthz"}

# Answers every page with what it was given; `/healthz` only when WELL says so.
PROGRAM = """
import http.server, json, os, sys

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = {"file": open(sys.argv[2]).read(), "variable": os.environ["GREETING"], "pid": os.getpid()}
        self.send_response(200 if os.environ["WELL"] == "yes" else 503)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *words):
        pass  # nobody reads any more what it prints, when its supervisor was killed

print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


def guest(name: str = "web", well: str = "yes", **changes: object) -> dict[str, object]:
    return {
        "name": name,
        "command": ["python", "-c", PROGRAM, "${port}", "${conf}/greeting.txt"],
        "health": "/healthz",
        "files": {"greeting.txt": "primary at ${port.pg-a}, $HOME costs 5 $, write to ${data}"},
        "environment": {"GREETING": "おはよう 100% \"quoted\" 'twice', ${port}", "WELL": well},
        **changes,
    }


def written(folder: Path, *found: object) -> str:
    file = folder / "parts.json"
    file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return f"--parts={file}"


def said_by(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        found: dict[str, object] = json.loads(answer.read())
        return found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "--parts: got dict, expected a list of parts."),
        (
            ["web"],
            "--parts: got str, expected name, command, health, and perhaps files, environment.",
        ),
        (
            [{"name": "web", "command": ["web"]}],
            "--parts: got ['command', 'name'], expected name, command, health, and perhaps files, environment.",
        ),
        (
            [{**GOOD, "ports": []}],
            "--parts: got ['command', 'health', 'name', 'ports'], "
            "expected name, command, health, and perhaps files, environment.",
        ),
        (
            [{**GOOD, "name": "../web"}],
            "--parts: name: got '../web', expected small letters, digits and hyphens.",
        ),
        ([{**GOOD, "name": "Web"}], "--parts: name: got 'Web', expected small letters, digits and hyphens."),
        ([{**GOOD, "name": 7}], "--parts: name: got 7, expected small letters, digits and hyphens."),
        (
            [{**GOOD, "name": "edge"}],
            "--parts: got 'edge', which the lab has already, expected another name.",
        ),
        ([GOOD, GOOD], "--parts: got 'web', which the lab has already, expected another name."),
        ([{**GOOD, "command": "web"}], "--parts: web: command: got 'web', expected a list of words."),
        ([{**GOOD, "command": []}], "--parts: web: command: got [], expected a list of words."),
        (
            [{**GOOD, "command": ["web", 1]}],
            "--parts: web: command: got ['web', 1], expected a list of words.",
        ),
        ([{**GOOD, "health": "x"}], "--parts: web: health: got 'x', expected a path such as '/healthz'."),
        ([{**GOOD, "health": None}], "--parts: web: health: got None, expected a path such as '/healthz'."),
        ([{**GOOD, "files": ["a"]}], "--parts: web: files: got ['a'], expected names with texts."),
        (
            [{**GOOD, "environment": {"A": 1}}],
            "--parts: web: environment: got {'A': 1}, expected names with texts.",
        ),
        (
            [{**GOOD, "files": {"../a": ""}}],
            "--parts: web: files: got '../a', expected a plain file name.",
        ),
        (
            [{**GOOD, "files": {".start": ""}}],
            "--parts: web: files: got '.start', expected a plain file name.",
        ),
        (
            [{**GOOD, "environment": {"A-B": ""}}],
            "--parts: web: environment: got 'A-B', expected a variable's name.",
        ),
        (
            [{**GOOD, "name": "supervisord"}],
            "--parts: got 'supervisord', which the lab has already, expected another name.",
        ),
        ([{**GOOD, "files": {"": ""}}], "--parts: web: files: got '', expected a plain file name."),
    ],
)
def test_what_is_refused_says_what_was_expected(value, message) -> None:
    with pytest.raises(LabProblem) as refused:
        guests.of_json(value)
    assert str(refused.value) == message


def test_what_is_described_is_kept_as_it_is() -> None:
    (found,) = guests.of_json([guest()])
    assert found.as_json() == guest()
    assert guests.of_json([]) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{nonsense", "is not JSON"),
        (
            json.dumps([{**guest(), "command": ["no-such-program-here"]}]),
            "'no-such-program-here', which is not there",
        ),
        (json.dumps([{**guest(), "files": {"a": "${prot}"}}]), "files.a: got '${prot}', expected one of"),
        (None, "cannot be read"),
    ],
    ids=["no-json", "no-program", "no-such-placeholder", "no-file"],
)
def test_a_bad_description_starts_nothing(text, message, lab_command, traces, tmp_path) -> None:
    file = tmp_path / "parts.json"
    if text is not None:
        file.write_text(text)
    refused = lab_command("up", "--name", "bad", "--parts", str(file))
    assert refused.code != 0
    assert "--parts: " in refused.err
    assert message in refused.err
    assert "Traceback" not in refused.err
    assert not (lab_command.home / "bad").exists()
    assert traces.processes_of(lab_command.home / "bad") == []


def test_a_guest_is_a_part_like_others(lab_command, traces, tmp_path) -> None:
    facts = lab_command.up("one", written(tmp_path, guest()))
    where = facts["guests"]["web"]
    assert where["url"] == f"http://{where['host']}:{where['port']}"
    assert "web" in facts["parts"]

    # It got what was written for it, whatever characters that has, with the lab's values in it.
    said = said_by(where["url"])
    primary = facts["postgresql"]["nodes"]["pg-a"]["port"]
    assert str(said["file"]).startswith(f"primary at {primary}, $HOME costs 5 $, write to /")
    assert said["variable"] == f"おはよう 100% \"quoted\" 'twice', {where['port']}"

    def status() -> dict[str, Any]:
        found: dict[str, Any] = lab_command("status", "one", "--json").json["parts"]["web"]
        return found

    # It is healthy before it has run for as long as the supervisor wants to see.
    traces.wait_for("it runs", lambda: status()["state"] == "RUNNING")
    assert (status()["healthy"], status()["port"]) == (True, where["port"])
    lab = Lab(Path(facts["dir"]))
    assert "web" in looking.logs(lab)
    assert "listening" in (looking.tail(lab, "web") or "")
    assert traces.tool(facts, "supervisorctl", "status", "web").out.split()[:2] == ["web", "RUNNING"]

    # Killed, it is started anew, as a service of the lab.
    os.kill(int(str(said["pid"])), signal.SIGKILL)
    traces.wait_for("another process answers", lambda: _other(where["url"], said["pid"]))
    traces.wait_for(
        "the restart is counted",
        lambda: lab_command("status", "one", "--json").json["parts"]["web"]["restarts"],
    )

    assert lab_command("down", "one").code == 0
    assert not traces.answers("127.0.0.1", where["port"])
    assert traces.processes_of(facts["dir"]) == []


def _other(url: str, pid: object) -> bool:
    try:
        return said_by(url)["pid"] != pid
    except OSError:
        return False


def test_a_guest_of_a_killed_lab_is_swept(lab_command, traces, tmp_path) -> None:
    facts = lab_command.up("broken", written(tmp_path, guest()))
    where = facts["guests"]["web"]
    pid = said_by(where["url"])["pid"]
    os.kill(
        int(json.loads((Path(facts["dir"]) / "lab.json").read_text())["supervisor"]["pid"]), signal.SIGKILL
    )
    traces.wait_for("the parts are alone", lambda: lab_command("list", "--json").json[0]["left_over"])
    assert said_by(where["url"])["pid"] == pid, "it should outlive the supervisor"

    assert lab_command("sweep", "--json").json == {"swept": ["broken"]}
    assert traces.processes_of(facts["dir"]) == []
    assert not traces.answers("127.0.0.1", where["port"])
    assert not Path(facts["dir"]).exists()


def test_a_guest_that_ends_is_reported_at_once_with_its_last_words(lab_command, traces, tmp_path) -> None:
    ends = guest(command=["sh", "-c", "echo no licence found >&2; exit 3"])
    began = time.monotonic()
    refused = lab_command("up", "--name", "half", written(tmp_path, ends))
    assert time.monotonic() - began < 45  # long before everybody gives up; the machine may be busy
    assert refused.code != 0
    assert "web: ended while the lab started: no licence found" in refused.err
    assert not (lab_command.home / "half").exists()
    assert traces.processes_of(lab_command.home / "half") == []


def test_a_guest_that_never_answers_is_named_and_nothing_is_left(lab_command, traces, tmp_path) -> None:
    """A patience of eight seconds instead of a minute."""
    code = (
        "import sys; from chaos_lab import starting; starting.HEALTHY_WITHIN_S = 8.0; "
        "from chaos_lab.__main__ import main; sys.exit(main())"
    )
    refused = subprocess.run(
        [sys.executable, "-c", code, "up", "--name", "half", written(tmp_path, guest(well="no"))],
        env=lab_command.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert "half: not healthy after 8 s: " in refused.stderr
    assert "web: GET /healthz answers 503" in refused.stderr
    assert not (lab_command.home / "half").exists()
    assert traces.processes_of(lab_command.home / "half") == []
