"""Whether a small object can be put into the application's bucket and read back, with its own keys.

storage_put_ok   1 or 0
"""

from __future__ import annotations

import os
from typing import ClassVar

import aiohttp

from chaos_lab.services import signing
from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config

_OBJECT = "probe/alerting"


class Storage:
    """One bucket."""

    every: ClassVar[int] = 2
    name = "storage"

    def __init__(self, where: str, bucket: str, signer: signing.Signer) -> None:
        self._url, self._signer = f"http://{where}/{bucket}/{_OBJECT}", signer

    async def look(self) -> Found:
        body = os.urandom(16)  # so that what is read is what was put just now
        async with aiohttp.ClientSession() as session:
            try:
                _, version = await self._request(session, "PUT", self._url, body)
                read, _ = await self._request(session, "GET", self._url)
                if version:  # a bucket that keeps all versions must not fill with ours
                    await self._request(session, "DELETE", f"{self._url}?versionId={version}", may_fail=True)
            except aiohttp.ClientError as error:
                raise NoAnswer(str(error) or type(error).__name__) from None
        if read != body:
            raise NoAnswer("what is read back is not what was put")
        return {series("storage_put_ok"): 1.0}

    async def _request(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        body: bytes = b"",
        *,
        may_fail: bool = False,
    ) -> tuple[bytes, str]:
        headers = self._signer.headers(method, url, body, {})
        async with session.request(method, url, data=body or None, headers=headers) as response:
            content = await response.read()
            if response.status not in (200, 204) and not may_fail:
                raise NoAnswer(f"{method} answers {response.status}")
            return content, response.headers.get("x-amz-version-id", "")

    def failed(self) -> Found:
        return {series("storage_put_ok"): 0.0}


def of_config(config: Config) -> list[Prober]:
    aws, direct = config.get("aws", {}), config.get("direct", {})
    if not aws or "storage" not in direct:
        return []
    return [Storage(str(direct["storage"]), str(aws["bucket"]), signing.of_config(aws, "s3"))]
