"""What every test gets: a state folder and a lab home of its own, and a look at what it left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no finding: examples are as slow as it is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

pytest_plugins = ["labs_for_tests", "projects_for_tests"]

ROOT = Path(__file__).resolve().parent.parent
MARK = f"CHAOS_TEST_OF={os.getpid()}"
_NEEDS = {
    "slow": "the whole catalogue, many runs: make test-slow",
    "peers": "needs real third-party tools: make peers",
    "cloud": "needs real cloud accounts: pytest --cloud -m cloud",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, needs in _NEEDS.items():
        parser.addoption(f"--{name}", action="store_true", help=f"run tests marked {name} ({needs})")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name, needs in _NEEDS.items():
            if item.get_closest_marker(name) and not config.getoption(f"--{name}"):
                item.add_marker(pytest.mark.skip(reason=needs))


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported: nothing of the user's HOME, nothing of the checkout's state."""
    # Short, because a Unix socket's path holds 107 bytes; 0711, because PostgreSQL may run as somebody else.
    base = Path(tempfile.mkdtemp(prefix="ct-", dir="/tmp"))
    base.chmod(0o711)
    for name in ("home", "state", "labs"):
        (base / name).mkdir(mode=0o711)
    key, value = MARK.split("=")
    os.environ.update(
        HOME=str(base / "home"), CHAOS_STATE=str(base / "state"), CHAOS_LAB_HOME=str(base / "labs")
    )
    os.environ[key] = value
    os.environ["CHAOS_PROJECT"] = str(ROOT)
    for name in ("CHAOS_LAB", "CHAOS_ARM", "CHAOS_TRIAL_DIR", "CHAOS_WATCH_S", "NO_COLOR", "FORCE_COLOR"):
        os.environ.pop(name, None)
    config._chaos_base = base  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config._chaos_base, ignore_errors=True)  # type: ignore[attr-defined]


def _ours() -> dict[tuple[int, float], str]:
    """Live processes that this test process started, however far they detached: they inherited its mark."""
    found: dict[tuple[int, float], str] = {}
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            key, value = MARK.split("=")
            if process.environ().get(key) == value or os.getpid() in (p.pid for p in process.parents()):
                found[process.pid, process.create_time()] = " ".join(process.cmdline())[:120]
        except psutil.Error:
            continue
    return found


def _labs() -> set[str]:
    """Labs in this test process's lab home; their processes do not inherit the mark."""
    kept = ("template", "pg-", ".")  # made once, for every lab
    home = Path(os.environ["CHAOS_LAB_HOME"])
    if not home.is_dir():  # a test's own, which went with it
        return set()
    return {path.name for path in home.iterdir() if path.is_dir() and not path.name.startswith(kept)}


def _listening() -> set[str]:
    return {
        f"{c.laddr.ip}:{c.laddr.port}"
        for c in psutil.Process().net_connections("inet")
        if c.status == psutil.CONN_LISTEN
    }


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests read English wherever they run, and a `--lang ja` ends with its test."""
    monkeypatch.setenv("CHAOS_LANG", "en")


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fails a test that leaves a process, a listening port or a file; wider fixtures may hold theirs."""
    processes, ports, files, labs = _ours(), _listening(), set(os.listdir(ROOT)), _labs()
    yield
    left = {k: v for k, v in _ours().items() if k not in processes}
    if left:  # one that is on its way out gets a moment
        psutil.wait_procs([psutil.Process(p) for p, _ in left if psutil.pid_exists(p)], timeout=2)
        left = {k: v for k, v in _ours().items() if k not in processes}
    assert not left, f"left running: {left}"
    assert _labs() <= labs, f"left labs: {_labs() - labs}"
    assert _listening() <= ports, f"left listening: {_listening() - ports}"
    caches = {".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", "__pycache__", ".coverage"}
    assert set(os.listdir(ROOT)) - files - caches == set(), "left files in the checkout"
