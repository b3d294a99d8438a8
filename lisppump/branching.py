"""A branch: a copy of a world, as it is or as it was, that goes on by itself. The world stays as it is.

A run may be going meanwhile: what the journal refers to was kept before it was journalled, so the journal is
copied first. Documents are not copied; the branch writes its own, from its journal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import dropins
from lisppump.disk import Disk, StateError, replace, trouble
from lisppump.errors import LisppumpError, declare, legible
from lisppump.keep import FOLDER
from lisppump.line_moves import place
from lisppump.lockfile import NAME as LOCKFILE
from lisppump.policy_files import MAIN, OWN
from lisppump.report import Branched
from lisppump.reservoir import Store
from lisppump.segments import numbers, path_of, raw
from lisppump.status import no_frame
from lisppump.steering import by_each
from lisppump.view import Unseen

if TYPE_CHECKING:
    from lisppump.lookout import Lookout

declare("usage", 1, bad_branch="A branch cannot have that name.")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def branch(
    pump: Lookout,
    name: str,
    *,
    at: int | None = None,
    record: int | None = None,
    folder: Path | None = None,
    dry_run: bool = False,
) -> Branched:
    """Copy a world to `folder` (beside its own, where none is given), with its head at the frame `at`.

    With `record` it is at `at@record`, on the line or off it.
    """
    store, head = pump.store, pump.head
    if not _NAME.fullmatch(name) or name == store.node:
        what = "is the name of this world itself" if name == store.node else "is no name for a branch"
        help = "letters, digits, `.`, `_` and `-` make one, as in `what-if`; its folder is told by --dir"
        raise LisppumpError("bad-branch", f"`{legible(name)}` {what}", help=help)
    number = head.number if at is None else at
    end = None if at is None or record is None else place(store, at, record)
    if store.head is None or (end is None and not 0 <= number <= head.number):
        raise no_frame(pump, number)
    target = Path(folder) if folder is not None else pump.root.parent / name
    _refuse_taken(target)
    if isinstance(store.view, Unseen):
        pump._may_run()
    notes = _notes(pump, target)
    seen = store if end is None else store.as_of(end)
    digest = seen.frame(number).digest
    if not dry_run:
        disk = Disk()
        made = target.parent / f".{target.name}.making"
        try:
            _clear(made, disk)  # of one that died
            _copy(pump, made, name, disk)
            number, digest = _open(pump, made, at, end)
            disk.rename(str(made), str(target))
            disk.sync_folder(str(target.parent))
        except OSError as error:
            with suppress(OSError):
                _clear(made, disk)
            raise trouble(error, f"making the branch {legible(target)}") from error
    return Branched(str(target), name, number, digest, dry_run, tuple(notes))


def _clear(made: Path, disk: Disk) -> None:
    """Take away the files of a copy that was never finished; its empty folders are used again."""
    for path in sorted(made.rglob("*")):
        if path.is_file() or path.is_symlink():
            disk.unlink(str(path))


def _refuse_taken(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        what = f"there is something at {legible(target)} already"
        raise LisppumpError("folder-not-empty", what, help="name another folder with --dir")


def _notes(pump: Lookout, target: Path) -> list[str]:
    """What a branch does not take over."""
    notes = []
    edits = pump.store.pending_edits()
    for who, names in by_each(edits):
        notes.append(f"changed {who} and not taken in yet, so not in the branch: {names}")
    opened = pump.store.open_frame()
    if opened is not None:
        notes.append(f"frame {opened['frame']}, which is under way here, is not under way there")
    if dropins.look(pump.root) is not None:
        notes.append(f"its plugins are not trusted yet: `lisppump -C {legible(target)} trust`")
    return notes


def _copy(pump: Lookout, made: Path, name: str, disk: Disk) -> None:
    """The files of the world, and of its own folder what a journal needs: itself first, then all it names."""
    root, keep = pump.root, made / FOLDER
    for folder in ("journal", "tmp"):
        disk.mkdir(str(keep / folder))
    for segment in numbers(root / FOLDER / "journal"):
        data, packed = raw(root / FOLDER / "journal", segment)
        _put(disk, made, path_of(keep / "journal", segment, packed=packed), data)
    for path in _files(root / FOLDER, "blobs", "snap"):
        _take(disk, made, path, keep / path.relative_to(root / FOLDER))
    _take(disk, made, root / FOLDER / "FORMAT", keep / "FORMAT")
    _put(disk, made, keep / "node", name.encode() + b"\n")
    _take(disk, made, pump.policy.path, made / MAIN)
    for path in _files(root, dropins.FOLDER, OWN):
        if "__pycache__" not in path.parts:
            _take(disk, made, path, made / path.relative_to(root))
    _take(disk, made, root / LOCKFILE, made / LOCKFILE)
    disk.mkdir(str(made / pump.policy.state.folder))


def _files(root: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((root / folder).rglob("*")) if path.is_file())


def _take(disk: Disk, made: Path, source: Path, target: Path) -> None:
    """Copy a file; one that is not there, or not any more, is not needed: snapshots are thinned out."""
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        return
    _put(disk, made, target, data)


def _put(disk: Disk, made: Path, target: Path, data: bytes) -> None:
    disk.mkdir(str(target.parent))
    replace(disk, str(made / FOLDER / "tmp" / "copy"), str(target), data, sync=True)


def _open(pump: Lookout, made: Path, at: int | None, end: int | None) -> tuple[int, str]:
    """Open the copy for the first time: its documents are written, its head goes where it should be."""
    policy = pump.policy
    view: Any = policy.reservoir.make_reservoir(made / policy.state.folder)
    with Store.open(made, view, write=True, keep=policy.state.keep) as store:
        store.abandon()
        if at is not None:
            end = store.end_of(at) if end is None else end
            if end < store.records:
                store.go_back(end, "rollback", taken=f"what came after frame {at}")
        head = store.head
        if head is None:
            raise StateError("damaged", "the copy has no frame", help="try it once more")
        return head.number, head.digest
