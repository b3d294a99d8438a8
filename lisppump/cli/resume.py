"""`lisppump resume`: a run that was paused goes on. How that is asked is lisppump.control's."""

from __future__ import annotations

from lisppump import control
from lisppump.cli.context import Settings, as_command
from lisppump.cli.pause import ask


@as_command("resume")
def command(settings: Settings) -> None:
    """Let the run that was paused in this world, or asked to stop, go on."""
    ask(settings, control.GO, "goes on", "goes on anyway; it was not paused")
