"""The steady-state hypothesis: every user flow meets its SLO and nothing acknowledged is lost."""

import time
from functools import partial
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.alerts import alertmanager
from chaos_ext.language import t
from chaos_ext.probes import measured
from chaos_ext.safety.bounded import Bounded, Overdue
from chaos_ext.trial import Trial, current

__all__ = ["flows_meet_slo"]

# A baseline that does not hold at once is watched again: a cold start is no failure. Bounded.
BASELINE_WINDOWS = 4
# How long reading all writes back may take; and how long it is tried on a service that is still down.
READABLE_WITHIN_S = 10.0
STILL_DOWN_S = 1.0
SETTLED_WITHIN_S = 30.0  # beyond its own limits; this is for one that hangs


def flows_meet_slo(configuration: Configuration = None) -> dict[str, Any]:
    """Whether every user flow meets its SLO; after the fault also whether every acknowledged write is there.

    Before the fault it watches until one whole baseline window of the environment holds (four windows at
    most) and the alert that must fire later is silent. After the fault it judges the last stable window, ends
    the load and reads all writes back. Returns ``{"holds": bool, "why": sentence, "flows": {…}}``. Changes nothing.

    YAML::

        type: probe
        name: every-flow-meets-its-slo
        tolerance:
          type: probe
          name: holds
          provider: {type: python, module: chaos_ext.probes.tolerance, func: holds, arguments: {}}
        provider: {type: python, module: chaos_ext.probes.steady_state, func: flows_meet_slo}
    """
    trial = current(configuration)
    if trial.rehearses:
        return _without_users(trial)
    if trial.last("baseline") is None:
        return _baseline(trial)
    return _afterwards(trial)


def _without_users(trial: Trial) -> dict[str, Any]:
    """Nobody uses a rehearsal. That its fault is not in force before it goes in is looked at by its door."""
    why = t("a rehearsal has no users")
    if trial.last("baseline") is None:
        trial.emit("baseline", holds=True, why=why, flows={}, seconds=0.0, window_s=0.0)
    return {"holds": True, "why": why, "flows": {}}


def _baseline(trial: Trial) -> dict[str, Any]:
    window_s = trial.place.environment.windows.baseline
    started = time.monotonic()
    why, flows = "", {}
    for _ in range(BASELINE_WINDOWS):
        begin = time.monotonic()
        trial.wait(window_s)
        # A flow that follows another has nothing to ask before the first write is due.
        trial.wait_until(partial(_each_is_seen, trial, begin), time.monotonic() + window_s)
        flows = measured.summaries(trial, measured.between(trial, begin))
        why = measured.all_well(flows)
        if not why:
            break
    silent_at = time.monotonic()
    if not why:
        why = already_firing(trial)
    trial.emit(
        "baseline",
        holds=not why,
        why=why,
        flows=flows,
        seconds=round(time.monotonic() - started, 3),
        window_s=window_s,
    )
    if not why:
        trial.watch_alert(silent_at)
    return {"holds": not why, "why": why, "flows": flows}


def _each_is_seen(trial: Trial, since: float) -> bool:
    return all(measured.between(trial, since).values())


def already_firing(trial: Trial) -> str:
    """Why the alert that must fire later cannot prove anything now; empty when it is seen to be silent."""
    alert = trial.mode.detection.alert
    try:
        names = {a.name for a in alertmanager.firing(trial.place.environment.alerts.url).now}
    except OSError as error:
        return t("the alerts cannot be read: {error}", error=error)
    return t("the alert {alert} fires before anything is broken", alert=alert) if alert in names else ""


def _afterwards(trial: Trial) -> dict[str, Any]:
    window_s = trial.place.environment.windows.stable
    flows = measured.summaries(trial, measured.between(trial, time.monotonic() - window_s))
    why = measured.all_well(flows)
    # While nobody acts on a failure that needs somebody, there is nothing to read back from.
    if not trial.only_watches or trial.mode.recovery == "self":
        trial.meter.stop()
        recovery = trial.last("recovery")
        back = recovery is not None and recovery["recovered"]
        within_s = READABLE_WITHIN_S if back else STILL_DOWN_S
        reading = Bounded("read back", lambda: trial.meter.read_back(within_s=within_s))
        try:
            stores = [store for flow in trial.services.flows.values() for store in flow.stores.values()]
            longest_s = max((store.arrives_within for store in stores), default=0.0)
            account = reading.wait(
                within_s + longest_s + SETTLED_WITHIN_S, trial.aborting.is_set, hurry_s=0.0
            )
        except Overdue:
            trial.refuse_if_aborting()
            raise
        trial.emit("write-log", **account.as_dict())
        if not account.readable:
            why = why or t("the writes could not be read back: {why}", why=account.why)
        elif account.lost:
            why = why or t("{lost} acknowledged writes are lost", lost=len(account.lost))
    return {"holds": not why, "why": why, "flows": flows}
