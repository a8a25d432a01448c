"""Whether the user flows are back, and when that was."""

import time
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.language import t
from chaos_ext.model import Arm, Interval
from chaos_ext.probes import measured
from chaos_ext.probes.fault import is_gone, look
from chaos_ext.trial import Trial, current

__all__ = ["recovered"]

# How much longer than the objective is watched, to tell "too slow" from "not at all".
PATIENCE = 1.5
# Whether a step is necessary, or a mistake does harm, is asked up to the objective and no longer; so much is added to
# the stable window that a recovery at the last moment is seen.
_MARGIN_S = 0.5


def recovered(within_s: float, configuration: Configuration = None) -> dict[str, Any]:
    """Wait until every user flow meets its SLO and has done so for the environment's stable window.

    - `within_s`: the objective, seconds after the fault; watched up to 1.5 times as long, plus the window.
      In the arms in which nothing is done, and when the runbook stopped half-way, only what is already there is
      looked at. Where it was not followed as it is written, up to the objective in any case.

    Returns ``{"holds": bool, "earliest": …, "latest": …}``: recovery began in that interval (monotonic
    seconds). Changes nothing.

    YAML::

        type: probe
        name: recovered
        provider: {type: python, module: chaos_ext.probes.recovery, func: recovered, arguments: {within_s: 15.0}}
    """
    trial = current(configuration)
    since = trial.fault_at
    if trial.rehearses:
        return _by_evidence(trial)
    if trial.arm is Arm.HEALTHY:
        return _still_well(trial)
    if since is None:
        return {"holds": False, "why": t("no fault was injected")}
    trial.at_its_end = True
    started = time.monotonic()
    stable_s = trial.place.environment.windows.stable
    deadline = since + PATIENCE * within_s + stable_s
    followed = trial.last("runbook-finished")
    if trial.arm in (Arm.WITHOUT_STEP, Arm.MUTATED):
        deadline = since + within_s + stable_s + _MARGIN_S
    elif trial.only_watches or (followed is not None and not followed["ok"]):
        deadline = started
    back: dict[str, Interval] = {}

    def all_back() -> bool:
        back.clear()
        back.update(measured.flows_back(trial, since, stable_s))
        return len(back) == len(trial.services.flows)

    holds = trial.wait_until(all_back, deadline, every_s=0.1)
    slowest = max(back, key=lambda flow: back[flow].latest) if holds else None
    facts = {
        "recovered": holds,
        "flow": slowest,
        "earliest": back[slowest].earliest if slowest else None,
        "latest": back[slowest].latest if slowest else None,
        "waited_s": round(time.monotonic() - started, 3),
    }
    trial.emit("recovery", **facts)
    return {"holds": holds, **facts}


def _by_evidence(trial: Trial) -> dict[str, Any]:
    """Nobody uses a rehearsal: its failure is over when the evidence of its fault says so."""
    gone = trial.arm is Arm.HEALTHY or is_gone(look(trial, {}))
    facts = {"recovered": gone, "flow": None, "earliest": None, "latest": None, "by": "evidence"}
    trial.emit("recovery", **facts)
    return {"holds": gone, **facts}


def _still_well(trial: Trial) -> dict[str, Any]:
    """Watch for a stable window whether a runbook that was followed by mistake has done harm."""
    began = time.monotonic()
    trial.wait(trial.place.environment.windows.stable)
    why = measured.all_well(measured.summaries(trial, measured.between(trial, began)))
    facts = {"recovered": not why, "flow": None, "earliest": None, "latest": None, "why": why}
    trial.emit("recovery", **facts, waited_s=round(time.monotonic() - began, 3))
    return {"holds": not why, **facts}
