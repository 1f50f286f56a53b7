"""Import reports: what ``rowkeep rows import`` prints when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowkeep.cli.filter_options import count_of
from rowkeep.cli.output import print_json, print_line
from rowkeep.errors.catalogue import SetupError

if TYPE_CHECKING:
    from rowkeep.cli.files.finished_imports import Finished
    from rowkeep.cli.files.imports import ImportOptions
    from rowkeep.cli.files.journal import Standing


def report(done: Standing | Finished, options: ImportOptions, as_json: bool) -> None:
    """Print what was imported, now or before. Raises SetupError if rows were rejected now."""
    from rowkeep.cli.files.finished_imports import Finished

    if isinstance(done, Finished):
        report_finished(done, options, as_json)
    else:
        report_import(done, options, as_json)


def report_import(standing: Standing, options: ImportOptions, as_json: bool) -> None:
    """Print the counts. Raises SetupError if rows were rejected."""
    rejects = str(options.rejects) if standing.rejected else None
    if as_json:
        print_json(_counts(standing, options, rejects))
    else:
        print_line(_summary(standing, options))
    if rejects is not None:
        would_be = "would be rejected" if options.bulk.is_dry_run else "rejected"
        nothing = " Nothing was imported (--mode atomic)." if options.bulk.is_atomic else ""
        raise SetupError(f"{count_of(standing.rejected)} {would_be}; see {rejects}.{nothing}")


def _counts(standing: Standing, options: ImportOptions, rejects: str | None) -> dict[str, Any]:
    counts: dict[str, Any] = {"nInserted": standing.inserted}
    if options.bulk.key:
        counts |= {"nUpdated": standing.updated, "nIgnored": standing.ignored}
    counts |= {"nRejected": standing.rejected, "rejects": rejects}
    if standing.replayed:
        counts["nReplayed"] = standing.replayed
    if options.bulk.is_dry_run:
        counts["dryRun"] = True
    return counts


def _summary(standing: Standing, options: ImportOptions) -> str:
    if options.bulk.is_dry_run:
        start = f"Would import {count_of(standing.written)} from {options.path} into {options.table}"
    else:
        start = f"Imported {count_of(standing.written)} from {options.path} into {options.table}"
    if options.bulk.key:
        start += (
            f": {standing.inserted:,} inserted, {standing.updated:,} updated, {standing.ignored:,} ignored"
        )
    if standing.replayed:
        start += (
            f". {count_of(standing.replayed)} of them had been imported before, by the same requests. To "
            "insert them again, use --restart"
        )
    return f"{start}."


def report_finished(done: Finished, options: ImportOptions, as_json: bool) -> None:
    """Report that the import was already finished."""
    if as_json:
        print_json({"nInserted": 0, "nRejected": 0, "rejects": None, "finishedOn": done.on})
        return
    rejected = f" and {count_of(done.rejected)} rejected" if done.rejected else ""
    print_line(
        f"Nothing to do: {options.path} was already imported into {options.table} on {done.on} "
        f"({count_of(done.inserted)} inserted{rejected}). To import it again, use --restart."
    )
