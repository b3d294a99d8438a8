"""`lisppump rollback FRAME`, and the question that `undo` asks, too. The way itself is lisppump.rewind's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.show import frame_place
from lisppump.steering import by_each

if TYPE_CHECKING:
    from lisppump.pump import Pump
    from lisppump.report import Rewound


@as_command("rollback")
@click.argument("frame")
@click.option("--dry-run", is_flag=True, help="Only say what would leave the line.")
@click.option("--yes", is_flag=True, help="Answer the question.")
def command(settings: Settings, frame: str, dry_run: bool, yes: bool) -> int:
    """Go back to FRAME (142, HEAD~3), with its echoes and the hand edits before the next.

    Later frames leave the line and stay in the journal for good. While nothing else has happened, `lisppump
    undo` brings them back; at any time `lisppump log --all` lists them with their names, and FRAME can be
    such a name, like 6@57 (frame 6 as it was after record 57), whether it is on the line or off it.
    """
    with settings.look() as pump:
        number, record = frame_place(pump, frame)
        return go(
            settings,
            pump,
            lambda dry: pump.rollback(number, record=record, dry_run=dry),
            dry_run=dry_run,
            yes=yes,
        )


def go(
    settings: Settings, pump: Pump, back: Callable[[bool], Rewound], *, dry_run: bool, yes: bool
) -> int:
    """Say what a way back would take, ask, and go it; the exit code of the command."""
    found = back(True)
    if not dry_run and not found.empty:
        if not agreed(settings, pump, found, yes):
            return 1
        found = back(False)
    if settings.json:
        settings.document(found.to_json())
        return 0
    for line in _lines(found):
        settings.print(line)
    return 0


def agreed(settings: Settings, pump: Pump, found: Rewound, yes: bool) -> bool:
    """Ask whether to go back; where another process writes here, there is no use in asking."""
    pump.store.refuse_locked()
    if not yes:
        for line in leaving(found):
            settings.say(line)
    goes = f"make {found.taken} once more" if found.act == "retry" else f"take back {found.taken}"
    if found.taken == "nothing":
        goes = f"go to frame {found.frame}"
    if settings.agree(f"{goes}?", yes):
        return True
    settings.print("nothing was changed")
    return False


def _lines(found: Rewound) -> list[str]:
    if found.empty:
        return [f"frame {found.frame} is the newest already; nothing was changed"]
    does = "would be" if found.dry_run else "is"
    taken = "" if found.taken == "nothing" else f"; taken back: {found.taken}"
    lines = [f"frame {found.frame} {does} the newest{taken}", *leaving(found)]
    return lines if found.dry_run else [*lines, "`lisppump undo` takes this back"]


def leaving(found: Rewound) -> list[str]:
    """What leaves the line by a way back, and what comes to it again, as lines."""
    lines = []
    if found.left:
        lines.append(f"  off the line: {_frames(found.left)}")
    if found.back:
        lines.append(f"  back on the line: {_frames(found.back)}")
    for who, names in by_each(found.edits):
        lines.append(f"  off the line: what was edited {who} in {names}")
    if found.pending:
        lines.append(f"  not taken in before, so it is taken in first: {', '.join(found.pending)}")
    if found.pending and found.act == "undo" and not found.left:
        stays = f"  frame {found.frame} itself stays"
        more = f"; `lisppump rollback {found.instead}` takes that back, too" if found.instead else ""
        lines.append(stays + more)
    if found.stands:
        ways = (f"edited {who} and went into it stands: {names}" for who, names in by_each(found.stands))
        went = f"  what was {'; '.join(ways)}"
        more = f"; `lisppump rollback {found.instead}` takes that back, too" if found.instead else ""
        lines.append(went + more)
    if found.dropped is not None:
        lines.append(f"  frame {found.dropped}, which is under way, is given up; what came for it is kept")
    if found.opened is not None and found.act != "retry":
        lines.append(f"  frame {found.opened} is under way again: `lisppump run` goes on with it")
    return lines


def _frames(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"frame {numbers[0]}"
    return f"{len(numbers)} frames, {numbers[0]}..{numbers[-1]}"
