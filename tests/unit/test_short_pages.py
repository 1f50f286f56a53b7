"""Short pages: when the statement for short pages of a lookup is used."""

from __future__ import annotations

from rowkeep.sql.pages import SKIPPED_PAGES, ShortPages


def test_after_a_long_page_the_next_ones_are_not_expected_to_be_short() -> None:
    short = ShortPages()
    assert [short.tries_next() for _ in range(20)] == [True] * 20
    for _ in range(2):
        short.was_long()
        assert [short.tries_next() for _ in range(SKIPPED_PAGES + 2)] == [False] * SKIPPED_PAGES + [True] * 2


def test_pages_that_were_long_at_the_same_time_each_count() -> None:
    short = ShortPages()
    assert all(short.tries_next() for _ in range(16))
    for _ in range(16):
        short.was_long()
    assert not any(short.tries_next() for _ in range(16 * SKIPPED_PAGES))
    assert short.tries_next()
