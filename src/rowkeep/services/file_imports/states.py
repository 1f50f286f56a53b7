"""States: what is stored of an uploaded file and of its import."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class UploadedFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A file of one user or admin token, with the id of its workspace. ``format`` is by its name; None if the
    name does not say it."""

    id: str
    workspace: str
    owner: str
    name: str
    size: int
    format: str | None
    uploaded_on: str


class ImportStatus(StrEnum):
    """``failed`` has a message; what was imported before stays, except in mode ``atomic``."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in (ImportStatus.QUEUED, ImportStatus.RUNNING)


class ImportState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An import and how far it is: ``done`` of ``total`` units, which depend on the format, and counts of
    rows. ``resumed`` is how often another process had to continue it."""

    table: str
    mode: str
    is_dry_run: bool = msgspec.field(name="dryRun")
    status: ImportStatus
    started_on: str
    ended_on: str | None = None
    step: str = ""
    done: int = 0
    total: int | None = None
    n_inserted: int = 0
    n_updated: int = 0
    n_ignored: int = 0
    n_rejected: int = 0
    resumed: int = 0
    message: str = ""
