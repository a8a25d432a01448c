"""The way from a fault to somebody who knows, from what was saved: each hop an interval, in their order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from verdict.cases.noticed import FIRED, PENDING, TOLD, URL, WANTED, D, arrived, firing, noticed, revision

from chaos_ext.model import Arm, Interval, VerdictWord
from chaos_ext.verdict import detection
from chaos_ext.verdict.facts import Facts
from chaos_ext.verdict.judge import judge


def treated(run):
    return Facts(run, next(trial for trial in run.trials if trial.arm is Arm.TREATMENT))


def hops(run):
    return {hop.name: hop for hop in detection.hops(treated(run))}


def near(low, high):
    return pytest.approx((low, high), abs=1e-6)


def ends(interval):
    return interval.earliest, interval.latest


def test_every_hop_of_a_run_that_proves_its_runbook(runs):
    run = noticed(runs)
    assert judge(run).word is VerdictWord.VERIFIED
    found = hops(run)
    assert list(found) == ["hurt", "pending", "firing", "received"]
    # The fault began to go in at 1003.2 and was in at 1003.3; after it is counted from both.
    assert ends(found["pending"].after) == near(0.1, 0.5)
    assert ends(found["firing"].after) == near(1.4, 1.75)
    assert ends(found["received"].after) == near(1.5, 1.8)
    assert ends(found["firing"].took) == near(1.0, 1.55)
    assert ends(found["received"].took) == near(-0.15, 0.3)
    assert found["received"].note == WANTED
    # Operations are sent every 0.1 s, and fail from 1003.25 on.
    hurt = found["hurt"]
    assert hurt.note == "submit"
    assert hurt.after.earliest <= 0.05 <= hurt.after.latest <= 0.3


def test_a_record_of_a_version_that_saw_one_firing_only(runs):
    run = runs.verified()
    found = hops(run)
    assert ends(found["firing"].after) == near(1.4, 1.75)
    assert found["hurt"].after is not None
    assert (found["pending"].after, found["received"].after) == (None, None)
    assert "rules_url" in found["pending"].note
    assert "received_url" in found["received"].note
    assert judge(run).word is VerdictWord.VERIFIED


def test_a_hop_that_was_not_seen_says_why(runs):
    found = hops(
        noticed(runs, pending="connection refused", received=[arrived(1004.8, 1005.0, "shop-pager")])
    )
    assert found["pending"].note == "connection refused"
    assert found["received"].note == "reached only shop-pager"
    silent = hops(noticed(runs, firing=[], pending=[PENDING], received=[]))
    assert silent["pending"].note == "its condition was true, but it did not fire"
    assert [silent[name].after for name in ("pending", "firing", "received")] == [None] * 3
    early = hops(noticed(runs, pending=[{**PENDING, "earliest": None}]))
    assert early["pending"].note == "true already when it was looked at first"


def test_the_hop_after_one_that_was_not_seen_counts_from_the_one_before_it(runs):
    found = hops(noticed(runs, pending=[]))
    between = Interval(1004.7, 1004.95)
    hurt = detection.first_hurt(treated(noticed(runs)))[0]
    assert ends(found["firing"].took) == near(between.earliest - hurt.latest, between.latest - hurt.earliest)


def test_the_condition_is_the_last_that_was_true_before_it_fired(runs):
    flapped = [
        {**PENDING, "earliest": 1003.4, "latest": 1003.5},
        {**PENDING, "earliest": 1004.2, "latest": 1004.4},
    ]
    later = {**PENDING, "earliest": 1006.0, "latest": 1006.2}
    assert ends(hops(noticed(runs, pending=[*flapped, later]))["pending"].after) == near(0.9, 1.2)


def test_nobody_knows_which_revision_was_followed(runs):
    run = revision(runs, f"{URL}?revision={D[:12]}", D)
    blind = runs.without(runs.edit(run, "alert", digest=""), "runbook-started")
    reasons = [r for r in judge(blind).reasons if "which revision was followed is not known" in r.sentence]
    assert {r.word for r in reasons} <= {"no-data"}
    assert detection.linked(treated(blind)).right is None
    known = replace(blind, runbook_digest=D)
    assert detection.linked(treated(known)).right is True


def test_a_run_without_a_fault_has_no_hops(runs):
    run = runs.run(runs.treatment(), runs.no_action(), replace(runs.treatment(number=3), arm=Arm.HEALTHY))
    healthy = next(trial for trial in run.trials if trial.arm is Arm.HEALTHY)
    assert detection.hops(Facts(run, healthy)) == ()
    assert detection.linked(Facts(run, healthy)) is None


def test_a_sentence_says_who_was_told_and_who_was_not(runs):
    verdict = judge(noticed(runs, received=[arrived(1004.8, 1005.0, "shop-pager")]))
    (reason,) = verdict.reasons
    assert "reach shop-pager, not sre-pager" in reason.sentence
    verdict = judge(revision(runs, f"{URL}?revision={'0' * 12}", D))
    (reason,) = verdict.reasons
    assert "0" * 12 in reason.sentence
    assert D[:12] in reason.sentence


def test_what_was_told_by_time_where_stamps_cannot_be_compared(runs):
    unstamped = firing(1004.7, 1004.95, began="")
    assert (
        judge(noticed(runs, firing=[unstamped], received=[arrived(1004.8, 1005.0, of="")])).word == "verified"
    )
    assert (
        judge(noticed(runs, firing=[unstamped], received=[arrived(1001.0, 1001.2, of="")])).word == "refuted"
    )
    assert FIRED["began"] != TOLD["of"], "written differently, the same instant"
