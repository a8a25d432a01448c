"""Following: order, decisions, exports, verification, stopping, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaos_ext.errors import Blocked, Interrupted

STEP_3 = 'rm -f "$STATE.old"\necho "up $BEST" > "$STATE"\n'
VERIFY = 'grep -q up "$STATE"'


def test_the_whole_runbook(follower: Any, well: str) -> None:
    outcome = follower.follow(well)
    assert outcome.ok, outcome.why
    assert follower.state.read_text() == "up a\n"
    assert (outcome.failed_step, outcome.why, outcome.needs_person) == (None, "", False)
    assert outcome.exercised == ("parameters", "step-1", "decision-2", "step-3", "verification")
    assert outcome.undo_offered == ()
    assert outcome.variables["BEST"] == "a"
    assert outcome.variables["SEEN"] == "yes"
    assert follower.proofs == 1, "the place is proven before each block that changes something"
    started = follower.events[0]
    assert (started["kind"], started["platform"], started["runbook"]) == ("runbook-started", "lab", "well.md")
    assert [step["key"] for step in started["steps"]] == list(outcome.exercised)
    assert [event["step"] for event in follower.all("step-started")] == list(outcome.exercised)
    assert [event["role"] for event in follower.all("step-started")] == [
        "params",
        "diagnose",
        "diagnose",
        "mitigate",
        "verify",
    ]
    assert all(event["ok"] and event["exit"] == 0 for event in follower.all("step-finished"))
    assert follower.finished("decision-2")["branch"] == "step-3"
    assert follower.finished("step-1")["command"] == 'cat "$STATE"\nexport SEEN=yes\n'
    assert follower.output("step-1") == ["down"]
    finished = follower.events[-1]
    assert (finished["kind"], finished["ok"], finished["failed_step"]) == ("runbook-finished", True, None)
    assert finished["exercised"] == list(outcome.exercised)


def test_following_twice(follower: Any, well: str) -> None:
    assert follower.follow(well.replace('"down"', '"up"')).ok
    follower.state.write_text("down\n")
    assert follower.follow(well).ok


@pytest.mark.parametrize(
    ("old", "new", "step", "why"),
    [
        ("echo down", "echo down", None, ""),
        ('cat "$STATE"', "false", "step-1", "Step 1: Look: exit code 1, expected 0"),
        ("\ndown\n", "\nupside\n", "step-1", "does not contain 'upside'; it is 'down'"),
        (
            "export SEEN=yes",
            "export SEEN=yes; kill -9 $$",
            "step-1",
            "ended by signal 9, expected exit code 0",
        ),
        (
            'cat "$STATE"',
            "sleep 1000",
            "step-1",
            "not done within 0.3 s",
        ),
        (VERIFY, "false", "verification", "Verification: exit code 1, expected 0, not within 0.5 s"),
    ],
    ids=["nothing", "exit code", "output", "signal", "time limit", "verification"],
)
def test_the_first_failure_stops(
    follower: Any, well: str, old: str, new: str, step: str | None, why: str
) -> None:
    text = well.replace(old, new, 1).replace('"within":"5s"', '"within":"500ms"')
    if new.startswith("sleep"):
        text = text.replace('"name":"look"', '"name":"look","timeout":"300ms"')
    outcome = follower.follow(text)
    assert outcome.ok is (step is None)
    assert outcome.failed_step == step
    assert why in outcome.why
    if step:
        finished = follower.all("step-finished")[-1]
        assert (finished["step"], finished["ok"]) == (step, False)
        assert finished["why"] in outcome.why
        assert finished["command"]
        assert follower.all("step-started")[-1]["step"] == step, "nothing is done after the failure"


def test_what_was_done_is_not_undone_but_offered(follower: Any, well: str) -> None:
    outcome = follower.follow(well.replace(VERIFY, "false").replace('"within":"5s"', '"within":"100ms"'))
    assert not outcome.ok
    assert outcome.undo_offered == ("undo-step-3",)
    assert follower.state.read_text() == "up a\n"
    assert follower.follow(well, only=["undo-step-3"]).ok
    assert follower.state.read_text() == "down\n"
    assert follower.proofs == 2


def test_an_expected_exit_code(follower: Any, one_step: Callable[..., str]) -> None:
    assert follower.follow(one_step("exit 3", exit="3")).ok
    assert follower.finished("step-1")["expected_exit"] == 3


@pytest.mark.parametrize(
    ("best", "ok", "branch"),
    [("a", True, "step-3"), ("b", True, "step-3"), ("c", False, "escalation")],
)
def test_a_decision_branches(follower: Any, well: str, best: str, ok: bool, branch: str) -> None:
    follower.variables = {"NODES": best}
    outcome = follower.follow(well)
    assert outcome.ok is ok
    assert follower.finished("decision-2")["branch"] == branch
    if not ok:
        assert outcome.needs_person
        assert outcome.failed_step == "decision-2"
        assert "hands over to a person: Escalation" in outcome.why
        assert follower.state.read_text() == "down\n"


def test_a_decision_may_skip_the_mitigation(follower: Any, well: str) -> None:
    follower.state.write_text("down, but up\n")
    outcome = follower.follow(well.replace("[Step 3](#step-3-start-it)", "[Verification](#verification)"))
    assert outcome.ok
    assert "step-3" not in outcome.exercised
    assert follower.finished("decision-2")["branch"] == "verification"


def test_next_goes_on_there(follower: Any, one_step: Callable[..., str]) -> None:
    outcome = follower.follow(one_step("export BEST=x", next="Step 3"))
    assert outcome.ok
    assert outcome.exercised == ("parameters", "step-1", "step-3", "verification")


def test_going_round_in_circles_ends(follower: Any, one_step: Callable[..., str]) -> None:
    outcome = follower.follow(one_step("true", next="step-1"))
    assert not outcome.ok
    assert "more than 10 times: the runbook goes round in circles" in outcome.why
    assert len(follower.all("step-started")) == 1 + 10


def test_only_some_steps(follower: Any, well: str) -> None:
    outcome = follower.follow(well, only=["step-1", "decision-2"])
    assert outcome.ok
    assert outcome.exercised == ("parameters", "step-1", "decision-2")
    assert follower.proofs == 0


def test_without_a_step(follower: Any, well: str) -> None:
    outcome = follower.follow(
        well.replace('"within":"5s"', '"within":"100ms"'), only=["step-1", "decision-2", "verification"]
    )
    assert outcome.failed_step == "verification"


def test_another_platforms_block_is_not_run(follower: Any, well: str) -> None:
    text = well.replace('"name":"start"', '"on":"aws","name":"start"')
    outcome = follower.follow(text)
    assert (outcome.ok, outcome.failed_step) == (False, "step-3")
    assert "no block for the platform 'lab'" in outcome.why
    assert follower.proofs == 0


# --- verification ---


def test_the_verification_is_polled_until_it_holds(follower: Any, well: str) -> None:
    count = 'echo x >> "$STATE.n"; echo looking; [ "$(wc -l < "$STATE.n")" -ge 4 ]'
    outcome = follower.follow(well.replace(VERIFY, count).replace('"within":"5s"', '"within":"60s"'))
    assert outcome.ok
    assert follower.state.with_suffix(".n").read_text().count("x") == 4
    assert follower.output("verification") == ["looking"], "what repeats itself is said once"


def test_it_must_keep_holding(follower: Any, well: str) -> None:
    """Holds at the second, third look, not at the fourth, then for good: the first streak is too short."""
    count = 'echo x >> "$STATE.n"; n=$(wc -l < "$STATE.n"); echo "$n"; [ "$n" -ge 2 ] && [ "$n" -ne 4 ]'
    text = well.replace(VERIFY, count).replace(
        '"within":"5s","every":"50ms"', '"within":"60s","every":"50ms","stable":"400ms"'
    )
    outcome = follower.follow(text)
    assert outcome.ok
    looks = [int(line) for line in follower.output("verification")]
    assert looks == list(range(1, len(looks) + 1))
    assert len(looks) > 6


def test_two_short_streaks_are_no_long_one(follower: Any, well: str) -> None:
    every_other = 'echo x >> "$STATE.n"; [ $(($(wc -l < "$STATE.n") % 2)) -eq 1 ]'
    text = well.replace(VERIFY, every_other).replace('"within":"5s"', '"within":"1s","stable":"300ms"')
    outcome = follower.follow(text)
    assert outcome.failed_step == "verification"


def test_a_hold_that_breaks_after_the_time_is_a_failure(follower: Any, well: str) -> None:
    count = 'echo x >> "$STATE.n"; n=$(wc -l < "$STATE.n"); [ "$n" -eq 1 ] || { sleep 0.6; false; }'
    text = well.replace(VERIFY, count).replace('"within":"5s"', '"within":"300ms","stable":"30s"')
    outcome = follower.follow(text)
    assert "then: exit code 1, expected 0, not within 0.3 s" in outcome.why


def test_looking_once(follower: Any, well: str) -> None:
    text = well.replace(VERIFY, f'echo "I look"; {VERIFY}')
    before = follower.verify_once(text)
    assert (before.passed, before.output) == (False, "I look\nVerification: exit code 1, expected 0")
    assert follower.events == [{"kind": "verification-before", "passed": False, "output": before.output}]
    follower.state.write_text("up\n")
    assert follower.verify_once(text).passed
    assert follower.proofs == 0


def test_parameters_that_cannot_be_had_fail_the_look(follower: Any, well: str) -> None:
    before = follower.verify_once(well.replace("${STATE:?where", "${STATUS:?where"))
    assert not before.passed
    assert "STATUS: where the state is" in before.output


# --- people ---

BY_HAND = "### Step 4: Tell the shop\n\n- [ ] Call them.\n- [ ] Wait.\n\n{}## Verification"
STAND_IN = '```sh {"name":"tell","role":"standin","interactive":"false","timeout":"5s"}\necho told >> "$STATE"\n```\n\n'


def test_a_manual_step_needs_a_person(follower: Any, well: str) -> None:
    outcome = follower.follow(well.replace("## Verification", BY_HAND.format(""), 1))
    assert (outcome.ok, outcome.failed_step, outcome.needs_person) == (False, "step-4", True)
    assert "has no stand-in" in outcome.why
    assert follower.finished("step-4")["person"] is True
    assert follower.finished("step-4")["command"] == "- [ ] Call them.\n- [ ] Wait."
    assert follower.events[-1]["needs_person"] is True


def test_a_stand_in_stands_in(follower: Any, well: str) -> None:
    outcome = follower.follow(well.replace("## Verification", BY_HAND.format(STAND_IN), 1))
    assert (outcome.ok, outcome.needs_person) == (True, False)
    assert "told" in follower.state.read_text()
    assert follower.proofs == 2, "a stand-in may change something"


@pytest.mark.parametrize("done", [True, False])
def test_a_person_who_is_there_is_asked(follower: Any, well: str, done: bool) -> None:
    asked: list[str] = []

    def ask(step: Any) -> bool:
        asked.append(step.key)
        return done

    text = well.replace("## Verification", BY_HAND.format(STAND_IN), 1)
    outcome = follower.follow(text, unattended=False, ask=ask)
    assert asked == ["step-4"]
    assert (outcome.ok, outcome.needs_person) == (done, True)
    assert "told" not in follower.state.read_text(), "the stand-in is for when nobody is there"


# --- secrets, proofs, interruption ---


def test_secrets_are_seen_by_blocks_and_by_nobody_else(follower: Any, well: str) -> None:
    secret = 'it\'s "hunter2"\\\nreally'
    follower.secrets = {"TOKEN": secret}
    text = well.replace(
        'cat "$STATE"', 'echo "down $TOKEN"; echo "$TOKEN" > "$STATE.t"; export COPY="$TOKEN"'
    )
    text = text.replace('echo "${NODES%% *}"', 'echo "$TOKEN"')
    outcome = follower.follow(text)
    assert not outcome.ok, "no row fits"
    assert follower.state.with_suffix(".t").read_text() == secret + "\n"
    everything = repr(follower.events) + repr(outcome)
    assert "hunter2" not in everything
    assert outcome.variables["COPY"] == "***"
    assert "TOKEN" not in outcome.variables


def test_secrets_in_what_was_not_expected(follower: Any, well: str) -> None:
    follower.secrets = {"TOKEN": 'it\'s "hunter2"'}  # quoting changes it
    outcome = follower.follow(well.replace('cat "$STATE"', 'echo "$TOKEN"'))
    assert "does not contain 'down'" in outcome.why
    assert "hunter2" not in repr(follower.events) + repr(outcome)


def test_a_place_that_is_not_proven_is_not_changed(follower: Any, well: str) -> None:
    def refuse() -> None:
        raise Blocked("another lab")

    follower.prove = refuse
    with pytest.raises(Blocked, match="another lab"):
        follower.follow(well)
    assert follower.state.read_text() == "down\n"
    assert follower.events[-1]["kind"] == "runbook-finished"
    assert follower.events[-1]["ok"] is False
    assert [event["step"] for event in follower.all("step-started")][-1] == "decision-2"


def test_it_is_proven_before_every_mitigation(follower: Any, well: str) -> None:
    block = '```sh {"name":"start","role":"mitigate","interactive":"false","timeout":"5s"}\n'
    again = block.replace("start", "more") + 'echo more >> "$STATE"\n```\n\n' + block
    assert follower.follow(well.replace(block, again, 1)).ok
    assert follower.proofs == 2


def test_aborting_while_a_step_runs(follower: Any, well: str, alive: Callable[[int], bool]) -> None:
    text = well.replace(STEP_3, 'echo $$; echo half > "$STATE"; sleep 1000\n')

    def abort(event: dict[str, Any]) -> None:
        if event["kind"] == "step-output" and event["step"] == "step-3":
            follower.aborting.set()

    follower.on_event = abort
    with pytest.raises(Interrupted, match="Step 3: Start it"):
        follower.follow(text)
    assert not alive(int(follower.output("step-3")[0]))
    assert follower.finished("step-3")["why"] == "interrupted"
    assert follower.events[-1]["kind"] == "runbook-finished"
    assert follower.events[-1]["undo_offered"] == ["undo-step-3"]


def test_aborting_between_two_looks(follower: Any, well: str) -> None:
    text = well.replace(VERIFY, "echo look; false").replace(
        '"within":"5s","every":"50ms"', '"within":"500s","every":"400s"'
    )

    def abort(event: dict[str, Any]) -> None:
        if event["kind"] == "step-output" and event["step"] == "verification":
            follower.aborting.set()

    follower.on_event = abort
    with pytest.raises(Interrupted):
        follower.follow(text)


def test_aborted_before_it_began(follower: Any, well: str) -> None:
    follower.aborting.set()
    with pytest.raises(Interrupted):
        follower.follow(well)
    assert follower.all("step-started") == []


def test_a_record_that_cannot_be_written_stops_it(follower: Any, well: str) -> None:
    def full_disk(event: dict[str, Any]) -> None:
        if event["kind"] == "step-started" and event["step"] == "step-3":
            raise OSError("no space left")

    follower.on_event = full_disk
    with pytest.raises(OSError, match="no space left"):
        follower.follow(well)
    assert follower.state.read_text() == "down\n"
