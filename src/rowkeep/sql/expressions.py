"""Expressions: the types of parts of statements, for the type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sqlalchemy as sa

Expression: TypeAlias = sa.ColumnElement[Any]

Aggregation: TypeAlias = Callable[[Expression, Expression], Expression]
"""An aggregate of one column; the arguments are the column for comparisons, and the column for responses."""
