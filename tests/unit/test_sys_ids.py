"""A ``sys_Id`` is the same, whether Python or an engine derives it from the ``_id``."""

from __future__ import annotations

import apsw
import pytest
import sqlalchemy as sa

from rowkeep.model.ids import sys_id_of
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.statements import statement
from rowkeep.sql.sys_ids import formatted_sys_id, joined_sys_id

KEYS = ("6b0a9e7bacb733cd1a000c50", "000000000000000000000000", "ffffffffffffffffffffffff", None)


@pytest.mark.parametrize("row_key", KEYS)
@pytest.mark.parametrize("derived", [joined_sys_id, formatted_sys_id])
def test_a_sys_id_is_derived_in_sql(derived: object, row_key: str | None) -> None:
    assert callable(derived)
    wanted = statement(sa.select(derived(sa.literal(row_key, sa.Text()))), SQLITE)
    found = apsw.Connection(":memory:").execute(wanted.text, wanted.parameters).fetchall()
    assert found == [(None if row_key is None else sys_id_of(row_key),)]
