"""Certificate authority that signs one certificate and is forgotten.

Every process of an installation proves with that certificate that it belongs. The authority's key is stored
nowhere, so nobody can sign another.
"""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=3650)
# Clocks of several machines differ.
SKEW = timedelta(days=1)


def issue(host: str | None = None) -> tuple[bytes, bytes, bytes]:
    """The authority, a certificate signed by it, and the certificate's key, each as PEM.

    Without a `host` the certificate is for clients that compare no name, as those of Dask.
    """
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _sign_authority(authority_key)
    builder = _builder(_name(host or "Farebox"), authority.subject, key)
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    certificate = _sign(builder, authority_key)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(pem), certificate.public_bytes(pem), private


def _sign_authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Farebox authority")
    authority = x509.BasicConstraints(ca=True, path_length=0)
    return _builder(name, name, key).add_extension(authority, critical=True).sign(key, hashes.SHA256())


def _sign(builder: x509.CertificateBuilder, authority_key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    both_sides = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(both_sides, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
