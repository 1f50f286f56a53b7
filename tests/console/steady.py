"""Steady pages: times, ids and addresses in the responses of the server are replaced, so that a page looks
the same each time."""

from __future__ import annotations

import datetime
import re

from playwright.sync_api import BrowserContext, Route

NOW = datetime.datetime(2026, 11, 28, 9, 30, tzinfo=datetime.UTC)
"""The time that the browser has."""
STORED = NOW - datetime.timedelta(minutes=24)
"""When the server seems to have stored everything."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
MEASURED = re.compile(r'("(?:catalogBytes|durationMs)": ?)\d+')
ID = re.compile(r"(?<!fi-)(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBERED = "5e7ef67172034b39ac{:06x}"
DAY = datetime.timedelta(days=1)


class Steady:
    """Replaces what differs from one run to the next in responses, and back in requests. Times since ``self``
    was made are one time; those in the future are so many days later."""

    def __init__(self) -> None:
        self._since = datetime.datetime.now(datetime.UTC)
        self._shown: dict[str, str] = {}
        self._real: dict[str, str] = {}

    def show(self, real: str, shown: str) -> None:
        """Show this text in the place of another one."""
        self._shown[real] = shown
        self._real[shown] = real

    def begin(self, context: BrowserContext) -> None:
        context.clock.set_fixed_time(NOW)
        context.route("**/api/v1/**", self._pass)

    def _pass(self, route: Route) -> None:
        request = route.request
        sent = request.post_data_buffer
        if sent is None and request.method == "POST":
            route.continue_()  # a file, which cannot be read here; so the ids of files stay
            return
        response = route.fetch(
            url=self._back(request.url),
            post_data=self._back(sent.decode("latin-1")).encode("latin-1") if sent else None,
        )
        body = response.body()
        if "json" in response.headers.get("content-type", ""):
            body = self._replaced(body.decode()).encode()
        route.fulfill(response=response, body=body)

    def _back(self, text: str) -> str:
        for shown, real in self._real.items():
            text = text.replace(shown, real)
        return text

    def _replaced(self, text: str) -> str:
        for real, shown in self._shown.items():
            text = text.replace(real, shown)
        return ID.sub(self._number, MEASURED.sub(self._measured, TIME.sub(self._time, text)))

    @staticmethod
    def _measured(found: re.Match[str]) -> str:
        return found[1] + ("9" if "Ms" in found[1] else "237568")

    def _time(self, found: re.Match[str]) -> str:
        passed = datetime.datetime.fromisoformat(found[0]) - self._since
        if passed < datetime.timedelta(0):
            return found[0]
        return f"{STORED + DAY * round(passed / DAY):%Y-%m-%dT%H:%M:%S.000Z}"

    def _number(self, found: re.Match[str]) -> str:
        if found[0] not in self._shown and found[0] not in self._real:
            self.show(found[0], NUMBERED.format(len(self._shown) + 1))
        return self._shown.get(found[0], found[0])
