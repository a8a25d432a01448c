"""From the SIGKILL of a runner to the first line of the undo, and to the closed ledger entry.

A runner in its own process loses the lab's primary and is killed. The undo is the shipped one, with a
line before and after it that notes the time; "over" is what healing took beyond the undo itself. Also with
a process that keeps the other core busy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import series
from chaos_ext import labs
from chaos_ext.actions.lab import postgresql
from chaos_ext.safety import execute, ledger
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Ledger

ROUNDS = 10
NODE = "pg-c"  # a read replica: losing it leaves the lab as it was


def main() -> None:
    """Kill runners over one lab, idle and with a busy core."""
    facts = labs.up(name="bench-janitor", owner_pid=os.getpid())
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-bench-") as folder:
            for label, busy in (("idle", False), ("one core busy", True)):
                begins, overs, undos, starts = [], [], [], []
                spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
                try:
                    for number in range(ROUNDS):
                        seen = _round(facts, Path(folder) / f"{label}-{number}")
                        begins.append(seen["began"] - seen["killed"])
                        undos.append(seen["ended"] - seen["began"])
                        overs.append(seen["closed"] - seen["killed"] - undos[-1])
                        starts.append(seen["janitor_start_s"])
                finally:
                    if spinner is not None:
                        spinner.kill()
                        spinner.wait()
                series(f"SIGKILL to first line of the undo, {label}", begins, bound="0.2 s")
                series(f"SIGKILL to healed beyond the undo, {label}", overs, bound="0.5 s")
                series(f"the undo itself, {label}", undos)
                series(f"start of a janitor, {label}", starts)
    finally:
        labs.down(facts["name"])


def timed_restore(log: str, configuration: dict[str, Any] | None = None) -> dict[str, Any]:
    """`restore_node`, with a note of when it began and ended."""
    began = time.monotonic()
    said = postgresql.restore_node(NODE, configuration)
    Path(log).write_text(json.dumps({"began": began, "ended": time.monotonic()}))
    return said


def _round(facts: dict[str, Any], folder: Path) -> dict[str, float]:
    wanted = json.dumps({"facts": facts, "folder": str(folder)})
    runner = subprocess.Popen(
        [sys.executable, "-m", "bench.janitor", wanted],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert runner.stdin
    assert runner.stdout
    said = json.loads(runner.stdout.readline())
    killed = time.monotonic()
    runner.kill()
    book = Ledger(folder, "lab", facts["marker"])
    while book.open_entries():
        if time.monotonic() > killed + 60:
            raise TimeoutError("the janitor did not heal")
        time.sleep(0.002)
    closed = time.monotonic()
    runner.wait()
    (entry,) = book.entries()
    if entry.state != "undone":
        raise RuntimeError(f"not healed: {entry.state}: {entry.why}")
    times = json.loads((folder / "undo.json").read_text())
    return {"killed": killed, "closed": closed, "janitor_start_s": said["janitor_start_s"], **times}


def _run(wanted: dict[str, Any]) -> None:
    """The runner: break the node, say so, wait to be killed."""
    folder = Path(wanted["folder"])
    started = time.monotonic()
    janitor = Janitor.start(folder)
    janitor_start_s = time.monotonic() - started
    facts = wanted["facts"]
    configuration = {"chaos_facts": facts}
    book = Ledger(folder, "lab", facts["marker"])
    module = "chaos_ext.actions.lab.postgresql"
    entry = book.intend(
        "destroy-node",
        activity=_python(module, "destroy_node", node=NODE),
        undo=_python("bench.janitor", "timed_restore", log=str(folder / "undo.json")),
        in_force=_python(module, "node_is_destroyed", node=NODE),
        target=NODE,
        prior=None,
        lease_s=120,
        configuration=configuration,
        identity={"lab": {"marker": facts["marker"], "directory": facts["dir"]}},
    )
    janitor.expect(entry)
    entry = book.injected(entry, execute.run(entry.activity, configuration))
    print(json.dumps({"janitor_start_s": janitor_start_s}), flush=True)
    sys.stdin.read()
    raise SystemExit(ledger.find(entry.path, entry.id).state)


def _python(module: str, func: str, **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider}


if __name__ == "__main__":
    _run(json.loads(sys.argv[1]))
