"""Operators' nudges: added, listed and dropped in `nudges.json`, an edit by hand that a frame takes in.

So they are journalled, shown, replayed and taken back like any edit. Nothing here touches a frame.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lisppump import canon
from lisppump.disk import Disk, StateError, replace, trouble
from lisppump.errors import LisppumpError, declare
from lisppump.steering import NUDGES, active, entries, faults, order
from lisppump.view import Unseen

if TYPE_CHECKING:
    from lisppump.lookout import Lookout

declare(
    "usage", 1,
    no_such_nudge="There is no nudge of that name.",
    no_nudge="A nudge says nothing, or nothing that could be kept.",
)  # fmt: skip
LOCK = "steer"  # held while the document is read and written
LAST = "steer-last"  # the number of the last nudge


@dataclass(frozen=True, slots=True)
class Nudge:
    """One nudge as listed: `state` is waiting (the next frame takes it in), active, expired or faulty."""

    id: str
    state: str
    text: Any
    set: Mapping[str, Any]
    until_frame: int | None
    until: str | None

    def to_json(self) -> dict[str, Any]:
        """As `lisppump steer list --json` shows it."""
        return {
            "id": self.id,
            "state": self.state,
            "text": self.text,
            "set": dict(self.set),
            "until_frame": self.until_frame,
            "until": self.until,
        }


def nudges(pump: Lookout) -> tuple[Nudge, ...]:
    """All that stand in the document, whether a frame has taken them in or not."""
    return _listed(pump, _there(pump, _view(pump)))


def add(
    pump: Lookout,
    text: str | None,
    asked: Mapping[str, Any],
    *,
    frames: int | None = None,
    until: str | None = None,
) -> Nudge:
    """Write one down for the next `frames` frames, or `until` a time of the world; it counts from the next.

    Those that have expired go.
    """
    if not (text or asked):
        raise LisppumpError("no-nudge", "a nudge should say something", help="`lisppump steer add --help`")
    if text is not None and not text.isprintable():
        help = "leave out line breaks and what cannot be printed"
        raise LisppumpError("no-nudge", "a nudge is a text of one line", help=help)
    head = pump.store.head
    if head is None:
        help = "run a frame first: `lisppump step`"
        raise LisppumpError("no-nudge", "this world has no frame yet that could be nudged", help=help)
    view = _view(pump)
    with _alone(pump):
        there = _there(pump, view)
        id, opened = _new_id(pump, there), pump.store.open_frame()
        newest = head.number if opened is None else opened["frame"]
        nudge = {
            "text": text,
            "set": dict(asked),
            "until_frame": None if frames is None else newest + frames,
            "until": until,
        }
        view.write(NUDGES, {**_unexpired(pump, there), id: nudge})
        found = {one.id: one for one in _listed(pump, {**there, id: nudge})}
    return found[id]


def drop(pump: Lookout, ids: Sequence[str]) -> tuple[Nudge, ...]:
    """Take nudges back; the frames that were made under them stay."""
    view = _view(pump)
    with _alone(pump):
        there = _there(pump, view)
        gone = next((id for id in ids if id not in there), None)
        if gone is not None:
            known = ", ".join(there) or "there is none"
            raise LisppumpError("no-such-nudge", f"there is no nudge `{gone}`", help=f"there: {known}")
        dropped = tuple(nudge for nudge in _listed(pump, there) if nudge.id in ids)
        view.write(NUDGES, {id: nudge for id, nudge in _unexpired(pump, there).items() if id not in ids})
    return dropped


def faulty(pump: Lookout) -> list[str]:
    """What in the document is passed over, or not what was meant."""
    return faults({NUDGES: _there(pump, _view(pump))})


def _listed(pump: Lookout, there: Mapping[str, Any]) -> tuple[Nudge, ...]:
    head = pump.store.head
    taken, now = _taken(pump), set() if head is None else set(_ids(pump, there))
    found = []
    good = dict(entries(dict(there)))
    for id, said in sorted(there.items(), key=lambda entry: order(entry[0])):
        if id not in good:
            found.append(Nudge(id, "faulty", said, {}, None, None))
            continue
        state = "expired" if id not in now else "active" if taken.get(id) == said else "waiting"
        until = said.get("until_frame"), said.get("until")
        found.append(Nudge(id, state, said.get("text"), said.get("set", {}), *until))
    return tuple(found)


def _ids(pump: Lookout, there: Mapping[str, Any]) -> Iterator[str]:
    """The nudges that are for the next frame."""
    head = pump.head
    return (id for id, _ in active(dict(there), head.number, head.time))


def _unexpired(pump: Lookout, there: Mapping[str, Any]) -> dict[str, Any]:
    """All but those; what is no nudge is somebody's mistake, and stays for them to mend."""
    now, good = set(_ids(pump, there)), dict(entries(dict(there)))
    return {id: nudge for id, nudge in there.items() if id in now or id not in good}


def _taken(pump: Lookout) -> dict[str, Any]:
    """The nudges that the frame has."""
    head = pump.store.head
    return {} if head is None else dict(entries(head.documents.get(NUDGES)))


def _new_id(pump: Lookout, there: Mapping[str, Any]) -> str:
    """One that no nudge of this world ever had, whatever was dropped, has expired or was rolled back.

    The last is kept beside the journal. In a branch, or where it cannot be read, the journal tells.
    """
    keep = pump.store._keep
    said = keep.get(LAST) or b""
    last = int(said) if re.fullmatch(rb"[0-9]{1,18}\n", said) else max(map(_number, _ever(pump)), default=0)
    number = max([last, *map(_number, there), *map(_number, _taken(pump))]) + 1
    temporary = str(keep.folder / "tmp" / LAST)
    try:
        replace(keep.disk, temporary, str(keep.folder / LAST), b"%d\n" % number, sync=True)
    except OSError as error:
        raise trouble(error, "writing a nudge") from error
    return f"n{number}"


def _number(id: str) -> int:
    return order(id)[0]


def _ever(pump: Lookout) -> Iterator[str]:
    """The ids of all nudges that frames took in, on whatever line."""
    for record in pump.store.every("edit"):
        said = record.fields["documents"].get(NUDGES)
        if said is not None and "blob" in said:
            with suppress(LisppumpError):  # what is damaged, `verify` names
                yield from dict(entries(canon.loads(pump.store._keep.read_blob(said["blob"]), NUDGES)))


def _view(pump: Lookout) -> Any:
    if pump.barred is not None:
        raise pump.barred
    view: Any = pump.policy.reservoir.make_reservoir(pump.root / pump.policy.state.folder)
    if isinstance(view, Unseen):
        raise StateError("bad-document", "the reservoir of this world is not there, so that nobody is nudged")
    return view


def _there(pump: Lookout, view: Any) -> dict[str, Any]:
    """The nudges of the document, as it lies there."""
    if view.fingerprint(NUDGES) is None:
        return {}
    found = view.read(NUDGES)
    if not isinstance(found, dict):
        help = f"mend it, or take it away with `lisppump edits drop {NUDGES}`"
        raise StateError("bad-document", f"{NUDGES} should be an object by names of nudges", help=help)
    return found


@contextmanager
def _alone(pump: Lookout) -> Iterator[None]:
    """Hold off others who nudge meanwhile; a run is not held up by it."""
    disk, path = Disk(), pump.store._keep.folder / LOCK
    try:
        lock = disk.open(str(path), os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise trouble(error, "writing a nudge") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        disk.close(lock)
