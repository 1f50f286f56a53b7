"""Insert envelope: the members besides ``data`` are read wherever they are, of bodies of every size."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from rowkeep.codec.insert_envelope import usual_envelope
from rowkeep.codec.rows import TableCodec, encode
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.errors.catalogue import InvalidBody, MalformedJson, RepeatedKey, RowkeepError, UnknownKey
from rowkeep.model.data_requests import DEFAULT_OPTIONS, Conflict, InsertOptions
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.names import ColumnNames


def codec(*columns: tuple[str, str]) -> TableCodec:
    definition = {"name": "t", "schemaDef": [{"name": name, "type": kind} for name, kind in columns]}
    table = read_table(msgspec.convert(definition, TableBody), "t", {}, 1)
    return TableCodec(table, ColumnNames(table), StoredCells(table, {}))


CODEC = codec(("Code", "string"), ("Number", "number"))
CONFLICT = {"columns": ["Code", "a}]"], "action": "update"}
MEMBERS = {"onConflict": CONFLICT, "mode": "partial", "dryRun": True}
OPTIONS = InsertOptions(Conflict(["Code", "a}]"], "update"), "partial", True)
ROWS: dict[str, Any] = {
    "one": {"Code": "a", "Number": 1},
    "canonical": [{"Code": '],"mode":"atomic"}', "Number": at} for at in range(60)],
    "lenient": [{"Code": "}]", "Number": str(at)} for at in range(60)],
    "none": [],
}


@pytest.fixture(params=[None, 40, 300])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that are read at once, and in slices."""
    if request.param is None:
        return
    for module in ("rowkeep.codec.bulk_slices", "rowkeep.codec.rows"):
        monkeypatch.setattr(f"{module}.MAX_SLICE_BYTES", request.param)
    monkeypatch.setattr("rowkeep.codec.bulk_slices.LEAST_BYTES", 16)


def spaced(body: bytes) -> bytes:
    return msgspec.json.format(body, indent=3).replace(b"\n", b"\r\n\t") + b"\n\n"


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("order", list(permutations(["data", *MEMBERS])), ids=" ".join)
def test_members_are_read_in_any_order(rows: str, order: tuple[str, ...]) -> None:
    sent = ROWS[rows]
    plain = CODEC.decode_rows(encode({"data": sent}))
    assert plain.options is DEFAULT_OPTIONS
    members = MEMBERS | {"data": sent}
    body = encode({name: members[name] for name in order})
    unusual = body.replace(b'"mode":"partial"', b'"m\\u006fde":"partial"').replace(b'"data"', b'"d\\u0061ta"')
    for each in (body, spaced(body), unusual):
        assert CODEC.decode_rows(each) == plain._replace(options=OPTIONS)


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("rows", ROWS)
def test_each_member_is_optional(rows: str) -> None:
    sent = ROWS[rows]
    for name, value in MEMBERS.items():
        found = CODEC.decode_rows(encode({"data": sent, name: value})).options
        assert [found.on_conflict is not UNSET, found.mode is not UNSET, found.dry_run] == [
            name == each for each in MEMBERS
        ]
    explicit = {"mode": "atomic", "data": sent, "dryRun": False}
    assert CODEC.decode_rows(encode(explicit)).options == InsertOptions(mode="atomic")


