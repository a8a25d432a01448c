"""A runbook that is followed although nothing is broken: what makes such a trial count, and what harm it may show."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.language import t
from chaos_ext.model import Arm, Impact, Reason
from chaos_ext.verdict.facts import Facts, these
from chaos_ext.verdict.words import impact as impact_word


def invalid(facts: Facts) -> Iterator[Reason]:
    """Why a healthy trial proves nothing, besides what holds for every trial."""
    if facts.arm is not Arm.HEALTHY:
        return
    if facts.fault is not None or facts.has("fault-intended"):
        yield facts.no_data(t("was to have no fault, and has the record of one."))
    began = _began(facts)
    if began is None:
        return  # told as a record that is missing
    window_s = facts.run.environment.windows.baseline
    for flow in facts.run.services.flows:
        before = facts.figures(flow, began - window_s, began, done_by=began)
        if not before.operations:
            yield facts.no_data(
                t(
                    "measured no operation of {flow} in the {window_s:g} s before its runbook began.",
                    flow=flow,
                    window_s=window_s,
                )
            )
        elif not before.well:
            yield facts.reason(
                "baseline-not-met",
                t("was not well before its runbook began: {figures} in {flow}.", figures=before, flow=flow),
            )
        if facts.end is not None and facts.figures(flow, began, facts.end, done_by=facts.end).impact is None:
            yield facts.no_data(
                t("measured no operation of {flow} while its runbook was followed.", flow=flow)
            )


def against(facts: Facts) -> Iterator[Reason]:
    """The harm that a runbook did in this valid trial."""
    began = _began(facts)
    if facts.arm is not Arm.HEALTHY or began is None or facts.end is None:
        return
    for flow in facts.run.services.flows:
        felt = facts.figures(flow, began, facts.end, done_by=facts.end)
        if felt.impact not in (None, Impact.NONE):
            yield facts.reason(
                "harmful",
                t(
                    "had nothing broken, and measured {impact} in {flow} ({figures}) while the runbook was followed. "
                    "Have it look whether there is anything to do before it changes something.",
                    impact=impact_word(felt.impact),
                    flow=flow,
                    figures=felt,
                ),
            )
    log = facts.last("write-log")
    if log is not None and log["readable"] and log["lost"]:
        yield facts.reason(
            "data-lost",
            t(
                "had nothing broken, and lost {count} writes that users were told are stored: {ids}.",
                count=len(log["lost"]),
                ids=these(log["lost"]),
            ),
        )


def _began(facts: Facts) -> float | None:
    event = facts.last("runbook-started")
    return None if event is None else float(event["at"])
