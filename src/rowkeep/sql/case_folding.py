"""Folding: the body of PostgreSQL's function that folds case by Rowkeep's own table.

``translate`` with the whole table compares each character with all 1,428 that fold. So the function first
finds which of them a text contains, with one regular expression, and then replaces only these: texts in
natural languages contain few. If a text contains very many of them, ``translate`` replaces the rest.
"""

from __future__ import annotations

from collections.abc import Iterable

from rowkeep.model.values.case_folding import folding_table

MAX_PASSES = 32
"""The limit of characters that are replaced one by one. Each takes one pass over the text, so for more of
them one pass for all is cheaper."""


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
    """These characters as a character class of a regular expression. None of them is special in a class: all
    are beyond ASCII."""
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"{chr(low)}-{chr(high)}" if low < high else chr(low) for low, high in ranges)
