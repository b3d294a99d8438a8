"""The half of the state store that writes its view: documents, delta files, the index. It makes no frame.

A JSON document may lag behind the journal, and so may delta files, until somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from lisppump import canon
from lisppump.archive import Archive
from lisppump.delta import Delta
from lisppump.disk import StateError
from lisppump.documents_members import Members
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.frame import Frame
from lisppump.history import Head, Past
from lisppump.journal import Journal, Record
from lisppump.keep import Keep
from lisppump.line import alive
from lisppump.view import View, quarantine_path

Aside = Mapping[int, Sequence[Mapping[str, Any]]]  # what frames set aside, by number
Due = tuple[Frame, Mapping[str, Any], Aside]  # to be shown: the frame that is, documents that changed since
SHARE = 8  # a document is written again when the changes since the last time are this part of its size


@runtime_checkable
class Reservoir(Protocol):
    """Where the documents of a frame live."""

    def names(self) -> Sequence[str]:
        """All document names, sorted."""
        ...

    def read(self, name: str) -> Any:
        """The document's value: JSON data, a list for JSON Lines, text for Markdown."""
        ...

    def write(self, name: str, value: Any) -> None:
        """Replace a document atomically."""
        ...

    def append(self, name: str, items: Sequence[Any]) -> None:
        """Add items to a JSON-Lines document or text to a Markdown one."""
        ...

    def delete(self, name: str) -> None:
        """Remove a document."""
        ...

    def fingerprint(self, name: str) -> tuple[int, ...] | None:
        """Something that differs when the document was touched from outside (size, mtime, inode)."""
        ...


class Shelf(Archive):
    """A world's journal, and the view of it as it is written."""

    def __init__(self, keep: Keep, journal: Journal, head: Head, view: View, *, keep_deltas: int) -> None:
        super().__init__(keep, journal, head, view)
        self._keep_deltas = keep_deltas
        self._members: dict[str, tuple[str, Members]] = {}  # of the head, by digest
        self._pending: dict[str, int] = {}  # bytes that changed since a document was written
        self._newest: tuple[int, tuple[Delta, ...]] = (-1, ())
        self._partly = (0, 0)  # the frame whose delta files were written last, and how many of them
        self._dropped = 0  # the newest frame whose delta files were taken away
        self._due: Due | None = None
        self.view: Reservoir = view.reservoir
        self.notes: list[str] = list(journal.notes)

    def _record(self, kind: str, **fields: Any) -> Record:
        record = self._journal.append(kind, **fields)
        self._head.take(record)
        self._journal.dead = self._head.dead
        return record

    def lagging(self) -> list[str]:
        """The documents whose files are behind the journal; reading one takes it from there."""
        return self._view.lagging(self._head.documents, self._head.latest)

    # -- showing ---------------------------------------------------------------------------------------------

    def _may_lag(self, name: str) -> bool:
        """True where a JSON document changed so little since it was written that this can wait."""
        known = self._members.get(name)
        if known is None or self._view.written(name) is None:
            return False
        return self._pending.get(name, 0) * SHARE < len(known[1].data)

    def _bring(self, name: str) -> None:
        """Write a document whole, as the head has it."""
        if name in self._head.documents:
            self._write(name)
        else:
            self._view.remove(name)

    def _write(self, name: str, old: Any = None, over: str | None = None) -> None:
        digest = self._head.documents[name]["digest"]
        if name in self._members and canon.digest(self._now().documents[name]) != digest:
            self._heal(name)
        self._view.write(name, old, self._now().documents[name], over=over)
        self._view.adopt(name, digest, self._head.latest)
        self._pending.pop(name, None)

    def _heal(self, name: str) -> None:
        """Take a document from the journal that somebody changed in memory: nothing of that is written."""
        self._cells[name] = Past(self._journal, self._head.latest).cell(name)
        self._members.pop(name)
        self._frame = None
        self.notes.append(
            f"{changed_in_memory(name, self._head.number).message}; it is as the journal has it"
        )

    def _now(self) -> Frame:
        head = self.head
        if head is None:
            raise StateError("bad-document", "the world has no frame 0 yet", help="run `lisppump run`")
        return head

    def _finish(self) -> None:
        self._view.index.frame = [self._head.number, self._head.tock]
        self._view.index.record = self._head.latest
        self._view.index.add()

    def delta_files(self, *, again: bool = False) -> Iterator[None]:
        """Take away the delta files of frames that are kept no more, write what is missing; a step a file.

        Who stops before the end loses nothing: the next goes on with the frame that is not finished, or takes
        away what there is of it. That is always the one behind `index.deltas`.
        """
        index, number = self._view.index, self._head.number
        gone, again = number - self._keep_deltas, again or index.deltas < 0
        if again:
            self._show_line(max(gone, 0) + 1)
        if isinstance(self.view, Files):
            shown = gone if again else index.deltas
            for frame in range(max(shown - self._keep_deltas, self._dropped) + 1, min(shown + 1, gone) + 1):
                for said in (self.commit_record(frame) or {"deltas": ()})["deltas"]:
                    if self.view.drop_deltas([_file_name(said)]):
                        yield
                self._dropped = frame
            if not again:
                index.deltas = shown = max(shown, gone)
            for frame in range(max(shown, gone, 0) + 1, number + 1):
                known, deltas = self._newest
                done = self._partly[1] if self._partly[0] == frame and not again else 0
                for delta in (deltas if known == frame else self.deltas(frame))[done:]:
                    self.view.write_delta(delta.file_name, canon.document(delta.to_json()), again=again)
                    done += 1
                    self._partly = (frame, done)
                    yield
                if not again:
                    index.deltas = frame
        index.deltas = number

    def _show_line(self, oldest: int) -> None:
        """Take away what shows frames that are not on the line any more; put back what lies in quarantine."""
        dead = self._head.dead
        for seq in self._journal.select("commit", dead=()) if dead else ():
            if seq < dead[0][0]:
                break
            if alive(seq, dead):
                continue
            commit = self._journal.read(seq).fields
            if isinstance(self.view, Files):
                self.view.drop_deltas(_file_name(said) for said in commit["deltas"])
            self._keep.drop(quarantine_path(commit["frame"]))
        for number in range(oldest, self._head.number + 1):
            self._show_quarantine(self.set_aside(number), number)

    def _show_quarantine(self, quarantine: Sequence[Mapping[str, Any]], frame: int) -> None:
        if quarantine:
            self._keep.put(quarantine_path(frame), canon.document(list(quarantine)), sync=False)


def changed_in_memory(name: str, number: int) -> LisppumpError:
    """The error for a document that somebody changed in memory, where a frame is only read."""
    return LisppumpError(
        "contract",
        f"a stage changed {name} of frame {number} in memory, where it may only read",
        help="nothing of it was written; plugins get copies: it is Python that was handed the frame itself",
    )


def _file_name(said: Mapping[str, Any]) -> str:
    return Delta(said["frame"], said["stream"], "", {}, node=said["node"], epoch=said["epoch"]).file_name
