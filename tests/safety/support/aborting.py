"""A project as small as it can be over a real place, and runners of it that can be stopped in every way."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import wait_for

from chaos_ext.safety import ledger as ledgers
from chaos_ext.safety.ledger import Entry

SUPPORT = Path(__file__).parent
WITHIN_S = 0.2  # the issue's own bound: undo begins so long after the abort was seen, at the latest

_SERVICES = """
schema: 1
services: {small: {title: Small, owner: us}}
flows:
  hurt:
    title: Hurt
    service: small
    slo: {success: 99%, latency: 2s, percentile: 95}
    deadline: 2s
    per_second: 20
    request: {path: /by/fault}
  steady:
    title: Steady
    service: small
    slo: {success: 99%, latency: 2s, percentile: 95}
    deadline: 2s
    per_second: 20
    request: {path: /steady}
"""
_MODE = """
schema: 1
id: small
title: Small
product: small
category: misconfiguration-or-bug
event: A file is gone.
impact: {flows: {%(claim)s}, summary: Some.}
severity: 1
likelihood: 1
detectability: 1
detection: {alert: Small}
recovery: runbook
runbook: runbooks/small.md
objectives: {default: {detect_within: 60s, recover_within: %(within)s, lost_acknowledged_writes: 0}}
reproduce: {}
reverify_every: 90d
owner: us
"""
_ENVIRONMENT = """
schema: 1
name: small
title: Small
platform: lab
disposable: %(disposable)s
identity: {lab: {marker: "${lab.marker}", directory: "${lab.dir}"}}
base_url: http://127.0.0.1:%(port)s
alerts: {source: alertmanager, url: "http://127.0.0.1:%(port)s", poll: 250ms, runbook_base_url: "http://x/", rules: []}
targets: {}
windows: {baseline: 500ms, stable: 500ms}
limits: {targets: 2, longest_fault: %(longest)s}
abort: {%(abort)s}
%(more)s
"""
_GUIDELINES = """
schema: 1
rules:
  - {id: small, decision: free, reason: {en: It is small., ja: 小さい。}, match: {environment: [small]}}
"""
_RUNBOOK = """---
shell: bash
runbook:
  id: small
  recovers: [small]
  owner: us
  rto: 5m
  rpo: 0s
---

# A file is gone

## Mitigation

### Step 1: Try

```sh {"name":"try","role":"mitigate","interactive":"false","on":"lab","timeout":"10m"}
%(block)s
```

### Step 2: Never

