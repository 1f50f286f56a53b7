"""Engines: which tests do not need both."""

from __future__ import annotations

import pytest

ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For tests of what happens before a statement is made: it is the same whatever stores the rows."""
