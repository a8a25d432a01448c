"""What a person waits for, told by the last thing that happened."""

from __future__ import annotations

from collections.abc import Callable

from chaos_ext.language import t
from chaos_ext.model import Event
from chaos_ext.report.clean import clean

# What goes on after an event, until the next one.
WAITING: dict[str, Callable[[Event], str]] = {
    "run-started": lambda e: t("the janitor starts"),
    "lab-starting": lambda e: t("the lab starts"),
    "lab-started": lambda e: t("the environment is proven"),
    "environment-proven": lambda e: t("the meter starts"),
    "meter-started": lambda e: t("the user flows are watched before anything is broken"),
    "baseline": lambda e: t("the fault goes in"),
    "fault-injected": lambda e: t("evidence is looked for"),
    "fault-in-force": lambda e: (
        t("waiting until users feel it")
        if e.get("when") == "after-injection"
        else t("watching what becomes of it")
    ),
    "impact": lambda e: t("waiting for the alert"),
    "alert": lambda e: t("evidence is looked for again"),
    "runbook-started": lambda e: t("the runbook's own Verification runs"),
    "step-started": lambda e: clean(str(e.get("heading") or e.get("step"))),
    "step-finished": lambda e: t("the runbook goes on"),
    "runbook-finished": lambda e: t("watching whether users are back for good"),
    "watched": lambda e: t("looking whether it came back"),
    "recovery": lambda e: t("the writes are read back"),
    "verification-after": lambda e: t("the writes are read back"),
    "write-log": lambda e: t("the fault is undone"),
    "fault-undone": lambda e: t("the trial ends"),
    "trial-finished": lambda e: t("the labs are taken down"),
    "abort": lambda e: t("stopping; what was broken is undone"),
    "lab-stopped": lambda e: t("the evidence is judged"),
    "verdict": lambda e: "",
}
