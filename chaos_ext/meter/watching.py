"""Looks at stores while the flows run: only so can it be known how long a write took to be seen there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import aiohttp

from chaos_ext.meter.account import id_of
from chaos_ext.meter.reading import ONE_TRY_S, Place, Unreadable, look
from chaos_ext.meter.reads import ReadFile
from chaos_ext.meter.transport import new_session

_SHARE = 0.1  # of the time may go into looking: a list that has become long is asked for less often


async def watch(places: Sequence[Place], context: ssl.SSLContext, file: ReadFile) -> None:
    """Look at each place every `watch` seconds until it is cancelled. Raises OSError when it cannot be recorded."""
    async with new_session(aiohttp.TCPConnector(ssl=context)) as session, asyncio.TaskGroup() as all_of_them:
        for place in places:
            all_of_them.create_task(_watch(session, place, file))


async def _watch(session: aiohttp.ClientSession, place: Place, file: ReadFile) -> None:
    loop = asyncio.get_running_loop()
    every_s = place.store.watch
    assert every_s is not None
    while True:
        began = loop.time()
        await take(session, place, file, ONE_TRY_S)
        ended = loop.time()
        await asyncio.sleep(max(began + every_s - ended, (ended - began) * (1 / _SHARE - 1)))


async def take(
    session: aiohttp.ClientSession, place: Place, file: ReadFile, within_s: float
) -> tuple[list[Any], str]:
    """One look, recorded: what it showed, and why it showed nothing (empty: it was answered). Raises OSError."""
    loop = asyncio.get_running_loop()
    sent = loop.time()
    try:
        items = await look(session, place, within_s)
        done = loop.time()
        ids = [id_of(item, place.store) for item in items]
    except (Unreadable, ValueError) as error:
        file.failed(*place.key, sent, loop.time(), str(error))
        return [], str(error)
    file.showed(*place.key, sent, done, ids)
    return items, ""
