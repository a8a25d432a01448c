"""What arrived at the receivers of alerts, as the lab's pager shows it: ``GET URL/notifications``.

``{"now": time, "notifications": [{"id", "receiver", "status", "received_at": time, "alert": …}]}``, where the status is
"firing" or "resolved", and the alert that of Alertmanager's webhook.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chaos_ext.alerts.asking import ask, not_understood
from chaos_ext.alerts.clock import resolution, seconds
from chaos_ext.alerts.episodes import Look, Now


def arrived(url: str) -> Look:
    """Every notification so far that something fires. Raises OSError when it cannot be asked."""
    where = f"{url.rstrip('/')}/notifications"
    answer = ask(where)
    try:
        at = str(answer.content.get("now", ""))
        if (said := seconds(at)) is not None:
            answer = replace(answer, said=said, resolution_s=resolution(at))
        told = [_now(each) for each in answer.content["notifications"] if each["status"] == "firing"]
        return Look(answer, tuple(told))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise not_understood(where, error) from error


def _now(notification: dict[str, Any]) -> Now:
    alert = notification["alert"]
    return Now(
        name=str(alert["labels"]["alertname"]),
        key=notification["id"],
        began=str(notification["received_at"]),
        told={"receiver": str(notification["receiver"]), "of": str(alert.get("startsAt", ""))},
    )
