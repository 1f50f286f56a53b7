"""The command ``rowkeep``: all its commands, and how they are run."""

from __future__ import annotations

import sys
from functools import partial
from io import TextIOWrapper
from typing import Annotated

import typer

import rowkeep
from rowkeep.cli import admin_tokens, apps, grants, keys, rows, schema, tables, views, workspaces
from rowkeep.cli.demo import demo
from rowkeep.cli.endings import end
from rowkeep.cli.serve import init, serve
from rowkeep.cli.tokens import token

ABOUT = """Data tables for programs that talk: assistants, bots, process apps, agents.

The management commands work on the store that ROWKEEP_DATABASE_URL names; where ROWKEEP_URL and
ROWKEEP_ADMIN_TOKEN are set, they speak to that running server instead.
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


def _build() -> typer.Typer:
    """All commands, in the order in which a newcomer meets them."""
    built = typer.Typer(
        add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["--help", "-h"]}
    )
    built.callback(invoke_without_command=True, help=ABOUT)(_start)
    for command in (demo, serve, init, token):
        built.command()(command)
    for name, group in (
        ("workspace", workspaces.commands),
        ("table", tables.commands),
        ("rows", rows.commands),
        ("view", views.commands),
        ("app", apps.commands),
        ("grant", grants.commands),
        ("schema", schema.commands),
        ("admin-token", admin_tokens.commands),
        ("keys", keys.commands),
    ):
        built.add_typer(group, name=name)
    built.command()(version)
    return built


app = _build()


def run(arguments: list[str]) -> None:
    """Run a command line. Raises all that :func:`rowkeep.cli.endings.end` makes an ending of."""
    command = typer.main.get_command(app)
    # not command.main(): it words and frames errors itself
    with command.make_context("rowkeep", arguments) as context:
        command.invoke(context)


def main() -> None:
    """Run the command line that this process was started with, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # what the terminal cannot show is escaped, not a failure
            stream.reconfigure(errors="backslashreplace")
    sys.exit(end(partial(run, sys.argv[1:])))
