"""The certificates that other servers are trusted by."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from rowkeep.services.trusted_certificates import trusted_certificates


def test_they_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    usual = trusted_certificates()
    assert usual.cert_store_stats()["x509_ca"] > 1
    assert trusted_certificates() is usual


def test_a_variable_names_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = "-----END CERTIFICATE-----\n"
    first = Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end
    only = tmp_path / "only.pem"
    only.write_text(first, encoding="utf-8")
    usual = trusted_certificates()
    monkeypatch.setenv("SSL_CERT_FILE", str(only))
    assert trusted_certificates().cert_store_stats()["x509_ca"] == 1
    monkeypatch.undo()
    assert trusted_certificates() is usual
