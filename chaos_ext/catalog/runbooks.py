"""Whether the runbooks of a catalogue are there and lint, each once, for all the platforms it serves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from chaos_ext.catalog import load
from chaos_ext.catalog.load import Catalog
from chaos_ext.catalog.surroundings import is_runbook
from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.errors import Problem
from chaos_ext.language import t
from chaos_ext.model import Environment, FailureMode


def check_runbooks(
    catalog: Catalog, modes: Collection[FailureMode], environments: Sequence[Environment]
) -> list[Problem]:
    """Every runbook once, for all the platforms of all the modes that use it."""
    problems: list[Problem] = []
    platforms: dict[str, set[str]] = {}
    for mode in modes:
        if mode.runbook != "none":
            platforms.setdefault(mode.runbook, set()).update(mode.reproduce)
    missing = {name for name in platforms if not is_runbook(catalog.root, name)}
    if missing:
        folder = catalog.root / "catalog" / "runbooks"
        there = [f"runbooks/{path.name}" for path in folder.glob("*.md")]
        for mode in modes:
            if mode.runbook in missing:
                hint = nearest_or_all(mode.runbook, there) or t("Write it, or say 'runbook: none'.")
                expected = t("a file below catalog/runbooks/")
                problems.append(catalog.problem(mode, ("runbook",), f"'{mode.runbook}'", expected, hint))
    ids = load.ids(catalog.root)  # also those that could not be understood
    for name in sorted(set(platforms) - missing):
        bound = [each for each in environments if each.platform in platforms[name]]
        problems += _lint(catalog, name, platforms[name], bound, ids)
    return problems


def lint_the_rest(catalog: Catalog) -> list[Problem]:
    """Runbooks that no understood mode uses: what is wrong with them is told with the rest, not after it."""
    used = {mode.runbook for mode in catalog.modes.values()}
    found = sorted(path.name for path in (catalog.root / "catalog" / "runbooks").glob("*.md"))
    ids = load.ids(catalog.root)
    return [
        problem
        for name in found
        if f"runbooks/{name}" not in used
        for problem in _lint(catalog, f"runbooks/{name}", set(), [], ids)
    ]


def _lint(
    catalog: Catalog,
    name: str,
    platforms: Collection[str],
    environments: Sequence[Environment],
    ids: Collection[str],
) -> list[Problem]:
    from chaos_ext.runbook.lint import lint

    given = [{*each.variables, *each.secrets} for each in environments]
    by_platform: dict[str, set[str]] = {}
    for each, names in zip(environments, given, strict=True):
        by_platform[each.platform] = names & by_platform.get(each.platform, names)
    rules = [rule for each in environments for rule in each.alerts.rules if rule.runbook == name]
    problems = lint(
        catalog.root / "catalog" / name,
        platforms=platforms,
        variables=set.intersection(*given) if given else None,
        modes=ids,
        alerts=rules if any(each.rehearsal is None for each in environments) else None,
        secrets={name for each in environments for name in each.secrets},
        by_platform=by_platform,
    )
    # The linter names files from the current folder, the catalogue from the project's.
    return [replace(each, where=_from_root(each.where, catalog.root)) for each in problems]


def _from_root(where: str, root: Path) -> str:
    absolute = Path(where).absolute()
    return str(absolute.relative_to(root)) if absolute.is_relative_to(root) else where
