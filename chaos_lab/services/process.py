"""What every service process has in common: configuration, JSON log, listening, ending in order."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiohttp import web

KEEPALIVE_S = 75.0  # longer than any client of ours keeps an idle connection, so that the client closes first
IN_FLIGHT_S = 3.0  # how long requests that are being answered may take when the process ends

Config = dict[str, Any]

_part = "?"
_listening = False


class CannotStart(Exception):
    """The configuration is fine, but not here and now: a busy port."""


class BadConfig(Exception):
    """The configuration cannot be used; the message says where, what was got and what was expected."""


def log(event: str, *, level: str = "info", error: BaseException | None = None, **fields: object) -> None:
    """Writes one JSON line to standard output, which the supervisor keeps in the part's log file.

    `error` adds the traceback: for bugs only, not for what is expected to fail now and then.
    """
    line: dict[str, object] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "part": _part,
        "event": event,
        **fields,
    }
    if error is not None:
        line["error"] = "".join(traceback.format_exception(error))
    # Nobody to log to (the supervisor died, its disk is full) is no reason not to answer requests.
    # Unbuffered: a line that could not be written must not be tried again at exit, which would end with 120.
    with contextlib.suppress(OSError):
        os.write(1, (json.dumps(line, ensure_ascii=False, default=str) + "\n").encode())


class _LibraryLog(logging.Handler):
    """Brings what aiohttp and asyncio log into the same file and form."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log(record.name, level=record.levelname.lower(), error=error, why=record.getMessage())


def read_json(path: Path) -> Config:
    """The JSON object in a file. Raises BadConfig."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadConfig(f"{path}: is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadConfig(f"{path}: got {type(value).__name__}, expected a JSON object")
    return value


def address(text: object) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:8080``. Raises BadConfig."""
    host, colon, port = str(text).rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise BadConfig(f"got {text!r}, expected host:port such as '127.0.0.1:8080'")
    return host, int(port)


def run(part: str, main: Callable[[Path, Config], Coroutine[Any, Any, None]]) -> None:
    """Runs a service as this process: reads ``--config FILE``, calls `main(path, config)`, exits.

    Exit codes: 0 after an orderly end, 1 when it could not start (busy port), 2 for a wrong command
    line or configuration.
    """
    run_threads(part, lambda path, config: asyncio.run(main(path, config)))


def run_threads(part: str, main: Callable[[Path, Config], None]) -> None:
    """The same for a service without an event loop."""
    global _part
    parser = argparse.ArgumentParser(prog=part)
    parser.add_argument("--config", required=True, type=Path, metavar="FILE")
    path: Path = parser.parse_args().config
    _part = part
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryLog()])
    try:
        config = read_json(path)
        _part = str(config.get("name", part))
        main(path, config)
    except BadConfig as error:
        log("bad-config", level="error", why=str(error))
        sys.exit(2)
    except KeyError as error:
        if _listening:
            raise  # the configuration was read before: a bug
        log("bad-config", level="error", why=f"{path}: {error} is missing")
        sys.exit(2)
    except CannotStart as error:
        log("cannot-start", level="error", why=str(error))
        sys.exit(1)


async def until_told_to_stop() -> None:
    """Returns at SIGTERM or SIGINT. From here on neither ends the process by itself."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


async def listen(
    what: web.Application | web.Server, where: object, *, ssl: SSLContext | None = None
) -> web.BaseRunner:
    """Serves `what` at `where` until the runner's ``cleanup()``.

    `where` is ``host:port``; port 0 takes any free one, which the log tells.

    Raises CannotStart when the port is busy.
    """
    host, port = address(where)
    runner: web.BaseRunner
    if isinstance(what, web.Application):
        runner = web.AppRunner(
            what, access_log=None, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=IN_FLIGHT_S
        )
    else:
        runner = web.ServerRunner(what, shutdown_timeout=IN_FLIGHT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=ssl, backlog=512).start()
    except OSError as error:
        await runner.cleanup()
        raise CannotStart(str(error)) from None
    global _listening
    _listening = True
    log("listening", at_address="{}:{}".format(*runner.addresses[0][:2]), tls=ssl is not None)
    return runner


def answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON response."""
    body = json.dumps(value, ensure_ascii=False, default=str).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
