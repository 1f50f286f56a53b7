"""The receiver in docs/webhooks.md verifies what it receives."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
from blocks import blocks_of

from rowkeep.services.webhooks.sender import sign
from support.processes import free_port

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"t.insert","timestamp":"2026-11-27T07:02:09.652Z","data":{"kind":"insert"}}'


def post(url: str, message_id: str, body: bytes) -> int:
    """Send a message, as soon as the receiver listens."""
    moment = datetime.now(UTC)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": sign(message_id, BODY, [SECRET], moment),
    }
    transport = httpx.HTTPTransport(retries=10)
    with httpx.Client(transport=transport, trust_env=False, timeout=60) as client:
        return client.post(url, content=body, headers=headers).status_code


def test_the_receiver_accepts_messages_with_a_signature() -> None:
    program = next(each.text for each in blocks_of(PAGE) if each.text.startswith('"""Prints'))
    port = free_port()
    environment = os.environ | {"WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as receiver:
        try:
            url = f"http://127.0.0.1:{port}/"
            assert [post(url, "dl-1", BODY), post(url, "dl-1", BODY)] == [204, 204]
            assert post(url, "dl-2", BODY.replace(b"insert", b"delete")) == 401
            assert post(url, "dl-3", BODY) == 204
        finally:
            receiver.terminate()
        assert receiver.stdout is not None
        assert receiver.stdout.read() == "t.insert {'kind': 'insert'}\n" * 2
