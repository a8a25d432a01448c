"""A cache that is flushed under load: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import subprocess
import threading

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


def test_only_what_was_allowed_is_allowed_again(valkey, follow):
    def allowed(command):
        return valkey.execute_command("ACL", "DRYRUN", "default", command) == "OK"

    valkey.execute_command("ACL", "SETUSER", "default", "-flushdb")
    try:
        done = follow(MODE, "missing", "forbid-flush")
        assert done.exit == 0, done.out
        assert not allowed("flushall")
        undone = follow(MODE, "allow-flush", MAY_FLUSH=done.variables["MAY_FLUSH"])
        assert undone.exit == 0, undone.out
        assert (allowed("flushall"), allowed("flushdb")) == (True, False)
        assert follow(MODE, "allow-flush", MAY_FLUSH="").exit == 0
    finally:
        valkey.execute_command("ACL", "SETUSER", "default", "+flushall", "+flushdb")


REPORTING = r"SELECT 1 /* FROM analyses WHERE survey = '' AND topics @> ARRAY[''] */ \watch 0.05"


def test_it_is_not_over_while_the_connections_for_reports_are_busy(running_lab, valkey, user, follow):
    ended = threading.Event()

    def use():
        while not ended.wait(0.05):
            user("/dashboard/summary?survey=welcome&benchmark=7")

    users = threading.Thread(target=use)
    users.start()
    busy = []
    try:
        done = follow(MODE, "hits")
        assert done.exit == 0, done.out
        psql = [f"{running_lab['bin']}/psql", "service=pg-c application_name=dashboard-1", "-XAtq"]
        for _ in range(2):
            busy.append(subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True))
            busy[-1].stdin.write(f"{REPORTING}\n")
            busy[-1].stdin.close()
        refused = follow(MODE, "hits")
        assert refused.exit == 1, refused.out
        assert " 0 misses; " in refused.out
    finally:
        ended.set()
        users.join()
        for process in busy:
            process.terminate()
            process.wait(10)


EMPTY = r"""valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" --scan --count 1000 --pattern "$BENCHMARKS*" |
  xargs -n 200 valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" UNLINK"""

EMPTY = r"""valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" --scan --count 1000 --pattern "$BENCHMARKS*" |
  xargs -n 200 valkey-cli -h "$CACHE_HOST" -p "$CACHE_PORT" UNLINK"""


def emptying(after: str) -> spoil.Spoil:
    """The step that warms the cache empties it besides; a warning keeps the linter from seeing that."""
    return spoil.all_of(
        spoil.replaced(
            "The job computes all", "> **Warning**: old ones are removed.\n\nThe job computes all"
        ),
        spoil.block("warm", after=after),
    )


BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake("missing", "warming", spoil.block("warm", before="exit 0"), "step-failed", "not-recovered"),
    spoil.mistake("swapped", "warms-before-it-empties", emptying(EMPTY), "step-failed", "not-recovered"),
    # To warm it twice does nothing: the same is put there. Started over with an empty cache and cut midway, it hurts.
    spoil.mistake(
        "doubled",
        "starts-over-and-is-cut",
        emptying(f"{EMPTY}\ntimeout 0.005 cache warm || true"),
        "step-failed",
        "not-recovered",
    ),
    # Users are back, and Verification looks at keys that nobody uses: it fails, as it should.
    spoil.mistake(
        "wrong-target",
        "other-keys",
        spoil.replaced("${BENCHMARKS:-benchmark:}", "${BENCHMARKS:-report:}"),
        "step-failed",
    ),
    spoil.mistake(
        "wrong-target",
        "another-size",
        spoil.replaced("${WARM_KEYS:-400}", "${WARM_KEYS:-10}"),
        "needs-a-person",  # a cache of ten keys is warm already
    ),
    spoil.mistake("too-slow", "warming", spoil.block("warm", before="sleep 15"), "too-slow"),
]  # fmt: skip


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
