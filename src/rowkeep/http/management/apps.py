"""Apps and their grants: their endpoints, with the types and samples of what these return."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.management.grants import GRANT_SAMPLE, VIEW_GRANT_SAMPLE, GrantsResponse, grants_form
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import (
    ClientId,
    Moment,
    NextCursor,
    ResponseBody,
)
from rowkeep.http.sample_values import CLIENT_ID, WHEN
from rowkeep.model import access
from rowkeep.model.access import Algorithm
from rowkeep.model.data_requests import RowCount
from rowkeep.model.management_requests import AppBody, AppPatch
from rowkeep.model.users import Need
from rowkeep.services.apps import AppWithSecret


class AppResponse(ResponseBody):
    name: str
    client_id: ClientId
    algorithm: Algorithm
    public_key: Annotated[
        str | None, Meta(description="The public key in PEM; null for an app that has a secret.")
    ]
    enabled: bool
    max_affected: Annotated[
        RowCount | None,
        Meta(description="The maximum number of rows that one update or delete may affect; null for any."),
    ]
    allow_all: Annotated[
        bool, Meta(description='Whether the app may use `{"all": true}` in updates and deletes.')
    ]
    rate_limit: Annotated[
        str | None,
        Meta(
            description="How many requests the app may send to each table, such as `600/minute;18000/hour`; "
            "`none` for any number; null for the setting `rate_limit`."
        ),
    ]
    require_jti: Annotated[
        bool, Meta(description="Whether tokens need `jti` and `exp`, and each is valid for one request.")
    ]
    audience: Annotated[str | None, Meta(description="What must be in `aud` of tokens; null for anything.")]
    require_jwe: Annotated[bool, Meta(description="Whether tokens must be encrypted with the `jweKey`.")]
    created_on: Moment


class ChangedAppResponse(AppResponse):
    """An app, with its secret and its JWE key if they are new."""

    client_secret: Annotated[str | UnsetType, Meta(description="Shown only in this response.")] = UNSET
    jwe_key: Annotated[
        str | UnsetType,
        Meta(description="The key for encrypted tokens: base64url of 32 bytes. Shown only in this response."),
    ] = UNSET


class AppsResponse(ResponseBody):
    apps: list[AppResponse]
    next_cursor: NextCursor = UNSET


APP_SAMPLE = {
    "name": "helpdesk-bot",
    "clientId": CLIENT_ID,
    "algorithm": "HS256",
    "publicKey": None,
    "enabled": True,
    "maxAffected": None,
    "allowAll": True,
    "rateLimit": None,
    "requireJti": False,
    "audience": None,
    "requireJwe": False,
    "createdOn": WHEN,
}
_JWE_KEY = "Zk5a0VwqcyN2h4v1dT8m6bJx9uE3rQpLsGoYfA7iKtM"
_NEW_APP_SAMPLE = APP_SAMPLE | {"clientSecret": "kX0n3dq0V5mJm2h2c0u3rj8nq0nFQ0mQm8m4yZJq1aE"}


def app_form(app: access.App) -> dict[str, Any]:
    """The JSON of an app, without its secret."""
    return {
        "name": app.name,
        "clientId": app.client_id,
        "algorithm": Algorithm(app.algorithm).value,
        "publicKey": app.public_key,
        "enabled": app.enabled,
        "maxAffected": app.max_affected,
        "allowAll": app.allow_all,
        "rateLimit": app.rate_limit,
        "requireJti": app.require_jti,
        "audience": app.audience,
        "requireJwe": app.jwe_key is not None,
        "createdOn": app.created_on,
    }


def new_app_form(changed: AppWithSecret) -> dict[str, Any]:
    """The JSON of an app, with its secret and its JWE key if they are new."""
    once = {"clientSecret": changed.secret, "jweKey": changed.jwe_key}
    return app_form(changed.app) | {name: value for name, value in once.items() if value is not None}


_APP = f"{WORKSPACE}/apps/{{clientId}}"
_no_app = (errors.NoSuchWorkspace, errors.NoSuchApp)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/apps",
        name="listApps",
        summary="List the apps of a workspace",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.list(request.path["workspace"], request.list),
        form=list_form("apps", app_form),
        response=AppsResponse,
        is_list=True,
        errors=(errors.NoSuchWorkspace,),
        response_samples={"Apps": {"apps": [APP_SAMPLE]}},
    ),
    Endpoint(
        method="POST",
        path=f"{WORKSPACE}/apps",
        name="createApp",
        action="app.create",
        summary="Create an app; its secret is shown only in this response",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.create(request.path["workspace"], request.body),
        body=AppBody,
        form=new_app_form,
        response=ChangedAppResponse,
        status=201,
        errors=(errors.NoSuchWorkspace, errors.InvalidName, errors.NameTaken),
        request_samples={
            "With a secret": {"name": "helpdesk-bot"},
            "With limits and hardened tokens": {
                "name": "partner-bot",
                "rateLimit": "600/minute;18000/hour",
                "requireJti": True,
                "audience": "rowkeep",
                "requireJwe": True,
            },
            "With the credentials of another system": {
                "name": "moved-bot",
                "clientId": CLIENT_ID,
                "clientSecret": "c2VjcmV0IG9mIGFuIGFwcCBmcm9tIGVsc2V3aGVyZQ",
            },
        },
        response_samples={"An app": _NEW_APP_SAMPLE},
    ),
    Endpoint(
        method="GET",
        path=_APP,
        name="getApp",
        summary="Get an app",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.get(request.path["workspace"], request.path["clientId"]),
        form=app_form,
        response=AppResponse,
        errors=_no_app,
        response_samples={"An app": APP_SAMPLE},
    ),
    Endpoint(
        method="PATCH",
        path=_APP,
        name="changeApp",
        action="app.change",
        summary="Rename, enable or disable an app, or change its limits, algorithm or public key",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.change(
            request.path["workspace"], request.path["clientId"], request.body
        ),
        body=AppPatch,
        form=new_app_form,
        response=ChangedAppResponse,
        errors=(*_no_app, errors.InvalidName, errors.NameTaken),
        request_samples={
            "Disable": {"enabled": False},
            "Rename": {"name": "front-desk-bot"},
            "Limit updates and deletes": {"maxAffected": 100, "allowAll": False},
            "Limit requests": {"rateLimit": "600/minute;18000/hour"},
            "Encrypted tokens": {"requireJwe": True},
            "Another algorithm": {"algorithm": "HS512"},
        },
        response_samples={"An app": APP_SAMPLE | {"enabled": False}},
    ),
    Endpoint(
        method="DELETE",
        path=_APP,
        name="deleteApp",
        action="app.delete",
        summary="Delete an app and its grants",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.delete(
            request.path["workspace"], request.path["clientId"]
        ),
        status=204,
        errors=_no_app,
    ),
    Endpoint(
        method="POST",
        path=f"{_APP}/secret",
        name="rotateSecret",
        action="app.secret.rotate",
        summary="Replace the secret of an app, with immediate effect",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.rotate_secret(
            request.path["workspace"], request.path["clientId"]
        ),
        form=new_app_form,
        response=ChangedAppResponse,
        errors=(*_no_app, errors.InvalidBody),
        response_samples={"An app": _NEW_APP_SAMPLE},
    ),
    Endpoint(
        method="POST",
        path=f"{_APP}/jwe-key",
        name="rotateJweKey",
        action="app.jwe-key.rotate",
        summary="Replace the JWE key of an app, with immediate effect",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.rotate_jwe_key(
            request.path["workspace"], request.path["clientId"]
        ),
        form=new_app_form,
        response=ChangedAppResponse,
        errors=(*_no_app, errors.InvalidBody),
        response_samples={"An app": APP_SAMPLE | {"requireJwe": True, "jweKey": _JWE_KEY}},
    ),
    Endpoint(
        method="GET",
        path=f"{_APP}/grants",
        name="listAppGrants",
        summary="List the grants of an app",
        need=Need.MANAGER,
        call=lambda services, request: services.apps.grants(
            request.path["workspace"], request.path["clientId"]
        ),
        form=grants_form,
        response=GrantsResponse,
        errors=_no_app,
        response_samples={"Grants": {"grants": [VIEW_GRANT_SAMPLE, GRANT_SAMPLE]}},
    ),
)
