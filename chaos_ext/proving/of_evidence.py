"""The evidence of a fault: it says no before the fault, yes while it is in force, and no after its undo."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.language import t
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
from chaos_ext.proving.things import mistaken
from chaos_ext.safety import execute
from chaos_ext.safety.heal import READ_BACK_S


def probe(scene: Scene, in_force: Activity) -> Probe:
    """The evidence of a fault, and its mutants."""
    original = _ask(scene, in_force, scene.facts)
    return Probe(
        Kind.EVIDENCE,
        execute.describe(in_force),
        original,
        # With its source cut off either word would be believed: yes when it is looked for, no when it was undone.
        passes=passes(before="no", in_force="yes", cut_off="nothing", after="no"),
        word=words(
            before="blocked", in_force="fault-not-in-force", cut_off="answers-blindly", after="undo-failed"
        ),
        mutants=list(_mutants(scene, in_force, original)),
        patience_s={State.AFTER: READ_BACK_S},
    )


def _ask(scene: Scene, activity: Activity, facts: Facts) -> Ask:
    def asked(state: State) -> Answer:
        told = scene.altered.cut_off if state is State.CUT_OFF else facts

        def ask() -> Answer:
            seen = scene.run(activity, told, evidence=True)
            return yes_or_no(seen["holds"], seen)

        return answered(ask)

    return asked


def _mutants(scene: Scene, activity: Activity, original: Ask) -> Iterator[Mutant]:
    yield Mutant(Break.CONSTANT_TRUE, constant(Says.YES))
    yield Mutant(Break.CONSTANT_FALSE, constant(Says.NO))
    yield Mutant(Break.EMPTY_DATA, _ask(scene, activity, scene.altered.empty))
    # No is the word that ends a trial well: the fault is gone.
    yield Mutant(Break.SWALLOWED_EXCEPTION, swallowing(original, Says.NO))
    provider = activity["provider"]
    arguments = provider.get("arguments") or {}
    others = list(mistaken(arguments, scene.things)) if isinstance(arguments, dict) else []
    for what, changed in others:
        other = {**activity, "provider": {**provider, "arguments": changed}}
        yield Mutant(Break.WRONG_TARGET, _ask(scene, other, scene.facts), what)
    if not others:  # it names nothing that is there twice: then its source is mistaken
        yield Mutant(
            Break.WRONG_TARGET,
            _ask(scene, activity, scene.altered.mistaken),
            t("every address is another service's"),
        )
