"""What a client sees who connects to the cache now.

redis_up               1 or 0
redis_used_ratio       memory used, of what it may use
redis_rejected_writes  1 when it refuses a write
redis_keys
"""

from __future__ import annotations

from typing import Any, ClassVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config, address

_KEY = "alerting:probe"
_KEY_S = 60


class Cache:
    """One server."""

    every: ClassVar[int] = 1
    name = "cache"

    def __init__(self, where: str) -> None:
        self._host, self._port = address(where)

    async def look(self) -> Found:
        client = Redis(
            host=self._host,
            port=self._port,
            single_connection_client=True,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            lib_name=None,
            lib_version=None,
        )
        try:
            async with client.pipeline(transaction=False) as pipeline:
                pipeline.info("memory")
                pipeline.dbsize()
                pipeline.set(_KEY, "1", ex=_KEY_S)
                memory, keys, written = await pipeline.execute(raise_on_error=False)
        except RedisError as error:
            raise NoAnswer(" ".join(str(error).split()) or type(error).__name__) from None
        finally:
            await client.aclose()
        for said in (memory, keys):
            if isinstance(said, Exception):
                raise NoAnswer(str(said))
        return {
            series("redis_up"): 1.0,
            series("redis_used_ratio"): _ratio(memory),
            # OOM, READONLY, MISCONF: all of them are a write that is refused.
            series("redis_rejected_writes"): float(isinstance(written, ResponseError)),
            series("redis_keys"): float(keys),
        }

    def failed(self) -> Found:
        return {series("redis_up"): 0.0}


def _ratio(memory: dict[str, Any]) -> float:
    most = float(memory["maxmemory"])
    return float(memory["used_memory"]) / most if most else 0.0  # no limit, so nothing of it is used


def of_config(config: Config) -> list[Prober]:
    direct = config.get("direct", {})
    return [Cache(str(direct["cache"]))] if "cache" in direct else []
