"""Saves what can be saved of a damaged journal, and says what was lost. What it replaces it keeps aside.

Where a lost record is not needed to rebuild a frame, or a snapshot stands behind it, one of kind `lost` takes
its place and all that comes after stays. Else the journal is cut, and newer documents are kept as an edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lisppump import canon
from lisppump.audit import Audit, Hole, audit
from lisppump.disk import NEW, trouble, write_all
from lisppump.documents import digest, encode, entry
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.history import Head, Past
from lisppump.journal import Journal
from lisppump.keep import FOLDER, REPAIRING, Keep
from lisppump.records import chained, encoded, pack
from lisppump.reservoir import Store
from lisppump.salvage import Found, Gap, walk
from lisppump.segments import numbers, path_of
from lisppump.survey import Survey, planned, recovered
from lisppump.view import Unseen, View


def repair(root: str | Path, view: Any) -> Survey:
    """Do it; afterwards `verify` finds nothing and the world runs on."""
    keep = Keep.open(Path(root) / FOLDER, write=True)
    try:
        _restore(keep)
        found = audit(keep)
        plan = planned(keep, found, view)
        if not plan.faults:
            return plan
        plan.aside = _set_aside(keep, found, plan, view)
        _rewrite(keep, plan)
        _blobs(keep, found, plan, view)
        _append(keep, plan, view)
        keep.disk.unlink(str(keep.folder / REPAIRING))
        keep.disk.sync_folder(str(keep.folder))
    except OSError as error:
        raise trouble(error, "repairing the journal") from error
    finally:
        keep.close()
    if isinstance(view, Unseen):
        return plan
    Store.open(root, view, write=True).close()  # it brings the documents to the journal's newest frame
    return plan


def _restore(keep: Keep) -> None:
    """Begin anew where a repair was interrupted: what it kept aside is put back first."""
    mark = keep.get(REPAIRING)
    if mark is None:
        return
    said = canon.loads(mark)
    aside = keep.folder / said["aside"] / "journal"
    for name in said["files"]:
        _copy(keep, aside / name, keep.folder / "journal" / name)
    for number in numbers(keep.folder / "journal"):
        for packed in (False, True):
            path = path_of(keep.folder / "journal", number, packed=packed)
            if number >= said["first"] and path.name not in said["files"] and path.exists():
                keep.disk.unlink(str(path))
    keep.disk.sync_folder(str(keep.folder / "journal"))
    index = keep.get(f"{said['aside']}/index")
    if index is not None:
        keep.put("index", index)


def _copy(keep: Keep, source: Path, target: Path) -> None:
    keep.disk.mkdir(str(target.parent))
    fd = keep.disk.open(str(target), NEW)
    try:
        write_all(keep.disk, fd, source.read_bytes())
        keep.disk.sync(fd)
    finally:
        keep.disk.close(fd)


def _first(found: Audit, plan: Survey) -> int | None:
    """The first segment that is not left as it is."""
    ours = {id(fault) for fault in (*found.bad_blobs.values(), *found.bad_snaps.values())}
    harmed = [f.segment for f in found.faults if f.segment is not None and id(f) not in ours]
    if plan.cut is not None:
        place = next(s.segment for s in walk(found.keep.folder / "journal") if _at(s, plan.cut))
        harmed.append(place)
    return min(harmed, default=None)


def _at(step: Found | Gap, cut: int) -> bool:
    return isinstance(step, Found) and step.record.seq >= cut - 1


def _set_aside(keep: Keep, found: Audit, plan: Survey, view: Any) -> str:
    """Copy every file that will be changed, and note that a repair is under way."""
    number = 1
    while (keep.folder / f"damaged-{number}").exists():
        number += 1
    name = f"damaged-{number}"
    aside = keep.folder / name
    first = _first(found, plan)
    files = []
    for path in sorted((keep.folder / "journal").iterdir()):
        stem = path.name.partition(".")[0]
        if first is not None and stem.isdigit() and int(stem) >= first:
            _copy(keep, path, aside / "journal" / path.name)
            files.append(path.name)
    for kind, known, path_of_ in (
        ("blobs", found.bad_blobs, keep.blob_path),
        ("snap", found.bad_snaps, keep.snap_path),
    ):
        for digest_ in sorted(known):
            if path_of_(digest_).exists():
                _copy(keep, path_of_(digest_), aside / kind / path_of_(digest_).name)
    _set_view_aside(keep, aside, view)
    keep.put(f"{name}/repair.json", canon.document({**plan.to_json(), "aside": name}))
    said = {"aside": name, "first": first if first is not None else 1 << 62, "files": files}
    keep.put(REPAIRING, canon.line(said))
    return name


def _set_view_aside(keep: Keep, aside: Path, view: Any) -> None:
    """Copy the documents as they lie there, and what is known of them."""
    if (keep.folder / "index").exists():
        _copy(keep, keep.folder / "index", aside / "index")
    if isinstance(view, Files):
        for name in view.names():
            _copy(keep, Path(view.folder) / name, aside / "state" / name)


def _rewrite(keep: Keep, plan: Survey) -> None:
    """Write the segments from the first fault on anew, each record chained to the one before it."""
    mark = canon.loads(keep.get(REPAIRING) or b"")
    folder, first = keep.folder / "journal", mark["first"]
    if not mark["files"] and first > len(numbers(folder)):
        return
    writer = _Writer(keep, plan, first)
    for step in walk(folder):
        if not writer.take(step):
            break
    writer.finish()
    for number in numbers(folder):
        if number >= first:
            path = path_of(folder, number)
            if number in writer.written:
                keep.disk.rename(writer.written[number], str(path))
            elif path.exists():
                keep.disk.unlink(str(path))
            packed = path_of(folder, number, packed=True)
            if packed.exists():
                keep.disk.unlink(str(packed))
    for number, temporary in writer.written.items():
        if Path(temporary).exists():
            keep.disk.rename(temporary, str(path_of(folder, number)))
    keep.disk.sync_folder(str(folder))


class _Writer:
    """New segments in temporary files; `written` says where each lies."""

    def __init__(self, keep: Keep, plan: Survey, first: int) -> None:
        self.written: dict[int, str] = {}
        self._keep = keep
        self._plan = plan
        self._first = first
        self._gaps: list[Gap] = []
        self._expected = 1
        self._prev = ""
        self._number = 0
        self._fd = -1

    def take(self, step: Found | Gap) -> bool:
        """One step of the walk; False when the rest is cut away."""
        if isinstance(step, Gap):
            if not step.torn:
                self._gaps.append(step)
            return True
        seq = step.record.seq
        if seq < self._expected:
            return True
        self._fill(seq, [gap.segment for gap in self._gaps] or [step.segment])
        self._gaps.clear()
        if self._plan.cut is not None and seq >= self._plan.cut:
            return False
        if self._hole(seq) is not None:
            self._lost(step.segment, seq)
        else:
            fields = dict(step.record.fields)
            self._put(step.segment, encoded(step.record.kind, seq, self._prev, fields), step.payload)
        return True

    def finish(self) -> None:
        """The walk is over: fill what is missing at the end, and sync the last segment."""
        if self._gaps:
            hole = self._hole(self._expected)
            end = self._expected + (hole.count if hole is not None else 0)
            self._fill(end, [gap.segment for gap in self._gaps])
        self._close()

    def _fill(self, end: int, segments: Sequence[int]) -> None:
        """Put `lost` records where some are missing; each segment that lies there gets one at least."""
        if self._plan.cut is not None:
            end = min(end, self._plan.cut)
        places = sorted(set(segments))
        while self._expected < end:
            place = places.pop(0) if len(places) > 1 else places[0]
            self._lost(place, self._expected)

    def _hole(self, seq: int) -> Hole | None:
        return next((h for h in self._plan.holes if h.first <= seq < h.first + h.count), None)

    def _lost(self, segment: int, seq: int) -> None:
        hole = self._hole(seq)
        fault = hole.fault if hole is not None else None
        fields: dict[str, Any] = {
            "needed": bool(hole is not None and hole.needed),
            "what": fault.what if fault is not None else "it is missing",
            "segment": segment,
            "offset": fault.offset if fault is not None else None,
        }
        if fault is not None and fault.frame is not None:
            fields = {"frame": fault.frame, **fields}
        self._put(segment, encoded("lost", seq, self._prev, fields), b"")

    def _put(self, segment: int, payload: bytes, was: bytes) -> None:
        if segment < self._first:  # that segment stays as it is
            payload = was or payload
        else:
            self._open(segment)
            write_all(self._keep.disk, self._fd, pack(payload))
        self._prev = chained(payload)
        self._expected += 1

    def _open(self, segment: int) -> None:
        if segment == self._number:
            return
        self._close()
        path = str(self._keep.folder / "tmp" / f"repaired-{segment:08d}")
        self._fd = self._keep.disk.open(path, NEW)
        self._number, self.written[segment] = segment, path

    def _close(self) -> None:
        if self._fd >= 0:
            self._keep.disk.sync(self._fd)
            self._keep.disk.close(self._fd)
            self._fd = -1


def _blobs(keep: Keep, found: Audit, plan: Survey, view: Any) -> None:
    """Write lost blobs again where they can be had; the damaged ones go, their copies lie aside."""
    for digest_ in found.bad_snaps:
        if keep.has_snap(digest_):
            keep.disk.unlink(str(keep.snap_path(digest_)))
    for digest_ in found.bad_blobs:
        data = recovered(found, digest_, keep, view)
        if keep.blob_path(digest_).exists():
            keep.disk.unlink(str(keep.blob_path(digest_)))
        if data is not None:
            keep.blob(data)


def _append(keep: Keep, plan: Survey, view: Any) -> None:
    """Journal what was given up, and the documents that were saved, as an edit of the next frame."""
    head = Head()
    with Journal.open(keep, write=True, each=head.take) as journal:
        shown = View(view, keep, write=True)
        for name in plan.spoiled:
            if isinstance(view, Files):
                keep.blob(view.raw(name))
            shown.reservoir.write(name, Past(journal, head.latest).value(name))
            shown.adopt(name, head.documents[name]["digest"], head.latest)
        known = len(journal)
        if plan.blobs:
            journal.append("lost", needed=False, what="blobs that records refer to", blobs=plan.blobs)
        if plan.saved and plan.head >= 0:
            documents: dict[str, Any] = {}
            for name, value in plan.saved.items():
                if value is None:
                    documents[name] = None
                else:
                    documents[name] = {**entry(name, value), "blob": keep.blob(encode(name, value))}
            head.take(journal.append("edit", frame=plan.head + 1, documents=documents, repaired=plan.aside))
        _set_back(shown, head, plan, known)


def _set_back(view: View, head: Head, plan: Survey, known: int) -> None:
    """Let the index say of the documents what the journal says now, and nothing that it does not know."""
    index = view.index
    if head.number < 0:
        index.frame, index.record, index.deltas = None, 0, -1
    elif index.frame is not None:
        index.frame, index.record = [head.number, head.tock], head.latest
        index.deltas = min(index.deltas, head.number)
    for name in view.names:
        written = view.written(name)
        if plan.saved.get(name) is not None and _lies(view, name, head.documents[name]["digest"]):
            view.adopt(name, head.documents[name]["digest"], head.latest)
        elif head.number < 0 or name in plan.saved or (written is not None and written.seq > known):
            index.forget(name)
    view.save(clean=False)


def _lies(view: View, name: str, wanted: str) -> bool:
    """Whether a document lies there as it was saved; a hand may have changed it, or half of it."""
    try:
        return digest(name, view.reservoir.read(name)) == wanted
    except LisppumpError:
        return False
