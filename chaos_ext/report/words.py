"""Numbers and single words as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaos_ext.language import Said, listed, t
from chaos_ext.model import Interval
from chaos_ext.verdict.words import IMPACTS, VERDICTS, impact

__all__ = [
    "HOPS",
    "IMPACTS",
    "VERDICTS",
    "approved",
    "duration",
    "impact",
    "milliseconds",
    "plainly",
    "seconds",
    "span",
    "took",
]


_MINUTES_FROM_S = 90
# The way from a fault to somebody who knows, in its order (`verdict.hops`).
HOPS: dict[str, Said] = {
    "hurt": t("users hurt"),
    "pending": t("condition true"),
    "firing": t("alert fires"),
    "received": t("receiver told"),
}


def seconds(value: object) -> Said:
    """``3.2 s``, ``80 ms`` under a tenth of a second, ``? s`` when it is not known."""
    if not isinstance(value, int | float):
        return t("? s")
    return t("{ms:.0f} ms", ms=value * 1000) if 0 < value < 0.0995 else t("{s:.1f} s", s=value)


def duration(value: object) -> Said:
    """A time that is left: ``40 s``, ``12 min``, ``2 h 5 min``; ``? s`` when it is not known."""
    if not isinstance(value, int | float):
        return t("? s")
    minutes = round(value / 60)
    if value < _MINUTES_FROM_S:
        return t("{s:.0f} s", s=value)
    if minutes < 60:
        return t("{minutes} min", minutes=minutes)
    return t("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def milliseconds(value: object) -> Said:
    """A latency: ``12 ms``, ``1.9 s`` from one second on, ``-`` when there is none."""
    if not isinstance(value, int | float):
        return t("-")
    return t("{ms:.0f} ms", ms=value * 1000) if value < 0.9995 else t("{s:.1f} s", s=value)


def span(interval: Interval) -> Said:
    """``3.1–3.3 s``, or ``3.1 s`` when both ends read the same."""
    low, high = f"{interval.earliest:.1f}", f"{interval.latest:.1f}"
    return t("{low} s", low=low) if low == high else t("{low}–{high} s", low=low, high=high)


def took(interval: Interval) -> Said:
    """How long after something else: ``0.2–0.5 s later``, ``within 0.3 s``, or that it was before."""
    if interval.latest < 0:
        return t("{s:.1f} s earlier", s=-interval.latest)
    if interval.earliest <= 0:
        return t("within {s:.1f} s", s=interval.latest)
    return t("{span} later", span=span(interval))


def approved(kept: Mapping[str, Any]) -> Said:
    """Who approved a run, until when, and under which rules, as its record keeps it."""
    return t(
        "approved by {issuer} until {expires} (asked for by: {rules})",
        issuer=kept.get("issuer"),
        expires=kept.get("expires"),
        rules=listed(rule or t("no rule is about it") for rule in kept.get("rules", ())),
    )


def plainly(value: object) -> str:
    """A value of some evidence without the marks of a programming language."""
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, dict):
        return listed((t("{key} {value}", key=k, value=plainly(v)) for k, v in value.items()), " / ") or t(
            "none"
        )
    if isinstance(value, list | tuple):
        return listed(map(plainly, value), " / ") or t("none")
    return t("none") if value is None else str(value)
