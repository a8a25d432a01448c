"""Least privilege: what an experiment must be allowed, derived from what each activity declares, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_ext.catalog import source as sources
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import Said, listed, t
from chaos_ext.safety.changing import INJECT, function_of
from chaos_ext.safety.policy.approving import Request
from chaos_ext.safety.policy.needs import ANYWHERE, CLOUDS, DRIVERS, Need, declared, placed
from chaos_ext.safety.policy.subject import names_of

if TYPE_CHECKING:
    from chaos_ext.model import Environment

_OURS = ("chaos_ext.probes.", "chaos_ext.controls.", "chaos_ext.actions.fault", "chaos_ext.actions.respond")
_OF_CLOUDS = ("chaos_ext.probes.aws.", "chaos_ext.probes.gcp.", "chaos_ext.probes.kubernetes.")
_ROLE = re.compile(r"<([\w-]+)>")
_DECLARE = t("Put @needs(…) of chaos_ext.safety.policy.needs above it; @needs() when it needs nothing.")
_ADD = t("Nobody has read yet what it calls: add it to third_party.yaml of chaos_ext.safety.policy.")


@dataclass(frozen=True)
class Needed:
    """One permission, and what it is for."""

    need: Need
    by: Said | str


def derive(root: Path, request: Request) -> list[Needed]:
    """Everything that must be allowed, each once. Raises UsageError with every activity that does not declare it."""
    problems: list[Problem] = []
    environment = request.environment
    found = [*_of_the_proof(environment), *_of_the_secrets(environment)]
    for at, activity in _activities(request.experiment):
        found += _of(activity, environment, lambda at=at: _where(root, request, at), problems)
    found += _of_the_runbook(root, request, problems)
    found += _of_the_looks(root, environment, problems)
    if problems:
        raise UsageError(problems)
    users: dict[Need, list[Said | str]] = {}
    for one in found:
        if one.by not in users.setdefault(one.need, []):
            users[one.need].append(one.by)
    return [Needed(need, listed(users[need])) for need in sorted(users)]


def _of(
    activity: dict[str, Any], environment: Environment, where: Any, problems: list[Problem]
) -> Iterator[Needed]:
    provider = activity.get("provider")
    provider = provider if isinstance(provider, Mapping) else {}
    module, func = str(provider.get("module", "")), str(provider.get("func", ""))
    name = names_of(activity)[0]
    if provider.get("type") != "python":
        if environment.platform != "lab":
            expected = t("a Python activity that declares what it needs")
            hint = t("What a program or a request needs cannot be derived.")
            problems.append(Problem(where(), "", f"'{name}'", expected, hint))
        return
    if module.startswith(_OURS) and not module.startswith(_OF_CLOUDS):
        return
    driver = module.split(".")[0] in DRIVERS
    try:
        known = declared(module, func)
    except Exception as error:  # noqa: BLE001 - whatever somebody's module raises when imported is their news
        problems.append(Problem(where(), "", f"'{name}' ({error})", t("an activity that can be imported")))
        return
    if known is None:
        if driver or environment.platform != "lab":
            expected = t(
                "an activity that declares what it needs on {platform}", platform=environment.platform
            )
            problems.append(Problem(where(), "", f"'{name}'", expected, _ADD if driver else _DECLARE))
        return
    arguments = provider.get("arguments")
    given = arguments if isinstance(arguments, Mapping) else {}
    for need in known:
        for one in placed(need, given, _place(environment)):
            yield Needed(one, str(activity.get("name") or name))


def _place(environment: Environment) -> dict[str, str]:
    """What resources may name of the place: its account and region."""
    known = environment.identity.get("aws") or {}
    return {
        key: str(known[key])
        for key in ("account", "region")
        if known.get(key) and "${" not in str(known[key])
    }


def _of_the_proof(environment: Environment) -> Iterator[Needed]:
    """What the guard asks. Who one is, AWS tells everybody (sts:GetCallerIdentity)."""
    by = t("proof of the environment")
    kinds: Mapping[str, Any] = environment.identity
    if "google" in kinds:
        yield Needed(Need("gcp", "resourcemanager.projects.get"), by)
    if "kubernetes" in kinds:
        yield Needed(Need("kubernetes", "get namespaces/kube-system"), by)
        namespace = str(kinds["kubernetes"].get("namespace") or ANYWHERE)
        yield Needed(Need("kubernetes", f"get namespaces/{namespace}"), by)


def _of_the_secrets(environment: Environment) -> Iterator[Needed]:
    """What reading the secrets takes that the environment refers to."""
    place = _place(environment)
    for variable, reference in environment.secrets.items():
        by = t("secret {variable}", variable=variable)
        if reference.aws is not None:
            name, account = reference.aws.secret, place.get("account", ANYWHERE)
            arn = (
                name
                if name.startswith("arn:")
                else f"arn:aws:secretsmanager:{reference.aws.region}:{account}:secret:{name}-??????"
            )
            yield Needed(Need("aws", "secretsmanager:GetSecretValue", arn), by)
        if reference.google is not None:
            yield Needed(Need("gcp", "secretmanager.versions.access"), by)
        if reference.kubernetes is not None:
            one = reference.kubernetes
            yield Needed(Need("kubernetes", f"get secrets/{one.name}", one.namespace), by)


def _of_the_looks(root: Path, environment: Environment, problems: list[Problem]) -> Iterator[Needed]:
    """What a team's own looks before and after a trial take (`snapshot`); those that come by name are the lab's."""
    file = root / "environments" / f"{environment.name}.yaml"

    def where(index: int) -> str:
        try:
            return sources.read(file, root).where(("snapshot", index))
        except UsageError:
            return environment.name

    for index, look in enumerate(environment.snapshot):
        if not isinstance(look, str):
            yield from _of(dict(look), environment, lambda index=index: where(index), problems)


def _activities(experiment: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every activity with its place in the file; of a fault its activity, its evidence and its undo."""
    hypothesis = experiment.get("steady-state-hypothesis")
    parts: list[tuple[tuple[str | int, ...], Any]] = [
        (("method",), experiment.get("method")),
        (("rollbacks",), experiment.get("rollbacks")),
        (
            ("steady-state-hypothesis", "probes"),
            hypothesis.get("probes") if isinstance(hypothesis, Mapping) else None,
        ),
    ]
    for at, part in parts:
        for index, activity in enumerate(part if isinstance(part, list) else ()):
            if not isinstance(activity, dict):
                continue
            if function_of(activity) != INJECT:
                yield (*at, index), activity
                continue
            arguments = activity["provider"].get("arguments")
            for key in ("activity", "in_force", "undo"):
                if isinstance(arguments, Mapping) and isinstance(arguments.get(key), dict):
                    yield (*at, index, "provider", "arguments", key), arguments[key]


