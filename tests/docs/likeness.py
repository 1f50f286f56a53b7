"""Likeness: whether what was printed is what the page shows.

Ids, times of writing, secrets and tokens are other ones each time. For each of them the page shows one of the
same form; which one it stands for is remembered, so that the page must be as consistent as the session was,
and commands further down may repeat it. All else must be equal, keys of objects also in their order.
"""

from __future__ import annotations

import json
import re
from typing import Any

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

IDS = rf"(?:cs|st|sys)-{UUID}|(?:at|us|se)-[0-9a-f]{{24}}|\b[0-9a-f]{{24}}\b"
TOKENS = r"rka_[\w-]{43}|eyJ[\w-]+\.[\w-]+\.[\w-]+"
SECRETS = r"(?<![\w-])(?:[\w-]{86}|[\w-]{43})(?![\w-])"

TIMES_OF_WRITING = {"Created_On", "Updated_On", "createdOn", "updatedOn", "lastSeenOn", "expiresOn", "on"}
OPAQUE = {"clientSecret", "nextCursor", "token"}
"""Keys whose values have no form that one could know them by."""


class Difference(AssertionError):
    """The page and the session differ; the message says where."""


class Likeness:
    """What the page's own values stand for. ``known`` is what is known from the start."""

    def __init__(self, known: dict[str, str]) -> None:
        self._places = frozenset(known)
        self._meant = dict(known)

    def meant(self, text: str) -> str:
        """``text`` of the page, with the values of this session in it."""
        for shown in sorted(self._meant, key=len, reverse=True):
            text = text.replace(shown, self._meant[shown])
        return text

    def check(self, shown: str, printed: str) -> None:
        """Raises Difference unless the page shows what was printed."""
        if not shown.startswith(("{", "[")):
            forms = f"{IDS}|{TOKENS}|{SECRETS}|{MOMENT}"
            self._check_text(_lines(shown), _lines(printed), forms, "the output")
            return
        try:
            got = json.loads(printed)
        except ValueError:
            raise Difference(f"no JSON was printed, but: {printed}") from None
        self._check_json(json.loads(shown), got, "$")

    def _check_json(self, shown: Any, printed: Any, where: str) -> None:
        if isinstance(shown, dict) and isinstance(printed, dict):
            if list(shown) != list(printed):
                raise Difference(f"{where} has the keys {list(printed)}, the page shows {list(shown)}")
            for key in shown:
                self._check_member(key, shown[key], printed[key], f"{where}.{key}")
        elif isinstance(shown, list) and isinstance(printed, list) and len(shown) == len(printed):
            for at, (one, other) in enumerate(zip(shown, printed, strict=True)):
                self._check_json(one, other, f"{where}[{at}]")
        elif isinstance(shown, str) and isinstance(printed, str):
            self._check_text(shown, printed, f"{IDS}|{TOKENS}", where)
        elif type(shown) is not type(printed) or shown != printed:
            raise Difference(f"{where} is {json.dumps(printed)}, the page shows {json.dumps(shown)}")

    def _check_member(self, key: str, shown: Any, printed: Any, where: str) -> None:
        if key in OPAQUE and isinstance(shown, str) and isinstance(printed, str):
            self._stands_for(shown, printed, where)
        elif key == "id" and isinstance(shown, str) and not re.fullmatch(IDS, shown):
            # of a change: a cursor
            self._stands_for(shown, str(printed), where)
        elif key in TIMES_OF_WRITING and isinstance(shown, str) and isinstance(printed, str):
            self._check_text(shown, printed, MOMENT, where)
        else:
            self._check_json(shown, printed, where)

    def _check_text(self, shown: str, printed: str, forms: str, where: str) -> None:
        shown = self._with_known_places(shown)
        if re.sub(forms, "", shown) != re.sub(forms, "", printed):
            raise Difference(f"{where} is\n{printed}\nthe page shows\n{shown}")
        for one, other in zip(re.findall(forms, shown), re.findall(forms, printed), strict=True):
            self._stands_for(one, other, where)

    def _with_known_places(self, shown: str) -> str:
        """Addresses and directories, which have no form to be known by, as they are in this session."""
        for place in self._places:
            shown = shown.replace(place, self._meant[place])
        return shown

    def _stands_for(self, shown: str, printed: str, where: str) -> None:
        meant = self._meant.setdefault(shown, printed)
        if meant != printed:
            raise Difference(f"{where} is {printed}, but {shown} on the page was {meant} before")
        others = [one for one, other in self._meant.items() if other == printed and one != shown]
        if others and not re.fullmatch(MOMENT, shown):
            raise Difference(
                f"{where} is {printed}, which the page called {others[0]} before, and now {shown}"
            )


def _lines(text: str) -> str:
    """Without the spaces that fill lines up, which no reader sees."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
