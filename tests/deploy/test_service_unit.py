"""The unit for systemd: what it must say, and, where systemd is installed, what systemd finds in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from rowkeep.server.workers import stop_seconds
from rowkeep.settings import Settings

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "rowkeep.service"

HARDENED = {
    "CapabilityBoundingSet": "",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectSystem": "strict",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
}
EXPOSURE = 20
"""At most this, of 100, for `systemd-analyze security`; 20 is "2.0 OK"."""


def sections(text: str) -> dict[str, dict[str, list[str]]]:
    """The directives of each section; each can be there more than once."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found[line.strip("[]")] = defaultdict(list)
        elif line and not line.startswith("#"):
            name, separator, value = line.partition("=")
            assert separator, line
            section[name].append(value)
    return found


def test_what_it_says() -> None:
    found = sections(UNIT.read_text())
    assert found.keys() == {"Unit", "Service", "Install"}
    service = found["Service"]
    assert {name: service[name][-1] for name in HARDENED} == HARDENED
    assert service["User"] not in ([], ["root"])
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged"]
    assert service["Restart"] == ["always"]
    assert int(service["TimeoutStopSec"][0]) > stop_seconds(Settings())
    # SIGTERM is for the server alone, which stops its workers in order
    assert service["KillMode"] == ["mixed"]


def test_its_settings_are_settings_within_its_directories() -> None:
    service = sections(UNIT.read_text())["Service"]
    given = dict(each.split("=", 1) for each in service["Environment"])
    settings = Settings.from_environment(given)
    data, key = (f"/var/lib/{name}/" for name in service["StateDirectory"][0].split())
    assert settings.database_url.startswith(f"sqlite:///{data}")
    assert settings.master_key_file is not None
    assert settings.master_key_file.startswith(key)


def test_what_systemd_finds(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        return  # the other tests are the same on every machine
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/rowkeep/bin/rowkeep", sys.executable))
    done = subprocess.run([program, "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT.name in line]) == (0, [])
    command = [program, "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:]
