"""Two accidents of a cache: a job fills it with rubbish until it refuses writes, and somebody flushes it."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.language import t

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    "cache_is_cold",
    "cache_refuses_writes",
    "fill_cache",
    "flush_cache",
    "remove_prefix",
    "warm_cache",
]

_ANSWERS_WITHIN_S = 2.0
_FILLED_WITHIN_S = 30.0
_WARM_WITHIN_S = 30.0
_VALUE_BYTES = 64 * 1024
# A server looks at its limit before a write, so a short command that makes a large value goes over it by that size:
# connections that come and go, and entries that expire, do not bring it below the limit again.
_LAST_BYTES = 1024 * 1024
_PROBE = "chaos:probe"
_STILL_WARM = 0.5  # of the keys; under that a cache is no help


def fill_cache(prefix: str, configuration: Configuration = None) -> dict[str, Any]:
    """Write values under a prefix until the cache refuses writes, as an import job without an expiry does.

    - `prefix`: what the keys begin with, such as "tmp:import:"; nothing may be there under it yet

    For a server with `maxmemory` and the policy `noeviction`; takes up to 30 s. Returns ``{"prefix", "keys"}``: how
    many keys were written. Raises ActivityFailed when the prefix is in use, the server has no limit or evicts, or
    does not fill up. Undone by: `remove_prefix`.

    Source: https://valkey.io/topics/lru-cache/ (noeviction).

    YAML::

        type: action
        name: fill-cache
        provider:
          type: python
          module: chaos_ext.actions.lab.cache
          func: fill_cache
          arguments: {prefix: "tmp:import:"}
    """
    with connected(configuration) as cache:
        if next(iter(_keys(cache, prefix)), None) is not None:
            raise ActivityFailed(t("prefix: got {prefix!r} with keys under it, expected none", prefix=prefix))
        policy = cache.config_get("maxmemory*")
        limit_bytes = int(policy["maxmemory"] or 0)
        if not limit_bytes or policy["maxmemory-policy"] != "noeviction":
            raise ActivityFailed(
                t(
                    "cache: got {policy}, expected a limit and noeviction: it would never refuse",
                    policy=policy,
                )
            )
        written = _write_until_full(cache, prefix, limit_bytes)
    return {"prefix": prefix, "keys": written}


def _write_until_full(cache: "Redis", prefix: str, limit_bytes: int) -> int:
    from redis.exceptions import OutOfMemoryError

    value, deadline, written = "x" * _VALUE_BYTES, time.monotonic() + _FILLED_WITHIN_S, 0
    try:
        while cache.info("memory")["used_memory"] < limit_bytes - 2 * _VALUE_BYTES:
            if time.monotonic() > deadline:
                raise ActivityFailed(
                    t("cache: got {count} values in it, expected it to fill up", count=written)
                )
            cache.set(f"{prefix}{written}", value)
            written += 1
        while True:
            cache.setrange(f"{prefix}{written}", _LAST_BYTES, "x")
            written += 1
    except OutOfMemoryError:
        return written


def cache_refuses_writes(configuration: Configuration = None) -> dict[str, Any]:
    """Whether the cache refuses to write for want of memory. Tries it with one key that expires after 1 ms.

    YAML::

        type: probe
        name: cache-refuses-writes
        provider:
          type: python
          module: chaos_ext.actions.lab.cache
          func: cache_refuses_writes
          arguments: {}
    """
    from redis.exceptions import OutOfMemoryError

    with connected(configuration) as cache:
        try:
            cache.set(_PROBE, "1", px=1)
            refuses = False
        except OutOfMemoryError:
            refuses = True
        memory = cache.info("memory")
    return {
        "holds": refuses,
        "used_memory_bytes": memory["used_memory"],
        "maxmemory_bytes": memory["maxmemory"],
    }


def remove_prefix(prefix: str, configuration: Configuration = None) -> dict[str, Any]:
    """Remove every key under a prefix, and nothing else. Harmless when repeated.

    - `prefix`: what the keys begin with, such as "tmp:import:"

    Returns ``{"outcome": "undone" | "already", "why"}``. Raises ActivityFailed when the cache does not answer.

    YAML::

        type: action
        name: remove-the-import
        provider:
          type: python
          module: chaos_ext.actions.lab.cache
          func: remove_prefix
          arguments: {prefix: "tmp:import:"}
    """
    with connected(configuration) as cache:
        found = list(_keys(cache, prefix))
        for start in range(0, len(found), 500):
            cache.unlink(*found[start : start + 500])
    if not found:
        return {"outcome": "already", "why": t("nothing is under {prefix}", prefix=prefix)}
    return {
        "outcome": "undone",
        "why": t("{count} keys under {prefix} removed", count=len(found), prefix=prefix),
    }


def flush_cache(configuration: Configuration = None) -> dict[str, Any]:
    """Empty the cache while it is used, as somebody does who takes it for another one.

    Returns ``{"keys"}``: how many keys were there. Raises ActivityFailed when it was empty already. Undone by:
    `warm_cache`, which computes anew what a job computes; what only users put there (sessions) stays lost.

    Source: https://valkey.io/commands/flushall/

    YAML::

        type: action
        name: flush-cache
        provider:
          type: python
          module: chaos_ext.actions.lab.cache
          func: flush_cache
          arguments: {}
    """
    with connected(configuration) as cache:
        keys = int(cache.dbsize())
        if not keys:
            raise ActivityFailed(t("cache: got no key in it, expected some to lose"))
        cache.flushall()
    return {"keys": keys}


def cache_is_cold(prefix: str, keys: int, configuration: Configuration = None) -> dict[str, Any]:
    """Whether most of what is usually kept under a prefix is missing. Changes nothing.

    - `prefix`: what the keys begin with, such as "benchmark:"
    - `keys`: how many there are when the cache is warm, 1 or more; cold: fewer than half of them

    YAML::

        type: probe
        name: benchmarks-are-gone
        provider:
          type: python
          module: chaos_ext.actions.lab.cache
          func: cache_is_cold
          arguments: {prefix: "benchmark:", keys: 400}
    """
    with connected(configuration) as cache:
        found = sum(1 for _ in _keys(cache, prefix))
    return {"holds": found < keys * _STILL_WARM, "prefix": prefix, "found": found, "when_warm": keys}


def warm_cache(prefix: str, keys: int, configuration: Configuration = None) -> dict[str, Any]:
    """Have the lab's own job fill the cache, unless it is warm. Harmless when repeated.

    - `prefix`, `keys`: as `cache_is_cold`

    Returns ``{"outcome": "undone" | "superseded", "why"}``; superseded: somebody warmed it. Raises ActivityFailed
    when it stays cold. Takes up to 30 s.

    YAML::

        type: action
        name: warm-cache
        provider:
          type: python
          module: chaos_ext.actions.lab.cache
          func: warm_cache
          arguments: {prefix: "benchmark:", keys: 400}
    """
    seen = cache_is_cold(prefix, keys, configuration)
    if seen["found"] >= keys:
        return {"outcome": "superseded", "why": t("{count} keys are there again", count=seen["found"])}
    tool = Path(proven.facts(configuration)["bin"]) / "cache"
    try:
        done = subprocess.run(
            [str(tool), "warm"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_WARM_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ActivityFailed(str(error)) from error
    if done.returncode != 0 or cache_is_cold(prefix, keys, configuration)["holds"]:
        said = " ".join((done.stderr or done.stdout).split())
        raise ActivityFailed(t("cache warm: got '{said}', expected a warm cache", said=said))
    return {"outcome": "undone", "why": " ".join(done.stdout.split())}


def _keys(cache: "Redis", prefix: str) -> Iterator[str]:
    if not prefix or any(sign in prefix for sign in "*?[]\\"):
        raise ActivityFailed(
            t("prefix: got {prefix!r}, expected the beginning of keys, without a pattern", prefix=prefix)
        )
    yield from cache.scan_iter(match=f"{prefix}*", count=1000)


@contextmanager
def connected(configuration: Mapping[str, Any] | None) -> "Iterator[Redis]":
    """The lab's cache, reached directly. What goes wrong with it is an ActivityFailed."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    where = proven.facts(configuration)["cache"]
    client = Redis(
        host=where["host"],
        port=where["port"],
        protocol=2,
        decode_responses=True,
        socket_timeout=_ANSWERS_WITHIN_S,
        socket_connect_timeout=_ANSWERS_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield client
    except RedisError as error:
        raise ActivityFailed(f"cache {where['host']}:{where['port']}: {error}") from error
    finally:
        client.close()
