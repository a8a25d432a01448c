"""The looks that say whether a place is as it was: what the fault changes must be seen by one, and be gone afterwards.

A look in which a fault changes nothing is no probe of that failure mode: it cannot say anything about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chaos_ext.language import t
from chaos_ext.masking.register import hidden
from chaos_ext.model import Activity
from chaos_ext.proving.altered import Facts
from chaos_ext.proving.answers import (
    Answer,
    Ask,
    Break,
    Kind,
    Mutant,
    Probe,
    Says,
    State,
    constant,
    passes,
    words,
)
from chaos_ext.proving.scene import Scene, answered, swallowing, yes_or_no
from chaos_ext.restored import differences, remains
from chaos_ext.restored.of_trial import SETTLES_WITHIN_S
from chaos_ext.restored.shipped import looks
from chaos_ext.safety import execute


def probes(scene: Scene) -> Iterator[Probe]:
    """Each look of the environment, as the question whether something differs from before."""
    scene = replace(scene, altered=scene.altered.for_looks())
    for look in looks(scene.trial.place.environment):
        original = _ask(scene, look, scene.facts)
        yield Probe(
            Kind.LOOK,
            execute.describe(look),
            original,
            passes=passes(before="no", in_force="yes", cut_off="nothing", after="no"),
            word=words(
                before="blocked",
                in_force="environment-not-restored",
                cut_off="answers-blindly",
                after="environment-not-restored",
            ),
            mutants=list(_mutants(scene, look, original)),
            patience_s={State.AFTER: SETTLES_WITHIN_S},
        )


def _ask(scene: Scene, look: Activity, facts: Facts) -> Ask:
    """Whether what is seen now differs from what this look itself saw before."""
    first: dict[str, Any] = {}
    name = execute.describe(look)

    def asked(state: State) -> Answer:
        def ask() -> Answer:
            seen = hidden(scene.run(look, scene.altered.cut_off if state is State.CUT_OFF else facts))
            if seen is None:
                raise ValueError(t("got nothing, expected what is to be as it was"))
            before = first.setdefault(name, seen)
            found = differences({name: before}, {name: seen})
            if state is State.AFTER:
                followed = scene.trial.last("runbook-started") is not None
                found = remains(found, scene.trial.mode.leaves, followed=followed).unexpected
            return yes_or_no(bool(found), [each.path for each in found])

        return answered(ask)

    return asked


def _mutants(scene: Scene, look: Activity, original: Ask) -> Iterator[Mutant]:
    yield Mutant(Break.CONSTANT_TRUE, constant(Says.YES), t("always another"))
    yield Mutant(Break.CONSTANT_FALSE, constant(Says.NO), t("always as before"))
    yield Mutant(Break.EMPTY_DATA, _ask(scene, look, scene.altered.empty))
    yield Mutant(Break.SWALLOWED_EXCEPTION, swallowing(original, Says.NO))
