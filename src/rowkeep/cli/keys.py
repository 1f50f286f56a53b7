"""Keys: ``rowkeep keys``, for the rotation of the keys that encrypt secrets and columns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer

from rowkeep.cli.output import print_line

commands = typer.Typer(help="Replace the keys that encrypt secrets and encrypted columns.")

Data = Annotated[
    bool,
    typer.Option(
        "--data", help="Replace the data keys and encrypt all data again, while servers are running."
    ),
]
Prepare = Annotated[
    bool,
    typer.Option(
        "--prepare",
        help="Only add a new master key to the key file, to copy the file to other machines first.",
    ),
]
Chosen = Annotated[
    str | None, typer.Option("--workspace", metavar="NAME", help="With --data: only this workspace.")
]


@commands.callback()
def _group() -> None:
    pass


@commands.command()
def rotate(data: Data = False, prepare: Prepare = False, workspace: Chosen = None) -> None:
    """Replace the master key, or with --data the data keys. Can be interrupted and run again."""
    if prepare and data:
        raise typer.BadParameter("it cannot be used with --data.", param_hint="--prepare")
    if workspace is not None and not data:
        raise typer.BadParameter("it can only be used with --data.", param_hint="--workspace")
    if prepare:
        asyncio.run(_prepare())
    else:
        asyncio.run(_rotate_data(workspace) if data else _rotate_master())


async def _prepare() -> None:
    from rowkeep.crypto.master_key import key_file
    from rowkeep.services.audit import audited_command
    from rowkeep.services.key_rotation import MasterRotation
    from rowkeep.services.local_store import open_store, shell_settings

    settings = shell_settings()
    async with (
        open_store(settings) as catalog,
        audited_command(catalog, settings, "key.master.prepare"),
    ):
        MasterRotation(catalog, settings).prepare()
    print_line(
        f"{key_file(settings)} now contains both keys. Copy it to every machine that runs a "
        "server, then run rowkeep keys rotate."
    )


async def _rotate_master() -> None:
    from rowkeep.crypto.master_key import former_key_file
    from rowkeep.services.audit import audited_command
    from rowkeep.services.key_rotation import MasterRotation
    from rowkeep.services.local_store import open_store, shell_settings

    settings = shell_settings()
    async with open_store(settings) as catalog, audited_command(catalog, settings, "key.master.rotate"):
        await _show(MasterRotation(catalog, settings).run())
    print_line("The master key was replaced. This store does not need the old key any more.")
    print_line(
        f"{former_key_file(settings)} keeps it, for older backups and for other stores with the same key "
        "file. Delete it when nothing needs it."
    )


async def _rotate_data(workspace: str | None) -> None:
    from rowkeep.errors.catalogue import NoSuchWorkspace
    from rowkeep.services.audit import audited_command
    from rowkeep.services.key_rotation import DataRotation, all_workspaces
    from rowkeep.services.local_store import open_store, shell_settings

    settings = shell_settings()
    async with open_store(settings) as catalog:
        names = [workspace] if workspace else [each.name for each in await all_workspaces(catalog)]
        for name in names:
            try:
                opened = await catalog.named(name)
                async with audited_command(catalog, settings, "key.data.rotate", opened.workspace.name):
                    await _show(DataRotation(catalog, opened).run())
            except NoSuchWorkspace:
                if workspace is not None:
                    raise
                # it was deleted after they were listed
                continue
            print_line(f"Workspace {name}: all data is encrypted with a new data key.")


async def _show(steps: AsyncIterator[Any]) -> None:
    """Run steps that report their progress, with a bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        async for step in steps:
            bar.update(task, description=step.what, completed=step.done, total=step.total)
