"""The number of arenas of the allocator, which only glibc has."""

from __future__ import annotations

import platform

import pytest

from rowkeep.server.memory_arenas import VARIABLE, share_one_arena


def test_one_arena_unless_the_environment_has_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert share_one_arena() == (platform.libc_ver()[0] == "glibc")
    monkeypatch.setenv(VARIABLE, "4")
    assert not share_one_arena()
