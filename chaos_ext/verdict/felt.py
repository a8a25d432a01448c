"""What users felt, and what became of what they were told is stored, against what the mode claims."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from chaos_ext.language import listed, t
from chaos_ext.meter.account import observed_rpo
from chaos_ext.model import Impact, Reason
from chaos_ext.verdict.facts import Facts, spell, these
from chaos_ext.verdict.words import impact as _word


def against(facts: Facts, alone: Sequence[Facts]) -> Iterator[Reason]:
    """What differs from the claim in this valid trial. `alone`: the valid trials in which nobody acted."""
    yield from _impact(facts, alone)
    yield from _out_unclaimed(facts)
    yield from _writes(facts)


def _impact(facts: Facts, alone: Sequence[Facts]) -> Iterator[Reason]:
    for flow, figures in facts.impact.items():
        claim = facts.run.mode.impact
        if (
            figures.impact is not None
            and not claim.allows(flow, figures.impact)
            and not _cut_short(facts, flow, alone)
        ):
            possible = claim.possible.get(flow)
            claimed = (
                _word(claim.on(flow))
                if possible is None
                else t(
                    "{claim}, or possibly {possible}", claim=_word(claim.on(flow)), possible=_word(possible)
                )
            )
            yield facts.reason(
                "impact-differs",
                t(
                    "measured {impact} in {flow} ({figures}), but the mode claims {claimed}. Correct "
                    "impact.flows.{flow}, or find out why.",
                    impact=_word(figures.impact),
                    flow=flow,
                    figures=figures,
                    claimed=claimed,
                ),
            )


def _out_unclaimed(facts: Facts) -> Iterator[Reason]:
    """A mode that surely hurts nobody is wrong about an outage, even when it calls one possible."""
    claim = facts.run.mode.impact
    if claim.hurt:
        return
    for flow, figures in facts.impact.items():
        if figures.impact is Impact.OUTAGE and claim.allows(flow, Impact.OUTAGE):
            yield facts.reason(
                "impact-differs",
                t(
                    "measured an outage in {flow} ({figures}), but the mode claims that surely no flow is hurt. An "
                    "outage that is only possible is no claim: correct impact.flows.{flow}.",
                    flow=flow,
                    figures=figures,
                ),
            )


def _cut_short(facts: Facts, flow: str, alone: Sequence[Facts]) -> bool:
    """Whether the runbook was there before the claimed outage had become one.

    The claim is about what happens when nobody acts. A flow that was hurt less in the second or two before the first
    mitigation, and was out where nobody acted, is what was claimed.
    """
    return (
        facts.mitigation_at is not None
        and facts.run.mode.impact.on(flow) is Impact.OUTAGE
        and facts.impact[flow].impact in (Impact.DEGRADED, Impact.LATE)
        and any(flow in other.impact and other.impact[flow].impact is Impact.OUTAGE for other in alone)
    )


def _writes(facts: Facts) -> Iterator[Reason]:
    log = facts.last("write-log")
    if log is None or not log["readable"] or not (facts.followed or facts.run.mode.recovery == "self"):
        return
    others = log.get("changed")
    changed = [i for i in others if i not in log["lost"]] if isinstance(others, list) else []
    gone = [*log["lost"], *changed]
    allowed = facts.run.objectives.lost_acknowledged_writes
    if len(gone) > allowed:
        yield facts.reason(
            "data-lost",
            t(
                "lost {gone} of {acknowledged} writes that users were told are stored, {allowed} "
                "allowed: {ids}.{changed}{rpo}",
                gone=len(gone),
                acknowledged=log["acknowledged"],
                allowed=allowed,
                ids=these(gone),
                changed=_changed(changed),
                rpo=_by_store(facts) or _rpo(facts, gone),
            ),
        )
    for kind, what in (
        ("duplicated", t("stored more than once")),
        ("unexpected", t("stored, although nobody sent them")),
    ):
        if log[kind]:
            yield facts.reason(
                "impact-differs",
                t(
                    "found {count} writes {what}: {ids}.{where} Users see {wrong} content, which the mode "
                    "does not claim.",
                    count=len(log[kind]),
                    what=what,
                    ids=these(log[kind]),
                    where=_where(facts, kind),
                    wrong=_word(Impact.WRONG),
                ),
            )


def _changed(changed: list[str]) -> str:
    return t(" {count} of them are there with other content.", count=len(changed)) if changed else ""


def _by_store(facts: Facts) -> str:
    """Which store lost how much, each with its observed RPO; empty where there is one store, or none is known."""
    if facts.account is None or len(facts.account.stores) < 2:
        return ""
    told: list[str] = []
    for one in facts.account.stores:
        gone = {*one.lost, *one.changed}
        if not gone:
            continue
        rpo = observed_rpo(_oldest(facts, gone), facts.fault)
        told.append(
            t("{flow} in {store} {count}", flow=one.flow, store=one.store, count=len(gone))
            if rpo is None
            else t(
                "{flow} in {store} {count} (observed RPO {rpo})",
                flow=one.flow,
                store=one.store,
                count=len(gone),
                rpo=spell(rpo),
            )
        )
    return t(" Lost: {stores}.", stores=listed(told, "; ")) if told else ""


def _where(facts: Facts, kind: str) -> str:
    """In which stores; empty where there is one store, or none is known."""
    if facts.account is None or len(facts.account.stores) < 2:
        return ""
    of = [one for one in facts.account.stores if getattr(one, kind)]
    return t(
        " They are in {stores}.",
        stores=listed([t("{flow} in {store}", flow=one.flow, store=one.store) for one in of]),
    )


def _rpo(facts: Facts, gone: Collection[str]) -> str:
    """Fault time minus the time at which the oldest lost write was acknowledged: an interval, as the fault is."""
    rpo = observed_rpo(_oldest(facts, gone), facts.fault)
    return "" if rpo is None else t(" Observed RPO: {rpo}.", rpo=spell(rpo))


def _oldest(facts: Facts, gone: Collection[str]) -> float | None:
    of = set(gone)
    return min(
        (w["at"] for w in facts.evidence.writes if w.get("outcome") == "ok" and w.get("id") in of),
        default=None,
    )
