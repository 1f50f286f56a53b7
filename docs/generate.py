"""Generated parts of the docs: tables printed from the code that they describe.

Comments in the pages call these functions through cog. ``make docs`` updates the pages, and ``make check``
fails if a page is not up to date.
"""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import typer

from rowkeep.cli.main import build
from rowkeep.errors.catalogue import MAX_ECHO, MAX_PROBLEMS, all_errors
from rowkeep.http import app  # noqa: F401 - it declares the metrics of requests
from rowkeep.http.data import DATA_ENDPOINTS
from rowkeep.http.management.api import ENDPOINTS, PREFIX
from rowkeep.http.management.endpoint import parameters_of
from rowkeep.http.metrics_text import PROCESS_METRICS
from rowkeep.http.workspace_data import WORKSPACE_ENDPOINTS
from rowkeep.metric_cells import Kind
from rowkeep.metrics import REGISTRY
from rowkeep.model.audit import ACTIONS
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.filters import MAX_DEPTH, MAX_LIST, OPERATORS
from rowkeep.model.tables import MAX_COLUMNS, MAX_DESCRIPTION, MAX_INDEX_BYTES, MAX_INDEX_COLUMNS, MAX_INDEXES
from rowkeep.setting_rules import PREFIX as SETTING_PREFIX
from rowkeep.setting_rules import SHELL_VARIABLES
from rowkeep.settings import Settings


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table."""
    for row in (titles, ["---"] * len(titles), *rows):
        print(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")


def code(text: str) -> str:
    return f"`{text}`"


LONGEST_SHOWN = 60


def as_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace("\x00", "\\u0000")
    if len(text) > LONGEST_SHOWN:
        text = f"{text[:20]}…{text[-20:]}"
    return code(text)


def operators() -> None:
    """Every operand with its values, columns and meaning."""
    table(
        ("operand", "value", "columns", "matches values that are"),
        ((code(each.name), each.takes.value, each.suits.name, each.meaning) for each in OPERATORS.values()),
    )


def filter_limits() -> None:
    """The limits of a filter."""
    setting = "(the setting [`max_filter_expressions`](settings.md))"
    most = f"{Settings().max_filter_expressions} conditions {setting}"
    print(
        f"Filters nest to depth {MAX_DEPTH}; the outermost filter counts as 1, and so does every `not`. "
        f"A filter has at most {most} in total, and a list at most {MAX_LIST:,} values. "
        "A nested filter has at least one expression."
    )


def column_types() -> None:
    """Every column type."""
    table(
        ("type", "meaning"),
        ((code(each.name), each.meaning) for each in COLUMN_TYPES.values()),
    )


def data_calls() -> None:
    """Every endpoint of the Data API with its rights."""
    table(
        ("endpoint", "description", "rights", "body"),
        (
            (
                code(f"{each.method} {each.path}"),
                each.summary,
                ", ".join(right.value for right in each.rights),
                "" if each.body is None else body_of(each.body),
            )
            for each in DATA_ENDPOINTS
        ),
    )


def admin_data_calls() -> None:
    """The endpoints of the Data API for administrators."""
    table(
        ("endpoint", "description", "for apps"),
        (
            (
                code(f"{each.method} {each.admin_path.removeprefix(PREFIX)}"),
                each.summary,
                "" if each in WORKSPACE_ENDPOINTS else code(f"{each.method} {each.path}"),
            )
            for each in (*DATA_ENDPOINTS, *WORKSPACE_ENDPOINTS)
        ),
    )


def accepted(name: str) -> None:
    """Examples of accepted values, with the values in responses, and of rejected values."""
    facts = COLUMN_TYPES[name]
    table(("request", "response"), ((as_json(sent), as_json(shown)) for sent, shown in facts.accepts))
    print()
    print(f"Rejected: {', '.join(as_json(value) for value in facts.refused)}.")


def limits() -> None:
    """The limits of a definition."""
    table(
        ("item", "maximum"),
        (
            ("columns of a table, not counting the six system columns", f"{MAX_COLUMNS:,}"),
            ("indexes of a table", f"{MAX_INDEXES:,}"),
            ("columns of an index", f"{MAX_INDEX_COLUMNS:,}"),
            ("characters of a description", f"{MAX_DESCRIPTION:,}"),
            ("bytes of UTF-8 in all strings of one index entry", f"{MAX_INDEX_BYTES:,}"),
        ),
    )


def endpoints() -> None:
    """Every endpoint of the management API."""
    print(f"All paths start with {code(PREFIX)}.")
    print()
    table(
        ("endpoint", "description", "body", "parameters", "status", "errors"),
        (
            (
                code(f"{each.method} {each.path}"),
                each.summary,
                "" if each.body is None else body_of(each.body),
                ", ".join(code(f"{name}?") for name in parameters_of(each)),
                str(each.status),
                ", ".join(code(kind.code) for kind in each.errors),
            )
            for each in ENDPOINTS
        ),
    )


def body_of(kind: type) -> str:
    """The keys of a body; optional keys have a question mark."""
    fields = msgspec.structs.fields(kind)
    return ", ".join(code(field.encode_name + ("" if field.required else "?")) for field in fields)


def errors() -> None:
    """Every error of a response."""
    table(
        ("status", "code", "title", "meaning"),
        ((str(kind.status), code(kind.code), kind.title, meaning_of_error(kind)) for kind in all_errors()),
    )


def error_limits() -> None:
    """The limits of an error response."""
    print(
        f"A response lists up to {MAX_PROBLEMS} problems, and repeats up to {MAX_ECHO} characters of a "
        "value, with control characters escaped."
    )


def meaning_of_error(kind: type) -> str:
    """A docstring as one line of Markdown."""
    return inspect.cleandoc(kind.__doc__ or "").replace("\n", " ").replace("``", "`")


def settings() -> None:
    """Every setting, with its default and its limits."""
    table(
        ("variable", "default", "meaning"),
        (
            (code(f"{SETTING_PREFIX}{each.name.upper()}"), default_of(each.default), meaning_of(each.type))
            for each in msgspec.structs.fields(Settings)
        ),
    )


def default_of(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(f"{value:g}" if isinstance(value, float) else str(value))


def meaning_of(annotated: Any) -> str:
    """The description of a setting's type, and its limits."""
    meta = next(each for each in get_args(annotated) if isinstance(each, msgspec.Meta))
    bounds = (("more than", meta.gt, ""), ("at least", meta.ge, ""), ("at most", meta.le, ""))
    lengths = (("at least", meta.min_length, " characters"), ("at most", meta.max_length, " characters"))
    limits = [f"{word} {bound:,}{unit}" for word, bound, unit in (*bounds, *lengths) if bound is not None]
    return f"{meta.description}{' (' + ', '.join(limits) + ')' if limits else ''}"


