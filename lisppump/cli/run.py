"""`lisppump run`: the loop with its heartbeat. Here the pump is only watched and stopped."""

from __future__ import annotations

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.progress import drive


@as_command("run")
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="Stop after so many frames.")
@click.option("--streams", type=click.IntRange(min=1), metavar="N", help="As if pump.lisp said (streams N).")
def command(settings: Settings, frames: int | None, streams: int | None) -> int:
    """Run frames until there are enough, the budget or breaker stops the run, or you do.

    The first Ctrl-C finishes the frame, the second abandons it; nothing is lost either way.
    """
    with settings.open({} if streams is None else {"streams": streams}) as pump:
        return drive(settings, pump, lambda: pump.run(frames))
