"""Folding: the body of PostgreSQL's function that folds case by Rowkeep's own table.

``translate`` with the whole table compares each character with all 1,428 that fold. So the function first
finds which of them the text has, by one regular expression, and then replaces these alone: they are few in
any text of a living language. Of a text with very many of them ``translate`` does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable

from rowkeep.model.values.case_folding import folding_table

MAX_PASSES = 32
"""After so many characters, each of which takes a pass over the text, one pass for all others is cheaper."""


def fold_body() -> str:
    """PL/pgSQL that returns the argument ``t`` folded."""
    table = folding_table()
    source, target = "".join(map(chr, table)), "".join(map(chr, table.values()))
    return f"""
DECLARE
  folded text COLLATE "C" := lower(t COLLATE "C");
  sought text COLLATE "C";
  each_one text COLLATE "C";
BEGIN
  IF octet_length(folded) = char_length(folded) THEN
    RETURN folded;
  END IF;
  sought := regexp_replace(folded, '[^{_ranges(table)}]+', '', 'g');
  FOR pass IN 1..{MAX_PASSES} LOOP
    IF sought = '' THEN
      RETURN folded;
    END IF;
    each_one := left(sought, 1);
    folded := replace(folded, each_one, translate(each_one, '{source}', '{target}'));
    sought := replace(sought, each_one, '');
  END LOOP;
  IF sought = '' THEN
    RETURN folded;
  END IF;
  RETURN translate(folded, '{source}', '{target}');
END
"""


def _ranges(points: Iterable[int]) -> str:
    """These characters as a class of a regular expression has them. None means anything else in one: all are
    beyond ASCII."""
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"{chr(low)}-{chr(high)}" if low < high else chr(low) for low, high in ranges)
