"""A cache that is full: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil
from redis import Redis

from chaos_ext.actions.lab import cache

MODE = "redis-memory-full"
JUNK = "tmp:import:"


@pytest.fixture
def valkey(running_lab, configuration):
    where = running_lab["cache"]
    with Redis(where["host"], where["port"], decode_responses=True) as client:
        yield client
        cache.remove_prefix(JUNK, configuration)


def sign_in(user):
    return user("/dashboard/sign-in", {"user": "analyst", "password": "analyst-of-the-lab"})[0]


def test_before_during_and_after(configuration, valkey, user, submit, until):
    assert not cache.cache_refuses_writes(configuration)["holds"]
    until(lambda: sign_in(user) == 200, "signing in to work")
    benchmarks = len(list(valkey.scan_iter("benchmark:*", count=1000)))

    said = cache.fill_cache(JUNK, configuration)

    seen = cache.cache_refuses_writes(configuration)
    assert seen["holds"]
    assert seen["used_memory_bytes"] > seen["maxmemory_bytes"]
    assert len(list(valkey.scan_iter(f"{JUNK}*", count=1000))) == said["keys"]
    assert sign_in(user) == 503
    assert submit("during") == 201, "nothing but the cache is hurt"

    assert cache.remove_prefix(JUNK, configuration)["outcome"] == "undone"
    assert not cache.cache_refuses_writes(configuration)["holds"]
    assert len(list(valkey.scan_iter("benchmark:*", count=1000))) == benchmarks, "real keys are kept"
    until(lambda: sign_in(user) == 200, "signing in to work again", within_s=5)
    assert cache.remove_prefix(JUNK, configuration)["outcome"] == "already"


def test_what_it_does_not_fill(configuration, valkey):
    valkey.set(f"{JUNK}there", "1")
    with pytest.raises(ActivityFailed, match=r"got 'tmp:import:' with keys under it, expected none"):
        cache.fill_cache(JUNK, configuration)
    cache.remove_prefix(JUNK, configuration)
    valkey.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(ActivityFailed, match="expected a limit and noeviction"):
            cache.fill_cache(JUNK, configuration)
    finally:
        valkey.config_set("maxmemory-policy", "noeviction")
    with pytest.raises(ActivityFailed, match=r"got 'tmp:\*', expected the beginning of keys"):
        cache.remove_prefix("tmp:*", configuration)


BAD = [
    pytest.param(spoil.verifying("echo fine"), {"verification-blind"}, id="verification-always-passes"),
    pytest.param(
        spoil.all_of(
            spoil.without("Step 4: Remove that group"),
            spoil.replaced("[Step 4](#step-4-remove-that-group-and-nothing-else)", "[Verification](#verification)"),
        ),
        {"step-failed", "not-recovered"},
        id="steps-removed",
    ),
    pytest.param(
        spoil.replaced('--pattern "$LARGEST*"', '--pattern "debug:*"'),
        {"step-failed", "not-recovered"},
        id="removes-another-group",
    ),
    pytest.param(
        spoil.replaced("${DISPOSABLE:-tmp: debug: scratch:}", "${DISPOSABLE:-scratch:}"),
        {"needs-a-person"},
        id="group-is-nobodys",
    ),
    pytest.param(
        spoil.replaced('--pattern "$LARGEST*"', '--pattern "*"'),
        {"step-failed", "not-recovered"},
        id="removes-everything",
    ),
    pytest.param(spoil.block("remove-group", before="sleep 15"), {"too-slow"}, id="too-slow"),
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
