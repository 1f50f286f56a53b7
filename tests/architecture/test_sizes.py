"""Sizes: a file is about one thing, a function does one thing, a handler does nothing by itself."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from source import Function, modules

from rowkeep.http.data import DATA_ENDPOINTS
from rowkeep.http.management.api import ENDPOINTS

MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 60
MAX_HANDLER_LINES = 10


def test_files_are_small() -> None:
    assert {module.name: module.lines for module in modules() if module.lines > MAX_FILE_LINES} == {}


def test_functions_are_small() -> None:
    lengths = {
        (module.name, name): lines_of(function) for module in modules() for name, function in module.functions
    }
    assert {place: lines for place, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_files_say_what_they_are_about() -> None:
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []
    vague = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert [module.name for module in modules() if module.name.rpartition("/")[2] in vague] == []


def test_handlers_of_the_data_api_are_small() -> None:
    lengths = {call.call.__name__: len(inspect.getsource(call.call).splitlines()) for call in DATA_ENDPOINTS}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_HANDLER_LINES} == {}


def test_handlers_of_the_management_api_are_small() -> None:
    code = [endpoint.call.__code__ for endpoint in ENDPOINTS]  # type: ignore[attr-defined]
    starts = {(Path(each.co_filename).name, each.co_firstlineno) for each in code}
    handlers = {
        (Path(source.name).name, node.lineno): lines_of(node)
        for source in modules()
        if source.name.startswith("http/management/")
        for node in source.nodes(ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)
    }
    handlers = {place: lines for place, lines in handlers.items() if place in starts}
    assert handlers.keys() == starts
    assert {line: lines for line, lines in handlers.items() if lines > MAX_HANDLER_LINES} == {}


def lines_of(node: ast.Lambda | Function) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1
