"""Bare app: the baseline for HTTP, an ASGI app that reads the body and always returns the same bytes."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

ANSWER_VARIABLE = "BENCH_ANSWER_FILE"

Message = MutableMapping[str, Any]


def bare_app(answer: bytes) -> Callable[..., Awaitable[None]]:
    """An ASGI app that returns `answer` as JSON to every request."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ],
    }
    body = {"type": "http.response.body", "body": answer}

    async def app(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        del scope
        while (await receive()).get("more_body", False):
            pass
        await send(start)
        await send(body)

    return app


def create() -> Callable[..., Awaitable[None]]:
    """For `uvicorn --factory`: the response is in the file that the environment names."""
    return bare_app(Path(os.environ[ANSWER_VARIABLE]).read_bytes())
