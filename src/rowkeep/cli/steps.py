"""The steps of a change of definitions, which a dry run shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rowkeep.cli.output import fact, print_line, print_list

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
