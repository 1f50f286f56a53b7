"""Demo: ``rowkeep demo``, which shows the main features with requests over real HTTP."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

Exit = Annotated[bool, typer.Option("--exit", help="Stop at the end instead of serving until Ctrl-C.")]


def demo(stop: Exit = False) -> None:
    """Show what Rowkeep does, on a separate server, and keep serving until Ctrl-C.

    The data is in ./demo-data, which is deleted at each start.
    """
    from rowkeep.demo.directory import PLACE, emptied
    from rowkeep.demo.next_steps import show_next_steps
    from rowkeep.demo.presenter import Stage
    from rowkeep.demo.server_process import serving
    from rowkeep.demo.steps import TABLE, play

    # however the demo ends, its server must end too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    stage = Stage()
    with emptied() as secrets, serving(PLACE) as server:
        if stop:
            stage.say("Rowkeep is running, on SQLite in ./demo-data")
            play(stage, server.url, secrets.admin_token)
            stage.say("\nStopped. Without --exit, the demo keeps running and prints commands to try.")
            return
        stage.say(f"Rowkeep is running at {server.url}, on SQLite in ./demo-data")
        token = play(stage, server.url, secrets.admin_token)
        show_next_steps(stage, server.url, token, secrets.admin_token, TABLE)
        stage.say(f"Console (this link signs you in once): {server.url}{secrets.sign_in_page}\n")
        stage.say("Rowkeep keeps running; press Ctrl-C to stop it.")
        try:
            server.wait()
        except KeyboardInterrupt:
            stage.say("\nStopped.")
