"""Whether users feel the failure as the catalogue claims."""

import time
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.language import t
from chaos_ext.probes import measured
from chaos_ext.trial import Trial, current

__all__ = ["seen"]

# Watched at least so long that the figures say something; an alert takes longer than that anyway.
LEAST_S = 1.0


def seen(configuration: Configuration = None) -> dict[str, Any]:
    """Wait until every flow that the failure mode claims to hurt is hurt, no longer than detection may take.

    Watches for a second at least.
    Measured over the operations sent after the fault was confirmed. Returns ``{"holds": bool, "flows":
    {flow: {claimed, measured, …}}}``; the verdict measures again over the whole fault. Changes nothing.

    YAML::

        type: probe
        name: impact-seen
        provider: {type: python, module: chaos_ext.probes.impact, func: seen}
    """
    trial = current(configuration)
    started = time.monotonic()
    since = trial.fault_at
    if since is None:
        return {"holds": False, "why": t("no fault was injected")}
    limit_s = trial.mode.objectives_in(trial.place.environment.name).detect_within
    trial.wait(since + LEAST_S - started)
    holds = trial.wait_until(lambda: is_felt(trial, since), since + limit_s)
    flows = measured.impacts(trial, measured.between(trial, since))
    trial.emit("impact", seen=holds, waited_s=round(time.monotonic() - started, 3), flows=flows)
    return {"holds": holds, "flows": flows}


def is_felt(trial: Trial, since: float) -> bool:
    """Whether every flow that is claimed to be hurt was hurt from `since` (monotonic seconds) until now."""
    return measured.hurt(measured.impacts(trial, measured.between(trial, since)))
