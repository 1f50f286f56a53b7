"""Import reports: what ``rowkeep rows import`` prints when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowkeep.cli.filter_options import count_of
from rowkeep.cli.output import print_json, print_line
from rowkeep.errors.catalogue import SetupError

if TYPE_CHECKING:
    from rowkeep.cli.files.finished_imports import Finished
    from rowkeep.cli.files.imports import Done, ImportOptions
    from rowkeep.files.journal import Standing


def report(done: list[tuple[ImportOptions, Done | Finished]], as_json: bool) -> None:
    """Print what was imported from each file, now or before. Raises SetupError if rows were rejected now."""
    from rowkeep.cli.files.imports import Done

    if as_json:
        counts = [_counts(result, options) for options, result in done]
        print_json(counts[0] if len(counts) == 1 else _totals(counts, done))
    else:
        for options, result in done:
            if isinstance(result, Done):
                if options.bulk.is_dry_run:
                    print_line(f"{options.file}: {result.detected.text}.")
                print_line(_summary(result.standing, options))
            else:
                print_line(_nothing_to_do(result, options))
    rejecting = [
        (result.standing.rejected, options)
        for options, result in done
        if isinstance(result, Done) and result.standing.rejected
    ]
    if rejecting:
        options = rejecting[0][1]
        would_be = "would be rejected" if options.bulk.is_dry_run else "rejected"
        nothing = " Nothing was imported (--mode atomic)." if options.bulk.is_atomic else ""
        rows = count_of(sum(rejected for rejected, _ in rejecting))
        files = ", ".join(str(each.rejects) for _, each in rejecting)
        raise SetupError(f"{rows} {would_be}; see {files}.{nothing}")


def _counts(done: Done | Finished, options: ImportOptions) -> dict[str, Any]:
    from rowkeep.cli.files.imports import Done

    if not isinstance(done, Done):
        return {"nInserted": 0, "nRejected": 0, "rejects": None, "finishedOn": done.on}
    standing = done.standing
    counts: dict[str, Any] = {"nInserted": standing.inserted}
    if options.bulk.key:
        counts |= {"nUpdated": standing.updated, "nIgnored": standing.ignored}
    counts |= {"nRejected": standing.rejected, "rejects": str(options.rejects) if standing.rejected else None}
    if standing.replayed:
        counts["nReplayed"] = standing.replayed
    if options.bulk.is_dry_run:
        counts["dryRun"] = True
    if options.bulk.is_dry_run or not done.detected.is_usual:
        counts["detected"] = done.detected.as_json()
    return counts


def _totals(
    counts: list[dict[str, Any]], done: list[tuple[ImportOptions, Done | Finished]]
) -> dict[str, Any]:
    """The sums of the counts of several files, and those of each file."""
    totals = {
        name: sum(each.get(name, 0) for each in counts)
        for name in ("nInserted", "nUpdated", "nIgnored", "nRejected", "nReplayed")
        if any(name in each for each in counts)
    }
    files = [{"file": options.path, **each} for (options, _), each in zip(done, counts, strict=True)]
    return {**totals, "files": files}


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


def _nothing_to_do(done: Finished, options: ImportOptions) -> str:
    rejected = f" and {count_of(done.rejected)} rejected" if done.rejected else ""
    return (
        f"Nothing to do: {options.path} was already imported into {options.table} on {done.on} "
        f"({count_of(done.inserted)} inserted{rejected}). To import it again, use --restart."
    )
