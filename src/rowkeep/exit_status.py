"""Exit status: that of a command, and one line on standard error if it failed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from rowkeep.errors.catalogue import RowkeepError, SetupError

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class Failed(Exception):
    """A command failed with a specific exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def end(command: Callable[[], None]) -> int:
    """Run a command; returns its exit status. Unexpected errors are raised."""
    try:
        command()
        print(end="", flush=True)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except Failed as failed:
        return _fail(_with_cause(failed.__cause__ or failed), failed.status)
    except (SetupError, RowkeepError) as error:
        return _fail(_with_cause(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return FAILED
    except OSError as error:
        try:
            print(end="", flush=True)
        except OSError:
            _drop_output()
        return _fail(_of_the_system(error))
    return 0


def _drop_output() -> None:
    """The reader of the pipe is gone, or the disk is full: flushing the rest at exit must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int = FAILED) -> int:
    print("Error:", " ".join(message.split()), file=sys.stderr)
    return status


def _of_the_system(error: OSError) -> str:
    """The message without the number of the error."""
    if error.strerror is None:
        return str(error)
    return f"{error.strerror}." if error.filename is None else f"{error.filename}: {error.strerror}."


def _with_cause(error: BaseException) -> str:
    """The message with its cause, which is omitted in responses to clients."""
    if isinstance(error, RowkeepError) and error.__cause__ is not None:
        return f"{error.msg.rstrip('.')}: {error.__cause__}."
    return str(error)
