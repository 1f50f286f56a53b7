"""Definition files: the definitions, grants and shared charts of a workspace in a directory, one file per
table and view.

Files are written so that changes affect few lines: keys have a fixed order, and each column, index, grant
and chart is on its own line. The content of files is sent unchanged, byte for byte.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rowkeep.cli.options import BYTE_ORDER_MARK
from rowkeep.codec.json_bodies import refuse_repeated_keys
from rowkeep.errors.catalogue import RepeatedKey, SetupError, preview
from rowkeep.model.tables import name_key

KINDS = ("tables", "views")
LISTS = ("grants", "charts")
"""What is in one file each, as an array."""

POINTER = re.compile(r"/(?P<kind>tables|views|grants|charts)(?:/(?P<at>\d+))?(?P<rest>(?:/.*)?)")


class WrittenFiles(NamedTuple):
    """The written, removed and unchanged files, with their paths in the directory."""

    written: list[str]
    removed: list[str]
    unchanged: list[str]


class DefinitionFiles(NamedTuple):
    """The files of a directory as one request body, and the files by their positions in it."""

    body: bytes
    files: dict[str, list[str]]

    def place(self, pointer: str) -> tuple[str, str]:
        """The file for a pointer into the body, and the rest of the pointer, within that file."""
        found = POINTER.fullmatch(pointer)
        if found is None:
            return "", pointer
        kind, at, rest = found["kind"], found["at"], found["rest"]
        if kind in LISTS:
            return f"{kind}.json", rest if at is None else f"/{at}{rest}"
        if at is None or int(at) >= len(self.files[kind]):
            return f"{kind}/", rest
        return self.files[kind][int(at)], rest


def read_definitions(directory: Path) -> DefinitionFiles:
    """Read all definitions, grants and charts in a directory. Without grants.json, grants stay unchanged, and
    without charts.json, charts.

    Raises SetupError with the name of the file.
    """
    if not directory.is_dir():
        raise SetupError(f"No such directory: {directory}.")
    lists = {kind: path for kind in LISTS if (path := directory / f"{kind}.json").is_file()}
    if not (directory / "tables").is_dir() and not lists:
        names = "".join(f" nor {kind}.json" for kind in LISTS)
        raise SetupError(f"The directory {directory} has no definitions: neither tables/{names}.")
    parts: list[bytes] = []
    files: dict[str, list[str]] = {}
    for kind in KINDS:
        paths = _definitions(directory / kind)
        files[kind] = [f"{kind}/{path.name}" for path in paths]
        parts.append(b'"%s":[%s]' % (kind.encode(), b",".join(_definition(path) for path in paths)))
    for kind, path in lists.items():
        text, found = _json(path)
        if not isinstance(found, list):
            raise SetupError(f"The file {path} must be a JSON array of {kind}.")
        parts.append(b'"%s":%s' % (kind.encode(), text))
    return DefinitionFiles(b"{%s}" % b",".join(parts), files)


def _definitions(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.json"), key=lambda path: name_key(path.stem))


def _definition(path: Path) -> bytes:
    text, found = _json(path)
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(name, str):
        raise SetupError(f'The file {path} must be a definition: a JSON object with a "name".')
    if name != path.stem:
        raise SetupError(
            f"The file {path} defines {preview(name)}. Its name must be that of what it defines, and .json."
        )
    return text


def _json(path: Path) -> tuple[bytes, Any]:
    try:
        text = path.read_bytes().removeprefix(BYTE_ORDER_MARK).strip()
        found = json.loads(text.decode())
        refuse_repeated_keys(text)
        return text, found
    except UnicodeDecodeError:
        raise SetupError(f"The file {path} is not valid UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise SetupError(f"The file {path} is not valid JSON: {error}.") from None
    except RepeatedKey as error:
        raise SetupError(
            f"The file {path} has a repeated key at {error.problems[0].pointer}: {error}"
        ) from None
    except OSError as error:
        raise SetupError(f"The file {path} cannot be read: {error.strerror or error}.") from None


def write_definitions(directory: Path, schema: dict[str, Any]) -> WrittenFiles:
    """Write a schema to a directory. Equal files are not written again, and definition files that are not in
    the schema are removed. Other files stay. The directories are created even if there are no files. Raises
    SetupError with the name of the file."""
    contents = dict(_contents(schema))
    done = WrittenFiles([], [], [])
    path = directory
    try:
        for kind in KINDS:
            path = directory / kind
            path.mkdir(parents=True, exist_ok=True)
            for path in _definitions(directory / kind):
                name = f"{kind}/{path.name}"
                if name not in contents:
                    path.unlink()
                    done.removed.append(name)
        for name, content in contents.items():
            path = directory / name
            (done.written if _write(path, content) else done.unchanged).append(name)
    except OSError as error:
        raise SetupError(f"The file {path} cannot be written: {error.strerror or error}.") from None
    return done


def _contents(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        for definition in schema[kind]:
            yield f"{kind}/{definition['name']}.json", _encoded(definition)
    for kind in LISTS:
        # a server of an earlier version has no charts
        if kind in schema:
            yield f"{kind}.json", _lines("[", map(_line, schema[kind]), "]", "") + "\n"


def _encoded(definition: dict[str, Any]) -> str:
    entries = []
    for key, value in definition.items():
        encoded = _lines("[", map(_line, value), "]", "  ") if isinstance(value, list) else _line(value)
        entries.append(f"{_line(key)}: {encoded}")
    return _lines("{", entries, "}", "") + "\n"


def _lines(start: str, entries: Iterable[str], end: str, indent: str) -> str:
    """The entries of an object or array, each on its own lines."""
    inner = ",\n".join(f"{indent}  {entry}" for entry in entries)
    return f"{start}\n{inner}\n{indent}{end}" if inner else start + end


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, content: str) -> bool:
    """Write a file if its content differs, and return whether it was written. The file is replaced in one
    step, so readers never see a partial file."""
    if path.is_file() and path.read_bytes() == content.encode():
        return False
    passing = path.with_name(f".{path.name}.new")
    passing.write_bytes(content.encode())
    os.replace(passing, path)
    return True
