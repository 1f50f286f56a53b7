"""Problems: the schemas, headers and examples of error responses, from the error classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from inspect import Parameter, signature
from typing import Any

import msgspec

from rowkeep.errors.catalogue import RowkeepError, all_errors
from rowkeep.http.openapi.error_samples import PROBLEMS
from rowkeep.http.response_types import ref
from rowkeep.http.responses import PROBLEM, error_response

_HEADERS = {
    "WWW-Authenticate": "`Bearer`",
    "Allow": "The methods that this path takes.",
    "Retry-After": "Seconds until a new try is worth while.",
}
"""Headers that only some errors have, and their meaning."""


def error_responses(kinds: Iterable[type[RowkeepError]]) -> dict[str, Any]:
    """The error responses of an endpoint, by status. Responses that are the same everywhere are references to
    components."""
    found: dict[str, Any] = {}
    for status, group in _by_status(kinds).items():
        name = _shared_name(group)
        found[str(status)] = _answer(group) if name is None else {"$ref": f"#/components/responses/{name}"}
    return found


def shared_responses() -> dict[str, Any]:
    """The error responses among the components: one for each status that always has the same errors."""
    groups = _by_status(all_errors()).items()
    return {name: _answer(group) for _, group in groups if (name := _shared_name(group))}


def problem_examples() -> dict[str, Any]:
    """An example of each error, in the format of the server's responses."""
    return {kind.code: {"summary": kind.title, "value": _example(kind)} for kind in all_errors()}


def error_table() -> str:
    """A Markdown table of all errors."""
    rows = [f"| {kind.status} | `{kind.code}` | {_meaning(kind)} |" for kind in all_errors()]
    return "\n".join(("| status | code | meaning |", "| --- | --- | --- |", *rows))


def _by_status(kinds: Iterable[type[RowkeepError]]) -> dict[int, list[type[RowkeepError]]]:
    asked = set(kinds)
    found: dict[int, list[type[RowkeepError]]] = {}
    for kind in all_errors():
        if kind in asked:
            found.setdefault(kind.status, []).append(kind)
    return found


def _shared_name(group: list[type[RowkeepError]]) -> str | None:
    """The name of the component for responses with these errors. A group has one if it contains all errors of
    its status (at most two), and so is the same everywhere."""
    status = group[0].status
    is_whole = len(group) == sum(kind.status == status for kind in all_errors())
    return "Or".join(kind.__name__ for kind in group) if is_whole and len(group) <= 2 else None


def _answer(group: list[type[RowkeepError]]) -> dict[str, Any]:
    codes = [kind.code for kind in group]
    sent = [_samples()[kind].headers for kind in group]
    headers = {
        name: {
            "description": _HEADERS[name],
            "required": all(name in others for others in sent),
            "schema": {"type": "string"},
        }
        for each in sent
        for name in each
    }
    # one schema for all of them, because client generators would create a class for each variant; the
    # possible codes are those of the examples
    content = {
        "schema": ref("ProblemDetails"),
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
    }
    answer = {
        "description": "\n".join(f"- `{kind.code}`: {_meaning(kind)}" for kind in group),
        "content": {PROBLEM.decode(): content},
    }
    return answer | ({"headers": headers} if headers else {})


def _example(kind: type[RowkeepError]) -> Any:
    return _answered(_samples()[kind])


@cache
def _samples() -> dict[type[RowkeepError], RowkeepError]:
    """One error of each kind."""
    return {kind: _sample(kind) for kind in all_errors()}


def _sample(kind: type[RowkeepError]) -> RowkeepError:
    if kind in PROBLEMS:
        return PROBLEMS[kind]
    make: Callable[..., RowkeepError] = kind
    has_message = signature(make).parameters["msg"].default is not Parameter.empty
    return make() if has_message else make(_meaning(kind))


def _meaning(kind: type[RowkeepError]) -> str:
    """The docstring of an error, on one line."""
    return " ".join((kind.__doc__ or "").replace("``", "`").split())


def _answered(error: RowkeepError) -> Any:
    return msgspec.json.decode(b"".join(error_response(error).parts))
