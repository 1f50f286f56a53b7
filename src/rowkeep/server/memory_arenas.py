"""Memory arenas: all threads of the server share one arena of glibc's allocator.

By default each thread that allocates gets an arena of its own, up to eight for each core, and what it frees
stays there for it. After some large streams, which several threads worked on, that was a quarter of the
server's memory. Python's threads take turns, so that one arena is enough: large streams need the same CPU
time.
"""

from __future__ import annotations

import ctypes
import os

VARIABLE = "MALLOC_ARENA_MAX"
"""If it is set, glibc itself has read it."""

M_ARENA_MAX = -8
"""As in malloc.h."""


def share_one_arena() -> bool:
    """Returns whether the allocator has such a limit and took it. To be called before threads start."""
    if VARIABLE in os.environ:
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False  # another allocator than glibc's
    return bool(mallopt(M_ARENA_MAX, 1))
