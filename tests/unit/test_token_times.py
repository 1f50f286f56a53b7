"""Times in tokens: from when and until when a token is valid, to the second and with a leeway."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rowkeep.errors.catalogue import Unauthenticated
from rowkeep.services.tokens import Claims, check_times

NOW = 1_585_378_929
LEEWAY_SECONDS = 30


def now() -> datetime:
    return datetime.fromtimestamp(NOW, UTC)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": NOW + 1},
        {"exp": NOW},
        {"exp": NOW - LEEWAY_SECONDS + 1},
        {"exp": NOW - LEEWAY_SECONDS + 0.001},
        {"exp": 1e308},
        {"nbf": NOW},
        {"nbf": NOW + LEEWAY_SECONDS},
        {"iat": NOW + LEEWAY_SECONDS},
        {"iat": 0},
        {"iat": -1e308},
        {"iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 10},
    ],
    ids=str,
)
def test_valid(claims: dict[str, float]) -> None:
    check_times(Claims("cs-1", **claims), now, LEEWAY_SECONDS)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - LEEWAY_SECONDS},
        {"exp": NOW - LEEWAY_SECONDS - 1},
        {"exp": 0},
        {"exp": -1},
        {"nbf": NOW + LEEWAY_SECONDS + 1},
        {"nbf": NOW + LEEWAY_SECONDS + 0.001},
        {"iat": NOW + LEEWAY_SECONDS + 1},
        {"iat": 1e308},
        {"iat": NOW - 10, "nbf": NOW + 60, "exp": NOW + 70},
        {"iat": NOW - 70, "nbf": NOW - 70, "exp": NOW - 60},
    ],
    ids=str,
)
def test_not_valid(claims: dict[str, float]) -> None:
    with pytest.raises(Unauthenticated):
        check_times(Claims("cs-1", **claims), now, LEEWAY_SECONDS)
