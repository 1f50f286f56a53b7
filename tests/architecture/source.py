"""The source of Rowkeep as syntax trees, and the tree of the project, for tests that read them."""

from __future__ import annotations

import ast
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from pathspec import GitIgnoreSpec

from support.syntax import statements

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "rowkeep"

Function = ast.FunctionDef | ast.AsyncFunctionDef


N = TypeVar("N", bound=ast.AST)


@dataclass(frozen=True)
class Module:
    """One file of ``src/rowkeep``. ``name`` is its path there: ``storage/contract.py``. It is parsed when a
    test needs that, and once for all tests of a process."""

    name: str
    text: str

    @property
    def layer(self) -> str:
        """Its package, or its own name if it lies at the top."""
        return self.name.split("/")[0].removesuffix(".py")

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def nodes(self, *kinds: type[N]) -> Iterator[N]:
        """All nodes of the tree that are of these classes, which have no subclasses."""
        for kind in kinds:
            yield from self._nodes.get(kind, ())  # type: ignore[misc]

    @cached_property
    def _nodes(self) -> dict[type[ast.AST], list[ast.AST]]:
        found: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in ast.walk(self.tree):
            found[type(node)].append(node)
        return found

    @cached_property
    def functions(self) -> list[tuple[str, Function]]:
        """Every function, those in classes and functions included, by its qualified name."""
        names: dict[ast.AST, str] = {}
        found: list[tuple[str, Function]] = []
        for part, statement in statements(self.tree):
            outer = names.get(part, "")
            if isinstance(statement, ast.ClassDef | Function):
                outer = f"{outer}.{statement.name}".lstrip(".")
            if isinstance(statement, Function):
                found.append((outer, statement))
            names[statement] = outer
        return found

    def imported(self) -> set[str]:
        """The top-level packages that it imports anywhere."""
        found = {each.name.partition(".")[0] for node in self.nodes(ast.Import) for each in node.names}
        return found | {(node.module or "").partition(".")[0] for node in self.nodes(ast.ImportFrom)}


@cache
def modules() -> tuple[Module, ...]:
    """All of ``src/rowkeep``."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple(Module(path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8")) for path in paths)


@cache
def tree() -> tuple[Path, ...]:
    """Every file of the project that .gitignore does not exclude. Git is not needed: the project may be an
    exported tree."""
    ignored = GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text("utf-8").splitlines())
    found: list[Path] = []
    for directory, folders, files in os.walk(ROOT):
        here = Path(directory).relative_to(ROOT)
        folders[:] = [
            name
            for name in folders
            if name != ".git" and not ignored.match_file(f"{(here / name).as_posix()}/")
        ]
        # in a worktree of Git, .git is a file
        found += [
            ROOT / here / name
            for name in files
            if name != ".git" and not ignored.match_file((here / name).as_posix())
        ]
    return tuple(sorted(found))
