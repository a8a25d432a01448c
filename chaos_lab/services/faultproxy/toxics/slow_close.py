"""slow_close: the end of the stream arrives `delay` milliseconds late; data is not delayed."""

from __future__ import annotations

import asyncio

from chaos_lab.services.faultproxy.stage import Attributes, Kind, Stage


async def pipe(stage: Stage, attributes: Attributes) -> None:
    while await stage.read():
        await stage.write()
    await asyncio.sleep(attributes["delay"] / 1000)


KIND = Kind("slow_close", pipe, ("delay",))
