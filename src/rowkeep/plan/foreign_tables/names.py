"""Names: legal names for the tables and columns of another database, given or proposed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

import msgspec

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.definitions.columns import SYSTEM_NAMES
from rowkeep.model.foreign_tables import ForeignTable
from rowkeep.model.tables import NAME, name_key

MAX_NAME = 63
LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


class GivenNames(msgspec.Struct, frozen=True):
    """The names that the user chose, by the foreign names of tables and of columns."""

    tables: Mapping[str, str] = {}
    columns: Mapping[tuple[str, str], str] = {}


def read_given_names(given: Iterable[str], tables: Iterable[ForeignTable]) -> GivenNames:
    """Read names given as ``TABLE=NAME`` or ``TABLE.COLUMN=NAME``. Raises SetupError."""
    known = {table.name: {column.name for column in table.columns} for table in tables}
    new_tables: dict[str, str] = {}
    new_columns: dict[tuple[str, str], str] = {}
    for each in given:
        old, equals, new = each.rpartition("=")
        if not equals or not NAME.fullmatch(new):
            raise SetupError(
                f"--map {preview(each)} must be TABLE=NAME or TABLE.COLUMN=NAME, with a NAME of a letter and "
                "up to 62 letters, digits or underscores."
            )
        if old in known:
            new_tables[old] = new
            continue
        column = split_column(old, known)
        if column is None:
            raise SetupError(f"--map {preview(each)}: no table or column {preview(old)} is copied.")
        new_columns[column] = new
    return GivenNames(new_tables, new_columns)


def split_column(text: str, known: Mapping[str, Iterable[str]]) -> tuple[str, str] | None:
    """A table and its column from ``TABLE.COLUMN``, where both names may contain dots; None if there is no
    such column."""
    at = text.find(".")
    while at >= 0:
        table, column = text[:at], text[at + 1 :]
        if column in known.get(table, ()):
            return table, column
        at = text.find(".", at + 1)
    return None


def legal_name(name: str, what: str, taken: set[str]) -> str:
    """The name itself if it is legal and free, otherwise a similar one; ``taken`` gets its key.

    ``what`` is ``table``, ``column`` or ``index``: the beginning of names that cannot begin as they are.
    """
    found = name if _is_legal(name, what) else _similar(name, what)
    number = 1
    base = found
    while name_key(found) in taken or not _is_legal(found, what):
        number += 1
        end = f"_{number}"
        found = base[: MAX_NAME - len(end)] + end
    taken.add(name_key(found))
    return found


def _is_legal(name: str, what: str) -> bool:
    return bool(NAME.fullmatch(name)) and not (what == "column" and name_key(name) in SYSTEM_NAMES)


def _similar(name: str, what: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_")
    if not words or not words[0].isalpha():
        words = f"{what}_{words}".rstrip("_")
    return words[:MAX_NAME]
