"""What the flows that meet another flow's writes again need to know of them. No I/O and no clock.

A flow that `follows` asks about the newest write that is due. One that must be `fresh` shows writes, and what it shows
is held against those that must be in it by now:

- stale: the newest write shown is older than one that must be in it;
- wrong: fewer writes are shown than must be in it, although the newest is new enough; or none can be made out.

Older means over (acknowledged) before the other was sent: of two writes that were under way together, nobody can say
which the service took first. A write that was never acknowledged may have been stored at any time after it was sent,
so as the newest one it speaks against freshness only when writes are missing besides.
"""

from __future__ import annotations

import bisect
import json
import math
from typing import Any

from chaos_ext.model import Fresh

LATE, STALE, WRONG = "late", "stale", "wrong"  # a sample's `why`


class Writes:
    """The writes of one flow as they are sent and acknowledged. Times never go back."""

    def __init__(self) -> None:
        self._sent: dict[str, float] = {}
        self._over: dict[str, float] = {}  # until then; not here: still under way
        self._acknowledged: set[str] = set()
        self._at: list[float] = []  # when each acknowledgement came
        self._ids: list[str] = []
        self._newest_sent: list[float] = []  # the latest sending among the acknowledged ones so far

    def sent(self, write_id: str, at: float) -> None:
        """A write is on its way."""
        self._sent[write_id] = at

    def over(self, write_id: str, acknowledged: bool, at: float) -> None:
        """It was acknowledged, or nothing more will be heard of it."""
        self._over[write_id] = at
        if acknowledged:
            latest = self._newest_sent[-1] if self._newest_sent else -math.inf
            self._acknowledged.add(write_id)
            self._at.append(at)
            self._ids.append(write_id)
            self._newest_sent.append(max(latest, self._sent[write_id]))

    def newest_due(self, by: float) -> str | None:
        """The write that was acknowledged last, of those acknowledged at or before `by`."""
        count = bisect.bisect_right(self._at, by)
        return self._ids[count - 1] if count else None

    def what_is_wrong(self, by: float, newest: str | None, count: int) -> str:
        """What an answer that shows this gets as its `why`: empty, stale or wrong.

        - `by`: writes acknowledged at or before must be in it.
        """
        due = bisect.bisect_right(self._at, by)
        if due and newest in self._sent and newest is not None:
            over = self._over.get(newest, math.inf)
            # With all that are due shown besides this one, which is not among them, there would be more.
            stored_late = newest not in self._acknowledged and count > due
            if over < self._newest_sent[due - 1] and not stored_late:
                return STALE
        return WRONG if count < due else ""


def shown(fresh: Fresh, body: bytes) -> tuple[str | None, int] | None:
    """The newest write's id and the number of writes in an answer; None when it does not say how many."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    count, newest = _at(value, fresh.count), _at(value, fresh.newest)
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    return newest if isinstance(newest, str) else None, count


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
