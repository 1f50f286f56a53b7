"""Sending: one bulk, written down before it goes and after it went in, and never sent twice."""

from __future__ import annotations

from msgspec import structs

from rowkeep.cli.files.journal import InFlight, Ledger, Standing
from rowkeep.cli.files.lost_responses import Sent, newest, went_in
from rowkeep.cli.files.records import Row
from rowkeep.cli.files.row_runs import recent
from rowkeep.client.data import DataClient
from rowkeep.client.responses import NoResponse, NotServed, RequestRefused


def around(rows: bytes) -> bytes:
    """The body of a bulk with these rows."""
    return b'{"data":[' + rows + b"]}"


class Sender:
    """Sends bulks into one table, for one ledger."""

    def __init__(self, api: DataClient, table: str, ledger: Ledger) -> None:
        self._api = api
        self._table = table
        self._ledger = ledger

    async def send(self, rows: list[Row], then: Standing) -> None:
        """Write these rows; then the ledger says ``then``.

        Where a request is not served or not answered it is sent again, once it is known not to be in. Raises
        RequestRefused, Uncertain, and SetupError where the server stays away.
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
        """Things stand so now, and nothing is in flight."""
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
