"""Rate windows: scripts over the requests that rate limits count in the catalog."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from rowkeep.model.moving_windows import MovingWindow
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import statement, template
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Steps

_counts_decoder = msgspec.json.Decoder(list[list[int]])


class RateWindows:
    """The scripts of one catalog."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._windows = windows = catalog_tables(namespace).rate_windows
        given = {each.name: sa.bindparam(f"window_{each.name}", type_=each.type) for each in windows.c}
        insert = dialect.upsert(windows).values(given)
        self._open = template(
            insert.on_conflict_do_update(
                index_elements=["key"], set_={"expires": insert.excluded.expires}
            ).returning(windows.c.counts),
            dialect,
        )
        self._store = template(
            sa.update(windows).values(counts=given["counts"]).where(windows.c.key == given["key"]), dialect
        )

    def take(
        self, key: str, now: int, limit: int, length: int, amount: int
    ) -> Steps[tuple[bool, MovingWindow]]:
        """Count requests in a window, unless there would be too many; and the window as it is then. Times are
        in milliseconds. All processes count together: the first statement locks the window."""
        expires = (now + 2 * length) // 1000
        rows = yield self._open.bind({"window_key": key, "window_counts": "[]", "window_expires": expires})
        window = MovingWindow(_counts_decoder.decode(rows[0][0]))
        is_taken = window.take(now, limit, length, amount)
        if is_taken:
            counts = msgspec.json.encode(list(window.counts)).decode()
            yield self._store.bind({"window_key": key, "window_counts": counts})
        return is_taken, window

    def has_expired(self, now: int) -> Steps[bool]:
        """Whether there is something to delete. The time is in seconds."""
        windows = self._windows
        found = sa.select(windows.c.key).where(windows.c.expires <= now).limit(1)
        return bool((yield statement(found, self._dialect)))

    def delete_expired(self, now: int, limit: int) -> Steps[None]:
        """Delete some windows in which nothing is counted any more."""
        windows = self._windows
        some = sa.select(windows.c.key).where(windows.c.expires <= now).limit(limit)
        gone = sa.delete(windows).where(windows.c.expires <= now, windows.c.key.in_(some))
        yield statement(gone, self._dialect)
