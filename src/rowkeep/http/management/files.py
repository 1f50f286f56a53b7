"""Files: uploaded files and their imports; their endpoints, with the types and samples of what these
return."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from rowkeep.errors import catalogue as errors
from rowkeep.errors import files as file_errors
from rowkeep.http.file_responses import Download
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest, Text
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import ResponseBody
from rowkeep.http.sample_values import WHEN
from rowkeep.model.file_requests import FileReading, ImportBody
from rowkeep.model.users import Need
from rowkeep.services.file_imports.files import FileAndImport


class ImportResponse(ResponseBody):
    """An import. `done` of `total` says how much of the file was read, in a unit that depends on its format.
    `step` says what is being done. After `failed` and `cancelled`, rows that were imported before are in the
    table, except in mode `atomic`."""

    table: str
    mode: Literal["partial", "atomic"]
    dry_run: bool
    status: Literal["queued", "running", "finished", "failed", "cancelled"]
    started_on: str
    ended_on: str | None
    step: str
    done: int
    total: int | None
    n_inserted: int
    n_updated: int
    n_ignored: int
    n_rejected: int
    resumed: int
    message: str


class FileResponse(ResponseBody):
    """An uploaded file. `isStored` is false after its import has finished: then only the result is stored."""

    id: str
    name: str
    size: int
    format: str | None
    uploaded_on: str
    is_stored: bool
    import_: ImportResponse | None = msgspec.field(name="import")


class FilesResponse(ResponseBody):
    files: list[FileResponse]


class DetectedResponse(ResponseBody):
    """How a file is read. What a format does not have is missing."""

    format: str
    compression: str | msgspec.UnsetType = msgspec.UNSET
    encoding: str | msgspec.UnsetType = msgspec.UNSET
    delimiter: str | msgspec.UnsetType = msgspec.UNSET
    sheet: str | msgspec.UnsetType = msgspec.UNSET
    header_line: int | msgspec.UnsetType = msgspec.UNSET
    notes: list[str] | msgspec.UnsetType = msgspec.UNSET


class FileColumnResponse(ResponseBody):
    """A column of a file. `label` identifies it in an import, `proposed` is a name for it in a table."""

    label: str
    name: str
    proposed: str


class InspectedResponse(ResponseBody):
    """The start of a file: the first rows, by the labels of columns, as texts of at most 200 characters, and
    a definition for a new table. If not all rows were looked at, it has types only."""

    detected: DetectedResponse
    sheets: list[str]
    columns: list[FileColumnResponse]
    rows: list[dict[str, str | None]]
    rows_seen: int
    is_whole: bool
    n_unreadable: int
    unreadable: list[str]
    definition: dict[str, Any]
    date_formats: list[str]
    notes: list[str]


def file_form(found: FileAndImport) -> dict[str, Any]:
    """The JSON of a file."""
    file = found.file
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "format": file.format,
        "uploadedOn": file.uploaded_on,
        "isStored": found.is_stored,
        "import": None if found.state is None else msgspec.to_builtins(found.state),
    }


async def _rejects(services: Any, request: ManagementRequest) -> Download:
    name, content = await services.files.rejects(*_of(request))
    return Download(name, b"application/x-ndjson", content)


def _of(request: ManagementRequest) -> tuple[Any, str, str]:
    return request.actor, request.path["workspace"], request.path["file"]


_FILE = f"{WORKSPACE}/files/{{file}}"
_ID = "fi-5f0e9d573c6a1f7b112d3b0a"
_UPLOADED = {
    "id": _ID, "name": "people.csv", "size": 48213, "format": "csv", "uploadedOn": WHEN, "isStored": True,
    "import": None,
}  # fmt: skip
_IMPORT = {
    "table": "people", "mode": "partial", "dryRun": False, "status": "running", "startedOn": WHEN,
    "endedOn": None, "step": "reading", "done": 20480, "total": 48213, "nInserted": 512, "nUpdated": 0,
    "nIgnored": 0, "nRejected": 3, "resumed": 0, "message": "",
}  # fmt: skip
_IMPORTING = {**_UPLOADED, "import": _IMPORT}
_INSPECTED = {
    "detected": {"format": "csv", "encoding": "utf-8", "delimiter": ",", "headerLine": 1},
    "sheets": [],
    "columns": [{"label": "#1", "name": "First Name", "proposed": "First_Name"}],
    "rows": [{"#1": "Jane"}],
    "rowsSeen": 1,
    "isWhole": True,
    "nUnreadable": 0,
    "unreadable": [],
    "definition": {
        "name": "people",
        "schemaDef": [{"name": "First_Name", "type": "string", "isRequired": True, "maxLength": 16}],
    },
    "dateFormats": [],
    "notes": [],
}
_missing = (errors.NoSuchWorkspace, file_errors.NoSuchFile)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST", path=f"{WORKSPACE}/files", name="uploadFile", action="file.upload",
        summary="Upload a file of rows, to be imported",
        need=Need.WORKSPACE, takes_file=True,
        call=lambda services, request: services.files.upload(
            request.actor, request.path["workspace"], request.texts["name"], request.body
        ),
        form=file_form, response=FileResponse, status=201,
        texts=(Text("name", "The name of the file; its suffix says the format", {"type": "string"}),),
        errors=(
            errors.NoSuchWorkspace, file_errors.TooManyUploads, file_errors.FileTooLarge,
            file_errors.UnreadableFile, errors.InvalidCompression,
        ),
        response_samples={"Uploaded": _UPLOADED},
    ),
    Endpoint(
        method="GET", path=f"{WORKSPACE}/files", name="listFiles",
        summary="List the files that the caller has uploaded, with their imports",
        need=Need.WORKSPACE,
        call=lambda services, request: services.files.list(request.actor, request.path["workspace"]),
        form=lambda files: {"files": [file_form(each) for each in files]}, response=FilesResponse,
        errors=(errors.NoSuchWorkspace,), response_samples={"Files": {"files": [_IMPORTING]}},
    ),
    Endpoint(
        method="GET", path=_FILE, name="getFile", summary="Get an uploaded file, with its import",
        need=Need.WORKSPACE,
        call=lambda services, request: services.files.find(*_of(request)),
        form=file_form, response=FileResponse, errors=_missing,
        response_samples={"A file that is being imported": _IMPORTING},
    ),
    Endpoint(
        method="DELETE", path=_FILE, name="deleteFile", action="file.delete",
        summary="Delete an uploaded file and the result of its import; imported rows stay",
        need=Need.WORKSPACE,
        call=lambda services, request: services.files.delete(*_of(request)),
        status=204, errors=(*_missing, file_errors.ImportInProgress),
    ),
    Endpoint(
        method="POST", path=f"{_FILE}/inspect", name="inspectFile",
        summary="Look at the start of a file: how it is read, its columns and rows, and a table for it",
        need=Need.WORKSPACE,
        call=lambda services, request: services.files.inspect(*_of(request), request.body),
        form=msgspec.to_builtins, body=FileReading, response=InspectedResponse,
        errors=(*_missing, file_errors.UnreadableFile),
        request_samples={"As detected": {}, "Another delimiter": {"delimiter": ";", "decimal": ","}},
        response_samples={"A file": _INSPECTED},
    ),
    Endpoint(
        method="POST", path=f"{_FILE}/import", name="importFile", action="rows.import",
        summary="Import a file into a table, in the background",
        need=Need.WORKSPACE,
        call=lambda services, request: services.files.start(*_of(request), request.body),
        form=file_form, body=ImportBody, response=FileResponse, status=202,
        errors=(
            *_missing, errors.NoSuchTable, errors.NameTaken, file_errors.ImportInProgress,
            file_errors.UnreadableFile,
        ),
        request_samples={
            "Good rows": {"table": "people", "columns": [{"label": "#1", "column": "First_Name"}]},
            "Insert or update": {"table": "people", "onConflict": "update", "key": ["Number"]},
            "Only a check": {"table": "people", "dryRun": True},
            "Only a check, of a table that does not exist yet": {
                "table": "visitors", "dryRun": True,
                "newTable": {"name": "visitors", "schemaDef": [{"name": "First_Name", "type": "string"}]},
            },
        },
        response_samples={"Started": _IMPORTING},
    ),
    Endpoint(
        method="POST", path=f"{_FILE}/cancel", name="cancelImport", action="rows.import.cancel",
        summary="Cancel the import of a file; rows that are imported already stay",
        need=Need.WORKSPACE,
        call=lambda services, request: services.files.cancel(*_of(request)),
        form=file_form, response=FileResponse, errors=_missing,
        response_samples={"Soon cancelled": _IMPORTING},
    ),
    Endpoint(
        method="GET", path=f"{_FILE}/rejects", name="getRejects",
        summary="Get the rejected rows of an import with their errors, as NDJSON",
        need=Need.WORKSPACE, call=_rejects, response=str, download="application/x-ndjson", errors=_missing,
        response_samples={
            "Rejected rows": '{"line":2,"row":{"Age":"x"},"errors":[{"msg":"Column Age must be a whole '
            'number; got \\"x\\".","code":"invalid_value","pointer":"/Age"}]}\n'
        },
    ),
)  # fmt: skip
