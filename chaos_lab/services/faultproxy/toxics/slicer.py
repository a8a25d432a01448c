"""slicer: data arrives in pieces of `average_size` ± `size_variation` bytes, `delay` microseconds apart."""

from __future__ import annotations

import asyncio
import random

from chaos_lab.services.faultproxy.stage import Attributes, Kind, Stage


async def pipe(stage: Stage, attributes: Attributes) -> None:
    average, variation = attributes["average_size"], attributes["size_variation"]
    while chunk := await stage.read():
        size = average + (random.randint(-variation, variation) if variation else 0)
        await stage.write(min(size, len(chunk.data)))
        await asyncio.sleep(attributes["delay"] / 1_000_000)


def wrong(attributes: Attributes) -> str:
    if attributes["average_size"] < 1:
        return f"average_size: got {attributes['average_size']}, expected at least 1 byte"
    if attributes["size_variation"] >= attributes["average_size"]:
        return f"size_variation: got {attributes['size_variation']}, expected less than average_size"
    return ""


KIND = Kind("slicer", pipe, ("average_size", "size_variation", "delay"), wrong=wrong)
