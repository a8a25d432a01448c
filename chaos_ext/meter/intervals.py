"""When an outage began and ended, as intervals that hold the truth. Pure.

An operation touches the service at some unknown instant between `sent` and `done`. A failed one says that the
service was broken at such an instant, a good one that it was not. For an outage from a to b that is all there is:

    a failed operation:  a <= done  and  b > sent
    a good operation:    not both  a <= sent  and  b > done

The bounds below are what follows from these for all operations together, so an operation that was sent into a hang
and answered after it, or one whose failure was noticed long after, cannot pull a bound past the truth: no rule reads
"the operation before" where it means "the operation that was over by then".

An outage may hit only some operations (one backend of five). Good operations inside it prove nothing then; only a run
of good ones longer than any run inside it does. `_run_needed` says how long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chaos_ext.meter.samples import Sample
from chaos_ext.meter.slo import (
    IMPROBABLE,
    FlowSummary,
    allowed,
    binomial_tail,
    evidence,
    impact_of,
    is_slow,
    meets_slo,
    summary,
)
from chaos_ext.model import Interval, Slo

__all__ = [
    "FlowSummary",
    "Outage",
    "binomial_tail",
    "impact_of",
    "longest_unseen",
    "meets_slo",
    "outage",
    "outages",
    "recovered",
    "settled",
    "summary",
]

_DOUBT = 0.005  # how improbable a run of good operations must be inside an outage to say: it was outside
_TELLING = (
    4  # wrong answers in a row that tell a broken service from one broken backend of five: 0.2 ** 4 < 1 %
)
_RAREST = (
    10  # fewer cannot; then one in ten is assumed, the smallest share that the meter itself makes (`fresh`)
)
_LONGEST_RUN = math.ceil(math.log(_DOUBT) / math.log(1 - 1 / _RAREST))

_Bad = Callable[[Sample], bool]


@dataclass(frozen=True)
class Outage:
    """One outage of one flow."""

    onset: Interval | None  # None: not enough good operations were seen before it
    recovery: Interval | None  # None: not enough good operations were seen after it
    failed: int  # operations that it failed
    run: int  # good operations in a row that it takes to say that it was not on


def settled(samples: Iterable[Sample], now: float | None = None) -> list[Sample]:
    """What is known by `now`, in the order of sending, up to the first operation that is still under way.

    Operations that are under way have no sample yet; behind a hang they would be missing and the good ones after them
    would look like recovery. Numbers without gaps show which are missing. Raises ValueError for more than one flow.
    """
    known = sorted((s for s in samples if now is None or s.done <= now), key=lambda s: s.number)
    _one_flow(known)
    for i, sample in enumerate(known):
        if sample.number != known[0].number + i:
            return known[:i]
    return known


def outage(samples: Iterable[Sample], slower_than: float | None = None) -> Outage | None:
    """The outage that explains every failed operation in `samples` (of one flow); None when none failed.

    - `slower_than`: seconds; an operation that takes longer counts as failed. Default: only those that failed do.
    """
    return _explain(_by_sent(samples), _bad(slower_than))


def outages(samples: Iterable[Sample], apart_s: float, slower_than: float | None = None) -> list[Outage]:
    """The outages in `samples`, oldest first: a new one begins after `apart_s` seconds without a failed operation."""
    ops, bad = _by_sent(samples), _bad(slower_than)
    parts: list[list[Sample]] = [[]]
    over = math.inf
    for op in ops:
        if bad(op):
            if op.sent - over >= apart_s:  # the quiet between two belongs half to each
                middle = (op.sent + over) / 2
                parts.append([quiet for quiet in parts[-1] if quiet.sent >= middle])
                parts[-2] = [quiet for quiet in parts[-2] if quiet.sent < middle]
            over = op.done if over == math.inf else max(over, op.done)
        parts[-1].append(op)
    found = (_explain(part, bad) for part in parts)
    return [one for one in found if one is not None]


def longest_unseen(samples: Iterable[Sample], one_in: int = 1) -> float:
    """How long an outage could have been, at most, without any of these (good) operations noticing; seconds.

    Looks from the first to the last of them. `one_in=m`: an outage that fails every m-th operation in turn.
    """
    ops = _by_sent(samples)
    longest, soonest = 0.0, math.inf
    for i in range(len(ops) - 1 - one_in, -1, -1):
        soonest = min(soonest, ops[i + one_in].done)
        longest = max(longest, soonest - ops[i].sent)
    return longest


def recovered(
    samples: Iterable[Sample], slo: Slo, stable_s: float, now: float, since: float | None = None
) -> Interval | None:
    """When the flow came back for good, as known at `now`; None when it had not, or not for `stable_s` seconds yet.

    Back means: in every window of `stable_s` seconds since then, no more operations failed or were slow than the SLO
    allows of so many. Operations sent before `since` are left out. A flow that was never hurt was back from the start.

    A flow of which a window holds only a handful (one or two operations a second) cannot show a long run of good ones
    in reasonable time; there a whole good window ends the outage, and the interval is as wide as that window.
    """
    begin = -math.inf if since is None else since
    ops = _by_sent(settled((s for s in samples if s.sent >= begin), now))
    if not ops or ops[-1].sent - ops[0].sent < stable_s:
        return None
    broken = _last_broken_window(ops, slo, stable_s)
    if broken is None:
        return Interval(ops[0].sent if since is None else since, ops[0].done)
    start, end = broken
    if end == len(ops) - 1:
        return None
    # The next window does without the oldest failure of this one, and that is enough: behind it the promise is kept.
    hurt = [i for i, op in enumerate(ops) if _hurt(op, slo)]
    cut = next(i for i in hurt if i >= start)
    of_it = _neighbours(hurt, cut)
    times = {ops[i].number for i in of_it}
    found = _explain(ops, lambda op: op.number in times)
    latest = [] if found is None or found.recovery is None else [found.recovery.latest]
    if sum(ops[-1].sent - op.sent <= stable_s for op in ops) < _RAREST:
        last = max(ops[i].sent for i in of_it)
        latest += [op.done for op in ops if op.sent - last >= stable_s][:1]
    return Interval(ops[cut].sent, min(latest)) if latest else None


def _last_broken_window(ops: Sequence[Sample], slo: Slo, stable_s: float) -> tuple[int, int] | None:
    """First and last operation of the latest window in which more failed, or were slow, than the SLO allows."""
    found = None
    start = failed = slow = 0
    for end, op in enumerate(ops):
        failed += not op.ok
        slow += is_slow(op, slo)
        while op.sent - ops[start].sent > stable_s:
            failed -= not ops[start].ok
            slow -= is_slow(ops[start], slo)
            start += 1
        n = end - start + 1
        if failed > allowed(n, slo.success) or slow > _slow_allowed(n, slo):
            found = (start, end)
    return found


def _slow_allowed(n: int, slo: Slo) -> int:
    """How many of `n` may be slow. Of a handful one may always be, unless that would be improbable."""
    share = slo.percentile / 100
    lone = n < _RAREST and binomial_tail(1, n, 1 - share) >= IMPROBABLE
    return max(allowed(n, share), int(lone))


def _neighbours(hurt: Sequence[int], one: int) -> list[int]:
    """The positions in `hurt` that hang together with `one`: no gap is longer than a run that would end an outage."""
    chains: list[list[int]] = []
    for i in hurt:
        if chains and i - chains[-1][-1] <= _LONGEST_RUN:
            chains[-1].append(i)
        else:
            chains.append([i])
    return next(chain for chain in chains if one in chain)


def _explain(ops: Sequence[Sample], is_bad: _Bad) -> Outage | None:
    """The bounds that follow from `ops` (in the order of sending) for one outage that failed all the bad ones."""
    bad = [op for op in ops if is_bad(op)]
    if not bad:
        return None
    begun_by = min(op.done for op in bad)
    on_after = max(op.sent for op in bad)
    runs = [0]  # of good operations between two bad ones, each wholly inside the outage
    for op in ops:
        if is_bad(op):
            runs.append(0)
        elif op.sent >= begun_by and op.done <= on_after:
            runs[-1] += 1
    run = _run_needed(bad, runs[1:-1])
    before = [op for op in ops if op.sent < bad[0].sent and op.done <= on_after and not is_bad(op)]
    after = [op for op in ops if op.sent > on_after and op.sent >= begun_by and not is_bad(op)]
    return Outage(
        onset=Interval(before[-run].sent, begun_by) if len(before) >= run else None,
        recovery=Interval(on_after, min(op.done for op in after[run - 1 :])) if len(after) >= run else None,
        failed=len(bad),
        run=run,
    )


def _run_needed(bad: Sequence[Sample], runs: Sequence[int]) -> int:
    """How many good operations in a row show that an outage of this kind was not on; `runs` are those between bad ones.

    One more than the longest run inside it. When the runs are irregular the next one may well be longer; then as many
    as make it improbable at the share of operations that failed.
    """
    longest = max(runs, default=0)
    if not longest:
        answered = all(op.ok or op.why.startswith("status ") for op in bad)
        return _RAREST if answered and len(bad) < _TELLING else 1
    if len(runs) > _TELLING and longest - min(runs) <= 1:
        return longest + 1
    share = len(runs) / (len(runs) + sum(runs))
    return min(_LONGEST_RUN, max(longest + 1, math.ceil(math.log(_DOUBT) / math.log1p(-share))))


def _bad(slower_than: float | None) -> _Bad:
    if slower_than is None:
        return lambda op: not op.ok
    return lambda op: not op.ok or op.done - op.sent > slower_than


def _hurt(op: Sample, slo: Slo) -> bool:
    return not op.ok or is_slow(op, slo)


def _by_sent(samples: Iterable[Sample]) -> list[Sample]:
    ops = sorted(evidence(samples), key=lambda s: s.sent)
    _one_flow(ops)
    return ops


def _one_flow(samples: Sequence[Sample]) -> None:
    if len({s.flow for s in samples}) > 1:
        raise ValueError("samples of one flow at a time")
