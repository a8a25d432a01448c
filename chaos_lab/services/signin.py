"""Sign-in: a password for a token at the identity provider, a token for a session of our own."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import aiohttp
import jwt

from chaos_lab.services import calling
from chaos_lab.services.cache import Cache
from chaos_lab.services.calling import Names, Unavailable
from chaos_lab.services.process import log

SESSION_S = 3600.0
LEEWAY_S = 5  # between the provider's clock and ours


class WrongPassword(Exception):
    """The identity provider does not know this user with this password."""


class SignIn:
    """OpenID Connect's password grant. Needs a running event loop."""

    def __init__(self, config: dict[str, Any], names: Names, cache: Cache) -> None:
        self._issuer, self._client_id = str(config["issuer"]), str(config["client_id"])
        self._names, self._cache = names, cache
        self._session = calling.session()
        self._keys: dict[str, jwt.PyJWK] = {}

    async def close(self) -> None:
        await self._session.close()

    async def session(self, user: str, password: str) -> str:
        """The id of a new session. Raises WrongPassword; Unavailable when the provider does not answer,
        its token cannot be trusted, or the session cannot be kept."""
        about = await self._get(self._names.url("identity") + "/identity/.well-known/openid-configuration")
        form = {
            "grant_type": "password",
            "client_id": self._client_id,
            "username": user,
            "password": password,
        }
        token = await self._ask("POST", str(about["token_endpoint"]), form)
        claims = await self._verified(str(token["id_token"]), str(about["jwks_uri"]))
        session = secrets.token_urlsafe(24)
        kept = json.dumps({"user": claims["sub"], "since": time.time()}).encode()
        await self._cache.set(f"session:{session}", kept, SESSION_S)
        return session

    async def _verified(self, token: str, keys_at: str) -> dict[str, Any]:
        """The claims of a token that the provider signed for us."""
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            if kid not in self._keys:  # the provider changes its keys when it likes
                await self._fetch_keys(keys_at)
            if kid not in self._keys:
                raise Unavailable(f"identity: signed with a key that it does not publish: {kid}")
            return dict(
                jwt.decode(
                    token,
                    self._keys[kid],
                    algorithms=["ES256", "RS256"],
                    audience=self._client_id,
                    issuer=self._issuer,
                    leeway=LEEWAY_S,
                    options={"require": ["exp", "iat", "sub"]},
                )
            )
        except jwt.PyJWTError as error:
            raise Unavailable(f"identity: a token that cannot be trusted: {error}") from None

    async def _fetch_keys(self, url: str) -> None:
        published = await self._get(url)
        self._keys = {key["kid"]: jwt.PyJWK(key) for key in published["keys"]}
        log("keys-fetched", keys=list(self._keys))

    async def _get(self, url: str) -> dict[str, Any]:
        return await self._ask("GET", url, None)

    async def _ask(self, method: str, url: str, form: dict[str, str] | None) -> dict[str, Any]:
        try:
            async with self._session.request(method, url, data=form) as response:
                content = await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError too
            raise Unavailable(f"identity: {calling.why(error)}") from None
        try:
            said = json.loads(content)
        except ValueError:
            said = None
        if isinstance(said, dict):
            if response.status == 400 and said.get("error") == "invalid_grant":  # RFC 6749, 5.2
                raise WrongPassword
            if response.status == 200:
                return said
        raise Unavailable(f"identity: {url} answers {response.status}")
