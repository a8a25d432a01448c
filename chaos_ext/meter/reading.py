"""One look at a store: everything of a run that it gives back. What cannot be understood is never an empty answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from chaos_ext.language import t
from chaos_ext.meter.template import read_back_headers, read_back_url
from chaos_ext.model import Flow, Store

ONE_TRY_S = 5.0


class Unreadable(Exception):
    """This look did not give a list."""


@dataclass(frozen=True)
class Place:
    """A store of a flow, and how it is asked."""

    flow: str
    name: str
    store: Store
    url: URL
    headers: Mapping[str, str]

    @property
    def key(self) -> tuple[str, str]:
        """The flow's and the store's name."""
        return self.flow, self.name


def places(flows: Mapping[str, Flow], base_url: str, run_id: str) -> Iterator[Place]:
    """Every store of every flow that writes."""
    for name, flow in flows.items():
        for store_name, store in flow.stores.items():
            url, headers = read_back_url(store, base_url, run_id), read_back_headers(flow, run_id)
            yield Place(name, store_name, store, url, headers)


async def look(session: aiohttp.ClientSession, place: Place, within_s: float) -> list[Any]:
    """The items that the store gives back now, as they come. Raises Unreadable."""
    try:
        async with (
            asyncio.timeout(min(within_s, ONE_TRY_S)),
            session.get(place.url, headers=place.headers, allow_redirects=False) as answer,
        ):
            text = await answer.text()
    except TimeoutError:
        raise Unreadable(t("no answer in time")) from None
    except (aiohttp.ClientError, OSError, UnicodeDecodeError) as error:
        raise Unreadable(str(error) or type(error).__name__) from error
    if answer.status != 200:
        raise Unreadable(t("status {status}, expected 200", status=answer.status))
    return _list_in(text, place.store.list_at)


def _list_in(text: str, list_at: str) -> list[Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise Unreadable(t("not JSON: {text!r}", text=text[:80])) from None
    for key in filter(None, list_at.split(".")):
        if not isinstance(value, dict) or key not in value:
            raise Unreadable(t("no {list_at!r} in the answer: {text!r}", list_at=list_at, text=text[:80]))
        value = value[key]
    if not isinstance(value, list):
        raise Unreadable(t("{what} is not a list: {text!r}", what=list_at or t("the answer"), text=text[:80]))
    return value
