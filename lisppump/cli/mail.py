"""`lisppump mail`: letters of other worlds come in. What a letter is and becomes is lisppump.mail's."""

from __future__ import annotations

from pathlib import Path

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.import_deltas import told
from lisppump.cli.trust import ask_first


@as_command("mail")
@click.argument("outbox", type=click.Path(path_type=Path))
@click.option("--from", "world", metavar="NAME", help="What the sender is called; else its folder's name.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of them; write nothing.")
def command(settings: Settings, outbox: Path, world: str | None, dry_run: bool) -> int:
    """Take in the letters for this world in OUTBOX: another world's outbox.jsonl, or its folder.

    They are items of the collection `letters`, in a frame of their own. What was taken in once is a duplicate
    ever after; a letter names its world and its place there. Nothing in it is run by this.

    A line that is no letter is told, and the others come. The exit code is 1 where a line could not be read
    and no letter came.
    """
    from lisppump.mail import take

    if not dry_run:
        ask_first(settings)
    with settings.open() as pump:
        document = take(pump, outbox, world, dry_run=dry_run).to_json()
    told(settings, document)
    return 1 if document["unreadable"] and not document["items"] else 0
