"""A small runbook that is right in every way, and ways to follow it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_ext.runbook.follow import Outcome, follow
from chaos_ext.runbook.model import Runbook
from chaos_ext.runbook.parse import parse
from chaos_ext.runbook.verify_once import VerifiedOnce, verify_once

WELL = """\
---
shell: bash
runbook:
  id: well
  recovers: [store-down]
  owner: sre
  rto: 10m
---

# The store is down

## Meaning

It is down.

## Impact

Nobody can buy. See [the plan](plan.md).

## Parameters

```sh {"name":"parameters","role":"params","interactive":"false","promptEnv":"no"}
export NODES="${NODES:-a b}"
: "${STATE:?where the state is}"
```

## Diagnosis

### Step 1: Look

```sh {"name":"look","role":"diagnose","interactive":"false"}
cat "$STATE"
export SEEN=yes
```

```text {"ignore":"true","expect":"contains"}
down
```

### Decision 2: Which node is best?

```sh {"name":"BEST","role":"diagnose","interactive":"false"}
echo "${NODES%% *}"
```

| it says | go to |
|---|---|
| `a`, `b` | [Step 3](#step-3-start-it) |
| anything else | [Escalation](#escalation) |

## Mitigation

### Step 3: Start it

> **Warning:** what was in it is gone.

```sh {"name":"start","role":"mitigate","interactive":"false","timeout":"5s"}
rm -f "$STATE.old"
echo "up $BEST" > "$STATE"
```

#### Undo Step 3

```sh {"name":"stop","role":"undo","undoes":"start","interactive":"false","excludeFromRunAll":"true","timeout":"5s"}
echo down > "$STATE"
```

## Verification

```sh {"name":"is-up","role":"verify","interactive":"false","timeout":"5s","within":"5s","every":"50ms"}
grep -q up "$STATE"
```

## Escalation

Call somebody.
"""


@pytest.fixture
def well() -> str:
    """The runbook that is right."""
    return WELL


@pytest.fixture
def write_runbook(tmp_path: Path) -> Callable[[str], Path]:
    """Write a runbook as well.md, with the plan that it links, and return its path."""

    def write(text: str) -> Path:
        (tmp_path / "plan.md").write_text("# The plan\n\n## In short\n")
        path = tmp_path / "well.md"
        path.write_text(text)
        return path

    return write


@dataclass
class Follower:
    """Follows runbooks and keeps what they emitted."""

    write: Callable[[str], Path]
    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    proofs: int = 0
    aborting: threading.Event = field(default_factory=threading.Event)
    on_event: Callable[[dict[str, Any]], None] = lambda event: None
    prove: Callable[[], None] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def emit(self, kind: str, **fields: Any) -> None:
        event = {"kind": kind, **fields}
        self.events.append(event)
        self.on_event(event)

    def _prove(self) -> None:
        self.proofs += 1
        if self.prove:
            self.prove()

    def _way(self) -> dict[str, Any]:
        return {
            "platform": "lab",
            "variables": {"STATE": str(self.state), **self.variables},
            "secrets": self.secrets,
            "path": (),
            "emit": self.emit,
            "aborting": self.aborting,
        }

    def runbook(self, text: str | Runbook) -> Runbook:
        return text if isinstance(text, Runbook) else parse(self.write(text))

    def follow(self, text: str | Runbook, **more: Any) -> Outcome:
        return follow(self.runbook(text), prove=self._prove, **self._way(), **more)

    def verify_once(self, text: str) -> VerifiedOnce:
        return verify_once(self.runbook(text), **self._way())

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]

    def output(self, step: str) -> list[str]:
        return [event["line"] for event in self.all("step-output") if event["step"] == step]

    def finished(self, step: str) -> dict[str, Any]:
        return [event for event in self.all("step-finished") if event["step"] == step][-1]


@pytest.fixture
def follower(write_runbook: Callable[[str], Path], tmp_path: Path) -> Follower:
    """Follows a runbook whose $STATE says 'down'."""
    follower = Follower(write_runbook, tmp_path)
    follower.state.write_text("down\n")
    return follower


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Whether a process lives; a zombie does not."""

    def lives(pid: int) -> bool:
        try:
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return lives


@pytest.fixture
def one_step() -> Callable[..., str]:
    """The runbook whose Step 1 has this code, and these attributes besides name, role and interactive."""

    def make(code: str, **attributes: str) -> str:
        more = "".join(f',"{key}":"{value}"' for key, value in attributes.items())
        look = WELL.index('```sh {"name":"look"')
        end = WELL.index("### Decision 2")
        block = f'```sh {{"name":"look","role":"diagnose","interactive":"false"{more}}}\n{code}\n```\n\n'
        return WELL[:look] + block + WELL[end:]

    return make
