"""Coverage at little cost: compiled copies of Rowkeep's modules that mark which blocks have run.

A tracer runs code for each line, and each measured process writes a file when it ends. Here, each block of
statements begins with a statement that sets one byte of a file that all processes map into their memory. So
forks and killed processes count, and nothing is written or merged when they end.

A block is what runs as a whole unless a statement raises an exception. ``prepare`` makes the copies,
processes load them if the variable is set (``install``), and ``collect`` writes the data of ``coverage``.
"""

from __future__ import annotations

import ast
import builtins
import json
import marshal
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

VARIABLE = "ROWKEEP_TEST_MARKS"
"""Names the directory that ``prepare`` has filled."""

NAME = "@marks"  # no name that source can have
SOURCE = Path(__file__).parents[2] / "src"
LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Marking:
    """Adds marks to modules. ``lines`` has the lines of each mark's block."""

    def __init__(self) -> None:
        self.lines: list[list[int]] = []

    def compiled(self, source: bytes, name: str) -> CodeType:
        tree = ast.parse(source, name)
        tree.body = self._block(tree.body)
        return compile(tree, name, "exec", dont_inherit=True)

    def _block(self, block: list[ast.stmt], lines: list[int] | None = None) -> list[ast.stmt]:
        """The statements with marks. They continue the block of ``lines``, if there is one."""
        marked: list[ast.stmt] = []
        for statement in block:
            if lines is None and not _comes_first(statement):
                lines = []
                marked.append(_mark(len(self.lines), statement))
                self.lines.append(lines)
            if lines is not None:
                lines += _lines(statement)
            marked.append(statement)
            self._inner_blocks(statement, lines)
            if any(isinstance(each, LEAVING) for each in _parts(statement)):
                lines = None
        return marked

    def _inner_blocks(self, statement: ast.stmt, lines: list[int] | None) -> None:
        """Mark the blocks of a compound statement. Some of them always run with the statement."""
        always = {"finalbody"}
        if isinstance(statement, ast.With | ast.AsyncWith | ast.Try | ast.ClassDef):
            always.add("body")
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(statement, field, None)
            if inner:
                setattr(statement, field, self._block(inner, lines if field in always else None))
        for clause in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            at = len(self.lines)
            clause.body = self._block(clause.body)
            self.lines[at].append(getattr(clause, "pattern", clause).lineno)


def _comes_first(statement: ast.stmt) -> bool:
    """Whether it may have to be the first one: a docstring, or an import from ``__future__``."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _parts(statement: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement, without those of functions and classes in it."""
    if not isinstance(statement, SCOPES):
        yield statement
        for each in ast.iter_child_nodes(statement):
            yield from _parts(each)


def _mark(at: int, before: ast.stmt) -> ast.stmt:
    line = min(_lines(before))
    place = ast.Pass(lineno=line, end_lineno=line, col_offset=0, end_col_offset=0)
    mark = ast.Assign(
        [ast.Subscript(ast.Name(NAME, ast.Load()), ast.Constant(at), ast.Store())], ast.Constant(1)
    )
    return ast.fix_missing_locations(ast.copy_location(mark, place))


def _lines(statement: ast.stmt) -> list[int]:
    """The lines at which the statement and its decorators start."""
    return [statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))]


def prepare(place: Path) -> None:
    """Write the copies, the lines of their marks, and a file of marks that are all 0."""
    place.mkdir(parents=True, exist_ok=True)
    marking = Marking()
    copies, lines = {}, []
    for path in sorted(SOURCE.rglob("*.py")):
        copies[str(path)] = marking.compiled(path.read_bytes(), str(path))
        lines += [[str(path), each] for each in marking.lines[len(lines) :]]
    (place / "copies").write_bytes(marshal.dumps(copies))
    (place / "lines.json").write_text(json.dumps(lines))
    (place / "marks").write_bytes(bytes(len(lines)))


class Loader(SourceFileLoader):
    """Loads the copy of a module."""

    copies: dict[str, CodeType]

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - it is for one module
        return self.copies[self.path]


class Finder(MetaPathFinder):
    """Finds the modules that have copies; the others are left to the next finder."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "rowkeep":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin in Loader.copies:
            spec.loader = Loader(fullname, spec.origin)
        return spec


def install() -> None:
    """Load the copies in this process and its forks, if the variable is set."""
    if VARIABLE not in os.environ:
        return
    place = Path(os.environ[VARIABLE])
    Loader.copies = marshal.loads((place / "copies").read_bytes())  # noqa: S302 - written by prepare
    with (place / "marks").open("r+b") as file:
        setattr(builtins, NAME, mmap.mmap(file.fileno(), 0))
    sys.meta_path.insert(0, Finder())


def collect(place: Path) -> None:
    """Write the lines of the marked blocks where ``coverage report`` reads them."""
    from coverage import CoverageData

    lines = json.loads((place / "lines.json").read_text())
    ran: dict[str, set[int]] = {}
    for (path, block), mark in zip(lines, (place / "marks").read_bytes(), strict=True):
        ran.setdefault(path, set()).update(block if mark else ())
    data = CoverageData(str(place / "data"))
    data.erase()
    data.add_lines(ran)
    data.write()


if __name__ == "__main__":
    {"prepare": prepare, "collect": collect}[sys.argv[1]](Path(sys.argv[2]).absolute())
