"""Headers of files: columns of the table are found for them, and tables are proposed."""

from __future__ import annotations

import io
from typing import Any
from unittest.mock import Mock

import pytest

from rowkeep.files.content import Content
from rowkeep.files.formats import format_of
from rowkeep.files.header import legal_name, match_header
from rowkeep.files.inference import Inference, Proposal, described
from rowkeep.files.reading import Reading
from rowkeep.files.records import FileRefused
from rowkeep.files.responses import ListedColumn, UsableTable
from rowkeep.files.table_columns import TableColumns
from rowkeep.model import names

NAMES = ("Name", "Price_Earnings", "c_52_Week_Low", "Waehler")
TABLE = TableColumns(
    UsableTable(
        "prices",
        "table",
        [
            ListedColumn(name, "string", False)
            for name in ("Name", "Price_Earnings", "c_52_Week_Low", "Waehler")
        ],
        ["write"],
    )
)


def keys(*names: str, **options: Any) -> list[str | None]:
    found = match_header(names, TABLE, Reading(**options), "f.csv")
    return [None if each is None else each.key for each in found.targets]


def test_names_that_are_not_legal() -> None:
    assert [legal_name(each) for each in ("Price/Earnings", "52 Week Low", "Wähler(innen)", "%", "→", "a" *
    80)] == [ "Price_Earnings", "c_52_Week_Low", "Waehler_innen", "percent", "", "a" * 63,
    ]  # fmt: skip
    assert keys("name", "Price/Earnings", "52 Week Low") == ["name", "Price_Earnings", "c_52_Week_Low"]


def test_columns_are_mapped_chosen_and_skipped() -> None:
    assert keys("Name", "P/E", renames=(("P/E", "price earnings"),)) == ["Name", "Price_Earnings"]
    assert keys("Name", "", renames=(("#2", "Waehler"),)) == ["Name", "Waehler"]
    assert keys("Name", "x", "x", skipped=("#2", "#3")) == ["Name", None, None]
    assert keys("Name", "x", only=("name",)) == ["Name", None]
    assert keys("Name", "_id", "sys_Id") == ["Name", None, None]


def test_similar_names_are_looked_for_as_often_as_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    near_names = Mock(wraps=names.near_names)
    monkeypatch.setattr(names, "near_names", near_names)
    with pytest.raises(FileRefused, match=r'no column "Nome0"\. Did you mean Name.* And 990 more') as refused:
        keys(*(f"Nome{number}" for number in range(1000)))
    assert str(refused.value).count("Did you mean") == near_names.call_count == 10


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (
            ("Name", ""),
            {},
            'Column 2 in the header has no name. Use --map "#2=COLUMN" or --skip-columns "#2"',
        ),
        (("Name", "name"), {}, "both column Name; columns must not occur twice"),
        (("Nmae",), {}, "Did you mean Name"),
        (("Name;x",), {}, "use --delimiter or --encoding"),
        (("Name",), {"renames": (("Price", "Name"),)}, 'No column of the file has the name "Price"'),
        (("Name", "created on"), {}, "system column Created_On"),
        (("_id",), {}, "only system columns"),
        (("Name",), {"skipped": ("Name",)}, "no columns to import"),
    ],
)
def test_headers_that_are_refused(names: tuple[str, ...], options: dict[str, Any], said: str) -> None:
    with pytest.raises(FileRefused) as error:
        keys(*names, **options)
    assert said in str(error.value)


def proposed(text: str, name: str = "f.csv", **options: Any) -> Proposal:
    reading = Reading(**options)
    data = text.encode()
    source = format_of(name, None).open(Content(io.BytesIO(data), name, len(data), reading), reading)
    inference = Inference(source, reading)
    inference.read(source.records(source.start, inference.targets))
    return inference.proposal("t")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-5", "9223372036854775807"], "integer"),
        (["1", "9223372036854775808"], "decimal"),
        (["1", "2.5", "1e3"], "number"),
        (["1.50", "2"], "decimal"),
        (["0.1234567890123456789"], "decimal"),
        (["007", "1"], "string"),
        (["true", "FALSE"], "boolean"),
        (["true", "1"], "string"),
        (["2020-01-01", "Jan 1 2000", "2020/02/03"], "date"),
        (["29.02.2024", "01.02.2024"], "date"),
        (["01.02.2024", "03.04.2024"], "string"),
        (["29.02.2024", "02.29.2024"], "string"),
        (['"{""a"":1}"', "[1]"], "json"),
        (["{x"], "string"),
        (["2020-01-01 10:00"], "string"),
    ],
)
def test_types_of_texts(cells: list[str], expected: str) -> None:
    found = proposed("id|c\n" + "".join(f"{at}|{cell}\n" for at, cell in enumerate(cells)))
    assert found.definition["schemaDef"][1]["type"] == expected, found


def test_a_proposal() -> None:
    found = proposed("Number,Some Text,Some/Text,_id,E-Mail\n1,aaaaaaaaaaaaaaaaa,,x,a\n2,,3.5,y,b\n")
    assert found.definition == {
        "name": "t",
        "schemaDef": [
            {"name": "Number", "type": "integer", "isRequired": True},
            {"name": "Some_Text", "type": "string", "maxLength": 32},
            {"name": "Some_Text_2", "type": "number"},
            {"name": "E_Mail", "type": "string", "isRequired": True, "maxLength": 16},
        ],
        "indexes": [{"name": "by_Number", "isUnique": True, "columns": [{"name": "Number"}]}],
    }
    assert found.renames == (("Some/Text", "Some_Text_2"),)
    assert "The values of E_Mail are unique too." in described(found)


def test_the_order_of_day_and_month_follows_from_all_values() -> None:
    found = proposed("d\n01.02.2024\n13.02.2024\n")
    assert found.date_formats == ("%d.%m.%Y",)
    assert proposed("d\n01/02/2024\n02/13/2024\n").date_formats == ("%m/%d/%Y",)
    assert "--date-format" in " ".join(described(proposed("d\n01.02.2024\n")))


def test_types_of_json() -> None:
    lines = (
        '{"a":1,"b":"2","c":1.50,"d":{"x":1},"e":true,"f":1}\n{"b":"x","d":"y","f":"z","g":"2020-01-01"}\n'
    )
    found = proposed(lines, "f.ndjson")
    types = {each["name"]: each["type"] for each in found.definition["schemaDef"]}
    assert types == {
        "a": "integer", "b": "string", "c": "decimal", "d": "json", "e": "boolean", "f": "json", "g": "date",
    }  # fmt: skip
    assert [each["name"] for each in found.definition["schemaDef"] if each.get("isRequired")] == [
        "b",
        "d",
        "f",
    ]
