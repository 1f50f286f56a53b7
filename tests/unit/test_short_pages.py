"""Short pages: when the statement for short pages of a lookup is used."""

from __future__ import annotations

from rowkeep.sql.pages import SKIPPED_PAGES, ShortPages


def test_after_a_long_page_the_next_ones_are_not_expected_to_be_short() -> None:
    short = ShortPages()
    assert [short.tries_next() for _ in range(20)] == [True] * 20
    for _ in range(2):
        short.was_long()
        assert [short.tries_next() for _ in range(SKIPPED_PAGES + 2)] == [False] * SKIPPED_PAGES + [True] * 2
