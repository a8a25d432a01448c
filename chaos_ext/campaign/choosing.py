"""Which failure modes are meant: ids, lists with commas, `all`, and patterns such as 'postgresql-*'."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from chaos_ext.catalog import load
from chaos_ext.catalog.load import Catalog
from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.model import Environment, FailureMode

ALL = "all"


@dataclass
class Chosen:
    """What was chosen, in the order of the words. `skipped` are ids that a pattern met and that cannot run here."""

    modes: list[FailureMode] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def split(words: Iterable[str]) -> list[str]:
    """`words` with their lists taken apart: what stands between commas or blanks."""
    return [part for word in words for part in re.split(r"[,\s]+", word) if part]


def choose(words: Iterable[str], catalog: Catalog, environment: Environment) -> Chosen:
    """The modes that `words` mean in `environment`, each once, and everything that is wrong with the words.

    A mode that has no fault for the environment's platform is skipped when a pattern or `all` meets it; one that
    was named is kept, and whoever checks it says what it lacks.
    """
    chosen = Chosen()
    parts = split(words)
    if not parts:
        chosen.problems.append(_problem(t("nothing"), t("Try: chaos catalog list")))
    counts = Counter(parts)
    found: dict[str, FailureMode] = {}
    for part in counts:
        if counts[part] > 1:
            got = t("'{id}' {times} times", id=part, times=counts[part])
            chosen.problems.append(_problem(got, t("Name each failure mode once.")))
        if _is_pattern(part):
            found |= _met(part, catalog, environment, chosen)
            continue
        try:
            found.setdefault(part, load.find(catalog, part))
        except UsageError as error:
            chosen.problems += error.problems
    chosen.skipped = [each for each in dict.fromkeys(chosen.skipped) if each not in found]
    chosen.modes = list(found.values())
    return chosen


def _is_pattern(word: str) -> bool:
    return word == ALL or any(sign in word for sign in "*?[")


def _met(pattern: str, catalog: Catalog, environment: Environment, chosen: Chosen) -> dict[str, FailureMode]:
    ids = [each for each in sorted(catalog.modes) if pattern == ALL or fnmatchcase(each, pattern)]
    bound = [each for each in ids if environment.platform in catalog.modes[each].reproduce]
    chosen.skipped += [each for each in ids if each not in bound]
    if not ids:
        near = nearest_or_all(pattern.rstrip("*?"), sorted(catalog.modes))
        got = t("'{pattern}', which no id matches", pattern=pattern)
        chosen.problems.append(
            _problem(got, near or t("There is nothing below {folder}/ yet.", folder=load.MODES))
        )
    elif not bound:
        got = t(
            "'{pattern}', which matches only modes that have no fault for platform '{platform}' ({ids})",
            pattern=pattern,
            platform=environment.platform,
            ids=", ".join(ids),
        )
        chosen.problems.append(_problem(got, ""))
    return {each: catalog.modes[each] for each in bound}


def _problem(got: str, hint: str) -> Problem:
    return Problem("EXP", "", got, t("ids of failure modes, 'all', or a pattern such as 'redis-*'"), hint)
