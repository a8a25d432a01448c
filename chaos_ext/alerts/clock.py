"""How far another machine's wall clock is from our monotonic one, as narrow as its answers show. Pure.

Every answer that says what time it is there bounds the difference: it was made at some instant between question and
answer. The bounds of all answers together hold the truth, so a stamp of theirs becomes an interval of ours that is as
much wider as the difference is uncertain, never a point.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from chaos_ext.model import Interval

DATE_S = 1.0  # an HTTP Date is cut to the second
_DRIFT = 0.0005  # seconds a second by which a clock may run, or be made to run, otherwise than ours


class Clock:
    """The clock of one source. Once it was set (a step), its stamps are worth nothing: `instant` then knows nothing."""

    def __init__(self) -> None:
        self._low, self._high = -math.inf, math.inf  # theirs less ours
        self._at = 0.0
        self.stepped = False

    def heard(self, said: float, resolution_s: float, asked: float, answered: float) -> None:
        """Between `asked` and `answered` (monotonic) it was [said, said + resolution_s] there (seconds since 1970)."""
        low, high = said - answered, said + resolution_s - asked
        drifted = _DRIFT * max(0.0, answered - self._at) if self._high < math.inf else 0.0
        self._low, self._high, self._at = self._low - drifted, self._high + drifted, answered
        if low > self._high or high < self._low:
            self.stepped = True
            return
        self._low, self._high = max(self._low, low), min(self._high, high)

    def instant(self, stamp: str) -> Interval | None:
        """When it was `stamp` (RFC 3339) there, on our clock; None when that is not known."""
        at = seconds(stamp)
        if at is None or self.stepped or self._high == math.inf:
            return None
        return Interval(at - self._high, at + resolution(stamp) - self._low)

    @property
    def offset(self) -> Interval | None:
        """Theirs less ours, for the record; None when it is not known."""
        return None if self._high == math.inf else Interval(self._low, self._high)


def seconds(stamp: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 time; None when it is none. Digits past the microsecond are cut."""
    text = stamp.strip()
    whole, dot, rest = text.partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        text = f"{whole}.{digits[:6]}{rest[len(digits) :]}"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def resolution(stamp: str) -> float:
    """How much of a second such a time was cut by, at most."""
    rest = stamp.partition(".")[2]
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return 10.0 ** -min(digits, 6)


def of_date(header: str) -> float | None:
    """Seconds since 1970 of an HTTP Date; None when it is none."""
    try:
        return parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError):
        return None