SHARED_OPTIONS = ("--workspace", "--json")
"""Options of many commands; they are described once."""


def commands() -> None:
    """Every command of the shell, with its arguments and options."""
    for command, context in _leaves(typer.main.get_command(build()), None, "rowkeep"):
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        options = [each for each in command.params if each.param_type_name == "option"]
        usage = " ".join([context.command_path, *(each.metavar for each in arguments)])
        print(f"### {code(usage)}")
        print()
        print(inspect.cleandoc(command.help))
        print()
        for each in (*arguments, *options):
            if not set(each.opts) & set(SHARED_OPTIONS):
                print(f"- {code(_signature(each, context))}: {_help(each, context)}")
        shared = [name for each in options for name in each.opts if name in SHARED_OPTIONS]
        if shared:
            print(f"- {' and '.join(map(code, shared))}, as above")
        if arguments or options:
            print()


def shared_options() -> None:
    """What the shared options mean, from the first command that has each."""
    known: dict[str, str] = {}
    for command, context in _leaves(typer.main.get_command(build()), None, "rowkeep"):
        for each in command.params:
            if set(each.opts) & set(SHARED_OPTIONS):
                known.setdefault(_signature(each, context), _help(each, context))
    table(("option", "meaning"), ((code(signature), meaning) for signature, meaning in known.items()))


