"""Whether a verdict still holds: everything it was earned with, as digests, then and now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from chaos_ext.catalog.load import Catalog, digest, digests
from chaos_ext.catalog.made_of import activities, deployed
from chaos_ext.language import t
from chaos_ext.model import Environment, FailureMode
from chaos_ext.restored.shipped import looks
from chaos_ext.verdict.judge import VERDICT_RULES


def facts(catalog: Catalog, mode: FailureMode, environment: Environment) -> dict[str, Any]:
    """What a verdict on `mode` in `environment` would be earned with now, as run.json holds it."""
    return Now(catalog, environment).facts(mode)


class Now:
    """What verdicts in `environment` would be earned with now; each file is read once, however many modes ask."""

    def __init__(self, catalog: Catalog, environment: Environment) -> None:
        self._catalog, self._environment = catalog, environment
        self._digest = cache(digest)
        self._looks = looks(environment)
        self._deployed = deployed(environment.platform)

    def facts(self, mode: FailureMode) -> dict[str, Any]:
        """The same as run.json of a run of `mode` would hold."""
        place, root = self._environment, self._catalog.root
        made = digests(self._catalog, mode, place.name, self._digest)
        code = activities(mode, place.platform, root, self._looks, self._digest)
        return {
            "digests": {what: each._asdict() for what, each in made.items()},
            "activities": {name: each._asdict() for name, each in code.items()},
            "deployed": self._deployed,
            "verdict_rules": VERDICT_RULES,
        }


def changed(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of what is not as it was when `recorded` (a run.json) was written; empty when the verdict still holds.

    What an older run did not record counts as changed: nobody knows.
    """
    then, today = _flat(recorded), _flat(now)
    return sorted(
        name for name in then.keys() | today.keys() if not today.get(name) or then.get(name) != today[name]
    )


def _flat(known: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {t("the verdict's rules"): str(known.get("verdict_rules") or "")}
    for group in ("digests", "activities"):
        for name, made in _mapping(known.get(group)).items():
            flat[name] = str(_mapping(made).get("sha256") or "")
    for name, version in _mapping(known.get("deployed")).items():
        flat[name] = str(version)
    return flat


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
