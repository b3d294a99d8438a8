"""`lisppump retry FRAME --stream N`: a frame once more, some streams asked anew. Here it is only watched."""

from __future__ import annotations

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.progress import drive
from lisppump.cli.rollback import agreed, leaving
from lisppump.cli.show import frame_number
from lisppump.cli.trust import ask_first


@as_command("retry")
@click.argument("frame")
@click.option(
    "--stream", "streams", type=click.IntRange(min=1), multiple=True, required=True, metavar="N",
    help="A stream to ask anew; give it several times for several.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be asked, and what would leave the line.")
@click.option("--yes", is_flag=True, help="Answer the question.")
def command(settings: Settings, frame: str, streams: tuple[int, ...], dry_run: bool, yes: bool) -> int:
    """Make FRAME once more, as it was intended: the named streams are asked anew, all others stand.

    Later frames, and what was edited by hand after it, leave the line and stay in the journal: `lisppump
    undo` brings all back, and `lisppump log --all` names it.
    """
    from lisppump.rewind import retry

    if not dry_run:
        ask_first(settings)
    with settings.open() as pump:
        number = frame_number(pump, frame)
        found = retry(pump, number, streams, dry_run=True)
        if dry_run:
            if settings.json:
                settings.document(found.to_json())
                return 0
            settings.print(f"frame {number} would be made once more; asked anew: {found.taken}")
            for line in leaving(found):
                settings.print(line)
            return 0
        if not agreed(settings, pump, found, yes):
            return 1
        if yes:
            for line in leaving(found):
                settings.note(line)
        settings.note(f"frame {number} is made once more; `lisppump undo` takes that back")
        return drive(settings, pump, lambda: (pump.retry(number, streams),))
