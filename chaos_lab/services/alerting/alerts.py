"""Alerts and silences as Alertmanager keeps and shows them. No I/O.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

RESOLVE_AFTER = timedelta(minutes=5)  # a posted alert without an end

_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_.]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"]*?))\s*')


class Invalid(Exception):
    """What was sent cannot be understood."""


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: object, name: str) -> datetime:
    """A time with its zone, as RFC 3339 writes it. Raises Invalid."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise Invalid(f"{name}: got {text!r}, expected a time such as 2025-01-31T12:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def fingerprint(labels: dict[str, str]) -> str:
    """The labels' hash, the same as Prometheus': FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


@dataclass(frozen=True)
class Matcher:
    """A condition on one label; a label that is not there counts as empty."""

    name: str
    value: str
    regex: bool = False
    equal: bool = True

    def matches(self, labels: dict[str, str]) -> bool:
        got = labels.get(self.name, "")
        same = re.fullmatch(self.value, got) is not None if self.regex else got == self.value
        return same is self.equal

    def shown(self) -> dict[str, object]:
        return {"name": self.name, "value": self.value, "isRegex": self.regex, "isEqual": self.equal}


def matcher(name: str, value: str, *, regex: bool, equal: bool) -> Matcher:
    """Raises Invalid when the regular expression is none."""
    if regex:
        try:
            re.compile(value)
        except re.error as error:
            raise Invalid(f"bad matcher format: {name}: {value!r}: {error}") from None
    return Matcher(name, value, regex, equal)


def parse_matcher(text: str) -> Matcher:
    """``alertname="X"``, ``team=~"a|b"``, ``severity!=page``. Raises Invalid."""
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise Invalid(f"bad matcher format: {text}")
    value = re.sub(r"\\(.)", r"\1", match[3]) if match[3] is not None else match[4]
    return matcher(match[1], value, regex="~" in match[2], equal=not match[2].startswith("!"))


@dataclass
class Alert:
    """One alert: what its labels are is what it is."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    generator_url: str = ""

    def shown(self, silenced_by: list[str], receiver: str) -> dict[str, object]:
        return {
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": stamp(self.starts_at),
            "endsAt": stamp(self.ends_at),
            "updatedAt": stamp(self.updated_at),
            "generatorURL": self.generator_url,
            "fingerprint": fingerprint(self.labels),
            "receivers": [{"name": receiver}],
            "status": {
                "state": "suppressed" if silenced_by else "active",
                "silencedBy": silenced_by,
                "inhibitedBy": [],
                "mutedBy": [],
            },
        }


@dataclass
class Silence:
    """Alerts that match are known to people already."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def state(self, now: datetime) -> str:
        return "expired" if self.ends_at <= now else "active" if self.starts_at <= now else "pending"

    def shown(self, now: datetime) -> dict[str, object]:
        return {
            "id": self.id,
            "status": {"state": self.state(now)},
            "updatedAt": stamp(self.updated_at),
            "matchers": [one.shown() for one in self.matchers],
            "startsAt": stamp(self.starts_at),
            "endsAt": stamp(self.ends_at),
            "createdBy": self.created_by,
            "comment": self.comment,
        }


def parse_silence(body: Any, now: datetime) -> Silence:
    """A silence as it is posted. Raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid(f"got {type(body).__name__}, expected an object")
    for name in ("matchers", "startsAt", "endsAt", "createdBy", "comment"):
        if not body.get(name):
            raise Invalid(f"{name} in body is required")
    try:
        matchers = tuple(
            matcher(
                str(m["name"]), str(m["value"]), regex=bool(m["isRegex"]), equal=bool(m.get("isEqual", True))
            )
            for m in body["matchers"]
        )
    except (KeyError, TypeError, AttributeError):
        raise Invalid("matchers: expected a list of {name, value, isRegex, isEqual}") from None
    starts_at = max(moment(body["startsAt"], "startsAt"), now)
    ends_at = moment(body["endsAt"], "endsAt")
    if ends_at <= starts_at:
        raise Invalid("endsAt: expected a time in the future, after startsAt")
    return Silence(matchers, starts_at, ends_at, str(body["createdBy"]), str(body["comment"]), now)


def parse_alert(body: Any, now: datetime) -> Alert:
    """An alert as it is posted. Raises Invalid."""
    labels = body.get("labels") if isinstance(body, dict) else None
    if not isinstance(labels, dict) or not labels:
        raise Invalid("labels in body is required")
    annotations = body.get("annotations") or {}
    for given in (labels, annotations):
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise Invalid("labels and annotations: expected texts")
    return Alert(
        labels={name: value for name, value in labels.items() if value},
        annotations=annotations,
        starts_at=moment(body["startsAt"], "startsAt") if body.get("startsAt") else now,
        ends_at=moment(body["endsAt"], "endsAt") if body.get("endsAt") else now + RESOLVE_AFTER,
        updated_at=now,
        generator_url=str(body.get("generatorURL") or ""),
    )


class Board:
    """All alerts and silences of this process."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}
        self.silences: dict[str, Silence] = {}

    def put(self, alert: Alert) -> bool:
        """A new alert, or news of one, which began when it was first seen. Returns whether it is new."""
        key = fingerprint(alert.labels)
        known = self._alerts.get(key)
        new = known is None or known.ends_at <= alert.updated_at
        if known is not None and not new:
            alert.starts_at = min(known.starts_at, alert.starts_at)
        self._alerts[key] = alert
        return new

    def resolve(self, labels: dict[str, str], now: datetime) -> bool:
        """The alert has ended now. Returns whether there was one."""
        alert = self._alerts.get(fingerprint(labels))
        if alert is None or alert.ends_at <= now:
            return False
        alert.ends_at = alert.updated_at = now
        return True

    def current(self, now: datetime) -> Iterable[tuple[Alert, list[str]]]:
        """The alerts that have not ended, and the silences that match each."""
        for alert in self._alerts.values():
            if alert.ends_at > now:
                yield (
                    alert,
                    [
                        silence.id
                        for silence in self.silences.values()
                        if silence.state(now) == "active"
                        and all(m.matches(alert.labels) for m in silence.matchers)
                    ],
                )
