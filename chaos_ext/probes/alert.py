"""Whether the right alert fires in time and links the right runbook."""

import time
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.alerts import alertmanager
from chaos_ext.trial import Trial, current

__all__ = ["fires_and_links"]


def fires_and_links(
    alert: str, runbook: str, within_s: float, configuration: Configuration = None
) -> dict[str, Any]:
    """Wait until `alert` fires and check that it links `runbook`.

    - `alert`: its name, as the environment's alert rules have it
    - `runbook`: path below catalog/; with the environment's runbook_base_url it is the link expected
    - `within_s`: seconds after the fault within which it must fire; watched a little longer, to say how late

    Returns ``{"holds": bool, …}`` and records when it fired as an interval: not before the last look that did
    not see it, not after the first that did. An alerting that cannot be asked is not an alert. Changes nothing.
    Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml

    YAML::

        type: probe
        name: alert-links-runbook
        provider:
          type: python
          module: chaos_ext.probes.alert
          func: fires_and_links
          arguments: {alert: PostgresqlPrimaryDown, runbook: runbooks/postgresql-primary-down.md, within_s: 5.0}
    """
    trial = current(configuration)
    since = trial.fault_at
    if since is None:
        return {"holds": False, "why": "no fault was injected"}
    alerts = trial.place.environment.alerts
    expected = alerts.runbook_base_url + runbook
    started = time.monotonic()
    earliest = _last_silent(trial, since)
    deadline = since + within_s + max(1.0, 0.25 * within_s)
    while True:
        asked = time.monotonic()
        found, trouble = _look(alerts.url, alert)
        if found is not None or asked >= deadline:
            break
        if not trouble:
            earliest = asked
        trial.wait(alerts.poll)
    fired = found is not None
    facts = {
        "name": alert,
        "fired": fired,
        "earliest": min(earliest, asked) if fired else None,
        "latest": time.monotonic() if fired else None,
        "runbook_url": found.runbook_url if found else "",
        "expected_url": expected,
        "links": found is not None and found.runbook_url == expected,
        "receivers": list(found.receivers) if found else [],
        "waited_s": round(time.monotonic() - started, 3),
        "why": trouble,
    }
    trial.emit("alert", **facts)
    return {"holds": fired and facts["links"], **facts}


def _last_silent(trial: Trial, since: float) -> float:
    """When it was last seen that the alert does not fire: it may have begun long before this probe's first look."""
    baseline = trial.last("baseline") or {}
    silent_at = baseline.get("silent_at")
    return since if silent_at is None else float(silent_at)


def _look(url: str, name: str) -> tuple[alertmanager.Alert | None, str]:
    """The alert if it fires; and why nothing can be said, when it cannot."""
    try:
        for alert in alertmanager.firing(url):
            if alert.name == name:
                return alert, ""
    except OSError as error:
        return None, str(error)
    return None, ""
