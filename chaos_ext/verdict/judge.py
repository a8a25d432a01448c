"""All trials of a run together: one word, its reasons, its flags, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chaos_ext.language import listed, t
from chaos_ext.model import Arm, Reason, Verdict, VerdictWord
from chaos_ext.verdict import outcome, validity, varied
from chaos_ext.verdict.evidence import RunEvidence
from chaos_ext.verdict.facts import Facts, these
from chaos_ext.verdict.harm import harmful
from chaos_ext.verdict.rehearsed import as_tried
from chaos_ext.verdict.restored import not_restored
from chaos_ext.verdict.statistics import (
    fisher_exact,
    not_slower_than_the_slowest,
    success_rate_at_least,
    tolerance_bound,
)

# Goes up whenever the same evidence may get another verdict.
VERDICT_RULES = 5

UNKNOWN = frozenset(
    {
        "baseline-not-met",
        "fault-not-injected",
        "fault-not-in-force",
        "no-impact",
        "no-data",
        "needs-a-person",
        "blocked",
        "interrupted",
        "aborted",
        "fault-expired",
        "no-action-arm-too-short",
    }
)
REFUTED = frozenset(
    {
        "not-detected",
        "wrong-runbook-linked",
        "step-failed",
        "not-recovered",
        "too-slow",
        "data-lost",
        "too-stale",
        "heals-itself",
        "does-not-heal",
        "impact-differs",
        "verification-blind",
        "harmful",
    }
)

_EXIT = {
    VerdictWord.VERIFIED: 0,
    VerdictWord.REPRODUCED: 0,
    VerdictWord.REHEARSED: 0,
    VerdictWord.REFUTED: 1,
    VerdictWord.UNKNOWN: 4,
}
_EXIT_FLAGGED, _EXIT_INTERRUPTED = 5, 130
# With many trials the same finding repeats; after this many the rest is counted.
_TOLD_OF_A_WORD = 3
_SIGNIFICANT = 0.05
# Fewer recoveries say of less than half of all how long they take; with more, the bound is told for a round share.
_FEWEST_FOR_A_BOUND = 5
_SHARES = (0.5, 0.75, 0.9, 0.95, 0.99)


def judge(evidence: RunEvidence) -> Verdict:
    """What this run proves. Deterministic, and total: evidence that is not there proves nothing.

    Findings count only from trials that count; refuted beats unknown beats verified. Exit code 5 when
    something broken was left behind, whatever the word; then 130 when somebody asked to stop.
    """
    evidence = as_tried(evidence)
    trials = [Facts(evidence, each) for each in evidence.trials]
    reasons: list[Reason] = []
    valid: list[Facts] = []
    for facts in trials:
        if found := validity.invalid(facts):
            reasons += found
        else:
            valid.append(facts)
    alone = [facts for facts in valid if facts.arm is Arm.NO_ACTION]
    for facts in valid:
        reasons += outcome.against(facts, alone)
    reasons += _of_the_run(evidence, trials, valid)
    steps = varied.steps(evidence, trials, valid)
    mutations = varied.mutations(evidence, trials, valid)
    reasons += varied.against(steps, mutations)
    word = _word(evidence, reasons)
    flags = tuple(_flags(evidence, trials))
    return Verdict(
        word,
        _told(reasons),
        flags,
        _worth(evidence, trials, valid),
        _exit_code(word, reasons, flags),
        steps,
        mutations,
    )


def _word(evidence: RunEvidence, reasons: Sequence[Reason]) -> VerdictWord:
    words = {reason.word for reason in reasons}
    if words & REFUTED:
        return VerdictWord.REFUTED
    if words:
        return VerdictWord.UNKNOWN
    if evidence.rehearses:
        return VerdictWord.REHEARSED
    return VerdictWord.VERIFIED if evidence.has_runbook else VerdictWord.REPRODUCED


def _exit_code(word: VerdictWord, reasons: Iterable[Reason], flags: Sequence[Reason]) -> int:
    if flags:
        return _EXIT_FLAGGED
    if any(reason.word == "interrupted" for reason in reasons):
        return _EXIT_INTERRUPTED
    return _EXIT[word]


def _told(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """What refutes first, then what leaves open; each word at most a few times, the rest counted."""
    told: list[Reason] = []
    ordered = [r for r in reasons if r.word in REFUTED] + [r for r in reasons if r.word not in REFUTED]
    for word in dict.fromkeys(reason.word for reason in ordered):
        same = list(dict.fromkeys(reason for reason in ordered if reason.word == word))
        told += same[:_TOLD_OF_A_WORD]
        if len(same) > _TOLD_OF_A_WORD:
            told.append(
                Reason(word, t("and {same} more times in this run.", same=len(same) - _TOLD_OF_A_WORD))
            )
    return tuple(told)


# --- across trials -------------------------------------------------------------------------------


def _of_the_run(evidence: RunEvidence, trials: Sequence[Facts], valid: Sequence[Facts]) -> list[Reason]:
    reasons: list[Reason] = []
    for event in evidence.events:
        if event.get("kind") == "abort":
            reasons.append(
                Reason(
                    "interrupted",
                    t("The run was stopped: {why}.", why=event.get("why") or t("asked to stop")),
                )
            )
    if evidence.unreadable:
        reasons.append(
            Reason(
                "no-data",
                t("The run has damaged files: {unreadable}.", unreadable=these(evidence.unreadable)),
            )
        )
    missing = list(evidence.arms)
    for arm in (*(facts.arm for facts in trials), *varied.not_run(evidence)):
        if arm in missing:
            missing.remove(arm)
    if missing:
        reasons.append(Reason("no-data", t("Planned trials are missing: {missing}.", missing=these(missing))))
    for arm in _needed_arms(evidence):
        if not any(facts.arm is arm for facts in trials) and arm not in missing:
            reasons.append(
                Reason(
                    "no-data", t("The run has no {arm} trial, so half of the claim is not tried.", arm=arm)
                )
            )
    digests = {event["digest"] for facts in valid for event in facts.all("runbook-started")}
    if evidence.runbook_digest:
        digests |= {evidence.runbook_digest}
    if len(digests) > 1:
        reasons.append(Reason("no-data", t("The runbook was changed while this run went on. Run it again.")))
    delays = () if evidence.rehearses else harmful(valid)
    return [*reasons, *delays, *_watched_long_enough(evidence, valid)]


def _needed_arms(evidence: RunEvidence) -> tuple[Arm, ...]:
    return (Arm.TREATMENT, Arm.NO_ACTION) if evidence.has_runbook else ()


def _watched_long_enough(evidence: RunEvidence, valid: Sequence[Facts]) -> list[Reason]:
    slowest_s = max(
        (
            facts.since_fault(facts.recovery.interval).latest
            for facts in valid
            if facts.arm is Arm.TREATMENT and facts.recovery.interval is not None
        ),
        default=None,
    )
    if slowest_s is None:
        return []
    needed_s = slowest_s + evidence.environment.windows.stable
    return [
        reason
        for facts in valid
        if facts.arm in (Arm.NO_ACTION, Arm.LOOK_ONLY) and evidence.mode.recovery == "runbook"
        for reason in validity.too_short(facts, needed_s)
    ]


# --- what was left behind ------------------------------------------------------------------------


def _flags(evidence: RunEvidence, trials: Sequence[Facts]) -> Iterable[Reason]:
    left = [e for e in evidence.events if e.get("kind") == "environment-not-restored"]
    for event in left:
        yield Reason("environment-not-restored", str(event.get("why") or t("Something is left.")))
    thrown_away = (
        evidence.environment.disposable
        and not left
        and any(e.get("kind") == "lab-stopped" for e in evidence.events)
    )
    for facts in trials:
        if thrown_away and not facts.as_written:
            continue  # what half a runbook, or one with a mistake, leaves is what the place is thrown away for
        outcomes = {e["name"]: e for e in facts.all("fault-undone")}  # the last word on each fault
        for name, event in outcomes.items():
            if event["outcome"] not in ("undone", "superseded", "already"):
                yield Reason(
                    "undo-failed",
                    t(
                        "{trial} could not undo {name}: {why}. Run: chaos heal",
                        trial=facts.trial,
                        name=name,
                        why=event.get("why") or event["outcome"],
                    ),
                )
        yield from not_restored(facts, thrown_away=thrown_away)
        if thrown_away:
            continue
        begun = dict.fromkeys(e["name"] for e in (*facts.all("fault-intended"), *facts.all("fault-injected")))
        never = {e["name"] for e in facts.all("fault-not-injected")}
        open_ = [name for name in begun if name not in outcomes and name not in never]
        if open_:
            yield Reason(
                "environment-not-restored",
                t(
                    "{trial} has no record that {open} was undone. Run: chaos heal",
                    trial=facts.trial,
                    open=these(open_),
                ),
            )
        elif facts.evidence.journal is None and begun:
            yield Reason(
                "environment-not-restored",
                t(
                    "{trial} left no journal: Chaos Toolkit may not have played its rollbacks. Run: "
                    "chaos heal",
                    trial=facts.trial,
                ),
            )


# --- what it is worth ----------------------------------------------------------------------------


def _worth(evidence: RunEvidence, trials: Sequence[Facts], valid: Sequence[Facts]) -> str:
    """Arms, platform and blocks that were exercised, and what so many trials can show."""
    arms: list[str] = []
    for arm in Arm:
        of, count = [f for f in trials if f.arm is arm], [f for f in valid if f.arm is arm]
        if of:
            arms.append(
                t(
                    "{arm} {of}×" if len(of) == len(count) else "{arm} {valid} valid of {of}",
                    arm=arm,
                    valid=len(count),
                    of=len(of),
                )
            )
    treated = [f for f in valid if f.arm is Arm.TREATMENT]
    exercised = dict.fromkeys(
        str(step) for f in treated for event in f.all("runbook-finished") for step in event["exercised"]
    )
    told = t(
        "{arms} on {platform}; runbook blocks exercised: {steps}" if exercised else "{arms} on {platform}",
        arms=listed(arms) or t("no trial"),
        platform=evidence.environment.platform,
        steps=these(exercised, 30),
    )
    sentences: list[str] = [told]
    if evidence.rehearses:
        sentences.append(
            t(
                "A control plane without users: requests, evidence, undo, permissions and the runbook's commands were "
                "tried; whether users are back, how soon, and whether the alert fires were not"
            )
        )
    elif treated and evidence.has_runbook:
        sentences += _recoveries(evidence, treated, [f for f in valid if f.arm is Arm.NO_ACTION])
    return t("{sentences}.", sentences=listed(sentences, ". "))


def _recoveries(evidence: RunEvidence, treated: Sequence[Facts], alone: Sequence[Facts]) -> list[str]:
    count, of = sum(outcome.in_time(f) for f in treated), len(treated)
    told: list[str] = [
        t(
            "{count} of {of} recoveries inside the objective: at 95 % confidence a success rate of at least "
            "{percent:.0f} %",
            count=count,
            of=of,
            percent=100 * success_rate_at_least(count, of),
        ),
        *_as_fast(treated),
    ]
    if alone and evidence.mode.recovery == "runbook":
        back, back_alone = (
            sum(f.recovery.recovered for f in treated),
            sum(f.recovery.recovered for f in alone),
        )
        chance = fisher_exact(back, of, back_alone, len(alone))
        told.append(
            t(
                "Back with the runbook {back} of {of}, with nobody acting {back_alone} of {alone} ({by_chance})",
                back=back,
                of=of,
                back_alone=back_alone,
                alone=len(alone),
                by_chance=_by_chance(chance),
            )
        )
    return told


def _as_fast(treated: Sequence[Facts]) -> Iterator[str]:
    """How fast most recoveries are; only where every one was seen, for one that was not is slower than all."""
    took = [facts.since_fault(i).latest for facts in treated if (i := facts.recovery.interval) is not None]
    if len(took) < len(treated) or len(took) < _FEWEST_FOR_A_BOUND:
        return
    share = not_slower_than_the_slowest(len(took))
    coverage = max((c for c in _SHARES if c <= share), default=share)
    yield t(
        "At 95 % confidence {percent:.0f} % of recoveries take at most {s:.1f} s, however times are distributed",
        percent=100 * coverage,
        s=tolerance_bound(took, coverage) or max(took),
    )


def _by_chance(chance: float) -> str:
    told = t("Fisher's exact test: p = {chance:.2g}", chance=chance)
    return told if chance < _SIGNIFICANT else t("too few trials to exclude chance, {told}", told=told)
