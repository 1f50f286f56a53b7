"""Marks: which lines of a module count as run, whatever its statements are."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support import line_marks

SOURCE = '''"""What it is."""
from __future__ import annotations

import contextlib

def plain(
    a,
):
    """Docs."""
    with contextlib.suppress(KeyError):
        a += 1
    if a > 5:
        return "large"
    elif a > 3:
        a -= 1
    else:
        a = 0
    return a

class Thing:
    """A class."""
    size = 3

    @staticmethod
    @contextlib.contextmanager
    def used():
        try:
            yield 1
        except ValueError:
            pass
        except KeyError:
            raise
        else:
            print("no error")
        finally:
            last = 1

def matched(a):
    for each in a:
        match each:
            case 1:
                continue
            case [_]:
                break
        while each:
            each -= 1
    else:
        return "all"
    return lambda: "some"
'''
DEFINED = {4, 6, 20, 21, 22, 24, 25, 26, 38}


@pytest.fixture
def marks() -> Iterator[bytearray]:
    """Those of the sample; the source of Rowkeep may have marks too, and runs none of them meanwhile."""
    before = getattr(builtins, line_marks.NAME, None)
    own = bytearray(100)
    setattr(builtins, line_marks.NAME, own)
    yield own
    setattr(builtins, line_marks.NAME, before)


def used(module: dict[str, Any]) -> None:
    with module["Thing"].used():
        pass


def failed(module: dict[str, Any]) -> None:
    with pytest.raises(KeyError), module["Thing"].used():
        raise KeyError


CASES: list[tuple[Callable[[dict[str, Any]], object], set[int]]] = [
    (lambda module: module["plain"](5), {10, 11, 12, 13}),
    (lambda module: module["plain"](3), {10, 11, 12, 14, 15, 18}),
    (lambda module: module["plain"](0), {10, 11, 12, 14, 17, 18}),
    (used, {27, 28, 34, 36}),
    (failed, {27, 28, 31, 32, 36}),
    (lambda module: module["matched"]([]), {39, 48}),
    (lambda module: module["matched"]([1, 2]), {39, 40, 41, 42, 45, 46, 48}),
    (lambda module: module["matched"]([[0]]), {39, 40, 43, 44, 49}),
]


@pytest.mark.parametrize(("run", "expected"), CASES)
def test_lines_that_ran(
    marks: bytearray, run: Callable[[dict[str, Any]], object], expected: set[int]
) -> None:
    marking = line_marks.Marking()
    module: dict[str, Any] = {"__name__": "sample"}
    exec(marking.compiled(SOURCE.encode(), "sample.py"), module)  # noqa: S102 - the sample above

    def lines_that_ran() -> set[int]:
        return {line for at, lines in enumerate(marking.lines) if marks[at] for line in lines}

    assert lines_that_ran() == DEFINED
    run(module)
    assert lines_that_ran() - DEFINED == expected
    assert module["__doc__"] == "What it is."
    assert module["plain"].__doc__ == "Docs."
