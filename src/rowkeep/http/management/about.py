"""About: the endpoints about the installation itself, with the types and samples of what these return."""

from __future__ import annotations

import platform
from typing import Annotated, Any, Literal

from msgspec import Meta

import rowkeep
from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import Count, Moment, ResponseBody
from rowkeep.http.sample_values import WHEN
from rowkeep.services.about import ServerFacts, StorageFacts
from rowkeep.settings import Settings

Since = Annotated[
    Moment | None,
    Meta(description="Since when the key is in use; null if the audit log does not have it any more."),
]


class EngineResponse(ResponseBody):
    name: Literal["sqlite", "postgresql"]
    version: str


class HealthResponse(ResponseBody):
    ready: Annotated[bool, Meta(description="Whether `GET /readyz` is 200.")]
    problems: Annotated[list[str], Meta(description="Why it is not.")]
    tasks: Annotated[
        dict[str, Literal["ok", "failing"]],
        Meta(description="The background tasks of the process: whether the last run of each ended well."),
    ]


class MasterKeyResponse(ResponseBody):
    source: Annotated[Literal["file", "setting"], Meta(description="Where the key is read from.")]
    keys: Annotated[Count, Meta(description="How many keys there are: two while the key is replaced.")]
    since: Since


class SettingResponse(ResponseBody):
    name: str
    value: str | int | float | bool | None
    is_default: bool


class AboutResponse(ResponseBody):
    """The installation, as the process that responds sees it."""

    version: Annotated[str, Meta(description="The version of Rowkeep.")]
    python: str
    engine: EngineResponse
    catalog_bytes: Annotated[Count, Meta(description="The size of the catalog, without the workspaces.")]
    health: HealthResponse
    master_key: MasterKeyResponse
    settings: Annotated[
        list[SettingResponse], Meta(description="All settings. Secrets and passwords are `***`.")
    ]


class DataKeyResponse(ResponseBody):
    """The key that encrypts the secrets and the encrypted columns of a workspace."""

    number: Annotated[int, Meta(ge=1, description="1, plus one for each rotation.")]
    since: Since
    rotating: Annotated[
        bool, Meta(description="Whether a rotation has started and not ended: run it again if none runs.")
    ]


class WorkspaceStorageResponse(ResponseBody):
    bytes: Annotated[Count, Meta(description="The size of the workspace, with indexes and definitions.")]
    data_key: DataKeyResponse


def about_form(facts: ServerFacts) -> dict[str, Any]:
    """The JSON of an installation."""
    problems = [] if facts.fault is None else [problem.msg for problem in facts.fault.problems]
    master = facts.master_key
    return {
        "version": rowkeep.__version__,
        "python": platform.python_version(),
        "engine": {"name": facts.engine, "version": facts.engine_version},
        "catalogBytes": facts.catalog_bytes,
        "health": {"ready": facts.fault is None, "problems": problems, "tasks": facts.tasks},
        "masterKey": {
            "source": "file" if master.in_file else "setting",
            "keys": master.keys,
            "since": master.since,
        },
        "settings": [_setting_form(*each) for each in facts.settings.items()],
    }


_DEFAULTS = Settings()


def _setting_form(name: str, value: object) -> dict[str, Any]:
    return {"name": name, "value": value, "isDefault": value == getattr(_DEFAULTS, name)}


def storage_form(facts: StorageFacts) -> dict[str, Any]:
    """The JSON of the storage of a workspace."""
    key = facts.data_key
    return {
        "bytes": facts.size,
        "dataKey": {"number": key.number, "since": key.since, "rotating": key.is_rotating},
    }


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/about",
        name="getAbout",
        summary="Get the version, engine, health, master key and settings of the installation",
        call=lambda services, _request: services.about.server(),
        form=about_form,
        response=AboutResponse,
        errors=(errors.Forbidden,),
        response_samples={
            "An installation": {
                "version": rowkeep.__version__,
                "python": "3.13.1",
                "engine": {"name": "postgresql", "version": "18.1"},
                "catalogBytes": 483328,
                "health": {"ready": True, "problems": [], "tasks": {"retention": "ok"}},
                "masterKey": {"source": "file", "keys": 1, "since": WHEN},
                "settings": [{"name": "max_connections", "value": 1000, "isDefault": True}],
            }
        },
    ),
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/storage",
        name="getWorkspaceStorage",
        summary="Get the size of a workspace, and the age of its data key",
        call=lambda services, request: services.about.workspace(request.path["workspace"]),
        form=storage_form,
        response=WorkspaceStorageResponse,
        errors=(errors.NoSuchWorkspace, errors.Forbidden),
        response_samples={
            "A workspace": {"bytes": 1212416, "dataKey": {"number": 2, "since": WHEN, "rotating": False}}
        },
    ),
)
