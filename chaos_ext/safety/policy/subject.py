"""What the rules look at: one fault of an experiment, with all that is known of it, and nothing that it only claims.

An experiment says of which failure mode it is; that is believed of a fault only while it is what the catalogue
compiles to. Of any other fault (a team's own experiment, an edited one), mode, product and impact are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from chaos_ext.language import Said, t
from chaos_ext.model import Impact
from chaos_ext.safety.changing import INJECT, function_of, may_change, only_looks
from chaos_ext.safety.policy.canonical import digest
from chaos_ext.safety.targets import hit, named

if TYPE_CHECKING:
    from chaos_ext.model import Activity, Environment, FailureMode

Part = Literal["", "undo", "in_force", "look"]
_OPEN = re.compile(r"\$[{_a-zA-Z]")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Subject:
    """One activity of a fault, as the rules see it: what breaks, or what undoes it, or its evidence; or a look.

    `mode`, `product` and `impact` are None where they are not known.
    """

    name: str  # the fault's
    activity: Activity
    environment: Environment
    at: datetime
    digest: str  # of activity, undo and evidence; "" when it cannot be told before the run
    undo: Activity | None = None
    in_force: Activity | None = None
    mode: str | None = None
    product: str | None = None
    impact: Mapping[str, Impact] | None = None
    targets: tuple[str, ...] = ()  # everything that is broken at the same time with it
    part: Part = ""  # which activity of the fault; "": the one that breaks

    @property
    def told(self) -> Said | str:
        """Its name in a message."""
        if not self.part:
            return self.name
        if self.part == "look":
            return t("environments/{name}.yaml: {look}", name=self.environment.name, look=self.name)
        return t("{fault}, its undo" if self.part == "undo" else "{fault}, its evidence", fault=self.name)

    @property
    def only_looks(self) -> bool:
        """Whether it is evidence, or a look, that changes nothing."""
        return self.part in ("in_force", "look") and only_looks(self.activity)

    @property
    def provider(self) -> str:
        """python, process or http."""
        return str(_provider(self.activity).get("type", ""))

    @property
    def arguments(self) -> dict[str, Any]:
        """Its arguments by dotted name; of a process its words, by number."""
        return dict(_flat(_provider(self.activity).get("arguments", {})))

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which rules know its activity, the one that messages use first."""
        return names_of(self.activity)


def names_of(activity: Activity) -> tuple[str, ...]:
    """``module.function``; a process's path and its last part; ``METHOD url`` and the url."""
    provider = _provider(activity)
    kind = provider.get("type")
    if kind == "python":
        return (f"{provider.get('module', '')}.{provider.get('func', '')}",)
    if kind == "process":
        path = str(provider.get("path", ""))
        last = path.rsplit("/", 1)[-1]
        return (path,) if last == path else (path, last)
    if kind == "http":
        url = plain_url(str(provider.get("url", "")))
        return (f"{_method(provider)} {url}", url)
    return ("",)


def plain_url(url: str) -> str:
    """The url as rules see it: no user, host in lower case, the port only where it is not the scheme's own.

    So ``http://127.0.0.1@elsewhere/`` is elsewhere.
    """
    if re.search(r"[\\\s\x00-\x1f]", url):
        return url  # what asks may see another host in it than we do: no rule about hosts knows it
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        return url
    if not host:
        return url
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS.get(parts.scheme.lower()):
        shown = f"{shown}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{shown}{parts.path}{query}"


def subjects(
    experiment: Mapping[str, Any], environment: Environment, at: datetime, mode: FailureMode | None = None
) -> list[Subject]:
    """Every fault of an experiment, in its order, each followed by its undo and its evidence; then the looks.

    Whatever may change something is a fault, whoever runs it. Looks at the environment belong to the guarded door.

    `mode` is the failure mode that the experiment says it is of.
    """
    configuration = _known(experiment.get("configuration"))
    faults = list(_faults(experiment))
    found = [_subject(activity, environment, at, configuration) for activity in faults]
    together = tuple(dict.fromkeys(target for each in found for target in each.targets))
    decided = [part for each in found for part in parts(replace(of_mode(each, mode), targets=together))]
    return [*decided, *(looks(environment, at) if any(map(_is_inject, faults)) else ())]


def parts(fault: Subject) -> Iterator[Subject]:
    """A fault, its undo and its evidence, each as a subject of its own: nothing comes in by a side door."""
    yield fault
    inner: tuple[tuple[Part, Activity | None], ...] = (("undo", fault.undo), ("in_force", fault.in_force))
    for part, activity in inner:
        if activity is not None:
            targets = tuple(dict.fromkeys((*fault.targets, *named(activity, fault.environment))))
            yield replace(fault, part=part, activity=activity, undo=None, in_force=None, targets=targets)


def looks(environment: Environment, at: datetime) -> Iterator[Subject]:
    """What looks at the environment around a trial (`snapshot`) and is a team's own; what it names is ours."""
    for look in environment.snapshot:
        if not isinstance(look, str):
            filled = _fill(dict(look), {})
            yield Subject(
                name=f"snapshot.{look.get('name', '')}",
                activity=filled,
                environment=environment,
                at=at,
                digest="" if _is_open(look) else digest([look]),
                targets=tuple(hit(filled, environment)),
                part="look",
            )


