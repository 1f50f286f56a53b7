"""Backends of the tests: each test runs on the backend that its name says.

pytest caches fixtures of a session. If a second fixture ``backend`` hides the first, or a test gives it a
value directly, the fixtures that depend on it are not made again for the next test, which then runs on
another backend than its name says.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from support.engines import is_wanted

TESTS = Path(__file__).parents[1]


NAMED = re.compile(r"""["'][\w, ]*\bbackend\b""")
"""A string that may be a list of names with this one: other files need no closer look."""


def test_there_is_one_fixture() -> None:
    found = [path for path in TESTS.rglob("*.py") if "\ndef backend(" in path.read_text(encoding="utf-8")]
    assert found == [TESTS / "conftest.py"]


def test_values_go_through_the_fixture() -> None:
    direct = [
        f"{path.relative_to(TESTS)}:{call.lineno}"
        for path in TESTS.rglob("*.py")
        if NAMED.search(text := path.read_text(encoding="utf-8"))
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and gives_backend(call) and not is_indirect(call)
    ]
    assert direct == []


def gives_backend(call: ast.Call) -> bool:
    names = call.args[0] if call.args else None
    return (
        isinstance(names, ast.Constant)
        and "backend" in str(names.value).replace(" ", "").split(",")
        and ast.unparse(call.func).endswith("parametrize")
    )


def is_indirect(call: ast.Call) -> bool:
    return any(keyword.arg == "indirect" for keyword in call.keywords)


MARKED = """
import pytest
from support.engines import first_on_each, first_way_on_each

engine = pytest.fixture(params=["sqlite", "postgresql"], name="backend")(lambda request: request.param)
way = pytest.fixture(params=["store", "http"], name="way")(lambda request: request.param)

@first_on_each(("method", "path"), [("GET", "/a"), ("GET", "/b")])
@pytest.mark.parametrize("turn", [1, 2])
def test_values(backend, turn, method, path): ...

@first_way_on_each("way")
def test_ways(backend, way): ...
"""


def test_the_first_of_each_runs_on_each_engine(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = tmp_path / "test_marked.py"
    path.write_text(MARKED)
    items = list(pytest.Module.from_parent(request.session, path=path).collect())
    names = {item.name for item in items if isinstance(item, pytest.Item) and is_wanted(item)}
    assert {each for each in names if "postgresql" in each} == {
        "test_values[postgresql-1-GET-/a]",
        "test_values[postgresql-2-GET-/a]",
        "test_ways[postgresql-store]",
    }
    assert len(names) == 3 + 4 + 2
