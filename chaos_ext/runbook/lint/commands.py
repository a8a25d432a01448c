"""Rules about what blocks run: nothing that touches the fault, nothing hard-coded, no silent harm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chaos_ext.errors import Problem
from chaos_ext.language import t
from chaos_ext.runbook.lint import harm
from chaos_ext.runbook.lint.document import Document
from chaos_ext.runbook.model import Role

_FAULT = (  # a runbook recovers the product; it must never reach what broke it
    (r"fault[_-]?prox(?:y|ies)|toxiproxy|\btoxics?\b|/proxies\b", t("the fault proxies")),
    (r"\bnames\.json\b", t("the map of the fault proxies")),
    (
        r"\bchaos\s+(?:heal|ledger|verify|run|lab|gameday)\b|\.chaos\b|\bCHAOS_[A-Z]",
        t("the toolkit's own state"),
    ),
    (r"\bchaos_(?:ext|lab)\b|\bchaos(?:lib|k8s|aws|gcp)\b|/actions/fault", t("the injection's own code")),
    (
        r"\b(?:pod|network|stress|io|dns|http|time|kernel)chaos\b|chaos-mesh\.org|litmuschaos",
        t("the injection's own handle"),
    ),
    (r"\baws\s+fis\b|\bfaultInjectionPolicy\b|\btc\s+qdisc\b", t("the injection's own handle")),
)


def _address(found: str) -> str:
    return t("the address '{address}'", address=found)


def _host(found: str) -> str:
    return t("the host '{host}'", host=found)


def _account(found: str) -> str:
    return t("the account '{account}'", account=found)


def _as_it_is(found: str) -> str:
    return f"'{found}'"


_TLD = r"(?:com|net|org|io|dev|app|cloud|jp|internal|local|localhost|corp|example)"
_HARD_CODED = (
    (r"\b(?:\d{1,3}\.){3}\d{1,3}\b", _address),
    (r"\blocalhost\b", _host),
    (rf"(?<![a-z0-9.-])(?:[a-z0-9-]+\.)+{_TLD}\b(?![\w.(-])", _host),
    (r"\barn:aws[\w-]*:[^\s\"']+", _as_it_is),
    (r"(?<![\w.-])\d{12}(?![\w.-])", _account),
    (
        r"--(?:project|account|profile|context|cluster|host|hostname|endpoint(?:-url)?)[= ](?![\"']?\$)[^\s]+",
        _as_it_is,
    ),
    (r"\b(?:host|hostaddr)=(?![\"']?\$)[^\s\"']+", _as_it_is),
)
_HOST_OPTION = {
    "psql",
    "pg_isready",
    "pg_basebackup",
    "pg_dump",
    "redis-cli",
    "valkey-cli",
    "mysql",
}  # -h HOST
_FILE = re.compile(r"\.(?:sh|py|json|ya?ml|log|conf|md|txt|sql|app)$")


def touching_the_fault(document: Document) -> Iterator[Problem]:
    """Repointing is a configuration release, not a moved proxy."""
    for _, block in document.runbook.blocks():
        for text, line in document.script(block).code:
            for pattern, what in _FAULT:
                match = re.search(pattern, text, re.IGNORECASE if "CHAOS_" not in pattern else 0)
                if match:
                    hint = t("In life there is no such thing to reach for.")
                    got = t("'{found}', {what}", found=match[0], what=what)
                    yield document.in_block(
                        block, line, t("fault"), got, t("only the operators' tools"), hint
                    )
                    break


def hard_coded(document: Document) -> Iterator[Problem]:
    """Hosts, projects and accounts are parameters, so that the runbook holds in every environment."""
    for _, block in document.runbook.blocks():
        if block.role is Role.PARAMS:
            continue
        script = document.script(block)
        for text, line in script.code:
            for pattern, got in _HARD_CODED:
                for match in re.finditer(pattern, text):
                    if _FILE.search(match[0]) is None:
                        yield _belongs_in_parameters(document, block.line + line, got(match[0]))
        for command in script.commands:
            for option, value in zip(command.words, command.words[1:], strict=False):
                if command.name in _HOST_OPTION and option == "-h" and "$" not in value:
                    yield _belongs_in_parameters(document, block.line + command.line, _host(value))


def _belongs_in_parameters(document: Document, line: int, got: str) -> Problem:
    return document.problem(line, t("hard-coded"), got, t("a variable"), t("Export it under Parameters."))


def looking_only(document: Document) -> Iterator[Problem]:
    """A diagnosis can be run by anybody at any time."""
    for _, block in document.runbook.blocks(Role.DIAGNOSE):
        for line, what in harm.changes(document.script(block)):
            hint = t("Move it to a block of role 'mitigate'.")
            yield document.in_block(
                block, line, t("diagnose"), t("{what}, which changes something", what=what), t("a look"), hint
            )


def warnings(document: Document) -> Iterator[Problem]:
    """Who is about to lose something is told before."""
    for _, block in document.runbook.blocks():
        found = list(harm.destroys(document.script(block)))
        if found and not block.warned:
            line, what = found[0]
            expected = t("a line above the block that begins with 'Warning:' and says what is lost")
            yield document.in_block(block, line, t("warning"), t("{what} without one", what=what), expected)
