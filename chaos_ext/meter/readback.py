"""Read back everything that was written, from every store, until it can be believed.

An answer that cannot be had, or not understood, is never an empty answer: it makes the account unreadable. An
acknowledged write that is missing is looked for again for a while, for a replica may lag behind, and a queue be long.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from chaos_ext.language import t
from chaos_ext.masking.register import hide
from chaos_ext.meter import samples
from chaos_ext.meter.account import WriteAccount, account_of_all
from chaos_ext.meter.reading import Place, places
from chaos_ext.meter.reads import READS, ReadFile, read_reads
from chaos_ext.meter.transport import new_session, trust
from chaos_ext.meter.watching import take
from chaos_ext.meter.writelog import pairs, read_lines
from chaos_ext.model import Flow

_AGAIN_S = 0.2
_A_FAIR_TRY_S = 0.25  # a last try that was cut shorter tells less than the one before it
KEPT = "readback.jsonl"  # beside the write log: one line a store, with the items as they came


def read_back(
    flows: Mapping[str, Flow],
    base_url: str,
    ca_file: str | None,
    run_id: str,
    directory: Path,
    *,
    within_s: float,
    settle_s: float | None = None,
) -> WriteAccount:
    """One account of all flows and stores, from what the meter kept in `directory` and what the stores give back now.

    Tries for `within_s` seconds to get an answer; looks again while an acknowledged write is missing, for as long as
    the store's own `arrives_within` says, or `settle_s`.
    Never raises: what goes wrong makes the account unreadable and is told in `why`.
    """
    found: list[WriteAccount] = []

    def read_all() -> None:
        try:
            asked = list(places(flows, base_url, run_id))
            why = asyncio.run(_read(asked, ca_file, directory, within_s, settle_s))
            found.append(_account(flows, directory, why))
        except Exception as error:  # noqa: BLE001 - collecting evidence: what breaks here must not pass
            found.append(WriteAccount(readable=False, why=hide(f"{type(error).__name__}: {error}")))

    # In a thread of its own: the caller's may have an event loop, and the main one's signals are not ours.
    thread = threading.Thread(target=read_all, name="read-back", daemon=True)
    thread.start()
    thread.join()
    return found[0]


def _account(flows: Mapping[str, Flow], directory: Path, why: dict[tuple[str, str], str]) -> WriteAccount:
    """From the files, as it will be made again whenever the run is judged."""
    kept = directory / KEPT
    return account_of_all(
        flows,
        read_lines(directory / "writes.jsonl"),
        samples.json_lines(kept) if kept.exists() else (),
        read_reads(directory / READS),
        samples.read(directory / "samples.jsonl"),
        why,
    )


async def _read(
    asked: Sequence[Place],
    ca_file: str | None,
    directory: Path,
    within_s: float,
    settle_s: float | None,
) -> dict[tuple[str, str], str]:
    """Read every place at once; returns why for those that gave nothing."""
    context, file = trust(ca_file), ReadFile(directory / READS)
    try:
        async with new_session(aiohttp.TCPConnector(ssl=context, force_close=True)) as session:
            told = await asyncio.gather(
                *(_believe(session, place, directory, within_s, settle_s, file) for place in asked)
            )
    finally:
        file.close()
    return {place.key: why for place, why in zip(asked, told, strict=True) if why}


async def _believe(
    session: aiohttp.ClientSession,
    place: Place,
    directory: Path,
    within_s: float,
    settle_s: float | None,
    file: ReadFile,
) -> str:
    """Look until nothing is missing, or long enough, and keep what was seen last. Returns why it could not, or ""."""
    sent = pairs(read_lines(directory / "writes.jsonl", place.flow))
    acknowledged = {write.id for write in sent.values() if write.outcome == "ok"}
    settle_s = place.store.arrives_within if settle_s is None else settle_s
    until = time.monotonic() + within_s
    missing_since: float | None = None
    told = ""
    while True:
        asked = time.monotonic()
        items, why = await take(session, place, file, max(0.05, until - asked))
        if why:
            if not told or until - asked >= _A_FAIR_TRY_S:
                told = why
            if time.monotonic() >= until:
                return t("{name}: GET {url}: {error}", name=place.flow, url=place.url, error=told)
        else:
            if missing_since is None:
                missing_since = asked
                until = max(until, asked + settle_s)
            shown = {item[place.store.id] for item in items}
            if acknowledged <= shown or asked - missing_since >= settle_s:
                _keep(directory / KEPT, place, items)
                return ""
        await asyncio.sleep(_AGAIN_S)


def _keep(path: Path, place: Place, items: list[Any]) -> None:
    """What was read is evidence like what was sent: with both the account can be made again."""
    line = {"flow": place.flow, "store": place.name, "items": items}
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
