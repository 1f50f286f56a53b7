"""A server that serves HTTPS itself, with several workers, and gets a new certificate."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import httpx

from support.certificates import write_certificate
from support.processes import PATIENT
from support.server import RowkeepServer, sqlite_url

ANSWERS = 10
"""In so many connections, both workers have certainly answered one."""


def client_of(server: RowkeepServer, certificate: bytes) -> httpx.Client:
    """A client that trusts only this certificate."""
    context = ssl.create_default_context(cadata=certificate.decode())
    return httpx.Client(base_url=server.url, verify=context, trust_env=False, timeout=PATIENT)


def is_shown(server: RowkeepServer, certificate: bytes) -> bool:
    """Whether new connections get this certificate."""
    for _ in range(ANSWERS):
        try:
            with client_of(server, certificate) as client:
                assert client.get("/healthz").status_code == 200
        except httpx.ConnectError:
            return False
    return True


def test_a_new_certificate_without_a_restart(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    url = sqlite_url(tmp_path / "data")
    server = RowkeepServer(
        url, tmp_path, workers=2, tls_certificate_file=certificate, tls_key_file=key, audit_log_path="none"
    )
    server.url = server.url.replace("http:", "https:")
    try:
        server.start()
        assert f"Rowkeep is listening on {server.url}" in server.log.read_text()
        first = certificate.read_bytes()
        assert is_shown(server, first)
        with client_of(server, first) as open_connection:
            assert open_connection.get("/healthz").status_code == 200
            write_certificate(tmp_path, "second")
            second = certificate.read_bytes()
            end = time.monotonic() + 60
            while not is_shown(server, second):
                assert time.monotonic() < end, "the new certificate was not loaded"
                time.sleep(0.1)
            # its certificate would not be accepted on a new connection
            assert open_connection.get("/healthz").status_code == 200
        with client_of(server, second) as client:
            body = {"email": "ada@example.com", "password": "wrong horse"}
            headers = {"Origin": server.url.replace("https:", "http:")}
            refused = client.post("/api/v1/session", json=body, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "cross_origin")
    finally:
        server.stop()


def test_a_wrong_key_stops_the_start(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path, "first")
    server = RowkeepServer(sqlite_url(tmp_path / "data"), tmp_path, tls_certificate_file=certificate)
    server.launch()
    assert server.process.wait() == 1
    assert "cannot be used" in server.log.read_text()
    assert not (tmp_path / "data").exists()
    server.stop()
