"""What became of everything that was written: an account for each flow and each store, and one of all. Pure.

From the log of what was sent and the looks at what is there. The words:

- lost: acknowledged, and not there at the last look;
- recovered: nobody knows whether it was taken (indeterminate), and it is there;
- unexpected: there, although nobody sent it, or although it was refused;
- duplicated: there more than once; changed: there with another text than was sent;
- stale: acknowledged, and a look that was sent after that missed it, while the last one shows it (`staleness`).

An indeterminate write may be there or not: neither is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from chaos_ext.language import t
from chaos_ext.meter import reads as looks
from chaos_ext.meter.reads import Read
from chaos_ext.meter.samples import Sample, by_flow
from chaos_ext.meter.staleness import Shown, delays, shown_by
from chaos_ext.meter.writelog import OUTCOMES, Line, Sent, of_flow, pairs
from chaos_ext.model import Flow, Interval, Store

_IDS = ("lost", "recovered", "duplicated", "unexpected", "changed", "stale")


@dataclass(frozen=True)
class WriteAccount:
    """What became of all writes of a flow at a store, or (without names) of all. Ids are the writes' own."""

    flow: str = ""
    store: str = ""
    attempted: int = 0
    acknowledged: int = 0  # 0 means that nothing can be said about loss: see `no_data`
    indeterminate: int = 0  # may be there, need not be
    failed: int = 0
    read: int = 0  # of those attempted, how many were read back (from every store)
    lost: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    watched: bool = False  # the store was looked at while the flows ran
    stale_for: Interval | None = None  # seconds until the slowest write was seen; None: no look says anything
    oldest_lost_acknowledged_at: float | None = None  # monotonic
    readable: bool = True  # False: the rest of what was read back is not known
    why: str = ""  # what was wrong with reading back
    stores: tuple[WriteAccount, ...] = ()  # of which this one is the sum
    shown: tuple[Shown, ...] = ()  # what flows showed of the writes while they ran

    @property
    def no_data(self) -> bool:
        """Whether this says nothing about loss: not readable, or not one acknowledged write."""
        return not self.readable or not self.acknowledged

    def as_dict(self) -> dict[str, Any]:
        """The account as an event carries it. Of stale writes only how many: behind a queue all of them may be."""
        of_one = ("flow", "store", "watched", "stale_for") if self.flow else ()
        of_all = () if self.flow else ("stores", "shown")
        left_out = {"flow", "store", "watched", "stale_for", "stores", "shown"} - {*of_one, *of_all}
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        told |= {name: list(told[name]) for name in _IDS} | {"stale": len(self.stale)}
        if self.flow:
            return told | {"stale_for": _spelled(self.stale_for)}
        shown = [
            {
                "flow": s.flow,
                "of": s.of,
                "reads": s.reads,
                "stale": s.stale,
                "stale_for": _spelled(s.stale_for),
            }
            for s in self.shown
        ]
        return told | {"stores": [one.as_dict() for one in self.stores], "shown": shown}


def account(
    lines: Iterable[Line], items: Sequence[Any], store: Store, reads: Sequence[Read] = ()
) -> WriteAccount:
    """Compare the log of one flow with all that one store gave back at last.

    - `lines`: of that flow. `reads`: the looks at the store that were answered, in order; they tell what was stale.

    Raises ValueError when an item has no id, or when the log contradicts itself.
    """
    sent = pairs(lines)
    times: Counter[str] = Counter()
    changed: set[str] = set()
    for item in items:
        write_id = id_of(item, store)
        times[write_id] += 1
        if store.content and write_id in sent and item.get(store.content) != sent[write_id].text:
            changed.add(write_id)
    lost = [w for w in sent.values() if w.outcome == "ok" and w.id not in times]
    seen = {i: delay for i, delay in delays(sent, reads).items() if i in times}
    spans = [delay.interval for delay in seen.values()]
    longest = Interval(max(s.earliest for s in spans), max(s.latest for s in spans)) if spans else None
    return replace(
        _counted(sent),
        read=sum(i in times for i in sent),
        lost=tuple(w.id for w in lost),
        recovered=tuple(w.id for w in sent.values() if w.outcome == "indeterminate" and w.id in times),
        duplicated=tuple(i for i, n in times.items() if n > 1),
        unexpected=tuple(i for i in times if i not in sent or sent[i].outcome == "failed"),
        changed=tuple(i for i in sent if i in changed),
        stale=tuple(i for i in sent if i in seen and seen[i].missed),
        watched=store.watch is not None,
        stale_for=longest,
        oldest_lost_acknowledged_at=min((w.over_at for w in lost if w.over_at is not None), default=None),
    )


def id_of(item: Any, store: Store) -> str:
    """The id of the write that an item is. Raises ValueError when it has none."""
    if not isinstance(item, Mapping) or not isinstance(item.get(store.id), str):
        raise ValueError(f"an item without {store.id!r}: {str(item)[:120]}")
    return str(item[store.id])


