"""The certificates of the edge: an authority of our own, what it signs, and the tool that operators have for it.

Issuing replaces the files; the edge serves what it has loaded until it is told to load anew.
"""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import socket
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_lab.errors import LabProblem
from chaos_lab.places import Lab, write

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

EDGE_DAYS = 90  # what `issue` gives, unless asked for something else
TEMPLATE_DAYS = 3650  # a template may live long
_ANSWER_S = 5.0


def make(into: Path) -> None:
    """Write ca.pem, ca-key.pem, edge.pem and edge-key.pem into the existing directory `into`.

    The certificate is good for 127.0.0.1, ::1 and localhost.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    since, until = _from_yesterday(TEMPLATE_DAYS)
    key, name = ec.generate_private_key(ec.SECP256R1()), _named("Lab certificate authority")
    ca = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), since, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write(into / "ca-key.pem", _private(key))
    write(into / "ca.pem", _public(ca))
    issue(into, TEMPLATE_DAYS)


def issue(tls: Path, days: int = EDGE_DAYS) -> datetime.datetime:
    """Replace edge.pem and edge-key.pem by a new key and a certificate of the authority in `tls`.

    Good for `days` days from now; returns until when. Raises OSError, and ValueError for files that are
    not an authority.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    ca = x509.load_pem_x509_certificate((tls / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((tls / "ca-key.pem").read_bytes(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{tls / 'ca-key.pem'}: not a key of this authority's kind")
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    since, until = _from_yesterday(days)
    key = ec.generate_private_key(ec.SECP256R1())
    loopback = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *map(x509.IPAddress, loopback)])
    certificate = (
        x509.CertificateBuilder(
            ca.subject, _named("edge"), key.public_key(), x509.random_serial_number(), since, until
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write(tls / "edge-key.pem", _private(key))
    write(tls / "edge.pem", _public(certificate))
    return until


def _from_yesterday(days: int) -> tuple[datetime.datetime, datetime.datetime]:
    now = datetime.datetime.now(datetime.UTC)
    return now - datetime.timedelta(days=1), now + datetime.timedelta(days=days)


def _named(name: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization

    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def _public(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _usage(*, authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


# --- the tool -------------------------------------------------------------------------------------


def served(host: str, port: int) -> x509.Certificate:
    """The certificate that is served there now, good or not. Raises OSError."""
    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), _ANSWER_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        sent = secure.getpeercert(binary_form=True)
    if sent is None:
        raise OSError(f"{host}:{port} showed no certificate")
    return x509.load_der_x509_certificate(sent)


def distrust(host: str, port: int, ca_file: Path) -> str:
    """Why a client that knows the authority would not speak to it; nothing when it would."""
    context = ssl.create_default_context(cafile=str(ca_file))
    try:
        with (
            socket.create_connection((host, port), _ANSWER_S) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)


def show(where: str, ca_file: Path) -> tuple[list[str], bool]:
    """What is served at HOST:PORT, line by line, and whether clients trust it."""
    host, _, port = where.removeprefix("https://").rstrip("/").rpartition(":")
    if not host or not port.isdecimal():
        raise LabProblem(f"certificate: got {where!r}, expected HOST:PORT such as 127.0.0.1:8443.")
    try:
        certificate = served(host, int(port))
        why_not = distrust(host, int(port), ca_file)
    except OSError as error:
        raise LabProblem(f"certificate: {where}: {error}") from None
    until = certificate.not_valid_after_utc
    left = until - datetime.datetime.now(datetime.UTC)
    ago = "expired " if left.total_seconds() < 0 else "expires in "
    return [
        f"subject     {certificate.subject.rfc4514_string()}",
        f"issuer      {certificate.issuer.rfc4514_string()}",
        f"serial      {certificate.serial_number:x}",
        f"not before  {certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        f"not after   {until:%Y-%m-%dT%H:%M:%SZ}",
        f"{ago}{_span(abs(left))}{' ago' if left.total_seconds() < 0 else ''}",
        f"trusted     {f'no: {why_not}' if why_not else 'yes'}",
    ], not why_not


def _span(left: datetime.timedelta) -> str:
    hours, rest = divmod(left.seconds, 3600)
    return f"{left.days} days {hours:02}:{rest // 60:02}:{rest % 60:02}"


def main() -> None:
    """The tool; exit 1 with a line that says why."""
    parser = argparse.ArgumentParser(
        prog="certificate",
        description="The certificate that the edge shows to users.",
        epilog="example: certificate issue && supervisorctl signal HUP edge",
    )
    parser.add_argument("--lab", type=Path, required=True, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = commands.add_parser("show", help="what is served at an address", description=show.__doc__)
    made.add_argument("address", metavar="HOST:PORT")
    made.add_argument("--check", action="store_true", help="exit 1 unless clients trust it now")
    made = commands.add_parser("issue", help="a new one for the edge", description=issue.__doc__)
    made.add_argument(
        "--days", type=int, default=EDGE_DAYS, metavar="N", help=f"good for; default {EDGE_DAYS}"
    )
    arguments = parser.parse_args()
    lab = Lab(arguments.lab)
    try:
        if arguments.command == "issue":
            if arguments.days < 1:
                raise LabProblem(f"certificate: --days: got {arguments.days}, expected at least 1.")
            until = issue(lab.tls, arguments.days)
            print(f"{lab.tls / 'edge.pem'}: good until {until:%Y-%m-%dT%H:%M:%SZ}")
            print("The edge serves it after: supervisorctl signal HUP edge")
            return
        lines, trusted = show(arguments.address, lab.tls / "ca.pem")
        print("\n".join(lines))
    except (LabProblem, ValueError) as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"certificate: {error.filename or 'file'}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0 if trusted or not arguments.check else 1)
