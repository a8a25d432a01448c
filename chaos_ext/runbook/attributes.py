"""The words after a fence's language: flat JSON, typed, with everything that is wrong about them.

Runme takes everything from the first '{' to the first '}' and silently loses the block's name when that is
not whole JSON, so braces and nesting are refused here although JSON would allow them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from chaos_ext.errors import Problem, did_you_mean
from chaos_ext.language import listed, t
from chaos_ext.model import duration_s
from chaos_ext.runbook.model import PLATFORMS, Role

RUNME = ("name", "interactive", "background", "excludeFromRunAll", "cwd", "promptEnv", "ignore")
RUNME_OTHERS = (  # no meaning for us, and none that would mislead
    "id", "category", "tag", "mimeType", "closeTerminalOnSuccess", "terminalRows", "interpreter",
)  # fmt: skip
OURS = ("role", "undoes", "on", "timeout", "exit", "next", "within", "every", "stable", "needs")
OF_EXPECTATION = ("ignore", "expect")
EXPECT = ("contains", "lines", "exact")

_INFO = re.compile(r"\s*(?P<language>[^\s{]*)\s*(?P<rest>.*)", re.DOTALL)


def split(info: str, where: str) -> tuple[str, dict[str, str], list[Problem]]:
    """Language and attributes of a fence's info string, and what is wrong with it."""
    match = _INFO.fullmatch(info)
    language, rest = (match["language"], match["rest"].strip()) if match else ("", "")
    if not rest:
        return language, {}, []

    def wrong(got: str, hint: str = "") -> tuple[str, dict[str, str], list[Problem]]:
        expected = t('flat JSON such as {"name":"look","interactive":"false"}')
        return language, {}, [Problem(where, t("attributes"), got, expected, hint)]

    if not rest.startswith("{"):
        return wrong(f"'{rest}'", t("Write the attributes as one JSON object after the language."))
    try:
        value = json.loads(rest)
    except ValueError as error:
        return wrong(f"'{rest}' ({error})")
    except RecursionError:
        return wrong(t("a nested value"))
    if any(isinstance(item, dict | list) for item in value.values()):
        return wrong(t("a nested value"), t("Runme loses the block's name; give each key one string."))
    if rest.count("{") > 1 or rest.count("}") > 1:
        return wrong(
            t("a brace inside a value"), t("Runme reads only up to the first '}' and loses the block's name.")
        )
    return language, {key: _text(item) for key, item in value.items()}, []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def unknown_keys(attributes: Mapping[str, str], where: str, *, of_expectation: bool = False) -> list[Problem]:
    """Keys that neither Runme nor we know."""
    valid = OF_EXPECTATION if of_expectation else (*OURS, *RUNME)
    also = () if of_expectation else RUNME_OTHERS
    return [
        Problem(
            where,
            t("attributes"),
            t("the key '{key}'", key=key),
            t("one of {choices}", choices=listed(valid)),
            did_you_mean(key, valid),
        )
        for key in attributes
        if key not in valid and key not in also
    ]


def typed(attributes: Mapping[str, str], where: str) -> tuple[dict[str, Any], list[Problem]]:
    """The fields of a Block that these attributes give, and what is wrong with their values."""
    fields: dict[str, Any] = {}
    problems: list[Problem] = []

    def take(
        key: str, field: str, read: Callable[[str], Any], expected: str, valid: Collection[str] = ()
    ) -> None:
        if key not in attributes:
            return
        try:
            fields[field] = read(attributes[key])
        except ValueError:
            hint = did_you_mean(attributes[key], valid)
            problems.append(Problem(where, key, f"'{attributes[key]}'", expected, hint))

    roles = [role.value for role in Role]
    take("role", "role", Role, t("one of {choices}", choices=listed(roles)), roles)
    take("on", "on", _platform, t("one of {choices}", choices=listed(PLATFORMS)), PLATFORMS)
    take("exit", "exit", _exit_code, t("an exit code from 0 to 255"))
    take("next", "next", str, t("a step"))
    for key in ("timeout", "within", "every", "stable"):
        take(key, f"{key}_s", duration_s, t("a duration with a unit, such as '500ms', '3s' or '2m'"))
    for key in ("timeout", "every"):
        if fields.get(f"{key}_s") == 0:
            problems.append(Problem(where, key, f"'{attributes[key]}'", t("more than nothing")))
            del fields[f"{key}_s"]
    return fields, problems


def _platform(text: str) -> str:
    if text not in PLATFORMS:
        raise ValueError(text)
    return text


def _exit_code(text: str) -> int:
    if not text.isdecimal() or int(text) > 255:
        raise ValueError(text)
    return int(text)
