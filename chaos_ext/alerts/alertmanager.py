"""Alerts that an Alertmanager (API v2) holds; the lab's alerting speaks the same API.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from chaos_ext.language import t


@dataclass(frozen=True)
class Alert:
    """One alert that is firing now. `fired_at` is the source's wall clock, ISO 8601."""

    name: str
    fired_at: str
    receivers: tuple[str, ...]
    runbook_url: str  # empty when the alert links none


def firing(url: str, timeout_s: float = 2.0) -> tuple[Alert, ...]:
    """What fires and is neither silenced nor inhibited.

    Raises OSError when it cannot be asked (the errors of `requests` are OSErrors).
    """
    answer = requests.get(
        f"{url.rstrip('/')}/api/v2/alerts",
        params={"active": "true", "silenced": "false", "inhibited": "false"},
        timeout=timeout_s,
    )
    answer.raise_for_status()
    try:
        listed: list[dict[str, Any]] = answer.json()
        return tuple(
            Alert(
                name=str(alert["labels"]["alertname"]),
                fired_at=str(alert["startsAt"]),
                receivers=tuple(str(r["name"]) for r in alert.get("receivers", ())),
                runbook_url=str(alert.get("annotations", {}).get("runbook_url", "")),
            )
            for alert in listed
        )
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(
            t("{url}: the answer is not Alertmanager's: {error!r}", url=url, error=error)
        ) from error
