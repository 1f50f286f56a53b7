"""Problems: what an error is made of: what is wrong, under which code, and where in a body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

MAX_PROBLEMS = 100
"""How many problems one answer lists (contract, section 6)."""

MAX_HINTS = 3
"""For how many unknown names of one request an error suggests others."""

MAX_ECHO = 100
"""How many characters of what was sent an error repeats."""


_JSON_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "inf": "a number that large",
    "-inf": "a number that small",
}


def quoted(value: object) -> str:
    """What was sent, fit for an error message: at most 100 characters, control characters escaped."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = value if isinstance(value, str) else _JSON_WORDS.get(repr(value), repr(value))
    shown = text if len(text) <= MAX_ECHO else text[: MAX_ECHO - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def as_json(value: object) -> str:
    """What was sent, fit for an error message and written as JSON: strings in double quotes, numbers bare."""
    if not isinstance(value, str):
        return quoted(value)
    escaped = value[:MAX_ECHO].replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted(escaped + value[MAX_ECHO:])}"'


def escape_pointer(token: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer(*tokens: str | int) -> str:
    """A JSON Pointer (RFC 6901) from its reference tokens; ``pointer()`` is the whole document."""
    return "".join(f"/{escape_pointer(str(token))}" for token in tokens)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request: what, under which code, and where in its body; ``more`` is
    what a program may want to know beside."""

    msg: str
    code: str
    pointer: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)


class RowkeepError(Exception):
    """The base of all errors that a caller is told of.

    ``problems`` has at least one entry; the first one is the answer's ``detail``. ``headers`` go into the
    answer as they stand.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        msg: str,
        *,
        pointer: str | None = None,
        problems: Iterable[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(msg)
        self.problems = tuple(problems) or (Problem(msg, self.code, pointer),)
        self.headers = dict(headers or {})

    @property
    def msg(self) -> str:
        return str(self.args[0])


@dataclass(slots=True)
class ProblemList:
    """Collects the problems of one body, at most :data:`MAX_PROBLEMS`, and raises them together.

    The class of the first problem decides the status (readings, 67).
    """

    first: type[RowkeepError] | None = None
    found: list[Problem] = field(default_factory=list)
    hints: int = MAX_HINTS
    """For how many more unknown names near ones are sought, which takes long."""

    def add(self, kind: type[RowkeepError], msg: str, where: str) -> None:
        if self.first is None:
            self.first = kind
        if not self.full:
            self.found.append(Problem(msg, kind.code, where))

    def takes_hint(self) -> bool:
        """Whether this unknown name is one of the first, for which near names are sought."""
        self.hints -= 1
        return self.hints >= 0

    @property
    def full(self) -> bool:
        return len(self.found) >= MAX_PROBLEMS

    def raise_if_any(self) -> None:
        if self.first is not None:
            raise self.first(self.found[0].msg, problems=self.found)
