"""`catalog/guidelines.yaml` from disk, and whether its rules can do what their author meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_ext.catalog.source import Path_, Source
from chaos_ext.catalog.words import nearest_or_all, understood, whole
from chaos_ext.errors import Problem
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.catalog.load import Catalog
    from chaos_ext.model import Environment, Guideline, Guidelines

FILE = "catalog/guidelines.yaml"
_PLATFORMS = ("lab", "kubernetes", "aws", "gcp")
_PROVIDERS = ("python", "process", "http")
_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Read:
    """The guidelines with the file that they were read from."""

    guidelines: Guidelines
    source: Source

    @property
    def rules(self) -> tuple[Guideline, ...]:
        """The rules in their order: the first one that matches decides."""
        return self.guidelines.rules

    def where(self, index: int) -> str:
        """``file:line`` of a rule."""
        return self.source.where(("rules", index))


def read(root: Path) -> Read:
    """The guidelines of a project. Raises UsageError: no such file, or everything that is wrong with it."""
    return whole(lambda problems: scan(root, problems))


def scan(root: Path, problems: list[Problem]) -> Read | None:
    """Like `read`, but problems go to the list."""
    from chaos_ext.model import Guidelines

    if not (root / FILE).is_file():
        problems.append(
            Problem(
                FILE,
                "",
                t("no file"),
                t("the rules of what may be broken where"),
                t(
                    "Without one, everything needs an SRE's review. Copy the one that chaos-ext is shipped with."
                ),
            )
        )
        return None
    found, source = understood(root / FILE, root, Guidelines, problems)
    return None if found is None or source is None else Read(found, source)


def check(read: Read, catalog: Catalog | None, environments: Iterable[Environment]) -> list[Problem]:
    """Names that nothing has, ids that are there twice, and rules that can never decide."""
    problems: list[Problem] = []
    first: dict[str, int] = {}
    everything: int | None = None
    names = [each.name for each in environments]

    def say(at: Path_, got: str, expected: str, hint: str = "") -> None:
        problems.append(read.source.problem(at, got, expected, hint))

    for index, rule in enumerate(read.rules):
        at: Path_ = ("rules", index)
        if rule.id in first:
            line = read.source.line(("rules", first[rule.id]))
            say(
                (*at, "id"),
                t("'{id}' again", id=rule.id),
                t("an id of its own (line {line} has it)", line=line),
            )
        first.setdefault(rule.id, index)
        if everything is not None:
            line = read.source.line(("rules", everything))
            got = t("a rule after one that matches everything (line {line})", line=line)
            say(at, got, t("a rule that can decide"), t("Move it up, or remove it."))
        elif rule.match.is_everything:
            everything = index
        _check_names(rule, at, catalog, names, say)
    return problems


def _check_names(
    rule: Guideline, at: Path_, catalog: Catalog | None, environments: list[str], say: _Say
) -> None:
    from chaos_ext.model import many

    match = rule.match
    known: list[tuple[str, tuple[str, ...], Iterable[str], str]] = [
        ("platform", many(match.platform), _PLATFORMS, t("a platform")),
        ("provider", many(match.provider), _PROVIDERS, t("a provider of Chaos Toolkit")),
    ]
    if catalog is not None:
        products = {mode.product for mode in catalog.modes.values()}
        flows = many(match.hurts.flows) if match.hurts else ()
        known += [
            ("mode", many(match.mode), catalog.modes, t("the id of a failure mode")),
            ("product", many(match.product), products, t("a product of the catalogue")),
            ("hurts", flows, catalog.services.flows, t("a user flow of catalog/services.yaml")),
        ]
    for key, written, choices, expected in known:
        for name in written:
            if not _GLOB.intersection(name) and name not in choices:
                inner: Path_ = (key, "flows") if key == "hurts" else (key,)
                say((*at, "match", *inner), f"'{name}'", expected, nearest_or_all(name, list(choices)))
    if (
        rule.decision == "forbidden"
    ):  # it may well name a place that has no file here, so that nobody makes one
        return
    for name in many(match.environment):
        if not _GLOB.intersection(name) and name not in environments:
            hint = nearest_or_all(name, environments)
            say((*at, "match", "environment"), f"'{name}'", t("the name of an environment"), hint)


if TYPE_CHECKING:
    from typing import Protocol

    class _Say(Protocol):
        def __call__(self, at: Path_, got: str, expected: str, hint: str = "") -> None: ...
