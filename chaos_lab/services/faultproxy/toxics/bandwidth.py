"""bandwidth: at most `rate` kilobytes (1,000 bytes) a second on each connection; 0 lets nothing through."""

from __future__ import annotations

import asyncio
import time

from chaos_lab.services.faultproxy.stage import Attributes, Kind, Stage

SLICE_S = 0.1  # big chunks are sent in parts so long, so that the stream flows instead of jumping


async def pipe(stage: Stage, attributes: Attributes) -> None:
    bytes_per_s = attributes["rate"] * 1000
    free_at = time.monotonic()  # when what was sent so far is through
    while chunk := await stage.read():
        if bytes_per_s == 0:
            await asyncio.Event().wait()
        size = min(len(chunk.data), max(1, int(bytes_per_s * SLICE_S)))
        free_at = max(free_at, time.monotonic() - SLICE_S) + size / bytes_per_s
        await asyncio.sleep(max(0.0, free_at - time.monotonic()))
        await stage.write(size)


KIND = Kind("bandwidth", pipe, ("rate",))
