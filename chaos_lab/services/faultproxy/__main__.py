"""``python -m chaos_lab.services.faultproxy --config FILE``"""

from __future__ import annotations

import asyncio
from pathlib import Path

from chaos_lab.services import process
from chaos_lab.services.faultproxy.api import Api, ApiError
from chaos_lab.services.process import log


async def main(path: Path, config: process.Config) -> None:
    api = Api()
    stop = asyncio.create_task(process.until_told_to_stop())
    try:
        await api.populate_from(config["proxies"])
    except ApiError as error:
        raise (process.CannotStart if error.status == 500 else process.BadConfig)(
            f"{path}: proxies: {error}"
        ) from None
    runner = await process.listen(api.app(), config["listen"])
    log("started", proxies=len(api.proxies))
    await stop
    await runner.cleanup()
    await api.close()
    log("stopped")


if __name__ == "__main__":
    process.run("faultproxy", main)
