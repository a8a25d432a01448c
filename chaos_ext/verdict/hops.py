"""How a failure was noticed, hop by hop: users hurt → condition true → alert fires → somebody is told. Pure.

Each hop is an interval after the fault, and one after the hop before it. What was not looked at has no interval.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaos_ext.language import Said, listed, t
from chaos_ext.model import Interval
from chaos_ext.verdict.alerted import FIRING, PENDING, RECEIVED, Alerted, Seen

HURT = "hurt"
HOPS = (HURT, PENDING, FIRING, RECEIVED)

_Moment = tuple[Interval | None, Said | str]


@dataclass(frozen=True)
class Hop:
    """One step of the way from the fault to somebody who knows."""

    name: str  # one of HOPS
    after: Interval | None  # the fault; None: not seen
    took: (
        Interval | None
    )  # since the hop before it that was seen, or the fault; less than nothing: it was earlier
    note: Said | str = ""  # which flow, who was told, or why it was not seen


def way(
    seen: Alerted, fault: Interval, hurt: tuple[Interval, str] | None, wanted: str | None
) -> tuple[Hop, ...]:
    """The whole way, in its order. `hurt`: the first users, and their flow; `wanted`: who must be told, if anybody."""
    firing = seen.about(fault)
    moments: dict[str, _Moment] = {
        HURT: hurt or (None, t("nobody was hurt")),
        PENDING: _pending(seen, firing),
        FIRING: (None, t("did not fire")) if firing is None else (firing.interval, ""),
        RECEIVED: _received(seen, firing, wanted),
    }
    found: list[Hop] = []
    before = fault
    for name, (moment, note) in moments.items():
        if moment is None:
            found.append(Hop(name, None, None, note))
            continue
        after = moment.since(fault)
        took = (
            after  # nothing of this fault was before it
            if before is fault
            else Interval(moment.earliest - before.latest, moment.latest - before.earliest)
        )
        found.append(Hop(name, after, took, note))
        before = moment
    return tuple(found)


def receivers(arrived: tuple[Seen, ...]) -> list[str]:
    """Where notifications arrived, each once."""
    return list(dict.fromkeys(each.receiver for each in arrived))


def _pending(seen: Alerted, firing: Seen | None) -> _Moment:
    if seen.pending is None:
        return None, t("not looked at: the environment names no rules_url")
    if firing is None:
        return None, t("its condition was true, but it did not fire") if seen.pending else t("did not fire")
    condition = seen.condition(firing)
    if condition is None:
        return None, seen.trouble.get(PENDING) or t("not seen")
    return condition.interval, "" if condition.interval else t("true already when it was looked at first")


def _received(seen: Alerted, firing: Seen | None, wanted: str | None) -> _Moment:
    if seen.received is None:
        if firing is None or not firing.receivers:
            return None, t("not looked at: the environment names no received_url")
        who = listed(firing.receivers)
        return None, t("sent to {receivers}; whether it arrived is not looked at", receivers=who)
    if firing is None:
        return None, t("did not fire")
    arrived = seen.told(firing)
    right = [each for each in arrived if wanted in (None, each.receiver)]
    if right:
        return right[0].interval, right[0].receiver
    if arrived:
        return None, t("reached only {others}", others=listed(receivers(arrived)))
    return None, seen.trouble.get(RECEIVED) or t("nobody was told")
