"""How long what was acknowledged was not to be seen yet, as intervals that hold the truth. Pure.

A write that was acknowledged at `a` is stale at a store for as long as a look does not show it. A look happens at
some unknown instant between `sent` and `done`. So, when the last look (sent after `a`) that missed it was sent at
`m`, and the first one behind that which showed it was done at `s`, it was missing for at least m - a and at most
s - a seconds. With no look that missed it, nothing is known to have been stale, and it took at most s - a. What no
look shows at the end is lost, not stale.

A flow that is `fresh` shows writes up to its newest one, and is held against the writes that are surely before or
surely behind that: of two that were under way together, nobody can say which the service took first. How old an
answer was is told for the answer itself: nobody was shown anything between two answers.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from chaos_ext.meter import follow
from chaos_ext.meter.reads import Read
from chaos_ext.meter.samples import Sample
from chaos_ext.meter.writelog import Sent
from chaos_ext.model import Flow, Interval


@dataclass(frozen=True)
class Delay:
    """How long one acknowledged write took to be seen at a store, in seconds after its acknowledgement."""

    interval: Interval
    missed: bool  # whether a look that was sent after the acknowledgement missed it: proven stale


def delays(sent: Mapping[str, Sent], reads: Sequence[Read]) -> dict[str, Delay]:
    """Of every acknowledged write that the last look shows, when it was seen for good. `reads`: in order."""
    came: dict[str, int] = {}  # the look that showed it, and all behind that did
    for number, read in enumerate(reads):
        for write_id in read.gone:
            came.pop(write_id, None)
        for write_id in read.new:
            came[write_id] = number
    found: dict[str, Delay] = {}
    for write_id, number in came.items():
        at = sent[write_id].acknowledged_at if write_id in sent else None
        if at is None:
            continue
        missed_at = reads[number - 1].sent if number else -math.inf
        missed = missed_at >= at
        latest = max(0.0, reads[number].done - at)
        found[write_id] = Delay(Interval(missed_at - at if missed else 0.0, latest), missed)
    return found


@dataclass(frozen=True)
class Shown:
    """What one flow showed of another's writes."""

    flow: str
    of: str
    reads: int = 0  # answers that say something about it; 0: nothing is known
    stale: int = 0  # answers that surely lacked a write that had been acknowledged before they were asked for
    stale_for: Interval | None = (
        None  # age of the oldest missing write in the worst answer; None: nothing is known
    )


def shown_by(name: str, flow: Flow, sent: Mapping[str, Sent], samples: Iterable[Sample]) -> Shown | None:
    """How old the answers of a flow were that is `fresh` or `follows`; None for any other.

    - `sent`: the writes of the flow that it meets again.
    """
    if flow.fresh is not None:
        of, ages = flow.fresh.of, _fresh(sent, samples)
    elif flow.follows is not None:
        of, ages = flow.follows.flow, _followed(sent, samples)
    else:
        return None
    if not ages:
        return Shown(name, of)
    # Whoever asks only about what was due tells nothing about what was not.
    at_least = flow.follows.after if flow.follows is not None and flow.fresh is None else 0.0
    earliest = max(age.earliest for age in ages)
    latest = max(at_least, *(age.latest for age in ages))
    return Shown(name, of, len(ages), sum(age.earliest > 0 for age in ages), Interval(earliest, latest))


def _followed(sent: Mapping[str, Sent], samples: Iterable[Sample]) -> list[Interval]:
    ages = []
    for sample in samples:
        at = sent[sample.followed].acknowledged_at if sample.followed in sent else None
        if at is None:
            continue
        if sample.ok:
            ages.append(Interval(0.0, 0.0))
        elif sample.why == follow.LATE and sample.sent >= at:
            ages.append(Interval(sample.sent - at, sample.done - at))
    return ages


def _fresh(sent: Mapping[str, Sent], samples: Iterable[Sample]) -> list[Interval]:
    acknowledged = sorted((at, w.id) for w in sent.values() if (at := w.acknowledged_at) is not None)
    by_sending = sorted((w.at, at) for w in sent.values() if (at := w.acknowledged_at) is not None)
    sendings = [at for at, _ in by_sending]
    # The first acknowledgement among the writes that were sent at or after each of these.
    first_behind = list(accumulate((at for _, at in reversed(by_sending)), min))[::-1]
    ages = []
    for sample in samples:
        if sample.shown is None or (sample.shown and sample.newest not in sent):
            continue  # no answer, or one that nothing can be made out of
        newest = sent[sample.newest] if sample.shown else None
        lacks = _first_lacking(newest, sendings, first_behind)
        may_lack = _first_not_surely_shown(newest, acknowledged, whole=sample.why != follow.WRONG)
        earliest, latest = max(0.0, sample.sent - lacks), max(0.0, sample.done - may_lack)
        ages.append(Interval(earliest, max(earliest, latest)))
    return ages


def _first_lacking(newest: Sent | None, sendings: Sequence[float], first_behind: Sequence[float]) -> float:
    """The first acknowledgement of a write that an answer with this newest one surely lacks; infinite: of none."""
    if newest is None:
        over_at = -math.inf
    elif newest.acknowledged_at is None:
        return math.inf  # it may have been stored at any time after it was sent, as the newest of all
    else:
        over_at = newest.acknowledged_at
    begin = bisect.bisect_left(sendings, over_at)
    return first_behind[begin] if begin < len(first_behind) else math.inf


def _first_not_surely_shown(
    newest: Sent | None, acknowledged: Sequence[tuple[float, str]], *, whole: bool
) -> float:
    """The first acknowledgement of a write that such an answer need not hold; infinite: there is none."""
    # What was over before the newest one was sent is in the answer, unless the answer lacks writes besides.
    begin = bisect.bisect_right(acknowledged, (newest.at, "\U0010ffff")) if newest and whole else 0
    if newest and begin < len(acknowledged) and acknowledged[begin][1] == newest.id:
        begin += 1
    return acknowledged[begin][0] if begin < len(acknowledged) else math.inf
