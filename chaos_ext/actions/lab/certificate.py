"""The edge of the lab serves a certificate that has expired, as when nobody renewed it."""

import datetime
import os
import shutil
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.language import t
from chaos_ext.safety import supervisor

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["certificate_is_expired", "install_expired_certificate", "restore_certificate"]

_PROGRAM = "edge"
_FILES = ("edge.pem", "edge-key.pem")
_HANDSHAKE_S = 2.0
_SERVED_WITHIN_S = 10.0  # after the edge was told to load its certificate anew
_EXPIRED_AGO = datetime.timedelta(hours=1)
_GOOD_FOR = datetime.timedelta(days=90)


@dataclass(frozen=True)
class _Edge:
    host: str
    port: int
    tls: Path
    socket: Path
    aside: Path  # where the files are that the fault replaced


def install_expired_certificate(configuration: Configuration = None) -> dict[str, Any]:
    """Replace the edge's certificate by one that expired an hour ago, and have the edge serve it.

    The same key, names and issuer as the one in use; only its days are over. What it replaces is kept aside. The
    edge is told to load it as after a renewal, so open connections end and every client meets it. Returns
    ``{"serial", "not_after", "replaced"}``. Raises ActivityFailed when what is served is not good before, or
    the edge does not serve the expired one within 10 s. Undone by: `restore_certificate`.

    Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5 (validity).

    YAML::

        type: action
        name: install-expired-certificate
        provider:
          type: python
          module: chaos_ext.actions.lab.certificate
          func: install_expired_certificate
    """
    edge = _edge(configuration)
    good = _served(edge)
    if good.not_valid_after_utc <= _now():
        raise ActivityFailed(t("{edge}: got a certificate that has expired already.", edge=_at(edge)))
    if edge.aside.exists():
        raise ActivityFailed(
            t(
                "{place}: got what a certificate replaced before, expected none. Run 'chaos heal'.",
                place=edge.aside,
            )
        )
    expired = _expired(edge)
    _keep_aside(edge)
    _write(edge.tls / _FILES[0], expired.public_bytes(_pem()))
    _load(edge)
    _wait_until(edge, expired.serial_number)
    return {
        "serial": f"{expired.serial_number:x}",
        "not_after": expired.not_valid_after_utc.isoformat(),
        "replaced": f"{good.serial_number:x}",
    }


def certificate_is_expired(configuration: Configuration = None) -> dict[str, Any]:
    """Whether a client that connects to the edge now is shown a certificate that has expired.

    Makes two handshakes: one that accepts everything and reads the certificate, and one that trusts the lab's
    authority and must be refused. Looks at no file. Raises ActivityFailed when nobody answers. Changes nothing.

    YAML::

        type: probe
        name: certificate-is-expired
        provider:
          type: python
          module: chaos_ext.actions.lab.certificate
          func: certificate_is_expired
    """
    edge = _edge(configuration)
    served = _served(edge)
    refused = _refused(edge)
    expired = served.not_valid_after_utc <= _now()
    return {
        "holds": expired and bool(refused),
        "serial": f"{served.serial_number:x}",
        "not_after": served.not_valid_after_utc.isoformat(),
        "clients": refused or "accept it",
    }


def restore_certificate(configuration: Configuration = None) -> dict[str, Any]:
    """Put the certificate back that was replaced, unless the edge serves a good one again.

    Superseded when clients accept what is served although the fault was in: somebody issued a new one. Harmless
    when repeated. Returns ``{"outcome": "undone" | "superseded" | "already", "why"}``. Raises ActivityFailed
    when the edge does not serve a good certificate within 10 s.

    YAML::

        type: action
        name: restore-certificate
        provider:
          type: python
          module: chaos_ext.actions.lab.certificate
          func: restore_certificate
    """
    edge = _edge(configuration)
    if not edge.aside.exists():
        return {"outcome": "already", "why": t("the certificate was not replaced")}
    if not _refused(edge) and not _is_expired(edge.tls / _FILES[0]):
        _forget(edge)
        return {"outcome": "superseded", "why": t("the edge serves a certificate that clients accept")}
    for name in reversed(_FILES):  # the key first: a certificate without its key cannot be loaded
        if (edge.aside / name).exists():
            _write(edge.tls / name, (edge.aside / name).read_bytes())
    _load(edge)
    _wait_until(edge, _loaded(edge.tls / _FILES[0]).serial_number)
    _forget(edge)
    return {"outcome": "undone", "why": t("the edge serves the certificate from before again")}


