"""Serves the page on the loopback interface, under a path that nobody can guess.

Logs are nobody else's business: other users of the machine can connect to the port too, and so can any
page in the browser; they do not know the path, and a name that is not ours is refused.
"""

from __future__ import annotations

import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chaos_lab.page import html, looking
from chaos_lab.page.words import Language, preferred, say
from chaos_lab.places import Lab

_FRESH_S = 1.0  # one look serves all who ask within this


class Server(ThreadingHTTPServer):
    """The page of one lab. `language` None leaves the choice to each browser."""

    daemon_threads = True

    def __init__(self, lab: Lab, language: Language | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.lab, self.language = lab, language
        self.base = f"/{secrets.token_urlsafe(16)}/"
        self._lock = threading.Lock()
        self._look: tuple[float, looking.Look] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{self.base}"

    def look(self) -> looking.Look:
        with self._lock:
            if self._look is None or time.monotonic() - self._look[0] > _FRESH_S:
                look = looking.look(self.lab)
                self._look = (time.monotonic(), look)
            return self._look[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no error of ours; anything else is told as the standard library does."""
        import sys

        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 30
    server_version = "chaos-lab"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Host", "") not in self._our_names():
            self._answer(403, "text/plain", "This name is not ours.\n")
            return
        language = self.server.language or preferred(self.headers.get("Accept-Language", ""))
        path = self.path.partition("?")[0]
        if not path.startswith(self.server.base):
            self._answer(404, "text/plain", say(language, "There is no such page.") + "\n")
            return
        nonce = secrets.token_urlsafe(12)
        body = self._body(path.removeprefix(self.server.base), language, nonce)
        if body is None:
            self._answer(404, "text/plain", say(language, "There is no such page.") + "\n")
        else:
            self._answer(200, "text/html", body, nonce)

    do_HEAD = do_GET

    def _body(self, path: str, language: Language, nonce: str) -> str | None:
        lab = self.server.lab
        if path in ("", "now"):
            content = html.lab(language, self.server.look(), looking.logs(lab), html.now())
            if path:
                return content
            return html.document(language, say(language, "Lab {name}", name=lab.name), content, "now", nonce)
        folder, _, name = path.partition("/")
        if folder not in ("logs", "tail"):
            return None
        text = looking.tail(lab, name)
        if text is None:
            return None
        content = html.log(language, name, text)
        if folder == "tail":
            return content
        return html.document(
            language, say(language, "Log of {part}", part=name), content, f"../tail/{name}", nonce
        )

    def _our_names(self) -> tuple[str, ...]:
        port = self.server.server_port
        return (f"127.0.0.1:{port}", f"localhost:{port}")

    def _answer(self, status: int, kind: str, text: str, nonce: str = "") -> None:
        content = text.encode()
        self.send_response(status)
        policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        if nonce:
            policy += f"; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'"
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept-Language",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Not a line for every look."""
