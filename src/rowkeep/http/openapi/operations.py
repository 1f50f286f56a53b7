"""Operations: the paths of the OpenAPI document, from the tables of endpoints."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from rowkeep.errors import catalogue as errors
from rowkeep.errors.catalogue import RowkeepError
from rowkeep.errors.files import FileTooLarge
from rowkeep.http import data_samples
from rowkeep.http.data import ADMIN_PREFIX as ADMIN_DATA_PREFIX
from rowkeep.http.data import DATA_ENDPOINTS, DataEndpoint
from rowkeep.http.management.api import ENDPOINTS
from rowkeep.http.management.api import PREFIX as ADMIN_PREFIX
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.media_types import FILE_FORMATS
from rowkeep.http.openapi import parameters
from rowkeep.http.openapi.problems import error_responses
from rowkeep.http.openapi.schemas import schema_of
from rowkeep.http.response_types import AliveResponse, ReadyResponse, ref
from rowkeep.http.workspace_data import WORKSPACE_ENDPOINTS
from rowkeep.model.users import Need
from rowkeep.settings import Settings

DATA, ADMIN_DATA = "Data API", "Rows for administrators and users"
MANAGEMENT, SERVER = "Management API", "Server"

EVERY_REQUEST = (
    errors.MalformedRequest,
    errors.RequestTimeout,
    errors.UriTooLong,
    errors.HeadersTooLarge,
    errors.Busy,
    errors.ShuttingDown,
)
"""Errors that every request can get, for any path: the connection returns them, not the endpoint."""

EVERY_CALL = (
    *EVERY_REQUEST,
    errors.InvalidBody,
    errors.InvalidParameter,
    errors.Unauthenticated,
    errors.MethodNotAllowed,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.InternalError,
    errors.ProcessingTimeout,
    errors.StorageUnavailable,
    errors.StorageMissing,
    errors.StorageFull,
    errors.StorageReadOnly,
)
"""Errors that every endpoint of the APIs can return."""

WITH_A_BODY = (
    errors.MalformedJson,
    errors.InvalidCompression,
    errors.RepeatedKey,
    errors.UnknownKey,
    errors.InvalidValue,
)
WITH_A_KEY = (errors.IdempotencyInProgress, errors.IdempotencyKeyReused)
WITH_A_CURSOR = (errors.InvalidCursor,)
WITH_A_NAME = (errors.NoSuchEndpoint,)
"""An additional error of endpoints with a name in their path: a slash in the name makes it a different
path."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint, as the OpenAPI document describes it."""

    path: str
    method: str
    name: str
    tag: str
    summary: str
    description: str = ""
    security: list[dict[str, list[str]]] = []
    parameters: list[dict[str, Any]] = []
    body: type | None = None
    body_is_optional: bool = False
    takes_file: bool = False
    can_be_unchanged: bool = False
    """Whether the response has no content if the client knows it already (304)."""
    status: int = 200
    responses: tuple[Any, ...] = ()
    """The types of the responses; empty for a response without content."""
    partial_responses: tuple[Any, ...] = ()
    """The type of the response if some of the rows are not stored (207)."""
    stream_bodies: dict[str, str] = {}
    """Samples of streams, by media type, if the body can be one."""
    request_samples: dict[str, Any] = {}
    response_samples: dict[str, Any] = {}
    """Samples by title."""
    media_type: str = "application/json"
    files: tuple[str, ...] = ()
    """Media types of the response as a file, if it can be one."""
    streams: dict[str, str] = {}
    """Samples of the response as a stream of all rows, by media type, if it can be one."""
    headers: dict[str, Any] = {}
    errors: tuple[type[RowkeepError], ...] = ()


def all_operations(settings: Settings) -> list[Operation]:
    """All endpoints of the server."""
    return [
        *(_data_operation(call, settings) for call in DATA_ENDPOINTS),
        *(_admin_data_operation(call, settings) for call in (*DATA_ENDPOINTS, *WORKSPACE_ENDPOINTS)),
        *map(_admin_operation, ENDPOINTS),
        *_server_operations(),
    ]