```sh {"name":"never","role":"mitigate","interactive":"false","on":"lab","timeout":"10m"}
touch "%(thing)s.second"
```
"""


def python(func: str, module: str, kind: str = "action", **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": kind, "name": func.replace("_", "-"), "provider": provider}


def small_project(
    root: Path, port: int, thing: Path, block: str = "true", within: str = "5m", claim: str = "hurt: outage",
    abort: str = "", longest: str = "2m", disposable: str = "true", more: str = "",
) -> None:  # fmt: skip
    """The folder of a catalogue with one mode, whose fault is the missing file."""
    for name in ("catalog/failure-modes/small", "catalog/runbooks", "environments"):
        (root / name).mkdir(parents=True, exist_ok=True)
    words = {
        "port": port, "thing": thing, "block": block, "within": within, "claim": claim, "abort": abort,
        "longest": longest, "disposable": disposable, "more": more,
    }  # fmt: skip
    (root / "catalog/services.yaml").write_text(_SERVICES)
    (root / "catalog/guidelines.yaml").write_text(_GUIDELINES)
    (root / "catalog/failure-modes/small/small.yaml").write_text(_MODE % words)
    (root / "catalog/runbooks/small.md").write_text(_RUNBOOK % words)
    (root / "environments/small.yaml").write_text(_ENVIRONMENT % words)


def inject(thing: Path, by: str = "break_file") -> dict[str, Any]:
    fault = {
        name: python(func, "safety_breakable", kind, path=str(thing))
        for name, func, kind in (
            ("activity", by, "action"),
            ("in_force", "is_broken", "probe"),
            ("undo", "mend", "action"),
        )
    }
    return python("inject", "chaos_ext.actions.fault", name="break-file", **fault)


def experiment(*method: dict[str, Any]) -> dict[str, Any]:
    """As compiled: the control at the top, the baseline, and the undo among the rollbacks."""
    probe = python("flows_meet_slo", "chaos_ext.probes.steady_state", "probe")
    tolerance = python("holds", "chaos_ext.probes.tolerance", "probe")
    return {
        "version": "1.0.0", "title": "small", "description": "small",
        "configuration": {"chaos_environment": "small", "chaos_mode": "small",
            "chaos_trial_dir": {"type": "env", "key": "CHAOS_TRIAL_DIR"}},
        "controls": [{"name": "trial", "provider": {"type": "python", "module": "chaos_ext.controls.trial"}}],
        "runtime": {"rollbacks": {"strategy": "always"}},
        "steady-state-hypothesis": {"title": "well", "probes": [{**probe, "tolerance": tolerance}]},
        "method": list(method),
        "rollbacks": [python("undo", "chaos_ext.actions.fault", name="break-file")],
    }  # fmt: skip


@dataclass
class Run:
    """A runner in its own process and session."""

    process: subprocess.Popen[bytes]
    root: Path
    thing: Path
    master: int | None  # the other end of its terminal

    def events(self, kind: str) -> list[dict[str, Any]]:
        path = self.root / "trial" / "events.jsonl"
        lines = path.read_bytes().splitlines() if path.is_file() else []
        found: list[dict[str, Any]] = [json.loads(line) for line in lines if line.endswith(b"}")]
        return [event for event in found if event["kind"] == kind]

    def log(self, what: str) -> list[float]:
        path = Path(f"{self.thing}.log")
        said = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line["at"] for line in said if line["what"] == what]

    def wait_for(self, what: str, holds: Any) -> Any:
        return wait_for(f"{what}: {self.output()[-1500:]}", holds, 60)

    def output(self) -> str:
        return (self.root / "output").read_text(errors="replace")

    def stop(self, how: str) -> None:
        """Stop it by a signal's name, or by taking its terminal away."""
        if how == "terminal":
            assert self.master is not None
            os.close(self.master)
            self.master = None
        else:
            self.process.send_signal(signal.Signals[how])

    def entries(self) -> list[Entry]:
        return ledgers.read_all(self.root / "state" / "ledger", [])

    def goes_on(self) -> bool:
        """Whether something that it broke is still to be put back."""
        return any(entry.is_open and entry.runner_pid == self.process.pid for entry in self.entries())


@contextmanager
def running(
    root: Path,
    thing: Path,
    facts: dict[str, Any],
    what: dict[str, Any],
    how: str = "ours",
    largest_file: int | None = None,
) -> Iterator[Run]:
    """Start a runner of `what`; it is ended when the block is left, whatever became of it.

    `largest_file`: bytes that a file may have for it and what it starts; more, and the disk is full.
    """

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    (root / "facts.json").write_text(json.dumps(facts))
    (root / "experiment.json").write_text(json.dumps(what))
    master, slave = pty.openpty()
    environment = {
        **os.environ, "CHAOS_PROJECT": str(root), "CHAOS_STATE": str(root / "state"),
        "CHAOS_TRIAL_DIR": str(root / "trial"),
        "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    with (root / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "abort_runner.py"), how, str(root / "experiment.json"),
             str(root / "facts.json"), str(root / "trial")],
            stdin=subprocess.DEVNULL, stdout=slave, stderr=output, cwd=root, env=environment, start_new_session=True,
            preexec_fn=limit,
        )  # fmt: skip
    os.close(slave)
    run = Run(process, root, thing, master)
    try:
        yield run
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        if run.master is not None:
            os.close(run.master)
        # Its janitor outlives it for a moment, and closes what is open.
        wait_for("its janitor to end", lambda: not run.goes_on(), 30)
