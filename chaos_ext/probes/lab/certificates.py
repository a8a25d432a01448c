"""The certificates of the lab: who signed them, for whom, and until when; and what the edge really shows."""

import hashlib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.language import t

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["certificate_state"]

NEEDS = ("cryptography.x509",)  # imported before it is used first
_HANDSHAKE_S = 2.0


def certificate_state(configuration: Configuration = None) -> dict[str, Any]:
    """Issuer, subject, names, validity and key of every certificate, and which of them the edge shows its clients.

    Serial numbers are not in it. Raises ActivityFailed when there is no certificate at all. Changes nothing.

    YAML::

        type: probe
        name: certificates
        provider: {type: python, module: chaos_ext.probes.lab.certificates, func: certificate_state, arguments: {}}
    """
    from cryptography import x509

    facts = proven.facts(configuration)
    files = {
        path.stem: x509.load_pem_x509_certificate(path.read_bytes())
        for path in sorted(Path(facts["tls"]).glob("*.pem"))
        if b"BEGIN CERTIFICATE" in path.read_bytes()
    }
    if not files:
        raise ActivityFailed(t("{folder}: got no certificate, expected the lab's", folder=facts["tls"]))
    url = urlsplit(facts["edge"]["url"])
    address = (str(url.hostname), int(url.port or 443))
    try:
        served = x509.load_pem_x509_certificate(
            ssl.get_server_certificate(address, timeout=_HANDSHAKE_S).encode()
        )
    except ConnectionRefusedError as error:
        shown = f"no handshake: {error}"
    else:
        shown = next((name for name, each in files.items() if each == served), "another certificate")
    return {"files": {name: _described(each) for name, each in files.items()}, "edge_shows": shown}


def _described(certificate: "x509.Certificate") -> dict[str, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "subject": certificate.subject.rfc4514_string(),
        "names": sorted(str(name.value) for name in names),
        "valid_from": certificate.not_valid_before_utc.isoformat(),
        "valid_until": certificate.not_valid_after_utc.isoformat(),
        "key": hashlib.sha256(key).hexdigest()[:12],
    }
