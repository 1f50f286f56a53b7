"""Errors of files: uploads, imports and exports."""

from __future__ import annotations

from rowkeep.errors.base import RowkeepError


class FileTooLarge(RowkeepError):
    """An uploaded file is larger than the setting max_upload_bytes, or the rows do not fit into a file of the
    requested format."""

    code, status, title = "file_too_large", 413, "File too large"


class NoSuchFile(RowkeepError):
    """The user has no uploaded file with this id in the workspace, or it was deleted, or it has no import or
    no rejected rows."""

    code, status, title = "no_such_file", 404, "No such file"


class TooManyUploads(RowkeepError):
    """The user has as many uploaded files as the setting max_uploads allows."""

    code, status, title = "too_many_uploads", 409, "Too many uploads"


class ImportInProgress(RowkeepError):
    """The file is being imported. Wait until the import has ended, or cancel it."""

    code, status, title = "import_in_progress", 409, "Import in progress"


class UnreadableFile(RowkeepError):
    """An uploaded file cannot be read, or not in this way. The message says what to change."""

    code, status, title = "unreadable_file", 422, "Unreadable file"