def _signature(parameter: Any, context: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    return str(parameter.metavar if is_argument else parameter.get_help_record(context)[0])


def _help(parameter: Any, context: Any) -> str:
    """The help text of a parameter, with its default and its limits, without "required"."""
    return " ".join(parameter.get_help_record(context)[1].split()).removesuffix(" [required]")


def _leaves(command: Any, parent: Any, name: str) -> Iterator[tuple[Any, Any]]:
    """Every command that is not a group, with the context in which it would run."""
    context = typer.Context(command, info_name=name, parent=parent)
    if not hasattr(command, "commands"):
        yield command, context
    else:
        for each, part in command.commands.items():
            yield from _leaves(part, context, each)


DEPENDENCIES = {
    "apsw": "SQLite in a current version; binds values at half the cost of `sqlite3` (Python 3.11)",
    "argon2-cffi": "hashes of passwords (argon2id)",
    "authlib": "sign-in by OpenID Connect",
    "asyncpg": "PostgreSQL; binary COPY",
    "backports.zstd": "compressed requests and responses (zstd); a part of Python from 3.14 on",
    "cachetools": "caches with a maximum size",
    "charset-normalizer": "the encoding of text files that are not UTF-8",
    "cryptography": "AES-SIV, AES-GCM and HKDF, for encrypted columns and secrets",
    "httpcore": "the HTTP client of webhooks, part of httpx: here Rowkeep chooses the address",
    "httptools": "uvicorn's HTTP parser in C",
    "httpx": "the HTTP client of the commands and the demo",
    "joserfc": "signatures and encryption of tokens (JWS, JWE)",
    "limits": "rate limits: their texts, moving windows, and counting in Redis",
    "msgspec": "JSON encoding and decoding, and validation of bodies, with compiled types",
    "opentelemetry-exporter-otlp-proto-http": "sends traces, only with the extra `otel`",
    "opentelemetry-sdk": "traces of requests, only with the extra `otel`",
    "prometheus-client": "the text format of metrics",
    "pyarrow": "the CSV reader of streams, at three times the speed of `csv`; Parquet files",
    "python-calamine": "reads Excel and OpenDocument files",
    "redis": "rate limits that several machines share, only with the extra `redis`",
    "rich": "tables and progress bars of the commands",
    "sqlalchemy": "a compiler of SQL and DDL for both databases, and its reflection reads the tables of "
    "other databases; its ORM is not used",
    "sse-starlette": "the encoding of server-sent events, loaded with the first of them",
    "standardwebhooks": "signatures of webhooks, as the Standard Webhooks specification says",
    "starlette": "the router of the management API",
    "structlog": "logs as JSON lines",
    "swagger-ui-py": "the scripts of the page /docs, which loads nothing from other hosts",
    "typer": "the commands",
    "uvicorn": "the server: event loop, connections, HTTP",
    "uvloop": "uvicorn's event loop in C",
    "xlsxwriter": "writes Excel files",
}
"""The purpose of each runtime dependency."""


def audit_actions() -> None:
    """The actions of the audit log."""
    table(("action", "meaning"), ((code(name), meaning) for name, meaning in ACTIONS.items()))


def dependencies() -> None:
    """Every runtime dependency and its purpose. Raises KeyError for one without a purpose."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["otel"], *extras["redis"]]
    names = sorted(re.split("[^a-z0-9.-]", each)[0] for each in wanted)
    if set(names) != set(DEPENDENCIES):
        raise KeyError(*set(names) ^ set(DEPENDENCIES))
    table(("package", "for"), ((code(name), DEPENDENCIES[name]) for name in names))


def metrics() -> None:
    """Every metric, with the names of its samples."""
    rows = [
        (
            code(f"{each.name}_total" if each.kind is Kind.COUNTER else each.name),
            each.kind.value,
            ", ".join(map(code, each.labels)),
            each.description,
        )
        for each in REGISTRY.families
    ]
    for name, (kind, description) in PROCESS_METRICS.items():
        shown = f"{name}_total" if kind is Kind.COUNTER else name
        rows.append((code(shown), kind.value, code("worker"), description))
    table(("metric", "type", "labels", "meaning"), sorted(rows))


def shell_variables() -> None:
    """Variables that only the shell commands read."""
    table(
        ("variable", "meaning"),
        ((code(name), meaning) for name, meaning in SHELL_VARIABLES.items()),
    )
