"""`lisppump log`: one line a frame, newest first. What it says is gathered in lisppump.status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.status import merge_words
from lisppump.steering import edited

if TYPE_CHECKING:
    from lisppump.line_moves import Move

ACTS = {"start": "frame 0", "import": "made by an import", "accept": "made by a `quarantine accept`"}


@as_command("log")
@click.option("-n", "count", type=click.IntRange(min=1), metavar="COUNT", help="Only the newest.")
@click.option("--all", "every", is_flag=True, help="All that ever moved the head, off the line, too.")
def command(settings: Settings, count: int | None, every: bool) -> None:
    """The frames so far, newest first.

    With --all every frame, edit and way back there ever was, each with a name like 6@57 (frame 6 as it was
    after record 57), and why it left the line, where it did. `rollback`, `branch --at`, `show`, `diff` and
    `why` take such a name.
    """
    from lisppump.report import count_of
    from lisppump.status import log_documents

    if every:
        _log_all(settings, count)
        return
    with settings.look() as pump:
        entries = log_documents(pump)[:count]
    if settings.json:
        for entry in entries:
            settings.line(entry)
        return
    rows = [
        [
            str(entry["frame"]),
            entry["digest"].removeprefix("sha256:")[:12],
            entry["time"],
            count_of(entry["streams"], "stream"),
            ", ".join([merge_words(entry["merge"]), *_unusual(entry["statuses"]), *_marks(entry)]),
        ]
        for entry in entries
    ]
    for line in table(rows):
        settings.print(line)


def _log_all(settings: Settings, count: int | None) -> None:
    from lisppump.line_moves import moves

    with settings.look() as pump:
        found = moves(pump.store)[::-1][:count]
    if settings.json:
        for move in found:
            settings.line(move.to_json())
        return
    for line in table([_row(move) for move in found]):
        settings.print(line)


def _row(move: Move) -> list[str]:
    what = ACTS.get(move.act, f"frame {move.frame}")
    if move.streams:
        what += f", made once more: {_asked(move.streams)}"
    elif move.act == "edit":
        what = edited(move.documents)
    elif move.taken is not None:
        what = f"{move.act} of {move.taken}" if move.act != "rollback" else _rollback(move)
    left = move.left
    return [move.name, what, "" if left is None else f"off the line since {left.name}: {left.act}"]


def _rollback(move: Move) -> str:
    return f"rollback to frame {move.frame}" + (f": {move.taken}" if move.taken != "nothing" else "")


def _asked(streams: Sequence[int]) -> str:
    return f"stream{'s' * (len(streams) > 1)} {', '.join(map(str, streams))} asked anew"


def _unusual(statuses: dict[str, int]) -> list[str]:
    return [f"{count} {status}" for status, count in statuses.items() if status != "ok"]


def _marks(entry: dict[str, Any]) -> list[str]:
    """What else is to be known of a frame: how it was made, and what befell it after that."""
    marks = []
    if entry["accepted"]:
        marks.append("accepted from quarantine")
    elif entry["imports"]:
        marks.append("imported")
    if entry["retried"]:
        marks.append(f"made once more: {_asked(entry['retried'])}")
    elif len(entry["epochs"]) > 1:
        marks.append("gone on with after its run had ended")
    if entry["unthought"]:
        marks.append("its echoes are not done yet")
    if entry["edited"]:
        marks.append(f"then {edited(entry['edited'])}")
    return [*marks, *(f"come back to by {_way(back)}" for back in entry["back"])]


def _way(back: dict[str, Any]) -> str:
    if back["act"] == "rollback":
        return "a rollback"
    return f"the {back['act']} of {back['taken']}"
