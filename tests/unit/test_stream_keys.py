"""Stream keys: equal keys are found in one run and across runs; and which requests have no time limit."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest

from rowkeep.http.app import is_unlimited
from rowkeep.services import stream_keys
from rowkeep.services.stream_keys import StreamKeys


@pytest.mark.parametrize("run", [3, 1_000_000])
def test_equal_keys_are_found(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_keys, "RUN_KEYS", run)
    with tempfile.TemporaryFile() as file:
        keys = StreamKeys(file)
        for at in range(10):
            keys.add([(f"k{at}", at), (None, at), (f"k{at % 7}", at % 7)])
        expected = {hash((f"k{at}", at)) for at in range(10)}
        assert keys.repeated(100) == expected - {hash((f"k{at}", at)) for at in (7, 8, 9)}
        assert len(keys.repeated(2)) == 2


def test_few_keys_are_different() -> None:
    with tempfile.TemporaryFile() as file:
        keys = StreamKeys(file)
        assert keys.repeated(1) == set()
        keys.add([("a",), ("b",), (None,), (None,)])
        assert keys.repeated(1) == set()


@pytest.mark.parametrize(
    ("method", "path", "content_type", "expected"),
    [
        ("POST", "/api/public/tables/t/bulk", b"text/csv; charset=utf-8", True),
        ("POST", "/api/v1/workspaces/w/data/tables/t/bulk", b"application/x-ndjson", True),
        ("POST", "/api/public/tables/t/bulk", b"application/json", False),
        ("POST", "/api/public/tables/t/query", b"text/csv", False),
        ("PUT", "/api/public/tables/t/bulk", b"text/csv", False),
    ],
)
def test_streams_have_no_time_limit(method: str, path: str, content_type: bytes, expected: bool) -> None:
    scope: dict[str, Any] = {"method": method, "path": path, "headers": [(b"content-type", content_type)]}
    assert is_unlimited(scope) is expected
