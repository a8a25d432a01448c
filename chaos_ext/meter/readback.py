"""Read back everything that was written, until it can be believed.

An answer that cannot be had, or not understood, is never an empty answer: it makes the account unreadable. An
acknowledged write that is missing is looked for again for a while, for a replica may lag behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from chaos_ext.errors import ChaosExtError
from chaos_ext.language import t
from chaos_ext.meter.template import read_back_headers, read_back_url
from chaos_ext.meter.transport import new_session, trust
from chaos_ext.meter.writelog import WriteAccount, account, read_lines, together, unread
from chaos_ext.model import Flow

_AGAIN_S = 0.2
_ONE_TRY_S = 5.0
KEPT = "readback.jsonl"  # beside the write log: one line a flow, with the items as they came


class _Unreadable(Exception):
    """This try did not give a list."""


def read_back(
    flows: Mapping[str, Flow],
    base_url: str,
    ca_file: str | None,
    run_id: str,
    log: Path,
    *,
    within_s: float,
    settle_s: float,
) -> WriteAccount:
    """One account for all flows that write, from the write log `log` and what the service gives back now.

    Tries for `within_s` seconds to get an answer; looks again for `settle_s` while an acknowledged write is missing.
    Never raises: what goes wrong makes the account unreadable and is told in `why`.
    """
    accounts: list[WriteAccount] = []

    def read_all() -> None:
        for name, flow in flows.items():
            if flow.write is not None:
                try:
                    one = _read_flow(name, flow, base_url, ca_file, run_id, log, within_s, settle_s)
                except Exception as error:  # noqa: BLE001 - collecting evidence: what breaks here must not pass
                    one = WriteAccount(readable=False, why=f"{name}: {type(error).__name__}: {error}")
                accounts.append(one)

    # In a thread of its own: the caller's may have an event loop, and the main one's signals are not ours.
    thread = threading.Thread(target=read_all, name="read-back", daemon=True)
    thread.start()
    thread.join()
    return together(accounts)


def _read_flow(
    name: str,
    flow: Flow,
    base_url: str,
    ca_file: str | None,
    run_id: str,
    log: Path,
    within_s: float,
    settle_s: float,
) -> WriteAccount:
    try:
        lines = read_lines(log, name)
        context = trust(ca_file)
    except (OSError, ValueError, ChaosExtError) as error:
        return WriteAccount(readable=False, why=f"{name}: {error}")
    url, headers = read_back_url(flow, base_url, run_id), read_back_headers(flow, run_id)
    return asyncio.run(
        _believe(name, flow, lines, url, headers, context, within_s, settle_s, log.with_name(KEPT))
    )


async def _believe(
    name: str,
    flow: Flow,
    lines: list[dict[str, Any]],
    url: URL,
    headers: dict[str, str],
    context: ssl.SSLContext,
    within_s: float,
    settle_s: float,
    kept: Path,
) -> WriteAccount:
    until = time.monotonic() + within_s
    missing_since: float | None = None
    async with new_session(aiohttp.TCPConnector(ssl=context, force_close=True)) as session:
        while True:
            asked = time.monotonic()
            try:
                items = await _items(session, url, headers, flow, max(0.05, until - asked))
                found = account(lines, items, flow)
            except (_Unreadable, ValueError) as error:
                why = t("{name}: GET {url}: {error}", name=name, url=url, error=error)
                if time.monotonic() >= until:
                    return unread(lines, why)
            else:
                if missing_since is None:
                    missing_since = asked
                    until = max(until, asked + settle_s)
                if not found.lost or asked - missing_since >= settle_s:
                    _keep(kept, name, items)
                    return found
            await asyncio.sleep(_AGAIN_S)


def _keep(path: Path, flow: str, items: list[Any]) -> None:
    """What was read is evidence like what was sent: with both the account can be made again."""
    line = json.dumps({"flow": flow, "items": items}, ensure_ascii=False) + "\n"
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(line)


async def _items(
    session: aiohttp.ClientSession, url: URL, headers: dict[str, str], flow: Flow, left_s: float
) -> list[Any]:
    assert flow.write is not None
    try:
        async with (
            asyncio.timeout(min(left_s, _ONE_TRY_S)),
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            text = await answer.text()
    except TimeoutError:
        raise _Unreadable(t("no answer in time")) from None
    except (aiohttp.ClientError, OSError) as error:
        raise _Unreadable(str(error) or type(error).__name__) from error
    if answer.status != 200:
        raise _Unreadable(t("status {status}, expected 200", status=answer.status))
    try:
        value = json.loads(text)
    except ValueError:
        raise _Unreadable(t("not JSON: {text!r}", text=text[:80])) from None
    for key in filter(None, flow.write.list_at.split(".")):
        if not isinstance(value, dict) or key not in value:
            raise _Unreadable(
                t("no {list_at!r} in the answer: {text!r}", list_at=flow.write.list_at, text=text[:80])
            )
        value = value[key]
    if not isinstance(value, list):
        raise _Unreadable(
            t("{what} is not a list: {text!r}", what=flow.write.list_at or t("the answer"), text=text[:80])
        )
    return value
