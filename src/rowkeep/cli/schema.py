"""Schema: ``rowkeep schema``, for the definitions, grants and shared charts of a workspace as files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from rowkeep.cli.files.definitions import DefinitionFiles, WrittenFiles, read_definitions, write_definitions
from rowkeep.cli.options import AsJson, Workspace
from rowkeep.cli.output import print_json, print_line
from rowkeep.cli.steps import print_steps
from rowkeep.client.commands import call
from rowkeep.errors.catalogue import RowkeepError, SetupError
from rowkeep.exit_status import WRONG_USAGE, Failed
from rowkeep.files.responses import more_errors

commands = typer.Typer(
    help="Export definitions, grants and shared charts to files, show differences, and apply them."
)

DIFFERENT = 1

Directory = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="The directory with tables/, views/, grants.json and charts.json."),
]


@contextmanager
def _errors_exit_2() -> Iterator[None]:
    """Exit with 2 on errors, because 1 means that there are differences."""
    try:
        yield
    except (SetupError, RowkeepError, OSError) as error:
        raise Failed(str(error), WRONG_USAGE) from error


@commands.command()
def export(directory: Directory, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Write the definitions, grants and shared charts of a workspace to a directory, and remove files of
    deleted tables and views."""
    with _errors_exit_2():
        done = write_definitions(directory, call("GET", "workspaces", workspace, "schema", patient=True))
    print_json(done._asdict()) if as_json else print_line(_summary(done, directory))


@commands.command()
def diff(directory: Directory, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Print the steps that apply would do. Exits with 1 if there are any, with 2 if apply would fail."""
    steps = _put(directory, workspace, {"dryRun": "true"})
    _print(steps, as_json)
    if steps:
        raise typer.Exit(DIFFERENT)


@commands.command()
def apply(
    directory: Directory,
    allow_data_loss: Annotated[
        bool, typer.Option("--allow-data-loss", help="Allow steps that lose data, such as dropping a table.")
    ] = False,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Apply the definitions, grants and shared charts of a directory to a workspace, in one transaction."""
    _print(_put(directory, workspace, {"allowDataLoss": "true"} if allow_data_loss else {}), as_json)


def _put(directory: Path, workspace: str, parameters: dict[str, str | int]) -> list[dict[str, Any]]:
    """Send the definitions, grants and charts of a directory; returns the steps of the change."""
    with _errors_exit_2():
        from rowkeep.client.paths import Refused

        files = read_definitions(directory)
        try:
            answer = call(
                "PUT",
                "workspaces",
                workspace,
                "schema",
                body=files.body,
                parameters=parameters,
                patient=True,
            )
        except Refused as refusal:
            raise SetupError(_located(refusal, files)) from None
    steps: list[dict[str, Any]] = answer["steps"]
    return steps


def _located(refusal: Any, files: DefinitionFiles) -> str:
    """The error with the name of the file that it is in."""
    if not refusal.problems or not refusal.problems[0].get("pointer"):
        return str(refusal)
    first = refusal.problems[0]
    file, where = files.place(first["pointer"])
    more = more_errors(len(refusal.problems) - 1)
    message = first["msg"].replace("allowDataLoss=true", "--allow-data-loss")
    return f"{file}{' at ' if file and where else ''}{where}: {message}{more}"


def _print(steps: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"steps": steps})
    else:
        print_steps(steps)


def _summary(done: WrittenFiles, directory: Path) -> str:
    summary = f"Wrote {len(done.written)} files to {directory}"
    summary += f", removed {len(done.removed)}" if done.removed else ""
    return f"{summary}, {len(done.unchanged)} unchanged."
