"""Settings in files, such as the secrets of a container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rowkeep.errors.catalogue import SetupError
from rowkeep.setting_rules import MAX_FILE_BYTES
from rowkeep.settings import IN_FILES, Settings


@pytest.mark.parametrize("name", IN_FILES)
def test_a_file_overrides_the_value(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql://rowkeep:hunter2@db/rowkeep\n")
    variable = f"ROWKEEP_{name.upper()}"
    settings = Settings.from_environment({variable: "sqlite:///data", f"{variable}_FILE": str(file)})
    assert getattr(settings, name) == "postgresql://rowkeep:hunter2@db/rowkeep"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"\xff", "cannot be read: it is not valid UTF-8."),
        (b"a\0" * MAX_FILE_BYTES, "is larger than 64 KiB. It must contain only the value."),
        (b" \n", "is empty. It must contain only the value."),
    ],
)
def test_a_file_without_a_value(content: bytes | None, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SetupError) as refused:
        Settings.from_environment({"ROWKEEP_DATABASE_URL_FILE": str(file)})
    assert str(refused.value) == f"ROWKEEP_DATABASE_URL_FILE: The file {json.dumps(str(file))} {reason}"
