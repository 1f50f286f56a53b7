"""The parts of errors: messages, codes and pointers into a request body."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

MAX_PROBLEMS = 100
"""The maximum number of problems in one response (contract, section 6)."""

MAX_HINTS = 3
"""The maximum number of unknown names in one request for which similar names are suggested."""

MAX_ECHO = 100
"""The maximum number of characters of a refused value in an error."""


def preview(value: object) -> str:
    """A refused value for an error message: strings as JSON in double quotes, numbers bare, ``an array``,
    ``an object``.

    At most :data:`MAX_ECHO` characters; longer strings end in ``…``. Control characters are escaped.
    """
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and math.isinf(value):
        return "a number that large" if value > 0 else "a number that small"
    if isinstance(value, str):
        return _escaped(json.dumps(_shortened(value), ensure_ascii=False))
    return _shortened(repr(value))


def excerpt(text: str) -> str:
    """A text from outside for a log line or a sample of rows: shortened and escaped as by :func:`preview`,
    but without quotes."""
    return _escaped(_shortened(text))


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_ECHO else text[: MAX_ECHO - 1] + "…"


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def escape_pointer(token: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer(*tokens: str | int) -> str:
    """A JSON Pointer (RFC 6901) from its reference tokens; ``pointer()`` is the whole document."""
    whole = "".join([f"/{token}" for token in tokens])
    if whole.count("/") == len(tokens) and "~" not in whole:
        return whole
    return "".join([f"/{escape_pointer(str(token))}" for token in tokens])


@dataclass(frozen=True, slots=True)
class Problem:
    """One error in a request: its message, code and place in the body. ``more`` has further members for
    programs."""

    msg: str
    code: str
    pointer: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    def entry(self) -> dict[str, object]:
        """The entry of ``errors`` in a response."""
        place = {} if self.pointer is None else {"pointer": self.pointer}
        return {"msg": self.msg, "code": self.code, **place, **self.more}


class RowkeepError(Exception):
    """The base of all errors that are sent in a response.

    ``problems`` has at least one entry; the first one is the ``detail`` of the response. ``headers`` are
    added to the response, ``members`` to its body; they can also replace ``errors``.
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
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(msg)
        self.problems = tuple(problems) or (Problem(msg, self.code, pointer),)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    @property
    def msg(self) -> str:
        return str(self.args[0])

    def placed(self, where: str, part: str) -> RowkeepError:
        """This error, of one part of a larger request: ``where`` is the pointer to the part, and messages
        begin with its name."""
        self.problems = tuple(
            replace(each, msg=f"{part}: {each.msg}", pointer=where + (each.pointer or ""))
            for each in self.problems
        )
        self.args = (self.problems[0].msg,)
        return self


@dataclass(slots=True)
class ProblemList:
    """Collects the problems of one body, at most :data:`MAX_PROBLEMS` (or ``most``), and raises them
    together.

    The class of the first problem decides the status (readings, 67).
    """

    first: type[RowkeepError] | None = None
    found: list[Problem] = field(default_factory=list)
    hints: int = MAX_HINTS
    """The number of further unknown names for which similar names are searched, which is slow."""
    most: int = MAX_PROBLEMS

    def add(self, kind: type[RowkeepError], msg: str, where: str) -> None:
        if self.first is None:
            self.first = kind
        if not self.full:
            self.found.append(Problem(msg, kind.code, where))

    def takes_hint(self) -> bool:
        """Whether to search for names similar to this unknown one."""
        self.hints -= 1
        return self.hints >= 0

    @property
    def full(self) -> bool:
        return len(self.found) >= self.most

    def raise_if_any(self) -> None:
        if self.first is not None:
            raise self.first(self.found[0].msg, problems=self.found)
