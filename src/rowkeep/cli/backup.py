"""Backup: ``rowkeep backup``, the whole store in one file, and the check of such a file."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import print_json, print_line
from rowkeep.cli.row_progress import row_progress
from rowkeep.errors.catalogue import SetupError

if TYPE_CHECKING:
    from rowkeep.model.backups import Manifest


class _DefaultCreate(TyperGroup):
    """``rowkeep backup FILE`` is ``rowkeep backup create FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = ["create", *args]
        return super().parse_args(ctx, args)


commands = typer.Typer(
    cls=_DefaultCreate,
    help="Write the whole store to one file, while servers are running, or check such a file. "
    "`rowkeep backup FILE` is `rowkeep backup create FILE`.",
)

Target = Annotated[
    str,
    typer.Argument(
        metavar="DIR|FILE",
        help="A new file, or a directory, which gets a file with the time in its name.",
    ),
]
BackupFile = Annotated[str, typer.Argument(metavar="FILE", help="The backup.")]
PassphraseFile = Annotated[
    str | None,
    typer.Option("--passphrase-file", metavar="FILE", help="The file with the passphrase of the backup."),
]
Encrypt = Annotated[
    bool, typer.Option("--encrypt", help="Encrypt the backup with the passphrase of --passphrase-file.")
]
WithKey = Annotated[
    bool,
    typer.Option(
        "--with-key",
        help="Include the master key. Only in an encrypted backup: its passphrase then opens everything.",
    ),
]
KeyFile = Annotated[
    str | None,
    typer.Option("--key-file", metavar="FILE", help="The key file of the store that was backed up."),
]


@commands.callback()
def _group() -> None:
    pass


@commands.command()
def create(
    target: Target,
    encrypt: Encrypt = False,
    passphrase_file: PassphraseFile = None,
    with_key: WithKey = False,
    as_json: AsJson = False,
) -> None:
    """Write the whole store to one file.

    Servers can run meanwhile. The file gets its name when it is complete. It does not contain the master key.
    """
    refuse_remote("rowkeep backup")
    if encrypt != (passphrase_file is not None):
        raise typer.BadParameter(
            "--encrypt and --passphrase-file are used together.", param_hint="--passphrase-file"
        )
    if with_key and not encrypt:
        raise typer.BadParameter("it can only be used with --encrypt.", param_hint="--with-key")
    path = Path(target)
    if path.is_dir():
        path /= f"rowkeep-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
    manifest = asyncio.run(_create(path, passphrase_file, with_key=with_key))
    if as_json:
        print_json({"file": str(path), "bytes": path.stat().st_size, **summary(manifest)})
        return
    print_line(f"Wrote {path} ({path.stat().st_size:,} bytes): {described(manifest)}.")
    if with_key:
        print_line("The backup contains the master key: whoever has its passphrase can read everything.")
    else:
        print_line("The master key is not in the backup. Store a copy of it elsewhere.")


async def _create(path: Path, passphrase_file: str | None, *, with_key: bool) -> Manifest:
    from rowkeep.services.audit import audited_command
    from rowkeep.services.backups.archives import new_archive, read_passphrase
    from rowkeep.services.backups.backup import Backup
    from rowkeep.services.backups.sources import open_source
    from rowkeep.services.local_store import open_store, shell_settings

    settings = shell_settings()
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    target = "with the master key" if with_key else "without the master key"
    async with (
        open_store(settings) as catalog,
        audited_command(catalog, settings, "backup.create", target=target),
        open_source(catalog, settings) as source,
    ):
        with new_archive(path, passphrase) as writer, row_progress() as report:
            return await Backup(catalog, settings, source, writer, report).run(with_key=with_key)


@commands.command()
def verify(
    file: BackupFile,
    passphrase_file: PassphraseFile = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Read a whole backup and check that it can be restored.

    Checks the checksum and the number of rows of every part and, if the master key is on this machine, that
    all encrypted cells can be decrypted.
    """
    manifest, has_key = asyncio.run(_verify(file, passphrase_file, key_file))
    if as_json:
        print_json({"file": file, "keyChecked": has_key, **summary(manifest)})
        return
    print_line(f"The backup is complete: {described(manifest)}, written on {manifest.created_on}.")
    print_line(
        "The master key fits, and all encrypted cells were decrypted."
        if has_key
        else f"The master key was not checked: there is none here. The backup needs the key with the "
        f"fingerprint {manifest.key_fingerprint}."
    )


async def _verify(file: str, passphrase_file: str | None, key_file: str | None) -> tuple[Manifest, bool]:
    from rowkeep.services.backups.archives import open_archive, read_passphrase
    from rowkeep.services.backups.contents import Contents
    from rowkeep.services.backups.keys import keys_for_check
    from rowkeep.services.backups.verify import verify
    from rowkeep.services.local_store import shell_settings

    settings = shell_settings()
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    with open_archive(Path(file), passphrase) as archive, row_progress() as report:
        contents = Contents(archive)
        master = keys_for_check(settings, contents.manifest, key_file)
        await verify(contents, master, report)
        return contents.manifest, master is not None


def refuse_remote(command: str) -> None:
    """Raises SetupError if the commands of this shell work on a server."""
    if os.environ.get("ROWKEEP_URL"):
        raise SetupError(
            f"{command} works on the store itself. Unset ROWKEEP_URL, set ROWKEEP_DATABASE_URL, and run it "
            "on the machine of the store."
        )


def summary(manifest: Manifest) -> dict[str, Any]:
    """The contents of a backup as JSON."""
    return {
        "createdOn": manifest.created_on,
        "rowkeep": manifest.rowkeep,
        "engine": manifest.engine,
        "keyFingerprint": manifest.key_fingerprint,
        "hasKey": manifest.master_key is not None,
        "workspaces": [each.name for each in manifest.workspaces],
        "tables": sum(len(each.tables) for each in manifest.databases),
        "rows": manifest.rows,
    }


def described(manifest: Manifest) -> str:
    tables = sum(len(each.tables) for each in manifest.databases)
    return f"{len(manifest.workspaces)} workspaces, {tables} tables, {manifest.rows:,} rows"
