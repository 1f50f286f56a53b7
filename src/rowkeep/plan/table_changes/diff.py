"""Table changes: two definitions of a table compared, and the steps from one to the other, in order.

Pure: no SQL and no access to rows. Conditions on rows are returned as checks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum

import msgspec

from rowkeep.errors.catalogue import DataLoss, Problem, StillReferenced, pointer, preview
from rowkeep.model.definitions.table_updates import Redefinition
from rowkeep.model.tables import Column, Index, Table
from rowkeep.model.users import HIDDEN_TABLE
from rowkeep.plan.table_changes.checks import (
    Check,
    added_checks,
    column_checks,
    index_checks,
    reference_checks,
)
from rowkeep.plan.table_changes.matching import RemainingColumn, names_of, same_indexes, with_ids

LOSS_HINT = "To rename it, set renamedFrom. To drop it, pass allowDataLoss=true."
HISTORY_HINT = "To keep the history, send the member history. To delete it, pass allowDataLoss=true."


class StepKind(Enum):
    """What a step does; ``sql.table_changes`` knows which of them rewrite rows."""

    RENAME_TABLE = "rename table"
    DESCRIBE = "change the description"
    RETAIN = "change the retention"
    RECORD = "record changes"
    FORGET = "delete the history"
    KEEP = "change how long records of changes stay"
    DROP_INDEX = "drop index"
    DROP_COLUMN = "drop column"
    RENAME_COLUMN = "rename column"
    CONVERT = "change the type"
    ENCRYPT = "change isEncrypted"
    REFER = "set a reference"
    RELEASE = "remove a reference"
    LIMIT = "change maxLength"
    REQUIRE = "change isRequired"
    DEFAULT = "change the default"
    ADD_COLUMN = "add column"
    REORDER = "reorder"
    ADD_INDEX = "add index"


LOSING = frozenset({StepKind.DROP_COLUMN, StepKind.FORGET})
"""The steps that lose data."""

METADATA = frozenset({StepKind.DESCRIBE, StepKind.RETAIN, StepKind.KEEP, StepKind.REORDER, StepKind.DEFAULT})
"""The steps that change only the definition."""


class TableStep(msgspec.Struct, frozen=True):
    """One step: its kind, its description, the pointer to its cause, and whether existing rows get values."""

    kind: StepKind
    description: str
    where: str
    fills: bool = False

    @property
    def loses_data(self) -> bool:
        return self.kind in LOSING

    @property
    def loss(self) -> str:
        """The error if it loses data and that is not allowed."""
        if self.kind is StepKind.FORGET:
            return f"This would {self.description}. {HISTORY_HINT}"
        return f"This would {self.description} with all its values. {LOSS_HINT}"


class Change(msgspec.Struct, frozen=True):
    """The change from one definition to another; without steps if they are equal. An index of a column that
    is rewritten is in both the dropped and the created indexes."""

    before: Table
    after: Table
    steps: tuple[TableStep, ...]
    remaining: tuple[RemainingColumn, ...]
    added: tuple[Column, ...]
    dropped: tuple[Column, ...]
    dropped_indexes: tuple[Index, ...]
    created_indexes: tuple[Index, ...]
    referring: tuple[Column, ...]
    """The columns whose foreign keys are created, in their new form."""
    checks: tuple[Check, ...]

    @property
    def is_metadata(self) -> bool:
        """Whether the table itself does not change."""
        return all(step.kind in METADATA for step in self.steps)

    @property
    def needs_trial(self) -> bool:
        """Whether some checks need the change to be made."""
        return any(check.is_late for check in self.checks)

    def refuse_loss(self) -> None:
        """Raises DataLoss, listing the steps that lose data."""
        losing = [step for step in self.steps if step.loses_data]
        if losing:
            messages = [step.loss for step in losing]
            raise DataLoss(
                messages[0],
                problems=[
                    Problem(msg, DataLoss.code, step.where)
                    for msg, step in zip(messages, losing, strict=True)
                ],
            )


class Facet(msgspec.Struct, frozen=True):
    """One property of a column that can change, and the description of its change."""

    kind: StepKind
    of: Callable[[Column], object]
    description: Callable[[Column, Column], str]
    key: str


def _describe_required(_was: Column, now: Column) -> str:
    if not now.is_required:
        return f"make column {now.name} optional"
    filled = ", with its default in place of null" if now.default is not None else ""
    return f"make column {now.name} required{filled}"


def _describe_limit(_was: Column, now: Column) -> str:
    if now.max_length is None:
        return f"remove maxLength from column {now.name}"
    return f"set maxLength of column {now.name} to {now.max_length}"


def _describe_default(_was: Column, now: Column) -> str:
    if now.default is None:
        return f"remove the default of column {now.name}"
    return f"set the default of column {now.name} to {preview(now.default)}"


def _describe_encrypted(_was: Column, now: Column) -> str:
    return f"{'encrypt' if now.is_encrypted else 'decrypt'} column {now.name}"


def _describe_reference(was: Column, now: Column) -> str:
    if now.reference is None:
        return f"remove the reference of column {now.name}"
    return f"{'set' if was.reference is None else 'change'} the reference of column {now.name}"


FACETS = (
    Facet(
        StepKind.RENAME_COLUMN,
        lambda column: column.name,
        lambda was, now: f"rename column {was.name} to {now.name}",
        "name",
    ),
    Facet(
        StepKind.CONVERT,
        lambda column: column.type,
        lambda was, now: f"change the type of column {now.name} from {was.type} to {now.type}",
        "type",
    ),
    Facet(StepKind.ENCRYPT, lambda column: column.is_encrypted, _describe_encrypted, "isEncrypted"),
    Facet(StepKind.REFER, lambda column: column.reference, _describe_reference, "reference"),
    Facet(StepKind.LIMIT, lambda column: column.max_length, _describe_limit, "maxLength"),
    Facet(StepKind.REQUIRE, lambda column: column.is_required, _describe_required, "isRequired"),
    Facet(StepKind.DEFAULT, lambda column: column.default, _describe_default, "default"),
)


def plan_change(before: Table, wanted: Redefinition) -> Change:
    """The change from ``before`` to the new definition."""
    found = wanted.origins
    former = {name: None if was is None else was.name for name, was in found.items()}
    indexes = with_ids(before, wanted.table.indexes)
    same = same_indexes(before, indexes, former)
    remaining = [
        RemainingColumn(was, now, wanted.where(now.name))
        for now in wanted.table.columns
        if (was := found[now.name]) is not None
    ]
    added = tuple(now for now in wanted.table.columns if found[now.name] is None)
    came_from = {pair.before.id for pair in remaining}
    written = {pair.after.name for pair in remaining if pair.converts or pair.fills}
    rebuilt = {index.id for index in indexes if index.id in same and written & names_of(index)}
    created = tuple(index for index in indexes if index.id not in same or index.id in rebuilt)
    after = msgspec.structs.replace(wanted.table, indexes=indexes)
    referring = _new_references(after, remaining, added)
    change = Change(
        before=before,
        after=after,
        steps=(),
        remaining=tuple(remaining),
        added=added,
        dropped=tuple(was for was in before.columns if was.id not in came_from),
        dropped_indexes=tuple(
            index for index in before.indexes if index.id not in same or index.id in rebuilt
        ),
        created_indexes=created,
        referring=tuple(referring),
        checks=(
            *column_checks(remaining, wanted),
            *added_checks(found, wanted),
            *index_checks(created, former, written, wanted),
            *reference_checks(referring, wanted),
        ),
    )
    return msgspec.structs.replace(change, steps=tuple(_steps(change, same, wanted)))


def unreferenceable(change: Change) -> set[str]:
    """The ids of the columns that cannot be referenced while this change is made."""
    removed = {column.id for column in change.dropped}
    removed |= {pair.after.id for pair in change.remaining if pair.converts}
    ids = {column.name: column.id for column in change.before.all_columns}
    return removed | {
        ids[index.columns[0].name]
        for index in change.dropped_indexes
        if index.is_unique and len(index.columns) == 1
    }


def refuse_if_referred(
    change: Change, others: Sequence[tuple[Table, Column]], hidden: Collection[str] = ()
) -> None:
    """Raises StillReferenced if columns of other tables reference a column that is dropped, rewritten, or no
    longer unique by the same index. It names no table with one of the ids ``hidden``."""
    removed = unreferenceable(change)
    for table, column in others:
        if column.reference is not None and column.reference.column in removed:
            name = next(each.name for each in change.before.all_columns if each.id == column.reference.column)
            referring = HIDDEN_TABLE if table.id in hidden else f"{table.name}.{column.name}"
            raise StillReferenced(
                f"Column {name} is referenced by {referring}: it cannot be dropped, and its "
                "type and unique index cannot change. Remove that reference first.",
                pointer="/schemaDef",
            )


def _new_references(
    after: Table, remaining: list[RemainingColumn], added: tuple[Column, ...]
) -> list[Column]:
    """The columns whose foreign keys are created: new ones, and those whose cells, or referenced cells of the
    same table, are rewritten."""
    converted = {pair.after.id for pair in remaining if pair.converts}
    found = [column for column in added if column.reference is not None]
    for pair in remaining:
        reference = pair.after.reference
        if reference is None:
            continue
        target_converts = reference.table == after.id and reference.column in converted
        if reference != pair.before.reference or pair.converts or pair.fills or target_converts:
            found.append(pair.after)
    return found


def _steps(change: Change, same: set[int], wanted: Redefinition) -> Iterator[TableStep]:
    before, after = change.before, change.after
    if before.name != after.name:
        yield TableStep(StepKind.RENAME_TABLE, f"rename table {before.name} to {after.name}", "/name")
    if before.description != after.description:
        yield TableStep(StepKind.DESCRIBE, "change the description", "/description")
    if before.retention != after.retention:
        yield TableStep(StepKind.RETAIN, _describe_retention(after), "/retention")
    if before.history != after.history:
        yield _history_step(before, after)
    for index in before.indexes:
        if index.id not in same:
            yield TableStep(StepKind.DROP_INDEX, f"drop index {index.name}", "/indexes")
    for column in change.dropped:
        yield TableStep(StepKind.DROP_COLUMN, f"drop column {column.name}", "/schemaDef")
    for facet in FACETS:
        for pair in change.remaining:
            if facet.of(pair.before) != facet.of(pair.after):
                description = facet.description(pair.before, pair.after)
                fills = facet.kind is StepKind.REQUIRE and pair.fills
                is_lifted = facet.kind is StepKind.REFER and pair.after.reference is None
                kind = StepKind.RELEASE if is_lifted else facet.kind
                yield TableStep(kind, description, wanted.where(pair.after.name, facet.key), fills)
    for column in change.added:
        fills = column.default is not None
        description = f"add column {column.name} of type {column.type}" + (
            ", with its default in existing rows" if fills else ""
        )
        yield TableStep(StepKind.ADD_COLUMN, description, wanted.where(column.name), fills)
    yield from _order_steps(change, same)
    for at, index in enumerate(after.indexes):
        if index.id not in same:
            unique = "unique " if index.is_unique else ""
            yield TableStep(StepKind.ADD_INDEX, f"add {unique}index {index.name}", pointer("indexes", at))


def _history_step(before: Table, after: Table) -> TableStep:
    if after.history is None:
        description = "stop recording changes and delete the history"
        return TableStep(StepKind.FORGET, description, "/history")
    days = f"{after.history.keep_days} days"
    if before.history is None:
        return TableStep(StepKind.RECORD, f"record changes, and keep the records for {days}", "/history")
    return TableStep(StepKind.KEEP, f"keep the records of changes for {days}", "/history")


def _describe_retention(table: Table) -> str:
    if table.retention is None:
        return "remove the retention"
    column = next(each for each in table.all_columns if each.id == table.retention.column)
    return f"delete rows in the background when {column.name} is more than {table.retention.days} days ago"


def _order_steps(change: Change, same: set[int]) -> Iterator[TableStep]:
    """Steps for a new order: if existing columns or indexes change places, or new ones are not at the end."""
    stayed = [pair.before.name for pair in change.remaining]
    removed = {column.name for column in change.dropped}
    remaining = [column.name for column in change.before.columns if column.name not in removed]
    new = {column.name for column in change.added}
    if stayed != remaining or _is_inserted(column.name in new for column in change.after.columns):
        yield TableStep(StepKind.REORDER, "reorder the columns", "/schemaDef")
    before = [index.id for index in change.before.indexes if index.id in same]
    after = [index.id for index in change.after.indexes if index.id in same]
    if before != after or _is_inserted(index.id not in same for index in change.after.indexes):
        yield TableStep(StepKind.REORDER, "reorder the indexes", "/indexes")


def _is_inserted(are_new: Iterable[bool]) -> bool:
    found = list(are_new)
    return found != sorted(found)
