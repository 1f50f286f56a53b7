"""Expressions: what parts of statements are to the type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sqlalchemy as sa

Expression: TypeAlias = sa.ColumnElement[Any]

Aggregation: TypeAlias = Callable[[Expression, Expression], Expression]
"""An aggregate of one column, given the column as it is compared, and as it is answered."""
