"""Sender: sends each bulk insert exactly once; the journal is updated before and after it."""

from __future__ import annotations

from msgspec import structs

from rowkeep.cli.files.journal import InFlight, Ledger, Standing
from rowkeep.cli.files.lost_responses import Sent, newest, went_in
from rowkeep.cli.files.records import Row
from rowkeep.cli.files.row_runs import recent
from rowkeep.client.data import DataClient
from rowkeep.client.responses import NoResponse, NotServed, RequestRefused


def around(rows: bytes) -> bytes:
    """The body of a bulk insert with these rows."""
    return b'{"data":[' + rows + b"]}"


class Sender:
    """Sends bulk inserts to one table, with one journal."""

    def __init__(self, api: DataClient, table: str, ledger: Ledger) -> None:
        self._api = api
        self._table = table
        self._ledger = ledger

    async def send(self, rows: list[Row], then: Standing) -> None:
        """Insert these rows; then the progress in the journal is ``then``.

        A request that is not served or gets no response is sent again once it is known that it was not
        executed. Raises RequestRefused, Uncertain, and SetupError if the server stays unavailable.
        """
        content = around(b",".join([row.json for row in rows]))
        tries = 0
        while True:
            sent = await self._write_down(rows, then)
            try:
                await self._api.insert(self._table, content)
                break
            except RequestRefused:
                self._ledger.record(structs.replace(self._ledger.progress, in_flight=None))
                raise
            except NotServed as failure:
                tries += 1
                if isinstance(failure, NoResponse) and await went_in(self._api, self._table, sent):
                    break
                await self._api.wait(failure, tries)
        self.settle(then)

    def settle(self, then: Standing) -> None:
        """Store this progress, with no request in flight."""
        self._ledger.record(structs.replace(self._ledger.progress, standing=then, in_flight=None))

    async def _write_down(self, rows: list[Row], then: Standing) -> Sent:
        mark = await newest(self._api, self._table)
        progress = self._ledger.progress
        marks = progress.marks
        if mark is not None and mark not in marks:
            marks = recent([*marks, mark])
        flight = InFlight(
            rows=len(rows),
            first=rows[0].line,
            last=rows[-1].line,
            then=then,
            mark=mark,
            sent_on=self._api.server_time,
        )
        self._ledger.record(structs.replace(progress, in_flight=flight, marks=marks))
        return Sent(flight, rows[0].json, rows[-1].json, marks)
