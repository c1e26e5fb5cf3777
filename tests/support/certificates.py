"""Certificates for tests: an authority of their own, and a server's certificate that it signed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(hours=1)


@dataclass(frozen=True)
class ServerCertificate:
    """Files of the server's certificate, its key, and the authority's certificate."""

    certificate: Path
    key: Path
    authority: Path


def create_certificate(folder: Path, host: str) -> ServerCertificate:
    """A certificate for this host name."""
    authority_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority_name = _name("authority of a test")
    authority = _builder(authority_name, authority_name, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    server = _builder(_name(host), authority_name, key).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
    )
    files = ServerCertificate(folder / "server.pem", folder / "server.key", folder / "authority.pem")
    files.authority.write_bytes(authority.sign(authority_key, SHA256()).public_bytes(Encoding.PEM))
    files.certificate.write_bytes(server.sign(authority_key, SHA256()).public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFETIME)
        .not_valid_after(now + LIFETIME)
    )
