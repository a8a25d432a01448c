"""Companies that the product and its people depend on, in one process: an identity provider, a mail service, a pager.

The identity provider speaks OpenID Connect as far as the product needs it: discovery, keys, and the
password grant. It signs with a key that it makes when it starts, so a restart is a change of keys.
The mail service accepts a message once per idempotency key and counts. The pager is `pager`'s.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from chaos_lab.services import metrics, process
from chaos_lab.services.pager import Pager
from chaos_lab.services.process import answer, log

TOKEN_GOOD_FOR_S = 3600
_MAILS_REMEMBERED = 200_000


class Identity:
    """Who may sign in, and the tokens that say so."""

    def __init__(self, config: dict[str, Any]) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.issuer, self.client = str(config["issuer"]), str(config["client_id"])
        self._accounts: dict[str, str] = dict(config["accounts"])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._kid = secrets.token_hex(8)
        self.tokens = metrics.Counter("identity_tokens_total", "Answers to requests for a token.", "outcome")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/identity/.well-known/openid-configuration", self.discovery),
            web.get("/identity/keys", self.keys),
            web.post("/identity/token", self.token),
        ]

    async def discovery(self, request: web.Request) -> web.Response:
        # What can be reached is reached the way the caller came: through its own proxy.
        here = f"{request.scheme}://{request.host}/identity"
        return answer(
            {
                "issuer": self.issuer,
                "token_endpoint": f"{here}/token",
                "jwks_uri": f"{here}/keys",
                "grant_types_supported": ["password"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    async def keys(self, request: web.Request) -> web.Response:
        numbers = self._key.public_key().public_numbers()

        def encoded(number: int) -> str:
            return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()

        return answer(
            {
                "keys": [
                    {
                        "kty": "EC",
                        "crv": "P-256",
                        "use": "sig",
                        "alg": "ES256",
                        "kid": self._kid,
                        "x": encoded(numbers.x),
                        "y": encoded(numbers.y),
                    }
                ]
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        """RFC 6749, section 4.3: the owner's password against a token."""
        import jwt

        form = await request.post()
        if form.get("grant_type") != "password" or form.get("client_id") != self.client:
            self.tokens.add("refused")
            return answer({"error": "unauthorized_client"}, 400)
        user, password = str(form.get("username", "")), str(form.get("password", ""))
        known = self._accounts.get(user, "")
        if not known or not secrets.compare_digest(known.encode(), password.encode()):
            self.tokens.add("refused")
            return answer({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.issuer, "aud": self.client, "sub": user}
        claims |= {"iat": now, "exp": now + TOKEN_GOOD_FOR_S}
        token = jwt.encode(claims, self._key, "ES256", {"kid": self._kid})
        self.tokens.add("issued")
        said = {"access_token": token, "id_token": token, "token_type": "Bearer"}
        return answer({**said, "expires_in": TOKEN_GOOD_FOR_S}, headers={"Cache-Control": "no-store"})


class Mail:
    """Accepts messages and counts them; the same idempotency key is the same message."""

    def __init__(self) -> None:
        self._accepted: dict[str, dict[str, str]] = {}
        self.messages = metrics.Counter("mail_messages_total", "Answers to messages.", "outcome")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/mail/messages", self.accept),
            web.get("/mail/messages", self.count),
            web.get("/mail/messages/{key}", self.show),
        ]

    async def accept(self, request: web.Request) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        try:
            message = await request.json()
        except ValueError:
            message = None
        if not key or not isinstance(message, dict) or not {"to", "subject", "text"} <= set(message):
            self.messages.add("refused")
            wanted = "a JSON object with to, subject and text, and the header Idempotency-Key"
            return answer({"error": f"expected {wanted}"}, 400)
        if known := self._accepted.get(key):
            self.messages.add("repeated")
            return answer(known)
        if len(self._accepted) >= _MAILS_REMEMBERED:
            del self._accepted[next(iter(self._accepted))]
        accepted = {"id": secrets.token_hex(12), "key": key, "to": str(message["to"])}
        accepted["accepted_at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._accepted[key] = accepted
        self.messages.add("accepted")
        return answer(accepted, 202)

    async def count(self, request: web.Request) -> web.Response:
        return answer({"accepted": len(self._accepted)})

    async def show(self, request: web.Request) -> web.Response:
        known = self._accepted.get(request.match_info["key"])
        return answer(known) if known else answer({"error": "no such message"}, 404)


async def main(path: Path, config: process.Config) -> None:
    identity, mail, pager = Identity(config["identity"]), Mail(), Pager()
    app = web.Application()
    app.add_routes([*identity.routes(), *mail.routes(), *pager.routes()])

    async def health(request: web.Request) -> web.Response:
        return answer({"status": "ok"})

    async def page(request: web.Request) -> web.Response:
        return metrics.page(identity.tokens, mail.messages, pager.notifications)

    app.router.add_get("/healthz", health)
    app.router.add_get("/metrics", page)
    stop = asyncio.create_task(process.until_told_to_stop())
    runner = await process.listen(app, config["listen"])
    log("started")
    await stop
    await runner.cleanup()
    log("stopped")


if __name__ == "__main__":
    process.run("providers", main)
