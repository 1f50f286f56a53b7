"""The transport of the commands: when certificates are checked."""

from __future__ import annotations

import pytest

from rowkeep.client.transport import may_use_tls


@pytest.mark.parametrize(
    ("url", "is_checked"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost/prefix", False),
        ("http://[::1]:8000", False),
        ("https://127.0.0.1:8000", True),
        ("HTTPS://localhost", True),
        # by a proxy, perhaps, which speaks TLS
        ("http://rowkeep.example", True),
        ("http://127.0.0.1.example", True),
        ("http://localhost@rowkeep.example", True),
        ("", True),
    ],
)
def test_certificates_are_checked_wherever_tls_can_be_used(url: str, is_checked: bool) -> None:
    assert may_use_tls(url) is is_checked
