"""`lisppump undo`: takes back what last moved the head. The way itself is lisppump.rewind's."""

from __future__ import annotations

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.rollback import go


@as_command("undo")
@click.option("--dry-run", is_flag=True, help="Only say what would be taken back.")
@click.option("--yes", is_flag=True, help="Answer the question.")
def command(settings: Settings, dry_run: bool, yes: bool) -> int:
    """Take back the last thing that moved the head: a frame, an import, a hand edit, a rollback, an undo.

    Nothing is lost by it, and it goes one step: a second undo takes back the first. To go further back, or to
    anything that was ever taken back, say `lisppump rollback` with a name from `lisppump log --all`.
    """
    with settings.look() as pump:
        return go(settings, pump, lambda dry: pump.undo(dry_run=dry), dry_run=dry_run, yes=yes)
