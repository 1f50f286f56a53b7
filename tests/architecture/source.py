"""The source of Rowkeep as syntax trees, and the tree of the project, for tests that read them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "rowkeep"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of ``src/rowkeep``. ``name`` is its path there: ``storage/contract.py``."""

    name: str
    text: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        """Its package, or its own name if it lies at the top."""
        return self.name.split("/")[0].removesuffix(".py")

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Every function, those in classes and functions included, by its qualified name."""
        yield from _functions(self.tree, "")

    def imported(self) -> set[str]:
        """The top-level packages that it imports anywhere."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
        return found


def _functions(node: ast.AST, path: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.ClassDef | Function)
        name = f"{path}.{child.name}".lstrip(".") if named else path  # type: ignore[attr-defined]
        if isinstance(child, Function):
            yield name, child
        yield from _functions(child, name)


@cache
def modules() -> tuple[Module, ...]:
    """All of ``src/rowkeep``."""
    paths = sorted(PACKAGE.rglob("*.py"))
    texts = [(path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8")) for path in paths]
    return tuple(Module(name, text, ast.parse(text)) for name, text in texts)


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
