"""Flows of one or two operations a second, flows that follow, and possible impact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos_ext.model import Arm, Impact, ImpactClaim, Verdict, VerdictWord
from chaos_ext.verdict.evidence import RunEvidence, TrialEvidence
from chaos_ext.verdict.judge import judge

T, N = Arm.TREATMENT, Arm.NO_ACTION
FAULT, MITIGATION, BACK = 3.2, 6.0, 7.0
Runs = Any  # conftest's

SLO = {"success": "99%", "latency": "800ms", "percentile": 95}
PLAIN = {"title": "x", "service": "intake", "slo": SLO, "deadline": "2s"}
FOLLOWS = {"flow": "submit", "after": "2s"}
FRESH = {"of": "submit", "within": "4s", "newest": "newest.id", "count": "responses"}
KNOWN = {"path": "/known/${followed.id}"}
MORE = {
    "sign-in": {**PLAIN, "per_second": 1, "request": {"path": "/in"}},
    "export": {**PLAIN, "per_second": 2, "request": {"path": "/out"}, "fresh": FRESH},
    "topics": {**PLAIN, "per_second": 5, "request": KNOWN, "follows": FOLLOWS},
    "mail": {**PLAIN, "per_second": 2, "request": KNOWN, "follows": FOLLOWS},
}


def fails(why: str, since: float, until: float = 99.0) -> Callable[[float], str]:
    return lambda at: why if since <= at < until else ""


def run(
    runs: Runs,
    treatment: dict[str, Any] | None = None,
    alone: dict[str, Any] | None = None,
    **impact: Any,
) -> RunEvidence:
    """Six flows, and a claim about them; by default only submit is hurt, and surely."""
    claim = {"flows": {"submit": "outage"}, "summary": "x", **impact}
    services = runs.services()
    found: RunEvidence = runs.run(
        runs.treatment(others=treatment or {}),
        runs.no_action(others=alone or treatment or {}),
        mode=runs.mode(impact=claim),
        services={**services, "flows": {**services["flows"], **MORE}},
    )
    return found


def words(verdict: Verdict) -> set[str]:
    return {reason.word for reason in verdict.reasons}


def only_from(run_: RunEvidence, flow: str, since: float) -> RunEvidence:
    """The run in which `flow` was first measured so late, counting from there."""

    def change(trial: TrialEvidence) -> TrialEvidence:
        kept = [s for s in trial.samples if s.flow != flow]
        own = [s for s in trial.samples if s.flow == flow and s.sent >= 1000 + since]
        return replace(
            trial,
            samples=tuple(
                sorted([*kept, *(replace(s, number=i) for i, s in enumerate(own))], key=lambda s: s.done)
            ),
        )

    return replace(run_, trials=tuple(map(change, run_.trials)))


def test_six_flows_of_which_one_is_hurt_are_verified(runs: Runs) -> None:
    verdict = judge(run(runs))
    assert verdict.word is VerdictWord.VERIFIED, verdict.reasons


# the flow, how it fails in both arms, what is claimed, the word that must come (None: verified)
CASES: list[tuple[str, str, Callable[[float], str], dict[str, Any], str | None]] = [
    ("1/s fails, claimed", "sign-in", fails("status 503", FAULT, BACK), {"sign-in": "outage"}, None),
    ("1/s fails, not claimed", "sign-in", fails("status 503", FAULT, BACK), {}, "impact-differs"),
    ("1/s fails once", "sign-in", fails("status 503", 4.0, 4.1), {}, None),
    ("1/s fails once, claimed", "sign-in", fails("status 503", 4.0, 4.1), {"sign-in": "outage"}, "impact-differs"),
    ("1/s failed before the fault", "sign-in", fails("status 503", 2.0, 2.1), {}, "baseline-not-met"),
    ("2/s failed once before the fault", "export", fails("stale", 2.0, 2.1), {}, "baseline-not-met"),
    ("30/s may fail once before the fault", "none", fails("", 0), {}, None),
    ("2/s stale, claimed", "export", fails("stale", FAULT, BACK), {"export": "stale"}, None),
    ("2/s wrong, claimed stale", "export", fails("wrong", FAULT, BACK), {"export": "stale"}, "impact-differs"),
    ("5/s late, claimed", "topics", fails("late", 4.0, BACK), {"topics": "late"}, None),
    ("5/s late, claimed outage", "topics", fails("late", 4.0, BACK), {"topics": "outage"}, "impact-differs"),
    ("5/s refused, claimed late", "topics", fails("refused", 4.0, BACK), {"topics": "late"}, "impact-differs"),
    ("5/s late once", "topics", fails("late", 4.0, 4.1), {}, None),
    ("2/s late twice, not claimed", "mail", fails("late", 3.4, 4.4), {}, "impact-differs"),
    ("nothing to follow before the fault", "mail", fails("late", 0.0, FAULT), {}, "baseline-not-met"),
    ("2/s late, stays so", "mail", fails("late", 4.0), {"mail": "late"}, "not-recovered"),
    ("1/s fails late in the runbook", "sign-in", fails("status 503", 8.0), {}, "not-recovered"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("flow", "hurts", "claimed", "word"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_each_rule_with_slow_flows(
    runs: Runs, flow: str, hurts: Callable[[float], str], claimed: dict[str, str], word: str | None
) -> None:
    def alone(at: float) -> str:
        return hurts(at) or (hurts(BACK - 0.1) if at >= BACK else "")  # while nobody acts it stays as it was

    found = run(runs, {flow: hurts}, {flow: alone}, flows={"submit": "outage", **claimed})
    if word == "not-recovered":
        found = runs.edit(found, "recovery", T, recovered=False, flow=None, earliest=None, latest=None)
    verdict = judge(found)
    assert words(verdict) == set() if word is None else word in words(verdict), verdict.reasons
    assert (verdict.word is VerdictWord.VERIFIED) is (word is None)


@pytest.mark.parametrize(
    ("treated", "alone", "claimed", "right"),
    [
        pytest.param("late", "status 503", "outage", True, id="late so soon, out when nobody acts"),
        pytest.param("late", "wrong", "outage", False, id="and never out"),
        pytest.param("wrong", "status 503", "outage", False, id="wrong is no lesser outage"),
        pytest.param("status 503", "late", "late", False, id="the other way round"),
    ],
)
def test_an_outage_that_the_runbook_cut_short(
    runs: Runs, treated: str, alone: str, claimed: str, right: bool
) -> None:
    hurt, stays = {"topics": fails(treated, 4.0, BACK)}, {"topics": fails(alone, 4.0)}
    verdict = judge(run(runs, hurt, stays, flows={"submit": "outage", "topics": claimed}))
    assert (verdict.word is VerdictWord.VERIFIED) is right, verdict.reasons
    assert right or "impact-differs" in words(verdict)


@pytest.mark.parametrize(
    ("measured", "possible", "right"),
    [
        pytest.param("", "late", True, id="possible and not hurt"),
        pytest.param("late", "late", True, id="possible and hurt so"),
        pytest.param("status 503", "late", False, id="hurt worse than is possible"),
        pytest.param("late", "outage", False, id="hurt in another way"),
        pytest.param("status 503", "outage", True, id="possibly out, and out"),
        pytest.param("late", None, False, id="hurt, and nothing is possible"),
    ],
)
def test_possible_impact(runs: Runs, measured: str, possible: str | None, right: bool) -> None:
    claim = {"topics": possible} if possible else {}
    hurt = {"topics": fails(measured, 4.0, BACK)} if measured else {}
    verdict = judge(run(runs, hurt, possible=claim))
    assert (verdict.word is VerdictWord.VERIFIED) is right, verdict.reasons
    assert right or words(verdict) == {"impact-differs"}
    if possible and not right:
        assert f"possibly {possible}" in verdict.reasons[0].sentence


@pytest.mark.parametrize(
    ("sure", "possible", "measured", "right"),
    [
        ("none", "late", "late", True),
        ("none", "late", "none", True),
        ("none", "outage", "degraded", False),
        ("outage", "degraded", "degraded", True),
        ("outage", "degraded", "outage", True),
        ("outage", "degraded", "none", False),
    ],
)
def test_a_claim_with_a_second_word(sure: str, possible: str, measured: str, right: bool) -> None:
    claim = ImpactClaim(flows={"a": Impact(sure)}, possible={"a": Impact(possible)}, summary="x")
    assert claim.allows("a", Impact(measured)) is right
    assert bool(claim.hurt) is (sure != "none")


def test_what_is_only_possible_is_no_proof_that_users_felt_it(runs: Runs) -> None:
    def unhurt(**told: Any) -> Any:
        return runs.treatment(
            submit_hurts=lambda at, n: False, others={"topics": fails("late", 4.0, BACK)}, **told
        )

    services = runs.services()
    found = runs.run(
        unhurt(),
        runs.no_action(),
        mode=runs.mode(
            impact={"flows": {"submit": "outage"}, "possible": {"topics": "late"}, "summary": "x"}
        ),
        services={**services, "flows": {**services["flows"], **MORE}},
    )
    found = runs.edit(found, "impact", T, seen=False)
    assert "no-impact" in words(judge(found))


@pytest.mark.parametrize(
    ("flow", "impact"),
    [("sign-in", "late"), ("topics", "stale"), ("submit", "wrong"), ("export", "late"), ("read", "stale")],
)
@pytest.mark.parametrize("where", ["flows", "possible"])
def test_a_word_that_the_flow_cannot_show(runs: Runs, flow: str, impact: str, where: str) -> None:
    claim: dict[str, Any] = {"flows": {"submit": "outage"}}
    claim.setdefault(where, {})
    claim[where] = {**claim[where], flow: impact}
    verdict = judge(run(runs, **claim))
    assert verdict.word is VerdictWord.UNKNOWN or "impact-differs" in words(verdict)
    assert any(r.word == "no-data" and f"{flow} ({impact})" in r.sentence for r in verdict.reasons)


# --- a flow that follows has nothing to ask at first ---


def test_a_flow_that_follows_begins_with_the_first_write_that_is_due(runs: Runs) -> None:
    good = run(runs)
    first = min(s.sent for s in good.trials[0].samples if s.flow == "topics")
    assert first > 1002.0  # its baseline is shorter than the others', and that is right
    assert judge(good).word is VerdictWord.VERIFIED


@pytest.mark.parametrize(
    ("flow", "since", "word"),
    [
        pytest.param("topics", 4.0, "no-data", id="a follower that began only after the fault"),
        pytest.param("mail", 4.0, "no-data", id="a slow follower that began only after the fault"),
        pytest.param("sign-in", 4.0, "no-data", id="a slow flow that began only after the fault"),
        pytest.param("sign-in", 2.9, "no-data", id="a slow flow that slept through most of the baseline"),
        pytest.param("topics", 99.0, "no-data", id="a follower that never asked"),
        pytest.param("mail", 2.9, None, id="a slow follower with one operation before the fault"),
    ],
)
def test_a_flow_that_was_not_measured_before(runs: Runs, flow: str, since: float, word: str | None) -> None:
    verdict = judge(only_from(run(runs), flow, since))
    assert words(verdict) == ({word} if word else set()), verdict.reasons


@pytest.mark.parametrize("flow", ["sign-in", "mail", "topics"])
def test_a_pause_of_a_slow_flow_is_noticed(runs: Runs, flow: str) -> None:
    def change(trial: TrialEvidence) -> TrialEvidence:
        own = [s for s in trial.samples if s.flow == flow and not 1004.0 <= s.sent < 1007.2]
        rest = [s for s in trial.samples if s.flow != flow]
        return replace(trial, samples=(*rest, *(replace(s, number=i) for i, s in enumerate(own))))

    verdict = judge(runs.of(run(runs), T, change))
    assert any(r.word == "no-data" and f"nothing of {flow}" in r.sentence for r in verdict.reasons)


# --- an edge that refuses every connection ---


def test_nobody_gets_in_and_nothing_can_be_read_back_while_nobody_acts(runs: Runs) -> None:
    """An expired certificate: all flows are refused, and the writes cannot be read back in the no-action arm."""
    expired = "tls: certificate has expired"
    names = ("sign-in", "export", "topics", "mail")
    services = runs.services()
    everybody = {name: fails(expired, FAULT, BACK) for name in names}
    for_good = {name: fails(expired, FAULT) for name in names}
    found = runs.run(
        runs.treatment(others=everybody, read_hurts=lambda at, n: FAULT <= at < BACK),
        runs.no_action(others=for_good, read_hurts=lambda at, n: at >= FAULT),
        mode=runs.mode(
            impact={
                "flows": dict.fromkeys(("submit", "read", *names), "outage"),
                "summary": "Nobody gets in.",
            }
        ),
        services={**services, "flows": {**services["flows"], **MORE}},
    )
    alone = found.trials[1]
    assert not any(event["kind"] == "write-log" for event in alone.events)
    verdict = judge(found)
    assert verdict.word is VerdictWord.VERIFIED, verdict.reasons
    # Even when somebody tried to read: it says nothing about the writes, and nothing against the runbook.
    tried = runs.plus(
        found,
        "write-log",
        N,
        acknowledged=30,
        lost=[],
        duplicated=[],
        unexpected=[],
        readable=False,
        why=expired,
    )
    assert judge(tried) == verdict