REFUSED = {
    '"onConflict":{"columns":["Code"],"action":"replace"}': (InvalidBody, "/onConflict/action"),
    '"onConflict":{"columns":["Code"]}': (InvalidBody, "/onConflict/action"),
    '"onConflict":{"action":"update"}': (InvalidBody, "/onConflict/columns"),
    '"onConflict":{"columns":"Code","action":"update"}': (InvalidBody, "/onConflict/columns"),
    '"onConflict":{"columns":[1],"action":"update"}': (InvalidBody, "/onConflict/columns/0"),
    '"onConflict":{"columns":[],"action":"update","where":1}': (UnknownKey, "/onConflict/where"),
    '"onConflict":{"columns":[],"action":"update","action":"ignore"}': (RepeatedKey, "/onConflict/action"),
    '"onConflict":null': (InvalidBody, "/onConflict"),
    '"onConflict":"Code"': (InvalidBody, "/onConflict"),
    '"mode":"some"': (InvalidBody, "/mode"),
    '"mode":null': (InvalidBody, "/mode"),
    '"mode":"atomic","mode":"atomic"': (RepeatedKey, "/mode"),
    '"mode":"atomic","m\\u006fde":"atomic"': (RepeatedKey, "/mode"),
    '"dryRun":"true"': (InvalidBody, "/dryRun"),
    '"dryRun":1': (InvalidBody, "/dryRun"),
    '"dryRun":{"dryRun":true}': (InvalidBody, "/dryRun"),
    '"data":[]': (RepeatedKey, "/data"),
    '"data":[{"Code":"a","Number":1}]': (RepeatedKey, "/data"),
    '"d\\u0061ta":[]': (RepeatedKey, "/data"),
    '"Code":"a"': (UnknownKey, "/Code"),
    '"query":{}': (UnknownKey, "/query"),
}


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("member", REFUSED)
def test_other_members_are_refused(rows: str, member: str) -> None:
    data = '"data":' + encode(ROWS[rows]).decode()
    error, where = REFUSED[member]
    for body in (f"{{{member},{data}}}", f"{{{data},{member}}}", f'{{"mode":"atomic",{data},{member}}}'):
        if body.count("mode") > 1 and where == "/mode" and error is InvalidBody:
            continue
        with pytest.raises(error) as refused:
            CODEC.decode_rows(body.encode())
        assert refused.value.problems[0].pointer == where


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("end", ["", "]", ",}", ',"mode"}', ',"mode":"atomic"', ',"mode":"atomic",}'])
def test_what_is_not_json_is_refused(end: str) -> None:
    with pytest.raises(MalformedJson):
        CODEC.decode_rows(b'{"data":' + encode(ROWS["canonical"]) + end.encode())


@pytest.mark.parametrize(
    ("member", "hint"),
    [
        ('"First_Name":1', 'Put columns inside "data". The keys here are data, onConflict, mode, dryRun.'),
        ('"on_conflict":{}', 'Did you mean "onConflict"?'),
        ('"action":"update"', 'Put it inside "onConflict".'),
        ('"columns":["Code"]', 'Put it inside "onConflict".'),
        ('"sys_limit":1', 'Put it in the URL of a query: "?sys_limit=10".'),
    ],
)
def test_misplaced_members_get_a_hint(member: str, hint: str) -> None:
    with pytest.raises(UnknownKey) as refused:
        CODEC.decode_rows(f'{{"data":{{}},{member}}}'.encode())
    assert refused.value.msg.endswith(hint)


def test_a_usual_envelope_is_found_without_the_rows() -> None:
    body = encode({"onConflict": CONFLICT, "data": ["not", "looked", "at"], "mode": "partial"})
    found = usual_envelope(body)
    assert found is not None
    assert body[found.start : found.end] == b'["not","looked","at"]'
    assert usual_envelope(encode({"data": {}})) is None


def test_a_row_that_looks_like_members_is_a_row() -> None:
    texts = ['"', '],"mode":"partial"}', '{"data":[', "]}", "\\"]
    body = encode({"data": [{"Code": text} for text in texts], "dryRun": True})
    rows, _, options, *_ = CODEC.decode_rows(body)
    assert [row[0] for row in rows] == texts
    assert options == InsertOptions(dry_run=True)


def test_an_error_in_a_row_is_found_with_members() -> None:
    with pytest.raises(RowkeepError) as refused:
        CODEC.decode_rows(encode({"onConflict": CONFLICT, "data": [{"Code": "a"}, {"Number": "x"}]}))
    assert [problem.pointer for problem in refused.value.problems] == ["/data/1/Number"]
