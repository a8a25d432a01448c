"""Alerts that an Alertmanager (API v2) holds; the lab's alerting speaks the same API.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

from typing import Any

from chaos_ext.alerts.asking import ask
from chaos_ext.alerts.episodes import Look, Now
from chaos_ext.language import t


def firing(url: str) -> Look:
    """What fires and is neither silenced nor inhibited. Raises OSError when it cannot be asked."""
    answer = ask(
        f"{url.rstrip('/')}/api/v2/alerts", {"active": "true", "silenced": "false", "inhibited": "false"}
    )
    try:
        return Look(answer, tuple(map(_now, answer.content)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OSError(
            t("{url}: the answer is not Alertmanager's: {error!r}", url=url, error=error)
        ) from error


def _now(alert: dict[str, Any]) -> Now:
    labels, began = alert["labels"], str(alert["startsAt"])
    return Now(
        name=str(labels["alertname"]),
        key=(tuple(sorted(labels.items())), began),
        began=began,
        told={
            "runbook_url": str((alert.get("annotations") or {}).get("runbook_url", "")),
            "receivers": [str(each["name"]) for each in alert.get("receivers") or ()],
        },
    )
