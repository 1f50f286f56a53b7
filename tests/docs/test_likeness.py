"""The comparison of pages and sessions lets through what must differ, and nothing else."""

from __future__ import annotations

import pytest
from likeness import Difference, Likeness

ONE, OTHER = "5e7ef67172034b399ace6b03", "6b0266f29e1a5fda0a000000"
EARLY, LATE = "2020-03-28T07:02:09.652Z", "2026-11-22T03:52:18.569Z"


@pytest.fixture
def likeness() -> Likeness:
    return Likeness({"127.0.0.1:8080": "127.0.0.1:20001"})


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ('{"a": 1,\n "b": [true, null]}', '{"a":1,"b":[true,null]}'),
        (f'{{"_id": "{ONE}"}}', f'{{"_id": "{OTHER}"}}'),
        (f'{{"Created_On": "{EARLY}"}}', f'{{"Created_On": "{LATE}"}}'),
        ('{"nextCursor": "abc"}', '{"nextCursor": "xyz0"}'),
        ("listening on http://127.0.0.1:8080\n", "listening on http://127.0.0.1:20001  \n"),
        ("", "\n"),
    ],
)
def test_alike(likeness: Likeness, shown: str, printed: str) -> None:
    likeness.check(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": 1}', '{"a": true}'),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ('{"a": 1}', '{"a": 1, "b": 2}'),
        ("[1]", "[1, 2]"),
        (f'{{"Birthday": "{EARLY}"}}', f'{{"Birthday": "{LATE}"}}'),
        (f'{{"_id": "{ONE}"}}', '{"_id": null}'),
        ('{"msg": "no"}', '{"msg": "yes"}'),
        ('{"a": 1}', "curl: (7) Failed to connect"),
        ("Ada", "Ada, Alan"),
        ("", "Error: no"),
    ],
)
def test_different(likeness: Likeness, shown: str, printed: str) -> None:
    with pytest.raises(Difference):
        likeness.check(shown, printed)


def test_one_id_stands_for_one_id(likeness: Likeness) -> None:
    likeness.check(f'["{ONE}"]', f'["{OTHER}"]')
    assert likeness.meant(f"delete {ONE} at 127.0.0.1:8080") == f"delete {OTHER} at 127.0.0.1:20001"
    with pytest.raises(Difference):
        likeness.check(f'["{ONE}"]', f'["{ONE}"]')
    with pytest.raises(Difference):
        likeness.check('["aaaaaaaaaaaaaaaaaaaaaaaa"]', f'["{OTHER}"]')
