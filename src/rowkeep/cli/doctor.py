"""Doctor: ``rowkeep doctor``, which checks an installation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import print_json, print_line

if TYPE_CHECKING:
    from rowkeep.services.doctor import Finding

Quick = Annotated[
    bool,
    typer.Option(
        "--quick", help="Do not read the rows: no check of the databases' pages and encrypted cells."
    ),
]


def doctor(quick: Quick = False, as_json: AsJson = False) -> None:
    """Check the installation of ROWKEEP_DATABASE_URL, and say how to fix each finding.

    Checks the files and their modes, the integrity of every database, foreign keys, tables and indexes
    against their definitions, encrypted cells and secrets against the keys, and entries of things that are
    missing. It only reads, and can run while servers are running. Exits with 1 if there are errors; warnings
    alone do not count.
    """
    found = asyncio.run(_findings(quick))
    errors = sum(each.level == "error" for each in found)
    if as_json:
        from msgspec import to_builtins

        print_json({"findings": to_builtins(found)})
    else:
        for each in found:
            print_line(f"{each.level}: {each.place}: {each.problem} {each.fix}")
        warnings = len(found) - errors
        print_line(
            f"{errors} {'error' if errors == 1 else 'errors'}, "
            f"{warnings} {'warning' if warnings == 1 else 'warnings'}."
            if found
            else "No faults were found."
        )
    if errors:
        raise typer.Exit(1)


async def _findings(quick: bool) -> list[Finding]:
    from rich.console import Console

    from rowkeep.services.doctor import Doctor
    from rowkeep.services.local_store import open_store, shell_settings

    settings = shell_settings()
    console = Console(stderr=True)
    found = []
    async with open_store(settings) as catalog:
        with console.status("") as status:
            async for each in Doctor(catalog, settings, reads_rows=not quick).run():
                if isinstance(each, str):
                    status.update(f"Checking {each}")
                else:
                    found.append(each)
    return found
