"""What a person waits for, told by the last thing that happened."""

from __future__ import annotations

from collections.abc import Callable

from chaos_ext.model import Event
from chaos_ext.report.clean import clean

# What goes on after an event, until the next one.
WAITING: dict[str, Callable[[Event], str]] = {
    "run-started": lambda e: "the janitor starts",
    "lab-starting": lambda e: "the lab starts",
    "lab-started": lambda e: "the environment is proven",
    "environment-proven": lambda e: "the meter starts",
    "meter-started": lambda e: "the user flows are watched before anything is broken",
    "baseline": lambda e: "the fault goes in",
    "fault-injected": lambda e: "evidence is looked for",
    "fault-in-force": lambda e: (
        "waiting until users feel it" if e.get("when") == "after-injection" else "watching what becomes of it"
    ),
    "impact": lambda e: "waiting for the alert",
    "alert": lambda e: "evidence is looked for again",
    "runbook-started": lambda e: "the runbook's own Verification runs",
    "step-started": lambda e: clean(str(e.get("heading") or e.get("step"))),
    "step-finished": lambda e: "the runbook goes on",
    "runbook-finished": lambda e: "watching whether users are back for good",
    "watched": lambda e: "looking whether it came back",
    "recovery": lambda e: "the writes are read back",
    "write-log": lambda e: "the fault is undone",
    "fault-undone": lambda e: "the trial ends",
    "trial-finished": lambda e: "the labs are taken down",
    "abort": lambda e: "stopping; what was broken is undone",
    "lab-stopped": lambda e: "the evidence is judged",
    "verdict": lambda e: "",
}
