"""The pages in a real browser (Chromium, if there is one): `make peers PYTEST=tests/pages`.

It is spoken to over its own debugging protocol, so that nothing else is needed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pages.conftest import shown
from pages.test_site import site  # noqa: F401 - a fixture
from peers import need_program
from verdict.conftest import Runs

from chaos_ext.pages import several_page
from chaos_ext.pages.folder import write
from chaos_ext.pages.run_page import rendered
from chaos_ext.pages.site import Site, files

pytestmark = pytest.mark.peers
Call = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a browser that is ours."""
    program = need_program("chromium", "chromium-browser", "google-chrome", package="Chromium")
    profile = tmp_path_factory.mktemp("profile")
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
    ]
    browser = subprocess.Popen(
        [program, *options, "about:blank"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert browser.stderr is not None
    try:
        line = next(line for line in browser.stderr if "DevTools listening on" in line)
        yield int(line.rpartition("ws://127.0.0.1:")[2].partition("/")[0])
    finally:
        browser.terminate()
        browser.wait(20)
        browser.stderr.close()


def _in_browser(port: int, look: Callable[[Call, list[dict[str, Any]]], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with aiohttp.ClientSession() as session:
            tabs = await (await session.get(f"http://127.0.0.1:{port}/json")).json()
            address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as line:
                events: list[dict[str, Any]] = []
                count = 0

                async def call(method: str, **params: Any) -> dict[str, Any]:
                    nonlocal count
                    count += 1
                    await line.send_json({"id": count, "method": method, "params": params})
                    while True:
                        message = json.loads((await line.receive()).data)
                        if message.get("id") == count:
                            return dict(message.get("result", message))
                        events.append(message)

                for domain in ("Page", "Runtime", "Log", "Network"):
                    await call(f"{domain}.enable")
                return await look(call, events)

    return asyncio.run(go())


async def _open(call: Call, path: Path, width: int) -> None:
    await call(
        "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 600
    )
    await call("Page.navigate", url=path.as_uri())
    for _ in range(200):
        if await _js(call, "document.readyState + location.href") == "complete" + path.as_uri():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{path} did not load")


async def _js(call: Call, code: str) -> Any:
    found = await call("Runtime.evaluate", expression=code, returnByValue=True)
    assert "exceptionDetails" not in found, found
    return found["result"].get("value")


def _complaints(events: list[dict[str, Any]]) -> list[str]:
    """What the browser had to say, and every request that is no file of ours."""
    told = [json.dumps(e) for e in events if e.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")]
    asked = [e["params"]["request"]["url"] for e in events if e.get("method") == "Network.requestWillBeSent"]
    return told + [url for url in asked if not url.startswith(("file:", "about:"))]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("pages")
    write(folder / "site", files(site, "ja"))
    run = shown(Runs().verified())
    for language in ("en", "ja"):
        (folder / f"run.{language}.html").write_text(rendered(run, language), encoding="utf-8")
        (folder / f"several.{language}.html").write_text(
            several_page.rendered([run, run], language), encoding="utf-8"
        )
    return folder


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_no_page_scrolls_sideways_or_asks_for_anything(port: int, pages: Path, width: int) -> None:
    chosen = [*pages.glob("*.html")]
    for language in ("en", "ja"):
        chosen += [pages / "site" / language / name for name in ("index.html", "services.html")]
        chosen += sorted((pages / "site" / language / "runbooks").iterdir())[:4]
        chosen += sorted((pages / "site" / language / "modes").iterdir())[:4]

    async def look(call: Call, events: list[dict[str, Any]]) -> Any:
        wide = {}
        for path in chosen:
            await _open(call, path, width)
            await _js(call, "document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            scrolls = await _js(call, "document.documentElement.scrollWidth")
            if scrolls > width:
                wide[str(path.relative_to(pages))] = scrolls
        return wide, _complaints(events)

    assert _in_browser(port, look) == ({}, [])


def test_the_search_shows_what_holds_every_word(port: int, pages: Path) -> None:
    async def look(call: Call, events: list[dict[str, Any]]) -> Any:
        await _open(call, pages / "site/en/index.html", 1280)
        seen = []
        for typed in ("", "promote primary", "プライマリが停止", "unobtainium"):
            await _js(
                call,
                f"box = document.getElementById('search'); box.value = {json.dumps(typed)};"
                "box.dispatchEvent(new Event('input'))",
            )
            seen.append(
                await _js(
                    call,
                    "[[...document.querySelectorAll('#modes tbody tr')].filter((row) => row.offsetHeight).length,"
                    " document.getElementById('found').textContent]",
                )
            )
        return seen, _complaints(events)

    assert _in_browser(port, look) == ([[12, ""], [1, "1 of 12"], [1, "1 of 12"], [0, "0 of 12"]], [])


def test_the_start_leads_to_the_chosen_language(port: int, pages: Path) -> None:
    async def look(call: Call, events: list[dict[str, Any]]) -> Any:
        await call("Page.navigate", url=(pages / "site/index.html").as_uri())
        for _ in range(200):
            if (
                await _js(call, "document.title + location.pathname.endsWith('/ja/index.html')")
                == "故障モードカタログtrue"
            ):
                return True
            await asyncio.sleep(0.05)
        return await _js(call, "location.href")

    assert _in_browser(port, look) is True


def test_a_page_prints(port: int, pages: Path) -> None:
    async def look(call: Call, events: list[dict[str, Any]]) -> Any:
        await _open(call, pages / "run.en.html", 1280)
        await call(
            "Emulation.setEmulatedMedia",
            media="print",
            features=[{"name": "prefers-color-scheme", "value": "dark"}],
        )
        ink = await _js(call, "getComputedStyle(document.body).backgroundColor")
        printed = await call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        await call("Emulation.setEmulatedMedia", media="", features=[])
        return ink, len(printed["data"]) > 10_000

    assert _in_browser(port, look) == ("rgb(255, 255, 255)", True)