def _edge(configuration: Configuration = None) -> _Edge:
    facts = proven.facts(configuration)
    url = urlsplit(facts["edge"]["url"])
    assert url.hostname is not None
    assert url.port is not None
    tls = Path(facts["tls"])
    return _Edge(
        url.hostname,
        url.port,
        tls,
        Path(facts["supervisor"]["socket"]),
        Path(facts["dir"]) / ".certificate-replaced",
    )


def _at(edge: _Edge) -> str:
    return f"{edge.host}:{edge.port}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _pem() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.PEM


def _loaded(path: Path) -> "x509.Certificate":
    from cryptography import x509

    return x509.load_pem_x509_certificate(path.read_bytes())


def _is_expired(path: Path) -> bool:
    return _loaded(path).not_valid_after_utc <= _now()


def _served(edge: _Edge) -> "x509.Certificate":
    """What is shown to a client that accepts everything."""
    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((edge.host, edge.port), _HANDSHAKE_S) as plain,
            context.wrap_socket(plain, server_hostname=edge.host) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError as error:
        raise ActivityFailed(
            t("{edge}: got {error}, expected a handshake", edge=_at(edge), error=error)
        ) from error
    assert shown is not None  # a server has one
    return x509.load_der_x509_certificate(shown)


def _refused(edge: _Edge) -> str:
    """Why a client that trusts the lab's authority refuses the edge; nothing when it does not."""
    context = ssl.create_default_context(cafile=str(edge.tls / "ca.pem"))
    try:
        with (
            socket.create_connection((edge.host, edge.port), _HANDSHAKE_S) as plain,
            context.wrap_socket(plain, server_hostname=edge.host),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError as error:
        raise ActivityFailed(
            t("{edge}: got {error}, expected a handshake", edge=_at(edge), error=error)
        ) from error


def _expired(edge: _Edge) -> "x509.Certificate":
    """The certificate in use, signed anew for days that are over."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    now, used = _now(), _loaded(edge.tls / _FILES[0])
    authority = _loaded(edge.tls / "ca.pem")
    key = serialization.load_pem_private_key((edge.tls / "ca-key.pem").read_bytes(), None)
    builder = x509.CertificateBuilder(
        authority.subject,
        used.subject,
        used.public_key(),
        x509.random_serial_number(),
        now - _EXPIRED_AGO - _GOOD_FOR,
        now - _EXPIRED_AGO,
    )
    for extension in used.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]


def _keep_aside(edge: _Edge) -> None:
    """Whole or not at all: what is kept half could not be put back."""
    fresh = edge.aside.with_suffix(".part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    for name in _FILES:
        shutil.copy2(edge.tls / name, fresh / name)
    fresh.rename(edge.aside)


def _forget(edge: _Edge) -> None:
    shutil.rmtree(edge.aside, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    os.replace(fresh, path)


def _load(edge: _Edge) -> None:
    try:
        supervisor.call(edge.socket, "supervisor.signalProcess", _PROGRAM, "HUP")
    except supervisor.SupervisorError as error:
        raise ActivityFailed(str(error)) from error


def _wait_until(edge: _Edge, serial: int) -> None:
    deadline = time.monotonic() + _SERVED_WITHIN_S
    while _served(edge).serial_number != serial:
        if time.monotonic() > deadline:
            raise ActivityFailed(
                t(
                    "{edge}: got another certificate {seconds:g} s after it was told to load its own anew",
                    edge=_at(edge),
                    seconds=_SERVED_WITHIN_S,
                )
            )
        time.sleep(0.05)
