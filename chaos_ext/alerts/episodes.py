"""When things began and ended, from looks that only see what is there now. Pure.

What is there at a look and was not there at the look before began in between. A stamp of the other side narrows that,
as far as its clock is known; a stamp that contradicts what was seen is not believed.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from chaos_ext.alerts.asking import Answer
from chaos_ext.alerts.clock import Clock
from chaos_ext.model import Interval


@dataclass(frozen=True)
class Now:
    """One thing that is there now."""

    name: str
    key: Hashable  # the same thing at the next look has the same
    began: str  # its own stamp, RFC 3339; empty: none
    told: dict[str, Any] = field(default_factory=dict)  # what else it says, JSON-safe


@dataclass(frozen=True)
class Look:
    """All that is there now."""

    answer: Answer
    now: tuple[Now, ...]


@dataclass
class Episode:
    """One thing from its beginning to its end, in monotonic seconds."""

    earliest: float | None  # None: it was there at the first look already
    latest: float
    began: str
    told: dict[str, Any]
    seen_at: float  # asked then, it was there
    over: Interval | None = None

    def as_dict(self) -> dict[str, Any]:
        """As an event carries it."""
        over = None if self.over is None else {"earliest": self.over.earliest, "latest": self.over.latest}
        return {
            "earliest": self.earliest,
            "latest": self.latest,
            "over": over,
            "began": self.began,
            **self.told,
        }


class Track:
    """The episodes of the things called `name`. `absent_at`: when somebody last saw that there was none."""

    def __init__(self, name: str, absent_at: float | None = None) -> None:
        self._name = name
        self._absent_at = absent_at
        self.clock = Clock()
        self._open: dict[Hashable, Episode] = {}
        self.episodes: list[Episode] = []

    def look(self, look: Look) -> None:
        """Take in what was seen."""
        asked, answered = look.answer.asked, look.answer.answered
        if look.answer.said is not None:
            self.clock.heard(look.answer.said, look.answer.resolution_s, asked, answered)
        there = {each.key: each for each in look.now if each.name == self._name}
        for key, each in there.items():
            known = self._open.get(key)
            if known is None:
                known = self._begun(each, asked, answered)
                self._open[key] = known
                self.episodes.append(known)
            else:
                self._narrow(known)  # the clock is known better with every look
            known.seen_at = asked
        for key in [key for key in self._open if key not in there]:
            gone = self._open.pop(key)
            gone.over = Interval(gone.seen_at, answered)
        self._absent_at = asked

    def _begun(self, each: Now, asked: float, answered: float) -> Episode:
        earliest = None if self._absent_at is None else min(self._absent_at, asked)
        episode = Episode(earliest, answered, each.began, each.told, asked)
        self._narrow(episode)
        return episode

    def _narrow(self, episode: Episode) -> None:
        by_stamp = self.clock.instant(episode.began)
        if by_stamp is None:
            return
        earliest = by_stamp.earliest if episode.earliest is None else max(episode.earliest, by_stamp.earliest)
        latest = min(episode.latest, by_stamp.latest)
        if earliest <= latest:
            episode.earliest, episode.latest = earliest, latest
