"""The view: keeps documents as the journal says, and finds what others changed. It journals nothing.

The index holds, for each document, its fingerprint when last written or read and the digest of its value
then, so that nothing is read again that nobody touched. It is a hint: without it everything is read once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lisppump import canon
from lisppump.disk import APPEND, StateError, trouble, write_all
from lisppump.documents import appended, digest, encode, is_log, is_text
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.keep import Keep

COMPACT = 256 * 1024  # bytes of additions after which the index is written anew


@dataclass(slots=True)
class Findings:
    """What is unlike the head: hand edits (None: removed), and what must be written again."""

    edits: dict[str, Any] = field(default_factory=dict)
    redo: list[str] = field(default_factory=list)
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


class View:
    """A reservoir and its index; `frame` is the newest one whose view was finished."""

    def __init__(self, reservoir: Any, keep: Keep, *, write: bool) -> None:
        self.reservoir = reservoir
        self.keep = keep
        self.frame: list[int] | None = None
        self.suspect = False
        self._entries: dict[str, tuple[tuple[int, ...], str]] = {}
        self._fresh: dict[str, Any] = {}
        self._unsynced: set[str] = set()
        self._grown = 0
        self._boot = ""
        self._clean = True
        self._load()
        now = keep.disk.boot()
        self.rebooted = bool(self._boot) and self._boot != now
        self.suspect = self.rebooted and not self._clean
        if write:
            self._boot = now
            if isinstance(reservoir, Files):
                reservoir.disk, reservoir.temporary = keep.disk, keep.folder / "tmp"

    # -- reading ---------------------------------------------------------------------------------------------

    def holds(self, name: str, wanted: str) -> bool:
        """True when the document is untouched since it had the digest that is wanted."""
        if self.suspect:
            return False  # after a power cut a file may look untouched and have lost its bytes
        entry = self._entries.get(name)
        return entry is not None and entry[1] == wanted and self.reservoir.fingerprint(name) == entry[0]

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
        elif self.reservoir.fingerprint(name) is not None:
            try:
                value = self.reservoir.read(name)
            except StateError:
                return past()
            if digest(name, value) == wanted:
                return value
        return past()

    def look(
        self,
        names: Iterable[str],
        head: Mapping[str, Mapping[str, Any]],
        *,
        past: Callable[[str], Any],
        earlier: Callable[[str], frozenset[str]],
    ) -> Findings:
        """Compare documents with the head: what is ours and lags is written again, the rest are edits."""
        found = Findings()
        for name in () if isinstance(self.reservoir, Unseen) else names:
            wanted = head[name]["digest"] if name in head else None
            entry, print_ = self._entries.get(name), self.reservoir.fingerprint(name)
            lags = entry is None or entry[1] != wanted
            if entry is not None and entry[0] == print_ and not (self.suspect and print_):
                if lags:
                    found.redo.append(name)
            elif print_ is None:
                self._look_missing(name, wanted, lags or self.suspect, found)
            else:
                self._look_touched(name, wanted, lags, found, past, earlier)
        return found

    def _look_missing(self, name: str, wanted: str | None, ours: bool, found: Findings) -> None:
        if wanted is None:
            self._forget(name)
        elif ours:
            found.redo.append(name)
        else:
            found.edits[name] = None

    def _look_touched(
        self,
        name: str,
        wanted: str | None,
        lags: bool,
        found: Findings,
        past: Callable[[str], Any],
        earlier: Callable[[str], frozenset[str]],
    ) -> None:
        before = self.reservoir.fingerprint(name)
        try:
            value = self.reservoir.read(name)
            now = digest(name, value)
        except LisppumpError:
            if wanted is not None and (self.suspect or (lags and self._cut_short(name, past))):
                self._set_aside(name, found)
                return
            raise
        if now == wanted:
            self._note(name, before, now)
        elif wanted is not None and lags and (now in earlier(name) or self._cut_short(name, past)):
            found.redo.append(name)
        elif wanted is None and self.suspect and now in earlier(name):
            found.redo.append(name)  # it was removed, and the power cut brought it back
        elif wanted is not None and self.suspect:
            self._set_aside(name, found)
        else:
            found.edits[name] = value

    def _cut_short(self, name: str, past: Callable[[str], Any]) -> bool:
        """True when the file is a beginning of what should be there: our own append, cut off."""
        if not isinstance(self.reservoir, Files) or not (is_log(name) or is_text(name)):
            return False
        return encode(name, past(name)).startswith(self.reservoir.raw(name))

    def _set_aside(self, name: str, found: Findings) -> None:
        if isinstance(self.reservoir, Files):
            kept = self.keep.blob(self.reservoir.raw(name))
            found.notes.append(
                f"{name} was not whole after a crash and is written again; what lay there is {kept}"
            )
        found.redo.append(name)

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, name: str, old: Any, new: Any) -> None:
        """Bring one document from its old value to its new one; where it can, it only appends."""
        more: Any = None
        if name in self._entries:
            if is_log(name):
                more = appended(old, new)
            elif is_text(name) and isinstance(old, str) and isinstance(new, str) and new.startswith(old):
                more = [new[len(old) :]]
        if more is None:
            self.reservoir.write(name, new)
        elif more:
            self.reservoir.append(name, more)

    def adopt(self, name: str, digest: str) -> None:
        """Take the document as it lies there for the value with that digest."""
        self._note(name, self.reservoir.fingerprint(name), digest)
        self._unsynced.add(name)

    def remove(self, name: str) -> None:
        """Take a document away."""
        self.reservoir.delete(name)
        self._forget(name)

    def _note(self, name: str, fingerprint: tuple[int, ...] | None, digest: str) -> None:
        if fingerprint is not None:
            self._entries[name] = (fingerprint, digest)
            self._fresh[name] = [list(fingerprint), digest]

    def _forget(self, name: str) -> None:
        if self._entries.pop(name, None) is not None:
            self._fresh[name] = None

    # -- the index -------------------------------------------------------------------------------------------

    def finish(self, frame: int, tock: int) -> None:
        """Note that the view of this frame is whole."""
        self.frame = [frame, tock]
        self._clean = False
        if self._grown > COMPACT:
            self.save(clean=False)
            return
        data = canon.line({"frame": self.frame, "documents": self._fresh}) + b"\n"
        try:
            fd = self.keep.disk.open(str(self.keep.folder / "index"), APPEND)
            try:
                write_all(self.keep.disk, fd, data)
            finally:
                self.keep.disk.close(fd)
        except OSError as error:
            raise trouble(error, "writing the index") from error
        self._grown += len(data)
        self._fresh = {}

    def save(self, *, clean: bool) -> None:
        """Write the index anew; `clean` says that all documents are safely on the disk, and makes it so."""
        try:
            if clean and isinstance(self.reservoir, Files):
                self.reservoir.sync(sorted(self._unsynced))
            self._unsynced.clear()
            documents = {name: [list(entry[0]), entry[1]] for name, entry in sorted(self._entries.items())}
            index = {"boot": self._boot, "clean": clean, "frame": self.frame, "documents": documents}
            self.keep.put("index", canon.line(index) + b"\n")
        except OSError as error:
            raise trouble(error, "writing the index") from error
        self._grown, self._fresh, self._clean = 0, {}, clean

    def _load(self) -> None:
        for text in (self.keep.get("index") or b"").splitlines():
            try:
                line = canon.loads(text)
                documents = dict(line.get("documents", {}))
            except (LisppumpError, ValueError, AttributeError):
                return  # the rest was never written; what it said is found out again
            self._boot = line.get("boot", self._boot)
            self._clean = line.get("clean", False)
            self.frame = line.get("frame", self.frame)
            for name, entry in documents.items():
                if entry is None:
                    self._entries.pop(name, None)
                else:
                    self._entries[name] = (tuple(entry[0]), entry[1])

    @property
    def names(self) -> list[str]:
        """All documents that the index knows."""
        return sorted(self._entries)


def quarantine_path(frame: int) -> str:
    """Where the quarantined items of a frame are shown."""
    return os.path.join("quarantine", f"frame-{frame:06d}.json")
