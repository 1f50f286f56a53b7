"""Accept and Accept-Encoding: which format and coding a client gets."""

from __future__ import annotations

import pytest

from rowkeep.http.codings import best_coding
from rowkeep.http.media_types import stream_form
from rowkeep.services.streamed_queries import StreamForm

JSON, NDJSON, CSV = None, StreamForm.NDJSON, StreamForm.CSV


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/x-ndjson", NDJSON),
        ("text/csv", CSV),
        ("TEXT/CSV; charset=utf-8", CSV),
        ("text/csv, application/x-ndjson", CSV),
        ("text/csv;q=0.5, application/x-ndjson;q=0.6", NDJSON),
        ("application/x-ndjson, */*", NDJSON),
        ("application/x-ndjson;q=0.5, */*;q=0.1", NDJSON),
        ("text/csv;q=0.9, application/json;q=0.8", CSV),
        ("text/csv;q=0.8, application/json;q=0.9", JSON),
        ("text/csv;q=0.8, */*", JSON),
        ("application/json, text/csv", JSON),
        ("text/csv;q=0.5, application/json;q=0.1, */*", CSV),
        ("text/csv;q=0", JSON),
        ("text/csv;q=0.000, */*", JSON),
        ("text/*", JSON),
        ("*/*", JSON),
        ("", JSON),
        ("text/csv;q=2", JSON),
        ("text/csv ; q = 0.5 , application/json ; q=0.4", CSV),
        (", ;q=1,text/csv" + " " * 2000, CSV),
    ],
)
def test_the_format_of_a_query(accept: str, form: StreamForm | None) -> None:
    assert stream_form(accept) is form


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, zstd;q=0.5", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("br", None),
        ("", None),
        ("*", "zstd"),
        ("*, zstd;q=0", "gzip"),
        ("*;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=x", None),
    ],
)
def test_the_coding_of_a_response(accept: str, coding: str | None) -> None:
    assert best_coding(accept) == coding
