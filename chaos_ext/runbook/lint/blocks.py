"""Rules about single blocks: what Runme and the follower need to know of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chaos_ext.errors import Problem
from chaos_ext.language import listed, t
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
            yield document.problem(block.line, "name", t("none"), t('"name":"…", or Runme makes one up'))
            continue
        if not _NAME.fullmatch(block.name) and not EXPORTED_NAME.fullmatch(block.name):
            expected = t("small letters with hyphens, or UPPER_SNAKE to export the output as that variable")
            yield document.problem(block.line, "name", f"'{block.name}'", expected)
        key = (block.name, block.on if block.exports else None)
        if key in seen:
            yield document.problem(
                block.line,
                "name",
                t("a second '{name}'", name=block.name),
                t("another (line {line} has it)", line=seen[key]),
            )
        seen.setdefault(key, block.line)


def roles(document: Document) -> Iterator[Problem]:
    """A block says what it is for, and that fits where it stands."""
    for step, block in document.runbook.blocks():
        if "role" not in block.attributes:
            hint = t('For something that nobody runs write {"ignore":"true"}.')
            yield document.problem(
                block.line, "role", t("none"), t("one of {choices}", choices=listed(Role)), hint
            )
        if block.role is None:
            continue
        fitting = (Role.UNDO,) if step.kind is StepKind.UNDO else ROLES_IN[step.section]
        if block.role not in fitting or (block.role is Role.UNDO and step.kind is not StepKind.UNDO):
            where = step.heading if step.kind is StepKind.UNDO else step.section.value
            fine = [role for role in fitting if role is not Role.UNDO or step.kind is StepKind.UNDO]
            expected = t("{fine} below '{where}'", fine=listed(fine, " or "), where=where)
            yield document.problem(block.line, "role", f"'{block.role}'", expected)
        elif block.role is Role.STANDIN and not step.tasks:
            yield document.problem(
                block.line, "role", t("'standin' without a task list"), t("the manual step it stands in for")
            )
        yield from _undo(document, step, block.line, block.attributes, block.role)


def _undo(document: Document, step: Step, line: int, attributes: object, role: Role) -> Iterator[Problem]:
    assert isinstance(attributes, dict)
    undoes = attributes.get("undoes")
    if role is not Role.UNDO:
        if undoes is not None:
            yield document.problem(
                line,
                "undoes",
                t("'{undoes}' on a block of role '{role}'", undoes=undoes, role=role),
                t("it on an undo block"),
            )
        return
    undone = document.runbook.find(undoes) if undoes else None
    if step.kind is StepKind.UNDO and (undone is None or undone.number != step.number):
        named = [
            block.name for other in document.runbook.steps for block in other.blocks
            if other.kind is StepKind.STEP and other.number == step.number and block.role is Role.MITIGATE
        ]  # fmt: skip
        expected = t(
            "the block it undoes: {names}" if named else "the block it undoes", names=listed(named, " or ")
        )
        yield document.problem(line, "undoes", (f"'{undoes}'" if undoes else t("none")), expected)


def runme(document: Document) -> Iterator[Problem]:
    """Runme's own keys say what the follower does too."""
    for _, block in document.runbook.blocks():
        attributes = block.attributes
        if "interactive" not in attributes:
            hint = t("Without it Runme opens a terminal for the block.")
            yield document.problem(block.line, "interactive", t("none"), '"interactive":"false"', hint)
        elif attributes["interactive"] != "false":
            hint = t("What needs a person's answers is a task list with a stand-in.")
            yield document.problem(
                block.line, "interactive", f"'{attributes['interactive']}'", "'false'", hint
            )
        if attributes.get("background", "false") != "false":
            hint = t("Its end could not be judged.")
            yield document.problem(
                block.line, "background", f"'{attributes['background']}'", t("no such key"), hint
            )
        if "cwd" in attributes:
            hint = t("Blocks run in an empty folder; name files by variables.")
            yield document.problem(block.line, "cwd", f"'{attributes['cwd']}'", t("no such key"), hint)
        excluded = attributes.get("excludeFromRunAll", "false")
        if block.role is Role.UNDO and excluded != "true":
            hint = t("Otherwise Runme's 'run all' undoes what it just did.")
            got = t("none") if "excludeFromRunAll" not in attributes else f"'{excluded}'"
            yield document.problem(block.line, "excludeFromRunAll", got, '"excludeFromRunAll":"true"', hint)
        elif excluded == "true" and block.role not in (Role.UNDO, Role.STANDIN):
            expected = t("it only on undo and standin")
            yield document.problem(
                block.line, "excludeFromRunAll", "'true'", expected, t("The follower runs this block.")
            )
        if block.role is Role.PARAMS and attributes.get("promptEnv") not in ("false", "no", "never"):
            hint = t("Otherwise Runme asks for each exported variable.")
            yield document.problem(block.line, "promptEnv", t("none"), '"promptEnv":"no"', hint)


def limits(document: Document) -> Iterator[Problem]:
    """What changes something, and what is waited for, says how long it may take."""
    for _, block in document.runbook.blocks(Role.MITIGATE, Role.UNDO, Role.STANDIN, Role.VERIFY):
        if "timeout" not in block.attributes:
            yield document.problem(
                block.line, "timeout", t("none"), t('a time limit such as "timeout":"30s"')
            )


def polling(document: Document) -> Iterator[Problem]:
    """Only a verification is polled."""
    for _, block in document.runbook.blocks():
        for key in ("within", "every", "stable"):
            if key in block.attributes and block.role is not None and block.role is not Role.VERIFY:
                expected = t("it only on a block of role 'verify'")
                yield document.problem(
                    block.line, key, t("it on a block of role '{role}'", role=block.role), expected
                )
        if block.role is Role.VERIFY and {"every", "stable"} & set(block.attributes) and not block.within_s:
            yield document.problem(block.line, "within", t("none"), t("how long the block may take to hold"))


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
            expected = t('one with "on":"{platform}", or one without "on"', platform=platform)
            yield document.problem(
                step.line,
                t("platform"),
                t("no block for '{platform}' in '{heading}'", platform=platform, heading=step.heading),
                expected,
            )


def prompts(document: Document) -> Iterator[Problem]:
    """No '$ ' that a paste would run as a command, and no '### ' that Runme would take for a heading."""
    for _, block in document.runbook.blocks():
        for number, line in enumerate(block.code.split("\n"), start=1):
            if line.lstrip().startswith("$ "):
                yield document.in_block(
                    block, number, t("block"), f"'{line.strip()}'", t("the command without its prompt")
                )
            if line.startswith("### "):
                yield document.in_block(block, number, t("block"), f"'{line}'", t("a comment with one '#'"))
        if not block.code.strip():
            yield document.problem(block.line, t("block"), t("an empty block"), t("a command"))


def syntax(document: Document) -> Iterator[Problem]:
    """Bash can read it."""
    for _, block in document.runbook.blocks():
        error = document.script(block).error
        if error:
            yield document.in_block(block, error[1], t("block"), error[0], "bash")
