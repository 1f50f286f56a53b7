"""Shell: one bash for a whole page, so that variables and functions last from block to block."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType

from support.processes import GUARD, kill_tree

END = "\x1e"
"""What stands before the exit status of a command; nobody prints it."""


class Shell:
    """A bash in ``directory``; ``environment`` is all that it inherits."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._commands = 0
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        GUARD.keep(self._bash.pid)

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kill_tree(self._bash.pid)
        self._bash.wait()
        GUARD.release(self._bash.pid)

    def run(self, commands: str) -> tuple[str, int]:
        """Run commands; what they printed, errors included, and the exit status of the last one."""
        return self._ask(f'eval "$(cat {self._saved(commands)})" </dev/null')

    def start(self, commands: str) -> Path:
        """Start commands that go on for as long as the shell; the file that they print to, and END when they
        end."""
        script = self._saved(commands)
        log = script.with_suffix(".log")
        log.touch()
        self._ask(f"(eval \"$(cat {script})\"; printf '{END}') </dev/null >{log} 2>&1 &")
        return log

    def _saved(self, commands: str) -> Path:
        self._commands += 1
        script = self._directory / f".commands-{self._commands}"
        script.write_text(commands)
        return script

    def _ask(self, line: str) -> tuple[str, int]:
        assert self._bash.stdin
        assert self._bash.stdout
        self._bash.stdin.write(f"{line}\nprintf '\\n{END}%d\\n' $?\n")
        self._bash.stdin.flush()
        printed: list[str] = []
        for line_read in self._bash.stdout:
            if line_read.startswith(END):
                return "".join(printed), int(line_read[1:])
            printed.append(line_read)
        raise RuntimeError("the shell has ended:\n" + "".join(printed))
