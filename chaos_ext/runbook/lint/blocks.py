"""Rules about single blocks: what Runme and the follower need to know of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chaos_ext.errors import Problem
from chaos_ext.runbook.lint.document import Document
from chaos_ext.runbook.model import EXPORTED_NAME, Role, SectionName, Step, StepKind

ROLES_IN = {
    SectionName.PARAMETERS: (Role.PARAMS,),
    SectionName.DIAGNOSIS: (Role.DIAGNOSE, Role.STANDIN),
    SectionName.MITIGATION: (Role.MITIGATE, Role.UNDO, Role.STANDIN, Role.DIAGNOSE, Role.VERIFY),
    SectionName.VERIFICATION: (Role.VERIFY, Role.DIAGNOSE, Role.STANDIN),
}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def names(document: Document) -> Iterator[Problem]:
    """Every block has a name of its own; the same name only for the same variable on another platform."""
    seen: dict[tuple[str, str | None], int] = {}
    for _, block in document.runbook.blocks():
        if not block.name:
            yield document.problem(block.line, "name", "none", '"name":"…", or Runme makes one up')
            continue
        if not _NAME.fullmatch(block.name) and not EXPORTED_NAME.fullmatch(block.name):
            expected = "small letters with hyphens, or UPPER_SNAKE to export the output as that variable"
            yield document.problem(block.line, "name", f"'{block.name}'", expected)
        key = (block.name, block.on if block.exports else None)
        if key in seen:
            yield document.problem(
                block.line, "name", f"a second '{block.name}'", f"another (line {seen[key]} has it)"
            )
        seen.setdefault(key, block.line)


def roles(document: Document) -> Iterator[Problem]:
    """A block says what it is for, and that fits where it stands."""
    for step, block in document.runbook.blocks():
        if "role" not in block.attributes:
            hint = 'For something that nobody runs write {"ignore":"true"}.'
            yield document.problem(block.line, "role", "none", f"one of {', '.join(Role)}", hint)
        if block.role is None:
            continue
        fitting = (Role.UNDO,) if step.kind is StepKind.UNDO else ROLES_IN[step.section]
        if block.role not in fitting or (block.role is Role.UNDO and step.kind is not StepKind.UNDO):
            where = step.heading if step.kind is StepKind.UNDO else step.section.value
            fine = [role for role in fitting if role is not Role.UNDO or step.kind is StepKind.UNDO]
            expected = f"{' or '.join(fine)} below '{where}'"
            yield document.problem(block.line, "role", f"'{block.role}'", expected)
        elif block.role is Role.STANDIN and not step.tasks:
            yield document.problem(
                block.line, "role", "'standin' without a task list", "the manual step it stands in for"
            )
        yield from _undo(document, step, block.line, block.attributes, block.role)


def _undo(document: Document, step: Step, line: int, attributes: object, role: Role) -> Iterator[Problem]:
    assert isinstance(attributes, dict)
    undoes = attributes.get("undoes")
    if role is not Role.UNDO:
        if undoes is not None:
            yield document.problem(
                line, "undoes", f"'{undoes}' on a block of role '{role}'", "it on an undo block"
            )
        return
    undone = document.runbook.find(undoes) if undoes else None
    if step.kind is StepKind.UNDO and (undone is None or undone.number != step.number):
        named = [
            block.name for other in document.runbook.steps for block in other.blocks
            if other.kind is StepKind.STEP and other.number == step.number and block.role is Role.MITIGATE
        ]  # fmt: skip
        expected = f"the block it undoes{': ' + ' or '.join(named) if named else ''}"
        yield document.problem(line, "undoes", f"'{undoes}'" if undoes else "none", expected)


def runme(document: Document) -> Iterator[Problem]:
    """Runme's own keys say what the follower does too."""
    for _, block in document.runbook.blocks():
        attributes = block.attributes
        if "interactive" not in attributes:
            hint = "Without it Runme opens a terminal for the block."
            yield document.problem(block.line, "interactive", "none", '"interactive":"false"', hint)
        elif attributes["interactive"] != "false":
            hint = "What needs a person's answers is a task list with a stand-in."
            yield document.problem(
                block.line, "interactive", f"'{attributes['interactive']}'", "'false'", hint
            )
        if attributes.get("background", "false") != "false":
            hint = "Its end could not be judged."
            yield document.problem(
                block.line, "background", f"'{attributes['background']}'", "no such key", hint
            )
        if "cwd" in attributes:
            hint = "Blocks run in an empty folder; name files by variables."
            yield document.problem(block.line, "cwd", f"'{attributes['cwd']}'", "no such key", hint)
        excluded = attributes.get("excludeFromRunAll", "false")
        if block.role is Role.UNDO and excluded != "true":
            hint = "Otherwise Runme's 'run all' undoes what it just did."
            got = "none" if "excludeFromRunAll" not in attributes else f"'{excluded}'"
            yield document.problem(block.line, "excludeFromRunAll", got, '"excludeFromRunAll":"true"', hint)
        elif excluded == "true" and block.role not in (Role.UNDO, Role.STANDIN):
            expected = "it only on undo and standin"
            yield document.problem(
                block.line, "excludeFromRunAll", "'true'", expected, "The follower runs this block."
            )
        if block.role is Role.PARAMS and attributes.get("promptEnv") not in ("false", "no", "never"):
            hint = "Otherwise Runme asks for each exported variable."
            yield document.problem(block.line, "promptEnv", "none", '"promptEnv":"no"', hint)


