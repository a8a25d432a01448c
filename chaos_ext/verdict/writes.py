"""Whether what was recorded of the writes is true: it is worked out again from what was sent and what was read back."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.language import t
from chaos_ext.meter.account import items_of
from chaos_ext.meter.reads import reads_of, shown_at_last
from chaos_ext.model import Event, Reason
from chaos_ext.verdict.facts import Facts, these

_WORDS = {
    "lost": t("lost"),
    "duplicated": t("duplicated"),
    "unexpected": t("unexpected"),
    "changed": t("changed"),
}


def writes_add_up(facts: Facts) -> Iterator[Reason]:
    """Nothing can be said of lost writes without one that was acknowledged, or without reading back."""
    event = facts.last("write-log")
    if event is None or not any(flow.write for flow in facts.run.services.flows.values()):
        return
    if not event["readable"]:
        back = facts.last("recovery")
        if back is not None and not back["recovered"]:
            return  # a service that is still down cannot be read; that it is down is the finding
        yield facts.no_data(
            t("could not read the writes back: {why}.", why=event.get("why") or t("no answer"))
        )
        return
    if not event["acknowledged"]:
        yield facts.no_data(t("has not one acknowledged write, so nothing can be said about lost ones."))
    outcomes = [w for w in facts.evidence.writes if w.get("outcome") == "ok"]
    if len(outcomes) != event["acknowledged"]:
        yield facts.no_data(
            t(
                "counted {acknowledged} acknowledged writes, but its write log has {outcomes}.",
                acknowledged=event["acknowledged"],
                outcomes=len(outcomes),
            ),
        )
    known = {w.get("id") for w in outcomes}
    yield from _told_again(facts, event)
    strange = [lost for lost in event["lost"] if lost not in known]
    if strange:
        yield facts.no_data(
            t(
                "calls {strange} lost, which its write log does not know as acknowledged.",
                strange=these(strange),
            )
        )


def _told_again(facts: Facts, event: Event) -> Iterator[Reason]:
    """What was recorded of the writes is what what was sent and read back says, worked out anew."""
    account = facts.account
    if account is None:
        if event.get("stores"):
            yield facts.no_data(t("has no record of what was read back."))
        return
    if not account.readable:
        yield facts.no_data(t("could not read the writes back: {why}.", why=account.why))
        return
    for kind, word in _WORDS.items():
        recorded, again = set(map(str, event.get(kind) or ())), set(getattr(account, kind))
        if recorded != again:
            yield facts.no_data(
                t(
                    "recorded {recorded} as {word}, but what was sent and read back says {again}.",
                    recorded=these(sorted(recorded)) or t("no write"),
                    word=word,
                    again=these(sorted(again)) or t("none"),
                )
            )
    if not event.get("stores"):
        return  # kept before there was more than what was read back at last
    for one in account.stores:
        kept = items_of(facts.run.services.flows, facts.evidence.read_back, one.flow, one.store)
        id_field = facts.run.services.flows[one.flow].stores[one.store].id
        if shown_at_last(reads_of(facts.evidence.reads, one.flow, one.store)) != {i[id_field] for i in kept}:
            yield facts.no_data(
                t(
                    "kept other writes of {flow} from {store} than its last look showed.",
                    flow=one.flow,
                    store=one.store,
                )
            )
