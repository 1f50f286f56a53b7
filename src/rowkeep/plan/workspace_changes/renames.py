"""Renames: which of the things that are there each one that is wanted comes from, by their names.

A wish may say what it was called before. That stays true in a file for ever, so it is done already where only
the new name is there, and says nothing where neither is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rowkeep.model.tables import name_key


class TwoSources(Exception):
    """Something may come from two things that are there: the one of its name, and the one of its former."""

    def __init__(self, name: str, former: str) -> None:
        super().__init__(name, former)
        self.name = name
        self.former = former


def sources(present: Collection[str], wanted: Mapping[str, str | None]) -> dict[str, str | None]:
    """For each name that is wanted the key of the present name that it comes from; None for what is new.

    ``present`` are keys of names; ``wanted`` has the names, each with its former one or None. Raises
    TwoSources.
    """
    found: dict[str, str | None] = {}
    taken: set[str] = set()
    renamed = {name: name_key(former) for name, former in wanted.items() if former}
    renamed = {name: key for name, key in renamed.items() if key in present and key != name_key(name)}
    while True:
        # a name is free for another if nothing bore it, or if what bore it has been renamed itself
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
    claimed = {name_key(name) for name in wanted}
    for name in wanted:
        if name not in found:
            itself = name_key(name)
            found[name] = itself if itself in present and itself not in taken else None
            former = renamed.get(name)
            if former is not None and former not in taken and former not in claimed:
                raise TwoSources(name, former)
    return found
