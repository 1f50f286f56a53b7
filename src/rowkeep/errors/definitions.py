"""The errors of definitions that several people change."""

from __future__ import annotations

from rowkeep.errors.base import RowkeepError


class DefinitionChanged(RowkeepError):
    """The definition no longer has the ETag that the request expects in If-Match. Nothing was changed."""

    code, status, title = "definition_changed", 412, "Definition changed"
