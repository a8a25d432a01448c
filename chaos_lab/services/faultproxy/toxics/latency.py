"""latency: every chunk arrives `latency` ± `jitter` milliseconds later; order stays, throughput too."""

from __future__ import annotations

import asyncio
import random
import time

from chaos_lab.services.faultproxy.stage import Attributes, Kind, Stage


async def pipe(stage: Stage, attributes: Attributes) -> None:
    latency, jitter = attributes["latency"], attributes["jitter"]
    while chunk := await stage.read():
        delay_s = (latency + (random.uniform(-jitter, jitter) if jitter else 0)) / 1000
        wait_s = chunk.at + delay_s - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await stage.write(at=chunk.at + delay_s)  # as Toxiproxy: a second delay comes on top of this one


# A long line holds much: without a buffer the sender would wait for each chunk to arrive.
KIND = Kind("latency", pipe, ("latency", "jitter"), buffer=1024)
