"""How long the certificate is still good that an entry shows to those who connect.

certificate_expires_in_s {endpoint}   below zero: it has expired
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from typing import ClassVar

from cryptography import x509

from chaos_lab.services.alerting.probers.prober import Found, NoAnswer, Prober, series
from chaos_lab.services.process import Config, address


class Certificate:
    """One entry."""

    every: ClassVar[int] = 2

    def __init__(self, endpoint: str, where: str) -> None:
        self.name = f"certificate {endpoint}"
        self._endpoint = endpoint
        self._host, self._port = address(where)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # One that nobody should trust is to be looked at too: that is what we are here for.
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE

    async def look(self) -> Found:
        try:
            _, writer = await asyncio.open_connection(self._host, self._port, ssl=self._context)
        except ssl.SSLError as error:
            raise NoAnswer(f"handshake: {error.reason or error}") from None
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        try:
            until = x509.load_der_x509_certificate(shown).not_valid_after_utc
        except (TypeError, ValueError) as error:
            raise NoAnswer(f"shows a certificate that cannot be read: {error}") from None
        left_s = (until - datetime.now(UTC)).total_seconds()
        return {series("certificate_expires_in_s", endpoint=self._endpoint): left_s}

    def failed(self) -> Found:
        return {}


def of_config(config: Config) -> list[Prober]:
    direct = config.get("direct", {})
    return [Certificate("edge", str(direct["edge"]))] if "edge" in direct else []
