"""Audit lines: the audit log as JSON lines, in a file or on standard output."""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from rowkeep.limited_log import LimitedLog
from rowkeep.model.audit import AuditEntry
from rowkeep.private_files import FILE_MODE

faults = LimitedLog()

NOWHERE = "none"


class AuditLines:
    """Appends entries to a file, which is opened again when it was moved or deleted; or, without a path, to
    standard output if it is not a command. Errors are logged, and never stop a request; a command, which has
    no log, prints them once."""

    def __init__(self, path: str, *, is_command: bool) -> None:
        self._path = "" if path == NOWHERE else path
        self._is_command = is_command
        self._to_output = path == "" and not is_command
        self._is_printed = False
        self._descriptor = -1

    def write(self, entry: AuditEntry) -> None:
        if not self._path and not self._to_output:
            return
        line = msgspec.json.encode({"event": "audit"} | entry_form(entry)) + b"\n"
        try:
            if self._path:
                self._append(line)
            else:
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
        except (OSError, ValueError) as error:
            self._report(error)

    def _report(self, error: OSError | ValueError) -> None:
        if not self._is_command:
            faults.error("audit log not written", key=str(error), path=self._path, error=str(error))
        elif not self._is_printed:
            self._is_printed = True
            reason = getattr(error, "strerror", None) or error
            print(
                f"Warning: The audit log {self._path} (ROWKEEP_AUDIT_LOG_PATH) cannot be written: {reason}. "
                "The entry is only in the catalog.",
                file=sys.stderr,
            )

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: bytes) -> None:
        if not self._is_current():
            self.close()
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, FILE_MODE)
        # one call for a whole line: several processes append to the file
        written = os.write(self._descriptor, line)
        if written < len(line):
            raise OSError(f"only {written} of {len(line)} bytes were written")

    def _is_current(self) -> bool:
        """Whether the file that is open is still the one with this path."""
        if self._descriptor < 0:
            return False
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False


def entry_form(entry: AuditEntry) -> dict[str, Any]:
    """The JSON of an entry: everything that applies."""
    actor = {"kind": entry.actor.kind.value, "id": entry.actor.id, "name": entry.actor.name}
    more = {
        "workspace": entry.workspace,
        "target": entry.target,
        "cause": entry.cause,
        "requestId": entry.request_id,
        "address": entry.address,
        "details": dict(entry.details),
    }
    return {
        "id": entry.id,
        "time": entry.time,
        "actor": {key: value for key, value in actor.items() if value},
        "action": entry.action,
        "result": entry.result.value,
        **{key: value for key, value in more.items() if value},
    }
