"""timeout: nothing arrives any more, and after `timeout` milliseconds the connection closes (0: never).

Toxiproxy starts counting again with every chunk it drops; here a connection closes when the time is
over, however busy it is. Removing the toxic closes the connection too, for data is missing in it.
"""

from __future__ import annotations

import asyncio

from chaos_lab.services.faultproxy.stage import Attributes, Kind, Stage


async def pipe(stage: Stage, attributes: Attributes) -> None:
    try:
        async with asyncio.timeout(attributes["timeout"] / 1000 or None):
            while await stage.read():
                stage.drop()
    except TimeoutError:
        stage.close()


KIND = Kind("timeout", pipe, ("timeout",), closes_when_removed=True)
