"""Process: one server process on a socket, either the only one or one of several workers."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import uvicorn

from rowkeep.errors.catalogue import SetupError, ShuttingDown
from rowkeep.http.app import STOP, Application
from rowkeep.http.management.api import make_decoders
from rowkeep.logs import configure_logs
from rowkeep.metrics import REGISTRY, WORKER_STARTS
from rowkeep.server.connections import Edge
from rowkeep.server.protocol import Protocol
from rowkeep.server.supervisor import BACKLOG, stop_signals
from rowkeep.server.tls import TlsFiles, tls_files
from rowkeep.settings import Settings

CANCEL_SECONDS = 2
"""How long cancelled requests have to send their responses."""

TICK_SECONDS = 0.05

GARBAGE_THRESHOLDS = (10_000, 20, 50)
"""How often Python searches for cycles of garbage. A request creates hundreds of objects but hardly ever a
cycle, so the default of 700 objects would cause many useless searches."""

LOADED_LATER = ("uvloop", "uvicorn.lifespan.on", "uvicorn.loops.auto")


def listen(host: str, port: int, *, shares: bool = False) -> socket.socket:
    """A listening socket; connections wait until a process serves them. Raises SetupError.

    If ``shares`` is set, ``listen_too`` can add other sockets to its port, but another server cannot: the
    option to share is set only after the port was opened, and the other server does not set it either.
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


def load_all() -> None:
    """Load and make what a server process otherwise loads and makes when it starts, so that forked processes
    share the memory. (The modules for the store are already loaded, because the store was opened once.)"""
    for module in LOADED_LATER:
        import_module(module)
    make_decoders()


def serve_here(settings: Settings, sockets: Sequence[socket.socket], worker: int = 0) -> bool:
    """Serve in this process, the worker with this number, until a stop is requested; False if the start
    failed, which is logged."""
    configure_logs(settings.log_level)
    REGISTRY.attach(worker)
    WORKER_STARTS.add()
    server = make_server(partial(Application, settings), settings)
    # uvicorn sets the same handler in its event loop; until then, a signal must not end the loop halfway
    for each in stop_signals():
        signal.signal(each, server.handle_exit)
    try:
        server.run(sockets=list(sockets))
    except SystemExit:
        return False
    return server.started


def make_server(application: Callable[[], Any], settings: Settings) -> uvicorn.Server:
    """The server for the ASGI application that ``application`` creates."""
    edge = Edge(settings)
    tls = tls_files(settings)
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
        proxy_headers=False,  # the protocol does it, for the proxies in the settings
        ssl_context_factory=None if tls is None else lambda *_: tls.context,
    )
    return _Server(config, edge, tls)


class _Server(uvicorn.Server):
    """uvicorn's server, with sweeps of the connections and a time limit for stopping. A signal to stop leads
    to a normal exit, and is not raised again afterwards."""

    def __init__(self, config: uvicorn.Config, edge: Edge, tls: TlsFiles | None = None) -> None:
        super().__init__(config)
        self._edge = edge
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # modules and compiled statements exist until the end: the collector can ignore them
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)  # type: ignore[arg-type] # the frame of a signal, or None
        self._captured_signals.clear()

    async def on_tick(self, counter: int) -> bool:
        self._edge.tick(self.server_state)
        if self._tls is not None:
            self._tls.check(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        self._edge.stop(self.server_state)
        self._end_waiting()
        await self._rest(self._edge.settings.stop_grace_seconds)
        self._edge.cancel(self.server_state, ShuttingDown())
        await self._rest(CANCEL_SECONDS)
        self._edge.abort(self.server_state)
        if not self.force_exit:
            await self.lifespan.shutdown()

    def _end_waiting(self) -> None:
        """End the requests that wait for changes, which could otherwise take the whole time."""
        end = getattr(self.lifespan, "state", {}).get(STOP)
        if end is not None:
            end()

    async def _rest(self, seconds: float) -> None:
        """Wait until there are no connections and tasks, or the time is over."""
        state = self.server_state
        end = asyncio.get_running_loop().time() + seconds
        while (state.connections or state.tasks) and not self.force_exit:
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                return
            await asyncio.sleep(min(TICK_SECONDS, left))
            self._edge.tick(state)
