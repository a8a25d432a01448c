"""What was seen of the alert: which firing is about the fault, since when its condition was true, who was told. Pure.

The probe waits by it, and the verdict is judged by it again from the same record. A record of a version that kept only
one firing reads as one firing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos_ext.alerts.clock import seconds
from chaos_ext.model import Event, Interval

FIRING, PENDING, RECEIVED = "firing", "pending", "received"


@dataclass(frozen=True)
class Seen:
    """Something that began: a firing, a condition, a notification. Monotonic seconds.

    `earliest` None: it was there at the first look already.
    """

    earliest: float | None
    latest: float
    began: str = ""  # the other side's own stamp
    url: str = ""  # of a firing: what it links
    receivers: tuple[str, ...] = ()  # of a firing: who is to be told, as the alerting says
    receiver: str = ""  # of a notification: where it arrived
    of: str = ""  # of a notification: when the firing began that it tells of, as the alerting says

    @property
    def interval(self) -> Interval | None:
        """When it began; None when only its latest is known."""
        return None if self.earliest is None else Interval(self.earliest, self.latest)


@dataclass(frozen=True)
class Alerted:
    """All that was seen of one alert. `pending`, `received` None: there is no place where one could look."""

    firing: tuple[Seen, ...]
    pending: tuple[Seen, ...] | None
    received: tuple[Seen, ...] | None
    trouble: Mapping[str, str]  # why a place said nothing when it was last asked

    def about(self, fault: Interval) -> Seen | None:
        """The first firing that may be of this fault: neither it nor its condition was surely there before."""
        for each in self.firing:
            condition = self.condition(each)
            if each.latest >= fault.earliest and (condition is None or condition.latest >= fault.earliest):
                return each
        return None

    def condition(self, firing: Seen) -> Seen | None:
        """When the condition became true that this firing comes of; None when nobody saw it."""
        before = [each for each in self.pending or () if _low(each) <= firing.latest]
        return max(before, key=_low, default=None)

    def told(self, firing: Seen) -> tuple[Seen, ...]:
        """The notifications of this firing, the first one first."""
        return tuple(sorted((n for n in self.received or () if _tells(n, firing)), key=lambda n: n.latest))


def alerted(event: Event) -> Alerted:
    """What an `alert` event says was seen."""
    watch = event.get("watch")
    if not isinstance(watch, Mapping):
        return Alerted(_one(event), None, None, {})
    firing = _episodes(watch, FIRING)
    return Alerted(
        firing=() if firing is None else firing,
        pending=_episodes(watch, PENDING),
        received=_episodes(watch, RECEIVED),
        trouble={what: str(said["trouble"]) for what, said in watch.items() if said.get("trouble")},
    )


def of_watch(told: Mapping[str, Mapping[str, Any]]) -> Alerted:
    """What a watch has seen so far."""
    return alerted({"watch": told})


def _one(event: Event) -> tuple[Seen, ...]:
    if not event.get("fired") or event.get("latest") is None:
        return ()
    receivers = event.get("receivers")
    return (
        Seen(
            event["earliest"],
            event["latest"],
            url=str(event.get("runbook_url") or ""),
            receivers=tuple(map(str, receivers)) if isinstance(receivers, list) else (),
        ),
    )


def _episodes(watch: Mapping[str, Mapping[str, Any]], what: str) -> tuple[Seen, ...] | None:
    if what not in watch:
        return None
    seen = [
        Seen(
            each["earliest"],
            each["latest"],
            str(each.get("began") or ""),
            str(each.get("runbook_url") or ""),
            tuple(map(str, each.get("receivers") or ())),
            str(each.get("receiver") or ""),
            str(each.get("of") or ""),
        )
        for each in watch[what]["episodes"]
    ]
    return tuple(sorted(seen, key=lambda each: each.latest))


def _low(seen: Seen) -> float:
    return -math.inf if seen.earliest is None else seen.earliest


def _tells(notification: Seen, firing: Seen) -> bool:
    """Whether it tells of this firing: by the alerting's own stamp, or, without one, because it came no earlier."""
    of, began = seconds(notification.of), seconds(firing.began)
    if of is not None and began is not None:
        return abs(of - began) < 0.001  # the two are written with different precision
    return notification.latest >= _low(firing)


def is_watch(value: object) -> bool:
    """Whether this is what a watch records; everything in this module may then be asked of it."""
    return isinstance(value, dict) and all(
        isinstance(said, dict)
        and isinstance(said.get("episodes"), list)
        and all(map(_is_episode, said["episodes"]))
        for said in value.values()
    )


def _is_episode(value: object) -> bool:
    if not isinstance(value, dict) or not _is_time(value.get("latest")):
        return False
    receivers = value.get("receivers") or []
    return isinstance(receivers, Sequence) and (value.get("earliest") is None or _is_time(value["earliest"]))


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
