"""File options: the options that say how the content of a file is to be read."""

from __future__ import annotations

import csv
import inspect
import json
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from rowkeep.cli.options import read_file
from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.files.reading import Reading


def _known_format(name: str | None) -> str | None:
    from rowkeep.files.formats import FORMATS

    if name is None or name.lower() in FORMATS:
        return name
    raise typer.BadParameter(f"Unknown format {preview(name)}. Formats are {', '.join(FORMATS)}.")


FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        callback=_known_format,
        metavar="FORMAT",
        help="csv, tsv, ndjson, parquet, xlsx, xls or ods. By default, the suffix of the file says which.",
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        metavar="CHARACTER",
        help="What separates cells, or tab. By default, detected: comma, semicolon, tab or |.",
    ),
]
Quote = Annotated[
    str, typer.Option(metavar="CHARACTER", help="What quotes cells; none if nothing does.", show_default=True)
]
EncodingName = Annotated[
    str | None,
    typer.Option(
        "--encoding", metavar="NAME", help="The encoding, such as windows-1252. By default, detected."
    ),
]
Header = Annotated[
    str, typer.Option(metavar="none|LINE", help="The line of the header; none if the file has no header.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help='The column of the table for a column of the file, by its name or as "#3". Can be repeated.',
    ),
]
MapFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help='The same as a JSON object: {"NAME": "COLUMN"}; a column with null is skipped.'
    ),
]
TakenColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="NAME,…",
        help="Only these columns of the file. With --header none: their names in order. Can be repeated.",
    ),
]
SkippedColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-columns", metavar="NAME,…", help="All columns of the file but these. Can be repeated."
    ),
]
Decimal = Annotated[str, typer.Option(metavar="CHARACTER", help="The decimal separator of numbers: . or ,.")]
Thousands = Annotated[
    str | None,
    typer.Option(metavar="CHARACTER", help="What separates thousands in numbers, such as . or a space."),
]
DateFormat = Annotated[
    list[str] | None,
    typer.Option(
        "--date-format",
        metavar="FORMAT",
        help="How dates are written, such as DD.MM.YYYY, %m/%d/%Y, epoch-ms or epoch-s. Can be repeated.",
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The zone of times without an offset, such as UTC or Europe/Berlin."),
]
Null = Annotated[
    list[str] | None,
    typer.Option(
        "--null", metavar="TEXT", help="An unquoted text that means an empty cell. Can be repeated."
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The sheet of an Excel file, or its number. By default, the first."),
]

DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


def reading_of(
    delimiter: Delimiter = None,
    quote: Quote = '"',
    encoding: EncodingName = None,
    header: Header = "1",
    renames: Map = None,
    map_file: MapFile = None,
    columns: TakenColumns = None,
    skip_columns: SkippedColumns = None,
    decimal: Decimal = ".",
    thousands: Thousands = None,
    date_format: DateFormat = None,
    time_zone: TimeZone = None,
    null: Null = None,
    sheet: Sheet = None,
) -> Reading:
    """What these options say. Raises BadParameter for an option that is invalid, and SetupError."""
    mapped, skipped = _mapped(renames, map_file)
    _check_separators(decimal, thousands)
    return Reading(
        delimiter=None if delimiter is None else _one(DELIMITERS.get(delimiter, delimiter), "--delimiter"),
        quote="" if quote == "none" else _one(quote, "--quote"),
        encoding=None if encoding is None else _encoding(encoding),
        header_line=_header_line(header),
        renames=mapped,
        only=_names(columns),
        skipped=(*_names(skip_columns), *skipped),
        decimal=decimal,
        thousands=thousands or "",
        date_formats=tuple(map(_date_format, date_format or ())),
        time_zone=None if time_zone is None else _zone(time_zone),
        nulls=tuple(null or ()),
        sheet=sheet,
    )


def reads_files(function: Callable[..., None]) -> Callable[..., None]:
    """A command with these options in place of its parameter ``reading``."""
    signature = inspect.signature(function, eval_str=True)
    options = inspect.signature(reading_of, eval_str=True).parameters

    @wraps(function)
    def command(**given: Any) -> None:
        reading = reading_of(**{name: given.pop(name) for name in options})
        function(**given, reading=reading)

    parameters: list[inspect.Parameter] = []
    for each in signature.parameters.values():
        parameters += options.values() if each.name == "reading" else [each]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined] # for typer
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _one(text: str, option: str) -> str:
    if len(text) != 1 or text in "\r\n\0":
        raise typer.BadParameter(f"{option} must be one character; got {preview(text)}")
    return text


def _encoding(name: str) -> str:
    from rowkeep.files.encoding import asked_encoding

    try:
        return asked_encoding(name)
    except LookupError:
        raise typer.BadParameter(
            f"--encoding must be a known encoding, such as utf-8 or windows-1252; got {preview(name)}"
        ) from None


def _header_line(text: str) -> int:
    if text == "none":
        return 0
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000_000:
        return int(text)
    raise typer.BadParameter(f"--header must be none or the number of a line; got {preview(text)}")


def _names(given: list[str] | None) -> tuple[str, ...]:
    """Names between commas; one with a comma is in double quotes."""
    return tuple(
        name.strip() for text in given or () for name in next(csv.reader([text]), []) if name.strip()
    )


def _mapped(renames: list[str] | None, path: str | None) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """The names and their columns, and the names that are skipped."""
    found: dict[str, str] = {}
    skipped: list[str] = []
    for name, column in _map_file(path).items() if path is not None else ():
        if column is None:
            skipped.append(name)
        else:
            found[name] = column
    for each in renames or ():
        name, _, column = each.rpartition("=")
        if not name or not column.strip():
            raise typer.BadParameter(f"--map must be NAME=COLUMN; got {preview(each)}")
        found[name] = column.strip()
    return tuple(found.items()), skipped


def _map_file(path: str) -> dict[str, str | None]:
    try:
        found = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise SetupError(f"The file {path} is not valid JSON: {error}.") from None
    if not isinstance(found, dict) or not all(isinstance(each, str | None) for each in found.values()):
        raise SetupError(
            f'The file {path} must be a JSON object: {{"NAME": "COLUMN"}}, with null for a column to skip.'
        )
    return found


def _check_separators(decimal: str, thousands: str | None) -> None:
    if decimal not in (".", ","):
        raise typer.BadParameter(f"--decimal must be . or ,; got {preview(decimal)}")
    if thousands is not None and (len(thousands) != 1 or thousands == decimal or thousands.isalnum()):
        raise typer.BadParameter(
            f"--thousands must be one character other than --decimal {decimal}; got {preview(thousands)}"
        )


def _date_format(text: str) -> str:
    from rowkeep.files.dates import format_codes

    try:
        return format_codes(text)
    except ValueError as error:
        raise typer.BadParameter(f"--date-format {preview(text)}: {error}") from None


def _zone(name: str) -> str:
    from rowkeep.files.dates import zone_of

    try:
        zone_of(name)
    except (LookupError, ValueError, OSError):
        raise typer.BadParameter(
            f"--time-zone must be the name of a zone, such as UTC or Europe/Berlin; got {preview(name)}"
        ) from None
    return name
