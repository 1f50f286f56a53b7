"""Column types: each entry of the table holds what its examples say, strictly and leniently read alike."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rowkeep.codec.rows import TableCodec, encode
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.errors.catalogue import RowkeepError
from rowkeep.files.parquet_format import WRITTEN
from rowkeep.files.text_cells import READERS
from rowkeep.model.column_types import COLUMN_TYPES, ColumnType, FileForm, Kind
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import Column, Table
from rowkeep.model.values.scalars import Cell, Misfit
from rowkeep.model.views import AGGREGATES
from rowkeep.sql.dialects import POSTGRES, SQLITE

ENTRIES = pytest.mark.parametrize("entry", COLUMN_TYPES.values(), ids=COLUMN_TYPES)
ACCEPTED = [(entry, *example) for entry in COLUMN_TYPES.values() for example in entry.accepts]
REFUSED = [(entry, example) for entry in COLUMN_TYPES.values() for example in entry.refused]


def shown(value: Any) -> str:
    return value.name if isinstance(value, ColumnType) else repr(value)


def codec_of(entry: ColumnType) -> TableCodec:
    table = Table(id="t", name="t", columns=(Column(id="c1", name="c", type=entry.name),))
    return TableCodec(table, ColumnNames(table), StoredCells(table, {}))


def same(one: Any, other: Any) -> bool:
    """Equal, and of one type: 1 is not true, nor 1.0."""
    return one == other and type(one) is type(other)


def answer(entry: ColumnType, cell: Cell) -> Any:
    """A cell as a client reads it."""
    return msgspec.json.decode(encode(cell if entry.answer is None else entry.answer(cell)))


def decoded(entry: ColumnType, value: Any) -> Cell:
    """One value by the way that an insert takes."""
    rows, *_ = codec_of(entry).decode_rows(encode({"data": {"c": value}}))
    return rows[0][0]


@pytest.mark.parametrize(("entry", "sent", "answered"), ACCEPTED, ids=shown)
def test_what_is_accepted(entry: ColumnType, sent: Any, answered: Any) -> None:
    assert same(answer(entry, entry.read(sent)), answered)
    assert same(answer(entry, decoded(entry, sent)), answered)


@pytest.mark.parametrize(("entry", "sent"), REFUSED, ids=shown)
def test_what_is_refused(entry: ColumnType, sent: Any) -> None:
    with pytest.raises(Misfit):
        entry.read(sent)
    with pytest.raises(RowkeepError) as caught:
        decoded(entry, sent)
    assert (caught.value.code, caught.value.problems[0].pointer) == ("invalid_value", "/data/c")


@pytest.mark.parametrize(("entry", "_sent", "answered"), ACCEPTED, ids=shown)
def test_what_is_answered_may_be_sent_again(entry: ColumnType, _sent: Any, answered: Any) -> None:
    assert same(answer(entry, entry.read(answered)), answered)
    strictly = msgspec.json.decode(encode(answered), type=entry.wire)
    settled = entry.settle([strictly]) if entry.settle is not None else None
    assert same(answered, answer(entry, strictly if settled is None else settled[0]))


@ENTRIES
def test_every_type_has_examples_and_a_meaning(entry: ColumnType) -> None:
    assert entry.accepts
    assert entry.refused
    assert entry.meaning.endswith(".")


@ENTRIES
def test_cells_are_what_the_entry_says(entry: ColumnType) -> None:
    assert all(isinstance(entry.read(sent), entry.cell) for sent, _ in entry.accepts)


@ENTRIES
def test_results_of_aggregates_are_of_types_that_there_are(entry: ColumnType) -> None:
    column = Column(id="c1", name="c", type=entry.name)
    assert {aggregate.type_of(column) for aggregate in AGGREGATES.values()} <= COLUMN_TYPES.keys()


EVERY = ["count", "count distinct", "sum", "avg", "min", "max"]
ORDERED = ["count", "count distinct", "min", "max"]


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("string", ORDERED),
        ("number", EVERY),
        ("integer", EVERY),
        ("boolean", ["count", "count distinct"]),
        ("date", ORDERED),
        ("decimal", EVERY),
        ("json", ["count"]),
    ],
)
def test_aggregates_go_by_the_facts_of_a_type(name: str, taken: list[str]) -> None:
    column = Column(id="c1", name="c", type=name)
    assert [each for each, aggregate in AGGREGATES.items() if aggregate.suits(column)] == taken
    sealed = msgspec.structs.replace(column, is_encrypted=True)
    assert [each for each, aggregate in AGGREGATES.items() if aggregate.suits(sealed)] == ["count"]


def test_every_kind_and_every_form_has_its_rows() -> None:
    assert set(SQLITE.kinds) == set(POSTGRES.kinds) == set(Kind)
    assert set(READERS) == set(WRITTEN) == set(FileForm)


@ENTRIES
def test_null_is_an_empty_cell(entry: ColumnType) -> None:
    assert decoded(entry, None) is None
    with pytest.raises(Misfit):
        entry.read(None)


@ENTRIES
def test_rows_of_a_bulk_are_read_alike_whatever_stands_beside_them(entry: ColumnType) -> None:
    """One value that only the lenient reader takes sends all rows there."""
    codec = codec_of(entry)
    answered = [answer for _, answer in entry.accepts]
    alone = codec.decode_rows(encode({"data": [{"c": answer} for answer in answered]}))[0]
    beside = codec.decode_rows(encode({"data": [{"c": sent} for sent, _ in entry.accepts]}))[0]
    assert [same(one[0], other[0]) for one, other in zip(alone, beside, strict=True)] == [True] * len(alone)
