"""Tables: ``rowkeep table``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from rowkeep.cli.file_options import FormatName, reads_files
from rowkeep.cli.import_runs import checked_format
from rowkeep.cli.options import AsJson, TableName, Workspace, read_file
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list, print_one
from rowkeep.cli.steps import DryRun, print_change
from rowkeep.client.commands import call, every
from rowkeep.errors.catalogue import SetupError
from rowkeep.files.reading import Reading
from rowkeep.model.tables import COUNTED

commands = typer.Typer(help="Create, change, list and delete tables.")

OVERVIEW = (
    fact("Table", "name"),
    Fact("Columns", lambda table: len(table["schemaDef"])),
    Fact("Indexes", lambda table: len(table["indexes"])),
    fact("Description", "description"),
)
SIZES = (
    Fact("Rows", lambda table: _row_count(table["size"]["rows"])),
    Fact("Bytes", lambda table: table["size"]["bytes"]),
)
HEAD = (fact("Table", "name"), fact("Description", "description"))
COLUMNS = (
    fact("Column", "name"),
    fact("Type", "type"),
    fact("Required", "isRequired"),
    fact("Max length", "maxLength"),
    fact("Default", "default"),
)
INDEXES = (
    fact("Index", "name"),
    fact("Unique", "isUnique"),
    Fact("Columns", lambda index: ", ".join(map(_index_column, index["columns"]))),
)

Definition = Annotated[
    str, typer.Argument(metavar="FILE", help="The definition as a JSON file; - for standard input.")
]


def _index_column(column: dict[str, Any]) -> str:
    return str(column["name"]) + (" desc" if column["order"] == "desc" else "")


def _row_count(rows: int) -> str:
    return str(rows) if rows <= COUNTED else f"about {rows}"


@commands.command()
def create(definition: Definition, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Create a table from its definition."""
    created = call("POST", "workspaces", workspace, "tables", body=read_file(definition))
    print_json(created) if as_json else print_line(f"Created table {created['name']}.")


@commands.command()
@reads_files
def infer(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - for standard input.")],
    reading: Reading,
    format_name: FormatName = None,
    name: Annotated[
        str | None, typer.Option(metavar="TABLE", help="The name of the table; by default, that of the file.")
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, metavar="ROWS", help="Look only at the first rows, not at all.")
    ] = None,
    create_it: Annotated[
        bool, typer.Option("--create", help="Create the table, and import the rows of the file.")
    ] = False,
    workspace: Workspace = "main",
) -> None:
    """Propose the definition of a table from the rows of a file.

    The definition is printed in the form that `table create` accepts: types, lengths, required columns, and a
    unique index for the first column whose values are unique. Remarks are printed on standard error.
    """
    from rowkeep.cli.inferred_tables import create_and_import, propose

    kind = checked_format(file, format_name, reading)
    if create_it and file == "-":
        raise typer.BadParameter("--create needs a file, which is read twice: not standard input")
    proposal = propose(file, kind, reading, name, rows)
    if create_it:
        create_and_import(file, kind, reading, proposal, workspace)
    else:
        print_json(proposal.definition)


@commands.command("list")
def list_all(
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes",
            help="Show the number of rows, too, and about how many bytes they take, without indexes. "
            f"Tables with more than {COUNTED:,} rows are not counted, but estimated.",
        ),
    ] = False,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """List all tables of a workspace."""
    parameters: dict[str, str | int] = {"sizes": "true"} if sizes else {}
    found = every("tables", "workspaces", workspace, "tables", parameters=parameters)
    facts = (*OVERVIEW[:-1], *SIZES, OVERVIEW[-1]) if sizes else OVERVIEW
    print_json({"tables": found}) if as_json else print_list(found, facts)


@commands.command()
def get(name: TableName, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Show the definition of a table, with --json in the form that `table create` accepts."""
    found = call("GET", "workspaces", workspace, "tables", name)
    if as_json:
        print_json(found)
    else:
        print_one(found, HEAD)
        print_list(found["schemaDef"], COLUMNS)
        if found["indexes"]:
            print_list(found["indexes"], INDEXES)


@commands.command()
def change(
    definition: Definition,
    dry_run: DryRun = False,
    allow_data_loss: Annotated[
        bool, typer.Option("--allow-data-loss", help="Allow steps that lose data, such as dropping a column.")
    ] = False,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Replace the definition of a table, and adapt its rows."""
    body = read_file(definition)
    parameters = {"dryRun": dry_run, "allowDataLoss": allow_data_loss}
    given: dict[str, str | int] = {name: "true" for name, value in parameters.items() if value}
    name = _name_in(body, definition)
    done = call("PUT", "workspaces", workspace, "tables", name, body=body, parameters=given, patient=True)
    print_change(done, f"Changed table {name}.", dry_run=dry_run, as_json=as_json)


def _name_in(body: bytes, path: str) -> str:
    """The name of the table in a definition. Raises SetupError."""
    try:
        name = json.loads(body)["name"]
    except (ValueError, RecursionError, KeyError, TypeError):
        name = None
    if not isinstance(name, str):
        raise SetupError(f'The file {path} must be a definition: a JSON object with a "name".')
    return name


@commands.command()
def delete(name: TableName, workspace: Workspace = "main") -> None:
    """Delete a table with its rows and grants."""
    call("DELETE", "workspaces", workspace, "tables", name)
    print_line(f"Deleted table {name}.")
