"""limit_data: the connection closes after `bytes` bytes, counted since the toxic came to it."""

from __future__ import annotations

from chaos_lab.services.faultproxy.stage import Attributes, Kind, Stage


async def pipe(stage: Stage, attributes: Attributes) -> None:
    while chunk := await stage.read():
        left = attributes["bytes"] - stage.state.get("passed", 0)
        size = max(0, min(left, len(chunk.data)))
        await stage.write(size)
        stage.state["passed"] = stage.state.get("passed", 0) + size
        if size == left or left <= 0:
            stage.close()
            return


KIND = Kind("limit_data", pipe, ("bytes",))
