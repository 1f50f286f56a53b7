"""Main: the command ``rowkeep``, with all its commands."""

from __future__ import annotations

import os
import sys
from functools import cache, partial
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer

import rowkeep
from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.exit_status import Failed, end
from rowkeep.model.audit import COMMAND

UNPARSED = ", unable to parse string as an integer"

ABOUT = """A self-hosted data-table API for chatbots, assistants and AI agents.

The management commands work on the store given by ROWKEEP_DATABASE_URL. If ROWKEEP_URL and
ROWKEEP_ADMIN_TOKEN are set, they use that running server instead.
"""


def version() -> None:
    """Print the version."""
    print(f"rowkeep {rowkeep.__version__}")


def _start(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show_version:
        version()
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


COMMANDS = {
    "demo": "rowkeep.demo",
    "serve": "rowkeep.cli.serve",
    "init": "rowkeep.cli.serve",
    "token": "rowkeep.cli.tokens",
    "doctor": "rowkeep.cli.doctor",
    "erase": "rowkeep.cli.erase",
    "undo": "rowkeep.cli.undo",
    "audit": "rowkeep.cli.audit",
    "history": "rowkeep.cli.history",
    "changes": "rowkeep.cli.changes",
    "copy": "rowkeep.cli.copy",
    "restore": "rowkeep.cli.restore",
}
"""The commands, in the order in which new users need them, and the modules of their functions."""

GROUPS = {
    "workspace": "rowkeep.cli.workspaces",
    "table": "rowkeep.cli.tables",
    "rows": "rowkeep.cli.rows",
    "view": "rowkeep.cli.views",
    "chart": "rowkeep.cli.charts",
    "app": "rowkeep.cli.apps",
    "grant": "rowkeep.cli.grants",
    "webhook": "rowkeep.cli.webhooks",
    "schema": "rowkeep.cli.schema",
    "user": "rowkeep.cli.users",
    "admin-token": "rowkeep.cli.admin_tokens",
    "keys": "rowkeep.cli.keys",
    "backup": "rowkeep.cli.backup",
}
"""The groups of commands, and the modules that define them in ``commands``."""


def build(wanted: str | None = None) -> typer.Typer:
    """The command line. If ``wanted`` is the name of a command or group, it contains only that one, because
    loading all of them would use a sixth of a server's memory."""
    built = typer.Typer(
        add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["--help", "-h"]}
    )
    built.callback(invoke_without_command=True, help=ABOUT)(_start)
    is_known = wanted in COMMANDS or wanted in GROUPS
    for name, module in COMMANDS.items():
        if name == wanted or not is_known:
            built.command()(getattr(import_module(module), name))
    for name, module in GROUPS.items():
        if name == wanted or not is_known:
            built.add_typer(import_module(module).commands, name=name)
    built.command()(version)
    return built


@cache
def command_line(wanted: str | None = None) -> Any:
    """The same, ready to parse arguments."""
    return typer.main.get_command(build(wanted))


def run(arguments: list[str]) -> None:
    """Run a command line. Raises the errors that :func:`rowkeep.exit_status.end` handles."""
    wanted = arguments[0] if arguments and arguments[0] in (*COMMANDS, *GROUPS) else None
    command = command_line(wanted)
    name = COMMAND.set(command_name(arguments))
    try:
        # not command.main(), which formats errors itself
        with command.make_context("rowkeep", arguments) as context:
            command.invoke(context)
    except typer.Exit as done:
        raise SystemExit(done.exit_code) from None
    except typer.TyperException as error:
        raise Failed(_usage(error), error.exit_code) from None
    except UnicodeEncodeError:
        # bytes that are not text, which only names of files can have
        raise SetupError("The arguments of the command are not valid UTF-8.") from None
    finally:
        COMMAND.reset(name)


def command_name(arguments: list[str]) -> str:
    """The command in a command line, without its arguments, which can be secret."""
    words = arguments[: 2 if arguments and arguments[0] in GROUPS else 1]
    is_known = bool(words) and (words[0] in GROUPS or words[0] in COMMANDS)
    return " ".join(("rowkeep", *words)) if is_known else "rowkeep"


def _usage(error: typer.TyperException) -> str:
    """The message for a wrong command line, with a hint to the help."""
    message = error.format_message().replace("Value error, ", "").rstrip(". ")
    found: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    if found and "Input should" in message:
        # what checks the types of options does not show what it refuses
        message = message.replace("Input should", "it must").removesuffix(UNPARSED)
        message = f"{message.replace('valid integer', 'whole number')}; got {preview(found[0]['input'])}"
    context = getattr(error, "ctx", None)
    return f"{message}." if context is None else f"{message}. Try '{context.command_path} --help'."


def open_closed_streams() -> None:
    """Give a process that was started without standard input or output an empty one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - it is open until the end


def main() -> None:
    """Run the command line of this process, and exit."""
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # characters that the terminal does not support are escaped
            stream.reconfigure(errors="backslashreplace")
    sys.exit(end(partial(run, sys.argv[1:])))
