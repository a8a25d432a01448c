"""A cache that is flushed under load: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil
from redis import Redis

from chaos_ext.actions.lab import cache

MODE = "redis-cold-cache-stampede"
WARM = ("benchmark:", 400)


@pytest.fixture
def valkey(running_lab, configuration):
    where = running_lab["cache"]
    with Redis(where["host"], where["port"], decode_responses=True) as client:
        yield client
        cache.warm_cache(*WARM, configuration)


def test_before_during_and_after(configuration, valkey, user):
    seen = cache.cache_is_cold(*WARM, configuration)
    assert (seen["holds"], seen["found"]) == (False, 400)

    assert cache.flush_cache(configuration)["keys"] >= 400

    assert cache.cache_is_cold(*WARM, configuration)["holds"]
    assert user("/dashboard/summary?survey=welcome&benchmark=7")[0] == 200
    assert valkey.exists("benchmark:7"), "whoever misses has it computed and kept"
    assert cache.cache_is_cold(*WARM, configuration)["found"] == 1

    said = cache.warm_cache(*WARM, configuration)
    assert said["outcome"] == "undone"
    assert cache.cache_is_cold(*WARM, configuration)["found"] == 400
    assert cache.warm_cache(*WARM, configuration)["outcome"] == "superseded"


def test_an_empty_cache_has_nothing_to_lose(configuration, valkey):
    def refusal() -> str:
        valkey.flushall()
        try:
            cache.flush_cache(configuration)
        except ActivityFailed as error:
            return str(error)
        return ""

    # The alerting's probe may write between the two commands.
    assert any("got no key in it" in refusal() for _ in range(50))


EMPTY = r"""valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" --scan --count 1000 --pattern "$BENCHMARKS*" |
  xargs -n 200 valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" UNLINK"""

BAD = [
    pytest.param(spoil.verifying("echo fine"), {"verification-blind"}, id="verification-always-passes"),
    pytest.param(spoil.block("warm", before="exit 0"), {"step-failed", "not-recovered"}, id="warms-nothing"),
    pytest.param(spoil.block("warm", after=EMPTY), {"step-failed", "not-recovered"}, id="empties-it-again"),
    pytest.param(
        spoil.replaced("${WARM_KEYS:-400}", "${WARM_KEYS:-10}"),
        {"needs-a-person"},
        id="expects-too-little-of-a-warm-cache",
    ),
    pytest.param(spoil.block("warm", before="sleep 15"), {"too-slow"}, id="too-slow"),
]  # fmt: skip


@pytest.mark.slow
def test_the_runbook_is_proven(project):
    spoil.assert_verified(project, MODE)


@pytest.mark.slow
@pytest.mark.parametrize(("mistake", "expected"), BAD)
def test_a_bad_runbook_is_not_verified(project, mistake, expected):
    spoil.assert_not_verified(project, MODE, mistake, expected)


@pytest.mark.slow
def test_a_fault_that_does_nothing_proves_nothing(project):
    spoil.assert_noop_proves_nothing(project, MODE)
