"""The steps of a change of definitions, which a dry run shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rowkeep.cli.output import fact, print_json, print_line, print_list

STEPS = (
    fact("Step", "step"),
    fact("Rewrites table", "rewritesTable"),
    fact("Loses data", "losesData"),
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the steps of the change without doing them.")]


def print_steps(steps: Sequence[dict[str, Any]]) -> None:
    """Print the steps as a table, or that there are none."""
    if steps:
        print_list(steps, STEPS)
    else:
        print_line("Nothing to change.")


def print_change(done: dict[str, Any], line: str, *, dry_run: bool, as_json: bool) -> None:
    """Print the response to a change of a definition: as JSON, as the steps of a dry run, or as this line."""
    if as_json:
        print_json(done)
    elif dry_run:
        print_steps(done["steps"])
    else:
        print_line(line)
