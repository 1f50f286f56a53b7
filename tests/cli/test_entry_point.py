"""The image's command as in a container: another user, an empty volume, nothing else that can be written to,
and settings only in the environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from as_user import Host

from support import plain
from support.bot import Bot
from support.processes import PATIENT, free_port

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
USER = 10001
"""The user of the image; only root can become another one."""

VOLUME = "/var/lib/rowkeep"
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
TABLE = {"name": "notes", "schemaDef": [{"name": "Text", "type": "string"}]}


def of_image(name: str) -> list[str]:
    """The words of an instruction of the Dockerfile in exec form."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").rpartition("\nFROM ")[2]
    line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
    found: list[str] = json.loads(line[line.index("[") :])
    return found


class Container:
    """A container of the image, as far as there can be one without a container engine."""

    def __init__(self, host: Host, directory: Path, **variables: str) -> None:
        self.host = host
        self.volume = directory / "volume"
        self.port = free_port()
        text = (ROOT / "Dockerfile").read_text()
        assert f"ROWKEEP_DATABASE_URL=sqlite:///{VOLUME}/data" in text
        self.variables = {
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "TMPDIR": str(self.volume),
            "ROWKEEP_HOST": "127.0.0.1",
            "ROWKEEP_PORT": str(self.port),
            "ROWKEEP_DATABASE_URL": f"sqlite:///{self.volume}/data",
            **variables,
        }
        self.ended: list[subprocess.CompletedProcess[str]] = []
        self._thread = threading.Thread(target=self._run, args=(of_image("CMD"),))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Run the image's command until it is ready."""
        self._thread.start()
        while not self._is_ready():
            assert not self.ended, self.ended
            time.sleep(0.02)

    def stop(self) -> subprocess.CompletedProcess[str]:
        """Stop it as a container engine does; what it left."""
        for process in self.host.running():
            process.terminate()
        self._thread.join()
        (ended,) = self.ended
        return ended

    def execute(self, *arguments: str) -> str:
        """Run another command in it while it does not run; what it wrote."""
        done = self._become(list(arguments))
        assert done.returncode == 0, done
        return done.stdout

    def is_healthy(self) -> bool:
        """Run the image's health check."""
        _, *arguments = of_image("HEALTHCHECK")
        done = subprocess.run([sys.executable, *arguments], env=self.variables, check=False)
        return done.returncode == 0

    def _run(self, arguments: list[str]) -> None:
        self.ended.append(self._become(arguments))

    def _become(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return self.host.run(
            tuple(arguments),
            self.variables,
            self.volume,
            USER if IS_ROOT else None,
            writable=self.volume if IS_ROOT else None,
        )

    def _is_ready(self) -> bool:
        try:
            return plain.get(self.url + "/readyz").status_code == 200
        except (OSError, httpx.TransportError):
            return False


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Runs commands."""
    made = Host()
    yield made
    made.close()


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where another user than root can get to, with an empty volume and a secret."""
    path = Path(tempfile.mkdtemp(prefix="rowkeep-"))
    path.chmod(0o755)
    (path / "volume").mkdir(mode=0o700)
    secrets = path / "secrets"
    secrets.mkdir(mode=0o755)
    (secrets / "master-key").write_text(KEY + "\n")
    (secrets / "database-url").write_text(f"sqlite:///{path}/volume/data\n")
    for each in secrets.iterdir():
        each.chmod(0o400)
    if IS_ROOT:
        for each in (path / "volume", *secrets.iterdir()):
            os.chown(each, USER, USER)
    secrets.chmod(0o555)
    yield path
    secrets.chmod(0o755)
    shutil.rmtree(path)


def test_a_container(host: Host, directory: Path) -> None:
    secrets = directory / "secrets"
    variables = {
        "ROWKEEP_MASTER_KEY_FILE": str(secrets / "master-key"),
        "ROWKEEP_DATABASE_URL": "sqlite:////nowhere/data",
        "ROWKEEP_DATABASE_URL_FILE": str(secrets / "database-url"),
        "ROWKEEP_WORKERS": "2",
    }
    container = Container(host, directory, **variables)
    assert not container.is_healthy()
    container.start()
    assert container.is_healthy()
    token = (container.volume / "data.admin-token").read_text().strip()
    app = app_of(container.url, token)
    assert app.insert("notes", [{"Text": "a"}, {"Text": "b"}]).status_code == 200
    lines = b'{"Text":"c"}\n' * 1000
    headers = {"content-type": "application/x-ndjson"}
    sent = app.request("POST", "/api/public/tables/notes/bulk", content=lines, headers=headers)
    assert sent.status_code == 200, sent.text
    ended = container.stop()
    assert ended.returncode == 0, ended
    assert "error" not in ended.stderr.lower(), ended.stderr
    again = Container(host, directory, **variables)
    assert "No faults" in again.execute("doctor")
    again.start()
    app.client.close()
    counted = Bot(again.url, app.client_id, app.secret).query("notes", sys_limit=1)
    assert counted.json()["total"] == 1002
    assert again.stop().returncode == 0
    assert sorted(each.name for each in directory.iterdir()) == ["secrets", "volume"]
    assert sorted(each.name for each in secrets.iterdir()) == ["database-url", "master-key"]
    assert {each.name for each in container.volume.iterdir()} == {
        "data",
        "data.admin-token",
        "data.first-user",
    }


def app_of(url: str, token: str) -> Bot:
    """An app with all rights to a new table."""
    headers = {"Authorization": f"Bearer {token}"}
    path = "/workspaces/main"
    with httpx.Client(base_url=url + "/api/v1", headers=headers, timeout=PATIENT, trust_env=False) as admin:
        assert admin.post("/workspaces", json={"name": "main"}).status_code in (201, 409)
        assert admin.post(f"{path}/tables", json=TABLE).status_code == 201
        app = admin.post(f"{path}/apps", json={"name": "bot"}).json()
        rights = {"read": True, "write": True}
        assert admin.put(f"{path}/tables/notes/grants/{app['clientId']}", json=rights).is_success
    return Bot(url, app["clientId"], app["clientSecret"])
