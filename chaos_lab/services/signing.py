"""Requests signed as AWS wants them, Signature Version 4: the probers need two services, not a whole SDK.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit


@dataclass(frozen=True)
class Signer:
    """Somebody's keys, for one service in one region."""

    access_key: str
    secret_key: str
    region: str
    service: str

    def headers(
        self, method: str, url: str, body: bytes, headers: dict[str, str], at: datetime | None = None
    ) -> dict[str, str]:
        """`headers` and those that sign them, the URL, and the body. The path must be plain ASCII."""
        split = urlsplit(url)
        at = at or datetime.now(UTC)
        day, digest = f"{at:%Y%m%d}", hashlib.sha256(body).hexdigest()
        signed = {name.lower(): value for name, value in headers.items()} | {
            "host": split.netloc,
            "x-amz-content-sha256": digest,
            "x-amz-date": f"{at:%Y%m%dT%H%M%SZ}",
        }
        names = ";".join(sorted(signed))
        query = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
            for name, value in sorted(parse_qsl(split.query, keep_blank_values=True))
        )
        lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed))
        request = "\n".join((method, split.path or "/", query, lines, names, digest))
        scope = f"{day}/{self.region}/{self.service}/aws4_request"
        wanted = "\n".join(
            ("AWS4-HMAC-SHA256", signed["x-amz-date"], scope, hashlib.sha256(request.encode()).hexdigest())
        )
        key = f"AWS4{self.secret_key}".encode()
        for word in (day, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        signature = hmac.digest(key, wanted.encode(), "sha256").hex()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return signed


def of_config(aws: dict[str, str], service: str) -> Signer:
    """The application's own keys: what it may not do, the probe may not do."""
    return Signer(str(aws["access_key"]), str(aws["secret_key"]), str(aws["region"]), service)
