"""Whether the right alert fires in time, tells the right people and links the right runbook."""

import time
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.alerts import links
from chaos_ext.alerts.watch import PENDING, RECEIVED, AlertWatch
from chaos_ext.language import t
from chaos_ext.meter.onset import onset
from chaos_ext.meter.slo import impact_of
from chaos_ext.model import Impact, Interval
from chaos_ext.probes import measured
from chaos_ext.trial import Trial, current
from chaos_ext.verdict.alerted import Alerted, Seen, of_watch

__all__ = ["fires_and_links"]

# How long hops that were not waited for may be behind: every place is asked once more in that time.
_LEAST_BEHIND_S = 1.0


def fires_and_links(
    alert: str, runbook: str, within_s: float, receiver: str = "", configuration: Configuration = None
) -> dict[str, Any]:
    """Wait until `alert` fires (and `receiver` was told), and check that it links `runbook`.

    - `alert`: its name, as the environment's alert rules have it
    - `runbook`: path below catalog/; with the environment's runbook_base_url it is the link expected
    - `within_s`: seconds after the fault within which it must fire; watched a little longer, to say how late
    - `receiver`: who must be told, as the alerting calls it; default: whoever is told

    Returns ``{"holds": bool, …}`` and records each hop as an interval: since when the rule's condition is true, when it
    fired, when it arrived; not before the last look that did not see it, not after the first that did. A firing from
    before the fault does not count. An alerting that cannot be asked is not an alert. Changes nothing.
    Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml

    YAML::

        type: probe
        name: alert-links-runbook
        provider:
          type: python
          module: chaos_ext.probes.alert
          func: fires_and_links
          arguments:
            alert: PostgresqlPrimaryDown
            runbook: runbooks/postgresql-primary-down.md
            within_s: 5.0
            receiver: sre-pager
    """
    trial = current(configuration)
    began, since, watch = trial.first_fault_at, trial.fault_at, trial.alert_watch
    if began is None or since is None or watch is None:
        return {"holds": False, "why": t("no fault was injected")}
    fault = Interval(began, since)
    started = time.monotonic()
    deadline = since + within_s + max(1.0, 0.25 * within_s)
    trial.wait_until(lambda: _is_told(watch, of_watch(watch.told()), fault, receiver), deadline)
    waited_s = time.monotonic() - started
    _let_the_rest_catch_up(trial, watch, fault)
    watch.stop()
    told = watch.told()
    seen = of_watch(told)
    firing = seen.about(fault)
    alerts = trial.place.environment.alerts
    digest = links.digest_of(trial.root, runbook)
    expected = links.link(alerts, runbook, digest)
    facts = {
        "name": alert,
        "fired": firing is not None,
        "earliest": firing.earliest if firing else None,
        "latest": firing.latest if firing else None,
        "runbook_url": firing.url if firing else "",
        "expected_url": expected,
        "links": firing is not None and firing.url == expected,
        "receivers": list(firing.receivers) if firing else [],
        "receiver": receiver,
        "told": list(dict.fromkeys(each.receiver for each in seen.told(firing))) if firing else [],
        "digest": digest or "",
        "hurt": _first_hurt(trial, fault),
        "watch": told,
        "waited_s": round(waited_s, 3),
        "why": next(iter(seen.trouble.values()), ""),
    }
    trial.emit("alert", **facts)
    holds = firing is not None and facts["links"] and _reached(watch, seen, firing, receiver)
    return {"holds": holds, **facts}


def _is_told(watch: AlertWatch, seen: Alerted, fault: Interval, receiver: str) -> bool:
    """Whether there is nothing more to wait for."""
    firing = seen.about(fault)
    return firing is not None and (not receiver or _reached(watch, seen, firing, receiver))


def _reached(watch: AlertWatch, seen: Alerted, firing: Seen, receiver: str) -> bool:
    """Whether `receiver` was told of this firing; where one cannot see what arrives, whether the alerting tells it."""
    if not receiver:
        return True
    if not watch.looks_at(RECEIVED):
        return receiver in firing.receivers
    return any(each.receiver == receiver for each in seen.told(firing))


def _let_the_rest_catch_up(trial: Trial, watch: AlertWatch, fault: Interval) -> None:
    """The condition was true before the alert fired, but is looked at in a rhythm of its own; so is who is told."""

    def behind() -> bool:
        seen = of_watch(watch.told())
        firing = seen.about(fault)
        if firing is None:
            return False
        no_condition = watch.looks_at(PENDING) and seen.condition(firing) is None
        return no_condition or (watch.looks_at(RECEIVED) and not seen.told(firing))

    limit_s = max(_LEAST_BEHIND_S, 2 * trial.place.environment.alerts.poll)
    trial.wait_until(lambda: not behind(), time.monotonic() + limit_s)


def _first_hurt(trial: Trial, fault: Interval) -> dict[str, Any] | None:
    """When users were hurt first, as far as that is known by now; the verdict measures again."""
    windows = trial.place.environment.windows
    samples = measured.between(trial, fault.earliest - windows.baseline)
    found: list[tuple[Interval, str]] = []
    for name, flow in trial.services.flows.items():
        felt = impact_of([s for s in samples[name] if s.sent >= fault.latest], flow.slo)
        began = onset(samples[name], flow.slo, fault, windows.stable)
        if felt not in (None, Impact.NONE) and began is not None:
            found.append((began, name))
    if not found:
        return None
    first, flow_name = min(found, key=lambda each: each[0].latest)
    return {"flow": flow_name, "earliest": min(i.earliest for i, _ in found), "latest": first.latest}
