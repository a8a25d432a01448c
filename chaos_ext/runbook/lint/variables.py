"""Rules about variables: each has a value when it is used, whoever starts where."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chaos_ext.errors import Problem, did_you_mean
from chaos_ext.language import t
from chaos_ext.runbook.lint.document import Document
from chaos_ext.runbook.model import Block, Role
from chaos_ext.runbook.shell import Command

_OF_BASH = frozenset(
    """HOME PATH LANG TMPDIR PWD OLDPWD IFS RANDOM SECONDS LINENO UID EUID PPID HOSTNAME OPTARG OPTIND REPLY
    BASH BASHPID BASH_VERSION BASH_SOURCE BASH_REMATCH BASH_LINENO FUNCNAME PIPESTATUS SHLVL EPOCHSECONDS
    EPOCHREALTIME MACHTYPE OSTYPE HOSTTYPE SHELLOPTS COLUMNS LINES DIRSTACK GROUPS""".split()  # noqa: SIM905
)
ONLY_SETTING = frozenset(
    {":", "export", "declare", "local", "readonly", "test", "[", "true", "echo", "printf"}
)
# What bash does by itself: its arguments are in no process list.
_BUILTINS = ONLY_SETTING | {
    "[[",
    "read",
    "return",
    "set",
    "shift",
    "eval",
    "trap",
    "typeset",
    "unset",
    "let",
    "mapfile",
}


def parameters(document: Document) -> Iterator[Problem]:
    """The parameters only set variables, and what they ask for is given by the environments."""
    for _, block in document.runbook.blocks(Role.PARAMS):
        given = document.around.given(block.on)
        script = document.script(block)
        for command in script.commands:
            if command.name not in ONLY_SETTING:
                expected = t("only 'export NAME=…' and ': \"${NAME:?why}\"'")
                yield document.in_block(
                    block,
                    command.line,
                    t("parameters"),
                    t("the command '{name}'", name=command.name),
                    expected,
                )
        for name, line in script.requires.items():
            if given is not None and name not in given and name not in script.sets:
                hint = did_you_mean(name, given)
                expected = t("a variable that the environments give")
                yield document.in_block(block, line, t("parameters"), f"'{name}'", expected, hint)
        for name, line in script.sets.items():
            if name not in script.exports and name not in script.uses:
                hint = t("Write 'export {name}=…'.", name=name)
                yield document.in_block(
                    block,
                    line,
                    t("parameters"),
                    t("'{name}' not exported", name=name),
                    t("it exported"),
                    hint,
                )


def undefined(document: Document) -> Iterator[Problem]:
    """A block uses what the parameters declare, what it sets itself, or what a block above exports."""
    known: set[str] = set()
    for _, block in document.runbook.blocks():
        script = document.script(block)
        if block.role is Role.PARAMS:
            known |= {*script.requires, *script.exports, *script.sets}
        for name, line in script.uses.items():
            if name in known or name in script.sets or name in _OF_BASH or name.isdecimal():
                continue
            hint = did_you_mean(name, [*known, *script.sets]) or t("Declare it under Parameters.")
            yield document.in_block(
                block,
                line,
                t("variable"),
                t("'{name}', which has no value here", name=name),
                t("a declared one"),
                hint,
            )
        known |= _exports(document, block)


def _exports(document: Document, block: Block) -> set[str]:
    return {*document.script(block).exports, *((block.exports,) if block.exports else ())}


def standing_alone(document: Document) -> Iterator[Problem]:
    """The verification finds out for itself: it is also run before anything was diagnosed, and must fail then."""
    own: set[str] = set()
    for _, block in document.runbook.blocks(Role.PARAMS):
        own |= {*document.script(block).requires, *document.script(block).exports}
    others = {
        name: step.heading
        for step, block in document.runbook.blocks()
        if block.role not in (Role.PARAMS, Role.VERIFY)
        for name in _exports(document, block)
    }
    for _, block in document.runbook.blocks(Role.VERIFY):
        script = document.script(block)
        for name, line in script.uses.items():
            if name in others and name not in own and name not in script.sets:
                got = t("'{name}', which '{heading}' sets", name=name, heading=others[name])
                expected = t("a verification that stands alone")
                hint = t("It is run before the first mitigation too; let it look for itself.")
                yield document.in_block(block, line, t("verification"), got, expected, hint)
        own |= _exports(document, block)


def in_process_list(document: Document) -> Iterator[Problem]:
    """A secret is no argument of a program: whoever is on the machine reads those of everybody."""
    for _, block in document.runbook.blocks():
        script = document.script(block)
        for command in script.commands:
            own = command.name in _BUILTINS or command.name in script.functions
            for name in () if own else _secrets_in(command, document):
                yield document.in_block(
                    block,
                    command.line,
                    t("secret"),
                    t("'{name}' among the arguments of '{command}'", name=name, command=command.name),
                    t("it from the environment or from standard input"),
                    t("Arguments are in the process list for everybody to read."),
                )


def _secrets_in(command: Command, document: Document) -> Iterator[str]:
    for name in document.around.secrets:
        used = re.compile(rf"\$(?:{re.escape(name)}\b|\{{{re.escape(name)}\b)")
        if any(used.search(word) for word in command.words):
            yield name
