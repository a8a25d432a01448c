"""What answers come to: tables of cases, every one of which a wrong rule would pass or fail."""

from __future__ import annotations

import pytest

from chaos_ext.proving.answers import (
    Answer,
    Asked,
    Break,
    Kind,
    Mutant,
    Probe,
    Result,
    Says,
    State,
    constant,
    exit_code,
    findings,
    passes,
    words,
)
from chaos_ext.proving.asking import ask_all
from chaos_ext.proving.scene import swallowing

YES, NO, NOTHING = Says.YES, Says.NO, Says.NOTHING
STATES = (State.BEFORE, State.IN_FORCE, State.CUT_OFF, State.AFTER)
GOOD = (NO, YES, NOTHING, NO)


def saying(answers):
    """A probe that gives these answers, in the order of the states."""
    return lambda state: Answer(answers[STATES.index(state)])


def evidence(answers, *mutants):
    return Probe(
        Kind.EVIDENCE,
        "is-broken",
        saying(answers),
        passes(before="no", in_force="yes", cut_off="nothing", after="no"),
        words(
            before="blocked", in_force="fault-not-in-force", cut_off="answers-blindly", after="undo-failed"
        ),
        list(mutants),
    )


def proven(probe, states=(State.BEFORE, State.IN_FORCE, State.AFTER)):
    asked = Asked(probe)
    for state in states:
        ask_all([asked], state, lambda _s: None)
    return list(findings("mode", asked))


@pytest.mark.parametrize(
    ("how", "answers", "state", "word"),
    [
        pytest.param(Break.CONSTANT_TRUE, (YES,) * 4, State.BEFORE, "blocked", id="constant true"),
        pytest.param(
            Break.CONSTANT_FALSE, (NO,) * 4, State.IN_FORCE, "fault-not-in-force", id="constant false"
        ),
        pytest.param(Break.EMPTY_DATA, (NOTHING,) * 4, State.BEFORE, "blocked", id="raises on empty data"),
        pytest.param(
            Break.WRONG_TARGET, (NO, YES, NOTHING, YES), State.AFTER, "undo-failed", id="sees it for ever"
        ),
    ],
)
def test_a_mutant_is_killed_by_the_first_state_that_tells(how, answers, state, word):
    (found,) = proven(evidence(GOOD, Mutant(how, saying(answers))))
    assert (found.result, found.state, found.word) == (Result.KILLED, state, word)


def test_a_mutant_that_answers_as_the_original_survives():
    (found,) = proven(evidence(GOOD, Mutant(Break.WRONG_TARGET, saying(GOOD), "node: a -> b")))
    assert (found.result, found.state, found.what) == (Result.SURVIVED, None, "node: a -> b")


def test_what_a_dead_source_makes_of_a_swallowed_exception():
    original = saying(GOOD)
    (found,) = proven(evidence(GOOD, Mutant(Break.SWALLOWED_EXCEPTION, swallowing(original, NO))))
    assert (found.result, found.state) == (Result.KILLED, State.CUT_OFF)


def test_an_original_that_answers_without_its_source_is_the_swallowed_exception():
    blind = (NO, YES, NO, NO)
    original, mutant = proven(
        evidence(blind, Mutant(Break.SWALLOWED_EXCEPTION, swallowing(saying(blind), NO)))
    )
    assert (original.how, original.result, original.state) == (None, Result.SURVIVED, State.CUT_OFF)
    assert mutant.result is Result.SURVIVED


def test_a_mutant_is_not_killed_by_what_the_original_does_wrong_too():
    always = (YES,) * 4
    found = proven(evidence(always, Mutant(Break.CONSTANT_TRUE, constant(YES))))
    assert [line.state for line in found if line.how is None] == [State.BEFORE, State.CUT_OFF, State.AFTER]
    assert found[-1].how is Break.CONSTANT_TRUE
    assert found[-1].result is Result.SURVIVED


def test_an_original_that_raises_where_it_must_answer_proves_nothing():
    original, mutant = proven(
        evidence((NO, NOTHING, NOTHING, NO), Mutant(Break.WRONG_TARGET, saying((NO, NOTHING, NOTHING, NO))))
    )
    assert original.result is Result.UNPROVEN
    assert mutant.result is Result.SURVIVED


def test_what_was_never_asked_is_unproven_and_never_killed():
    original, mutant = proven(
        evidence(GOOD, Mutant(Break.CONSTANT_FALSE, constant(NO))), states=(State.BEFORE,)
    )
    assert (original.result, mutant.result) == (Result.UNPROVEN, Result.UNPROVEN)


def test_a_mutant_with_another_source_is_not_killed_by_cutting_off_its_own():
    """It would be: it goes on answering."""
    (found,) = proven(evidence(GOOD, Mutant(Break.EMPTY_DATA, saying((NO, YES, YES, NO)))))
    assert found.result is Result.SURVIVED


def test_an_original_is_given_time_and_a_mutant_that_flickers_is_noticed():
    looks = iter((YES, YES, NO, NO))
    flicker = iter((NO, NO, YES))
    probe = evidence(GOOD)
    probe.ask = lambda state: Answer(next(looks) if state is State.AFTER else GOOD[STATES.index(state)])
    probe.patience_s = {State.AFTER: 60.0}
    probe.tries = 3
    probe.mutants = [
        Mutant(
            Break.WRONG_TARGET,
            lambda state: Answer(next(flicker) if state is State.AFTER else GOOD[STATES.index(state)]),
        )
    ]
    (found,) = proven(probe)
    assert (found.result, found.state) == (Result.KILLED, State.AFTER)


def line(result):
    return next(
        found
        for found in proven(
            {
                Result.KILLED: evidence(GOOD, Mutant(Break.CONSTANT_TRUE, constant(YES))),
                Result.SURVIVED: evidence(GOOD, Mutant(Break.WRONG_TARGET, saying(GOOD))),
            }[result]
        )
        if found.result is result
    )


@pytest.mark.parametrize(
    ("results", "broken", "unproven", "code"),
    [
        ([Result.KILLED], False, False, 0),
        ([Result.KILLED, Result.SURVIVED], False, False, 1),
        ([Result.KILLED], False, True, 4),
        ([Result.SURVIVED], False, True, 1),
        ([], False, False, 4),
        ([Result.SURVIVED], True, True, 5),
        ([Result.KILLED], True, False, 5),
    ],
)
def test_the_exit_code_is_of_the_gravest(results, broken, unproven, code):
    assert exit_code([line(result) for result in results], broken=broken, unproven=unproven) == code


def test_a_busy_machine_turns_survivors_into_nothing_and_leaves_kills():
    assert line(Result.SURVIVED).unproven("busy").result is Result.UNPROVEN
    assert line(Result.KILLED).unproven("busy").result is Result.KILLED
