"""How long what users were told is stored was not to be seen, against the objective; no data is never a pass."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.language import Said, t
from chaos_ext.meter.account import WriteAccount
from chaos_ext.model import Interval, Reason
from chaos_ext.verdict.facts import Facts, spell


def against(facts: Facts) -> Iterator[Reason]:
    """What was shown too late in this valid trial, or cannot be told. Nothing when no objective asks for it.

    Every store that is watched and every flow that shows writes must be inside the objective, surely.
    """
    within_s = facts.run.objectives.stale_for_at_most
    log = facts.last("write-log")
    if within_s is None or log is None or not (facts.followed or facts.run.mode.recovery == "self"):
        return
    if not log["readable"]:
        return  # that nothing could be read back is told already
    measured = list(_measured(facts.account)) if facts.account is not None else []
    if not measured:
        yield facts.no_data(
            t(
                "was to show writes within {within_s:g} s (stale_for_at_most), and nothing of it was measured. In "
                "services.yaml, give a store of a writing flow `watch`, or say of a flow that shows writes that it is "
                "`fresh`.",
                within_s=within_s,
            )
        )
    for where, found in measured:
        if found is None:
            yield facts.no_data(
                t(
                    "was to show writes within {within_s:g} s (stale_for_at_most), and nothing tells how old "
                    "{where} was.",
                    within_s=within_s,
                    where=where,
                )
            )
        elif found.earliest > within_s:
            yield facts.reason(
                "too-stale",
                t(
                    "saw {where} lack an acknowledged write for {span}; the objective (stale_for_at_most) is "
                    "{within_s:g} s.",
                    where=where,
                    span=spell(found),
                    within_s=within_s,
                ),
            )
        elif found.latest > within_s:
            yield facts.no_data(
                t(
                    "cannot tell whether {where} lacked an acknowledged write for longer than the objective "
                    "(stale_for_at_most) of {within_s:g} s: it was {span}, too coarse to judge. Watch it more often, "
                    "or correct the objective.",
                    where=where,
                    span=spell(found),
                    within_s=within_s,
                )
            )


def _measured(account: WriteAccount) -> Iterator[tuple[Said, Interval | None]]:
    for one in account.stores:
        if one.watched:
            yield t("{flow} in {store}", flow=one.flow, store=one.store), one.stale_for
    for shown in account.shown:
        yield t("flow {flow}", flow=shown.flow), shown.stale_for
