"""Slices: wherever a large insert is cut, the rows are those of the whole, and faults are where they are."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest

from rowkeep.codec import bulk_slices as slices
from rowkeep.codec.json_bodies import refuse_deep, refuse_repeated_keys
from rowkeep.codec.json_scan import (
    first_keys,
    has_half,
    has_more_values,
    is_deeper,
    last_comma,
    marked_halves,
    repeated_key,
)
from rowkeep.codec.rows import InsertLimits, TableCodec, encode
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.errors.catalogue import MalformedJson, RepeatedKey, RowkeepError, TooManyCells
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.names import ColumnNames

TEXTS = ["", "a", '},{"', '{"a":[{"b', "\\", '\\"', "\\\\", "]}", '"},{"Text":"', "é😀", "\n", "x" * 300]
DOCUMENTS = [None, 1, [], {}, [{}, {"a": [{}, {}]}], {"},{": "},{"}, [[[1, 2], {"a": 1}], "]"]]


def codec(*columns: tuple[str, str]) -> TableCodec:
    definition = {"name": "t", "schemaDef": [{"name": name, "type": kind} for name, kind in columns]}
    table = read_table(msgspec.convert(definition, TableBody), "t", {}, 1)
    return TableCodec(table, ColumnNames(table), StoredCells(table, {}))


CODEC = codec(("Text", "string"), ("Number", "number"), ("Document", "json"))


@pytest.fixture(params=[40, 200, 1024])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices so small that a body has many."""
    for module in ("rowkeep.codec.bulk_slices", "rowkeep.codec.rows"):
        monkeypatch.setattr(f"{module}.MAX_SLICE_BYTES", request.param)
    monkeypatch.setattr(slices, "LEAST_BYTES", 16)
    monkeypatch.setattr("rowkeep.codec.json_scan.SLICE_BYTES", 7)


def rows_of(seed: int, count: int = 60) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [
        {
            "Text": draw.choice(TEXTS),
            "Number": draw.choice([1, 2.5, "3", None]),
            "Document": draw.choice(DOCUMENTS),
        }
        for _ in range(count)
    ]


def cells(row: dict[str, Any]) -> tuple[Any, ...]:
    document = row["Document"]
    number = row["Number"] if row["Number"] != "3" else 3
    return row["Text"], number, None if document is None else document


def decoded(body: bytes) -> list[tuple[Any, ...]]:
    rows, many, *_ = CODEC.decode_rows(body)
    assert many
    return [(text, number, None if raw is None else json.loads(str(raw))) for text, number, raw in rows]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_rows_are_those_of_the_whole(seed: int, ascii_only: bool) -> None:
    rows = rows_of(seed)
    spaced = json.dumps({"data": rows}, ensure_ascii=ascii_only, indent=seed % 3 or None).encode()
    assert decoded(spaced) == list(map(cells, rows))
    assert decoded(encode({"data": rows})) == list(map(cells, rows))
    renamed = spaced.replace(b'"data"', b'"d\\u0061ta"', 1)
    assert decoded(renamed) == list(map(cells, rows))
    assert slices.count_rows(spaced, 1000) == len(rows)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("blank", ["", " ", "\n" * 30])
