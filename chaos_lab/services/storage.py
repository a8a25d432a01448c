"""Objects in the bucket of exports: S3."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from chaos_lab.services.aws import Aws


class Bucket:
    """One bucket. Both methods raise Unavailable; Refused, which is one, when the storage said no."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._aws, self._name = aws, name

    async def put(self, key: str, content: bytes) -> None:
        """Stores an object; what had its key before stays as an older version."""
        await self._aws.s3("storage", "PUT", self._path(key), content)

    async def get(self, key: str) -> bytes:
        """The newest version of an object."""
        return await self._aws.s3("storage", "GET", self._path(key))

    def _path(self, key: str) -> str:
        return f"/{self._name}/{quote(key, safe='/~')}"


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON, one a line."""
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows).encode()
