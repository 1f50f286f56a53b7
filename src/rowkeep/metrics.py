"""Metrics: what a server counts. The HTTP layer declares those of its routes.

No label has a value that users choose, such as the name of a table: there would be too many series, and
whoever reads metrics would see the names.
"""

from __future__ import annotations

from rowkeep.errors.catalogue import all_errors
from rowkeep.metric_cells import Merge, Registry

REGISTRY = Registry()
"""The metrics of this process."""

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bounds of histograms of durations."""

GROUP_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


def _one(*values: str) -> tuple[tuple[str, ...], ...]:
    return tuple((value,) for value in values)


REQUESTS_IN_PROGRESS = REGISTRY.gauge(
    "rowkeep_http_requests_in_progress", "Requests that are being processed."
)
REQUESTS_CANCELLED = REGISTRY.counter(
    "rowkeep_http_requests_cancelled",
    "Requests that ended before a response: the client disconnected, or a time limit was over.",
)
CONNECTIONS = REGISTRY.gauge("rowkeep_http_connections", "Open connections of clients.")

_errors = REGISTRY.counters(
    "rowkeep_errors", "Responses with an error, by its code.", ("code",),
    _one(*sorted({error.code for error in all_errors()})), is_sparse=True,
)  # fmt: skip

REFUSALS = {
    "unauthenticated": "token",
    "sign_in_failed": "sign_in",
    "forbidden": "grant",
    "cross_origin": "origin",
    "rate_limited": "rate",
    "too_many_sign_ins": "rate",
    "quota_exceeded": "quota",
    "busy": "busy",
    "shutting_down": "busy",
}
"""The reason of a refusal, by the code of its error."""

_refusals = REGISTRY.counters(
    "rowkeep_refusals",
    "Refused requests, by reason: an invalid token, a wrong password (sign_in), a missing grant or right, "
    "another origin, a rate, a quota, or a server that is too busy.",
    ("reason",), _one(*dict.fromkeys(REFUSALS.values())),
)  # fmt: skip

ROWS = {
    key[0]: number
    for key, number in REGISTRY.counters(
        "rowkeep_rows",
        "Rows that requests read, inserted, updated and deleted. A row that an upsert updates is an update.",
        ("operation",), _one("read", "inserted", "updated", "deleted"),
    ).items()
}  # fmt: skip
ROWS_READ, ROWS_INSERTED = ROWS["read"], ROWS["inserted"]
ROWS_UPDATED, ROWS_DELETED = ROWS["updated"], ROWS["deleted"]

RETENTION_DELETED = REGISTRY.counter(
    "rowkeep_retention_deleted_rows", "Rows that the retention of their tables has deleted."
)

WEBHOOK_ATTEMPTS = {
    key[0]: number
    for key, number in REGISTRY.counters(
        "rowkeep_webhook_attempts", "Attempts to deliver messages of webhooks, by their outcome.",
        ("outcome",), _one("delivered", "failed"),
    ).items()
}  # fmt: skip
WEBHOOK_PAUSES = REGISTRY.counter(
    "rowkeep_webhook_pauses", "Webhooks that were paused because their messages could not be delivered."
)

_retries = REGISTRY.counters(
    "rowkeep_retries",
    "Work that was done again: definitions or grants have changed (stale_catalog), a deadlock or another "
    "conflict of transactions, a statement prepared for a former definition (stale_statement), or a group "
    "commit one of whose jobs was stopped (group).",
    ("reason",), _one("stale_catalog", "deadlock", "serialization", "stale_statement", "group"),
)  # fmt: skip

_cache_lookups = REGISTRY.counters(
    "rowkeep_cache_lookups",
    "Look-ups in caches: verified signatures of tokens (tokens), and definitions of tables and views "
    "(definitions).",
    ("cache",), _one("tokens", "definitions"),
)  # fmt: skip
_cache_misses = REGISTRY.counters(
    "rowkeep_cache_misses",
    "Look-ups that did not find what they looked for, so that it was verified or read.",
    ("cache",), _one("tokens", "definitions"),
)  # fmt: skip
TOKEN_LOOKUPS, TOKEN_MISSES = _cache_lookups["tokens",], _cache_misses["tokens",]
DEFINITION_LOOKUPS, DEFINITION_MISSES = _cache_lookups["definitions",], _cache_misses["definitions",]

GROUP_COMMITS = REGISTRY.histograms(
    "rowkeep_sqlite_group_commit_jobs", "The number of writes that one commit on SQLite ended.", GROUP_SIZES
)[()]  # fmt: skip
SQLITE_WRITES = REGISTRY.gauge(
    "rowkeep_sqlite_writes_pending", "Writes on SQLite that wait for their commit or are being committed."
)
SQLITE_READS = REGISTRY.gauge(
    "rowkeep_sqlite_reads_waiting", "Long queries on SQLite that wait for a thread."
)
POOL_SIZE = REGISTRY.gauge(
    "rowkeep_postgres_pool_size", "The maximum number of connections to PostgreSQL, of all workers."
)
POOL_USED = REGISTRY.gauge("rowkeep_postgres_pool_used", "Connections to PostgreSQL that are in use.")
POOL_WAITING = REGISTRY.gauge(
    "rowkeep_postgres_pool_waiting", "Requests that wait for a connection to PostgreSQL."
)
STREAMS = {
    key[0]: number
    for key, number in REGISTRY.gauges(
        "rowkeep_streams", "Streams of rows that are being received (in) and sent (out).",
        ("direction",), _one("in", "out"),
    ).items()
}  # fmt: skip
SLOW_QUERIES = REGISTRY.counter(
    "rowkeep_slow_queries", "Requests for rows that took longer in the database than slow_query_seconds."
)
WORKER_STARTS = REGISTRY.counter(
    "rowkeep_worker_starts", "Starts of worker processes, the first ones included."
)

# what each request counts: Python finds a method of an imported object more slowly than a function
add_in_progress = REQUESTS_IN_PROGRESS.add
count_token_lookup, count_definition_lookup = TOKEN_LOOKUPS.add, DEFINITION_LOOKUPS.add
count_read, count_inserted = ROWS_READ.add, ROWS_INSERTED.add
set_pool_used, add_pool_waiting = POOL_USED.set, POOL_WAITING.add
add_sqlite_writes = SQLITE_WRITES.add

TASKS = (
    "missing databases", "expired keys", "rate windows", "used tokens", "expired sessions", "retention",
    "history", "history order", "audit log", "activity", "table sizes", "file imports", "webhooks",
    "other",
)  # fmt: skip
"""The names of background tasks; any further one counts as ``other``."""

_task_runs = REGISTRY.counters("rowkeep_task_runs", "Runs of background tasks.", ("task",), _one(*TASKS))
_task_failures = REGISTRY.counters(
    "rowkeep_task_failures", "Failed runs of background tasks.", ("task",), _one(*TASKS)
)
_task_last_run = REGISTRY.gauges(
    "rowkeep_task_last_success_timestamp_seconds",
    "When a background task last succeeded, in seconds since 1970; 0 if it never has.",
    ("task",), _one(*TASKS), Merge.MAX,
)  # fmt: skip


def count_error(code: str) -> None:
    """A response with this error is made."""
    number = _errors.get((code,))
    if number is not None:
        number.add()
    reason = REFUSALS.get(code)
    if reason is not None:
        _refusals[reason,].add()


def count_upsert(inserted: int, updated: int) -> None:
    ROWS_INSERTED.add(inserted)
    ROWS_UPDATED.add(updated)


def count_retry(reason: str) -> None:
    _retries[reason,].add()


def count_task(name: str, succeeded_at: float | None) -> None:
    """A background task has ended: when, if it succeeded."""
    key = (name if name in TASKS else "other",)
    _task_runs[key].add()
    if succeeded_at is None:
        _task_failures[key].add()
    else:
        _task_last_run[key].set(succeeded_at)
