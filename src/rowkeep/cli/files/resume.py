"""Resume: the start position of an import, from its journal and the options of the command."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer
from msgspec import structs

from rowkeep.errors.catalogue import preview
from rowkeep.files.journal import WHAT, Import, ImportProgress, Ledger, Standing
from rowkeep.files.records import FileRefused, Position, Source, Target
from rowkeep.files.sender import check_age

STORED, LOST = "stored", "lost"
"""What the user found out about a request whose response was lost."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The options for the start: from the beginning, at a line, or, by default, from the journal."""

    restart: bool = False
    resume_at: int | None = None
    in_doubt: str | None = None

    def checked(self) -> Plan:
        """The plan itself. Raises BadParameter for options that do not fit together."""
        if self.restart and self.resume_at is not None:
            raise typer.BadParameter("--restart and --resume-at cannot be used together")
        if self.in_doubt is not None and (self.restart or self.resume_at is not None):
            raise typer.BadParameter("--in-doubt cannot be used with --restart or --resume-at")
        if self.in_doubt not in (None, STORED, LOST):
            raise typer.BadParameter(f"--in-doubt must be stored or lost; got {preview(self.in_doubt)}")
        return self


def begin(
    known: ImportProgress | None, what: Import, start: Position, plan: Plan, path: str
) -> ImportProgress:
    """The progress to start from. Raises FileRefused if the journal is for another import."""
    is_same = known is not None and known.what == what and known.run != ""
    if plan.restart or path == "-":
        run = _random()
    else:
        run = known.run if known is not None and is_same else _derived(what, path)
    fresh = ImportProgress(what=what, run=run, standing=Standing(next=start))
    if plan.restart or known is None or (known.standing.next == start and known.in_flight is None):
        return fresh
    if plan.resume_at is not None:
        standing = known.standing
        if known.what.head_sha256 != what.head_sha256 or known.what.size != what.size:
            standing = structs.replace(standing, next=start)  # lines may have moved
        return structs.replace(known, what=what, run=_random(), standing=standing, in_flight=None)
    before, now = structs.asdict(known.what), structs.asdict(what)
    other = [description for name, description in WHAT.items() if before[name] != now[name]]
    if other:
        raise FileRefused(
            f"An unfinished import of {path} cannot be resumed: since then {' and '.join(other)} changed. "
            f"Use --resume-at LINE (it had reached line {known.standing.next.line}), or --restart to import "
            "the whole file."
        )
    return known


def _derived(what: Import, path: str) -> str:
    """The same for every import of this file with these options: if its journal is lost, requests that were
    executed are not executed again."""
    digest = hashlib.sha256(msgspec.json.encode([str(Path(path).resolve()), what]))
    return digest.hexdigest()


def _random() -> str:
    """Another one for each import: rows that were inserted before are inserted again."""
    return secrets.token_hex(32)


def settle_in_doubt(ledger: Ledger, plan: Plan, key_seconds: float, now: float, repeatable: bool) -> None:
    """Prepare the journal for the request whose response was lost, if there is one: it will be sent again,
    unless the user knows what became of it.

    Raises Uncertain if its key may have expired; with ``repeatable``, a request does no harm then.
    """
    progress = ledger.progress
    flight = progress.in_flight
    if flight is None:
        return
    if plan.in_doubt is not None:
        standing = progress.standing
        if plan.in_doubt == STORED:
            standing = structs.replace(
                standing, next=flight.end, resent=flight.resent, inserted=standing.inserted + flight.rows
            )
        # the request can be sent again under another key
        run = progress.run if plan.in_doubt == STORED else _random()
        ledger.record(structs.replace(progress, run=run, standing=standing, in_flight=None))
    elif not repeatable:
        check_age(flight, key_seconds, now)


def skip_to(
    line: int, start: Position, known: Position, source: Source, targets: Sequence[Target | None]
) -> Position:
    """The position of the record that starts in this line, or of the first one after it.

    Raises FileRefused if the file has no such line.
    """
    at = known if start < known and known.line <= line else start
    if at.line >= line:
        return at
    for record in source.records(at, targets):
        if record.end.line >= line:
            return record.end
    raise FileRefused(f"The file has no line {line}.")
