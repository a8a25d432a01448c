"""Whether services and environments hold together: what every failure mode leans on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chaos_ext import environments as places
from chaos_ext.catalog import load
from chaos_ext.catalog import source as sources
from chaos_ext.catalog.restoring import check_snapshot
from chaos_ext.catalog.source import Path_, Source, dotted
from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import listed, t
from chaos_ext.model import Environment, Flow, Services

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_WATCH_AT_LEAST_S = 0.05  # whoever looks more often loads the service instead of measuring it
_OF_REQUESTS = ("run.id", "write.id", "write.text", "cycle", "followed.id")


def check_environment(environment: Environment, root: Path) -> list[Problem]:
    """Alerts that link a runbook which exists, placeholders that can be filled, secrets that can be found."""
    say = _reader_of(f"{places.FOLDER}/{environment.name}.yaml", root)
    problems: list[Problem] = []
    names: set[str] = set()
    for index, rule in enumerate(environment.alerts.rules):
        at: Path_ = ("alerts", "rules", index)
        if rule.name in names:
            problems.append(say((*at, "name"), t("'{name}' again", name=rule.name), t("an alert of its own")))
        names.add(rule.name)
        if rule.runbook != "none" and not is_runbook(root, rule.runbook):
            there = [f"runbooks/{path.name}" for path in (root / "catalog" / "runbooks").glob("*.md")]
            hint = nearest_or_all(rule.runbook, there)
            problems.append(say((*at, "runbook"), f"'{rule.runbook}'", t("a file below catalog/"), hint))
    for index, part in enumerate(environment.parts):
        if part.name in [before.name for before in environment.parts[:index]]:
            again, own = t("'{name}' again", name=part.name), t("a part of its own")
            problems.append(say(("parts", index, "name"), again, own))
    for variable, reference in environment.secrets.items():
        if reference.kubernetes and "kubernetes" not in environment.identity:
            got, pinned = t("no pinned cluster"), t("identity.kubernetes, which says which one")
            problems.append(say(("secrets", variable, "kubernetes"), got, pinned))
    for role, resource in environment.targets.items():
        if "${" in resource:
            expected: str = t("a resource's name; it is compiled into experiments")
            problems.append(say(("targets", role), f"'{resource}'", expected))
    check_snapshot(environment, lambda *told: problems.append(say(*told)))
    for at, text in _texts(environment.model_dump(by_alias=True), ()):
        if at[0] in ("targets", "parts"):  # the lab fills in what is in parts, and says what it does not know
            continue
        for placeholder in _PLACEHOLDER.findall(text):
            kinds = _kinds(environment)
            kind, _, rest = placeholder.partition(".")
            if kind not in kinds or not rest:
                expected = " or ".join(f"${{{each}.…}}" for each in kinds)
                problems.append(say(at, f"'${{{placeholder}}}'", expected))
    return problems


def _kinds(environment: Environment) -> tuple[str, ...]:
    """How placeholders of an environment may begin."""
    if environment.rehearsal is not None:
        return "rehearsal", "env"
    return ("lab", "env") if environment.platform == "lab" else ("env",)


def is_runbook(root: Path, name: str) -> bool:
    """Whether `name` is a file below catalog/runbooks/."""
    if not name.startswith("runbooks/") or ".." in Path(name).parts:
        return False
    try:
        return (root / "catalog" / name).is_file()
    except (OSError, ValueError):  # a name too long for a file, or with a NUL
        return False


def _reader_of(shown: str, root: Path) -> Callable[..., Problem]:
    """What makes problems with places of a file, and reads it once, when the first one is made."""
    read: list[Source | None] = []

    def problem(at: Path_, got: str, expected: str, hint: str = "") -> Problem:
        if not read:
            try:
                read.append(sources.read(root / shown, root))
            except UsageError:  # it has gone meanwhile
                read.append(None)
        source = read[0]
        if source is None:
            return Problem(shown, dotted(at), got, expected, hint)
        return source.problem(at, got, expected, hint)

    return problem


def check_services(services: Services, root: Path) -> list[Problem]:
    """Flows of services that exist, whose requests can be made."""
    problems: list[Problem] = []
    problem = _reader_of(load.SERVICES, root)

    def say(at: Path_, got: str, expected: str, hint: str = "") -> None:
        problems.append(problem(at, got, expected, hint))

    if not services.flows:
        say(("flows",), t("no user flow"), t("at least one: without it nothing can be measured"))
    for name, flow in services.flows.items():
        at: Path_ = ("flows", name)
        if flow.service not in services.services:
            hint = nearest_or_all(flow.service, services.services)
            say((*at, "service"), f"'{flow.service}'", t("a service of this file"), hint)
        _check_request(flow, at, say)
        _check_stores(flow, at, say)
        _check_writes_of_others(flow, at, services, say)
    return problems


def _check_writes_of_others(flow: Flow, at: Path_, services: Services, say: Any) -> None:
    """What is asked about, or must be shown, is written by a flow of this file."""
    writing = [name for name, other in services.flows.items() if other.write is not None]
    for field, of in (
        (("follows", "flow"), flow.follows and flow.follows.flow),
        (("fresh", "of"), flow.fresh and flow.fresh.of),
    ):
        if of is not None and of not in writing:
            say((*at, *field), f"'{of}'", t("a flow of this file that writes"), nearest_or_all(of, writing))
    if flow.follows is not None and flow.follows.late_status == flow.request.expect_status:
        got = t("{late_status}, which is the request's expect_status", late_status=flow.follows.late_status)
        say((*at, "follows", "late_status"), got, t("another status: the answer while it is not there yet"))


def _check_stores(flow: Flow, at: Path_, say: Any) -> None:
    """Every store has a name of its own, and a path that is asked for."""
    if flow.write is None:
        return
    first = flow.write.store or flow.service
    if first in flow.write.also:
        got = t("'{store}', which is also the name of the first store", store=first)
        say((*at, "write", "also", first), got, t("another name, or a name for the first one in 'store'"))
    for where, store in (((), flow.write), *((("also", n), one) for n, one in flow.write.also.items())):
        path = (*at, "write", *where, "read_back")
        if not store.read_back.startswith("/"):
            say(path, f"'{store.read_back}'", t("a path that begins with '/'"))
        for placeholder in _PLACEHOLDER.findall(store.read_back):
            if placeholder != "run.id":
                say(
                    path,
                    f"'${{{placeholder}}}'",
                    t("only '${run.id}': everything of a run is read back at once"),
                )
        if store.watch is not None and store.watch < _WATCH_AT_LEAST_S:
            expected = t("at least {s:g} s", s=_WATCH_AT_LEAST_S)
            say((*at, "write", *where, "watch"), f"{store.watch:g} s", expected)


def _check_request(flow: Flow, at: Path_, say: Any) -> None:
    request = flow.request
    if not request.path.startswith("/"):
        say((*at, "request", "path"), f"'{request.path}'", t("a path that begins with '/'"))
    used: set[str] = set()
    for inner, text in _texts(request.model_dump(by_alias=True), ()):
        for placeholder in _PLACEHOLDER.findall(text):
            used.add(placeholder)
            if placeholder not in _OF_REQUESTS:
                where = (*at, "request", *inner)
                hint = nearest_or_all(placeholder, _OF_REQUESTS)
                say(
                    where,
                    f"'${{{placeholder}}}'",
                    t("one of {choices}", choices=listed(_OF_REQUESTS)),
                    hint,
                )
    if "write.text" in used and not request.texts:
        say(
            (*at, "request"),
            t("'${write.text}' without texts"),
            t("texts to take it from"),
            t("Add 'texts: […]'."),
        )
    if flow.write is not None and "write.id" not in used:
        say((*at, "request"), t("a write without '${write.id}'"), t("an id by which it can be read back"))
    if flow.write is None and "write.id" in used:
        say(
            (*at, "request"),
            t("'${write.id}'"),
            t("a 'write' beside the request that says how to read it back"),
        )
    if "cycle" in used and request.cycle is None:
        say(
            (*at, "request"),
            t("'${cycle}' without a cycle"),
            t("a number to count up to"),
            t("Add 'cycle: 100'."),
        )
    if flow.follows is not None and "followed.id" not in used:
        say((*at, "request"), t("'follows' without '${followed.id}'"), t("the write that is asked about"))
    if flow.follows is None and "followed.id" in used:
        say(
            (*at, "request"),
            t("'${followed.id}'"),
            t("a 'follows' beside the request that says whose writes"),
        )
    if flow.deadline < flow.slo.latency:
        got, expected = (
            f"{flow.deadline:g} s",
            t("at least the SLO's latency, {latency:g} s", latency=flow.slo.latency),
        )
        say((*at, "deadline"), got, expected)


def _texts(value: Any, at: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*at, key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*at, index))
