"""Matching: existing columns before and after a change, and the indexes that do not change."""

from __future__ import annotations

import msgspec

from rowkeep.model.tables import Column, Index, IndexColumn, Table


class RemainingColumn(msgspec.Struct, frozen=True):
    """An existing column before and after a change."""

    before: Column
    after: Column
    where: str
    """The pointer to it in the definition."""

    @property
    def converts(self) -> bool:
        """Whether its cells are rewritten from their old values: as another type or in another form. The
        length of encrypted text can only be checked in Python."""
        was, now = self.before, self.after
        return (
            was.type != now.type
            or was.is_encrypted != now.is_encrypted
            or was.holds_sys_ids != now.holds_sys_ids
            or (
                now.is_encrypted
                and (below(now.max_length, was.max_length) or below(now.max_bytes, was.max_bytes))
            )
        )

    @property
    def fills(self) -> bool:
        """Whether null becomes the default, because the column becomes required."""
        return self.after.is_required and not self.before.is_required and self.after.default is not None


def names_of(index: Index) -> set[str]:
    """The columns of an index."""
    return {part.name for part in index.columns}


def with_ids(before: Table, wanted: tuple[Index, ...]) -> tuple[Index, ...]:
    """The new indexes; those with an existing name get the id of that index for now."""
    known = {index.name: index.id for index in before.indexes}
    unused = max(known.values(), default=-1) + 1
    named: list[Index] = []
    for index in wanted:
        if index.name not in known:
            known[index.name] = unused
            unused += 1
        named.append(msgspec.structs.replace(index, id=known[index.name]))
    return tuple(named)


def same_indexes(before: Table, wanted: tuple[Index, ...], former: dict[str, str | None]) -> set[int]:
    """The ids of the indexes that do not change, apart from names of columns."""
    known = {index.id: index for index in before.indexes}
    return {
        index.id
        for index in wanted
        if (was := known.get(index.id)) is not None
        and was.is_unique == index.is_unique
        and was.columns == formerly(index, former)
    }


def formerly(index: Index, former: dict[str, str | None]) -> tuple[IndexColumn, ...] | None:
    """The former names of the columns of an index; None if one is new."""
    parts = []
    for part in index.columns:
        # system columns are never renamed
        was = former.get(part.name, part.name)
        if was is None:
            return None
        parts.append(IndexColumn(was, part.descending))
    return tuple(parts)


def below(limit: int | None, former: int | None) -> bool:
    """Whether a limit is narrower than the former one; None means unlimited."""
    return limit is not None and (former is None or limit < former)
