"""Certificates for tests of TLS, made when they are needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


def write_certificate(directory: Path, name: str, password: bytes | None = None) -> tuple[Path, Path]:
    """The files of a new certificate for 127.0.0.1, signed by itself, and of its key; each is replaced in
    one step."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    files = {
        directory / "server.pem": certificate.public_bytes(Encoding.PEM),
        directory / "server.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption),
    }
    for path, content in files.items():
        draft = path.with_suffix(".draft")
        draft.write_bytes(content)
        draft.replace(path)
    certificate_file, key_file = files
    return certificate_file, key_file
