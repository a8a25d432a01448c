"""What is wrong with data, in the words of a person: what stands there, what was expected, what to try."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chaos_ext.catalog import source as sources
from chaos_ext.catalog.source import Path_, Source
from chaos_ext.errors import Problem, UsageError, did_you_mean
from chaos_ext.language import listed, t

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_SHOWN = 60  # characters of a wrong value that a message repeats
_LISTED = 12  # names that a message lists at most


def shown(value: object) -> str:
    """A value as a message shows it: texts in quotes, the rest as YAML writes it, nothing long."""
    if value is None:
        return t("nothing")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return t("a mapping") if value else t("an empty mapping")
    if isinstance(value, (list, tuple)):
        return t("a list") if value else t("an empty list")
    if isinstance(value, str) and len(value) > _SHOWN:
        value = f"{value[: _SHOWN - 1]}…"
    return repr(value)


def nearest_or_all(word: object, choices: Collection[str]) -> str:
    """A hint with the nearest of `choices`, or all of them when they are few, or nothing."""
    if hint := did_you_mean(word, choices):
        return hint
    if not choices:
        return ""
    known = sorted(choices)
    if len(known) == 1:
        return t("There is: {name}.", name=known[0])
    if len(known) <= _LISTED:
        return t("There are: {names}.", names=listed(known))
    return t(
        "There are: {names} and {count} more.", names=listed(known[:_LISTED]), count=len(known) - _LISTED
    )


def understood(
    path: Path, root: Path, model: type[M], problems: list[Problem]
) -> tuple[M | None, Source | None]:
    """A file as a `model`, and as it was read; None for what could not be, after adding why to `problems`."""
    from pydantic import ValidationError

    try:
        source = sources.read(path, root)
    except UsageError as error:
        problems += error.problems
        return None, None
    try:
        return model.model_validate(source.data), source
    except ValidationError as error:
        problems += _problems(source, model, error)
        return None, source


def whole(scan: Callable[[list[Problem]], T | None]) -> T:
    """What `scan` finds. Raises UsageError with everything that it adds to its list."""
    problems: list[Problem] = []
    found = scan(problems)
    if found is None or problems:
        raise UsageError(problems)
    return found


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _problems(source: Source, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    schema = _schema(model)
    found: dict[Path_, Problem] = {}
    for entry in sorted(error.errors(include_url=False), key=lambda entry: -len(entry["loc"])):
        at, of_key = _place(source.data, entry["loc"])
        if entry["type"] in ("missing", "extra_forbidden"):
            at = (*at, entry["loc"][-1]) if at[-1:] != entry["loc"][-1:] else at
        # A text or {en, ja} fails both ways: once a place inside it is named, the place itself is no news.
        if any(other[: len(at)] == at for other in found):
            continue
        found[at] = _problem(source, at, of_key, schema, entry)
    # 'ownr' explains a missing 'owner': one mistake, one message.
    explained = {(at[:-1], problem.hint) for at, problem in found.items()}
    for at in list(found):
        if at and (at[:-1], f"Did you mean '{at[-1]}'?") in explained:
            del found[at]
    return sorted(found.values(), key=lambda problem: int(problem.where.rsplit(":", 1)[1]))


def _place(data: Any, loc: Iterable[str | int]) -> tuple[Path_, bool]:
    """Where in the data an error is: pydantic's location without the names it gives to alternatives."""
    at: list[str | int] = []
    of_key = False
    for step in loc:
        if _holds(data, step):
            data = data[step]
            at.append(step)
        elif step == "[key]":
            of_key = True
    return tuple(at), of_key


