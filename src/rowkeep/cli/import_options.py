"""Import options: the options of ``rowkeep rows import`` that go into its requests."""

from __future__ import annotations

import typer

from rowkeep.files.requests import BulkOptions, Mode, OnConflict


def bulk_options(on_conflict: OnConflict, key: list[str] | None, mode: Mode, dry_run: bool) -> BulkOptions:
    """Raises BadParameter for options that do not fit together."""
    columns = tuple(name.strip() for given in key or () for name in given.split(",") if name.strip())
    if on_conflict is not OnConflict.ERROR and not columns:
        raise typer.BadParameter(
            f"--on-conflict {on_conflict} needs --key COLUMN,…: the columns of a unique index"
        )
    if key and not columns:
        raise typer.BadParameter("--key must be one or more columns: COLUMN,…")
    return BulkOptions(mode=mode, on_conflict=on_conflict, key=columns, is_dry_run=dry_run)