def _data_operation(call: DataEndpoint, settings: Settings) -> Operation:
    needs = " and ".join(f"`{right.value}`" for right in call.rights)
    given = parameters.path_parameters(call.path)
    if call.is_paged:
        given += parameters.row_page_parameters(settings)
    given += parameters.feed_parameters(call.parameters, has_events=call.has_events)
    if call.takes_streams:
        given += parameters.stream_parameters()
    if call.writes:
        given.append(parameters.prefer_parameter())
    if call.changes_rows:
        given.append(parameters.idempotency_key_parameter())
    return Operation(
        path=call.path,
        method=call.method,
        name=call.name,
        tag=DATA,
        summary=call.summary,
        description=f"{call.description} Needs {needs}.".strip() if needs else call.description,
        security=parameters.APP_SECURITY,
        parameters=given,
        body=call.body,
        body_is_optional=call.body_is_optional,
        responses=call.responses,
        partial_responses=call.partial_responses,
        stream_bodies=data_samples.STREAMS if call.takes_streams else {},
        request_samples=data_samples.REQUESTS.get(call.name, {}),
        response_samples=data_samples.RESPONSES[call.name],
        streams=data_samples.STREAMED_RESPONSES.get(call.name, {}),
        headers={
            **(parameters.preference_applied() if call.writes else {}),
            **(parameters.write_headers() if call.changes_rows else {}),
            **parameters.rate_limit_headers(),
        },
        errors=(
            *EVERY_CALL,
            errors.RateLimited,
            *(WITH_A_BODY if call.body else ()),
            *(WITH_A_NAME if "{" in call.path else ()),
            *((errors.Forbidden,) if call.rights else ()),
            *(WITH_A_KEY if call.changes_rows else ()),
            *call.errors,
        ),
    )


def _admin_data_operation(call: DataEndpoint, settings: Settings) -> Operation:
    """The same endpoint for administrators, who have all rights, and for users by their rights."""
    same = _data_operation(call, settings)
    has_workspace = call.path == call.admin_path
    return msgspec.structs.replace(
        same,
        path=call.admin_path,
        name=call.admin_name,
        tag=ADMIN_DATA,
        description=call.description,
        files=tuple(FILE_FORMATS) if call.is_paged else (),
        security=parameters.ADMIN_SECURITY,
        parameters=[
            *([] if has_workspace else parameters.path_parameters(ADMIN_DATA_PREFIX)),
            *same.parameters,
        ],
        # only apps have rate limits
        headers={name: each for name, each in same.headers.items() if name not in parameters.RATE_HEADERS},
        errors=(
            *(each for each in same.errors if each is not errors.RateLimited),
            errors.NoSuchWorkspace,
            *((FileTooLarge,) if call.is_paged else ()),
            *(() if call.method == "GET" else (errors.CrossOrigin,)),
            *(each for each in WITH_A_NAME if each not in same.errors),
        ),
    )


def _admin_operation(endpoint: Endpoint) -> Operation:
    given = parameters.path_parameters(endpoint.path)
    is_open = endpoint.need is Need.NOTHING
    return Operation(
        path=ADMIN_PREFIX + endpoint.path,
        method=endpoint.method,
        name=endpoint.name,
        tag=MANAGEMENT,
        summary=endpoint.summary,
        security=parameters.security_of(endpoint.need),
        parameters=[
            *given,
            *(parameters.list_page_parameters() if endpoint.is_list else []),
            *parameters.flag_parameters(endpoint.flags),
            *parameters.text_parameters(endpoint.texts),
            *([parameters.expected_tag_parameter()] if endpoint.takes_tag else []),
            *([parameters.known_tag_parameter()] if endpoint.gives_tag else []),
        ],
        body=endpoint.body,
        takes_file=endpoint.takes_file,
        can_be_unchanged=endpoint.gives_tag,
        media_type=endpoint.download or "application/json",
        status=endpoint.status,
        responses=tuple(each for each in (endpoint.response, endpoint.other_response) if each is not None),
        request_samples=endpoint.request_samples,
        response_samples=endpoint.response_samples,
        headers=parameters.response_headers(endpoint),
        errors=(
            *(each for each in EVERY_CALL if not is_open or each is not errors.Unauthenticated),
            *(WITH_A_BODY if endpoint.body else ()),
            *(() if is_open else (errors.Forbidden,)),
            *(() if endpoint.method == "GET" else (errors.CrossOrigin,)),
            *(WITH_A_CURSOR if endpoint.is_list else ()),
            *(WITH_A_NAME if given else ()),
            *endpoint.errors,
        ),
    )


_ALIVE = {"Alive": {"status": "alive"}}
_READY = {
    "Ready": {
        "status": "ready",
        "tasks": {
            "missing databases": "ok",
            "expired keys": "ok",
            "rate windows": "ok",
            "used tokens": "ok",
            "history": "ok",
            "history order": "ok",
            "retention": "ok",
            "expired sessions": "ok",
            "audit log": "ok",
            "activity": "ok",
            "table sizes": "ok",
            "webhooks": "ok",
            "file imports": "ok",
        },
    }
}


