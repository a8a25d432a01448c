"""Everything that is wrong with a runbook, in one go.

A rule is a function from a `Document` to problems; the modules beside this one hold them by subject, and
`RULES` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from chaos_ext.errors import Problem, UsageError
from chaos_ext.model import AlertRule
from chaos_ext.runbook.lint import blocks, commands, layout, surroundings, variables
from chaos_ext.runbook.lint.document import Document, Surroundings
from chaos_ext.runbook.parse import parse_text, read_text

Rule = Callable[[Document], Iterable[Problem]]
RULES: tuple[Rule, ...] = (
    layout.sections,
    layout.headings,
    layout.links,
    layout.decisions,
    layout.ways_on,
    layout.verification,
    layout.undo,
    blocks.names,
    blocks.roles,
    blocks.runme,
    blocks.limits,
    blocks.polling,
    blocks.platforms,
    blocks.prompts,
    blocks.syntax,
    variables.parameters,
    variables.undefined,
    variables.standing_alone,
    commands.touching_the_fault,
    commands.hard_coded,
    commands.looking_only,
    commands.warnings,
    variables.in_process_list,
    surroundings.identity,
    surroundings.modes,
    surroundings.alerts,
)


def lint(
    path: Path,
    *,
    platforms: Collection[str] = (),
    variables: Collection[str] | None = None,
    modes: Collection[str] | None = None,
    alerts: Collection[AlertRule] | None = None,
    secrets: Collection[str] = (),
    by_platform: Mapping[str, Collection[str]] | None = None,
) -> list[Problem]:
    """All problems of the runbook at `path`, by line; none means that it can be followed.

    Args:
        platforms: every step must have a block for each of these
        variables: what the environments give (variables and secrets); None: not known, so not checked
        modes: ids of all failure modes; None: not known
        alerts: the rules of all environments that link this runbook; None: not known
        secrets: of `variables`, those whose value nobody may see
        by_platform: what all environments of one platform give, for blocks that are for it alone
    """
    try:
        text = read_text(path)
    except UsageError as error:
        return error.problems
    runbook = parse_text(text, path)
    around = Surroundings(frozenset(platforms), variables, modes, alerts, secrets, by_platform or {})
    document = Document(runbook, around)
    found = [*runbook.problems, *_all(document)]
    return sorted(dict.fromkeys(found), key=_line)


def _all(document: Document) -> Iterator[Problem]:
    for rule in RULES:
        yield from rule(document)


def _line(problem: Problem) -> int:
    tail = problem.where.rpartition(":")[2]
    return int(tail) if tail.isdecimal() else 0
