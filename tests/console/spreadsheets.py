"""Spreadsheets: a small folder of files as people have them, each with the oddities of the program that wrote
it."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

CUSTOMERS = [
    ("C-001", "Müller & Söhne", "Köln", datetime.date(2023, 3, 14), True),
    ("C-002", "Åkesson Trä AB", "Malmö", datetime.date(2023, 11, 2), True),
    ("C-003", "Café Émile", "Genève", datetime.date(2024, 1, 9), False),
    ("C-004", "O'Neill Ltd", "Cork", datetime.date(2024, 6, 30), True),
]
CONTACTS = [("C-001", "Jörg Müller", "+49 221 555 0101"), ("C-003", "Zoë Émile", "+41 22 555 0199")]
ORDERS = [
    (at, CUSTOMERS[at % 4][0], f"{13 + at % 15:02}.{at % 9 + 1:02}.2024", f"{at * 173.5:.2f}")
    for at in range(1, 25)
]
PRODUCTS = [
    ("00417", "Schraube 4×40", "0.05", "true", "1000"),
    ("00418", "Brett, Eiche", "24.90", "true", ""),
    ("10233", "Leim 500 ml", "7.20", "false", "12"),
]
ANSWERS = [(1, "very good", 9), (2, "good", 7), (3, "none of this", 2)]
EVENTS = [
    {
        "at": f"2024-05-0{at}T08:00:00Z",
        "kind": "login" if at % 2 else "order",
        "details": {"customer": "C-001"},
    }
    for at in range(1, 7)
]

MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
)


def write_folder(folder: Path) -> list[Path]:
    """Write the files. Returns their paths."""
    writers = {
        "customers.xlsx": _customers, "orders.csv": _orders, "products.tsv": _products, "survey.ods": _survey,
        "events.ndjson": _events, "readings.parquet": _readings,
    }  # fmt: skip
    for name, write in writers.items():
        write(folder / name)
    return [folder / name for name in writers]


def _customers(path: Path) -> None:
    """Two sheets, with dates as Excel stores them."""
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        customers = book.add_worksheet("Customers")
        customers.write_row(0, 0, ("Customer No.", "Company", "City", "Customer since", "Newsletter"))
        for line, (number, *names, since, has_letter) in enumerate(CUSTOMERS, 1):
            customers.write_row(line, 0, (number, *names))
            customers.write_datetime(line, 3, since, day)
            customers.write_boolean(line, 4, has_letter)
        contacts = book.add_worksheet("Contacts")
        for line, row in enumerate((("Customer No.", "Name", "Phone"), *CONTACTS)):
            contacts.write_row(line, 0, row)


def _orders(path: Path) -> None:
    """As Excel writes CSV in Germany: semicolons, decimal commas, Windows-1252."""
    lines = ["Order;Customer;Date;Amount (€)"]
    lines += [f"{at};{customer};{day};{amount.replace('.', ',')}" for at, customer, day, amount in ORDERS]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode("windows-1252"))


def _products(path: Path) -> None:
    """Numbers with zeros in front, and names of columns that no table can have."""
    _text(path, "\t", [("Art.-Nr.", "Bezeichnung / Name", "Preis", "Preis?", ""), *PRODUCTS])


def _text(path: Path, delimiter: str, rows: Iterable[Sequence[str]]) -> None:
    path.write_text("".join(delimiter.join(row) + "\n" for row in rows), "utf-8")


def _survey(path: Path) -> None:
    """As LibreOffice stores it, as far as a reader needs that."""
    head = _ods_row([f'office:value-type="string"><text:p>{name}' for name in ("No", "Answer", "Score")])
    rows = [
        _ods_row(
            [
                f'office:value-type="float" office:value="{number}"><text:p>{number}',
                f'office:value-type="string"><text:p>{escape(answer)}',
                f'office:value-type="float" office:value="{score}"><text:p>{score}',
            ]
        )
        for number, answer, score in ANSWERS
    ]
    names = ["office:office", "table:table", "text:text"]
    spaces = " ".join(
        f'xmlns:{each.split(":")[0]}="urn:oasis:names:tc:opendocument:xmlns:{each.split(":")[1]}:1.0"'
        for each in names
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.3">'
        '<office:body><office:spreadsheet><table:table table:name="Survey">'
        f"{head}{''.join(rows)}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("content.xml", content)
        book.writestr("META-INF/manifest.xml", MANIFEST)


def _ods_row(cells: Iterable[str]) -> str:
    made = "".join(f"<table:table-cell {cell}</text:p></table:table-cell>" for cell in cells)
    return f"<table:table-row>{made}</table:table-row>"


def _events(path: Path) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in EVENTS))


def _readings(path: Path) -> None:
    """Exact decimals and times, as a program of measurements writes them."""
    start = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    pq.write_table(
        pa.table(
            {
                "measured_at": [start + datetime.timedelta(hours=at) for at in range(48)],
                "sensor": [f"S{at % 3}" for at in range(48)],
                "temperature": [Decimal(150 + at % 90) / 10 for at in range(48)],
            }
        ),
        path,
    )
