"""A runbook's own Verification: it must not hold while the failure is there, and must once it is over.

What a runbook does about its mitigations is tried by the arms (`ARMS=certify`); here its
check is broken, not its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from shlex import quote
from typing import Any

from chaos_ext import environments
from chaos_ext.language import t
from chaos_ext.proving.altered import Facts
from chaos_ext.proving.answers import Answer, Ask, Break, Kind, Mutant, Probe, Says, State, passes, words
from chaos_ext.proving.scene import Scene, answered, short, yes_or_no
from chaos_ext.proving.things import texts
from chaos_ext.runbook import parse, shell
from chaos_ext.runbook.blocks import Blocks, open_shell
from chaos_ext.runbook.model import Block, Runbook, SectionName
from chaos_ext.runbook.verify_once import verify_once
from chaos_ext.safety.identity import pins

_TRIES = 3
_PATIENCE_S = 5.0  # users are back; what it looks at may take a moment longer


def probe(scene: Scene, evidence_arguments: list[dict[str, Any]]) -> Probe | None:
    """The Verification of the mode's runbook; None when it has no runbook. `evidence_arguments` name what is hit."""
    trial = scene.trial
    if trial.mode.runbook == "none":
        return None
    runbook = parse.parse(trial.root / "catalog" / trial.mode.runbook)
    return Probe(
        Kind.VERIFICATION,
        trial.mode.runbook.rpartition("/")[2],
        _ask(scene, runbook),
        # Asked whether it holds. With its source cut off it fails, however that comes about.
        passes=passes(before="yes", in_force="no", after="yes", cut_off="nothing|no"),
        word=words(
            before="step-failed",
            in_force="verification-blind",
            after="step-failed",
            cut_off="answers-blindly",
        ),
        mutants=list(_mutants(scene, runbook, evidence_arguments)),
        cut_off_while=State.AFTER,
        patience_s={State.BEFORE: _PATIENCE_S, State.AFTER: _PATIENCE_S},
        tries=3,
    )


def _ask(scene: Scene, runbook: Runbook, facts: Facts | None = None) -> Ask:
    """Whether its Verification holds right now, followed with variables that are made of `facts`."""

    def asked(state: State) -> Answer:
        told = scene.altered.cut_off if state is State.CUT_OFF else facts or scene.facts
        return answered(lambda: _verified(scene, runbook, told))

    return asked


def _verified(scene: Scene, runbook: Runbook, facts: Facts) -> Answer:
    trial = scene.trial
    place = environments.fill(environments.load(trial.place.environment.name, trial.root), facts)
    with pins.for_blocks(trial.place.environment.identity) as (pinned, hidden):
        for _ in range(_TRIES):  # one that is not done in time on a busy machine says nothing yet
            seen = verify_once(
                runbook,
                platform=place.platform,
                variables={**place.variables, **pinned},
                secrets={**trial.secrets, **hidden},
                path=place.path,
                emit=lambda _kind, **_fields: None,  # what a broken one says is no word of the trial
                aborting=trial.aborting,
            )
            if seen.in_time:
                return yes_or_no(seen.passed, seen.output)
    return Answer(Says.NOTHING, short(seen.output))


def _mutants(scene: Scene, runbook: Runbook, hit: list[dict[str, Any]]) -> Iterator[Mutant]:
    def with_code(change: Callable[[str], str]) -> Ask:
        return _ask(scene, _changed(runbook, SectionName.VERIFICATION, change))

    yield Mutant(Break.CONSTANT_TRUE, with_code(lambda _code: "true\n"))
    yield Mutant(Break.CONSTANT_FALSE, with_code(lambda _code: "false\n"))
    yield Mutant(Break.EMPTY_DATA, _ask(scene, runbook, scene.altered.empty))
    yield Mutant(Break.SWALLOWED_EXCEPTION, with_code(lambda code: f"(\n{code}\n) || true\n"))
    given = _mistaken(scene, runbook, texts(hit))
    if given:
        lines = "".join(f"export {name}={quote(value)}\n" for name, (_, value) in given.items())
        what = "; ".join(f"{name}: {before} -> {after}" for name, (before, after) in given.items())
        changed = _changed(runbook, SectionName.PARAMETERS, lambda code: f"{code}\n{lines}", only_last=True)
        yield Mutant(Break.WRONG_TARGET, _ask(scene, changed), what)
    else:
        yield Mutant(
            Break.WRONG_TARGET,
            _ask(scene, runbook, scene.altered.mistaken),
            t("every address is another service's"),
        )


def _changed(
    runbook: Runbook, section: SectionName, change: Callable[[str], str], only_last: bool = False
) -> Runbook:
    """The runbook with the code of that section's blocks changed, or of the last of them alone."""
    steps = list(runbook.steps)
    at = [n for n, step in enumerate(steps) if step.section is section and step.blocks]

    def changed(block: Block) -> Block:
        return replace(block, code=change(block.code), expects=None)

    for number in at[-1:] if only_last else at:
        *before, last = steps[number].blocks
        blocks = (*(before if only_last else map(changed, before)), changed(last))
        steps[number] = replace(steps[number], blocks=blocks)
    return replace(runbook, steps=tuple(steps))


def _mistaken(scene: Scene, runbook: Runbook, hit: list[str]) -> dict[str, tuple[str, str]]:
    """Variables of its Verification that name what the fault hits, with others of its kind that it does not hit.

    Where none does, those that name one thing of the place.
    """
    platform = scene.trial.place.environment.platform
    used = {
        name
        for step in runbook.steps
        if step.section is SectionName.VERIFICATION
        for block in step.blocks_on(platform)
        for name in shell.read(block.code).uses
    }
    values = {name: value for name, value in _parameters(scene, runbook).items() if name in used and value}
    found: dict[str, tuple[str, str]] = {}
    for name, value in values.items():
        words_ = value.split()
        if set(words_) & set(hit):
            changed = [_other(scene, word, hit) if word in hit else word for word in words_]
            if changed != words_:
                found[name] = (value, " ".join(changed))
    if found:
        return found
    for name, value in values.items():
        if len(value.split()) == 1 and (others := scene.things.others(value, hit)):
            found[name] = (value, others[0])
    return found


def _other(scene: Scene, word: str, hit: list[str]) -> str:
    return next(iter(scene.things.others(word, hit)), word)


def _parameters(scene: Scene, runbook: Runbook) -> dict[str, str]:
    """The variables as they are after the runbook's parameters."""
    trial = scene.trial
    place = trial.place.environment
    with open_shell(place.variables, trial.secrets, place.path) as opened:
        runner = Blocks(opened, trial.secrets, trial.aborting)
        for step in runbook.steps:
            if step.section is SectionName.PARAMETERS:
                for block in step.blocks_on(place.platform):
                    runner.run(step, block, lambda _stream, _line: None)
        return {name: str(value) for name, value in opened.variables.items()}
