"""Request bodies about users, sessions, members and shares, as msgspec decodes them."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from rowkeep.model.users import Role, SharedRight


class SignInBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    email: str
    password: str


class FirstUserBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The first administrator, with the token of the one-time link."""

    token: str
    email: str
    name: str
    password: str


class NewPasswordBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A password, with the token of the one-time link that allows to set it."""

    token: str
    password: str


class LinkBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    token: str


class PasswordChangeBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    current_password: str
    password: str


class OwnNameBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str


class UserBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A user. Without a password, the response has a one-time link with which the user sets one."""

    email: str
    name: str
    admin: bool = False
    password: str | None = None


class UserPatch(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Missing keys are not changed."""

    email: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    admin: bool | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class MemberBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    role: Role


class ShareBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    right: SharedRight


class OwnerBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The new owner, by id or e-mail address. With ``along``, other tables and views change their owner
    too."""

    user: str
    along: bool = False
