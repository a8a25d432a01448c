"""Activities of Chaos Toolkit, held against the functions that they name.

Modules are found by name when a catalogue is checked; nothing here imports an action or a probe itself.
What was found out about a function is kept, so that thousands of activities cost few imports.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos_ext.catalog.source import Path_
from chaos_ext.catalog.words import nearest_or_all, shown
from chaos_ext.language import t

Say = Callable[[Path_, str, str, str], None]  # where in the activity, got, expected, hint

_ACTIVITY = ("type", "name", "provider", "secrets", "configuration", "pauses", "timeout", "controls")
_PROVIDERS = {
    "python": ("type", "module", "func", "arguments", "secrets"),
    "process": ("type", "path", "arguments", "timeout", "secrets"),
    "http": ("type", "url", "method", "headers", "arguments", "timeout", "secrets", "verify_tls"),
}
_EXTRAS = {"chaosk8s": "kubernetes", "chaosaws": "aws", "chaosgcp": "gcp"}
_PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}
_GIVEN = ("configuration", "secrets")  # Chaos Toolkit passes these itself


@dataclass(frozen=True)
class _Found:
    """A function that an activity may name, or why there is none."""

    parameters: Mapping[str, inspect.Parameter] = field(default_factory=dict)
    wrong_key: str = ""
    expected: str = ""
    got: str = ""
    hint: str = ""


class Functions:
    """What the catalogue's activities name. Remembers what it found for as long as it lives."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Found] = {}
        self._accepted: set[Any] = set()

    def check(self, activity: Any, kind: str, say: Say) -> None:
        """Say everything that keeps `activity` from running as a `kind` ("action" or "probe")."""
        if not _check_shape(activity, kind, say):
            return
        provider = activity["provider"]
        if provider["type"] == "python" and not self._check_python(provider, say):
            return
        self._ask_chaos_toolkit(activity, say)

    def _check_python(self, provider: Mapping[str, Any], say: Say) -> bool:
        for key in ("module", "func"):
            if not isinstance(provider.get(key), str):
                say(
                    ("provider", key),
                    shown(provider.get(key)),
                    t("the name of a {names}", names=_NAMES[key]),
                    "",
                )
                return False
        arguments = provider.get("arguments", {})
        if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
            say(("provider", "arguments"), shown(arguments), t("a mapping of argument names to values"), "")
            return False
        found = self._function(provider["module"], provider["func"])
        if found.wrong_key:
            say(("provider", found.wrong_key), found.got, found.expected, found.hint)
            return False
        return _check_arguments(arguments, found.parameters, provider["func"], say)

    def _function(self, module: str, func: str) -> _Found:
        if (module, func) not in self._found:
            self._found[module, func] = _find(module, func)
        return self._found[module, func]

    def _ask_chaos_toolkit(self, activity: dict[str, Any], say: Say) -> None:
        """Chaos Toolkit's own validation, once for each shape: it looks at no argument's value."""
        provider = activity["provider"]
        python = provider["type"] == "python"
        shape = (
            (provider["module"], provider["func"], activity["type"], *sorted(provider.get("arguments", ())))
            if python and set(activity) <= {"type", "name", "provider"}
            else None
        )
        if shape is not None and shape in self._accepted:
            return
        from chaoslib.activity import ensure_activity_is_valid
        from chaoslib.exceptions import ChaosException

        try:
            ensure_activity_is_valid(activity)
        except (ChaosException, TypeError, AttributeError, ValueError) as error:
            say(
                (),
                t("an activity that Chaos Toolkit refuses ({error})", error=error),
                t("one that it accepts"),
                "",
            )
            return
        if shape is not None:
            self._accepted.add(shape)


_NAMES = {"module": t("Python module"), "func": t("function")}


