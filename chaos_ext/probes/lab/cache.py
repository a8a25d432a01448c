"""What of the lab's cache must be as it was: its limits, who may do what, and what stays in it for good."""

from typing import Any

from chaoslib.types import Configuration

from chaos_ext.actions.lab.cache import connected

__all__ = ["cache_state"]

NEEDS = ("redis",)  # imported before it is used first
_SETTINGS = (
    "maxmemory", "maxmemory-policy", "maxclients", "timeout", "save", "appendonly", "dir", "dbfilename",
    "stop-writes-on-bgsave-error", "min-replicas-to-write", "notify-keyspace-events", "rename-command",
)  # fmt: skip
_KEYS_AT_MOST = 20_000  # looked at; the lab's cache holds some hundreds


def cache_state(configuration: Configuration = None) -> dict[str, Any]:
    """The cache's settings, its users' rights, its role, and the prefixes of keys that never expire.

    How many keys there are is not in it, nor what they hold. Raises ActivityFailed when the cache does not answer.
    Changes nothing.

    YAML::

        type: probe
        name: cache
        provider: {type: python, module: chaos_ext.probes.lab.cache, func: cache_state, arguments: {}}
    """
    with connected(configuration) as cache:
        settings = cache.config_get(*_SETTINGS)
        rights = dict(_user(line) for line in map(str, cache.acl_list()))
        role = cache.info("replication").get("role")
        keys = []
        for key in cache.scan_iter(count=1000):
            keys.append(key)
            if len(keys) >= _KEYS_AT_MOST:
                break
        pipeline = cache.pipeline(transaction=False)
        for key in keys:
            pipeline.pttl(key)
        stay = {key.split(":")[0] for key, left in zip(keys, pipeline.execute(), strict=True) if left == -1}
    return {
        "settings": settings,
        "users": rights,
        "role": role,
        "never_expires": dict.fromkeys(sorted(stay), "there"),
    }


def _user(line: str) -> tuple[str, str]:
    """``user NAME RULES…``; of a password's digest only as much as tells it from another."""
    _, name, *rules = line.split()
    return name, " ".join(rule[:9] if rule.startswith("#") else rule for rule in rules)
