"""`lisppump step`: a number of frames, without rest between them. The loop itself is the pump's."""

from __future__ import annotations

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.plan import print_plan
from lisppump.cli.progress import drive, give_up
from lisppump.cli.trust import ask_first


@as_command("step")
@click.option(
    "-n", "--frames", "frames", type=click.IntRange(min=1), default=1, metavar="FRAMES", help="How many."
)
@click.option("--streams", type=click.IntRange(min=1), metavar="N", help="As if pump.lisp said (streams N).")
@click.option("--abandon", is_flag=True, help="Give up a frame that was begun and not finished, first.")
@click.option("--dry-run", is_flag=True, help="Only say what the next frame would do, as `plan` does.")
def command(settings: Settings, frames: int, streams: int | None, abandon: bool, dry_run: bool) -> int:
    """Run one frame, or N, without rest between them."""
    if not dry_run:
        ask_first(settings)
    with settings.open({} if streams is None else {"streams": streams}) as pump:
        if dry_run:
            print_plan(settings, pump.plan())
            return 0
        if abandon:
            give_up(settings, pump)
        return drive(settings, pump, lambda: pump.step(frames, keep=0))
