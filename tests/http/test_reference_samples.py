"""The samples of the reference pages, their braces restored, as a reader would paste them into a shell."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from answers import MOMENT, ROW_ID, SYS_ID, SYSTEM_COLUMNS, WRITER, good, records, rows

from support.bot import Bot

BULK = """\
curl -X POST \\
  http://{{host}}/api/public/tables/{{tableName}} \\
  -H 'auth: {{YOUR_JWT_ACCESS_TOKEN}}' \\
  -H 'content-type: application/json' \\
  -d '{
      "data": [
        {
          "First_Name": "Jane",
          "Last_Name": "Smith",
          "Gender": "female",
          "Number": 263
        },
        {
           "First_Name": "Mike", 
           "Last_Name": "Mike", 
           "Gender": "male", 
           "Number": 234 
        }
      ]
}'
"""  # noqa: W291 - as the page has it

UPDATE = """\
curl -X PUT \\
  http://{{host}}/api/public/tables/{{tableName}} \\
  -H 'auth: {{YOUR_JWT_ACCESS_TOKEN}}' \\
  -H 'content-type: application/json' \\
  -d '{
      "query": {
 	"expressions": [
        	{"field": "firstName", "operand": "=", "value": "Jane"},
		{"field": "lastName", "operand": "=", "value": "Doe"}
		],
		"operator": "and"
      },
      "data": {
        "First_Name": "Jane",
        "Last_Name": "Smith",
        "Number": 3453
      }
}'
"""  # noqa: E101 - as the page has it

COLUMNS = ("First_Name", "Last_Name", "Gender", "Number")
SMITH = ("Jane", "Smith", "female", 263)
MIKE = ("Mike", "Mike", "male", 234)
DOE = {"First_Name": "Jane", "Last_Name": "Doe", "Gender": "Female", "Number": 1}


def filled_in(sample: str, bot: Bot, path: str = "people") -> str:
    """A sample with its placeholders replaced, which is all that a reader has to do."""
    host = bot.server_url.removeprefix("http://")
    values = {"host": host, "tableName": path, "YOUR_JWT_ACCESS_TOKEN": bot.token()}
    for name, value in values.items():
        sample = sample.replace("{{" + name + "}}", value)
    return sample


def run(command: str) -> Any:
    """The JSON that curl prints; it must end well and be answered with 2xx."""
    quiet = command.replace("curl ", "curl --silent --show-error --fail-with-body --noproxy '*' ", 1)
    done = subprocess.run(["sh", "-c", quiet], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def body(sample: str) -> bytes:
    """What stands between the quotes after ``-d``."""
    return sample.split("-d '", 1)[1].rsplit("'", 1)[0].encode()


def assert_is_record(record: dict[str, Any], cells: tuple[Any, ...]) -> None:
    assert tuple(record) == COLUMNS + SYSTEM_COLUMNS
    assert tuple(record[name] for name in COLUMNS) == cells
    assert MOMENT.fullmatch(record["Updated_On"])
    assert MOMENT.fullmatch(record["Created_On"])
    assert WRITER.fullmatch(record["Updated_By"])
    assert WRITER.fullmatch(record["Created_By"])
    assert SYS_ID.fullmatch(record["sys_Id"])
    assert ROW_ID.fullmatch(record["_id"])


@pytest.mark.parametrize("path", ["people", "people/bulk"], ids=["as in the sample", "as in the heading"])
def test_the_bulk_sample_with_curl(people: Bot, path: str) -> None:
    answer = run(filled_in(BULK, people, path))
    assert tuple(answer) == ("records",)
    for record, cells in zip(answer["records"], (SMITH, MIKE), strict=True):
        assert_is_record(record, cells)
    assert rows(people.query("people")) == answer["records"]


def test_the_update_sample_with_curl(people: Bot) -> None:
    (before, other) = records(people.bulk("people", [DOE, {**DOE, "First_Name": "Mike"}]))
    answer = run(filled_in(UPDATE, people))
    (changed,) = answer["records"]
    assert_is_record(changed, ("Jane", "Smith", "Female", 3453))
    assert answer["nModified"] == 1
    assert (changed["_id"], changed["Created_On"]) == (before["_id"], before["Created_On"])
    assert rows(people.query("people")) == [changed, other]


@pytest.mark.parametrize("path", ["/api/public/tables/people", "/api/public/tables/people/bulk"])
def test_the_bulk_sample(people: Bot, path: str) -> None:
    response = people.request("POST", path, content=body(BULK), headers={"content-type": "application/json"})
    assert [tuple(record[name] for name in COLUMNS) for record in records(response)] == [SMITH, MIKE]
    assert '"Number":263,' in response.text.replace(" ", "")


def test_the_update_sample(people: Bot) -> None:
    records(people.bulk("people", [DOE]))
    headers = {"content-type": "application/json"}
    response = people.request("PUT", "/api/public/tables/people", content=body(UPDATE), headers=headers)
    (changed,) = records(response)
    assert_is_record(changed, ("Jane", "Smith", "Female", 3453))


def test_the_bulk_sample_then_the_update_sample(people: Bot) -> None:
    """The update finds Jane Doe; Jane Smith of the bulk sample stays as she is."""
    run(filled_in(BULK, people))
    assert run(filled_in(UPDATE, people)) == {"records": [], "nModified": 0}
    good(
        people.update(
            "people",
            {"expressions": [{"field": "Number", "operand": "=", "value": 263}]},
            {"last name": "Doe"},
        )
    )
    assert run(filled_in(UPDATE, people))["nModified"] == 1


OPERANDS = {"=": ["Jane"], "!=": ["Mike", None], "<": [], ">": ["Mike"]}


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("operator", ["and", "or"])
def test_every_operand_and_operator_that_the_update_page_names(
    people: Bot, operand: str, operator: str
) -> None:
    records(people.bulk("people", [{"First_Name": name} for name in ("Jane", "Mike", None)]))
    expression = {"field": "First_Name", "operand": operand, "value": "Jane"}
    query = {"expressions": [expression, expression], "operator": operator}
    changed = records(people.update("people", query, {"Gender": "x"}))
    assert [record["First_Name"] for record in changed] == OPERANDS[operand]


def test_strings_as_the_pages_print_all_values(people: Bot) -> None:
    """The pages' syntax shows every value in quotes; a number column takes it so."""
    (record,) = records(people.bulk("people", [{"First_Name": "Jane", "Number": "263"}]))
    assert record["Number"] == 263
    query = {"expressions": [{"field": "Number", "operand": ">", "value": "262"}]}
    (changed,) = records(people.update("people", query, {"Number": "3453"}))
    assert changed["Number"] == 3453
