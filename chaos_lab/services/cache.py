"""What the dashboard keeps in Valkey. Without it everything still works, only slower."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chaos_lab.services import metrics
from chaos_lab.services.calling import Names, Unavailable

ANSWER_S = 0.25  # it answers within a millisecond or something is wrong


def live_key(survey: str) -> str:
    """Where the summary of a survey that people are answering is kept."""
    return f"summary:{survey}"


def benchmark_key(number: int) -> str:
    """Where the summary of the survey benchmark-`number` is kept."""
    return f"benchmark:{number}"


class Cache:
    """One Valkey, by its name. Every method raises Unavailable, also when a write is refused."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._address = ("", 0)
        self._client: Redis | None = None
        self.hits = metrics.Counter("dashboard_cache_hits_total", "Found in the cache.", "kind")
        self.misses = metrics.Counter("dashboard_cache_misses_total", "Not found in the cache.", "kind")
        self.errors = metrics.Counter("dashboard_cache_errors_total", "The cache did not do it.", "operation")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def get(self, *keys: str) -> list[bytes | None]:
        """The values, None for what is not there."""
        try:
            found = await (await self._connected()).mget(keys)
        except (RedisError, OSError) as error:
            self.errors.add("get")
            raise Unavailable(f"cache: {error}") from None
        return [value.encode() if isinstance(value, str) else value for value in found]

    async def set(self, key: str, value: bytes, ttl_s: float, *, once: bool = False) -> bool:
        """Keeps a value for so long; with `once` only when there is none. Whether it was written."""
        try:
            client = await self._connected()
            return bool(await client.set(key, value, px=int(ttl_s * 1000), nx=once))
        except (RedisError, OSError) as error:
            self.errors.add("set")
            raise Unavailable(f"cache: {error}") from None

    async def delete(self, key: str) -> None:
        try:
            await (await self._connected()).delete(key)
        except (RedisError, OSError) as error:
            self.errors.add("delete")
            raise Unavailable(f"cache: {error}") from None

    async def _connected(self) -> Redis:
        """The client for where the cache is now."""
        address = self._names.address("cache")
        if self._client is None or address != self._address:
            await self.close()
            host, port = self._address = address
            self._client = Redis(
                host=host,
                port=port,
                protocol=2,
                socket_timeout=ANSWER_S,
                socket_connect_timeout=ANSWER_S,
                retry=Retry(NoBackoff(), 0),  # the library's default would wait longer than a report takes
                lib_name=None,
                lib_version=None,
            )
        return self._client
