"""When a killed replica counts as gone and when as back: a real supervisord, and a server that answers when it may."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from chaos_ext.actions.lab import replica
from chaos_ext.safety import supervisor

_CONFIG = """
[unix_http_server]
file={dir}/run/supervisor.sock
[supervisord]
identifier=m
nodaemon=true
logfile={dir}/supervisord.log
pidfile={dir}/supervisord.pid
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:intake-1]
command={python} {dir}/server.py
autorestart=false
startsecs=1
stdout_logfile=NONE
stderr_logfile=NONE
"""
# Well while the file `well` is there.
_SERVER = """
import http.server, pathlib
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if pathlib.Path("{dir}/well").exists() else 503)
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Answer).serve_forever()
"""


class OneReplica:
    """As much of a lab as the activities of this module look at."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "run" / "supervisor.sock"
        names = directory / "names.json"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        names.write_text(json.dumps({"edge": {"intake-1": f"127.0.0.1:{port}"}}))
        (directory / "server.py").write_text(_SERVER.format(dir=directory, port=port))
        user = "user=root" if os.getuid() == 0 else ""
        (directory / "run").mkdir()
        config = directory / "supervisord.conf"
        config.write_text(_CONFIG.format(dir=directory, user=user, python=sys.executable))
        facts = {"dir": str(directory), "marker": "m", "names": str(names)}
        self.configuration = {"chaos_facts": {**facts, "supervisor": {"socket": str(self.socket)}}}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def well(self, so: bool) -> None:
        path = self.directory / "well"
        path.touch() if so else path.unlink(missing_ok=True)

    def ask(self, method: str, *words: object) -> object:
        return supervisor.call(self.socket, f"supervisor.{method}", *words)

    def state(self) -> str:
        return str(self.ask("getProcessInfo", "intake-1")["statename"])  # type: ignore[index]

    def look(self) -> dict[str, object]:
        return replica.replica_was_killed("intake-1", self.configuration)


@pytest.fixture
def one(until):
    directory = Path(tempfile.mkdtemp(prefix="s-", dir=Path(os.environ["CHAOS_LAB_HOME"]).parent))
    found = OneReplica(directory)
    until(found.socket.exists, "the supervisor's socket")
    found.well(True)
    until(lambda: found.state() == "RUNNING", "the replica")
    yield found
    found.process.terminate()
    found.process.wait(timeout=20)
    shutil.rmtree(directory)


def test_a_replica_is_back_when_another_process_runs_and_answers(one, until):
    assert not one.look()["holds"]
    killed = replica.kill_replica("intake-1", one.configuration)
    assert one.look()["holds"], "nobody took its place"
    until(lambda: one.state() in ("EXITED", "FATAL"), "the supervisor to reap it")
    assert one.look()["holds"], "nobody took its place, and the supervisor knows"

    one.well(False)
    one.ask("startProcess", "intake-1", False)
    assert one.state() == "STARTING"
    assert one.look()["holds"], "a process that has only just begun"
    until(lambda: one.state() == "RUNNING", "the replica")
    seen = one.look()
    assert seen["holds"], "one that runs and is not well"
    assert seen["now"]["pid"] != killed["pid"]

    one.well(True)
    until(lambda: not one.look()["holds"], "the new process to count", within_s=5.0)
    assert one.look() == {
        "holds": False,
        "replica": "intake-1",
        "killed": killed,
        "now": {"state": "RUNNING", "pid": seen["now"]["pid"]},
        "well": True,
    }
    assert replica.let_replica_return("intake-1", one.configuration)["outcome"] == "undone"


def test_the_dead_process_is_nobody_who_took_its_place(one):
    """Right after the kill the supervisor may still call it RUNNING, and a pid that came back is another process."""
    info = one.ask("getProcessInfo", "intake-1")
    (pid, started) = info["pid"], replica.processes.start_of(info["pid"])
    itself = {"replica": "intake-1", "pid": pid, "started": started}
    assert not replica._took_its_place(info, itself)
    assert replica._took_its_place(info, {**itself, "started": "1.0"})
    assert not replica._took_its_place({**info, "statename": "STARTING"}, {**itself, "started": "1.0"})
    assert not replica._took_its_place({**info, "pid": 2**22 + 1}, itself)
