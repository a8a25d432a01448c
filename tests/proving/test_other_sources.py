"""Sources that are empty, gone or another: real servers, asked by the clients that probes use."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
import redis

from chaos_ext.proving.altered import altered
from chaos_ext.proving.nobody import nobody
from chaos_ext.safety import supervisor


@pytest.fixture
def where():
    with tempfile.TemporaryDirectory(prefix="ct-") as folder, nobody(Path(folder)) as found:
        yield found


@pytest.fixture
def facts(tmp_path):
    """A place with each kind of source."""
    for name in ("logs", "conf", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / "logs" / "a.log").write_text("something\n")
    tool = tmp_path / "bin" / "psql"
    tool.write_text("#!/bin/sh\necho 1\n")
    tool.chmod(0o755)
    services = tmp_path / "pg_service.conf"
    services.write_text("[pg-a]\nhost=127.0.0.1\nport=20001\nuser=x\n")
    return {
        "dir": str(tmp_path),
        "marker": "127.0.0.1:20001",
        "edge": {"url": "https://127.0.0.1:20000/x"},
        "cache": {"host": "127.0.0.1", "port": 20002},
        "postgresql": {"service_file": str(services), "nodes": {"pg-a": {"port": 20001}}},
        "logs": str(tmp_path / "logs"),
        "conf": str(tmp_path / "conf"),
        "bin": str(tmp_path / "bin"),
    }


@pytest.fixture
def other(facts, tmp_path, where):
    return altered(facts, tmp_path / "altered", where)


def test_who_answers_with_nothing_does_so_to_http_and_to_a_cache(where):
    connection = http.client.HTTPConnection("127.0.0.1", where.empty_port, timeout=5)
    connection.request("GET", "/api/v2/alerts")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"[]")
    connection.close()
    with redis.Redis(port=where.empty_port, protocol=2, socket_timeout=5) as cache:
        assert cache.execute_command("KEYS", "*") == []
        assert cache.execute_command("CLIENT", "LIST") == []


def test_what_speaks_otherwise_is_hung_up_on(where):
    with socket.create_connection(("127.0.0.1", where.empty_port), 5) as client:
        client.sendall(b"\x16\x03\x01")
        assert client.recv(10) == b""


def test_nobody_is_at_the_closed_port_and_an_orchestrator_that_says_nothing_is_no_answer(where):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", where.closed_port), 5)
    for path in (where.closed_socket, where.empty_socket):
        with pytest.raises(supervisor.SupervisorError):
            supervisor.call(path, "supervisor.getState")


def test_every_address_and_file_is_another_and_what_a_place_is_known_by_stays(facts, other, where):
    for found, port in ((other.empty, where.empty_port), (other.cut_off, where.closed_port)):
        assert found["edge"]["url"] == f"https://127.0.0.1:{port}/x"
        assert found["cache"]["port"] == found["postgresql"]["nodes"]["pg-a"]["port"] == port
        assert f"port={port}\n" in Path(found["postgresql"]["service_file"]).read_text()
        assert (found["dir"], found["marker"]) == (facts["dir"], facts["marker"])
    assert list(Path(other.empty["logs"]).iterdir()) == []
    assert not Path(other.cut_off["logs"]).exists()
    assert "20001" in Path(facts["postgresql"]["service_file"]).read_text()


def test_a_mistaken_address_is_that_of_another_service_which_is_there(facts, other):
    ports = {20000, 20001, 20002}
    assert other.mistaken["cache"]["port"] in ports - {20002}
    assert other.mistaken["edge"]["url"] != facts["edge"]["url"]
    assert other.mistaken["logs"] == facts["conf"]
    assert other.mistaken["bin"] == facts["bin"]


def test_commands_print_nothing_and_succeed_or_cannot_connect(other):
    def run(found):
        return subprocess.run(
            [f"{found['bin']}/psql", "-c", "SELECT 1"], input="x" * 100_000, capture_output=True, text=True
        )

    assert (run(other.empty).returncode, run(other.empty).stdout) == (0, "")
    assert run(other.cut_off).returncode == 2
    assert os.access(f"{other.empty['bin']}/psql", os.X_OK)


def test_looks_do_not_see_the_folder_in_which_a_fault_leaves_its_record(facts, other):
    assert other.for_looks().empty["dir"] == other.empty["conf"] != facts["dir"]
