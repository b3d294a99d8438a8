"""`lisppump pause`: a run is asked to wait after its frame. How that is asked is lisppump.control's."""

from __future__ import annotations

from lisppump import control
from lisppump.cli.context import Settings, as_command
from lisppump.errors import LisppumpError, declare

declare("usage", 1, no_run="Nobody runs this world now, so that there is nobody to be asked.")


@as_command("pause")
def command(settings: Settings) -> None:
    """Let the run that is going in this world finish its frame, then wait for `resume` or `stop`."""
    ask(settings, control.PAUSE, "pauses", "is paused already")


def ask(settings: Settings, wish: str, does: str, already: str) -> None:
    """Ask the run to do something, and say what it will do; an error where no run is going."""
    with settings.look() as pump:
        store = pump.store
        run = store.run()
        if run is None:
            holder = store.lock_holder()
            who = "no run is going here"
            who += "" if holder is None else f", though process {holder} holds the lock"
            help = "`lisppump status` says where the world stands"
            raise LisppumpError("no-run", f"{who}; nothing was asked of anybody", help=help)
        opened = store.open_frame()
        store.ask(run, wish)
        frame = opened["frame"] if opened is not None and wish != control.GO else None
    if settings.json:
        settings.document(
            {
                "schema": "lisppump/control@1",
                "pid": run.pid,
                "epoch": run.epoch,
                "before": run.wish,
                "wish": wish,
                "after_frame": frame,
            }
        )
        return
    after = f" after frame {frame}, which is under way" if frame is not None else ""
    does = already if run.wish == wish and not after else does
    settings.print(f"the run of process {run.pid} {does}{after}")
