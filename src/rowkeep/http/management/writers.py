"""Writers: the apps, administrators and users that can have written rows; their endpoint, types and
samples."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import (
    NextCursor,
    ResponseBody,
    WriterId,
)
from rowkeep.http.sample_values import WRITER
from rowkeep.model.ids import writer_of
from rowkeep.model.users import Need
from rowkeep.services import writers


class WriterResponse(ResponseBody):
    """An app, administrator or user that may have written rows. Includes deleted ones."""

    id: WriterId
    name: str
    kind: Literal["app", "administrator", "user"]


class WritersResponse(ResponseBody):
    writers: list[WriterResponse]
    next_cursor: NextCursor = UNSET


def writer_form(writer: writers.Writer) -> dict[str, Any]:
    """The JSON of a writer."""
    return {"id": writer_of(writer.key), "name": writer.name, "kind": writer.kind}


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/writers",
        name="listWriters",
        summary="List the writers of rows: the names of the ids in `Created_By` and `Updated_By`",
        need=Need.WORKSPACE,
        call=lambda services, request: services.writers.list(request.path["workspace"], request.list),
        form=list_form("writers", writer_form),
        response=WritersResponse,
        is_list=True,
        errors=(errors.NoSuchWorkspace,),
        response_samples={
            "Writers": {
                "writers": [
                    {
                        "id": "st-2d3b0a0e-6b1c-5f0e-9d57-0d3c6a1f7b11",
                        "name": "deploy",
                        "kind": "administrator",
                    },
                    {"id": WRITER, "name": "helpdesk-bot", "kind": "app"},
                ]
            }
        },
    ),
)
