"""What became of the writes, as a trial's story tells it: all together, then each store, then what flows showed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chaos_ext.language import Said, listed, t
from chaos_ext.meter.account import observed_rpo
from chaos_ext.model import Event, Interval
from chaos_ext.report.line import Line
from chaos_ext.report.words import span

if TYPE_CHECKING:
    from chaos_ext.report.story import Story

# What a write log counts; those that are seldom there are told only then.
_COUNTS: dict[str, Callable[[object], Said]] = {
    "lost": lambda n: t("{n} lost", n=n),
    "recovered": lambda n: t("{n} recovered", n=n),
    "indeterminate": lambda n: t("{n} indeterminate", n=n),
    "failed": lambda n: t("{n} failed", n=n),
    "duplicated": lambda n: t("{n} duplicated", n=n),
    "unexpected": lambda n: t("{n} unexpected", n=n),
    "changed": lambda n: t("{n} changed", n=n),
    "stale": lambda n: t("{n} stale", n=n),
}
_ALWAYS = ("lost", "indeterminate", "failed", "duplicated")
_OF_A_STORE = ("lost", "recovered", "duplicated", "unexpected", "changed", "stale")
_WRONG: dict[str, Callable[[object], Said]] = {
    "lost": lambda ids: t("lost: {ids}", ids=ids),
    "duplicated": lambda ids: t("duplicated: {ids}", ids=ids),
    "unexpected": lambda ids: t("unexpected: {ids}", ids=ids),
    "changed": lambda ids: t("changed: {ids}", ids=ids),
}


def writes(story: Story, event: Event) -> Iterator[Line]:
    """The account that an event carries, whatever version wrote it."""
    if not event.get("readable"):
        words = t("could not be read back: {why}", why=event.get("why"))
        yield from story.row(event, t("write log"), words, "bad")
        return
    counts = [t("{n} acknowledged", n=event.get("acknowledged")), *_counts(event, _COUNTS, _ALWAYS)]
    bad = any(event.get(name) for name in _WRONG)
    yield from story.row(event, t("write log"), listed(counts), "bad" if bad else "good")
    for one in _mappings(event.get("stores")):
        yield from story.below(_store(story, one), "bad" if any(one.get(name) for name in _WRONG) else "dim")
    for shown in _mappings(event.get("shown")):
        found = interval(shown.get("stale_for"))
        if found is not None:
            words = t(
                "{flow} showed {of}: oldest answer {span} behind",
                flow=shown.get("flow"),
                of=shown.get("of"),
                span=span(found),
            )
            yield from story.below(words, "dim")
    for name, word in _WRONG.items():
        if event.get(name):
            yield from story.below(word(listed(event[name])), "bad")


def _store(story: Story, one: Event) -> Said:
    told: list[str] = list(_counts(one, _OF_A_STORE, ("lost",)))
    seen = interval(one.get("stale_for")) if one.get("watched") else None
    if seen is not None:
        told.append(t("slowest seen after {span}", span=span(seen)))
    oldest = one.get("oldest_lost_acknowledged_at")
    rpo = observed_rpo(oldest if isinstance(oldest, int | float) else None, story.fault)
    if rpo is not None:
        told.append(t("observed RPO {span}", span=span(rpo)))
    return t("{flow} in {store}: {found}", flow=one.get("flow"), store=one.get("store"), found=listed(told))


def _counts(event: Event, names: Iterable[str], always: Iterable[str]) -> Iterator[Said]:
    for name in names:
        value = event.get(name)
        many = len(value) if isinstance(value, list) else value
        if many or name in always:
            yield _COUNTS[name](many or 0)


def interval(value: Any) -> Interval | None:
    """``[earliest, latest]`` as an event carries an interval; None for anything else."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    numbers = [float(each) for each in value if isinstance(each, int | float) and math.isfinite(each)]
    return Interval(*numbers) if len(numbers) == 2 else None


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
