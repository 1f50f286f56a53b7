"""The tables of a new workspace definition, each with its current table, and which of them change.

Pure: no SQL and no access to rows. The change of each table is planned when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from rowkeep.errors.catalogue import InvalidDefinition, NameTaken, ProblemList, RowkeepError, pointer, preview
from rowkeep.model.definitions.columns import ColumnBody, check_name, is_set
from rowkeep.model.definitions.table_updates import read_redefinition
from rowkeep.model.definitions.tables import EmptyObject, TableBody, definition_of, read_table
from rowkeep.model.tables import SYSTEM_COLUMNS, Column, IndexColumn, Reference, Table, name_key
from rowkeep.plan.table_changes.diff import plan_change, unreferenceable
from rowkeep.plan.workspace_changes.renames import TwoSources, sources

ANY_KEY = 1
"""The number of a data key. Comparisons here do not depend on it."""

SYSTEM = {column.name: column for column in SYSTEM_COLUMNS}


class WantedTable(msgspec.Struct, frozen=True):
    """A table of the new definition: its position, its definition with former names only where something is
    renamed, its current table, and the current columns by the new names."""

    at: int
    body: TableBody
    before: Table | None
    columns: Mapping[str, Column | None]

    @property
    def where(self) -> str:
        return pointer("tables", self.at)

    @property
    def key(self) -> str:
        return name_key(self.body.name)

    @property
    def plain(self) -> TableBody:
        """The definition without former names."""
        plain = [replace(column, renamed_from=None) for column in self.body.schema_def]
        return replace(self.body, renamed_from=None, schema_def=plain)


def wanted_tables(present: Sequence[Table], bodies: Sequence[TableBody]) -> list[WantedTable]:
    """The tables of the new definition, each with its current table. Raises the errors in each of them."""
    problems = ProblemList()
    for at, body in enumerate(bodies):
        _check_renames(body, pointer("tables", at), problems)
    refuse_duplicates((body.name for body in bodies), "tables", problems)
    problems.raise_if_any()
    by_key = {name_key(table.name): table for table in present}
    found = _sources_of(
        "tables", by_key, {body.name: _former(body.renamed_from) for body in bodies}, problems
    )
    problems.raise_if_any()
    wanted = []
    for at, body in enumerate(bodies):
        key = found[body.name]
        wanted.append(_wanted(at, body, None if key is None else by_key[key], problems))
    problems.raise_if_any()
    return wanted


def unchanged_tables(present: Sequence[Table]) -> list[WantedTable]:
    """The current tables, unchanged."""
    by_id = {table.id: table for table in present}
    return [
        WantedTable(
            at,
            msgspec.convert(definition_of(table, by_id), TableBody),
            table,
            {column.name: column for column in table.columns},
        )
        for at, table in enumerate(present)
    ]


def refuse_duplicates(names: Iterable[str], kind: str, problems: ProblemList) -> None:
    """Adds a problem for each duplicate name, without regard to case."""
    taken: set[str] = set()
    for at, name in enumerate(names):
        if name_key(name) in taken:
            message = f"Duplicate {kind.removesuffix('s')} {preview(name)}."
            problems.add(NameTaken, message, pointer(kind, at, "name"))
        taken.add(name_key(name))


def _sources_of(
    kind: str, present: Mapping[str, object], wanted: Mapping[str, str | None], problems: ProblemList
) -> dict[str, str | None]:
    try:
        return sources(present.keys(), wanted)
    except TwoSources as both:
        at = list(wanted).index(both.name)
        problems.add(
            NameTaken,
            f"Cannot rename {both.former} to {both.name}: both exist. Remove renamedFrom, or rename or drop "
            "one of them first.",
            pointer(kind, at, "renamedFrom"),
        )
        return {}


def _former(sent: object) -> str | None:
    return sent if isinstance(sent, str) and sent else None


def _check_renames(body: TableBody, where: str, problems: ProblemList) -> None:
    if is_set(body.renamed_from) and body.renamed_from != EmptyObject():
        check_name(body.renamed_from, "table", f"{where}/renamedFrom", problems)
    for at, column in enumerate(body.schema_def):
        if is_set(column.renamed_from) and column.read_only is not True:
            check_name(
                column.renamed_from, "column", where + pointer("schemaDef", at, "renamedFrom"), problems
            )


def _wanted(at: int, body: TableBody, before: Table | None, problems: ProblemList) -> WantedTable:
    columns = [column for column in body.schema_def if column.read_only is not True]
    names = {column.name: _former(column.renamed_from) for column in columns if isinstance(column.name, str)}
    there = {} if before is None else {name_key(column.name): column for column in before.columns}
    where = pointer("tables", at)
    try:
        found = sources(there.keys(), names)
    except TwoSources as both:
        spot = next(place for place, column in enumerate(body.schema_def) if column.name == both.name)
        problems.add(
            InvalidDefinition,
            f"Cannot rename column {both.former} of table {body.name} to {both.name}: both exist. Remove "
            "renamedFrom, or drop one of them first.",
            where + pointer("schemaDef", spot, "renamedFrom"),
        )
        found = {}
    former = {name: None if key is None else there[key] for name, key in found.items()}
    renamed = before is not None and name_key(before.name) != name_key(body.name)
    cleaned = replace(
        body,
        renamed_from=before.name if before is not None and renamed else None,
        schema_def=[_with_former(column, former) for column in body.schema_def],
    )
    wanted = WantedTable(at, cleaned, before, former)
    _check_by_itself(wanted, problems)
    return wanted


def _with_former(column: ColumnBody, former: Mapping[str, Column | None]) -> ColumnBody:
    before = former.get(column.name) if isinstance(column.name, str) else None
    renamed = before is not None and name_key(before.name) != name_key(column.name)
    return replace(column, renamed_from=before.name if before is not None and renamed else None)


def _check_by_itself(wanted: WantedTable, problems: ProblemList) -> None:
    """The errors in a definition, apart from its references."""
    body = without_references(wanted.plain, lambda _: True)
    try:
        read_table(body, "", {}, ANY_KEY)
    except RowkeepError as error:
        for problem in error.problems:
            problems.add(type(error), problem.msg, wanted.where + (problem.pointer or ""))


def without_references(body: TableBody, is_removed: Callable[[ColumnBody], bool]) -> TableBody:
    """A definition without the references of some columns."""
    columns = [
        replace(column, reference=None) if is_set(column.reference) and is_removed(column) else column
        for column in body.schema_def
    ]
    return replace(body, schema_def=columns)


def renamed(wanted: WantedTable) -> Table | None:
    """The current table with its new names and those of its columns, for comparison with the new
    definition."""
    if wanted.before is None:
        return None
    names = {column.id: name for name, column in wanted.columns.items() if column is not None}
    before = {column.name: column.id for column in wanted.before.columns}
    columns = tuple(
        replace(column, name=names[column.id]) for column in wanted.before.columns if column.id in names
    )
    indexes = tuple(
        replace(
            index,
            columns=tuple(
                IndexColumn(names[before[part.name]] if part.name in before else part.name, part.descending)
                for part in index.columns
            ),
        )
        for index in wanted.before.indexes
        if all(part.name in SYSTEM or before[part.name] in names for part in index.columns)
    )
    return replace(wanted.before, name=wanted.body.name, columns=columns, indexes=indexes)


def is_untouched(wanted: WantedTable, by_id: Mapping[str, Table], by_key: Mapping[str, Table]) -> bool:
    """Whether a table does not change. The mappings have all remaining tables by their new names."""
    before = wanted.before
    if before is None or wanted.body != wanted.plain:
        return False
    try:
        after = read_table(wanted.plain, before.id, by_key, ANY_KEY)
    except RowkeepError:
        return False
    referred = {each.reference.table for each in before.columns if each.reference is not None}
    if not referred <= {*by_id, before.id}:
        return False
    return definition_of(after, by_id) == definition_of(before, by_id)


def same_reference(
    column: ColumnBody, wanted: WantedTable, by_key: Mapping[str, WantedTable]
) -> tuple[WantedTable, Column] | None:
    """The new reference of a column, as current table and column, if it has that reference already."""
    before = wanted.columns.get(column.name)
    given_reference = column.reference
    if before is None or before.reference is None or not isinstance(given_reference, dict):
        return None
    target = by_key.get(name_key(str(given_reference.get("table"))))
    if target is None or target.before is None:
        return None
    name = str(given_reference.get("column"))
    there = SYSTEM[name] if name in SYSTEM else target.columns.get(name)
    if there is None or before.reference != Reference(target.before.id, there.id):
        return None
    return target, there


def unreferenceable_columns(wanted: WantedTable) -> set[str]:
    """The ids of the columns of a current table that cannot be referenced while it changes."""
    if wanted.before is None:
        return set()
    body = without_references(wanted.body, lambda _: True)
    loose = tuple(replace(column, reference=None) for column in wanted.before.columns)
    before = replace(wanted.before, columns=loose)
    try:
        return unreferenceable(plan_change(before, read_redefinition(body, body.name, before, {}, ANY_KEY)))
    except RowkeepError:
        # it will be refused when the change is made
        return set()