def unread(lines: Iterable[Line], why: str) -> WriteAccount:
    """The account when nothing could be read back: what the log itself says, and no word about loss."""
    return replace(_counted(pairs(lines)), readable=False, why=why)


def together(accounts: Sequence[WriteAccount], shown: Sequence[Shown] = ()) -> WriteAccount:
    """One account of all flows and stores; readable only when each is.

    A write of a flow counts once, however many stores it must get to; it is lost when one of them has lost it.
    """
    flows: dict[str, list[WriteAccount]] = {}
    for one in accounts:
        flows.setdefault(one.flow, []).append(one)
    first = [of[0] for of in flows.values()]
    oldest = [a.oldest_lost_acknowledged_at for a in accounts if a.oldest_lost_acknowledged_at is not None]
    ids: dict[str, Any] = {
        name: tuple(dict.fromkeys(i for a in accounts for i in getattr(a, name))) for name in _IDS
    }
    return WriteAccount(
        attempted=sum(a.attempted for a in first),
        acknowledged=sum(a.acknowledged for a in first),
        indeterminate=sum(a.indeterminate for a in first),
        failed=sum(a.failed for a in first),
        read=sum(min(a.read for a in of) for of in flows.values()),
        oldest_lost_acknowledged_at=min(oldest, default=None),
        readable=all(a.readable for a in accounts),
        why="; ".join(dict.fromkeys(a.why for a in accounts if a.why)),
        stores=tuple(accounts),
        shown=tuple(shown),
        **ids,
    )


def account_of_all(
    flows: Mapping[str, Flow],
    writes: Sequence[Line],
    read_back: Iterable[Mapping[str, Any]],
    reads: Sequence[Mapping[str, Any]] = (),
    samples: Iterable[Sample] = (),
    why: Mapping[tuple[str, str], str] | None = None,
) -> WriteAccount:
    """The account of a whole trial, from the lines of its files: the same whenever it is made.

    - `read_back`: what each store gave back at last (readback.jsonl); without a store's name it is the flow's first.
    - `why`: of each (flow, store) that gave nothing back, why.

    A log or a list that cannot be understood makes its store unreadable.
    """
    given = _given(flows, read_back)
    told, accounts = why or {}, []
    for name, flow in flows.items():
        lines = of_flow(writes, name) if flow.write is not None else []
        for store_name, store in flow.stores.items():
            key = (name, store_name)
            try:
                if key in given and key not in told:
                    one = account(lines, given[key], store, looks.reads_of(reads, name, store_name))
                else:
                    never = t("{flow} in {store} was not read back", flow=name, store=store_name)
                    one = unread(lines, told.get(key, never))
            except ValueError as error:
                one = WriteAccount(readable=False, why=f"{name}: {error}")
            accounts.append(replace(one, flow=name, store=store_name, watched=store.watch is not None))
    return together(accounts, _shown(flows, writes, samples))


def items_of(
    flows: Mapping[str, Flow], read_back: Iterable[Mapping[str, Any]], flow: str, store: str
) -> Sequence[Any]:
    """What one store gave back at last of one flow; nothing when that was not kept."""
    return _given(flows, read_back).get((flow, store), [])


def observed_rpo(oldest_lost_acknowledged_at: float | None, fault: Interval | None) -> Interval | None:
    """Seconds from the acknowledgement of the oldest lost write to the fault; None: nothing lost, or no fault.

    What was acknowledged after the fault and lost is no matter of how far back the loss reaches: 0.
    """
    if oldest_lost_acknowledged_at is None or fault is None:
        return None
    at = oldest_lost_acknowledged_at
    return Interval(max(0.0, fault.earliest - at), max(0.0, fault.latest - at))


def _shown(flows: Mapping[str, Flow], writes: Sequence[Line], samples: Iterable[Sample]) -> list[Shown]:
    of, found = by_flow(samples), []
    sent: dict[str, Mapping[str, Sent]] = {}
    for name, flow in flows.items():
        other = flow.fresh.of if flow.fresh else flow.follows.flow if flow.follows else None
        if other is None:
            continue
        if other not in sent:
            try:
                sent[other] = pairs(of_flow(writes, other))
            except ValueError:
                sent[other] = {}  # the account of that flow says so
        one = shown_by(name, flow, sent[other], of.get(name, ()))
        if one is not None:
            found.append(one)
    return found


def _given(
    flows: Mapping[str, Flow], read_back: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], Sequence[Any]]:
    """What was read back, by flow and store. A line without a store is from before they had names: the first one's."""
    found = {}
    for kept in read_back:
        name = str(kept["flow"])
        first = next(iter(flows[name].stores), "") if name in flows else ""
        found[name, str(kept.get("store") or first)] = kept["items"]
    return found


def _counted(sent: Mapping[str, Sent]) -> WriteAccount:
    count = Counter(w.outcome for w in sent.values())
    ok, failed, indeterminate = (count[word] for word in OUTCOMES)
    return WriteAccount(attempted=len(sent), acknowledged=ok, failed=failed, indeterminate=indeterminate)


def _spelled(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(interval.earliest, 6), round(interval.latest, 6)]
