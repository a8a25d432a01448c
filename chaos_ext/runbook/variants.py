"""A runbook as somebody else would follow it: without a step, only looking, or with one mistake in it. Pure.

Nothing here decides what is run; a varied runbook is a runbook, and is followed like any other. Its digest stays
that of the file, because it is that file which is tried.

- look-only: parameters and what looks; where the runbook would go on to anything else, following ends.
- without a step: whoever is sent to it goes on to the one behind it.
- swapped: two mitigation steps that stand one after the other change places; whoever is sent to one comes to the other.
- doubled: every block of the step twice.
- cut: up to the middle of the step, then the whole runbook from the beginning. The middle is half of the block's
  statements, rounded up, so that of a single one the command was run and only its end was not seen.
- wrong target: names that an environment calls siblings are taken for their neighbour, in the step's own words and
  in the values of variables; after the step the variables are what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from shlex import quote

from chaos_ext.language import t
from chaos_ext.model import Arm, Mutation, Variant
from chaos_ext.runbook import shell
from chaos_ext.runbook.model import Block, Role, Runbook, SectionName, Step, StepKind

Siblings = Sequence[Sequence[str]]  # resources of one kind, of which one may be mistaken for another

WRONG_TARGET_SAYS = "wrong target: "  # how a line of output begins that tells what was mistaken
CUT = "-before-the-cut"  # what the keys of the steps before a cut end in
_ENDS = "only-looking-ends"
_MITIGATES = (Role.MITIGATE, Role.STANDIN)
_LOOKS = (Role.PARAMS, Role.DIAGNOSE)


def mitigation_steps(runbook: Runbook, platform: str) -> tuple[Step, ...]:
    """The steps that change something on `platform`, in the order in which they stand."""
    return tuple(
        step for step in runbook.steps if any(b.role in _MITIGATES for b in step.blocks_on(platform))
    )


def name_of(step: Step, platform: str) -> str:
    """What a variant calls the step: its first block that changes something; its key when that has no name."""
    named = (b.name for b in step.blocks_on(platform) if b.role in _MITIGATES and b.name)
    return next(named, step.key)


def mitigations(runbook: Runbook, platform: str) -> list[dict[str, str]]:
    """For a run's record: the name, key and heading of each step that changes something."""
    return [
        {"step": name_of(step, platform), "key": step.key, "heading": step.heading}
        for step in mitigation_steps(runbook, platform)
    ]


def variants(
    runbook: Runbook, platform: str, siblings: Siblings
) -> tuple[tuple[Variant, ...], tuple[tuple[Variant, str], ...]]:
    """Every variant that changes this runbook, and those that cannot be made of it, each with why."""
    made: list[Variant] = []
    left_out: list[tuple[Variant, str]] = []
    steps = mitigation_steps(runbook, platform)
    for step in steps:
        name = name_of(step, platform)
        made.append(Variant(Arm.WITHOUT_STEP, name))
        wrong = Variant(Arm.MUTATED, name, Mutation.WRONG_TARGET)
        if why := _no_wrong_target(step, platform, siblings):
            left_out.append((wrong, why))
        else:
            made.append(wrong)
        swapped = Variant(Arm.MUTATED, name, Mutation.SWAPPED)
        if step is not steps[-1]:
            made.append(swapped)
        elif len(steps) == 1:
            left_out.append((swapped, t("it is the only step that changes something")))
        made += [Variant(Arm.MUTATED, name, Mutation.DOUBLED), Variant(Arm.MUTATED, name, Mutation.CUT)]
    return tuple(made), tuple(left_out)


def varied(runbook: Runbook, variant: Variant, platform: str, siblings: Siblings = ()) -> Runbook:
    """`runbook` as `variant` follows it on `platform`. Raises ValueError when it has no such step."""
    if variant.arm is Arm.LOOK_ONLY:
        return _only_looking(runbook, platform)
    if variant.arm not in (Arm.WITHOUT_STEP, Arm.MUTATED):
        return runbook
    steps = mitigation_steps(runbook, platform)
    step = next((each for each in steps if name_of(each, platform) == variant.step), None)
    if step is None:
        raise ValueError(f"{variant}: no step")
    if variant.mutation is None:
        return _without(runbook, step, platform)
    if variant.mutation is Mutation.SWAPPED:
        following = next((b for a, b in pairwise(steps) if a is step), None)
        if following is None:
            raise ValueError(f"{variant}: no successor")
        return _swapped(runbook, step, following)
    if variant.mutation is Mutation.DOUBLED:
        return _with(runbook, {step.key: replace(step, blocks=step.blocks * 2)})
    if variant.mutation is Mutation.CUT:
        return _cut(runbook, step, platform)
    return _mistaken(runbook, step, platform, siblings)


# --- without steps -------------------------------------------------------------------------------


def _only_looking(runbook: Runbook, platform: str) -> Runbook:
    end = Step(
        kind=StepKind.SECTION,
        number=0,
        heading=t("Only looking: what follows is left out"),
        key=_ENDS,
        anchor=_ENDS,
        line=0,
        section=SectionName.VERIFICATION,
        blocks=(Block(0, "true\n", {"name": _ENDS}, Role.DIAGNOSE),),
    )
    kept = []
    for step in runbook.steps:
        blocks = tuple(b for b in step.blocks_on(platform) if b.role in _LOOKS)
        if blocks:
            kept.append(replace(step, blocks=blocks, tasks=()))
    stays = {step.key for step in kept}
    sections = {step.section for step in kept}

    def target(name: str) -> str:
        step = runbook.find(name)
        if step is not None and step.kind is not StepKind.SECTION:
            return name if step.key in stays else f"#{_ENDS}"
        section = runbook.section_at(name)
        return name if section is not None and section.name in sections else f"#{_ENDS}"

    return replace(runbook, steps=(*(_sent(step, target) for step in kept), end))


