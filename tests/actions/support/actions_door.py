"""A trial as small as it can be, over a real lab: what the guarded door needs and nothing else."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_ext import environments
from chaos_ext.actions.door import Fault
from chaos_ext.errors import Interrupted
from chaos_ext.model import Place
from chaos_ext.record import Recorder
from chaos_ext.safety import guard
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Entry, Ledger


@dataclass
class SmallTrial:
    place: Place
    recorder: Recorder
    ledger: Ledger
    janitor: Janitor
    aborting: threading.Event = field(default_factory=threading.Event)

    def prove(self) -> None:
        guard.prove(self.place)

    def refuse_if_aborting(self) -> None:
        if self.aborting.is_set():
            raise Interrupted("asked to stop")

    def undo_on_abort(self, entry: Entry, secrets: dict[str, Any]) -> None:
        pass

    def wait(self, seconds: float) -> None:
        self.aborting.wait(seconds)
        self.refuse_if_aborting()


def open_trial(facts: dict[str, Any], directory: Path) -> SmallTrial:
    environment = environments.fill(environments.load("lab"), facts)
    place = Place(environment, facts["marker"], facts)
    return SmallTrial(
        place,
        Recorder(directory / "events.jsonl"),
        Ledger(directory / "ledger", "lab", facts["marker"]),
        Janitor.start(directory / "ledger"),
    )


def as_fault(facts: dict[str, Any], name: str, **activities: Any) -> Fault:
    parts = {"undo": None, "cannot_be_undone_because": "", "secrets": {}, **activities}
    return Fault(name=name, configuration={"chaos_facts": facts}, **parts)


def python(module: str, func: str, kind: str = "action", **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": kind, "name": func.replace("_", "-"), "provider": provider}
