"""Acceptance: which rows of a partial bulk can be stored.

The rows are as if they came one after the other: of two with the same key the first one is stored. A row can
refer to any other row of the request that is stored. So a row that refers to a refused row is refused, and a
key that a refused row has is free for a later row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

Key: TypeAlias = Hashable
"""The key of a row in a unique index; None if one of its cells is empty, for then it is equal to no other."""

MAX_ROUNDS = 20
"""Each round stores rows or refuses some. More are only needed by rows that exclude and need each other; what
is left then is refused."""


class UniqueKeys(NamedTuple):
    """The keys of all rows in a unique index, and the rows whose key is stored already."""

    keys: Sequence[Key]
    stored: set[int]


class References(NamedTuple):
    """The rows whose cell in a column refers to nothing that is stored. If the column refers to its own
    table, ``cells`` has the cells of all rows, and ``keys`` what they can be equal to."""

    missing: set[int]
    cells: Sequence[Key] | None = None
    keys: Sequence[Key] = ()


class Checked(NamedTuple):
    """What is known about the rows of a request, by their positions."""

    rows: int
    unique: Sequence[UniqueKeys]
    references: Sequence[References]


class Refused(NamedTuple):
    """A row that cannot be stored, with the positions of the indexes and references that it violates."""

    row: int
    unique: tuple[int, ...]
    references: tuple[int, ...]


def accepted_rows(checked: Checked) -> list[int]:
    """The rows that can be stored together, in their order."""
    own = [each for each in checked.references if each.cells is not None and each.missing]
    refused = set().union(*(each.stored for each in checked.unique))
    refused.update(*(each.missing for each in checked.references if each.cells is None))
    remaining = [row for row in range(checked.rows) if row not in refused]
    keys = [each.keys for each in checked.unique]
    if not own:
        return _first_of_each(remaining, keys, [set() for _ in keys])
    return _in_rounds(remaining, keys, own)


def _in_rounds(remaining: list[int], keys: list[Sequence[Key]], own: list[References]) -> list[int]:
    accepted: set[int] = set()
    aside: set[int] = set()
    for _ in range(MAX_ROUNDS):
        claimed = [{each[row] for row in accepted} - {None} for each in keys]
        there: list[set[Key]] = [{each.keys[row] for row in accepted} for each in own]
        free = [row for row in remaining if not _is_taken(row, keys, claimed)]
        first = _first_of_each(_supported(free, own, there), keys, claimed)
        stored = set(_supported(first, own, there))
        if stored:
            accepted |= stored
            remaining = sorted({*remaining, *aside} - stored)
            aside.clear()
        elif first:
            # they need rows that lose to them
            aside.update(first)
            remaining = [row for row in remaining if row not in aside]
        else:
            break
    return sorted(accepted)


def _is_taken(row: int, keys: Sequence[Sequence[Key]], claimed: Sequence[set[Key]]) -> bool:
    return any(each[row] in taken for each, taken in zip(keys, claimed, strict=True))


def _first_of_each(rows: list[int], keys: Sequence[Sequence[Key]], claimed: Sequence[set[Key]]) -> list[int]:
    """The rows that have the same key as no row before them and no ``claimed`` one."""
    seen = [set(each) for each in claimed]
    found = []
    for row in rows:
        own = [each[row] for each in keys]
        if any(key in taken for key, taken in zip(own, seen, strict=True)):
            continue
        for key, taken in zip(own, seen, strict=True):
            if key is not None:
                taken.add(key)
        found.append(row)
    return found


def _supported(rows: list[int], own: Sequence[References], there: Sequence[set[Key]]) -> list[int]:
    """The largest part of the rows in which each one refers to what is stored, ``there``, or in the part."""
    left = set(rows)
    providers = [Counter(each.keys[row] for row in rows) for each in own]
    dependents: dict[tuple[int, Key], list[int]] = {}
    dropped: list[int] = []
    for at, each in enumerate(own):
        assert each.cells is not None  # noqa: S101 - it refers to its own table
        for row in each.missing & left:
            cell = each.cells[row]
            if cell in there[at]:
                continue
            if providers[at][cell]:
                dependents.setdefault((at, cell), []).append(row)
            else:
                dropped.append(row)
    while dropped:
        row = dropped.pop()
        if row not in left:
            continue
        left.remove(row)
        for at, each in enumerate(own):
            key = each.keys[row]
            providers[at][key] -= 1
            if not providers[at][key]:
                dropped += dependents.get((at, key), ())
    return [row for row in rows if row in left]


def refused_rows(checked: Checked, accepted: Sequence[int]) -> Iterator[Refused]:
    """The other rows, each with all that it violates once the ``accepted`` ones are stored."""
    claimed = [{each.keys[row] for row in accepted} for each in checked.unique]
    there = [
        set() if each.cells is None else {each.keys[row] for row in accepted} for each in checked.references
    ]
    stored = set(accepted)
    for row in range(checked.rows):
        if row in stored:
            continue
        unique = tuple(
            at
            for at, each in enumerate(checked.unique)
            if row in each.stored or (each.keys[row] is not None and each.keys[row] in claimed[at])
        )
        missing = tuple(at for at, each in enumerate(checked.references) if row in each.missing)
        absent = tuple(at for at in missing if not _is_there(checked.references[at], row, there[at]))
        # a row that was left after the last round may violate nothing by now
        yield Refused(row, unique, absent if absent or unique else missing)


def _is_there(reference: References, row: int, there: set[Key]) -> bool:
    return reference.cells is not None and reference.cells[row] in there
