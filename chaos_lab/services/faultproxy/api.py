"""Toxiproxy's HTTP API. Paths, fields, codes and error messages are those of version 2.

Source: https://github.com/Shopify/toxiproxy/blob/main/README.md (HTTP API) and api.go there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from chaos_lab.services.faultproxy.proxy import Proxy
from chaos_lab.services.faultproxy.stage import Toxic
from chaos_lab.services.faultproxy.toxics import KINDS
from chaos_lab.services.process import BadConfig, answer, log

VERSION = "2.12.0"  # whose API this is


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


def bad_body(why: object) -> ApiError:
    return ApiError(f"bad request body: {why}", 400)


class Api:
    """All proxies of this process."""

    def __init__(self) -> None:
        self.proxies: dict[str, Proxy] = {}

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_outcomes])
        add = app.router.add_route
        add("GET", "/healthz", self.health)
        add("GET", "/version", self.version)
        add("POST", "/reset", self.reset)
        add("POST", "/populate", self.populate)
        add("GET", "/proxies", self.index)
        add("POST", "/proxies", self.create)
        add("GET", "/proxies/{proxy}", self.show)
        for method in ("POST", "PATCH"):
            add(method, "/proxies/{proxy}", self.update)
            add(method, "/proxies/{proxy}/toxics/{toxic}", self.update_toxic)
        add("DELETE", "/proxies/{proxy}", self.delete)
        add("GET", "/proxies/{proxy}/toxics", self.toxics)
        add("POST", "/proxies/{proxy}/toxics", self.create_toxic)
        add("GET", "/proxies/{proxy}/toxics/{toxic}", self.show_toxic)
        add("DELETE", "/proxies/{proxy}/toxics/{toxic}", self.delete_toxic)
        return app

    async def close(self) -> None:
        for proxy in self.proxies.values():
            proxy.stop()

    async def health(self, request: web.Request) -> web.Response:
        return answer({"status": "ok", "proxies": len(self.proxies)})

    async def version(self, request: web.Request) -> web.Response:
        return answer({"version": VERSION})

    async def reset(self, request: web.Request) -> web.Response:
        """Everything up, nothing toxic."""
        for proxy in self.proxies.values():
            async with proxy.lock:
                await _start(proxy)
                for toxic in list(proxy.toxics):
                    await proxy.remove(toxic)
        return web.Response(status=204)

    async def index(self, request: web.Request) -> web.Response:
        return answer({name: proxy.shown() for name, proxy in self.proxies.items()})

    async def create(self, request: web.Request) -> web.Response:
        wanted = await _body(request)
        name, listen, upstream, enabled = _proxy_fields(wanted)
        if name in self.proxies:
            raise ApiError("proxy already exists", 409)
        proxy = _proxy(name, listen, upstream, _distance_ms(wanted))
        if enabled:
            await _start(proxy)
        self.proxies[name] = proxy
        return answer(proxy.shown(), 201)

    async def populate(self, request: web.Request) -> web.Response:
        try:
            wanted = json.loads(await request.read())
        except ValueError as error:
            raise bad_body(error) from None
        return answer({"proxies": [proxy.shown() for proxy in await self.populate_from(wanted)]}, 201)

    async def populate_from(self, wanted: Any) -> list[Proxy]:
        """Makes these proxies, replacing those of the same name; checks all before it changes any."""
        if not isinstance(wanted, list):
            raise bad_body(f"got {type(wanted).__name__}, expected a list of proxies")
        fields = [_proxy_fields(one, f" at proxy {number}") for number, one in enumerate(wanted, 1)]
        if twice := _twice(name for name, *_ in fields):
            raise bad_body(f"duplicate proxy name {json.dumps(twice)}")
        new = [
            _proxy(name, listen, upstream, _distance_ms(one))
            for one, (name, listen, upstream, _) in zip(wanted, fields, strict=True)
        ]
        result = []
        for proxy, (*_, enabled) in zip(new, fields, strict=True):
            known = self.proxies.get(proxy.name)
            if known is not None and _same_wire(known, proxy):
                proxy = known
            elif known is not None:
                known.stop()
            self.proxies[proxy.name] = proxy
            async with proxy.lock:
                if enabled:
                    await _start(proxy)
                else:
                    proxy.stop()
            result.append(proxy)
        return result

    async def show(self, request: web.Request) -> web.Response:
        return answer(self._proxy(request).shown())

    async def update(self, request: web.Request) -> web.Response:
        proxy = self._proxy(request)
        wanted = await _body(request)
        async with proxy.lock:
            _, listen, upstream, enabled = _proxy_fields({**proxy.shown(), **wanted})
            try:
                await proxy.change(listen, upstream, enabled)
            except BadConfig as error:
                raise bad_body(error) from None
            except OSError as error:
                raise ApiError(error.strerror or str(error), 500) from None
        return answer(proxy.shown())

    async def delete(self, request: web.Request) -> web.Response:
        proxy = self._proxy(request)
        proxy.stop()
        self.proxies.pop(proxy.name, None)
        return web.Response(status=204)

    async def toxics(self, request: web.Request) -> web.Response:
        return answer([toxic.shown() for toxic in self._proxy(request).toxics])

    async def create_toxic(self, request: web.Request) -> web.Response:
        proxy = self._proxy(request)
        wanted = await _body(request)
        kind = _text(wanted, "type")
        stream = (_text(wanted, "stream") or "downstream").lower()
        if stream not in ("upstream", "downstream"):
            raise ApiError("stream was invalid, can be either upstream or downstream", 400)
        if kind not in KINDS:
            raise ApiError("invalid toxic type", 400)
        toxic = Toxic(_text(wanted, "name") or f"{kind}_{stream}", KINDS[kind], stream)
        toxic.attributes, toxic.toxicity = _toxic_fields(toxic, wanted)
        async with proxy.lock:
            if proxy.toxic(toxic.name):
                raise ApiError("toxic already exists", 409)
            await proxy.add(toxic)
        log("toxic-added", proxy=proxy.name, toxic=toxic.shown())
        return answer(toxic.shown())

    async def show_toxic(self, request: web.Request) -> web.Response:
        return answer(self._toxic(request)[1].shown())

    async def update_toxic(self, request: web.Request) -> web.Response:
        wanted = await _body(request)
        async with self._proxy(request).lock:
            proxy, toxic = self._toxic(request)
            toxic.attributes, toxic.toxicity = _toxic_fields(toxic, wanted)
            await proxy.update(toxic)
        return answer(toxic.shown())

    async def delete_toxic(self, request: web.Request) -> web.Response:
        async with self._proxy(request).lock:
            proxy, toxic = self._toxic(request)
            await proxy.remove(toxic)
        log("toxic-removed", proxy=proxy.name, toxic=toxic.name)
        return web.Response(status=204)

    def _proxy(self, request: web.Request) -> Proxy:
        proxy = self.proxies.get(request.match_info["proxy"])
        if proxy is None:
            raise ApiError("proxy not found", 404)
        return proxy

    def _toxic(self, request: web.Request) -> tuple[Proxy, Toxic]:
        proxy = self._proxy(request)
        toxic = proxy.toxic(request.match_info["toxic"])
        if toxic is None:
            raise ApiError("toxic not found", 404)
        return proxy, toxic


@web.middleware
async def _outcomes(request: web.Request, handler: Any) -> web.StreamResponse:
    # A page in somebody's browser must not switch the network; Toxiproxy refuses browsers too.
    if request.headers.get("User-Agent", "").startswith("Mozilla/"):
        return web.Response(text="User agent not allowed\n", status=403)
    try:
        response: web.StreamResponse = await handler(request)
    except ApiError as error:
        return answer({"error": str(error), "status": error.status}, error.status)
    except web.HTTPException as error:
        return answer({"error": error.reason, "status": error.status}, error.status)
    return response


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise bad_body(error) from None
    if not isinstance(body, dict):
        raise bad_body(f"got {type(body).__name__}, expected an object")
    return body


def _text(wanted: dict[str, Any], field: str) -> str:
    value = wanted.get(field)
    if value is not None and not isinstance(value, str):
        raise bad_body(f"{field}: got {value!r}, expected a text")
    return value or ""


def _proxy_fields(wanted: Any, where: str = "") -> tuple[str, str, str, bool]:
    if not isinstance(wanted, dict):
        raise bad_body(f"got {type(wanted).__name__}{where}, expected an object")
    for field in ("name", "upstream"):
        if not _text(wanted, field):
            raise ApiError(f"missing required field: {field}{where}", 400)
    enabled = wanted.get("enabled", True)
    if not isinstance(enabled, bool):
        raise bad_body(f"enabled: got {enabled!r}, expected true or false")
    return wanted["name"], _text(wanted, "listen") or "127.0.0.1:0", wanted["upstream"], enabled


def _distance_ms(wanted: dict[str, Any]) -> int:
    """Milliseconds in each direction; ours, for a wire that is long. Clients of Toxiproxy do not send it."""
    value = wanted.get("distance_ms", 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_body(f"distance_ms: got {value!r}, expected a whole number of at least 0")
    return value


def _proxy(name: str, listen: str, upstream: str, distance_ms: int) -> Proxy:
    try:
        return Proxy(name, listen, upstream, distance_ms)
    except BadConfig as error:
        raise bad_body(error) from None


def _same_wire(one: Proxy, other: Proxy) -> bool:
    return (one.listen, one.upstream, one.distance_ms) == (other.listen, other.upstream, other.distance_ms)


def _toxic_fields(toxic: Toxic, wanted: dict[str, Any]) -> tuple[dict[str, int], float]:
    """Attributes and toxicity as wanted, over what the toxic has."""
    given = wanted.get("attributes") or {}
    if not isinstance(given, dict):
        raise bad_body(f"attributes: got {given!r}, expected an object")
    attributes = dict.fromkeys(toxic.kind.attributes, 0) | toxic.attributes
    for name in attributes:
        value = given.get(name, attributes[name])
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise bad_body(f"attributes.{name}: got {value!r}, expected a whole number of at least 0")
        attributes[name] = value
    if wrong := toxic.kind.wrong(attributes):
        raise bad_body(f"attributes.{wrong}")
    toxicity = wanted.get("toxicity", toxic.toxicity)
    if not isinstance(toxicity, int | float) or isinstance(toxicity, bool) or not 0 <= toxicity <= 1:
        raise bad_body(f"toxicity: got {toxicity!r}, expected a number from 0 to 1")
    return attributes, float(toxicity)


async def _start(proxy: Proxy) -> None:
    try:
        await proxy.start()
    except OSError as error:
        raise ApiError(error.strerror or str(error), 500) from None


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
