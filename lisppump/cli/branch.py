"""`lisppump branch NAME`: a copy of the world that goes on by itself. How is lisppump.branching's."""

from __future__ import annotations

from pathlib import Path

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.show import frame_place
from lisppump.errors import legible


@as_command("branch")
@click.argument("name")
@click.option(
    "--at", metavar="FRAME",
    help="The frame that it goes on from (142, HEAD~3, 6@57); the newest if none is named.",
)  # fmt: skip
@click.option(
    "--dir", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="The folder to make; NAME beside this world's own if none is named.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be made.")
def command(settings: Settings, name: str, at: str | None, folder: Path | None, dry_run: bool) -> None:
    """Copy this world, with its whole history, to a folder of its own; from then on both go on by themselves.

    NAME also tells the deltas of the copy from those made here. A run may be going meanwhile.
    """
    from lisppump.branching import branch

    with settings.look() as pump:
        number, record = (None, None) if at is None else frame_place(pump, at)
        made = branch(pump, name, at=number, record=record, folder=folder, dry_run=dry_run)
    if settings.json:
        settings.document(made.to_json())
        return
    would = "would be" if made.dry_run else "is"
    settings.print(f"{legible(made.folder)} {would} a branch at frame {made.frame}, called {made.node}")
    for note in made.notes:
        settings.print(f"  {note}")
