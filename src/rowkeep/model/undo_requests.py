"""Requests to undo changes, as msgspec decodes them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

Conflicts: TypeAlias = Literal["fail", "skip", "force"]


class UndoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The operation whose changes are undone, by its `Operation-Id`, and what happens to rows that were
    changed since."""

    operation: str
    conflicts: Conflicts = "fail"
    dry_run: bool = False


class UndoChangesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which changes are undone: those that match all members that are given, of which there must be one."""

    operation: str | UnsetType = UNSET
    app: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    tables: list[str] | UnsetType = UNSET
    since: str | UnsetType = UNSET
    until: str | UnsetType = UNSET
    conflicts: Conflicts = "fail"
    dry_run: bool = False