def _without(runbook: Runbook, step: Step, platform: str) -> Runbook:
    at = runbook.steps.index(step)
    behind = next((each for each in runbook.steps[at + 1 :] if each.blocks_on(platform) or each.tasks), None)
    rest = (*runbook.steps[:at], *runbook.steps[at + 1 :])
    instead = {} if behind is None else {step.key: behind.anchor}
    return replace(runbook, steps=tuple(_sent(each, _instead(runbook, instead)) for each in rest))


# --- mistakes ------------------------------------------------------------------------------------


def _swapped(runbook: Runbook, first: Step, second: Step) -> Runbook:
    target = _instead(runbook, {first.key: second.anchor, second.key: first.anchor})
    # Where one goes on belongs to the place, not to what is done there.
    steps = {
        first.key: _going_on(second, _goes_on(first)),
        second.key: _going_on(first, _goes_on(second)),
    }
    placed = tuple(steps.get(step.key, step) for step in runbook.steps)
    return replace(runbook, steps=tuple(_sent(step, target) for step in placed))


def _goes_on(step: Step) -> str | None:
    return next((block.next for block in reversed(step.blocks) if block.next), None)


def _going_on(step: Step, target: str | None) -> Step:
    *before, last = (replace(block, next=None) for block in step.blocks)
    return replace(step, blocks=(*before, replace(last, next=target)))


def _cut(runbook: Runbook, step: Step, platform: str) -> Runbook:
    at = runbook.steps.index(step)
    blocks = step.blocks_on(platform)
    last = max(index for index, block in enumerate(blocks) if block.role in _MITIGATES)
    half = replace(blocks[last], code=shell.first_half(blocks[last].code), expects=None, next=None)
    before = [*runbook.steps[:at], replace(step, blocks=(*blocks[:last], half))]
    instead = {each.key: each.anchor + CUT for each in before}
    copies = (
        replace(_sent(each, _instead(runbook, instead)), key=each.key + CUT, anchor=each.anchor + CUT)
        for each in before
    )
    return replace(runbook, steps=(*copies, *runbook.steps))


def _mistaken(runbook: Runbook, step: Step, platform: str, siblings: Siblings) -> Runbook:
    neighbours = _neighbours(siblings)
    if not neighbours:
        raise ValueError(f"{step.key}: no neighbour")
    blocks = tuple(
        replace(block, code=_on_neighbours(block.code, neighbours))
        if block.role in _MITIGATES and block.runs_on(platform)
        else block
        for block in step.blocks
    )
    return _with(runbook, {step.key: replace(step, blocks=blocks)})


def _no_wrong_target(step: Step, platform: str, siblings: Siblings) -> str:
    """Why no target of this step can be mistaken for another; empty when one may be."""
    neighbours = _neighbours(siblings)
    if not neighbours:
        return t("the environment has no siblings: resources that somebody may mistake for one another")
    for block in step.blocks_on(platform):
        if block.role in _MITIGATES and (
            shell.read(block.code).uses or _words(neighbours).search(block.code)
        ):
            return ""
    return t("it names no target")


def _neighbours(siblings: Siblings) -> dict[str, str]:
    """Each name and the one it is taken for: the next of its kind, of the last the first."""
    return {
        one: group[(index + 1) % len(group)]
        for group in siblings
        if len(group) > 1
        for index, one in enumerate(group)
    }


def _words(names: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])")


def _on_neighbours(code: str, neighbours: dict[str, str]) -> str:
    """The block with every target mistaken, and a line of output for each."""
    literals = dict.fromkeys(_words(neighbours).findall(code))
    mistaken = _words(neighbours).sub(lambda match: neighbours[match[0]], code)
    cases = "\n".join(f"    {quote(one)}) __to={quote(other)} ;;" for one, other in neighbours.items())
    told = "".join(
        f"echo {quote(f'{WRONG_TARGET_SAYS}{neighbours[one]}, not {one}')} >&2\n" for one in literals
    )
    return (
        "__back=''\n"
        "for __name in $(compgen -e); do\n"
        '  case "${!__name}" in\n'
        f"{cases}\n"
        "    *) continue ;;\n"
        "  esac\n"
        '  __back="$__back export $__name=$(printf %q "${!__name}");"\n'
        f'  echo "{WRONG_TARGET_SAYS}$__name is $__to, not ${{!__name}}" >&2\n'
        '  export "$__name=$__to"\n'
        "done\n"
        f"{told}{mistaken.rstrip()}\n"
        '__exit_was=$?; eval "$__back"; (exit $__exit_was)\n'
    )


# --- where one is sent ---------------------------------------------------------------------------


def _instead(runbook: Runbook, anchors: dict[str, str]) -> Callable[[str], str]:
    """Where a link leads when the steps of these keys are to be found at other anchors."""

    def target(name: str) -> str:
        step = runbook.find(name)
        found = None if step is None else anchors.get(step.key)
        return name if found is None else f"#{found}"

    return target


def _sent(step: Step, target: Callable[[str], str]) -> Step:
    """`step` with every place it sends somebody to."""
    return replace(
        step,
        blocks=tuple(replace(b, next=target(b.next)) if b.next else b for b in step.blocks),
        branches=tuple(replace(b, target=target(b.target)) if b.target else b for b in step.branches),
    )


def _with(runbook: Runbook, changed: dict[str, Step]) -> Runbook:
    return replace(runbook, steps=tuple(changed.get(step.key, step) for step in runbook.steps))
