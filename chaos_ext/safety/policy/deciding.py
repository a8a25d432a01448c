"""The guidelines held against faults: which rule decides, and what the earlier ones say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_ext.language import Said, t
from chaos_ext.model import Decision, Guideline, Text
from chaos_ext.safety.changing import is_offered
from chaos_ext.safety.policy.matching import Fit, fits
from chaos_ext.safety.policy.subject import Subject

if TYPE_CHECKING:
    from chaos_ext.catalog.guidelines import Read


@dataclass(frozen=True)
class PassedOver:
    """A rule that came before the one that decided, and why it did not decide."""

    id: str
    where: str
    why: Said | str


@dataclass(frozen=True)
class Decided:
    """What the guidelines say of one activity of a fault. `rule` is empty where none decided."""

    subject: Subject
    decision: Decision
    rule: str
    where: str  # file:line of the rule
    reason: Text
    doubt: Said | str = ""  # why a rule decided that may or may not be meant
    passed: tuple[PassedOver, ...] = ()


NO_RULE = t("no rule is about it, and what nobody has thought of needs a look")
ONLY_LOOKS = t("it only looks, and no rule forbids it")


def decide(read: Read, subject: Subject) -> Decided:
    """The first rule that matches; review where none does. What nobody can know asks for a review at least.

    Evidence that only looks is free unless a rule forbids it, and none before that frees it.
    """
    passed: list[PassedOver] = []
    doubtful: tuple[int, Guideline, Fit] | None = None
    for index, rule in enumerate(read.rules):
        if subject.only_looks and rule.decision is Decision.REVIEW:
            continue
        fit = fits(rule.match, subject)
        if rule.decision is Decision.FREE and fit.answer == "yes" and (why := _is_no_activity(subject)):
            fit = Fit("no", why)
        if fit.answer == "yes" and (rule.decision is not Decision.FREE or doubtful is None):
            return Decided(subject, rule.decision, rule.id, read.where(index), rule.reason, "", tuple(passed))
        if fit.answer == "unknown" and rule.decision is not Decision.FREE and doubtful is None:
            doubtful = (index, rule, fit)
        if fit.answer == "yes":
            break  # it would be free, but for the doubt
        passed.append(PassedOver(rule.id, read.where(index), fit.why))
    if doubtful is not None:
        index, rule, fit = doubtful
        kept = tuple(each for each in passed if each.id != rule.id)
        why = t("'{id}' may be meant: {why}", id=rule.id, why=fit.why)
        return Decided(subject, Decision.REVIEW, rule.id, read.where(index), rule.reason, why, kept)
    if subject.only_looks:
        return Decided(subject, Decision.FREE, "", "", ONLY_LOOKS, "", tuple(passed))
    return Decided(subject, Decision.REVIEW, "", "", NO_RULE, "", tuple(passed))


def _is_no_activity(subject: Subject) -> Said | str:
    """Why a rule that frees our activities does not free this function of ours."""
    provider = subject.activity.get("provider", {})
    module, func = str(provider.get("module", "")), str(provider.get("func", ""))
    if not module.startswith("chaos_ext.") or is_offered(module, func):
        return ""
    return t("frees activities, and {module} offers none called '{func}'", module=module, func=func)


def gravest(found: Iterable[Decided]) -> Decision:
    """What an experiment is, by the gravest of its faults; free when it has none."""
    order = list(Decision)
    return min((each.decision for each in found), key=order.index, default=Decision.FREE)