def _check_shape(activity: Any, kind: str, say: Say) -> bool:
    """Whether there is a provider to go on with; Chaos Toolkit ignores keys it does not know, we do not."""
    if not isinstance(activity, dict):
        say(
            (),
            shown(activity),
            t(
                "an action with type, name and provider"
                if kind == "action"
                else "a probe with type, name and provider"
            ),
            "",
        )
        return False
    for key in activity:
        if key not in _ACTIVITY:
            say(
                (key,),
                t("the unknown key '{key}'", key=key),
                t("a key of an activity"),
                nearest_or_all(key, _ACTIVITY),
            )
    if activity.get("type") != kind:
        say(("type",), shown(activity.get("type")), f"'{kind}'", "")
        return False
    if not isinstance(activity.get("name"), str) or not activity["name"]:
        say(("name",), shown(activity.get("name")), t("a name"), "")
        return False
    provider = activity.get("provider")
    if not isinstance(provider, dict):
        say(("provider",), shown(provider), t("a mapping with type python, process or http"), "")
        return False
    known = _PROVIDERS.get(str(provider.get("type")))
    if known is None:
        hint = nearest_or_all(provider.get("type"), _PROVIDERS)
        say(("provider", "type"), shown(provider.get("type")), t("a provider of Chaos Toolkit"), hint)
        return False
    for key in provider:
        if key not in known:
            say(
                ("provider", key),
                t("the unknown key '{key}'", key=key),
                t("a key of a provider"),
                nearest_or_all(key, known),
            )
    return True


def _find(module: str, func: str) -> _Found:
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            return _Found(
                wrong_key="module",
                got=f"'{module}'",
                expected=t("a module that exists"),
                hint=_module_hint(module),
            )
        return _broken(module, error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever somebody's module raises when imported is their news
        return _broken(module, error)
    function = getattr(found, func, None)
    if not (inspect.isfunction(function) or inspect.isbuiltin(function)):
        own = [name for name, _ in inspect.getmembers(found, inspect.isfunction) if not name.startswith("_")]
        expected = t("a function of {module}", module=module)
        return _Found(wrong_key="func", got=f"'{func}'", expected=expected, hint=nearest_or_all(func, own))
    try:
        return _Found(parameters=inspect.signature(function).parameters)
    except ValueError:  # some builtin functions do not say
        return _Found(
            wrong_key="func",
            got=t("'{func}', which does not say what arguments it takes", func=func),
            expected=t("a function of {module}", module=module),
        )


def _broken(module: str, error: BaseException) -> _Found:
    why = f"{type(error).__name__}: {error}".splitlines()[0]
    return _Found(
        wrong_key="module",
        got=t("'{module}', which fails ({why})", module=module, why=why),
        expected=t("one that imports"),
    )


def _module_hint(module: str) -> str:
    top = module.partition(".")[0]
    if top in _EXTRAS and importlib.util.find_spec(top) is None:
        return t("Install it: pip install 'chaos-ext[{extra}]'.", extra=_EXTRAS[top])
    parent, _, last = module.rpartition(".")
    while parent:
        try:
            paths = importlib.import_module(parent).__path__
        except Exception:  # noqa: BLE001 - a parent that is missing or broken has no neighbours to suggest
            parent, _, last = parent.rpartition(".")
            continue
        return nearest_or_all(last, [name for _, name, _ in pkgutil.iter_modules(paths)])
    return ""


def _check_arguments(
    arguments: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter], func: str, say: Say
) -> bool:
    fine = True
    named = [
        name
        for name, each in parameters.items()
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    wanted = [name for name in named if name not in _GIVEN]
    for name, value in arguments.items():
        at = ("provider", "arguments", name)
        if name not in wanted and not takes_any:
            fine = False
            say(
                at,
                t("the argument '{name}'", name=name),
                t("an argument of {func}()", func=func),
                nearest_or_all(name, wanted),
            )
        elif name in parameters and not _fits(value, parameters[name].annotation):
            fine = False
            say(at, shown(value), t("a value of type {name}", name=parameters[name].annotation.__name__), "")
    for name in wanted:
        if name not in arguments and parameters[name].default is inspect.Parameter.empty:
            fine = False
            say(
                ("provider", "arguments"),
                t("no '{name}'", name=name),
                t("every argument that {func}() needs", func=func),
                t("Add '{name}: …'.", name=name),
            )
    return fine


def _fits(value: Any, annotation: Any) -> bool:
    """Whether a value can be what a plain annotation says; other annotations and placeholders pass."""
    types = _PLAIN.get(annotation) if isinstance(annotation, type) else None
    if types is None or value is None or (isinstance(value, str) and "${" in value):
        return True
    return isinstance(value, types) and (annotation is bool or not isinstance(value, bool))
