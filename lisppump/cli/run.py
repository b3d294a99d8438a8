"""`lisppump run`: the loop with its heartbeat. Here the pump is only watched and stopped."""

from __future__ import annotations

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.plan import print_plan
from lisppump.cli.progress import drive, give_up
from lisppump.cli.trust import ask_first


@as_command("run")
@click.option(
    "-n", "--frames", "frames", type=click.IntRange(min=1), metavar="N", help="Stop after so many frames."
)
@click.option("--streams", type=click.IntRange(min=1), metavar="N", help="As if pump.lisp said (streams N).")
@click.option("--abandon", is_flag=True, help="Give up a frame that was begun and not finished, first.")
@click.option("--dry-run", is_flag=True, help="Only say what the next frame would do, as `plan` does.")
def command(settings: Settings, frames: int | None, streams: int | None, abandon: bool, dry_run: bool) -> int:
    """Run frames until there are enough, the budget or breaker stops the run, or you do.

    The first Ctrl-C finishes the frame, the second abandons it; nothing is lost either way.
    """
    if not dry_run:
        ask_first(settings)
    with settings.open({} if streams is None else {"streams": streams}) as pump:
        if dry_run:
            print_plan(settings, pump.plan())
            return 0
        if abandon:
            give_up(settings, pump)
        return drive(settings, pump, lambda: pump.run(frames, keep=0))