def of_fault(
    fault: Any, environment: Environment, at: datetime, targets: tuple[str, ...], mode: FailureMode | None
) -> Subject:
    """A fault that stands at the door, as Chaos Toolkit would run it."""
    from chaoslib import substitute

    filled = {
        key: None if part is None else substitute(dict(part), fault.configuration, {})
        for key, part in (("activity", fault.activity), ("undo", fault.undo), ("in_force", fault.in_force))
    }
    subject = Subject(
        name=fault.name,
        activity=filled["activity"] or {},
        environment=environment,
        at=at,
        digest=digest([fault.activity, fault.undo, fault.in_force]),
        undo=filled["undo"],
        in_force=filled["in_force"],
        targets=targets,
    )
    return of_mode(subject, mode)


def of_mode(subject: Subject, mode: FailureMode | None) -> Subject:
    """What the catalogue says of it, when it is one of the mode's faults to the letter."""
    if mode is None or subject.digest not in _digests(mode, subject.environment):
        return subject
    claim, order = mode.impact, list(Impact)  # the worst first
    worst = {
        flow: min((claim.on(flow), claim.possible.get(flow, claim.on(flow))), key=order.index)
        for flow in (*claim.flows, *claim.possible)
    }
    return replace(subject, mode=mode.id, product=mode.product, impact=worst)


def _faults(experiment: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    hypothesis = experiment.get("steady-state-hypothesis")
    probes = hypothesis.get("probes") if isinstance(hypothesis, Mapping) else None
    for part in (experiment.get("method"), experiment.get("rollbacks"), probes):
        for activity in part if isinstance(part, list) else ():
            if isinstance(activity, dict):
                tolerance = activity.get("tolerance")
                both = (
                    activity,
                    tolerance if isinstance(tolerance, dict) and "provider" in tolerance else {},
                )
                yield from (each for each in both if each and (may_change(each) or _is_inject(each)))


def of_activity(
    activity: Mapping[str, Any], environment: Environment, at: datetime, configuration: Mapping[str, Any]
) -> Subject:
    """One activity that Chaos Toolkit is about to run, with the configuration that it runs with."""
    return _subject(dict(activity), environment, at, configuration)


def _subject(
    activity: dict[str, Any], environment: Environment, at: datetime, configuration: Mapping[str, Any]
) -> Subject:
    undo, in_force, name = None, None, str(activity.get("name", ""))
    given = _provider(activity).get("arguments")
    guarded = _is_inject(activity)
    if guarded and isinstance(given, Mapping):
        name = str(given.get("name", name))
        activity, undo, in_force = (
            _mapping(given.get(key)) or {} for key in ("activity", "undo", "in_force")
        )
    written = [activity, undo or None, in_force or None]
    known = not _is_open(written)
    if guarded:  # what `inject` is given is filled in, and then what it runs: the door stands in between
        written = [None if part is None else _fill(part, configuration) for part in written]
        known = known and not _is_open(written)
    fill = guarded or bool(configuration)  # without a configuration it fills in nothing
    filled = [part if part is None or not fill else _fill(part, configuration) for part in written]
    return Subject(
        name=name,
        activity=filled[0] or {},
        environment=environment,
        at=at,
        digest=digest(written) if known else "",
        undo=filled[1],
        in_force=filled[2],
        targets=tuple(hit(filled[0] or {}, environment)),
    )


def _is_inject(activity: Mapping[str, Any]) -> bool:
    return function_of(activity) == INJECT


def _digests(mode: FailureMode, environment: Environment) -> set[str]:
    from chaos_ext.compile import faults_in
    from chaos_ext.errors import UsageError

    try:
        found = faults_in(mode, environment)
    except UsageError:
        return set()
    return {
        digest([{"type": each.type, "name": each.name, "provider": each.provider}, each.undo, each.in_force])
        for each in found
    }


def _known(configuration: object) -> dict[str, Any]:
    """What is known of a configuration before the run: plain values, nothing from the environment."""
    if not isinstance(configuration, Mapping):
        return {}
    return {key: value for key, value in configuration.items() if not isinstance(value, Mapping)}


def _fill(part: dict[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    from chaoslib import substitute

    return substitute(part, dict(configuration), {})


def is_open(text: object) -> bool:
    """Whether a text holds a placeholder that only the run fills in: Chaos Toolkit takes ``${x}``, and ``$x`` too."""
    return isinstance(text, str) and _OPEN.search(text.replace("$$", "")) is not None


def _is_open(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_is_open(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_open(each) for each in value)
    return is_open(value)


def _method(provider: Mapping[str, Any]) -> str:
    return str(provider.get("method", "GET")).upper()


def _provider(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(activity.get("provider")) or {}


def _mapping(value: object) -> dict[str, Any] | None:
    return dict(value) if isinstance(value, Mapping) else None


def _flat(value: object, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value by its dotted name, and every list and mapping also as a whole."""
    if name:
        yield name, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{number}" if name else str(number))
    elif not name:
        for number, word in enumerate(str(value).split() if value else ()):
            yield str(number), word
