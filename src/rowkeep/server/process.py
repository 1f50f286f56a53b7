"""Serving: one server process on a socket, be it the only one or one of several."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import uvicorn

from rowkeep.errors.catalogue import SetupError, ShuttingDown
from rowkeep.http.app import Application
from rowkeep.logs import configure_logs
from rowkeep.server.connections import Edge
from rowkeep.server.protocol import Protocol
from rowkeep.settings import Settings

BACKLOG = 2048
GRACE_SECONDS = 10
"""How long requests that run may go on when the server is told to stop; then they are cancelled."""

CANCEL_SECONDS = 2
"""How long cancelled requests may take to send that they are."""

TICK_SECONDS = 0.05

GARBAGE_THRESHOLDS = (10_000, 20, 50)
"""How often Python looks for cycles of garbage. A request makes hundreds of objects and hardly ever a cycle,
so the usual 700 objects are looked through again and again for nothing."""

LOADED_LATER = ("uvloop", "uvicorn.lifespan.on", "uvicorn.loops.auto")


def listen(host: str, port: int, *, shares: bool = False) -> socket.socket:
    """A socket that takes connections; they wait until a process serves. Raises SetupError.

    ``shares`` lets :func:`listen_too` add others to its port, but not another server: this one did not agree
    to share when it took the port, and nor would that.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        if shares:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or error
        raise SetupError(f"Cannot listen on port {port} of {host}: {reason}.") from None
    return sock


def listen_too(first: socket.socket) -> socket.socket:
    """Another socket on the port of one that shares it: the system spreads new connections over both."""
    sock = socket.socket(first.family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(first.getsockname())
    sock.listen(BACKLOG)
    return sock


def load_all() -> None:
    """Load what a server process loads only when it starts to serve, so that processes that are forked
    afterwards share it. (What its store needs is loaded by then: it was opened once.)"""
    for module in LOADED_LATER:
        import_module(module)


def serve_here(settings: Settings, sock: socket.socket) -> bool:
    """Serve in this process until told to stop; False if it could not start, which the log then tells."""
    configure_logs(settings.log_level)
    server = make_server(partial(Application, settings), settings)
    try:
        server.run(sockets=[sock])
    except SystemExit as end:
        if end.code == 0:  # told to stop before uvicorn listens to signals
            raise
        return False
    return server.started


def make_server(application: Callable[[], Any], settings: Settings) -> uvicorn.Server:
    """The server of the ASGI application that ``application`` makes."""
    edge = Edge(settings)
    config = uvicorn.Config(
        application,
        factory=True,
        interface="asgi3",
        http=partial(Protocol, edge),  # type: ignore[arg-type] # it is only called
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    return _Server(config, edge)


class _Server(uvicorn.Server):
    """uvicorn's server, but that connections are swept, a stop has an end, and a signal to stop is a good end
    and is not raised again afterwards."""

    def __init__(self, config: uvicorn.Config, edge: Edge) -> None:
        super().__init__(config)
        self._edge = edge

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # modules and compiled statements stay until the end: nobody need look through them again
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)  # type: ignore[arg-type] # signal's frame, or None
        self._captured_signals.clear()

    async def on_tick(self, counter: int) -> bool:
        self._edge.tick(self.server_state)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        self._edge.stop(self.server_state)
        await self._rest(GRACE_SECONDS)
        self._edge.cancel(self.server_state, ShuttingDown())
        await self._rest(CANCEL_SECONDS)
        self._edge.abort(self.server_state)
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def _rest(self, seconds: float) -> None:
        """Wait until nothing runs and all is sent, or the time is over."""
        state = self.server_state
        end = asyncio.get_running_loop().time() + seconds
        while (state.connections or state.tasks) and not self.force_exit:
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                return
            await asyncio.sleep(min(TICK_SECONDS, left))
            self._edge.tick(state)
