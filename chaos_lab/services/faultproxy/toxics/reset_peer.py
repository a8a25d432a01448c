"""reset_peer: `timeout` milliseconds after the first data the connection breaks with a TCP reset."""

from __future__ import annotations

import asyncio

from chaos_lab.services.faultproxy.stage import Attributes, Kind, Stage


async def pipe(stage: Stage, attributes: Attributes) -> None:
    await stage.read()
    await asyncio.sleep(attributes["timeout"] / 1000)
    stage.close(reset=True)


KIND = Kind("reset_peer", pipe, ("timeout",))
