"""Starting, finding and ending a client that lives on beside the lab; see `client`.

Such a client is known by what its environment says, so that whoever undoes the fault finds it although the
runner that started it is dead. It also carries the lab's own mark: it ends with the lab.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import proven
from chaos_ext.actions.lab.client import LAB_DIR
from chaos_ext.language import t
from chaos_ext.safety import holders

_MARK = "CHAOS_CLIENT"  # value: "<the lab's marker> <what it does>"
_LABS_MARK = "CHAOS_LAB_PART_OF"  # the lab ends whatever carries it: "<marker> <directory>"
_ENDED_WITHIN_S = 5.0


def start(
    kind: str,
    words: Sequence[str],
    *,
    user: str,
    application: str,
    within_s: float,
    configuration: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Start a client that does `kind` with `words`, and wait until it holds what it shall hold.

    Returns ``{"pid", "started", …}`` and what it says. Raises ActivityFailed when it cannot, or takes longer than
    `within_s` seconds; then it has been ended.
    """
    facts = proven.facts(configuration)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "PGUSER": user,
        "PGAPPNAME": application,
        "PGSERVICEFILE": facts["postgresql"]["service_file"],
        "PGPASSFILE": facts["postgresql"]["pass_file"],
        LAB_DIR: facts["dir"],
        _MARK: f"{facts['marker']} {kind}",
        _LABS_MARK: f"{facts['marker']} {facts['dir']}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos_ext.actions.lab.client", kind, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    try:
        return _told_to_go(process, time.monotonic() + within_s)
    except BaseException:
        process.kill()
        process.wait(5)
        raise
    finally:
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def _told_to_go(process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
    assert process.stdin is not None
    _line(process, deadline)
    holder = holders.stands(process.pid)  # in the ledger before it holds anything
    process.stdin.write(b"go\n")
    process.stdin.flush()
    said: dict[str, Any] = json.loads(_line(process, deadline))
    if "error" in said:
        raise ActivityFailed(t("the client: {error}", error=said["error"]))
    started = psutil.Process(process.pid).create_time()
    return {"pid": process.pid, "started": started, "holder": holder, **said}


def _line(process: subprocess.Popen[bytes], deadline: float) -> str:
    """The client's next line."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise ActivityFailed(t("the client (pid {pid}): got no answer in time", pid=process.pid))
    line = process.stdout.readline().decode()
    if not line:
        raise ActivityFailed(t("the client (pid {pid}): got its end, expected an answer", pid=process.pid))
    return line


def living(kind: str, configuration: Mapping[str, Any] | None) -> list[psutil.Process]:
    """The lab's clients that do `kind`; psutil signals no other process that gets such a pid later."""
    mark = f"{proven.facts(configuration)['marker']} {kind}"
    return [process for process in psutil.process_iter() if _has(process, mark)]


def end(kind: str, configuration: Mapping[str, Any] | None) -> list[int]:
    """End the lab's clients that do `kind`, by SIGKILL; their pids. Raises ActivityFailed when one stays."""
    ended: list[int] = []
    deadline = time.monotonic() + _ENDED_WITHIN_S
    while left := living(kind, configuration):
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
            ended += [process.pid] if process.pid not in ended else []
        psutil.wait_procs(left, timeout=0.05)
        if time.monotonic() > deadline:
            raise ActivityFailed(t("the client: got {left} alive after SIGKILL", left=[p.pid for p in left]))
    return ended


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == mark
    except (psutil.Error, OSError):
        return False  # gone, or somebody else's
