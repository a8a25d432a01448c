"""What the probes of one failure mode need to be asked: its trial, altered facts, and what else is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from chaoslib.exceptions import InterruptExecution

from chaos_ext.actions.door import LOOK_LIMIT_S
from chaos_ext.actions.lab import proven
from chaos_ext.errors import Interrupted
from chaos_ext.model import Activity
from chaos_ext.proving.altered import Altered, Facts
from chaos_ext.proving.answers import Answer, Ask, Says, State
from chaos_ext.proving.things import Things
from chaos_ext.safety import execute
from chaos_ext.safety.bounded import Bounded
from chaos_ext.trial import Trial

_MOST_TOLD = 300  # characters of an answer's own words


@dataclass(frozen=True)
class Scene:
    """One failure mode's trial. Every probe is asked in it, whole or broken."""

    trial: Trial
    configuration: dict[str, Any]
    altered: Altered
    things: Things

    @property
    def facts(self) -> Facts:
        """What the place says of itself."""
        return dict(self.trial.place.facts)

    def run(self, activity: Activity, facts: Mapping[str, Any], evidence: bool = False) -> Any:
        """What a probe returns that is told `facts` of the place. Raises what it raises, Overdue after 30 s.

        The place is proven by what is true of it.
        """
        if activity.get("type") != "probe":  # with other facts it would act elsewhere
            raise ValueError(f"{execute.describe(activity)}: no probe")
        real = self.facts
        configuration = {**self.configuration, "chaos_facts": dict(facts)}
        ask = execute.evidence if evidence else execute.run

        def asked() -> Any:
            with nullcontext() if facts == real else proven.as_it_really_is(real):
                return ask(activity, configuration, {}, self.trial.place.environment.identity)

        looking = Bounded(f"ask {execute.describe(activity)}", asked)
        return looking.wait(LOOK_LIMIT_S, self.trial.aborting.is_set, hurry_s=0.0)


def answered(ask: Callable[[], Answer]) -> Answer:
    """The answer, or that there is none because it raised; being asked to stop passes."""
    try:
        return ask()
    except (Interrupted, InterruptExecution):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a probe raises says that it knows nothing
        return Answer(Says.NOTHING, short(f"{error}" or type(error).__name__))


def swallowing(ask: Ask, instead: Says) -> Ask:
    """The probe with its exceptions swallowed: where it knows nothing, it says `instead`."""

    def asked(state: State) -> Answer:
        answer = ask(state)
        return Answer(instead, answer.told) if answer.says is Says.NOTHING else answer

    return asked


def short(words: object) -> str:
    """An answer's own words, in one line that is not long."""
    line = " ".join(str(words).split())
    return line if len(line) <= _MOST_TOLD else f"{line[:_MOST_TOLD]}…"


def yes_or_no(holds: bool, told: object = "") -> Answer:
    """An answer."""
    return Answer(Says.YES if holds else Says.NO, short(told))
