"""What a service answers when its handler raises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from chaos_lab.services.process import answer, log

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Expected = Mapping[type[Exception], Callable[[Any], web.Response]]  # an error of that kind → its answer


async def outcome(request: web.Request, handler: Handler, expected: Expected) -> web.StreamResponse:
    """The handler's answer, or that of `expected`, for middlewares. Never raises an Exception.

    An HTTP error names the request in JSON; everything else that is not expected is a bug, answered 500 and logged.
    """
    try:
        return await handler(request)
    except web.HTTPException as error:
        return answer({"error": f"{request.method} {request.path}: {error.reason}"}, error.status)
    except Exception as error:  # noqa: BLE001 - the edge of the service
        for kind, answered in expected.items():
            if isinstance(error, kind):
                return answered(error)
        log("bug", level="error", error=error, method=request.method, path=request.path)
        return answer({"error": "internal error"}, 500)
