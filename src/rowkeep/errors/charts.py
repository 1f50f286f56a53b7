"""Charts: the errors of requests for saved charts."""

from __future__ import annotations

from rowkeep.errors.base import RowkeepError


class NoSuchChart(RowkeepError):
    """The workspace has no chart with this id, or it is another user's private one."""

    code, status, title = "no_such_chart", 404, "No such chart"


class InvalidChart(RowkeepError):
    """The chart cannot be drawn: a column is missing, or it has a type that cannot be used there."""

    code, status, title = "invalid_chart", 422, "Invalid chart"


class TooManyCharts(RowkeepError):
    """The table or view has as many charts as it can have."""

    code, status, title = "too_many_charts", 409, "Too many charts"
