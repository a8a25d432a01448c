"""Rules whose condition is true, before and while their alerts fire, as Prometheus and the lab's alerting say it.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#alerts
"""

from __future__ import annotations

from typing import Any

from chaos_ext.alerts.asking import ask, not_understood
from chaos_ext.alerts.episodes import Look, Now


def holding(url: str) -> Look:
    """Every rule whose condition is true now, pending or firing, since when. Raises OSError when it cannot be asked."""
    where = f"{url.rstrip('/')}/api/v1/alerts"
    answer = ask(where)
    try:
        return Look(answer, tuple(map(_now, answer.content["data"]["alerts"])))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise not_understood(where, error) from error


def _now(alert: dict[str, Any]) -> Now:
    labels, began = alert["labels"], str(alert["activeAt"])
    return Now(str(labels["alertname"]), (tuple(sorted(labels.items())), began), began)
