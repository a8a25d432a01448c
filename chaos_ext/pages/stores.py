"""What became of the writes of one trial, store by store: for a page, a comment and JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chaos_ext.meter.account import WriteAccount, observed_rpo
from chaos_ext.meter.staleness import Shown
from chaos_ext.model import Interval
from chaos_ext.verdict.facts import Facts

COUNTED = ("lost", "recovered", "duplicated", "unexpected", "changed", "stale")


@dataclass(frozen=True)
class StoreOfTrial:
    """One flow's writes at one store."""

    account: WriteAccount
    seen: Interval | None  # how long the slowest write took to be seen there; None: the store was not watched
    rpo: Interval | None  # None: nothing lost

    def count(self, name: str) -> int:
        """How many of that kind."""
        return len(getattr(self.account, name))


def stores_of(facts: Facts) -> Iterator[StoreOfTrial]:
    """Each store, worked out again from what was sent and read; none for a bundle that did not keep that."""
    for one in facts.account.stores if facts.account is not None else ():
        seen = one.stale_for if one.watched else None
        yield StoreOfTrial(one, seen, observed_rpo(one.oldest_lost_acknowledged_at, facts.fault))


def shown_of(facts: Facts) -> Iterator[Shown]:
    """What each flow showed of another's writes, as far as anything is known of it."""
    if facts.account is not None:
        yield from (shown for shown in facts.account.shown if shown.reads)
