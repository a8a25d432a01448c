"""One operation over the network, and what its ending means. aiohttp, trimmed to what a measurement needs.

No redirects, no cookies, no decompression, no proxy from the environment: what is measured is the service. Kept
connections are shared by all flows; a fresh operation gets a connection of its own, with name look-up and a full TLS
handshake, as a user's first visit does.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple

import aiohttp

from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.meter.template import Prepared
from chaos_ext.meter.writelog import Outcome, outcome_of_status

# Below the 5 s after which the least patient servers close: a write sent into a closing connection would fail.
_KEEP_S = 4.0
_NO_LIMITS = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_SAFE_TO_RETRY = ("GET", "PUT", "DELETE")  # aiohttp tries these again when a kept connection turns out closed


class Ending(NamedTuple):
    """How one operation ended."""

    ok: bool
    why: str
    outcome: Outcome  # what it means for a write
    status: int = 0  # of the answer; 0 without one
    body: bytes = b""


def trust(ca_file: str | None) -> ssl.SSLContext:
    """The TLS context: trusts `ca_file`, or the system when None. Raises UsageError."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError([Problem(str(ca_file), "ca_file", str(error), t("certificates in PEM"))]) from error
    # Python 3.13 asks for more than users' own clients do (key identifiers): what they accept must not fail here.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class Transport:
    """The connections of one meter. Lives in one event loop."""

    def __init__(self, context: ssl.SSLContext) -> None:
        keep = aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=_KEEP_S)
        once = aiohttp.TCPConnector(ssl=context, limit=0, force_close=True, use_dns_cache=False)
        self._kept, self._once = new_session(keep), new_session(once)

    async def send(self, method: str, ready: Prepared, expect: int, deadline_s: float, fresh: bool) -> Ending:
        """Send one operation and wait for the whole of its answer, at most until its deadline."""
        session = self._once if fresh else self._kept
        try:
            async with (
                asyncio.timeout(deadline_s),
                session.request(
                    method, ready.url, headers=ready.headers, data=ready.body, allow_redirects=False
                ) as answer,
            ):
                body = await answer.read()
        except TimeoutError:
            return Ending(False, "deadline", "indeterminate")
        except aiohttp.ClientConnectorError as error:
            # Nothing was sent, unless this was the second try of a request that aiohttp repeats.
            sent = method in _SAFE_TO_RETRY and not fresh
            return Ending(False, _why(error), "indeterminate" if sent else "failed")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Ending(False, _why(error), "indeterminate")
        if answer.status == expect:
            return Ending(True, "", "ok", expect, body)
        outcome = outcome_of_status(answer.status, expect)
        return Ending(False, f"status {answer.status}", outcome, answer.status, body)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._kept.close()
        await self._once.close()


def new_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """A session that adds nothing of its own to what is asked."""
    return aiohttp.ClientSession(
        connector=connector,
        timeout=_NO_LIMITS,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "chaos-ext-meter"},
        skip_auto_headers=("Accept-Encoding",),
        auto_decompress=False,
    )


def _why(error: Exception) -> str:
    """A few steady words for what went wrong, so that equal failures read equal."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return f"tls: {_reason(error)}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "name not found"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "disconnected"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "refused"
    if isinstance(cause, ConnectionResetError | BrokenPipeError | aiohttp.ClientPayloadError):
        return "reset"
    return f"{type(cause).__name__}: {cause}"[:120]


def _reason(error: Exception) -> str:
    inner: BaseException = error
    while inner.__cause__ is not None:
        inner = inner.__cause__
    if isinstance(inner, ssl.SSLCertVerificationError):
        return str(inner.verify_message)
    return str(getattr(inner, "reason", None) or inner)[:120]
