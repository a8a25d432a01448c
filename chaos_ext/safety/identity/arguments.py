"""Arguments of drivers' activities that say where: a namespace, a project, an account, a region.

The pins decide as whom a driver acts; its arguments decide where, and its defaults do when they are left out:
chaosk8s then means the namespace "default". Each must be what the environment's identity says.
Read from chaosk8s 0.39, chaosgcp 0.37 and chaosaws 0.35.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from chaos_ext.catalog.source import parsed
from chaos_ext.errors import Blocked, UsageError
from chaos_ext.language import listed, t
from chaos_ext.safety.identity import drivers
from chaos_ext.safety.identity.proof import Identity

_Field = tuple[str, str]  # a kind of identity, and its key
_NAMESPACE, _PROJECT = ("kubernetes", "namespace"), ("google", "project")
_REGION, _ACCOUNT = ("aws", "region"), ("aws", "account")
# Arguments by name, for all modules that begin so.
_NAMED: dict[str, dict[str, _Field]] = {
    "chaosk8s.": {
        "ns": _NAMESPACE,
        "pod_namespace": _NAMESPACE,
        "namespaces_selectors": _NAMESPACE,
        "target_namespaces_selectors": _NAMESPACE,
    },
    "chaosk8s.namespace.": {"name": _NAMESPACE},
    "chaosgcp.": {"project_id": _PROJECT, "project": _PROJECT, "host_project_id": _PROJECT},
    "chaosaws.": {"region": _REGION, "vpc_region": _REGION, "owner": _ACCOUNT},
    "chaosaws.fis.": {"namespace": _NAMESPACE},
}
_DRIVERS = tuple({name.partition(".")[0] for name in _NAMED})
_ACTIVITIES = re.compile(r"\.(?:actions|probes)(?:\.|$)")
# Inside any text: the name of a resource says its project, or its region and account.
_RESOURCE = re.compile(r"(?:^|/)projects?/(?P<project>[^/\s]+)")
_ARN = re.compile(r"\barn:[\w-]+:[\w-]*:(?P<region>[\w-]*):(?P<account>[\w-]*):")
# Not where something is changed: code that a function loads, from its publisher's account; what users ask for.
_NOT_A_PLACE = ("layer", "url", "target_path")
_OBJECTS = ("resource", "resource_as_yaml_file", "spec_path")  # of Kubernetes: as text, or by path


def refuse_others(
    identity: Identity, activity: Mapping[str, Any], configuration: Mapping[str, Any], secrets: Any
) -> None:
    """Raise Blocked when an activity of a driver names, or leaves to the driver, a place that `identity` is not."""
    provider = activity.get("provider")
    provider = provider if isinstance(provider, Mapping) else {}
    module = str(provider.get("module", ""))
    if provider.get("type") != "python" or module.partition(".")[0] not in _DRIVERS:
        return
    if not _ACTIVITIES.search(module):
        raise Blocked(
            t(
                "{module}: got what is no activity of its driver, expected one of its actions or probes.",
                module=module,
            )
        )
    given = _given(provider, configuration, secrets)
    drivers.refuse_others(identity, arguments=given)
    said = {**_defaults(module, str(provider.get("func", ""))), **given}
    for name, value, field in _places(module, said):
        if value not in _allowed(identity, field):
            _refuse(identity, field, name, value, name in given or "." in name)


def _given(provider: Mapping[str, Any], configuration: Mapping[str, Any], secrets: Any) -> dict[str, Any]:
    """The arguments as the activity will get them."""
    from chaoslib import substitute

    arguments = provider.get("arguments")
    if not isinstance(arguments, Mapping):
        return {}
    groups: dict[str, Any] = {
        key: value for key, value in dict(secrets or {}).items() if isinstance(value, Mapping)
    }
    return dict(substitute(dict(arguments), dict(configuration), groups) or {})


def _defaults(module: str, func: str) -> dict[str, Any]:
    """What the driver takes where nothing is said."""
    try:
        parameters = inspect.signature(getattr(importlib.import_module(module), func)).parameters
    except Exception:  # noqa: BLE001 - what cannot be imported does not run
        return {}
    return {name: each.default for name, each in parameters.items() if each.default not in (each.empty, None)}


def _places(module: str, said: Mapping[str, Any]) -> Iterator[tuple[str, str, _Field]]:
    """Every place that the arguments name: the argument, its value, and what it must be."""
    for prefix, names in _NAMED.items():
        for name in names.keys() & said.keys() if module.startswith(prefix) else ():
            if said[name] is not None or name == "ns":
                yield from ((name, each, names[name]) for each in _each(said[name]))
    driver = module.partition(".")[0]
    for name, text in _texts({key: value for key, value in said.items() if key not in _NOT_A_PLACE}):
        if driver == "chaosgcp":
            yield from ((name, match["project"], _PROJECT) for match in _RESOURCE.finditer(text))
        for match in _ARN.finditer(text) if driver == "chaosaws" else ():
            if match["region"]:
                yield name, match["region"], _REGION
            if match["account"].isdigit():  # "aws": a policy that AWS keeps for everybody
                yield name, match["account"], _ACCOUNT
    if driver == "chaosk8s":
        yield from ((name, each, _NAMESPACE) for name, each in _of_objects(module, said))


def _of_objects(module: str, said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The namespaces that Kubernetes objects among the arguments name."""
    for name, value in said.items():
        found = _read(name, value) if name in _OBJECTS and isinstance(value, str) else value
        yield from _namespaces(name, found)
        if not isinstance(found, Mapping):
            continue
        metadata = found.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        if module.startswith("chaosk8s.namespace.") or found.get("kind") == "Namespace":
            yield f"{name}.metadata.name", str(metadata.get("name", ""))
        elif name == "resource" and isinstance(value, str) and not metadata.get("namespace"):
            yield f"{name}.metadata.namespace", "default"  # apply_from_json and apply_from_yaml take that


