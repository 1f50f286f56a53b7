"""Trace context: which request ids and traces of a client are used."""

from __future__ import annotations

import pytest

from rowkeep.http.trace_context import REQUEST_ID, RequestIds, TraceParent, read_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("sent", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f" 00-{TRACE}-{SPAN}-03 ", 1),
        (f"cc-{TRACE}-{SPAN}-01-more", 1),
    ],
)
def test_a_valid_traceparent(sent: str, flags: int) -> None:
    assert read_traceparent(sent.encode()) == TraceParent(TRACE, SPAN, flags)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
    ],
)
def test_an_invalid_traceparent(sent: str) -> None:
    assert read_traceparent(sent.encode()) is None


@pytest.mark.parametrize("sent", ["a", "A-b.c:d", "x" * 128, "550e8400-e29b-41d4-a716-446655440000"])
def test_a_request_id_that_is_used(sent: str) -> None:
    assert REQUEST_ID.fullmatch(sent.encode())


@pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "a\tb", 'a"b', "a\u00e9", "a<b"])
def test_a_request_id_that_is_replaced(sent: str) -> None:
    assert not REQUEST_ID.fullmatch(sent.encode())


def test_made_request_ids_are_valid_and_differ() -> None:
    one, other = RequestIds(), RequestIds()
    made = [one.new(), one.new(), other.new()]
    assert len(set(made)) == 3
    assert all(REQUEST_ID.fullmatch(each.encode()) for each in made)
