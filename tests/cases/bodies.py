"""Bodies that are refused: what is not JSON, what has a key twice, and keys in the wrong place."""

from __future__ import annotations

from typing import Any

NOT_JSON = {
    "one brace": b"{",
    "trailing comma": b'{"data": {},}',
    "single quotes": b"{'data': {}}",
    "comment": b'{"data": {} /* none */}',
    "text after it": b'{"data": {}} x',
    "two documents": b'{"data": {}}{"data": {}}',
    "NaN": b'{"data": {"Number": NaN}}',
    "Infinity": b'{"data": {"Number": -Infinity}}',
    "plus sign": b'{"data": {"Number": +1}}',
    "leading zero": b'{"data": {"Number": 01}}',
    "bare point": b'{"data": {"Number": 1.}}',
    "hexadecimal": b'{"data": {"Number": 0x10}}',
    "raw control character": b'{"data": {"First_Name": "a\nb"}}',
    "bad escape": b'{"data": {"First_Name": "\\x41"}}',
    "Latin-1": '{"data": {"First_Name": "é"}}'.encode("latin-1"),
    "UTF-16": '{"data": {"First_Name": "Jane"}}'.encode("utf-16"),
    "surrogate in UTF-8": b'{"data": {"First_Name": "\xed\xa0\x80"}}',
    "overlong UTF-8": b'{"data": {"First_Name": "\xc0\x80"}}',
    "broken off UTF-8": b'{"data": {"First_Name": "\xf0\x9f\x98"}}',
    "spaces": b"   ",
    "form": b"data=x",
}

REPEATED = {
    "query": ("DELETE", "", b'{"query": {"expressions": []}, "query": {"all": true}}', "/query"),
    "all": ("POST", "/delete", b'{"query": {"all": false, "all": true}}', "/query/all"),
    "escaped": ("DELETE", "", rb'{"query": {"all": 1}, "qu\u0065ry": {"all": true}}', "/query"),
    "value": (
        "POST",
        "/query",
        b'{"query": {"expressions": [{"field": "Number", "operand": "=", "value": 1, "value" :2}]}}',
        "/query/expressions/0/value",
    ),
    "after many digits": (
        "PUT",
        "",
        b'{"query": {"all": true}, "data": {"First_Name": "x", "Number": ' + b"1" * 5000 + b', "Number": 2}}',
        "/data/Number",
    ),
    "fields": ("POST", "/query", b'{"fields": ["Number"], "fields": ["First_Name"]}', "/fields"),
    "data": ("POST", "", b'{"data": {"Number": 1}, "data": {"Number": 2}}', "/data"),
    "data of a bulk": ("POST", "/bulk", b'{"data": [{}], "data": [{}, {}]}', "/data"),
    "a column": ("POST", "", b'{"data": {"Number": 1, "Number": 2}}', "/data/Number"),
    "a column of a bulk": ("POST", "/bulk", b'{"data": [{}, {"Number": 1, "Number": 1}]}', "/data/1/Number"),
    "a column of strings": ("POST", "", b'{"data": {"Number": "1", "Number": "2"}}', "/data/Number"),
    "a column of an update": (
        "PUT",
        "",
        b'{"query": {"all": true}, "data": {"Number": 1, "Number": 2}}',
        "/data/Number",
    ),
    "inside a value": ("POST", "", b'{"data": {"Number": {"a~/": [0, {"b": 1, "b": 1}]}}}', None),
}

MISPLACED: list[tuple[str, str, Any, str, str]] = [
    ("POST", "", {"First_Name": "Jane"}, "/First_Name", 'inside "data"'),
    ("PUT", "", {"query": {"all": True}, "First_Name": "Jane"}, "/First_Name", 'inside "data"'),
    ("POST", "/query", {"expressions": []}, "/expressions", 'inside "query"'),
    ("POST", "/query", {"operator": "and"}, "/operator", 'inside "query"'),
    ("DELETE", "", {"expressions": []}, "/expressions", 'inside "query"'),
    ("DELETE", "", {"all": True}, "/all", 'inside "query"'),
    ("POST", "/query", {"sys_limit": 10}, "/sys_limit", "URL"),
    ("POST", "/query", {"query": {"sys_offset": 10}}, "/query/sys_offset", "URL"),
    ("POST", "/query", {"query": {"sort": []}}, "/query/sort", 'next to "query"'),
    (
        "DELETE",
        "",
        {"query": {"all": True}, "limit": 1},
        "/limit",
        "query, minAffected, maxAffected, dryRun.",
    ),
    ("POST", "/query", {"filter": {}}, "/filter", "here are query, fields, sort, count, cursor, asOf."),
    ("POST", "/query", {"sort": [{"feild": "Number"}]}, "/sort/0/feild", 'Did you mean "field"?'),
    ("PUT", "", {"query": {"all": True}, "data": {}, "dry_run": True}, "/dry_run", 'Did you mean "dryRun"?'),
    ("POST", "", {"data": {}, "upsert": True}, "/upsert", "here are data, onConflict, mode, dryRun."),
    ("POST", "", {}, "/data", '{"data": '),
]
"""Method, path and body, where the key stands, and what the refusal says of its place."""

PLAIN_COMPLAINTS: list[tuple[bytes, str]] = [
    (b"data=x", 'at byte 0, got "d"'),
    (b'{"data": {}', "end"),
    (b"  ", "is empty"),
    (b"[]", "an array"),
    (b'{"data": "\xff"}', "not valid UTF-8"),
    (
        b'{"data": {}, "onConflict": {"columns": ["Number", 1], "action": "update"}}',
        '"onConflict.columns[1]" must be a string; got a number.',
    ),
    (
        b'{"data": {}, "onConflict": {"columns": "Number", "action": "update"}}',
        '"columns" must be an array; got a string.',
    ),
]
"""Bodies, and a part of the message about each."""
