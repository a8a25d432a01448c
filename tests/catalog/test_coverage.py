"""What the modes cover: ties that are broken are found, and what nobody tries is a gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos_ext.catalog import check, coverage, load

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
SERVICES = "catalog/services.yaml"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(good_project):
    described = "{down: Goes without., slow: Waits., wrong: Shows it.}"
    good_project.edit(
        SERVICES, "owner: intake-team}", f"owner: intake-team, dependencies: {{redis: {described}}}}}"
    )
    return good_project


def _covering(project, *lines: str) -> None:
    project.edit(MODE, "reverify_every", "\n".join(["covers:", *lines, "reverify_every"]))


def _problems(project) -> list[str]:
    return [str(problem) for problem in check.check(project.root, compiled=False).problems]


def test_what_is_covered_and_what_is_not(project):
    _covering(project, "  - {service: intake, dependency: redis, how: wrong}")
    assert _problems(project) == []
    catalog = load.catalog(project.root)
    assert coverage.coverage(catalog.modes.values(), catalog.services) == [
        coverage.Cover("intake", "redis", "down", ()),
        coverage.Cover("intake", "redis", "slow", ()),
        coverage.Cover("intake", "redis", "wrong", ("redis-memory-full",)),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "{service: intak, dependency: redis, how: down}",
            ":35: covers[0].service: got 'intak', expected a service of catalog/services.yaml. Did you mean 'intake'?",
        ),
        (
            "{service: intake, dependency: reddis, how: down}",
            ":35: covers[0].dependency: got 'reddis', expected a dependency of intake. Did you mean 'redis'?",
        ),
        (
            "{service: intake, dependency: redis, how: dwn}",
            ":35: covers[0].how: got 'dwn', expected a known word. Did you mean 'down'?",
        ),
    ],
    ids=["service", "dependency", "how"],
)
def test_a_name_that_is_not_there(project, line, message):
    _covering(project, f"  - {line}")
    assert _problems(project) == [MODE + message]


def test_the_same_twice(project):
    line = "  - {service: intake, dependency: redis, how: down}"
    _covering(project, line, line)
    assert _problems(project) == [f"{MODE}:36: covers[1]: got the same again, expected it once."]


def test_likely_modes_without_a_runbook(project):
    modes = load.catalog(project.root).modes
    assert coverage.without_runbook(modes.values()) == ["redis-memory-full"]
    project.edit(MODE, "likelihood: 2", "likelihood: 1")
    assert coverage.without_runbook(load.catalog(project.root).modes.values()) == []


def test_what_the_shipped_modes_of_the_cache_and_the_storage_try():
    """A flush and a full cache are no slow and no wrong one; a 403 of the storage is as if it were down."""
    catalog = load.catalog(ROOT)
    tried = {
        (each.service, each.dependency, each.how): each.modes
        for each in coverage.coverage(catalog.modes.values(), catalog.services)
    }
    assert tried["dashboard", "redis", "slow"] == ()
    assert tried["dashboard", "redis", "wrong"] == ()
    for service in ("dashboard", "insight"):
        assert tried[service, "object-storage", "down"] == ("object-storage-denied",)
        assert tried[service, "object-storage", "wrong"] == ()
    assert tried["insight", "queue", "wrong"] == ("queue-poison-message",)
