"""The view: keeps documents as the journal says, and finds what others changed. It journals nothing.

The index holds, for each document, its fingerprint when last written or read, the digest of its value then
and the number of the record that made that value, so that nothing is read again that nobody touched. It is a
hint: without it everything is read once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lisppump import canon
from lisppump.blobs import printed_by
from lisppump.disk import APPEND, StateError, trouble, write_all
from lisppump.documents import MEND, appended, digest, encode, is_log, is_text
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.keep import Keep
from lisppump.merge_edits import ABSENT

COMPACT = 256 * 1024  # bytes of additions after which the index is written anew


@dataclass(frozen=True, slots=True)
class Written:
    """A document as it was last written or read: its fingerprint, its digest, the record that made it so."""

    print: tuple[int, ...]
    digest: str
    seq: int = 0  # 0: it is not known

    def to_json(self) -> list[Any]:
        """As the index keeps it."""
        return [list(self.print), self.digest, self.seq]


@dataclass(frozen=True, slots=True)
class Touch:
    """A document that somebody else changed: its value now (ABSENT: removed), the digest, the last write."""

    value: Any
    digest: str
    written: Written | None


@dataclass(slots=True)
class Findings:
    """What is unlike the head.

    `touched` was changed by others, `lagging` is ours as it was written before, `redo` must be written again,
    `unread` cannot be read, and why.
    """

    touched: dict[str, Touch] = field(default_factory=dict)
    lagging: list[str] = field(default_factory=list)
    redo: list[str] = field(default_factory=list)
    unread: dict[str, LisppumpError] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Unseen:
    """Stands where a reservoir cannot be had: documents come from the journal, no hand edit is seen."""

    options: tuple[Any, ...] = ()

    def __init__(self, folder: object) -> None:
        pass

    def names(self) -> list[str]:
        """None that could be read here."""
        return []

    def fingerprint(self, name: str) -> None:
        """Nothing is there."""


class Index:
    """What is known of the documents of a reservoir, kept in a file.

    `frame` is the newest that was shown, `latest` the record that made it (0: an old file does not say).
    """

    def __init__(self, keep: Keep) -> None:
        self.keep = keep
        self.frame: list[int] | None = None
        self.record = 0  # the record that made the frame that was shown; 0 where it is not known
        self.deltas = -1  # the newest frame whose deltas were written; -1 where it is not known
        self.entries: dict[str, Written] = {}
        self.boot = ""
        self.clean = True
        self._fresh: dict[str, Any] = {}
        self._grown = 0
        self.load()

    def load(self) -> None:
        """Read the file; whatever it does not say is found out again."""
        self.entries.clear()
        for text in (self.keep.get("index") or b"").splitlines():
            try:
                line = canon.loads(text)
                documents = dict(line.get("documents", {}))
            except (LisppumpError, ValueError, AttributeError):
                return  # the rest was never written; what it said is found out again
            self.boot = line.get("boot", self.boot)
            self.clean = line.get("clean", False)
            self.frame = line.get("frame", self.frame)
            self.record = line.get("record", self.record)
            self.deltas = line.get("deltas", self.deltas)
            for name, entry in documents.items():
                if entry is None:
                    self.entries.pop(name, None)
                else:
                    self.entries[name] = Written(tuple(entry[0]), *entry[1:])

    def note(self, name: str, written: Written) -> None:
        """Set down how a document lies there."""
        self.entries[name] = written
        self._fresh[name] = written.to_json()

    def forget(self, name: str) -> None:
        """A document is not there any more."""
        if self.entries.pop(name, None) is not None:
            self._fresh[name] = None

    def settle(self) -> None:
        """Append what was noted since the last time, where anything was."""
        if self._fresh:
            self.add()

    def add(self) -> None:
        """Append what was noted since the last time."""
        self.clean = False
        if self._grown > COMPACT:
            self.save(clean=False)
            return
        line = {
            "frame": self.frame,
            "record": self.record,
            "deltas": self.deltas,
            "documents": self._fresh,
        }
        data = canon.line(line) + b"\n"
        disk = self.keep.disk
        try:
            fd = disk.open(str(self.keep.folder / "index"), APPEND)
            try:
                write_all(disk, fd, data)
            finally:
                disk.close(fd)
        except OSError as error:
            raise trouble(error, "writing the index") from error
        self._grown += len(data)
        self._fresh = {}

    def save(self, *, clean: bool) -> None:
        """Write it anew; `clean` says that all documents are safely on the disk."""
        documents = {name: entry.to_json() for name, entry in sorted(self.entries.items())}
        index = {
            "boot": self.boot,
            "clean": clean,
            "frame": self.frame,
            "record": self.record,
            "deltas": self.deltas,
            "documents": documents,
        }
        try:
            self.keep.put("index", canon.line(index) + b"\n")
        except OSError as error:
            raise trouble(error, "writing the index") from error
        self._grown, self._fresh, self.clean = 0, {}, clean


class View:
    """A reservoir and its index; `suspect` says that a power cut may have spoilt what lies there."""

    def __init__(self, reservoir: Any, keep: Keep, *, write: bool) -> None:
        self.reservoir = reservoir
        self.keep = keep
        self.index = Index(keep)
        now = keep.disk.boot()
        self.rebooted = bool(self.index.boot) and self.index.boot != now
        self.suspect = self.rebooted and not self.index.clean
        self._unsynced: set[str] = set()
        if write:
            self.index.boot = now
            if isinstance(reservoir, Files):
                reservoir.disk, reservoir.temporary = keep.disk, keep.folder / "tmp"

    # -- reading ---------------------------------------------------------------------------------------------

    def written(self, name: str) -> Written | None:
        """How a document was last written or read."""
        return self.index.entries.get(name)

    def untouched(self, name: str) -> bool:
        """True when a document lies there as it was last written or read."""
        if self.suspect:
            return False  # after a power cut a file may look untouched and have lost its bytes
        entry = self.written(name)
        return entry is not None and self._print(name) == entry.print

    def holds(self, name: str, wanted: str) -> bool:
        """True when the document is untouched since it had the digest that is wanted."""
        entry = self.written(name)
        return entry is not None and entry.digest == wanted and self.untouched(name)

    def read(self, name: str, wanted: str, past: Callable[[], Any]) -> Any:
        """The value with the wanted digest: from the reservoir where that has it, else from the past."""
        if self.holds(name, wanted):
            try:
                value = self.reservoir.read(name)
            except StateError:
                if self.holds(name, wanted):
                    raise
                return past()
            if self.holds(name, wanted):  # nobody wrote while it was being read
                return value
        elif not self.untouched(name) and self._there(name):
            try:
                value = self.reservoir.read(name)
            except StateError:
                return past()
            if digest(name, value) == wanted:
                return value
        return past()

    def _there(self, name: str) -> bool:
        return self._print(name) is not None

    def _print(self, name: str) -> tuple[int, ...] | None:
        """The fingerprint of a document; None also where something lies there that is no file."""
        try:
            return self.reservoir.fingerprint(name)  # type: ignore[no-any-return]
        except StateError:
            return None

    def look(
        self,
        names: Iterable[str],
        head: Mapping[str, Mapping[str, Any]],
        *,
        latest: int,
        past: Callable[[str], Any],
        earlier: Callable[[str, str], bool],
        begins: Callable[[str, bytes], bool],
    ) -> Findings:
        """Compare documents with the head, made by the record `latest`.

        `past` gives a document of the head; `earlier` says whether one ever had a digest, `begins` whether
        bytes are a beginning of what one was lately.
        """
        found = Findings()
        for name in () if isinstance(self.reservoir, Unseen) else names:
            wanted = head[name]["digest"] if name in head else None
            entry = self.written(name)
            try:
                print_ = self.reservoir.fingerprint(name)
            except StateError as error:  # something lies there that is no file
                found.unread[name] = error
                continue
            if entry is not None and entry.print == print_ and not self.suspect:
                if entry.digest != wanted:
                    found.lagging.append(name)
            elif print_ is None:
                self._look_missing(name, wanted, entry, found)
            elif (touch := self._opened(name, wanted, print_, past, found)) is not None:
                there = Written(print_, touch.digest, latest)
                if self._is_edit(name, wanted, there, touch, found, earlier):
                    if wanted is not None and self._torn(name, touch, begins):
                        self._set_aside(name, found)
                    else:
                        found.touched[name] = touch
        return found

    def _look_missing(self, name: str, wanted: str | None, entry: Written | None, found: Findings) -> None:
        if wanted is None:
            self.index.forget(name)
        elif entry is None or self.suspect:
            found.redo.append(name)
        else:
            found.touched[name] = Touch(ABSENT, "", entry)

    def _opened(
        self,
        name: str,
        wanted: str | None,
        print_: tuple[int, ...],
        past: Callable[[str], Any],
        found: Findings,
    ) -> Touch | None:
        """What lies there now; None where that is our own writing, cut off, or cannot be read."""
        entry = self.written(name)
        lags = wanted is not None and (entry is None or entry.digest != wanted)
        try:
            value = self.reservoir.read(name)
            now = digest(name, value)
        except LisppumpError as error:
            short = lags and self._cut_short(name, print_, entry, past)
            if wanted is not None and (self.suspect or short):
                self._set_aside(name, found)
            else:
                found.unread[name] = droppable(name, error)
            return None
        if now != wanted and lags and self._cut_short(name, print_, entry, past):
            found.redo.append(name)
            return None
        return Touch(value, now, entry)

    def _is_edit(
        self,
        name: str,
        wanted: str | None,
        there: Written,
        touch: Touch,
        found: Findings,
        earlier: Callable[[str, str], bool],
    ) -> bool:
        """False for what is known to be ours by its digest, which is told in what was found."""
        entry = touch.written
        if touch.digest == wanted:
            self.index.note(name, there)
        elif entry is not None and touch.digest == entry.digest:
            self.index.note(name, Written(there.print, entry.digest, entry.seq))
            found.lagging.append(name)
        elif (self.suspect or (entry is None and wanted is not None)) and earlier(name, touch.digest):
            found.redo.append(name)  # a power cut may bring back what was written over, or removed
        else:
            return True
        return False

    def _torn(self, name: str, touch: Touch, begins: Callable[[str, bytes], bool]) -> bool:
        """True where a power cut took the end of our own text or log, or whole blocks of a text.

        JSON that can be read is whole: it has its last bracket.
        """
        if not self.suspect or not isinstance(self.reservoir, Files):
            return False
        if is_text(name) and "\0" in touch.value:
            return True
        return (is_log(name) or is_text(name)) and begins(name, self.reservoir.raw(name))

    def _cut_short(
        self, name: str, print_: tuple[int, ...], entry: Written | None, past: Callable[[str], Any]
    ) -> bool:
        """True when the file is a beginning of what should be, behind what was there: our own append, cut."""
        if not isinstance(self.reservoir, Files) or not (is_log(name) or is_text(name)):
            return False
        if entry is not None and print_[0] <= entry.print[0]:
            return False
        return encode(name, past(name)).startswith(self.reservoir.raw(name))

    def _set_aside(self, name: str, found: Findings) -> None:
        if isinstance(self.reservoir, Files) and self.keep.writing:
            kept = self.keep.blob(self.reservoir.raw(name))
            found.notes.append(
                f"{name} was not whole after a crash and is written again; what lay there is {kept}: "
                f"{printed_by(kept)}"
            )
        found.redo.append(name)

    def lagging(self, head: Mapping[str, Mapping[str, Any]], latest: int | None = None) -> list[str]:
        """The documents that lie there unlike the head; not those written for records behind `latest`."""
        return [
            name
            for name, entry in sorted(self.index.entries.items())
            if (latest is None or entry.seq <= latest)
            and entry.digest != (head[name]["digest"] if name in head else None)
        ]

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, name: str, old: Any, new: Any, *, over: str | None = None) -> None:
        """Bring one document to its new value; what only has more than `old` is appended to.

        `over` is the digest of the old value; where something else lies there all is written.
        """
        more: Any = None
        entry = self.written(name)
        if entry is not None and entry.digest == over:
            if is_log(name):
                more = appended(old, new)
            elif is_text(name) and isinstance(old, str) and isinstance(new, str) and new.startswith(old):
                more = [new[len(old) :]]
        if more is None:
            self.reservoir.write(name, new)
        elif more:
            self.reservoir.append(name, more)

    def adopt(self, name: str, digest: str, seq: int) -> None:
        """Take the document as it lies there for the value with that digest, made by that record."""
        print_ = self.reservoir.fingerprint(name)
        if print_ is not None:
            self.index.note(name, Written(print_, digest, seq))
        self._unsynced.add(name)

    def remove(self, name: str) -> None:
        """Take a document away."""
        self.reservoir.delete(name)
        self.index.forget(name)

    def save(self, *, clean: bool) -> None:
        """Write the index anew; `clean` says that all documents are safely on the disk, and makes it so."""
        try:
            if clean and isinstance(self.reservoir, Files):
                self.reservoir.sync(sorted(self._unsynced))
        except OSError as error:
            raise trouble(error, "syncing the documents") from error
        self._unsynced.clear()
        self.index.save(clean=clean)

    @property
    def names(self) -> list[str]:
        """All documents that the index knows."""
        return sorted(self.index.entries)


def droppable(name: str, error: LisppumpError) -> LisppumpError:
    """The error of a document that cannot be read, whose help names the way back to what it was."""
    back = f"or let `lisppump edits drop {name}` put back what the frames left there, and keep this aside"
    help = "mend the file" if error.help in (None, MEND) else f"{error.help}"
    return StateError(error.code, error.message, span=error.span, help=f"{help}, {back}", data=error.data)


def quarantine_path(frame: int) -> str:
    """Where the quarantined items of a frame are shown."""
    return os.path.join("quarantine", f"frame-{frame:06d}.json")
