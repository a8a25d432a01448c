"""What the guidelines say, in lines for people: `chaos policy list`, `chaos policy explain`, the plan of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chaos_ext.catalog.guidelines import Read
from chaos_ext.language import Said, t
from chaos_ext.model import Decision, text_in
from chaos_ext.safety.policy.deciding import Decided
from chaos_ext.safety.policy.enforcing import Ruling, in_both
from chaos_ext.safety.policy.matching import conditions

WORDS = {
    Decision.FORBIDDEN: t("forbidden"),
    Decision.REVIEW: t("needs a review"),
    Decision.FREE: t("free"),
}


def rows(read: Read) -> list[list[str]]:
    """The rules as a table has them."""
    return [
        [
            str(number),
            rule.id,
            WORDS[rule.decision],
            "; ".join(conditions(rule.match)) or t("everything"),
            in_both(rule.reason),
        ]
        for number, rule in enumerate(read.rules, start=1)
    ]


def as_data(read: Read) -> list[dict[str, Any]]:
    """The rules as JSON has them."""
    return [
        {
            "id": rule.id,
            "decision": rule.decision.value,
            "where": read.where(index),
            "match": rule.match.model_dump(mode="json", exclude_defaults=True),
            "reason": rule.reason.model_dump(),
        }
        for index, rule in enumerate(read.rules)
    ]


def told(ruling: Ruling, environment: str) -> Iterator[Said | str]:
    """What a colleague would answer: may I, says who, why, and what of the rules before."""
    yield _answer(ruling, environment)
    before: Decided | None = None
    for each in ruling.decided:
        yield from _as_before(each) if _is_as_before(each, before) else ("", *_activity(each))
        before = each if not each.subject.part else before
    yield from _approval(ruling, environment)


def _answer(ruling: Ruling, environment: str) -> Said:
    answers = {
        Decision.FREE: t(
            "{id} in {environment}: go ahead, it is free.", id=ruling.id, environment=environment
        ),
        Decision.FORBIDDEN: t(
            "{id} in {environment}: no, it is forbidden, and no approval changes that.",
            id=ruling.id,
            environment=environment,
        ),
        Decision.REVIEW: t(
            "{id} in {environment}: go ahead, it needs a review and has one."
            if ruling.may_run
            else "{id} in {environment}: not yet, it needs an SRE's review.",
            id=ruling.id,
            environment=environment,
        ),
    }
    return answers[ruling.decision]


def _is_as_before(decided: Decided, fault: Decided | None) -> bool:
    """Whether an undo or evidence needs few words: the rule of its fault decides of it too, or it only looks."""
    if fault is None or decided.subject.part in ("", "look"):
        return False
    only_looks = decided.subject.only_looks and not decided.rule
    return only_looks or bool(decided.rule and (decided.rule, decided.doubt) == (fault.rule, fault.doubt))


def _as_before(decided: Decided) -> Iterator[Said | str]:
    subject = decided.subject
    yield t(
        "    its undo {activity}: {decision}, {why}"
        if subject.part == "undo"
        else "    its evidence {activity}: {decision}, {why}",
        activity=subject.names[0],
        decision=WORDS[decided.decision],
        why=t("says the same rule") if decided.rule else in_both(decided.reason),
    )


def _activity(decided: Decided) -> Iterator[Said | str]:
    subject = decided.subject
    yield t("  {name}: {activity}", name=subject.told, activity=subject.names[0])
    if decided.rule:
        yield t(
            "    {decision}, says rule '{rule}' ({where}):",
            decision=WORDS[decided.decision],
            rule=decided.rule,
            where=decided.where,
        )
        yield t("      {reason}", reason=in_both(decided.reason))
    else:
        yield t("    {decision}: {reason}", decision=WORDS[decided.decision], reason=in_both(decided.reason))
    if decided.doubt:
        yield t("    {doubt}", doubt=decided.doubt)
    if decided.passed:
        yield t("    rules that were asked before and do not decide:")
    for each in decided.passed:
        yield t("      {where}  '{id}' {why}", where=each.where, id=each.id, why=each.why)


def _approval(ruling: Ruling, environment: str) -> Iterator[Said | str]:
    if ruling.decision is not Decision.REVIEW:
        return
    yield ""
    if ruling.approval is not None:
        approval = ruling.approval.approval
        yield t(
            "  approved by {issuer} until {expires} ({file})",
            issuer=approval.issuer,
            expires=approval.expires,
            file=ruling.approval.shown,
        )
        if approval.reason:
            yield t("      {reason}", reason=approval.reason)
        return
    yield t("  approval: there is none that stands")
    for problem in ruling.refused:
        yield t("    {problem}", problem=problem)


def in_a_plan(ruling: Ruling) -> Iterator[Said]:
    """One line for each fault of a plan, for an undo or evidence that another rule decides, and for the approval."""
    fault: Decided | None = None
    for each in ruling.decided:
        if _is_as_before(each, fault):
            continue
        fault = each if not each.subject.part else fault
        yield t(
            "{fault}: {decision} ({rule}, {where})" if each.rule else "{fault}: {decision} ({reason})",
            fault=each.subject.told,
            decision=WORDS[each.decision],
            rule=each.rule,
            where=each.where,
            reason=in_both(each.reason),
        )
    if ruling.approval is not None:
        yield t(
            "approved by {issuer} until {expires}",
            issuer=ruling.approval.approval.issuer,
            expires=ruling.approval.approval.expires,
        )
    elif not ruling.may_run:
        yield t("as things are, it would be refused")


def ruling_data(ruling: Ruling, environment: str) -> dict[str, Any]:
    """A ruling as JSON has it."""
    return {
        "experiment": ruling.id,
        "environment": environment,
        "decision": ruling.decision.value,
        "may_run": ruling.may_run,
        "faults": [
            {
                "name": each.subject.name,
                "part": each.subject.part or "activity",
                "activity": each.subject.names[0],
                "decision": each.decision.value,
                "rule": each.rule or None,
                "where": each.where or None,
                "reason": {"en": text_in(each.reason), "ja": text_in(each.reason, "ja")},
                "doubt": str(each.doubt) or None,
                "passed": [{"rule": p.id, "where": p.where, "why": str(p.why)} for p in each.passed],
                "digest": each.subject.digest or None,
            }
            for each in ruling.decided
        ],
        "approval": None
        if ruling.approval is None
        else {
            "file": ruling.approval.shown,
            **ruling.approval.approval.model_dump(mode="json", by_alias=True),
        },
        "refused": [str(problem) for problem in ruling.refused],
    }
