"""What every test gets: a state folder and a lab home of its own, and a look at what it left behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no finding: examples are as slow as it is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

pytest_plugins = ["alone", "labs_for_tests", "projects_for_tests", "waiting"]

ROOT = Path(__file__).resolve().parent.parent
MARK = f"CHAOS_TEST_OF={os.getpid()}"
_NEEDS = {
    "slow": "the whole catalogue, many runs: make test-slow",
    "peers": "needs tools of others: make peers",
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
    for name in (
        "CHAOS_LAB",
        "CHAOS_ARM",
        "CHAOS_TRIAL_DIR",
        "CHAOS_WATCH_S",
        "CHAOS_INDEX",
        "NO_COLOR",
        "FORCE_COLOR",
    ):
        os.environ.pop(name, None)
    for name in [name for name in os.environ if name.startswith("AWS_")]:  # the account of whoever runs them
        del os.environ[name]
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:  # what is started in the background ignores them,
            signal.signal(number, usual)  # and so would every process of a test that sends them
    config._chaos_base = base  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config._chaos_base, ignore_errors=True)  # type: ignore[attr-defined]


def _ours(pids: Iterable[int]) -> dict[tuple[int, float], str]:
    """Which of `pids` live and were started by this test process, however far they detached: they have its mark."""
    found: dict[tuple[int, float], str] = {}
    key, value = MARK.split("=")
    for pid in pids:
        try:
            process = psutil.Process(pid)
            if pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(key) == value or os.getpid() in (p.pid for p in process.parents()):
                found[pid, process.create_time()] = " ".join(process.cmdline())[:120]
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


def _pinned() -> dict[str, str]:
    """Variables of this process that point into a folder of pins."""
    return {name: value for name, value in os.environ.items() if "/chaos-pins-" in value}


@pytest.fixture(autouse=True)
def nothing_pinned_by_a_late_call(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A call that was given up ends late; what it puts back then is undone with the rest that its test had set."""
    yield  # and `monkeypatch`, which was there before, is undone after this
    deadline = time.monotonic() + 20  # its folder goes when it ends
    while any(Path(value).parent.exists() for value in _pinned().values()) and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fails a test after which this process is pinned still, and ends that: the next test has its own look around."""
    yield
    left = _pinned()
    for name in left:
        del os.environ[name]
    assert not left, f"left pinned: {left}"


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> Iterator[None]:
    """What a test's process knows to hide is not hidden from the next test."""
    yield
    from chaos_ext.masking import register

    register.forget()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fails a test that leaves a process, a listening port or a file; wider fixtures may hold theirs."""
    pids, ports, files, labs = set(psutil.pids()), _listening(), set(os.listdir(ROOT)), _labs()
    yield
    left = _ours(set(psutil.pids()) - pids)
    if left:  # one that is on its way out gets a moment
        deadline = time.monotonic() + 2
        while any(psutil.pid_exists(pid) for pid, _ in left) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = _ours(set(psutil.pids()) - pids)
    assert not left, f"left running: {left}"
    assert _labs() <= labs, f"left labs: {_labs() - labs}"
    assert _listening() <= ports, f"left listening: {_listening() - ports}"
    caches = {".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", "__pycache__", ".coverage"}
    assert set(os.listdir(ROOT)) - files - caches == set(), "left files in the checkout"
