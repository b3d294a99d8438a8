"""`lisppump replay [A..B]`: frames made again from their record. Here the result is only shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from lisppump.cli.context import Settings, as_command, table
from lisppump.cli.show import frame_number
from lisppump.errors import LisppumpError

if TYPE_CHECKING:
    from lisppump.pump import Pump

_RANGE = re.compile(r"([^.]*)\.\.([^.]*)")


@as_command("replay")
@click.argument("frames", required=False, metavar="[A..B]")
@click.option("--live", metavar="N", help="Ask the backends of frame N once more, and show both answers.")
def command(settings: Settings, frames: str | None, live: str | None) -> int:
    """Make frames again from what was recorded, with nobody asked, and compare them with what they were.

    Without A..B all of them; 7 is one frame, 7.. goes up to the newest. Nothing is written. The exit code is
    1 where a frame comes out unlike its record.
    """
    if live is not None:
        if frames is not None:
            what = f"--live asks for one frame once more, and `{frames}` names others"
            raise LisppumpError("bad-usage", what, help="say one of the two alone")
        with settings.open() as pump:
            relived = pump.replay_live(frame_number(pump, live)).to_json()
        _show_live(settings, relived)
        return 0
    from lisppump.verify import spans

    with settings.look() as pump:
        replayed = pump.replay(*_numbers(pump, ".." if frames is None else frames))
    document = replayed.to_json()
    if settings.json:
        settings.document(document)
    elif replayed.equal:
        which = f"frames {replayed.first}..{replayed.last}"
        if replayed.lost:
            which = f"{replayed.frames} of {which}"
        settings.print(f"{which} come out as they were")
        if replayed.lost:
            settings.print(f"lost, and not to be made again since a repair: frame {spans([*replayed.lost])}")
    else:
        for line in _difference(document["first_difference"]):
            settings.print(line)
    return 0 if replayed.equal else 1


def _numbers(pump: Pump, frames: str) -> tuple[int | None, int | None]:
    """The two ends of a range as people write it: A..B, A.., ..B, or one frame."""
    found = _RANGE.fullmatch(frames)
    if found is None:
        if ".." in frames:
            raise LisppumpError("bad-usage", f"`{frames}` names no frames", help="write A..B, as in 3..7")
        return (number := frame_number(pump, frames)), number
    first, last = (frame_number(pump, end) if end else None for end in found.groups())
    return first, last


def _difference(found: Mapping[str, Any]) -> list[str]:
    place = " ".join([found["document"], *map(str, found["path"])])
    rows = [["recorded", _short(found["recorded"])], ["computed", _short(found["computed"])]]
    return [f"frame {found['frame']} comes out otherwise: {place}", *table(rows)]


def _short(value: Any, most: int = 300) -> str:
    from lisppump import canon

    text = "nothing" if value is None else canon.line(value).decode()
    return text if len(text) <= most else text[:most] + " ..."


def _show_live(settings: Settings, document: Mapping[str, Any]) -> None:
    """Both answers of each stream, one below the other."""
    if settings.json:
        settings.document(document)
        return
    settings.print(f"frame {document['frame']} once more; nothing of it is kept")
    for stream in document["streams"]:
        if stream["equal"]:
            settings.print(f"  stream {stream['stream']}: the same")
            continue
        settings.print(f"  stream {stream['stream']}:")
        for side in ("recorded", "live"):
            told = stream[side]
            words = "nothing" if told is None else f"{told['status']} {_short(told['collections'])}"
            settings.print(f"    {side:<8}  {words}")
