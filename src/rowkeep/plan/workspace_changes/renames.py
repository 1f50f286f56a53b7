"""Renames: which existing object each object of a new definition comes from, by name.

A definition can have a former name. It stays in files, so it has no effect if only the new name exists
(already renamed), or neither. Names cannot be swapped: from the names alone, nobody can tell whether that was
done already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rowkeep.model.tables import name_key


class TwoSources(Exception):
    """An object has two possible origins: both its name and its former name exist."""

    def __init__(self, name: str, former: str) -> None:
        super().__init__(name, former)
        self.name = name
        self.former = former


def sources(present: Collection[str], wanted: Mapping[str, str | None]) -> dict[str, str | None]:
    """The key of the current name for each new name; None if it is a new object.

    ``present`` has the keys of current names; ``wanted`` has the new names, each with its former name or
    None. Raises TwoSources.
    """
    found: dict[str, str | None] = {}
    taken: set[str] = set()
    renamed = {name: name_key(former) for name, former in wanted.items() if former}
    renamed = {name: key for name, key in renamed.items() if key in present and key != name_key(name)}
    while True:
        # a name is free if nothing has it, or if the object that had it has been renamed itself
        moved = next(
            (
                name
                for name, former in renamed.items()
                if name not in found
                and former not in taken
                and (name_key(name) not in present or name_key(name) in taken)
            ),
            None,
        )
        if moved is None:
            break
        found[moved] = renamed[moved]
        taken.add(renamed[moved])
    staying = {name_key(name): renamed.get(name) for name in wanted if name not in found}
    claimed = {name_key(name) for name in wanted}
    for name in wanted:
        if name not in found:
            itself = name_key(name)
            found[name] = itself if itself in present and itself not in taken else None
            former = renamed.get(name)
            if former is None or former in taken:
                continue
            if former not in claimed or _is_circle(staying, itself):
                raise TwoSources(name, former)
    return found


def _is_circle(former: Mapping[str, str | None], start: str) -> bool:
    """Whether the former names of objects that all exist lead back to ``start``."""
    at = former.get(start)
    for _ in former:
        if at is None or at == start:
            break
        at = former.get(at)
    return at == start
