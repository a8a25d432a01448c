"""No program is started with a secret among its arguments: everybody on the machine can read those of everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaos_ext.language import t
from chaos_ext.masking import register


def refuse_secrets(activity: Mapping[str, Any], configuration: Any, secrets: Any) -> None:
    """Raise ActivityFailed when `activity` is a process that would be given one; nothing is started then."""
    provider = activity.get("provider")
    if not register.values() or not isinstance(provider, Mapping) or provider.get("type") != "process":
        return
    from chaoslib import substitute
    from chaoslib.exceptions import ActivityFailed

    told = [
        provider.get("path"),
        substitute(provider.get("arguments") or [], configuration or {}, secrets or {}),
    ]
    if register.hidden(told) != told:
        raise ActivityFailed(
            t(
                "{activity}: got a secret among the arguments of '{command}', expected none: they are in the process "
                "list for everybody to read. Not started. Let the program read a variable or a file.",
                activity=register.hide(str(activity.get("name") or "activity")),
                command=register.hide(str(provider.get("path"))),
            )
        )
