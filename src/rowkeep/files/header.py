"""Header: finds the columns of a table for the columns of a file."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import msgspec

from rowkeep.errors.catalogue import UnknownColumn
from rowkeep.files.reading import Reading
from rowkeep.files.records import FileRefused, Target
from rowkeep.files.table_columns import TableColumns
from rowkeep.files.text_cells import SYSTEM_NAMES
from rowkeep.files.unfit import shown
from rowkeep.model.names import never
from rowkeep.model.tables import Column, simplified

MAX_NAME = 63
TRANSLITERATED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "æ": "ae", "Æ": "Ae",
     "ø": "o", "Ø": "O", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "%": " percent "}
)  # fmt: skip
MAX_PROBLEMS = 10


class HeaderMatch(msgspec.Struct, frozen=True):
    """The target of each column of a file, or None if it is skipped; the names of the skipped system columns;
    and the columns whose name in the table is another than in the file, also without regard to case."""

    targets: tuple[Target | None, ...]
    left_out: frozenset[str]
    renamed: dict[str, str]


def legal_name(name: str) -> str:
    """A name for a column of a table, made from one that need not be legal; "" if nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name.translate(TRANSLITERATED))
    found = re.sub(r"[^A-Za-z0-9]+", "_", plain.encode("ascii", "ignore").decode().strip()).strip("_")
    if found and not found[0].isalpha():
        found = f"c_{found}"
    return found[:MAX_NAME].rstrip("_")


class _Columns:
    """The columns of a file, with the options that name them."""

    def __init__(self, names: Sequence[str], reading: Reading) -> None:
        self.names = names
        self._counts = Counter(names)
        self._renames = dict(reading.renames)
        self._skipped = set(reading.skipped)
        self._only = set(reading.only) if reading.has_header else set()
        self._only_near = {simplified(each) for each in self._only}
        self._used: set[str] = set()

    def label(self, at: int) -> str:
        """The name of a column for options."""
        name = self.names[at]
        return name if name and self._counts[name] == 1 else f"#{at + 1}"

    def renamed(self, at: int) -> str | None:
        return next((self._renames[each] for each in self._own(at) if self._take(each, self._renames)), None)

    def is_skipped(self, at: int, name: str) -> bool:
        if any(self._take(each, self._skipped) for each in self._own(at)):
            return True
        if not self._only:
            return False
        found = [each for each in (*self._own(at), name) if self._take(each, self._only)]
        return not found and simplified(name) not in self._only_near

    def unused(self) -> list[str]:
        """The names in options that no column has."""
        near = {simplified(name) for name in self.names} | {simplified(each) for each in self._used}
        given = [*self._renames, *self._skipped, *self._only]
        return [each for each in given if each not in self._used and simplified(each) not in near]

    def _own(self, at: int) -> tuple[str, ...]:
        return (f"#{at + 1}", self.names[at]) if self.names[at] else (f"#{at + 1}",)

    def _take(self, name: str, known: set[str] | dict[str, str]) -> bool:
        if name in known:
            self._used.add(name)
        return name in known


class _Matching:
    def __init__(self, table: TableColumns) -> None:
        self.table = table
        self.problems: list[str] = []
        self.left_out: set[str] = set()
        self.renamed: dict[str, str] = {}
        self.taken: dict[str, str] = {}

    def target(self, columns: _Columns, at: int) -> Target | None:
        name, given = columns.names[at], columns.renamed(at)
        label = columns.label(at)
        if columns.is_skipped(at, given or name):
            return None
        cure = f"Use --map {shown(f'{label}=COLUMN')} or --skip-columns {shown(label)}."
        if not (given or name):
            self.problems.append(f"Column {at + 1} in the header has no name. {cure}")
            return None
        if given is None and name in SYSTEM_NAMES:
            self.left_out.add(name)
            return None
        column = self._find(given or name, cure)
        if column is None:
            return None
        if column.is_system:
            self.problems.append(
                f"Column {shown(name)} matches the system column {column.name}, which cannot be written. "
                "Remove "
                f"it, rename it to {column.name} to have it skipped, or use --skip-columns {shown(label)}."
            )
            return None
        if column.name in self.taken:
            other = self.taken[column.name]
            self.problems.append(
                f"{shown(other)} and {shown(name or label)} are both column {column.name}; columns must not "
                f"occur twice. {cure}"
            )
            return None
        self.taken[column.name] = name or label
        is_near = given is None and simplified(name) == simplified(column.name)
        if not is_near:
            self.renamed[label] = column.name
        return Target(name if is_near else column.name, column.type)

    def _find(self, name: str, cure: str) -> Column | None:
        try:
            return self.table.find(name, self._takes_hint)
        except UnknownColumn as error:
            try:
                return self.table.find(legal_name(name), never)
            except UnknownColumn:
                self.problems.append(f"{error} {cure}")
                return None

    def _takes_hint(self) -> bool:
        """Whether the next problem is shown. Similar names are looked for among all names of the table."""
        return len(self.problems) < MAX_PROBLEMS


def match_header(names: Sequence[str], table: TableColumns, reading: Reading, file: str) -> HeaderMatch:
    """Find the column of the table for each column of the file. Raises FileRefused with all that is wrong."""
    columns = _Columns(names, reading)
    matching = _Matching(table)
    targets = tuple(matching.target(columns, at) for at in range(len(names)))
    unused = columns.unused()
    problems = matching.problems
    if unused:
        which = ", ".join(map(shown, unused))
        problems.append(f"No column of the file has the name {which}. Its columns are {_listed(names)}.")
    if problems:
        hint = ""
        if len(names) == 1:
            hint = " The whole header is one column: if that is wrong, use --delimiter or --encoding."
        more = len(problems) - MAX_PROBLEMS
        rest = f" And {more} more." if more > 0 else ""
        found = " ".join(problems[:MAX_PROBLEMS])
        raise FileRefused(f"The columns of {file} do not match table {table.name}: {found}{rest}{hint}")
    if not any(targets):
        only = "only system columns, which cannot be written" if matching.left_out else "no columns to import"
        raise FileRefused(f"{file} has {only}.")
    return HeaderMatch(targets, frozenset(matching.left_out), matching.renamed)


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(shown(name) for name in names[:MAX_PROBLEMS])
    return f"{listed}, …" if len(names) > MAX_PROBLEMS else listed