def _read(name: str, value: str) -> Any:
    """The object that a text, or the file at a path, holds. JSON is YAML. Raises Blocked."""
    try:
        return parsed(value if name == "resource" else Path(value).read_text(encoding="utf-8"))
    except (OSError, ValueError, UsageError, yaml.YAMLError) as error:
        raise Blocked(
            t(
                "arguments.{name}: got {error}, expected an object whose namespace can be seen.",
                name=name,
                error=error,
            )
        ) from error


def _namespaces(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What stands under `namespace` or `namespaces` at any depth; steps of a JSON patch too."""
    if isinstance(value, Mapping):
        path = str(value.get("path", ""))
        if "namespace" in path.lower() and "value" in value:
            yield from ((f"{name}.value", each) for each in _each(value["value"]))
        for key, inner in value.items():
            if key in ("namespace", "namespaces"):
                yield from ((f"{name}.{key}", each) for each in _each(inner))
            else:
                yield from _namespaces(f"{name}.{key}", inner)
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _namespaces(f"{name}.{number}", inner)


def _each(value: Any) -> list[str]:
    """One or several names: a list, or a text with commas."""
    if isinstance(value, str):
        return [each.strip() for each in value.split(",")]
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{name}.{number}")


def _allowed(identity: Identity, field: _Field) -> list[str]:
    """How the environment's place may be called."""
    expected = identity.get(field[0], {})
    keys = ("project", "project_number") if field == _PROJECT else field[1:]
    return [expected[key] for key in keys if expected.get(key)]


def _refuse(identity: Identity, field: _Field, name: str, value: str, given: bool) -> None:
    allowed = _allowed(identity, field)
    got = (
        t("'{value}'", value=value)
        if given
        else t("nothing, which means '{value}' to the driver", value=value)
    )
    wanted = (
        t("'{value}'", value=listed(allowed, " or "))
        if allowed
        else t("an identity that says it: nothing proves that place")
    )
    raise Blocked(
        t(
            "arguments.{name}: got {got}, expected {wanted} (identity.{kind}.{key}). Nothing was called.",
            name=name,
            got=got,
            wanted=wanted,
            kind=field[0],
            key=field[1],
        )
    )
