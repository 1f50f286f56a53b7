"""Settings: one frozen struct, read once from the environment. Setting ``x`` is the variable
``ROWKEEP_X``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated

import msgspec
from msgspec import Meta

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.setting_rules import (
    CHECKS,
    PREFIX,
    SHELL_VARIABLES,
    check_size,
    content_of,
    type_rule,
    without_secrets,
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. Names contain units; the docs are generated from this class."""

    database_url: Annotated[
        str,
        Meta(
            description="The store: `sqlite:///DIRECTORY` (three slashes: relative, four: absolute) or "
            "`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`."
        ),
    ] = "sqlite:///rowkeep-data"
    database_url_file: Annotated[
        str | None,
        Meta(
            description="A file with the value of `database_url`, such as a secret of a container. "
            "Overrides `database_url`."
        ),
    ] = None
    master_key: Annotated[
        str | None,
        Meta(description="The master key: base64url of 32 bytes. Overrides `master_key_file`."),
    ] = None
    master_key_file: Annotated[
        str | None,
        Meta(
            description="The file with the master key. By default next to a SQLite directory, with its name "
            "and `.key`; on PostgreSQL `rowkeep.key`. It is written (mode 0600) when an empty "
            "store is initialised."
        ),
    ] = None
    host: Annotated[str, Meta(description="The address that `rowkeep serve` listens on.")] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(ge=0, le=65535, description="The port that `rowkeep serve` listens on; 0 selects a free port."),
    ] = 8080
    workers: Annotated[
        int,
        Meta(ge=0, le=256, description="The number of worker processes; 0: the number of cores, at most 4."),
    ] = 0
    max_body_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            description="The maximum size of a request body, except that of a stream; larger ones are 413.",
        ),
    ] = 64 * 1024 * 1024
    max_buffered_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            description="The maximum total size of the request bodies that one process holds at a time. A "
            "request beyond it waits, then is 503.",
        ),
    ] = 512 * 1024 * 1024
    max_row_bytes: Annotated[
        int,
        Meta(
            ge=2 * 1024 * 1024,
            description="The maximum size of one row of an insert or a stream, as sent, and of the body of a "
            "query, update, delete or batch; larger ones are 413. Each is decoded in one step, and other "
            "requests wait meanwhile.",
        ),
    ] = 8 * 1024 * 1024
    min_free_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="With less free space than this on the device of the SQLite files, /readyz is 503 "
            "storage_full. Requests are served as long as there is space.",
        ),
    ] = 16 * 1024 * 1024
    max_request_line_bytes: Annotated[
        int,
        Meta(
            ge=256,
            description="The maximum size of a request line (method, URL, version); longer ones are 414.",
        ),
    ] = 16 * 1024
    max_header_bytes: Annotated[
        int,
        Meta(
            ge=256,
            description="The maximum size of the head of a request (request line and headers); larger ones "
            "are 431.",
        ),
    ] = 64 * 1024
    max_header_count: Annotated[
        int, Meta(ge=1, description="The maximum number of headers of a request; more are 431.")
    ] = 100
    max_pipelined_requests: Annotated[
        int,
        Meta(
            ge=1,
            description="The maximum number of requests of one connection that wait for an earlier one. A "
            "client that sends more is disconnected.",
        ),
    ] = 8
    max_connections: Annotated[
        int,
        Meta(
            ge=1,
            description="The maximum number of open connections of one process. A new connection beyond it "
            "replaces one that waits for a request; if none does, it is 503.",
        ),
    ] = 1_000
    header_timeout_seconds: Annotated[
        float,
        Meta(
            gt=0, le=3600, description="The time limit for the head of a request to arrive; then it is 408."
        ),
    ] = 10.0
    body_timeout_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="The time limit without any progress of a request body, also of a stream; then the "
            "request is 408.",
        ),
    ] = 20.0
    idle_timeout_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="The time limit for a connection to wait for its next request; then it is closed.",
        ),
    ] = 30.0
    write_timeout_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="The time limit for a client to read no part of a response; then the connection is "
            "closed.",
        ),
    ] = 20.0
    max_request_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="The time limit for a whole request; then it is cancelled with 503. It does not "
            "apply to changes through the management API and to streams of rows.",
        ),
    ] = 300.0
    stop_grace_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="How long running requests can continue after a stop is requested; then they are "
            "cancelled with 503. A service manager must wait 10 seconds longer before it kills the server.",
        ),
    ] = 10.0
    max_rows_per_table: Annotated[
        int,
        Meta(
            ge=0,
            description="The maximum number of rows of each table; an insert beyond it is 409. 0: no limit. "
            "Up to 10,000 it is exact; with a higher one, several processes can exceed it by what they "
            "insert within fifty times the duration of a count of the rows.",
        ),
    ] = 0
    max_workspace_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="The size at which a workspace accepts no more inserts and updates (409), with its "
            "indexes and its definitions. 0: no limit. It is measured before a write, so the last writes can "
            "exceed it.",
        ),
    ] = 0
    max_query_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="The time limit for a query, update or delete in the database; then it is cancelled "
            "with 503.",
        ),
    ] = 30.0
    max_response_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            description="The approximate maximum size of the records in a response. Beyond it, a query "
            "returns a shorter page with `hasMore`, and an update returns counts without records.",
        ),
    ] = 64 * 1024 * 1024
    max_bulk_cells: Annotated[
        int,
        Meta(
            ge=1,
            description="The maximum number of cells (rows × columns of the table) of one insert; more are "
            "422.",
        ),
    ] = 5_000_000
    max_bulk_errors: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="The maximum number of errors of one bulk with mode `partial`; with more, nothing is "
            "stored, and the response is 422. A stream continues, and its response lists so many.",
        ),
    ] = 100_000
    max_streams: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000,
            description="The maximum number of streams of rows that one process receives at a time; more are "
            "503. Each takes some ten megabytes of memory.",
        ),
    ] = 4
    stream_directory: Annotated[
        str,
        Meta(
            description="The directory of the temporary files that hold the rows of an atomic stream until "
            "it has arrived completely. By default that of the store on SQLite, and that of the system for "
            "temporary files on PostgreSQL."
        ),
    ] = ""
    max_upload_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="The maximum size of a file that is uploaded for an import; larger ones are 413. 0: "
            "no files can be uploaded.",
        ),
    ] = 1024 * 1024 * 1024
    max_uploads: Annotated[
        int,
        Meta(ge=1, le=10_000, description="The maximum number of uploaded files of each user; more are 409."),
    ] = 50
    upload_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=8_760,
            description="How long an uploaded file and the result of its import are stored after their last "
            "change. The file itself is deleted when its import has finished.",
        ),
    ] = 24
    upload_directory: Annotated[
        str,
        Meta(
            description="The directory of uploaded files. By default `uploads` in the directory of the store "
            "on SQLite, and a private one in that of the system for temporary files on PostgreSQL. Servers "
            "on several machines must share it."
        ),
    ] = ""
    max_file_memory_bytes: Annotated[
        int,
        Meta(
            ge=256 * 1024 * 1024,
            description="The maximum memory of the process that reads an uploaded file. Excel files need "
            "the most: some ten times their unpacked size. Commands that read a file allow 4 GiB, or this if "
            "it is more.",
        ),
    ] = 1024 * 1024 * 1024
    max_json_depth: Annotated[
        int,
        Meta(
            ge=16,
            le=256,
            description="The maximum nesting depth of arrays and objects in a JSON value, a filter or a "
            "definition; deeper ones are 400.",
        ),
    ] = 100
    max_page_size: Annotated[
        int, Meta(ge=1, le=100_000, description="The maximum `sys_limit` of a query; a larger one is 400.")
    ] = 1_000
    max_change_readers: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="The maximum number of requests of one process that wait for changes of tables, or "
            "follow them; more are 503. Each takes one of `max_connections`.",
        ),
    ] = 500
    change_poll_seconds: Annotated[
        float,
        Meta(
            ge=0.05,
            le=60,
            description="How often a process with requests that wait for changes looks for those that other "
            "processes have written, once for each workspace. Its own changes are delivered at once.",
        ),
    ] = 1.0
    max_streamed_queries: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="The maximum number of streamed queries of one process at a time; more are 503. On "
            "PostgreSQL each has a connection of its own, in addition to `postgres_connections`.",
        ),
    ] = 8
    max_streamed_query_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="The time limit for a streamed query; then its connection is closed. Until then the "
            "database stores what the stream can still read: on SQLite the write-ahead log grows meanwhile.",
        ),
    ] = 3600.0
    min_compressed_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Responses of at least this size, and all streams, are compressed if the client "
            "accepts it; 0: no response is compressed.",
        ),
    ] = 2048
    max_returned_records: Annotated[
        int,
        Meta(
            ge=0,
            description="An update or upsert of more rows than this returns only counts, without records.",
        ),
    ] = 10_000
    max_filter_expressions: Annotated[
        int, Meta(ge=1, le=500, description="The maximum number of conditions in one filter.")
    ] = 200
    busy_timeout_seconds: Annotated[
        float,
        Meta(gt=0, le=600, description="The time limit for a request to wait for the store; then it is 503."),
    ] = 10.0
    idempotency_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=8_760,
            description="How long an `Idempotency-Key` and its response are stored. Afterwards the key can "
            "be used again.",
        ),
    ] = 24
    sqlite_readers: Annotated[
        int,
        Meta(ge=1, le=64, description="The number of threads for long queries of one workspace, on SQLite."),
    ] = 2
    sqlite_open_workspaces: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="The maximum number of workspaces that one process holds open, on SQLite. Beyond it, "
            "the least recently used ones are closed and opened again when needed.",
        ),
    ] = 1_024
    postgres_connections: Annotated[
        int,
        Meta(ge=1, le=1000, description="The maximum number of connections of one process to PostgreSQL."),
    ] = 10
    postgres_workspace_connections: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="The maximum number of these connections that one workspace can use at a time; the "
            "rest is for other workspaces.",
        ),
    ] = 6
    cors_origins: Annotated[
        str,
        Meta(
            description="The origins of web pages that can use the Data API in a browser (CORS), separated "
            "by commas, such as `https://app.example,http://localhost:3000`; `*` for all. By "
            "default CORS is off."
        ),
    ] = ""
    root_path: Annotated[
        str,
        Meta(
            description="The path prefix under which a proxy serves Rowkeep, such as `/rowkeep`; the "
            "proxy may remove the prefix from paths or leave it."
        ),
    ] = ""
    public_url: Annotated[
        str,
        Meta(
            description="The URL at which people open Rowkeep, such as `https://data.example`, without "
            "`root_path`. Needed only if a proxy changes the header `Host`, and for OpenID Connect."
        ),
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(
            description="The addresses and networks of the proxies in front of Rowkeep, separated by commas. "
            "Only from them, `X-Forwarded-For` is the address of the client and `X-Forwarded-Proto` its "
            "scheme; `none` for nobody."
        ),
    ] = "127.0.0.1,::1"
    tls_certificate_file: Annotated[
        str,
        Meta(
            description="The PEM file with the certificate chain; with it, the server serves HTTPS itself. "
            "It is loaded again when it changes."
        ),
    ] = ""
    tls_key_file: Annotated[
        str,
        Meta(
            description="The PEM file with the key of the certificate, without a password. By default it is "
            "in `tls_certificate_file`."
        ),
    ] = ""
    audit_log_path: Annotated[
        str,
        Meta(
            description="The file to which the server and the commands append the audit log as JSON lines "
            "(mode 0600), or `none`. By default the server writes them to standard output."
        ),
    ] = ""
    audit_days: Annotated[
        int,
        Meta(
            ge=1,
            le=36_500,
            description="How long entries of the audit log are stored in the catalog. The file is not "
            "changed.",
        ),
    ] = 365
    session_hours: Annotated[
        int,
        Meta(ge=1, le=8_760, description="How long users stay signed in."),
    ] = 168
    openid_issuer: Annotated[
        str,
        Meta(
            description="The issuer of an OpenID Connect provider, such as `https://accounts.example`, at "
            "which people can sign in. Needs `openid_client_id` and `public_url`."
        ),
    ] = ""
    openid_client_id: Annotated[
        str, Meta(description="The client id of Rowkeep at the OpenID Connect provider.")
    ] = ""
    openid_client_secret: Annotated[
        str | None, Meta(description="The client secret of Rowkeep there, if the provider gave one.")
    ] = None
    openid_client_secret_file: Annotated[
        str | None,
        Meta(
            description="A file with the value of `openid_client_secret`. Overrides `openid_client_secret`."
        ),
    ] = None
    openid_domains: Annotated[
        str,
        Meta(
            description="The domains of e-mail addresses with which people can sign in at the provider, "
            "separated by commas; empty for all."
        ),
    ] = ""
    openid_creates_users: Annotated[
        bool,
        Meta(
            description="Whether somebody who signs in at the provider, and is not a user yet, becomes one, "
            "without any rights."
        ),
    ] = False
    server_timing: Annotated[
        bool,
        Meta(
            description="Whether responses have the header `Server-Timing`: the milliseconds "
            "of authentication, planning, database and encoding."
        ),
    ] = False
    access_log: Annotated[
        bool,
        Meta(
            description="Whether each request is logged: method, path without its query string, route, "
            "status, seconds, address, app and request id."
        ),
    ] = False
    slow_query_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Requests for rows that take longer than this in the database are logged: the shape "
            "of the statement without values, and the database's plan of a query. 0: none.",
        ),
    ] = 0.0
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="A port on which `/metrics` needs no token, and nothing else is served. 0: none; on "
            "`port`, `/metrics` needs an admin token.",
        ),
    ] = 0
    metrics_host: Annotated[str, Meta(description="The address of `metrics_port`.")] = "127.0.0.1"
    tracing: Annotated[
        bool,
        Meta(
            description="Whether traces of requests are sent by OpenTelemetry, to the address in its "
            "variables such as `OTEL_EXPORTER_OTLP_ENDPOINT`. Needs the extra `otel`."
        ),
    ] = False
    token_leeway_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=300,
            description="The tolerance for `exp`, `nbf` and `iat` of a token, for clocks that differ.",
        ),
    ] = 30
    max_token_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=31_536_000,
            description="The maximum time until `exp` of a token of an app with `requireJti`; a token that "
            "ends later is 401. The `jti` of used tokens are stored so long.",
        ),
    ] = 3_600
    rate_limit: Annotated[
        str,
        Meta(
            description="How many requests each app may send to each table, such as "
            "`600/minute;18000/hour`, in moving windows; more are 429. An app can have another limit "
            "(`rateLimit`). By default there is none."
        ),
    ] = ""
    rate_limit_storage: Annotated[
        str,
        Meta(
            description="Where requests are counted: `memory` (each process for itself), `database` (the "
            "catalog) or the URL of a Redis or Valkey server, such as `redis://127.0.0.1:6379/0`. By default "
            "`memory` with one worker process, `database` with several."
        ),
    ] = ""
    webhook_allow_private: Annotated[
        bool, Meta(description="Whether webhooks may send to addresses that are not public, as 10.0.0.7.")
    ] = False
    webhook_delivery_days: Annotated[
        int, Meta(ge=1, le=365, description="How many days delivered messages of webhooks are stored.")
    ] = 7
    log_level: Annotated[
        str,
        Meta(
            pattern="^(debug|info|warning|error)$",
            description="The lowest level that is logged: debug, info, warning or error.",
        ),
    ] = "info"

    def shown(self) -> dict[str, object]:
        """All settings, without the master key, the client secret and the passwords of URLs."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        secret = [name for name in ("master_key", "openid_client_secret") if shown[name] is not None]
        shown |= dict.fromkeys(secret, "***")
        shown |= {
            name: without_secrets(getattr(self, name)) for name in ("database_url", "rate_limit_storage")
        }
        return shown

    def __repr__(self) -> str:
        """Omits secrets."""
        shown = self.shown()
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read all settings.

        Raises SetupError, with the name of the variable, for an unknown ``ROWKEEP_…`` variable or an invalid
        value.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX) and name not in SHELL_VARIABLES and value != ""
        }
        for name in IN_FILES:
            if f"{name}_file" in given:
                given[name] = content_of(given[f"{name}_file"], f"{name}_file")
        for name in given:
            if name not in cls.__struct_fields__:
                raise SetupError(
                    f"Unknown setting {PREFIX}{name.upper()}. See docs/settings.md for all settings."
                )
        values = {}
        for setting in setting_fields(cls):
            if setting.name in given:
                try:
                    values[setting.name] = msgspec.convert(given[setting.name], setting.type, strict=False)
                except msgspec.ValidationError:
                    raise SetupError(
                        f"{PREFIX}{setting.name.upper()} must be {type_rule(setting.type)}; "
                        f"got {preview(given[setting.name])}."
                    ) from None
                check_size(setting.name, values[setting.name])
        for name, check in CHECKS.items():
            if name in values:
                check(values[name])
        settings = cls(**values)
        if settings.openid_issuer and not (settings.openid_client_id and settings.public_url):
            raise SetupError(
                f"{PREFIX}OPENID_ISSUER needs {PREFIX}OPENID_CLIENT_ID and {PREFIX}PUBLIC_URL. Set all three."
            )
        if settings.metrics_port and settings.metrics_port == settings.port:
            raise SetupError(
                f"{PREFIX}METRICS_PORT must be another port than {PREFIX}PORT; got {settings.port} for both."
            )
        if settings.tls_key_file and not settings.tls_certificate_file:
            raise SetupError(f"{PREFIX}TLS_KEY_FILE needs {PREFIX}TLS_CERTIFICATE_FILE. Set both.")
        return settings


@cache
def setting_fields(kind: type[Settings] = Settings) -> tuple[msgspec.structs.FieldInfo, ...]:
    """All settings, with their types and defaults. To evaluate the types takes longer than many a command."""
    return msgspec.structs.fields(kind)


IN_FILES = ("database_url", "openid_client_secret")
"""The settings whose value can be in a file, which the setting with the suffix ``_file`` names."""
