"""Import options: the options of ``rowkeep rows import`` that go into its requests."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rowkeep.cli.files.requests import BulkOptions


class OnConflict(StrEnum):
    """What happens to a row whose key is in the table."""

    ERROR = "error"
    IGNORE = "ignore"
    UPDATE = "update"


class Mode(StrEnum):
    """Whether valid rows are stored if others are rejected."""

    PARTIAL = "partial"
    ATOMIC = "atomic"


def bulk_options(on_conflict: OnConflict, key: list[str] | None, mode: Mode, dry_run: bool) -> BulkOptions:
    """Raises BadParameter for options that do not fit together."""
    from rowkeep.cli.files.requests import BulkOptions

    columns = tuple(name.strip() for given in key or () for name in given.split(",") if name.strip())
    if on_conflict is not OnConflict.ERROR and not columns:
        raise typer.BadParameter(
            f"--on-conflict {on_conflict} needs --key COLUMN,…: the columns of a unique index"
        )
    if key and not columns:
        raise typer.BadParameter("--key must be one or more columns: COLUMN,…")
    return BulkOptions(mode=mode, on_conflict=on_conflict, key=columns, is_dry_run=dry_run)
