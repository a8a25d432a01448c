"""Whether the right alert fires in time and links the right runbook."""

import time
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.language import t
from chaos_ext.trial import current

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
    since, watch = trial.fault_at, trial.alert_watch
    if since is None or watch is None:
        return {"holds": False, "why": t("no fault was injected")}
    expected = trial.place.environment.alerts.runbook_base_url + runbook
    started = time.monotonic()
    deadline = since + within_s + max(1.0, 0.25 * within_s)
    trial.wait_until(lambda: watch.seen is not None, deadline)
    seen = watch.seen
    fired = seen is not None and seen.alert.name == alert
    facts = {
        "name": alert,
        "fired": fired,
        "earliest": seen.earliest if seen else None,
        "latest": seen.latest if seen else None,
        "runbook_url": seen.alert.runbook_url if seen else "",
        "expected_url": expected,
        "links": seen is not None and seen.alert.runbook_url == expected,
        "receivers": list(seen.alert.receivers) if seen else [],
        "waited_s": round(time.monotonic() - started, 3),
        "why": watch.trouble,
    }
    trial.emit("alert", **facts)
    return {"holds": fired and facts["links"], **facts}
