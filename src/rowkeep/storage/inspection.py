"""Inspection: what a database really has, to compare it with the definitions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import Any

import msgspec

from rowkeep.sql.statements import Statement

MAX_DAMAGES = 20
"""How much damage of one database is listed."""


class StoredIndex(msgspec.Struct, frozen=True):
    """An index by its columns; None for an expression. One that is not valid is not used."""

    columns: tuple[str | None, ...]
    is_unique: bool
    is_valid: bool = True


class StoredTable(msgspec.Struct):
    """A table as the engine has it: its columns, and whether each can be null; its indexes by name, without
    that of the primary key; the columns that have a foreign key; and the names of the triggers that run."""

    columns: dict[str, bool]
    indexes: dict[str, StoredIndex]
    references: set[str]
    triggers: set[str] = msgspec.field(default_factory=set)


class Inspection(ABC):
    """The scripts of one engine, for the database in one namespace."""

    engine: str
    """The name of the engine, as the API has it."""

    @abstractmethod
    def version(self) -> Generator[Statement, Sequence[Sequence[Any]], str]:
        """The version of the engine."""

    @abstractmethod
    def damage(self) -> Generator[Statement, Sequence[Sequence[Any]], Sequence[str]]:
        """What the engine's own check of the whole database finds, at most MAX_DAMAGES entries."""

    @abstractmethod
    def unfinished(self) -> Generator[Statement, Sequence[Sequence[Any]], Sequence[str]]:
        """The schemas that a restore which was killed has left in the database of the store."""

    @abstractmethod
    def tables(self) -> Generator[Statement, Sequence[Sequence[Any]], dict[str, StoredTable]]:
        """All tables by their physical names, the system tables included."""
