"""Resume: the start position of an import, from its journal and the options of the command."""

from __future__ import annotations

from itertools import takewhile

import msgspec
from msgspec import structs

from rowkeep.cli.files.journal import WHAT, Import, ImportProgress, Ledger, Standing
from rowkeep.cli.files.lost_responses import Sent, went_in
from rowkeep.cli.files.records import FileRefused, Position, Row, Source
from rowkeep.client.data import DataClient


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The options for the start: from the beginning, at a line, or, by default, from the journal."""

    restart: bool = False
    resume_at: int | None = None


def begin(
    known: ImportProgress | None, what: Import, start: Position, plan: Plan, path: str
) -> ImportProgress:
    """The progress to start from. Raises FileRefused if the journal is for another import."""
    fresh = ImportProgress(what=what, standing=Standing(next=start))
    if plan.restart or known is None or (known.standing.next == start and known.in_flight is None):
        return fresh
    if plan.resume_at is not None:
        # the user has checked whether the request in flight was executed
        flight = known.in_flight
        is_in = flight is not None and flight.then.next.line <= plan.resume_at
        standing = flight.then if flight is not None and is_in else known.standing
        if known.what.head_sha256 != what.head_sha256 or known.what.size != what.size:
            standing = structs.replace(standing, next=start)  # lines may have moved
        return structs.replace(known, what=what, standing=standing, in_flight=None)
    before, now = structs.asdict(known.what), structs.asdict(what)
    other = [description for name, description in WHAT.items() if before[name] != now[name]]
    if other:
        raise FileRefused(
            f"An unfinished import of {path} cannot be resumed: since then {' and '.join(other)} changed. "
            f"Use --resume-at LINE (it had reached line {known.standing.next.line}), or --restart to import "
            "the whole file."
        )
    return known


async def resolve(api: DataClient, table: str, ledger: Ledger, source: Source, types: dict[str, str]) -> None:
    """Find out whether the request in flight, if there is one, was executed, and store the result.

    Raises Uncertain, RequestRefused, FileRefused, SetupError.
    """
    progress = ledger.progress
    flight = progress.in_flight
    if flight is None:
        return
    records = source.records(progress.standing.next, types)
    ends = {
        record.line: record.json
        for record in takewhile(lambda record: record.line <= flight.last, records)
        if isinstance(record, Row) and record.line in (flight.first, flight.last)
    }
    if not ends.keys() >= {flight.first, flight.last}:
        raise FileRefused("The rows of the file have changed since its import started.")
    sent = Sent(flight, ends[flight.first], ends[flight.last], progress.marks)
    is_in = await went_in(api, table, sent)
    standing = flight.then if is_in else progress.standing
    ledger.record(structs.replace(progress, standing=standing, in_flight=None))


def skip_to(line: int, start: Position, known: Position, source: Source, types: dict[str, str]) -> Position:
    """The position of the record that starts in this line, or of the first one after it.

    Raises FileRefused if the file has no such line.
    """
    at = known if start < known and known.line <= line else start
    if at.line >= line:
        return at
    for record in source.records(at, types):
        if record.end.line >= line:
            return record.end
    raise FileRefused(f"The file has no line {line}.")
