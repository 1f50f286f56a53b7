"""Audit: what the entries of the audit log have, and all actions that they can name."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from enum import Enum, StrEnum
from typing import Any

import msgspec

from rowkeep.model.users import Actor


class ActorKind(StrEnum):
    """What caused an entry."""

    ADMIN_TOKEN = "admin-token"  # noqa: S105 - a kind
    USER = "user"
    APP = "app"
    COMMAND = "command"
    SERVER = "server"
    UNKNOWN = "unknown"


class AuditActor(msgspec.Struct, frozen=True):
    """Who did it. The id is that of an admin token or a user, the client id of an app, or the user of the
    operating system who ran a command; the name is a label, an e-mail address or the command."""

    kind: ActorKind
    id: str = ""
    name: str = ""


NOBODY = AuditActor(ActorKind.UNKNOWN)
SERVER = AuditActor(ActorKind.SERVER)


class Outcome(StrEnum):
    """How it ended. ``started`` remains only if the change was cut off: it may have been made, or not."""

    STARTED = "started"
    SUCCESS = "success"
    FAILED = "failed"
    REFUSED = "refused"


class AuditEntry(msgspec.Struct, frozen=True):
    """One entry. An empty text means that it does not apply."""

    id: str
    time: str
    actor: AuditActor
    action: str
    result: Outcome
    workspace: str = ""
    target: str = ""
    cause: str = ""
    """The code of the error, or why a token was refused."""
    request_id: str = ""
    address: str = ""
    details: Mapping[str, Any] = {}
    """Values of the request that are neither secret nor from rows."""


class AuditFilter(msgspec.Struct, frozen=True):
    """Which entries a list has; times are in canonical form. An empty text does not restrict it."""

    since: str = ""
    until: str = ""
    actor: str = ""
    action: str = ""
    workspace: str = ""


ACTIONS: dict[str, str] = {
    "admin-token.create": "An admin token was created.",
    "admin-token.delete": "An admin token was revoked.",
    "app.change": "An app was changed.",
    "app.create": "An app was created.",
    "app.delete": "An app was deleted.",
    "app.jwe-key.rotate": "An app got a new key for encrypted tokens.",
    "app.secret.rotate": "An app got a new secret.",
    "app.token.sign": "`rowkeep token` or `rowkeep rows` read the secret of an app in the store.",
    "backup.create": "`rowkeep backup` made a backup; the target says whether it has the master key.",
    "chart.change": "A saved chart was changed, shared or made private.",
    "chart.create": "A chart was saved.",
    "chart.delete": "A saved chart was deleted.",
    "copy.discard": "`rowkeep copy --discard` deleted an incomplete copy.",
    "copy.tables": "`rowkeep copy` copied tables into a workspace.",
    "file.delete": "An uploaded file was deleted.",
    "file.upload": "A file was uploaded for an import.",
    "grant.set": "The grant of an app to a table or view was set or removed.",
    "history.erase": "The cells of rows were removed from the history of a table.",
    "key.data.rotate": "`rowkeep keys rotate --data` replaced the data keys of a workspace.",
    "key.master.prepare": "`rowkeep keys rotate --prepare` added a master key to the key file.",
    "key.master.rotate": "`rowkeep keys rotate` replaced the master key.",
    "member.remove": "A user lost the role in a workspace.",
    "member.set": "A user got a role in a workspace.",
    "owner.set": "A table or view got another owner.",
    "request.limited": "A request exceeded a rate limit or a quota.",
    "request.refused": "A request had no valid token or session, or no right to do this.",
    "restore.part": "`rowkeep restore` restored a workspace or a table into this store.",
    "restore.store": "`rowkeep restore` filled this store from a backup.",
    "rows.import": "The import of an uploaded file was started.",
    "rows.import.cancel": "The import of an uploaded file was cancelled.",
    "rows.import.end": "The import of an uploaded file ended; the details are its counts.",
    "rows.expire": "Old rows were deleted by the retention of a table.",
    "rows.undo": "An administrator or user undid changes of rows, which the details choose.",
    "schema.apply": "The definitions of a workspace were replaced.",
    "server.start": "A server was started; the details are its settings other than the defaults.",
    "session.end": "A user signed out, or ended other sessions.",
    "session.first-user": "The first administrator was created with the one-time link.",
    "session.link": "A user signed in with a one-time link.",
    "session.password.change": "A user changed the own password.",
    "session.password.set": "A user set a password with a one-time link.",
    "session.sign-in": "A user signed in with a password.",
    "session.sign-in.openid": "A user signed in at the OpenID Connect provider.",
    "share.remove": "A table or view is no longer shared with a user.",
    "share.set": "A table or view was shared with a user.",
    "store.initialise": "An empty store was initialised.",
    "table.change": "A table was changed.",
    "table.create": "A table was created.",
    "table.delete": "A table was deleted.",
    "user.change": "A user was changed, disabled or enabled.",
    "user.create": "A user was created.",
    "user.delete": "A user was deleted.",
    "user.rename": "A user changed the own name.",
    "user.reset": "A user got a one-time link to set a password, and was signed out.",
    "view.change": "A view was changed.",
    "view.create": "A view was created.",
    "view.delete": "A view was deleted.",
    "webhook.change": "A webhook was changed, enabled, disabled or resumed.",
    "webhook.create": "A webhook was created.",
    "webhook.delete": "A webhook was deleted.",
    "webhook.pause": "The server paused a webhook; the details have the reason.",
    "webhook.redeliver": "A message of a webhook was sent again.",
    "webhook.secret.rotate": "A webhook got a new secret.",
    "webhook.test": "A test message was sent to a webhook.",
    "workspace.create": "A workspace was created.",
    "workspace.delete": "A workspace was deleted.",
}
"""All actions, with their meanings. A name never changes: people and programs search for it."""

COMMAND: ContextVar[str] = ContextVar("command", default="")
"""The command that this process runs, without its arguments."""

SHOWN = frozenset(
    {
        *("name", "email", "admin", "disabled", "enabled", "role", "right", "user", "along"),
        *("read", "write", "delete", "algorithm", "rateLimit", "maxAffected", "allowAll"),
        *("table", "mode", "onConflict", "dryRun"),
        *("requireJti", "audience", "requireJwe", "renamedFrom", "clientId"),
        "resume",
    }
)
"""The keys of request bodies whose values are stored. Others can be secret, large or from rows."""

MAX_TEXT = 300


def shown_details(body: Any) -> dict[str, Any]:
    """What an entry has of a request body: the short values of some keys."""
    if not isinstance(body, msgspec.Struct):
        return {}
    # msgspec.structs.fields also evaluates all types, which takes longer than the request
    names = zip(body.__struct_encode_fields__, body.__struct_fields__, strict=True)
    found = {key: getattr(body, name) for key, name in names if key in SHOWN}
    # a role or a right is an enumeration
    plain = {key: each.value if isinstance(each, Enum) else each for key, each in found.items()}
    return {key: short(each) for key, each in plain.items() if is_short(each)}


def is_short(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def short(value: Any) -> Any:
    """A text is cut, and has only what can be printed."""
    if not isinstance(value, str):
        return value
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in value[:MAX_TEXT])


def actor_of(actor: Actor | None, command: AuditActor | None = None) -> AuditActor:
    """The actor of a request of the management API; ``command`` is set if a command sent it to the local
    store."""
    if actor is None:
        return NOBODY if command is None else command
    if actor.user is not None:
        return AuditActor(ActorKind.USER, actor.user.id, actor.user.email)
    assert actor.admin_token is not None  # noqa: S101 - it is one of both
    if command is not None:
        return command
    return AuditActor(ActorKind.ADMIN_TOKEN, actor.admin_token.id, actor.admin_token.name)
