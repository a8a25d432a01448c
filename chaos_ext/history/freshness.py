"""Whether a verdict still holds: everything it was earned with, as digests, then and now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaos_ext.catalog.load import Catalog, digests
from chaos_ext.catalog.made_of import activities, deployed
from chaos_ext.language import t
from chaos_ext.model import Environment, FailureMode
from chaos_ext.verdict.judge import VERDICT_RULES


def facts(catalog: Catalog, mode: FailureMode, environment: Environment) -> dict[str, Any]:
    """What a verdict on `mode` in `environment` would be earned with now, as run.json holds it."""
    made = digests(catalog, mode, environment.name)
    code = activities(mode, environment.platform, catalog.root)
    return {
        "digests": {what: each._asdict() for what, each in made.items()},
        "activities": {name: each._asdict() for name, each in code.items()},
        "deployed": deployed(environment.platform),
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
