"""The certificate of the server: loaded again when it changes, and refused when it cannot be used."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from rowkeep.errors.catalogue import SetupError
from rowkeep.server.tls import CHECK_SECONDS, TlsFiles, tls_files
from rowkeep.settings import Settings
from support.certificates import write_certificate


def name_of(context: ssl.SSLContext, certificate: Path) -> str:
    """The name in the certificate that a server with this context shows to a client that trusts one."""
    trusting = ssl.create_default_context(cafile=certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    names = x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value)


def test_a_new_certificate_is_loaded(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    files = TlsFiles(str(certificate), str(key))
    assert name_of(files.context, certificate) == "first"
    write_certificate(tmp_path, "second")
    files.check(1.0)
    assert name_of(files.context, certificate) == "second"
    write_certificate(tmp_path, "third")
    files.check(1.0 + CHECK_SECONDS / 2)
    files.check(1.0 + CHECK_SECONDS)
    assert name_of(files.context, certificate) == "third"


def test_a_certificate_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    files = TlsFiles(str(certificate), str(key))
    former = tmp_path / "former.pem"
    former.write_bytes(certificate.read_bytes())
    key.write_text("no key")
    files.check(1.0)
    assert name_of(files.context, former) == "first"
    (tmp_path / "other").mkdir()
    other, other_key = write_certificate(tmp_path / "other", "second")
    certificate.write_bytes(other.read_bytes())
    files.check(10.0)
    assert name_of(files.context, former) == "first"
    key.unlink()
    files.check(20.0)
    assert name_of(files.context, former) == "first"
    key.write_bytes(other_key.read_bytes())
    files.check(30.0)
    assert name_of(files.context, certificate) == "second"


def test_one_file_can_have_both(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "both")
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    files = tls_files(Settings(tls_certificate_file=str(certificate)))
    assert files is not None
    assert name_of(files.context, certificate) == "both"


def test_without_a_certificate_there_is_no_tls() -> None:
    assert tls_files(Settings()) is None
    with pytest.raises(SetupError, match=r"^ROWKEEP_TLS_KEY_FILE needs ROWKEEP_TLS_CERTIFICATE_FILE"):
        Settings.from_environment({"ROWKEEP_TLS_KEY_FILE": "server.key"})


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    (tmp_path / "other").mkdir()
    _, other_key = write_certificate(tmp_path / "other", "other")
    (tmp_path / "sealed").mkdir()
    sealed, sealed_key = write_certificate(tmp_path / "sealed", "sealed", b"secret")
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    refused = {
        (certificate, other_key): "cannot be used: the key belongs to another certificate",
        (sealed, sealed_key): "password",
        (empty, key): "cannot be used",
        (certificate, empty): "cannot be used",
        (tmp_path / "missing", key): "ROWKEEP_TLS_CERTIFICATE_FILE cannot be read: No such file",
        (certificate, tmp_path): "ROWKEEP_TLS_KEY_FILE cannot be read: Is a directory",
    }
    for (shown, used), message in refused.items():
        with pytest.raises(SetupError, match=message):
            TlsFiles(str(shown), str(used))
