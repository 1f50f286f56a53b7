"""Limits of views: the check of a definition and the API's description have the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rowkeep.errors.catalogue import InvalidDefinition
from rowkeep.http.openapi.views import VIEW_PROPERTIES
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.tables import MAX_COLUMNS, SYSTEM_COLUMNS, Column, Table
from rowkeep.model.views import MAX_VIEW_COLUMNS, View
from rowkeep.plan.views.read import read_view

WIDE = Table(
    id="t", name="wide", columns=tuple(Column(id=f"c{at}", name=f"c{at}", type="string") for at in range(400))
)
NAMES = [f"wide.{column.name}" for column in (*WIDE.columns, *SYSTEM_COLUMNS)]


def read(**members: Any) -> View:
    body = msgspec.convert({"name": "v", "table": "wide"} | members, ViewBody)
    return read_view(body, "v", {"wide": WIDE})


def test_columns_of_a_view() -> None:
    assert VIEW_PROPERTIES["ViewBody"]["columns"]["maxItems"] == MAX_VIEW_COLUMNS < len(NAMES)
    assert MAX_VIEW_COLUMNS <= MAX_COLUMNS
    assert len(read(columns=NAMES[:MAX_VIEW_COLUMNS]).columns) == MAX_VIEW_COLUMNS
    with pytest.raises(InvalidDefinition) as caught:
        read(columns=NAMES[: MAX_VIEW_COLUMNS + 1])
    assert [problem.pointer for problem in caught.value.problems] == ["/columns"]


def test_groups_of_a_view() -> None:
    group_by = VIEW_PROPERTIES["ViewBody"]["groupBy"]["anyOf"][0]
    assert group_by["maxItems"] == MAX_VIEW_COLUMNS
    count = ["count(wide._id)"]
    assert len(read(columns=count, groupBy=NAMES[:MAX_VIEW_COLUMNS]).group_by) == MAX_VIEW_COLUMNS
    with pytest.raises(InvalidDefinition) as caught:
        read(columns=count, groupBy=NAMES[: MAX_VIEW_COLUMNS + 1])
    assert [problem.pointer for problem in caught.value.problems] == ["/groupBy"]
