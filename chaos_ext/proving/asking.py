"""Asking probes and their mutants in a state: the original first, until it passes or its patience is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from chaos_ext.proving.answers import Answer, Asked, State

_EVERY_S = 0.2


def ask(asked: Asked, state: State, wait: Callable[[float], None]) -> None:
    """Ask a probe in `state`, and each of its mutants that is not killed yet. `wait` may raise to stop."""
    if state not in asked.probe.passes:
        return
    asked.original[state] = _original(asked, state, wait)
    # One by one: users are measured meanwhile, and each takes a core.
    for number, mutant in enumerate(asked.probe.mutants):
        if mutant.is_asked(state) and asked.killed_by(number) is None:
            asked.mutants[number][state] = _mutant(asked, number, state)


def ask_all(of: Iterable[Asked], state: State, wait: Callable[[float], None]) -> None:
    """Ask every probe that is asked in `state`; those whose source is cut off while it lasts, that too."""
    for asked in of:
        ask(asked, state, wait)
        if asked.probe.cut_off_while is state:
            ask(asked, State.CUT_OFF, wait)


def _original(asked: Asked, state: State, wait: Callable[[float], None]) -> Answer:
    deadline = time.monotonic() + asked.probe.patience_s.get(state, 0.0)
    while True:
        answer = asked.probe.ask(state)
        if asked.probe.lets_pass(state, answer) or time.monotonic() >= deadline:
            return answer
        wait(_EVERY_S)


def _mutant(asked: Asked, number: int, state: State) -> Answer:
    """Its answer; one that passes is asked again as often as its probe says."""
    for _ in range(asked.probe.tries if state is State.AFTER else 1):
        answer = asked.probe.mutants[number].ask(state)
        if not asked.probe.lets_pass(state, answer):
            break
    return answer
