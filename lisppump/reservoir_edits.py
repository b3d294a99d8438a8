"""The half of the state store that knows hand edits, and writes the view around them. It makes no frame.

What others changed is merged by path against what was last written, and never while a frame is under way:
then the file is left alone until its commit is recorded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from types import MappingProxyType
from typing import Any

from lisppump.blobs import printed_by
from lisppump.disk import StateError
from lisppump.documents import Cell, encode, entry, is_log, is_text, log_value, parse
from lisppump.errors import LisppumpError, declare
from lisppump.files import BEFORE, DELTAS, Files
from lisppump.frame import Frame
from lisppump.hand_edits import Decision, Edit, conflict
from lisppump.history import INPUTS, Past, head_at
from lisppump.merge_edits import ABSENT, Joined, Side, joined, nearest
from lisppump.reservoir_view import Aside, Shelf
from lisppump.steering import by_whom
from lisppump.view import Findings, Touch, Unseen, Written

declare(
    "state", 5,
    no_edit="There is no hand edit of that document to decide about.",
    frame_open="Nothing can be decided about hand edits while a frame is under way.",
)  # fmt: skip

_UNNOTED = 16  # versions of documents that a process may have written without a note of it
_VERSIONS = 256  # of a document, that may not have reached the disk when the power was cut


class Desk(Shelf):
    """A world's journal and its view, with what people changed in it.

    `gaps` is what is still to be told of documents that could not be read when edits were taken in.
    """

    gaps: tuple[str, ...] = ()
    _passed: Mapping[str, str] = MappingProxyType({})  # those, and what was said of them

    # -- looking ---------------------------------------------------------------------------------------------

    def pending_edits(self) -> list[str]:
        """The documents that were changed by hand since they were last taken in."""
        if self._head.number < 0:
            return []
        found = self._look_everywhere()
        return sorted([*found.touched, *found.unread])

    def emptied(self) -> bool:
        """True where not one document lies there: that is no edit, they are written again at the next run."""
        if not self._head.documents or isinstance(self.view, Unseen):
            return False
        names, refused = self._listing()
        return not names and not refused

    def edits_in_detail(self) -> tuple[Edit, ...]:
        """The same with the places, and what overlaps with what frames changed."""
        if self._head.number < 0:
            return ()
        found = self._look_everywhere()
        edits = [Edit(name, "unreadable", error=error) for name, error in found.unread.items()]
        for name, touch in found.touched.items():
            join = self._joined(name, touch)
            there = name in self._head.documents
            what = "removed" if touch.value is ABSENT else "changed" if there else "added"
            edits.append(Edit(name, what, tuple(join.by_hand), tuple(join.overlaps)))
        return tuple(sorted(edits, key=lambda edit: edit.document))

    def _look_everywhere(self) -> Findings:
        """What is unlike the head, wherever; what cannot be a document is told instead of refused."""
        if self.emptied():
            return Findings()
        names, refused = self._listing()
        found = self._look({*self._head.documents, *self._view.names, *names} - {*refused})
        found.unread.update(refused)
        return found

    def _listing(self) -> tuple[Sequence[str], Mapping[str, LisppumpError]]:
        return self.view.listing() if isinstance(self.view, Files) else (self.view.names(), {})

    def _look(self, names: Iterable[str]) -> Findings:
        past = Past(self._journal, self._head.latest)
        found = self._view.look(
            sorted(names),
            self._head.documents,
            latest=self._head.latest,
            past=past.value,
            earlier=self._earlier(),
            begins=self._begins,
        )
        if (found.touched or found.unread) and not self._keep.writing and self.lock_holder() is not None:
            self._view.index.load()  # who runs may have written just then
            for kind in (found.touched, found.unread):
                for name in [name for name in kind if self._view.untouched(name)]:
                    del kind[name]
        return found

    def _earlier(self) -> Callable[[str, str], bool]:
        """Whether a document ever had a digest; the journal is gone through at most once."""
        known: dict[str, set[str]] = {}

        def had(name: str, digest: str) -> bool:
            if not known:
                for seq in self._journal.select(*INPUTS, dead=()):
                    for each, said in self._journal.read(seq).fields.get("documents", {}).items():
                        if said is not None:
                            known.setdefault(each, set()).add(said["digest"])
            return digest in known.get(name, ())

        return had

    def _begins(self, name: str, data: bytes) -> bool:
        """Whether bytes are a beginning of a document as it was lately; older ones are long on the disk."""
        versions = 0
        for seq in self._journal.select(*INPUTS, dead=()):
            said = self._journal.read(seq).fields.get("documents", {})
            if said.get(name) is None:
                continue
            try:
                if encode(name, Past(self._journal, seq).value(name)).startswith(data):
                    return True
            except StateError:
                break  # behind damage nothing is known: what lies there counts as an edit, and is kept
            versions += 1
            if versions == _VERSIONS:
                break
        return False

    # -- hand edits ------------------------------------------------------------------------------------------

    def take_edits(self, *, going: bool = False) -> tuple[str, ...]:
        """Take in what was changed by hand since the last look; what is said about it.

        What cannot be read, or overlaps with what frames changed, is an error after all else is taken in; of
        a run that is `going` the former is passed over until it can be read. While a frame is under way
        nothing is taken in.
        """
        if self._head.number < 0:
            return ()
        names, refused = self._listing()
        notes = [] if refused else self._restored(names)
        found = self._look({*self._head.documents, *self._view.names, *names} - {*refused})
        found.unread.update(refused)
        more, error = self._settle(found)
        for name in found.redo:
            self._bring(name)
        self._view.index.settle()  # what frames went on from since would pass for an edit after a crash
        if self._head.opened is None:
            self._pass_over(found.unread if going else {})
            error = (None if going else next(iter(found.unread.values()), None)) or error
            if error is not None:
                raise error
        return (*notes, *more)

    def _pass_over(self, unread: Mapping[str, LisppumpError]) -> None:
        """Let the frames go on without what cannot be read, and say so once of each fault."""
        before, self._passed = self._passed, {name: error.message for name, error in unread.items()}
        again = [f"{name} can be read again" for name in before if name not in unread]
        what = "cannot be read, so the run goes on with what the frames have of it, and looks again at the"
        fresh = [name for name, why in self._passed.items() if before.get(name) != why]
        self.gaps += (*again, *(f"{name} {what} next frame: {self._passed[name]}" for name in fresh))

    def _restored(self, names: Sequence[str]) -> list[str]:
        """A state folder without a single document is no edit: it is written again from the journal."""
        if not self._head.documents or names:
            return []
        for name in self._head.documents:
            self._bring(name)
        self._view.index.deltas = -1
        notes = ["the state folder was empty; its documents were written again from the journal"]
        self.notes.extend(notes)
        return notes

    def _may_be_empty(self, found: Findings, new: Iterable[str]) -> bool:
        """True where all documents may have gone while a frame was made, as far as that can be told at once.

        Those that were never written do not tell, and once they are there the folder is not empty any more.
        """
        gone = isinstance(self.view, Files) and not self.view.folder.is_dir()
        missing = any(touch.value is ABSENT for touch in found.touched.values())
        return gone or missing or any(self._view.written(name) is None for name in new)

    def _settle(self, found: Findings, recent: Frame | None = None) -> tuple[list[str], LisppumpError | None]:
        """Take in what can be read and overlaps with nothing; what is said of it, and the first overlap."""
        notes = list(found.notes)
        error: LisppumpError | None = None
        taken: dict[str, tuple[Touch, Joined]] = {}
        if self._head.opened is None:
            for name, touch in found.touched.items():
                join = self._joined(name, touch, recent)
                if self._was_taken(name, touch):
                    found.redo.append(name)
                elif join.overlaps:
                    error = error or self._conflict(name, touch, join)
                elif self._is_head(name, join.value):
                    found.redo.append(name)
                else:
                    taken[name] = (touch, join)
        if taken:
            notes += self._journal_edits(taken)
        self.notes.extend(notes)
        return notes, error

    def _joined(self, name: str, touch: Touch, recent: Frame | None = None, prefer: Side = "world") -> Joined:
        """The three sides of an edit, merged: what was last written, the head, what lies there."""
        head, written = self.head, touch.written
        world = head.documents[name] if head is not None and name in head.documents else ABSENT
        kind = "log" if is_log(name) else "text" if is_text(name) else "json"
        if written is None:
            alike = world is ABSENT or self._forgot()
        else:
            alike = written.digest == self._digest(name)
        was = world if alike else self._stood(kind, name, touch, recent)
        return joined(kind, was, world, touch.value, prefer=prefer)

    def _stood(self, kind: str, name: str, touch: Touch, recent: Frame | None) -> Any:
        """What the hand went on from: what was noted last, or what is nearer to what lies there.

        A process may die when a document was written and before that is noted, or when an edit was taken in
        and before its file is written. Where nothing was noted, it may be that nothing of ours lay there.
        """
        written, begun = touch.written, next(self._journal.select("open"), 0)
        before = [*islice(self._journal.select(*INPUTS, below=begun), _UNNOTED)]
        sides: list[Any] = [ABSENT]
        if written is not None:
            sides = [self._noted(name, written, recent)]
        elif before and name in head_at(self._journal, before[0]).documents:
            sides.append(log_value(name, Past(self._journal, before[0]).value(name)))
        for seq in before:
            if seq <= (0 if written is None else written.seq):
                break
            said = self._journal.read(seq).fields
            with suppress(StateError):  # what cannot be had any more, the hand can hardly have gone on from
                if said.get("documents", {}).get(name) is not None:
                    sides.append(log_value(name, Past(self._journal, seq).value(name)))
                if (blob := said.get("hand", {}).get(name)) is not None:
                    sides.append(log_value(name, parse(name, self._keep.read_blob(blob), name)))
        alone = len(sides) == 1 or touch.value is ABSENT
        return sides[0] if alone else nearest(kind, sides, touch.value)

    def _forgot(self) -> bool:
        """Whether what was noted of documents may have been given up in a repair."""
        fields = (self._journal.read(seq).fields for seq in self._journal.select("edit"))
        return self.repaired or any("repaired" in said for said in fields)

    def _noted(self, name: str, written: Written, recent: Frame | None) -> Any:
        if recent is not None and recent.digests.get(name) == written.digest:
            return recent.documents[name]
        return log_value(name, Past(self._journal, self._seq_of(name, written)).value(name))

    def _digest(self, name: str) -> str | None:
        said = self._head.documents.get(name)
        return None if said is None else str(said["digest"])

    def _is_head(self, name: str, value: Any) -> bool:
        now = None if value is ABSENT else entry(name, value)["digest"]
        return self._digest(name) == now

    def _seq_of(self, name: str, written: Written) -> int:
        """The record that made a document what was written; an old index does not say it."""
        if written.seq:
            return written.seq
        for seq in self._journal.select(*INPUTS, dead=()):
            said = self._journal.read(seq).fields.get("documents", {}).get(name)
            if said is not None and said["digest"] == written.digest:
                return seq
        return self._head.latest

    def _was_taken(self, name: str, touch: Touch) -> bool:
        """True when the edit is in the journal and only the file was not written after it.

        Only the last edit of the document tells: who writes again what an earlier one took away means it.
        """
        since = 0 if touch.written is None else touch.written.seq
        for seq in self._journal.select("edit"):
            if seq <= since:
                return False
            taken = self._journal.read(seq).fields.get("taken", {})
            if name in taken:
                return touch.digest != "" and taken[name] == touch.digest
        return False

    def _conflict(self, name: str, touch: Touch, join: Joined) -> StateError:
        kept = None if touch.value is ABSENT else self._kept(name)
        return conflict(name, join, self._head.number, kept)

    def _kept(self, name: str) -> str:
        """A blob of what lies there."""
        view = self.view
        return self._keep.blob(view.raw(name) if isinstance(view, Files) else encode(name, view.read(name)))

    def decide(self, name: str, side: Side) -> Decision:
        """Settle an edit: the hand's side wins where both changed something, or the world's is put back."""
        if self._head.opened is not None:
            message = f"frame {self._head.opened} is under way, so that {name} cannot be decided about yet"
            raise StateError("frame-open", message, help="`lisppump run` goes on with it")
        found = self._look([name])
        touch, error = found.touched.get(name), found.unread.get(name)
        if touch is None and error is None:
            help = "`lisppump edits` lists what was changed by hand"
            if self.edited_last(name):
                help = "an edit of it was taken in already: `lisppump undo` takes that back"
            raise StateError("no-edit", f"`{name}` was not changed {by_whom(name)}", help=help)
        if side == "world":
            kept = None if touch is not None and touch.value is ABSENT else self._kept(name)
            self._bring(name)
            said = f"{name} is as the frames left it again" + (
                f"; what lay there is {kept}: {printed_by(kept)}" if kept else ""
            )
            decision = Decision(name, side, said, kept)
        elif touch is None:
            raise error or AssertionError(name)
        else:
            self._journal_edits({name: (touch, self._joined(name, touch, prefer="hand"))})
            decision = Decision(name, side, f"{name} was taken in as it was written {by_whom(name)}")
        self._finish()
        return decision

    def edited_last(self, *names: str) -> bool:
        """True where an edit was what last moved the head (of one of these documents, where any is named)."""
        last = self.last_move()
        return last is not None and last.kind == "edit" and (
            not names or any(name in last.fields["documents"] for name in names)
        )

    def _journal_edits(self, taken: Mapping[str, tuple[Touch, Joined]]) -> list[str]:
        """One record for all of them, with whole documents: what people wrote is never lost again."""
        documents: dict[str, Any] = {}
        before, cells = self._head.documents, dict(self._cells)
        notes = []
        for name, (_, join) in taken.items():
            cells.pop(name, None)
            if join.value is ABSENT:
                documents[name] = None
                notes.append(f"{name} was removed {by_whom(name)}; the frame goes on without it")
                continue
            data = encode(name, join.value)
            documents[name] = {**entry(name, join.value), "blob": self._keep.blob(data)}
            cells[name] = Cell(log_value(name, join.value))
            what = "was changed" if name in before else "was added"
            notes.append(f"{name} {what} {by_whom(name)} and was taken in")
        hand = {
            name: self._keep.blob(encode(name, touch.value))
            for name, (touch, _) in taken.items()
            if touch.value is not ABSENT and (documents[name] or {}).get("digest") != touch.digest
        }
        more = {"hand": hand} if hand else {}  # what the files say until they are written again
        self._record(
            "edit",
            frame=self._head.number + 1,
            documents=documents,
            by_hand={
                name: [list(place.path) for place in (*join.by_hand, *join.overlaps)]
                for name, (_, join) in taken.items()
            },
            taken={name: touch.digest for name, (touch, _) in taken.items()},
            **more,
        )
        self._cells, self._frame = cells, None  # with the record, whatever the disk says next
        for name in taken:
            self._members.pop(name, None)
        self._journal.sync()
        self._passed = {name: why for name, why in self._passed.items() if name not in taken}
        for name, (touch, _) in taken.items():
            if documents[name] is not None and documents[name]["digest"] == touch.digest:
                self._view.adopt(name, touch.digest, self._head.latest)
                self._pending.pop(name, None)
            else:
                self._bring(name)
        self._view.index.add()  # so that what was taken in is known, whatever comes
        return notes

    # -- showing -------------------------------------------------------------------------------------------

    def _to_show(
        self,
        parent: Frame,
        new: Mapping[str, Any],
        quarantine: Sequence[Mapping[str, Any]],
        *,
        put_off: bool,
    ) -> None:
        """Show what a commit made of its parent, now or with what comes next."""
        for name in new:
            if (known := self._members.get(name)) is not None:
                self._pending[name] = self._pending.get(name, 0) + known[1].fresh
        aside: Aside = {self._head.number: quarantine} if quarantine else {}
        if self._due is not None:
            parent, earlier, before = self._due
            new, aside = {**earlier, **new}, {**before, **aside}
        self._due = (parent, new, aside)
        if not put_off:
            self.show()

    def show(self) -> None:
        """Bring the view to the head, where that was put off; of a closed world the next opening does."""
        if self._due is not None and self._keep.writing:
            self._journal.require_place()
            self._show(*self._due)
            self._due = None  # not before: what a disk refuses is still to be shown, when it is well again

    def _show(self, parent: Frame, new: Mapping[str, Any], aside: Aside) -> None:
        """Bring the view from an earlier frame to the head; edits of what is written over come in first."""
        found = self._look(new)
        if self._may_be_empty(found, new) and self._restored(self.view.names()):
            found = self._look(new)
        self._settle(found, parent)
        left = {*found.touched, *found.unread} - {*found.redo}
        for name in new:
            if name in left or name not in self._head.documents or self._may_lag(name):
                continue  # it is another's, or was taken away since, or can wait
            if name in found.redo:
                self._bring(name)
            else:
                self._write(name, parent.documents.get(name), parent.digests.get(name))
        for frame, quarantine in aside.items():
            self._show_quarantine(quarantine, frame)
        self._finish()

    def flush(self) -> None:
        """Write what lags: documents, and the delta files of frames that are still kept."""
        if not self._keep.writing or self._head.number < 0:
            return
        self.show()
        self._journal.tidy()
        absent = [name for name in self._head.documents if self._view.written(name) is None]
        names = [*self._view.lagging(self._head.documents), *absent]
        if names:
            found = self._look(names)
            self._settle(found)
            for name in dict.fromkeys([*found.lagging, *found.redo]):
                self._bring(name)
            self._finish()
        if self._view.index.deltas != self._head.number:
            deque(self.delta_files(), maxlen=0)
            self._finish()

    def _mend(self, *, edits: bool) -> None:
        """After opening for writing: write the view again where it lags, take in what was changed by hand."""
        if self._head.number < 0:
            self._note_earlier_life()
            self._view.suspect = False  # nothing of ours can lie there; what somebody writes is an edit
            self._view.save(clean=False)
            return
        index = self._view.index
        lags = index.frame != [self._head.number, self._head.tock]
        names = self.view.names()
        self._restored(names)
        found = self._look({*self._head.documents, *self._view.names, *names})
        if edits:
            self._settle(found)
        for name in dict.fromkeys([*found.lagging, *found.redo]):
            self._bring(name)
        again = self._view.rebooted  # neither of these is synced at the end of a run
        frames = self._keep_deltas if again or index.frame is None else 0
        if lags and index.frame is not None:  # the frame it shows may have got a tock since
            frames = max(frames, self._head.number - index.frame[0] + 1, 1)
        for frame in range(max(self._head.number - frames, 0) + 1, self._head.number + 1):
            self._show_quarantine(self.set_aside(frame), frame)
        if index.deltas != self._head.number or again:
            deque(self.delta_files(again=again), maxlen=0)
        if lags or found.lagging:
            self.notes.append(
                f"the documents of frame {self._head.number} were written again from the journal"
            )
        index.frame, index.record = [self._head.number, self._head.tock], self._head.latest
        self._view.suspect = False
        self._view.save(clean=False)

    def _note_earlier_life(self) -> None:
        """Say where deltas lie there that this world, which begins only now, has not made."""
        newest = self.view.newest_delta() if isinstance(self.view, Files) else None
        if newest is not None:
            self.notes.append(
                f"{DELTAS}/ holds deltas of an earlier life, up to frame {newest}, of which no journal is "
                f"there; a new history begins, and those whose names it needs are kept in {DELTAS}/{BEFORE}/"
            )
