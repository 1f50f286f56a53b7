"""Import runs: the imports of the files of one command, one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowkeep.cli.files.finished_imports import Finished
    from rowkeep.cli.files.imports import Done, ImportOptions
    from rowkeep.client.credentials import Credentials
    from rowkeep.files.formats import Format
    from rowkeep.files.reading import Reading


def checked_format(file: str, asked: str | None, reading: Reading) -> Format:
    """The format of a file. Raises FileRefused, SetupError if it is unknown, or has no such options."""
    from rowkeep.files.formats import format_of

    kind = format_of(file, asked)
    kind.check(reading)
    return kind


def import_all(
    every: list[ImportOptions], credentials: Credentials
) -> list[tuple[ImportOptions, Done | Finished]]:
    """Import files. Raises the errors of ``import_file``; files after one that cannot be read are not
    imported."""
    from rowkeep.cli.files.imports import import_file
    from rowkeep.client.data import reach

    async def do() -> list[tuple[ImportOptions, Done | Finished]]:
        async with reach(credentials) as api:
            return [(options, await import_file(api, options)) for options in every]

    return asyncio.run(do())
