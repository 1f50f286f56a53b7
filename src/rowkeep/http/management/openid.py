"""OpenID Connect: the endpoints to which a browser goes before and after the provider."""

from __future__ import annotations

from typing import Any

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest, Redirect, Sender, Text
from rowkeep.http.session_cookie import COOKIE, FLOW_COOKIE, set_cookie
from rowkeep.model.users import Need
from rowkeep.services.audit import note_failure
from rowkeep.services.openid import CALLBACK, SECONDS, Callback, FinishedFlow, OpenIdFailed

PATH = CALLBACK.removeprefix("/api/v1").removesuffix("/callback")
CONSOLE, SIGN_IN_PAGE = "/console", "/console/sign-in"


async def _start(services: Any, request: ManagementRequest) -> Redirect:
    try:
        started = await services.openid.start(request.texts["next"])
    except OpenIdFailed as error:
        return _failed(services, error)
    path, secure = _flow_path(services), request.sender.is_secure
    flow = set_cookie(FLOW_COOKIE, started.sealed, SECONDS, path, secure=secure)
    return Redirect(started.url, (flow,))


async def _finish(services: Any, request: ManagementRequest) -> Redirect:
    texts, secure = request.texts, request.sender.is_secure
    callback = Callback(texts["code"], texts["state"], texts["error"], texts["iss"])
    ended = set_cookie(FLOW_COOKIE, "", 0, _flow_path(services), secure=secure)
    try:
        finished = await services.openid.finish(callback, request.sender.flow, request.sender.device)
    except OpenIdFailed as error:
        return _failed(services, error, ended)
    return await _signed_in(services, request.sender, finished, ended)


async def _signed_in(
    services: Any, sender: Sender, finished: FinishedFlow, *cookies: tuple[bytes, bytes]
) -> Redirect:
    """The console, with the cookie of a new session; the former session of the browser ends."""
    done = finished.signed_in
    if sender.session is not None:
        await services.sessions.end(sender.session)
    root_path = services.root_path
    session = set_cookie(COOKIE, done.token, done.seconds, root_path, secure=sender.is_secure)
    return Redirect(root_path + CONSOLE + finished.next, (session, *cookies))


def _failed(services: Any, error: OpenIdFailed, *cookies: tuple[bytes, bytes]) -> Redirect:
    """The page to sign in, which shows the error."""
    note_failure(error.refusal.value)
    return Redirect(f"{services.root_path}{SIGN_IN_PAGE}#error={error.refusal}", cookies)


def _flow_path(services: Any) -> str:
    return str(services.root_path + "/api/v1" + PATH)


def _text(name: str, meaning: str) -> Text:
    return Text(name, meaning, {"type": "string"})


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=PATH,
        name="startOpenId",
        summary="Go to the OpenID Connect provider of the settings, to sign in there",
        need=Need.NOTHING,
        call=_start,
        status=303,
        texts=(_text("next", "The page of the console to open afterwards, such as `/w/main/tables`."),),
        errors=(errors.NoSuchEndpoint,),
    ),
    Endpoint(
        method="GET",
        path=f"{PATH}/callback",
        name="finishOpenId",
        action="session.sign-in.openid",
        stores_entry=True,
        summary="Come back from the provider: start a session, and go to the console",
        need=Need.NOTHING,
        takes_any_parameters=True,
        call=_finish,
        status=303,
        texts=(
            _text("code", "The code of the provider."),
            _text("state", "The state that the sign-in was started with."),
            _text("error", "Why the provider refused."),
            _text("iss", "The issuer (RFC 9207)."),
        ),
        errors=(errors.NoSuchEndpoint,),
    ),
)
