"""Routes: the patterns of all paths, by number, and the metrics of their requests."""

from __future__ import annotations

from rowkeep.metric_cells import Histogram, Number, count_and_observe
from rowkeep.metrics import REGISTRY, SECONDS

STATUSES = (
    200, 201, 202, 204, 207, 303, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 414, 415, 422, 428,
    429, 431, 500, 503, 507,
)  # fmt: skip
OTHER_STATUS = "other"
_status_values = (*map(str, STATUSES), OTHER_STATUS)

OTHER = ("other", "other")
"""The method and route of requests that no route matches, and of the pages for people."""


class Routes:
    """The numbers of the routes, each a method and a path pattern, and what is counted for each."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._names: list[tuple[str, str]] = []
        self._requests: list[dict[int, Number]] = []
        self._others: list[Number] = []
        self._seconds: list[Histogram] = []

    def declare(self, names: list[tuple[str, str]]) -> None:
        """All routes of the application, before the first request."""
        self._names = [OTHER, *names]
        self._numbers = {name: number for number, name in enumerate(self._names)}
        requests = REGISTRY.counters(
            "rowkeep_http_requests",
            "Requests, by method, path pattern and status of the response.",
            ("method", "route", "status"),
            [(*name, status) for name in self._names for status in _status_values],
            is_sparse=True,
        )
        seconds = REGISTRY.histograms(
            "rowkeep_http_request_duration_seconds",
            "The time from the head of a request to the end of its response, by method and path pattern.",
            SECONDS,
            ("method", "route"),
            self._names,
        )
        for name in self._names:
            self._requests.append({status: requests[*name, str(status)] for status in STATUSES})
            self._others.append(requests[*name, OTHER_STATUS])
            self._seconds.append(seconds[name])

    def number(self, method: str, pattern: str) -> int:
        return self._numbers[method, pattern]

    def name(self, number: int) -> tuple[str, str]:
        """The method and the path pattern."""
        return self._names[number]

    def count(self, number: int, status: int, seconds: float) -> None:
        """A response is complete."""
        requests = self._requests[number].get(status) or self._others[number]
        count_and_observe(requests, self._seconds[number], seconds)


ROUTES = Routes()
count_response = ROUTES.count
