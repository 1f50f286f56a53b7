"""Bounds: how many rows an update or delete may affect."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from rowkeep.errors.catalogue import AffectedOutOfBounds, InvalidBody, Problem
from rowkeep.model.access import App
from rowkeep.model.data_requests import DeleteBody, UpdateBody


class Bounds(Struct, frozen=True):
    """The minimum and maximum number of rows; ``app_maximum`` is the maximum of the app."""

    minimum: int = 0
    maximum: int | None = None
    app_maximum: int | None = None

    def include(self, count: int) -> bool:
        """Whether so many rows may be affected."""
        return (
            count >= self.minimum
            and (self.maximum is None or count <= self.maximum)
            and (self.app_maximum is None or count <= self.app_maximum)
        )

    def need_undo(self, most: int | None) -> bool:
        """Whether a write of ``most`` rows at most (None: of any number) may affect rows that must be
        restored, because they are too few or too many."""
        is_too_few = self.minimum > 1 and (most is None or most > 0)
        maximum = min((each for each in (self.maximum, self.app_maximum) if each is not None), default=None)
        return is_too_few or (maximum is not None and (most is None or most > maximum))

    def check(self, count: int) -> None:
        """Raises AffectedOutOfBounds if so many rows may not be affected."""
        if self.include(count):
            return
        where: str | None = None
        if count < self.minimum:
            rule, where = f"minAffected is {self.minimum}", "/minAffected"
        elif self.maximum is not None and count > self.maximum:
            rule, where = f"maxAffected is {self.maximum}", "/maxAffected"
        else:
            rule = f"the app may affect at most {self.app_maximum} in one request"
        rows = "1 row" if count == 1 else f"{count} rows"
        msg = f"The filter matches {rows}, but {rule}. Nothing was written."
        problem = Problem(msg, AffectedOutOfBounds.code, where, {"nMatched": count})
        raise AffectedOutOfBounds(msg, problems=[problem])


UNBOUNDED = Bounds()


def plan_bounds(body: UpdateBody | DeleteBody, app: App | None) -> Bounds:
    """The bounds of a request and of its app (None for an administrator). Raises InvalidBody if no number is
    within those of the request."""
    maximum = None if app is None else app.max_affected
    if body.min_affected is UNSET and body.max_affected is UNSET and maximum is None:
        return UNBOUNDED
    bounds = Bounds(_given(body.min_affected) or 0, _given(body.max_affected), maximum)
    if bounds.maximum is not None and bounds.minimum > bounds.maximum:
        raise InvalidBody(
            f"minAffected must not be larger than maxAffected ({bounds.maximum}); got {bounds.minimum}.",
            pointer="/minAffected",
        )
    return bounds


def _given(count: int | UnsetType) -> int | None:
    return None if isinstance(count, UnsetType) else count
