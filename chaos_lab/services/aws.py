"""Requests to AWS' APIs.

The SDK's own client blocks, and costs every process 17 MB and 0.1 s of CPU at start for descriptions
of services; the three services that we use need a handful of requests.
"""

from __future__ import annotations

import json
from typing import Any, Self

import aiohttp
from yarl import URL

from chaos_lab.services import calling, signing
from chaos_lab.services.calling import Names, Unavailable


class Refused(Unavailable):
    """The service answered, and said no."""

    def __init__(self, target: str, status: int, code: str) -> None:
        super().__init__(f"{target}: {status} {code}")
        self.status, self.code = status, code


class Aws:
    """One account in one region, reached by a caller's names. Needs a running event loop."""

    def __init__(self, config: dict[str, Any], names: Names) -> None:
        self.names = names
        self._signers = {name: signing.of_config(config, name) for name in ("s3", "secretsmanager", "sqs")}
        self._session = calling.session()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def json(self, target: str, service: str, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a service that speaks JSON answers. `target` is its name for the caller, `action` such as
        AmazonSQS.SendMessage. Raises Unavailable; Refused when the service itself said no."""
        version = "1.0" if service == "sqs" else "1.1"
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": action}
        data = json.dumps(body, ensure_ascii=False).encode()
        answered = await self.send(target, service, "POST", "/", data, headers)
        try:
            value = json.loads(answered or b"{}")
        except ValueError:
            raise Unavailable(f"{target}: {action} is not answered in JSON") from None
        return value if isinstance(value, dict) else {}

    async def s3(self, target: str, method: str, path: str, data: bytes = b"") -> bytes:
        """The body of S3's answer; `path` is percent-encoded. Raises Unavailable; Refused when S3 said no."""
        return await self.send(target, "s3", method, path, data, {})

    async def send(
        self,
        target: str,
        service: str,
        method: str,
        path: str,
        data: bytes,
        headers: dict[str, str],
    ) -> bytes:
        """One signed request, tried once: whoever calls knows whether to repeat it."""
        url = self.names.url(target) + path
        signed = self._signers[service].headers(method, url, data, headers)
        try:
            async with self._session.request(
                method, URL(url, encoded=True), data=data, headers=signed
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError too
            raise Unavailable(f"{target}: {calling.why(error)}") from None
        if response.status >= 300:
            raise Refused(target, response.status, _code(content))
        return content


def _code(content: bytes) -> str:
    """What the service calls the error: in JSON "__type", in S3's XML <Code>."""
    text = content.decode(errors="replace")
    if "<Code>" in text:
        return text.partition("<Code>")[2].partition("</Code>")[0]
    try:
        return str(json.loads(text)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())[:100]
