"""Settings are shown in errors and debuggers: without what must not be seen."""

from __future__ import annotations

import pytest

from rowkeep.settings import Settings

SECRETS = ("hunter2", "c2VjcmV0")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://rowkeep:hunter2@db.example/rowkeep",
        "postgresql://rowkeep:hunter2@db.example:5432/rowkeep?sslmode=require",
        "postgresql://rowkeep:hun@hunter2@db.example/rowkeep",
        "postgresql://rowkeep:hunter2/@db.example/rowkeep",
        "postgresql:///rowkeep?user=rowkeep&password=hunter2&host=/run",
        "postgresql:///rowkeep?PASSWORD=hunter2",
    ],
)
def test_settings_do_not_show_secrets(url: str) -> None:
    settings = Settings(database_url=url, master_key="c2VjcmV0", port=8123)
    for shown in (repr(settings), str(settings), f"{settings}", repr([settings])):
        assert not [secret for secret in SECRETS if secret in shown]
        assert "port=8123" in shown


def test_what_is_no_secret_is_shown() -> None:
    assert "database_url='sqlite:///rowkeep-data'" in repr(Settings())
    assert "@db.example/rowkeep" in repr(Settings(database_url="postgresql://a:b@db.example/rowkeep"))
