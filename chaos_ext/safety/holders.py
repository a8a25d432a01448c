"""Faults that need a holder (a lock, sessions): its process is in the ledger, by pid and start, before it holds any.

So it can be ended although the activity's own undo is gone, and no other process that got its pid is ever touched.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import psutil

from chaos_ext.language import t
from chaos_ext.safety import processes
from chaos_ext.safety.entries import Entry, Holder
from chaos_ext.safety.ledger import Ledger

_TERM_S, _KILL_S = 2.0, 5.0
_injecting: ContextVar[tuple[Ledger, Entry] | None] = ContextVar("injecting", default=None)


@contextmanager
def injecting(ledger: Ledger, entry: Entry) -> Iterator[None]:
    """While an activity injects that entry's fault in this thread: `stands` writes there."""
    token = _injecting.set((ledger, entry))
    try:
        yield
    finally:
        _injecting.reset(token)


def stands(pid: int) -> dict[str, object]:
    """Write down that the fault being injected will live in process `pid`, which holds nothing yet.

    Returns it for the activity's output, as ``{"pid", "started", "host"}``. Raises Blocked when it cannot be written
    down: then it must not begin to hold anything. ProcessLookupError when it is dead.
    """
    started = processes.start_of(pid)
    if started is None:
        raise ProcessLookupError(pid)
    holder = Holder(pid, started, processes.host())
    if (now := _injecting.get()) is not None:
        ledger, entry = now
        ledger.held_by(entry, holder)
    return dict(vars(holder))


def end(holder: Holder) -> str:
    """End that very process, politely first; what became of it, in words. Raises RuntimeError when it stays."""
    if holder.host != processes.host():
        raise RuntimeError(
            t("its holder (pid {pid}) is on {host}: run 'chaos heal' there", pid=holder.pid, host=holder.host)
        )
    if not holder.is_here_and_lives:
        return t("its holder (pid {pid}) has ended", pid=holder.pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(holder.pid)  # signals no other process that gets its pid from now on
        if holder.is_here_and_lives:
            _end(process)
    if holder.is_here_and_lives:
        raise RuntimeError(t("its holder (pid {pid}) is alive after SIGKILL", pid=holder.pid))
    return t("its holder (pid {pid}) was ended", pid=holder.pid)


def _end(process: psutil.Process) -> None:
    for signal, within_s in ((process.terminate, _TERM_S), (process.kill, _KILL_S)):
        signal()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(0.02)