def test_arrays_of_objects_like_rows_are_not_read_token_by_token(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exact(*_: object) -> None:
        raise AssertionError("read token by token")

    monkeypatch.setattr(slices, "_exact", exact)
    rows = [
        {"Text": text, "Number": number, "Document": [{"Text": text, "a": [{}, number]}] * number}
        for number, text in enumerate(TEXTS[:-1])
    ]
    rows = [row for row in rows if len(encode(row)) < 200] * 9
    spaced = json.dumps({"data": rows}, separators=(f"{blank},{blank}", ":")).encode()
    monkeypatch.setattr(slices, "MAX_SLICE_BYTES", 2000)
    assert decoded(spaced) == list(map(cells, rows))


@pytest.mark.parametrize("seed", range(9))
def test_the_last_comma_between_two_rows(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowkeep.codec.json_scan.SEARCHED_BYTES", 1 + seed)
    rows = [json.dumps(row, ensure_ascii=seed % 2 == 0).encode() for row in rows_of(seed, 4)]
    text = b",".join(rows)
    ends = [len(b",".join(rows[:number])) + 1 for number in range(1, len(rows))]
    for limit in range(len(text) + 1):
        expected = max((each for each in ends if each <= limit), default=None)
        assert last_comma(text, 0, limit) == expected


@pytest.mark.usefixtures("small")
def test_faults_are_where_they_are() -> None:
    rows = rows_of(1)
    rows[50] = {"Text": 5}
    rows[7] = {"Nmber": 1}
    rows[55] = {"Number": "x"}
    with pytest.raises(RowkeepError) as refused:
        CODEC.decode_rows(encode({"data": rows}))
    pointers = [problem.pointer for problem in refused.value.problems]
    assert pointers == ["/data/7/Nmber", "/data/50/Text", "/data/55/Number"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("number", ["1", '"1"'], ids=["canonical", "lenient"])
def test_a_repeated_key_is_where_it_is(number: str) -> None:
    rows = ['{"Text":"},{"}'] * 40
    rows[33] = f'{{"Number":{number},"Text":"a","Number":2}}'
    with pytest.raises(RepeatedKey) as refused:
        CODEC.decode_rows(f'{{"data":[{",".join(rows)}]}}'.encode())
    assert refused.value.problems[0].pointer == "/data/33/Number"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "broken", ['{"Text":"a"', '{"Text":}', "}", "{},", ",", '{"Text":"a}', "[", "x", '{"a":1]']
)
@pytest.mark.parametrize("at", [0, 20, 39])
def test_what_is_not_json_is_refused(broken: str, at: int) -> None:
    rows = ['{"Text":"},{"}'] * 40
    rows[at] = broken
    with pytest.raises(MalformedJson):
        CODEC.decode_rows(f'{{"data":[{",".join(rows)}]}}'.encode())


@pytest.mark.usefixtures("small")
def test_data_twice_is_refused() -> None:
    rows = ",".join(['{"Text":"a"}'] * 40)
    with pytest.raises(RepeatedKey):
        CODEC.decode_rows(f'{{"data":[{rows}],"data":[{rows}]}}'.encode())


def test_too_many_cells_are_counted_before_they_are_made() -> None:
    body = b'{"data":[' + b"{}," * 99 + b"{}]}"
    with pytest.raises(TooManyCells, match=r"300 cells \(100 rows of 3 columns\); at most 299"):
        CODEC.decode_rows(body, InsertLimits(max_cells=299))
    assert len(CODEC.decode_rows(body, InsertLimits(max_cells=300))[0]) == 100
    braces = encode({"data": [{"Text": "{" * 1000}]})
    assert len(CODEC.decode_rows(braces, InsertLimits(max_cells=3))[0]) == 1


@pytest.mark.parametrize("many", [True, False])
def test_depth_is_counted_from_the_cell(many: bool) -> None:
    def body(depth: int) -> bytes:
        row = '{"Document":' + "[" * depth + "]" * depth + "}"
        return f'{{"data":{f"[{row}]" if many else row}}}'.encode()

    CODEC.decode_rows(body(100))
    with pytest.raises(MalformedJson, match="max_json_depth"):
        CODEC.decode_rows(body(101))
    for depth in (1_000, 100_000):
        with pytest.raises(MalformedJson):
            CODEC.decode_rows(body(depth))


@pytest.mark.parametrize("seed", range(40))
def test_scans_agree_with_the_decoder(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowkeep.codec.json_scan.SLICE_BYTES", 1 + seed % 9)
    value = rows_of(seed, 5)
    text = json.dumps(value, ensure_ascii=seed % 2 == 0, indent=seed % 3 or None).encode()
    depth = depth_of(value)
    assert not is_deeper(text, depth)
    assert is_deeper(text, depth - 1)
    assert repeated_key(text) is None
    refuse_repeated_keys(text)
    refuse_deep(text, depth)
    assert not has_more_values(text, text.count(b",") + text.count(b"[") + text.count(b"{"))
    assert has_more_values(text, 5)


def depth_of(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth_of, parts), default=0)


def test_strings_of_many_escapes_are_read_in_parts() -> None:
    value = '\\"' * 30_000
    text = json.dumps({"a": value, "b": {"c": [0, {"d": 1}]}}).encode()
    assert repeated_key(text) is None
    place = repeated_key(text.replace(b'"d": 1', b'"d": 1, "\\u0064": 2'))
    assert place is not None
    assert (place.key, place.tokens) == ("d", ("b", "c", 1))


def test_the_first_keys_of_an_object() -> None:
    text = json.dumps({f"k{at}": {"a": 1, "b": [1, 2]} for at in range(10)}).encode()
    assert list(json.loads(first_keys(text, 3))) == ["k0", "k1", "k2"]
    assert first_keys(text, 10) == text


@pytest.mark.parametrize("end", [",", ", ", ",\n\n"])
@pytest.mark.usefixtures("small")
def test_a_comma_with_no_row_after_it_is_refused(end: str) -> None:
    for rows in ('{"Text":"a"%s}' % (" " * 2000), '{"Document":[{}%s,{}]}' % (" " * 2000)):
        with pytest.raises(MalformedJson):
            CODEC.decode_rows(f'{{"data":[{{"Number":1}},{rows}{end}]}}'.encode(), InsertLimits(10_000))


def test_a_half_of_a_pair_is_found_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowkeep.codec.json_scan.SLICE_BYTES", 7)
    for at in range(20):
        before = b'"' + b"x" * at
        assert has_half(marked_halves(before + rb'\udc00"'))
        assert marked_halves(before + rb'\ud83d\ude00"') == before + rb'\ud83d\ude00"'
        assert marked_halves(before + rb'\\ud83d"') == before + rb'\\ud83d"'
