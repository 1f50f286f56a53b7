"""Data: the rows and requests, generated from fixed seeds, so that every run sends the same bytes."""

from __future__ import annotations

import random
from typing import Any

import msgspec

Row = dict[str, Any]

SYLLABLES = [
    "ba",
    "cor",
    "den",
    "fal",
    "gri",
    "hol",
    "jen",
    "kam",
    "lor",
    "mir",
    "nes",
    "pol",
    "ros",
    "tam",
    "vin",
]
FIRST_NAMES = [
    "Jane",
    "Mike",
    "Aisha",
    "Wei",
    "Olga",
    "José",
    "Anke",
    "Ravi",
    "Chloé",
    "Tunde",
    "Yuki",
    "Liam",
]
GENDERS = ["female", "male"]


def last_name(number: int) -> str:
    """A name for a number: different numbers below 50,625 have different names."""
    parts = []
    for _ in range(4):
        number, digit = divmod(number, len(SYLLABLES))
        parts.append(SYLLABLES[digit])
    return "".join(parts).capitalize()


def rows(count: int, *, seed: int) -> list[Row]:
    """`count` rows with the four columns of the reference pages; of 100,000 rows, ten share each last
    name."""
    draw = random.Random(seed)
    names = [number % 10_000 for number in range(count)]
    draw.shuffle(names)
    return [
        {
            "First_Name": draw.choice(FIRST_NAMES),
            "Last_Name": last_name(name),
            "Gender": draw.choice(GENDERS),
            "Number": draw.randrange(1_000_000),
        }
        for name in names
    ]


def get(path: str, token: str) -> bytes:
    """A complete HTTP/1.1 request of an administrator."""
    lines = [f"GET {path} HTTP/1.1", "host: localhost", f"authorization: Bearer {token}", "", ""]
    return "\r\n".join(lines).encode()


def put(path: str, body: Any, token: str) -> bytes:
    """The same as `post`, for an update."""
    return post(path, body, token, method="PUT")


def post(
    path: str, body: Any, token: str, *, minimal: bool = False, method: str = "POST", key: str | None = None
) -> bytes:
    """A complete HTTP/1.1 request, with authentication and a JSON body."""
    content = msgspec.json.encode(body)
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: localhost",
        f"auth: {token}",
        "content-type: application/json",
        f"content-length: {len(content)}",
    ]
    if minimal:
        lines.append("prefer: return=minimal")
    if key is not None:
        lines.append(f"idempotency-key: {key}")
    return "\r\n".join([*lines, "", ""]).encode() + content
