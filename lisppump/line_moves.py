"""Every move of the head that the journal has, on the line or off it, and its name. It writes nothing.

A place in history is called `6@57`: frame 6, as it was after record 57. The name is for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lisppump.errors import LisppumpError
from lisppump.line import Ranges, alive, parting, ranges

if TYPE_CHECKING:
    from lisppump.archive import Archive
    from lisppump.journal import Record

PLACES = ("snapshot", "commit", "tock", "edit", "rollback")  # records that one can go back to
LINE = "`lisppump log` lists the frames that there are"
HELP = "`lisppump log --all` lists all that ever was, each with its name"


@dataclass(frozen=True, slots=True)
class Move:
    """Something that moved the head to `frame`, as it was after `record`.

    `act` is start, frame, import, accept, edit, rollback, undo or retry. `documents` were edited by hand,
    `streams` asked anew for a frame that was made once more, `taken` is what a way back took back; `left` is
    the way back that took the move itself off the line, if it is not on it.
    """

    record: int
    act: str
    frame: int
    time: str | None = None
    digest: str | None = None
    documents: tuple[str, ...] = ()
    streams: tuple[int, ...] = ()
    taken: str | None = None
    left: Move | None = None

    @property
    def name(self) -> str:
        """What it is called wherever a frame can be named."""
        return name_of(self.frame, self.record)

    def to_json(self) -> dict[str, Any]:
        """A line of `lisppump log --all`."""
        return {
            "schema": "lisppump/log-all@1",
            "name": self.name,
            "record": self.record,
            "act": self.act,
            "frame": self.frame,
            "on_line": self.left is None,
            "left": None if self.left is None else {"name": self.left.name, "act": self.left.act},
            "time": self.time,
            "digest": self.digest,
            "documents": list(self.documents),
            "streams": list(self.streams),
            "taken": self.taken,
        }


def name_of(frame: int, record: int) -> str:
    """The name of a frame as it was after a record."""
    return f"{frame}@{record}"


def moves(archive: Archive) -> list[Move]:
    """All that ever moved the head, oldest first; what is off the line says why."""
    found: list[Move] = []
    gone: dict[int, Move] = {}  # what is off the line, by its place in `found`
    was: Ranges = ()
    streams: tuple[int, ...] = ()
    for record in archive.every("intent", *PLACES):
        said = record.fields
        if record.kind == "intent":
            streams = tuple(said.get("retry", {}).get("streams", ()))
        elif record.kind == "tock":
            if found:
                found[-1] = replace(found[-1], record=record.seq)
        elif record.kind == "rollback":
            now = ranges(said["head"]["dead"])
            back = Move(record.seq, said["why"], said["frame"], taken=said["taken"])
            _part(found, gone, was, now, back)
            was = now
            if back.act != "abandon":
                found.append(back)
        elif record.kind != "snapshot" or "head" not in said:
            found.append(_move(record, streams))
    return [replace(move, left=gone.get(index)) for index, move in enumerate(found)]


def _move(record: Record, streams: tuple[int, ...]) -> Move:
    """What a snapshot, a commit or an edit did."""
    said = record.fields
    if record.kind == "edit":
        return Move(record.seq, "edit", said["frame"] - 1, documents=tuple(sorted(said["documents"])))
    if record.kind == "snapshot":
        return Move(record.seq, "start", said["frame"], said["time"])
    act = "accept" if "accepted" in said else "import" if "imports" in said else "frame"
    return Move(record.seq, act, said["frame"], said["time"], said["digest"], streams=streams)


def _part(found: list[Move], gone: dict[int, Move], was: Ranges, now: Ranges, back: Move) -> None:
    """Note what has left the line by a way back, and what has come to it again."""
    lowest = parting(was, now)
    for index in range(len(found) - 1, -1, -1):
        seq = found[index].record
        if lowest is None or seq < lowest:
            break
        if alive(seq, now):
            gone.pop(index, None)
        elif index not in gone:
            gone[index] = back


def place(archive: Archive, frame: int, record: int) -> int:
    """The last record of the place that is called `frame@record`; an error where there is none."""
    seqs = range(1, archive.records + 1)
    head = archive.head_after(record) if record in seqs and archive.kind(record) in PLACES else None
    if head is None or head.number != frame or head.opened is not None:  # a journal may roll within a frame
        what = f"there is no frame {name_of(frame, record)}: record {record} is no end of a frame {frame}"
        raise LisppumpError("no-such-frame", what, help=HELP)
    behind = (seq for seq in range(record + 1, archive.records + 1) if archive.kind(seq) in _BOUNDS)
    return next(behind, archive.records + 1) - 1


_BETWEEN = ("portal", "outcome", "tock", "open", "edit")  # what may come of a frame after its commit
_BOUNDS = ("intent", "commit", "tock", "edit", "rollback", "lost")


def away(archive: Archive, frame: int) -> str | None:
    """The name of the newest frame of that number off the line; None where there is none."""
    for record in archive.every("commit", frame=frame, newest=True):
        end = record.seq
        while end < archive.records and archive.kind(end + 1) in _BETWEEN:
            end += 1
        while archive.kind(end) not in PLACES:
            end -= 1
        return name_of(frame, end)
    return None


def edits_between(archive: Archive, first: int, last: int) -> tuple[str, ...]:
    """The documents whose hand edits only one of two records has behind it."""
    lines = [(end, archive.dead_after(end)) for end in (first, last)]
    return tuple(sorted(set(_edited(archive, lines))))


def _edited(archive: Archive, lines: list[tuple[int, Ranges]]) -> Iterator[str]:
    for record in archive.every("edit"):
        one, other = (record.seq <= end and alive(record.seq, dead) for end, dead in lines)
        if one != other:
            yield from record.fields["documents"]
