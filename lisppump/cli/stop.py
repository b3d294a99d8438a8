"""`lisppump stop`: a run is asked to end after its frame. How that is asked is lisppump.control's."""

from __future__ import annotations

from lisppump import control
from lisppump.cli.context import Settings, as_command
from lisppump.cli.pause import ask


@as_command("stop")
def command(settings: Settings) -> None:
    """Let the run that is going in this world finish its frame, and end; its exit code is 0."""
    ask(settings, control.STOP, "stops", "stops already")
