"""A lab from nothing to healthy and back to nothing."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import stat
import sys
from pathlib import Path
from typing import Any

import psutil

from chaos_lab.orchestrator import Orchestrator


def over_the_edge(facts: dict[str, Any], method: str, path: str, body: object = None) -> tuple[int, Any]:
    """A request as a user makes it: TLS, with the lab's own authority."""
    context = ssl.create_default_context(cafile=facts["edge"]["ca_file"])
    host = facts["edge"]["url"].removeprefix("https://")
    connection = http.client.HTTPSConnection(host, timeout=5, context=context)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_lab_is_a_working_product_and_leaves_no_trace(lab_command, traces) -> None:
    facts = lab_command.up("one", "--owner-pid", str(os.getpid()))
    ports, segments = traces.ports_of(facts), traces.segments(facts)
    assert len(segments) == 3

    # What was promised is there.
    assert facts["owner_pid"] == os.getpid()
    assert Orchestrator(Path(facts["supervisor"]["socket"])).identifier() == facts["marker"]
    assert set(facts["postgresql"]["nodes"]) == {"pg-a", "pg-b", "pg-c"}
    assert lab_command("facts").json == facts
    assert lab_command("facts", facts["dir"]).json == facts
    status = lab_command("status", "one", "--json")
    assert status.code == 0
    assert status.json["primaries"] == ["pg-a"]
    assert set(status.json["parts"]) == set(facts["parts"])

    # A response goes in, is acknowledged, and is on the read replica that the dashboard reads.
    response = {"id": "r-1", "survey": "s-1", "text": "会議が多すぎます。", "score": 4}
    assert over_the_edge(facts, "POST", "/responses", response)[0] == 201
    code, read = over_the_edge(facts, "GET", "/responses?survey=s-1")
    assert (code, read["responses"][0]["text"]) == (200, "会議が多すぎます。")
    traces.wait_for(
        "the response on the dashboard",
        lambda: over_the_edge(facts, "GET", "/dashboard/summary?survey=s-1")[1]["responses"] == 1,
    )
    replication = traces.tool(
        facts,
        "psql",
        "service=pg-a",
        "-XAtc",
        "SELECT application_name, sync_state FROM pg_stat_replication ORDER BY 1",
    )
    assert replication.out.split() == ["pg_b|quorum", "pg_c|quorum"]

    # Nobody else gets in.
    for place in (
        facts["supervisor"]["socket"],
        facts["releases"],
        facts["logs"],
        facts["data"],
        facts["bin"],
    ):
        assert not stat.S_IMODE(os.stat(place).st_mode) & 0o077, place

    assert lab_command("down", "one").code == 0
    assert traces.processes_of(facts["dir"]) == []
    assert [port for port in ports if traces.answers("127.0.0.1", port)] == []
    assert traces.still_there(segments) == set()
    # What stays is for the next lab: the template, and locks.
    assert {path.name.partition("-")[0] for path in lab_command.home.iterdir()} == {
        "template",
        "lock",
        "template.lock",
    }
    assert lab_command("down", "one").code == 2


def test_two_labs_side_by_side_share_nothing(lab_command, traces) -> None:
    starting = [lab_command.start("up", "--name", name, "--json") for name in ("left", "right")]
    ended = [process.communicate(timeout=60) for process in starting]  # both at once: one builds the template
    assert [process.returncode for process in starting] == [0, 0], ended
    left, right = (json.loads(out) for out, _ in ended)
    assert sum("building the template" in err for _, err in ended) == 1
    assert not set(traces.ports_of(left)) & set(traces.ports_of(right))
    assert left["marker"] != right["marker"]

    ambiguous = lab_command("facts")
    assert ambiguous.code == 2
    assert "got 2 labs (left, right), expected one" in ambiguous.err
    assert lab_command("facts", "right").json["name"] == "right"

    assert lab_command("down", "left").code == 0
    assert lab_command("status", "right").code == 0
    second = lab_command("up", "--name", "right")
    assert second.code == 2
    assert second.err.splitlines()[-1].startswith(
        "chaos_lab: --name: got 'right', but a lab of this name is up."
    )
    assert lab_command("status", "right").code == 0
    assert lab_command("down").code == 0
    assert lab_command.names() == set()


def test_status_names_the_part_that_is_not_usable(lab_command, traces) -> None:
    facts = lab_command.up("one")
    assert traces.tool(facts, "supervisorctl", "stop", "pg-c").code == 0
    status = lab_command("status", "--json")
    assert status.code == 1
    part = status.json["parts"]["pg-c"]
    assert (part["state"], part["healthy"]) == ("EXITED", False) or part["state"] == "STOPPED"
    assert "refused" in part["why"]
    assert [name for name, other in status.json["parts"].items() if not other["healthy"]] == ["pg-c"]
    assert "pg-c" in lab_command("logs", "supervisord").out
    assert lab_command("down").code == 0


def test_parts_that_end_are_started_again_but_data_stores_are_not(lab_command, traces) -> None:
    facts = lab_command.up("one")
    orchestrator = Orchestrator(Path(facts["supervisor"]["socket"]))
    before = orchestrator.states()
    for part in ("intake-1", "pg-b"):
        os.kill(before[part]["pid"], 9)
    traces.wait_for(
        "intake-1 runs again",
        lambda: (
            (now := orchestrator.states()["intake-1"])["pid"] != before["intake-1"]["pid"]
            and now["statename"] == "RUNNING"
        ),
    )
    assert orchestrator.state("pg-b") == "EXITED"
    assert lab_command("down").code == 0


def test_a_service_is_a_process_of_its_own_although_it_was_not_started_by_an_exec(
    lab_command, traces
) -> None:
    facts = lab_command.up("one")
    states = Orchestrator(Path(facts["supervisor"]["socket"])).states()
    supervisor = states["edge"]["pid"], psutil.Process(states["edge"]["pid"]).parent()
    assert supervisor[1] is not None
    for part in ("edge", "intake-1", "alerting"):
        process = psutil.Process(states[part]["pid"])
        assert process.cmdline()[0] == sys.executable
        assert str(Path(facts["conf"]) / f"{part}.json") in process.cmdline()
        assert os.getpgid(process.pid) == process.pid != os.getpgid(supervisor[1].pid)
        if sys.platform == "linux":
            assert process.name() == part
    # A wrong configuration ends it with the code and the line that it would end with by itself.
    config = Path(facts["conf"]) / "providers.json"
    config.write_text("{}")
    assert traces.tool(facts, "supervisorctl", "stop", "providers").code == 0
    traces.tool(facts, "supervisorctl", "start", "providers")
    said = (Path(facts["logs"]) / "providers.log").read_text()
    assert '"event": "bad-config"' in said
    assert "Traceback" not in said
    log = lab_command("logs", "supervisord").out
    traces.wait_for(
        "its exit code", lambda: "providers (exit status 2" in lab_command("logs", "supervisord").out
    )
    assert "child process was not spawned" not in log
    assert lab_command("down").code == 0
