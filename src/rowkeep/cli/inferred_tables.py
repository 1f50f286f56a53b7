"""Inferred tables: ``rowkeep table infer``, which proposes a table for a file, and creates it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from rowkeep.cli.filter_options import count_of
from rowkeep.cli.import_options import bulk_options
from rowkeep.cli.import_reports import report
from rowkeep.cli.import_runs import import_all
from rowkeep.cli.output import print_line
from rowkeep.client.commands import call
from rowkeep.files.requests import Mode, OnConflict

if TYPE_CHECKING:
    from rowkeep.files.formats import Format
    from rowkeep.files.inference import Proposal
    from rowkeep.files.reading import Reading


def propose(file: str, kind: Format, reading: Reading, name: str | None, rows: int | None) -> Proposal:
    """A proposal from the first ``rows`` rows of a file, or from all. Remarks are printed on standard error.
    Raises FileRefused, SetupError, OSError."""
    from rowkeep.cli.files.progress import bar
    from rowkeep.cli.files.sources import source_of
    from rowkeep.files.compressed import without_suffix
    from rowkeep.files.content import reading_content
    from rowkeep.files.header import legal_name
    from rowkeep.files.inference import Inference, described

    stem = "rows" if file == "-" else Path(without_suffix(file)[0]).stem
    with ExitStack() as stack:
        content = stack.enter_context(reading_content(file, reading))
        source = stack.enter_context(source_of(file, content, kind, reading))
        inference = Inference(source, reading)
        with bar(f"Reading {file}", source.size) as shown:
            shown.say(f"{content.name}: {source.detected.text}.")
            inference.read(islice(source.records(source.start, inference.targets), rows))
    inference.check_columns(content.name)
    proposal = inference.proposal(name or legal_name(stem) or "rows")
    seen = f"Looked at {count_of(inference.rows)}" + ("" if rows is None else " (--rows)")
    unreadable = inference.unreadable
    for line in (
        f"{seen}.",
        *(
            [f"{count_of(inference.unreadable_count)} cannot be read, the first in {unreadable[0]}"]
            if unreadable
            else []
        ),
        *described(proposal),
    ):
        print(line, file=sys.stderr)
    return proposal


def create_and_import(file: str, kind: Format, reading: Reading, proposal: Proposal, workspace: str) -> None:
    """Create the proposed table, and import the file as an administrator. Raises what these raise."""
    from rowkeep.cli.files.imports import ImportOptions
    from rowkeep.cli.files.resume import Plan
    from rowkeep.client.credentials import credentials_of

    created = call("POST", "workspaces", workspace, "tables", body=proposal.definition)
    print_line(f"Created table {created['name']}.")
    credentials = credentials_of(None, workspace)
    options = ImportOptions(
        table=created["name"],
        path=file,
        kind=kind,
        reading=structs.replace(
            reading,
            renames=(*reading.renames, *proposal.renames),
            date_formats=(*reading.date_formats, *proposal.date_formats),
        ),
        app=credentials.name,
        batch=None,
        max_errors=None,
        rejects=Path(f"{file}.rejects.ndjson"),
        plan=Plan(),
        bulk=bulk_options(OnConflict.ERROR, None, Mode.PARTIAL, False),
    )
    report(import_all([options], credentials), False)
