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


def test_the_runbook_removes_its_group_whatever_is_in_its_keys(configuration, valkey, follow):
    junk = [f"""{JUNK}it's "{number}"  here""" for number in range(250)]
    tail = f"{JUNK}two\nbenchmark:0"
    beside = [f"other:{JUNK}{number}" for number in range(30)]
    for key in [*junk, tail]:
        valkey.set(key, "x" * 20_000)
    for key in beside:
        valkey.set(key, "x", ex=300)
    total = valkey.dbsize()
    try:
        done = follow(MODE, "memory", "groups", "REMOVABLE", "remove-group")
        assert done.exit == 0, done.out
        assert (done.variables["LARGEST"], done.variables["REMOVABLE"]) == (JUNK, "yes")
        assert abs(int(done.variables["OTHERS"]) - (total - len(junk))) < 10
        assert list(valkey.scan_iter(f"{JUNK}*", count=1000)) == [tail], "a line break is left alone"
        assert valkey.exists("benchmark:0", *beside) == 31
    finally:
        valkey.unlink(tail, *beside)


def test_the_runbook_takes_signs_of_a_pattern_as_they_are(configuration, valkey, follow):
    valkey.set("tmp:[ab]*:1", "x")
    valkey.set("tmp:a:1", "x", ex=300)
    done = follow(MODE, "remove-group", LARGEST="tmp:[ab]*:")
    assert done.exit == 0, done.out
    assert (valkey.exists("tmp:[ab]*:1"), valkey.exists("tmp:a:1")) == (0, 1)
    valkey.unlink("tmp:a:1")


def test_the_policy_that_was_there_comes_back(valkey, follow):
    valkey.config_set("maxmemory-policy", "volatile-ttl")
    try:
        done = follow(MODE, "memory", "set-policy", "restore-policy")
        assert done.exit == 0, done.out
        assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-ttl"}
    finally:
        valkey.config_set("maxmemory-policy", "noeviction")


EVERYTHING = r"""valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" --scan --count 1000 |
  xargs -n 200 valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" UNLINK"""

EVERYTHING = r"""valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" --scan --count 1000 |
  xargs -n 200 valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" UNLINK"""

BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "missing",
        "removing",
        spoil.all_of(
            spoil.without("Step 4: Remove that group"),
            spoil.replaced("[Step 4](#step-4-remove-that-group-and-nothing-else)", "[Verification](#verification)"),
        ),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "swapped",
        "decides-before-it-looks",
        spoil.swapped(
            "Step 2: See which keys take the room",
            "Decision 3: May the largest group be removed",
            ('export POLICY="${POLICY:-allkeys-lru}"', 'export POLICY="${POLICY:-allkeys-lru}" LARGEST=""'),
        ),
        "needs-a-person",  # without what it goes by, the decision hands over
    ),
    # To remove a group twice does nothing: it is gone. The largest of those that are left is what all dashboards need.
    spoil.mistake(
        "doubled",
        "removes-the-largest-of-the-rest",
        spoil.block("remove-group", after=EVERYTHING.replace("--count 1000", "--count 1000 --pattern 'benchmark:*'")),
        "step-failed",
        "not-recovered|too-slow",
    ),
    spoil.mistake(
        "wrong-target",
        "another-group",
        spoil.replaced('--pattern "$pattern*"', '--pattern "debug:*"'),
        # With eviction allowed by the next step dashboards do come back, long after the objective.
        "step-failed",
        "not-recovered|too-slow",
    ),
    spoil.mistake(
        "wrong-target",
        "a-group-that-is-nobodys",
        spoil.replaced("${DISPOSABLE:-tmp: debug: scratch:}", "${DISPOSABLE:-scratch:}"),
        "needs-a-person",
    ),
    spoil.mistake(
        "wrong-target", "everything", spoil.block("remove-group", code=EVERYTHING), "step-failed", "not-recovered"
    ),
    spoil.mistake("too-slow", "removing", spoil.block("remove-group", before="sleep 15"), "too-slow"),
]  # fmt: skip


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