def _server_operations() -> list[Operation]:
    """The endpoints that need no token."""
    rows: tuple[tuple[str, str, str, Any, dict[str, Any], tuple[type[RowkeepError], ...]], ...] = (
        ("/healthz", "getHealth", "Check that the process is running", AliveResponse, _ALIVE, ()),
        (
            "/readyz",
            "getReadiness",
            "Check that the store is available",
            ReadyResponse,
            _READY,
            (
                errors.StorageUnavailable,
                errors.StorageMissing,
                errors.StorageFull,
                errors.StorageReadOnly,
                errors.NotReady,
            ),
        ),
        ("/openapi.json", "getDescription", "Get this OpenAPI document", dict[str, Any], {}, ()),
        ("/docs", "getDocs", "Get this documentation as a page", str, {}, ()),
    )
    return [
        Operation(
            path=path,
            method="GET",
            name=name,
            tag=SERVER,
            summary=summary,
            responses=(response,),
            response_samples=samples,
            media_type="text/html" if response is str else "application/json",
            errors=(*EVERY_REQUEST, errors.MethodNotAllowed, *refusals),
        )
        for path, name, summary, response, samples, refusals in rows
    ]


def paths(operations: list[Operation]) -> dict[str, Any]:
    """The paths of the document."""
    found: dict[str, Any] = {}
    for operation in operations:
        found.setdefault(operation.path, {})[operation.method.lower()] = _operation_object(operation)
    return found


def _operation_object(operation: Operation) -> dict[str, Any]:
    result: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": operation.security,
    }
    if operation.description:
        result["description"] = operation.description
    if operation.parameters:
        result["parameters"] = operation.parameters
    if operation.body is not None:
        result["requestBody"] = {
            "required": not operation.body_is_optional,
            "content": {
                "application/json": {
                    "schema": ref(operation.body.__name__),
                    "examples": _examples(operation.request_samples),
                },
                **{kind: _text(sample) for kind, sample in operation.stream_bodies.items()},
            },
        }
    if operation.takes_file:
        content = {"schema": {"type": "string", "format": "binary"}}
        result["requestBody"] = {"required": True, "content": {"application/octet-stream": content}}
    result["responses"] = {
        str(operation.status): _success(operation),
        **_partial_success(operation),
        **_unchanged(operation),
        **error_responses(operation.errors),
    }
    return result


def _success(operation: Operation) -> dict[str, Any]:
    description = HTTPStatus(operation.status).phrase
    if not operation.responses:
        return {"description": description} | ({"headers": operation.headers} if operation.headers else {})
    schemas = [schema_of(kind) for kind in operation.responses]
    content: dict[str, Any] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
    if operation.response_samples:
        content["examples"] = _examples(operation.response_samples)
    streamed = {name: _text(sample) for name, sample in operation.streams.items()}
    binary = {"schema": {"type": "string", "format": "binary"}, "examples": _examples({"File": "PK…"})}
    files = dict.fromkeys(operation.files, binary)
    answer = {"description": description, "content": {operation.media_type: content, **streamed, **files}}
    return answer | ({"headers": operation.headers} if operation.headers else {})


def _partial_success(operation: Operation) -> dict[str, Any]:
    kinds = operation.partial_responses
    if not kinds:
        return {}
    samples: dict[str, Any] = {}
    for kind in kinds:
        samples |= data_samples.PARTIAL_RESPONSES[kind.__name__]
    schema = {"anyOf": [schema_of(kind) for kind in kinds]}
    content = {operation.media_type: {"schema": schema, "examples": _examples(samples)}}
    if operation.stream_bodies:
        content["application/x-ndjson"] = _text(data_samples.STREAM_RESPONSE)
    status = HTTPStatus.MULTI_STATUS
    return {
        str(status.value): {"description": status.phrase, "content": content, "headers": operation.headers}
    }


def _unchanged(operation: Operation) -> dict[str, Any]:
    status = HTTPStatus.NOT_MODIFIED
    response = {"description": status.phrase, "headers": operation.headers}
    return {str(status.value): response} if operation.can_be_unchanged else {}


def _text(sample: str) -> dict[str, Any]:
    """Content of lines of text."""
    return {"schema": {"type": "string"}, "examples": _examples({"Lines": sample})}


def _examples(given: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in given.items()}
