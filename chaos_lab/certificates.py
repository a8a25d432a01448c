"""The certificates of the edge: an authority of our own and one certificate signed by it."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from chaos_lab.places import write


def make(into: Path) -> None:
    """Write ca.pem, ca-key.pem, edge.pem and edge-key.pem into the existing directory `into`.

    The certificate is good for 127.0.0.1, ::1 and localhost, for ten years: a template may live long.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = datetime.datetime.now(datetime.UTC)
    since, until = now - datetime.timedelta(days=1), now + datetime.timedelta(days=3650)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def private(key: ec.EllipticCurvePrivateKey) -> str:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()

    def public(certificate: x509.Certificate) -> str:
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def usage(*, authority: bool) -> x509.KeyUsage:
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

    ca_key, ca_name = ec.generate_private_key(ec.SECP256R1()), named("Lab certificate authority")
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        x509.CertificateBuilder(
            ca_name, ca_name, ca_key.public_key(), x509.random_serial_number(), since, until
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(authority=True), critical=True)
        .add_extension(ca_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    loopback = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *map(x509.IPAddress, loopback)])
    certificate = (
        x509.CertificateBuilder(
            ca_name, named("edge"), key.public_key(), x509.random_serial_number(), since, until
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write(into / "ca-key.pem", private(ca_key))
    write(into / "ca.pem", public(ca))
    write(into / "edge-key.pem", private(key))
    write(into / "edge.pem", public(certificate))
