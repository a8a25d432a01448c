"""``python -m chaos_lab.services.alerting --config FILE``"""

from __future__ import annotations

import asyncio
from pathlib import Path

from chaos_lab.services import process
from chaos_lab.services.alerting.api import Api
from chaos_lab.services.alerting.evaluator import Evaluator
from chaos_lab.services.process import log


async def main(path: Path, config: process.Config) -> None:
    evaluator = Evaluator(config)
    stop = asyncio.create_task(process.until_told_to_stop())
    runner = await process.listen(Api(evaluator).app(), config["listen"])
    evaluation = asyncio.create_task(evaluator.run())
    log("started", rules=[state.rule.name for state in evaluator.states])
    await asyncio.wait({stop, evaluation}, return_when=asyncio.FIRST_COMPLETED)
    if evaluation.done():
        evaluation.result()  # a bug: an alerting that does not evaluate must not look alive
    evaluation.cancel()
    await runner.cleanup()
    log("stopped")


if __name__ == "__main__":
    process.run("alerting", main)
