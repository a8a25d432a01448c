"""What the failure modes put to the test, held against what the services depend on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.errors import Problem
from chaos_ext.language import t

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_ext.catalog.source import Path_
    from chaos_ext.model import FailureMode, Services

HOW = ("down", "slow", "wrong")
LIKELY = 2  # likelihood from which a failure mode should have a runbook


@dataclass(frozen=True)
class Cover:
    """One way in which a dependency of a service can fail, and the modes that try it; none is a gap."""

    service: str
    dependency: str
    how: str
    modes: tuple[str, ...]


def coverage(modes: Iterable[FailureMode], services: Services) -> list[Cover]:
    """Every service × dependency × down, slow, wrong, in the order of `services`."""
    tried: dict[tuple[str, str, str], list[str]] = {}
    for mode in modes:
        for each in mode.covers:
            tried.setdefault((each.service, each.dependency, each.how), []).append(mode.id)
    return [
        Cover(service, dependency, how, tuple(sorted(set(tried.get((service, dependency, how), ())))))
        for service, described in services.services.items()
        for dependency in described.dependencies
        for how in HOW
    ]


def without_runbook(modes: Iterable[FailureMode]) -> list[str]:
    """The likely failure modes for which nobody wrote down what to do, the worst first."""
    found = [mode for mode in modes if mode.runbook == "none" and mode.likelihood >= LIKELY]
    return [mode.id for mode in sorted(found, key=lambda mode: (-mode.priority, mode.id))]


def check_covers(
    mode: FailureMode, services: Services, say: Callable[[Path_, str, str, str], Problem]
) -> list[Problem]:
    """What a mode says that it covers and no service depends on. `say` makes a problem of a place in its file."""
    problems = []
    for index, each in enumerate(mode.covers):
        at: Path_ = ("covers", index)
        service = services.services.get(each.service)
        if service is None:
            hint = nearest_or_all(each.service, services.services)
            expected = t("a service of catalog/services.yaml")
            problems.append(say((*at, "service"), f"'{each.service}'", expected, hint))
        elif each.dependency not in service.dependencies:
            hint = nearest_or_all(each.dependency, service.dependencies)
            expected = t("a dependency of {service}", service=each.service)
            problems.append(say((*at, "dependency"), f"'{each.dependency}'", expected, hint))
        elif each in mode.covers[:index]:
            problems.append(say(at, t("the same again"), t("it once"), ""))
    return problems
