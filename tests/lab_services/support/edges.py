"""An edge as a process, and the certificate it shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import requests
from lab_services.support.parts import Part


@dataclass
class Certificate:
    """A certificate for 127.0.0.1 that signs itself, so it is its own CA file."""

    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str = "edge", common_name: str = "edge") -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    paths.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@dataclass
class Edge:
    """A running edge and how to reach it."""

    part: Part
    config: dict[str, Any]
    session: requests.Session

    @property
    def url(self) -> str:
        return f"https://{self.config['listen']}"

    @property
    def inside(self) -> str:
        return f"http://{self.config['metrics']}"

    def metric(self, series: str) -> float:
        """The value of a series written as on the page, 0 when it is not there."""
        for line in requests.get(f"{self.inside}/metrics", timeout=5).text.splitlines():
            if line.startswith(f"{series} "):
                return float(line.rpartition(" ")[2])
        return 0.0