def _holds(data: Any, step: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(step, int) and step < len(data)
    return isinstance(data, dict) and step in data


def _value(data: Any, at: Path_) -> Any:
    for step in at:
        data = data[step]
    return data


def _problem(source: Source, at: Path_, of_key: bool, schema: dict[str, Any], entry: Any) -> Problem:
    kind = entry["type"]
    if kind == "missing":
        wanted = _schema_at(schema, at)
        return source.problem(at, t("nothing"), _expected(schema, wanted), t("Add '{name}: …'.", name=at[-1]))
    if kind == "extra_forbidden":
        known = _keys(schema, at[:-1])
        return source.problem(
            at, t("the unknown key '{key}'", key=at[-1]), t("a known one"), nearest_or_all(at[-1], known)
        )
    if of_key:
        names = _schema_at(schema, at[:-1]).get("propertyNames", {})
        choices = _resolve(schema, names).get("enum", [])
        expected: str = t("a known one") if choices else t("lower-case words joined by '-'")
        return source.problem(at, t("the key '{key}'", key=at[-1]), expected, nearest_or_all(at[-1], choices))
    value = _value(source.data, at)
    if at[:1] == ("secrets",):  # who writes a value where a reference belongs must not see it in a log
        return source.problem(
            at,
            _not_shown(value),
            _expected(schema, _schema_at(schema, at), entry),
            t("Say where the value is."),
        )
    wanted = _schema_at(schema, at)
    choices = [str(choice) for choice in _choices(schema, wanted)]
    if choices and isinstance(value, str):
        return source.problem(at, shown(value), t("a known word"), nearest_or_all(value, choices))
    expected = _expected(schema, wanted, entry)
    return source.problem(at, shown(value), expected, _try(value, kind))


def _not_shown(value: object) -> str:
    return (
        shown(value) if value is None or isinstance(value, (dict, list)) else t("a value that is not shown")
    )


def _try(value: object, kind: str) -> str:
    if kind == "string_type" and isinstance(value, bool):
        return t("Put the word in quotes: without them it means true or false.")
    if kind == "string_type" and isinstance(value, (int, float)):
        return t("Put it in quotes: '{value}'.", value=value)
    return ""


# --- what the schema says about a place ----------------------------------------------------------


def _resolve(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
    return part


def _alternatives(schema: dict[str, Any], part: dict[str, Any]) -> list[dict[str, Any]]:
    part = _resolve(schema, part)
    return [_resolve(schema, each) for each in part.get("anyOf", [part])]


def _schema_at(schema: dict[str, Any], at: Path_) -> dict[str, Any]:
    part = schema
    for step in at:
        part = next(
            (found for each in _alternatives(schema, part) if (found := _inner(each, step)) is not None), {}
        )
    return _resolve(schema, part)


def _inner(part: dict[str, Any], step: str | int) -> dict[str, Any] | None:
    if isinstance(step, int):
        return part.get("items")
    if step in part.get("properties", {}):
        return part["properties"][step]  # type: ignore[no-any-return]
    for inner in (*part.get("patternProperties", {}).values(), part.get("additionalProperties")):
        if isinstance(inner, dict):
            return inner
    return None


def _keys(schema: dict[str, Any], at: Path_) -> list[str]:
    """The keys that a mapping at `at` may have."""
    return [
        key for each in _alternatives(schema, _schema_at(schema, at)) for key in each.get("properties", ())
    ]


def _choices(schema: dict[str, Any], wanted: dict[str, Any]) -> list[Any]:
    return [
        choice
        for each in _alternatives(schema, wanted)
        for choice in (*each.get("enum", ()), *((each["const"],) if "const" in each else ()))
    ]


_TYPES = {
    "string": t("a text"),
    "integer": t("a whole number"),
    "number": t("a number"),
    "boolean": t("true or false"),
    "array": t("a list"),
    "object": t("a mapping"),
}


def _expected(schema: dict[str, Any], wanted: dict[str, Any], entry: Any = None) -> str:
    """What would be right at a place, from its schema; what a validator of ours says comes first."""
    if entry is not None and entry["type"] == "value_error":
        return str(entry["msg"]).removeprefix("Value error, ")
    words: list[str] = []
    for each in _alternatives(schema, wanted):
        word = _expected_of(each)
        if word and word not in words:
            words.append(word)
    return listed(words, " or ") or t("something else")


def _expected_of(part: dict[str, Any]) -> str:
    if "const" in part:
        return shown(part["const"])
    if "enum" in part:
        return t("one of {choices}", choices=listed(part["enum"]))
    if part.get("examples"):
        return t("a value such as {examples}", examples=listed(map(repr, part["examples"]), " or "))
    if part.get("pattern"):
        return t("lower-case words joined by '-', such as 'redis-memory-full'")
    if set(part.get("properties", {})) == {"en", "ja"}:
        return "{en: …, ja: …}"
    kind = part.get("type")
    if kind == "null":
        return ""
    word = _TYPES.get(str(kind), "")
    low = part.get("minimum", part.get("exclusiveMinimum"))
    high = part.get("maximum")
    if low is not None and high is not None:
        return t("{word} from {low} to {high}", word=word, low=low, high=high)
    if low is not None:
        return t("{word} of at least {low}", word=word, low=low)
    if "properties" in part and word:
        return t(
            "{word} with {required}", word=word, required=listed(part.get("required", part["properties"]))
        )
    return word