def limits(document: Document) -> Iterator[Problem]:
    """What changes something, and what is waited for, says how long it may take."""
    for _, block in document.runbook.blocks(Role.MITIGATE, Role.UNDO, Role.STANDIN, Role.VERIFY):
        if "timeout" not in block.attributes:
            yield document.problem(block.line, "timeout", "none", 'a time limit such as "timeout":"30s"')


def polling(document: Document) -> Iterator[Problem]:
    """Only a verification is polled."""
    for _, block in document.runbook.blocks():
        for key in ("within", "every", "stable"):
            if key in block.attributes and block.role is not None and block.role is not Role.VERIFY:
                expected = "it only on a block of role 'verify'"
                yield document.problem(block.line, key, f"it on a block of role '{block.role}'", expected)
        if block.role is Role.VERIFY and {"every", "stable"} & set(block.attributes) and not block.within_s:
            yield document.problem(block.line, "within", "none", "how long the block may take to hold")


def platforms(document: Document) -> Iterator[Problem]:
    """Where a failure mode is bound, every step can be done."""
    wanted = {*document.around.platforms, *document.runbook.platforms}
    for step in document.runbook.all_steps:
        if step.kind is StepKind.SECTION and not step.blocks:
            continue
        on = {block.on for block in step.blocks if block.role is not Role.STANDIN}
        if not on or None in on:
            continue
        for platform in sorted(wanted - on - {None}):
            expected = f'one with "on":"{platform}", or one without "on"'
            yield document.problem(
                step.line, "platform", f"no block for '{platform}' in '{step.heading}'", expected
            )


def prompts(document: Document) -> Iterator[Problem]:
    """No '$ ' that a paste would run as a command, and no '### ' that Runme would take for a heading."""
    for _, block in document.runbook.blocks():
        for number, line in enumerate(block.code.split("\n"), start=1):
            if line.lstrip().startswith("$ "):
                yield document.in_block(
                    block, number, "block", f"'{line.strip()}'", "the command without its prompt"
                )
            if line.startswith("### "):
                yield document.in_block(block, number, "block", f"'{line}'", "a comment with one '#'")
        if not block.code.strip():
            yield document.problem(block.line, "block", "an empty block", "a command")


def syntax(document: Document) -> Iterator[Problem]:
    """Bash can read it."""
    for _, block in document.runbook.blocks():
        error = document.script(block).error
        if error:
            yield document.in_block(block, error[1], "block", error[0], "bash")
