"""Line errors: errors of rows by the lines of a stream, instead of the numbers of a bulk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from rowkeep.errors.catalogue import MAX_PROBLEMS, Problem, RowkeepError, all_errors

_POINTER = re.compile(r"/data/([0-9]+)")
_OTHER_ROW = re.compile(r"(Row [0-9]+: )?Row ([0-9]+)(?= has the same )")

_KINDS = {kind.code: kind for kind in all_errors()}


def at_line(problem: Problem, line_of: Callable[[int], int]) -> Problem:
    """The same error with the line of its row. The pointer is that in the object of the line, or the name of
    the column; ``line_of`` gives the line of a row by its number."""
    found = _POINTER.match(problem.pointer or "")
    if found is None:
        where = None if problem.pointer is None else problem.pointer.removeprefix("/data")
        return Problem(problem.msg, problem.code, where, problem.more)
    number = int(found[1])
    line = line_of(number)
    msg = problem.msg
    if other := _OTHER_ROW.match(msg):
        msg = f"{other[1] or ''}Line {line_of(int(other[2]))}{msg[other.end() :]}"
    msg = f"Line {line}: {msg.removeprefix(f'Row {number}: ')}"
    assert problem.pointer is not None  # noqa: S101 - it matched
    return Problem(msg, problem.code, problem.pointer[found.end() :], {**problem.more, "line": line})


def line_problem(kind: type[RowkeepError], line: int, msg: str, where: str = "") -> Problem:
    """An error in one line."""
    return Problem(f"Line {line}: {msg}", kind.code, where, {"line": line})


def placed(error: RowkeepError, line_of: Callable[[int], int]) -> RowkeepError:
    """The same error with the lines of its rows."""
    error.problems = tuple(at_line(each, line_of) for each in error.problems)
    error.args = (error.problems[0].msg,)
    return error


def error_of(problems: Sequence[Problem]) -> RowkeepError:
    """The error for these problems; the first one decides the status."""
    first = problems[0]
    kind = _KINDS[first.code]
    error: RowkeepError = kind.__new__(kind)
    RowkeepError.__init__(error, first.msg, problems=problems[:MAX_PROBLEMS])
    return error


class BadLine(msgspec.Struct, frozen=True):
    """A line that is not stored, and why."""

    line: int
    problems: Sequence[Problem]


def all_problems(lines: Iterable[BadLine]) -> list[Problem]:
    return [problem for each in lines for problem in each.problems]