def _where(root: Path, request: Request, at: tuple[str | int, ...]) -> str:
    try:
        return sources.read(request.file, root).where(at)
    except UsageError:
        return request.id


def _of_the_runbook(root: Path, request: Request, problems: list[Problem]) -> Iterator[Needed]:
    """What the blocks of its runbook declare: ``"needs":"aws s3:PutBucketPolicy on arn:aws:s3:::exports"``."""
    from chaos_ext.runbook import parse

    mode = request.catalog.modes.get(request.id) if request.catalog else None
    if mode is None or mode.runbook == "none":
        return
    runbook = parse.parse(root / "catalog" / mode.runbook)
    for step in runbook.steps:
        for block in step.blocks_on(request.environment.platform):
            for text in filter(None, map(str.strip, block.attributes.get("needs", "").split(","))):
                need = _written(text, request.environment)
                if need is None:
                    where = f"catalog/{mode.runbook}:{block.line}"
                    expected = t(
                        "a cloud and an action, such as 'aws s3:PutBucketPolicy on arn:aws:s3:::exports'"
                    )
                    problems.append(Problem(where, "needs", f"'{text}'", expected))
                else:
                    yield Needed(need, t("runbook: {block}", block=block.name or step.heading))


def _written(text: str, environment: Environment) -> Need | None:
    """``aws s3:GetObject on arn:aws:s3:::<exports-bucket>/*``: in <> a role of the environment, its region, account."""
    cloud, _, rest = text.partition(" ")
    action, _, where = rest.partition(" on ")
    known_here = {**environment.targets, **_place(environment)}
    where = _ROLE.sub(lambda role: known_here.get(role[1], ANYWHERE), where.strip())
    for known in CLOUDS:
        if known == cloud and action.strip():
            return Need(known, action.strip(), where or ANYWHERE)
    return None
