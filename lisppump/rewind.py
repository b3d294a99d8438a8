"""The ways back in history: rollback, undo, retry. What they leave stays in the journal, off the line.

Each is one record that makes the head what it was after an earlier one; this module only finds which, and
says what leaves the line by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lisppump.errors import LisppumpError, declare
from lisppump.journal import Record
from lisppump.line_moves import place
from lisppump.report import Rewound, count_of
from lisppump.reservoir import Store
from lisppump.status import no_frame
from lisppump.steering import the_edit_of

if TYPE_CHECKING:
    from lisppump.pump import Pump

declare(
    "usage", 1,
    nothing_to_undo="Nothing has moved the head since frame 0 that could be taken back.",
    no_such_stream="The frame has no stream of that number.",
    moved_meanwhile="The world went on between the question and the answer.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Aim:
    """Where to go back to: the record, and what is taken back by it."""

    upto: int
    act: str
    taken: str
    again: Mapping[str, Any] | None = None
    streams: tuple[int, ...] = ()
    stands: tuple[str, ...] = ()
    instead: str | None = None


def rollback(
    pump: Pump, number: int, *, record: int | None = None, dry_run: bool = False
) -> Rewound:
    """Make an earlier frame, with its tocks and the edits before the next, the head again.

    With `record` it goes to `number@record`: the frame as it was after that record, on the line or off it.
    """
    store, dropped = _ready(pump, dry_run)
    newest = pump.head.number
    end = None if record is None else place(store, number, record)
    if end is None and not 0 <= number <= newest:
        raise no_frame(pump, number)
    if not dry_run and dropped is not None and store.pending_edits():
        store.abandon()
        store.take_edits()
    pending = store.pending_edits() if dry_run else []
    if end is None:
        if store.head_after(store.end_of(number)).number != number:
            raise store.missing(number)
        end, taken = store.end_of(number), _frames(range(number + 1, newest + 1))
        if number == newest and dropped is None:
            pending = []  # they become part of it
    else:
        leave, _ = store.parted(end)
        edited = [name for one in leave if one.kind == "edit" for name in one.fields["documents"]]
        taken = _frames(_numbers(leave)) or (the_edit_of(edited) if edited else "")
    return _go(pump, Aim(end, "rollback", taken or "nothing"), dropped, dry_run, pending)


def undo(pump: Pump, *, dry_run: bool = False) -> Rewound:
    """Take back the last thing that moved the head: a frame, an import, an edit, a way back."""
    store, dropped = _ready(pump, dry_run)
    pending = store.pending_edits() if dry_run or dropped is not None else []
    if pending and dropped is None:
        head = pump.head
        taken = the_edit_of(pending)
        names, number = tuple(pending), head.number
        instead = str(number - 1) if number else None
        return Rewound(
            "undo", taken, number, number, None, True, edits=names, pending=names, instead=instead
        )
    last = store.last_move()
    if last is None:
        raise LisppumpError(
            "nothing-to-undo",
            "there is nothing to undo: nothing has happened since frame 0",
            help="`lisppump log` lists the frames",
        )
    aim = _taking_back(store, last)
    if pending and not dry_run:
        store.abandon()
        store.take_edits()
    return _go(pump, aim, dropped, dry_run, pending)


def retry(pump: Pump, number: int, streams: Sequence[int], *, dry_run: bool = False) -> Rewound:
    """Begin a frame again under its own intent: some streams are to be asked anew, the others stand."""
    store, dropped = _ready(pump, dry_run)
    intent, made, began = store.intent_record(number), store.made(number), store.began(number)
    if intent is None or made is None or began is None:
        if number == dropped:
            help = "`lisppump run` goes on with it"
            raise LisppumpError("no-such-frame", f"frame {number} is still under way", help=help)
        raise store.missing(number)
    known = [entry["stream"] for entry in intent["streams"]]
    wanted = tuple(sorted(set(streams)))
    for stream in wanted:
        if stream not in known:
            there = f"it has {count_of(len(known), 'stream')}" if known else "it has none"
            what = f"frame {number} has no stream {stream}; {there}"
            raise LisppumpError("no-such-stream", what, help=f"`lisppump show {number}` lists its streams")
    pump.rig_of(intent)  # where that cannot be had any more, nothing may be given up for it
    if not dry_run and dropped is not None and store.pending_edits():
        store.abandon()
        store.take_edits()
    again = {**intent, "retry": {"intent": began, "commit": made, "streams": list(wanted)}}
    taken = f"{_named(wanted)} of {_frames([number])}"
    pending = store.pending_edits() if dry_run else []
    return _go(pump, Aim(began - 1, "retry", taken, again, wanted), dropped, dry_run, pending)


def _ready(pump: Pump, dry_run: bool) -> tuple[Store, int | None]:
    """The store, for writing and with all hand edits taken in, and the frame that is under way."""
    seen = pump.store.head
    if seen is None:
        what = "nothing has run here yet, so there is nothing to go back to"
        raise LisppumpError("nothing-to-undo", what, help="`lisppump step` makes a frame")
    if dry_run:
        return pump.store, _opened(pump.store)
    store = pump.take_lock()
    head = pump.head
    if (seen.number, seen.tock) != (head.number, head.tock):
        raise LisppumpError(
            "moved-meanwhile",
            f"the world has gone on to frame {head.number} since it was looked at; nothing was taken back",
            help="say it again, if you still want it",
        )
    if _opened(store) is None:
        store.take_edits()
    return store, _opened(store)


def _opened(store: Store) -> int | None:
    intent = store.open_intent()
    return None if intent is None else int(intent["frame"])


def _taking_back(store: Store, last: Record) -> Aim:
    """Where to go back to, to take a record back that moved the head."""
    said = last.fields
    if last.kind == "edit":
        return Aim(last.seq - 1, "undo", the_edit_of(said["documents"]))
    if last.kind == "rollback":
        return Aim(last.seq - 1, "undo", _way_back(said))
    number = said["frame"]
    intent, began = store.intent_record(number) or {}, store.began(number) or last.seq
    retried = store.last_move(began) if "retry" in intent else None
    if retried is not None and retried.kind == "rollback":
        return Aim(retried.seq - 1, "undo", f"the retry of {retried.fields['taken']}")
    what = "the import that made " if "imports" in said else ""
    if said.get("accepted"):
        what = "the accept from quarantine that made "
    stands, before = store.before_edits(number, began)
    taken, instead = f"{what}{_frames([number])}", before if stands else None
    return Aim(began - 1, "undo", taken, stands=stands, instead=instead)


def _way_back(said: Mapping[str, Any]) -> str:
    """A way back in words that grow no longer however often it is taken back and taken again."""
    if said["why"] == "rollback":
        return f"the rollback to frame {said['frame']}"
    if said["why"] == "retry":
        return f"the retry of {said['taken']}"
    bare = said["taken"].removesuffix(" again")
    undone = bare.removeprefix("the undo of ")
    return f"the undo of {bare}" if undone == bare else f"{undone} again"


def _go(
    pump: Pump, aim: Aim, dropped: int | None, dry_run: bool, pending: Sequence[str] = ()
) -> Rewound:
    """Say what leaves the line and what comes back to it and, unless it is a dry run, go back."""
    store, head = pump.store, pump.head
    then = store.head_after(aim.upto)
    leave, back = store.parted(aim.upto)
    edits = [name for record in leave if record.kind == "edit" for name in record.fields["documents"]]
    done = Rewound(
        act=aim.act,
        taken=aim.taken,
        first=head.number,
        frame=then.number,
        digest=None,
        dry_run=dry_run,
        left=_numbers(leave),
        back=_numbers(back),
        edits=tuple(dict.fromkeys([*edits, *pending])),
        dropped=dropped,
        opened=aim.again["frame"] if aim.again is not None else then.opened,
        streams=aim.streams,
        pending=tuple(pending),
        stands=aim.stands,
        instead=aim.instead,
    )
    if done.empty and aim.upto == store.records:
        return done
    if dry_run:
        store.rebuilt(then)
        return done
    store.go_back(aim.upto, aim.act, taken=aim.taken, again=aim.again)
    pump.rewound()
    return replace(done, digest=pump.head.digest)


def _numbers(records: Sequence[Record]) -> tuple[int, ...]:
    return tuple(record.fields["frame"] for record in records if record.kind == "commit")


def _frames(numbers: Sequence[int]) -> str:
    """Frames in words: `frame 7`, `frames 7..9`."""
    if len(numbers) < 2:
        return "".join(f"frame {number}" for number in numbers)
    return f"frames {numbers[0]}..{numbers[-1]}"


def _named(streams: Sequence[int]) -> str:
    return f"stream{'s' * (len(streams) > 1)} {', '.join(map(str, streams))}"
