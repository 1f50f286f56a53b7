"""Filters in few words, as all suites write them."""

from __future__ import annotations

from support.expressions import EVERYTHING, all_of, any_of, comparison, negated, where

__all__ = ["EVERYTHING", "all_of", "any_of", "comparison", "negated", "where"]
