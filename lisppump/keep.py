"""The machinery's own folder `.lisppump`: format, lock, node, temporary files, blobs. It knows no record.

Blobs are kept for ever; `snap` has the documents of snapshots, which may go where others are left.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from lisppump import canon
from lisppump.disk import Disk, StateError, replace, trouble, write_all

FORMAT = "1"
FOLDER = ".lisppump"
REPAIRING = "repairing"


class Keep:
    """The folder, open for reading, or for writing under a lock that the kernel releases with the process."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.folder = folder
        self.disk = disk
        self._lock = -1
        self._node = ""
        self._durable: set[str] = set()  # the blobs that this process knows to outlive a power cut

    @classmethod
    def open(cls, folder: Path, *, write: bool, disk: Disk | None = None) -> Keep:
        """Check the format and, when writing, take the lock and make what is absent."""
        keep = cls(folder, disk or Disk())
        try:
            if write:
                keep.disk.mkdir(str(folder / "tmp"))
                keep._take_lock()
            keep._check_format(write)
            if write and not (folder / "node").exists():
                keep.put("node", b"local\n")
        except OSError as error:
            keep.close()
            raise trouble(error, f"opening the folder {FOLDER}") from error
        except BaseException:
            keep.close()
            raise
        return keep

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock >= 0:
            lock, self._lock = self._lock, -1
            try:
                self.disk.truncate(lock, 0)
            except OSError:
                pass  # it only tells who held the lock, and he is gone; closing the file lets go of it
            finally:
                self.disk.close(lock)

    @property
    def writing(self) -> bool:
        """True while it holds the lock."""
        return self._lock >= 0

    @property
    def node(self) -> str:
        """The name of this copy of the world, as it was at first sight: `local` unless several commit."""
        if not self._node:
            self._node = (self.get("node") or b"").decode("utf-8", "replace").strip() or "local"
        return self._node

    @property
    def holder(self) -> int | None:
        """The process that last took the lock, if it is still there."""
        text = self.get("lock") or b""
        if not text.strip().isdigit():
            return None
        pid = int(text)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return pid
        return pid

    def check_whole(self) -> None:
        """Refuse a world whose repair was not finished; `repairing` names the copies that it made."""
        if self.get(REPAIRING) is not None:
            message = "a repair of the journal was interrupted; nothing was lost by that"
            help = "run `lisppump repair` again: it begins with what it has kept aside"
            raise StateError("damaged", message, help=help)

    def _take_lock(self) -> None:
        self._lock = self.disk.open(str(self.folder / "lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = self.get("lock") or b""
            self.disk.close(self._lock)
            self._lock = -1
            raise locked(pid.decode("ascii", "replace").strip()) from None
        self.disk.truncate(self._lock, 0)
        os.lseek(self._lock, 0, os.SEEK_SET)
        write_all(self.disk, self._lock, b"%d\n" % os.getpid())

    def _check_format(self, write: bool) -> None:
        found = self.get("FORMAT")
        if found is None:
            if any((self.folder / "journal").glob("*.log*")):
                message = f"{FOLDER} has a journal but no file FORMAT"
                raise StateError("bad-format", message, help=f"put {FOLDER}/FORMAT back, holding {FORMAT}")
            if write:
                self.put("FORMAT", FORMAT.encode() + b"\n")
            return
        version = found.decode("utf-8", "replace").strip()
        if version != FORMAT:
            message = f"this lisppump reads format {FORMAT} of the journal, and this world has `{version}`"
            raise StateError("bad-format", message, help="open it with the lisppump that wrote it")

    def get(self, name: str) -> bytes | None:
        """A small file of the folder, or None when it is absent."""
        try:
            with open(f"{self.folder}/{name}", "rb", buffering=0) as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise trouble(error, f"reading {FOLDER}/{name}") from error

    def put(self, name: str, data: bytes, *, sync: bool = True) -> None:
        """Replace a small file of the folder."""
        try:
            self.disk.mkdir(os.path.dirname(self.folder / name))
            replace(self.disk, str(self.folder / "tmp" / "keep"), str(self.folder / name), data, sync=sync)
        except OSError as error:
            raise trouble(error, f"writing {FOLDER}/{name}") from error

    def drop(self, name: str) -> None:
        """Remove a small file of the folder, where it is there."""
        try:
            if (self.folder / name).exists():
                self.disk.unlink(str(self.folder / name))
        except OSError as error:
            raise trouble(error, f"removing {FOLDER}/{name}") from error

    # -- blobs -----------------------------------------------------------------------------------------------

    def blob(self, data: bytes) -> str:
        """Keep some bytes under their sha256, durably, and give it back as `sha256:hex`."""
        name = hashlib.sha256(data).hexdigest()
        folder = f"blobs/{name[:2]}"
        if not os.path.exists(f"{self.folder}/{folder}/{name}"):
            self.put(f"{folder}/{name}", data)
        elif name not in self._durable:  # a process may have died before it had synced the name
            try:
                self.disk.sync_folder(f"{self.folder}/{folder}")
            except OSError as error:
                raise trouble(error, "keeping a document") from error
        self._durable.add(name)
        return f"sha256:{name}"

    def read_blob(self, digest: str) -> bytes:
        """The bytes of a blob, verified."""
        return self._verified(self.blob_path(digest), digest)

    def blob_path(self, digest: str) -> Path:
        """Where a blob lies."""
        name = digest.removeprefix("sha256:")
        return self.folder / "blobs" / name[:2] / name

    def snap(self, datas: Iterable[bytes]) -> list[str]:
        """Keep the bytes of a snapshot's documents, durably; they lie in one folder, synced once."""
        digests = []
        try:
            for data in datas:
                digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
                digests.append(digest)
                if not self.has_snap(digest):
                    self.disk.mkdir(str(self.folder / "snap"))
                    temporary = str(self.folder / "tmp" / "keep")
                    replace(self.disk, temporary, str(self.snap_path(digest)), data, sync=True, folder=False)
            if digests:
                self.disk.sync_folder(str(self.folder / "snap"))
        except OSError as error:
            raise trouble(error, "keeping a document") from error
        return digests

    def read_snap(self, digest: str) -> bytes:
        """The bytes of a snapshot's document, verified."""
        return self._verified(self.snap_path(digest), digest)

    def has_snap(self, digest: str) -> bool:
        """Whether a snapshot's document was not thinned out yet."""
        return self.snap_path(digest).exists()

    def thin(self, wanted: Collection[str]) -> None:
        """Remove all snapshots' documents but these."""
        folder = self.folder / "snap"
        try:
            for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
                if f"sha256:{name}" not in wanted:
                    self.disk.unlink(str(folder / name))
        except OSError as error:
            raise trouble(error, "thinning out snapshots") from error

    def snap_path(self, digest: str) -> Path:
        """Where a snapshot's document lies."""
        return self.folder / "snap" / digest.removeprefix("sha256:")

    def _verified(self, path: Path, digest: str) -> bytes:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = None
        except OSError as error:
            raise trouble(error, f"reading a blob of {FOLDER}") from error
        if data is None or hashlib.sha256(data).hexdigest() != digest.removeprefix("sha256:"):
            what = "is missing" if data is None else "is not what was written"
            message = f"the blob {digest} that the journal refers to {what}"
            raise StateError("damaged", message, help=self._help(digest))
        return data

    def _help(self, digest: str) -> str:
        """What can be done about a lost blob: nothing more, where a repair has given it up."""
        for said in sorted(self.folder.glob("damaged-*/repair.json")):
            if digest in canon.loads(said.read_bytes(), said.name).get("blobs", ()):
                return (
                    f"a repair could not save it ({FOLDER}/{said.parent.name}/repair.json tells of it); "
                    "`lisppump verify` names the frames that cannot be rebuilt any more"
                )
        return "`lisppump verify` tells all that is damaged, and `lisppump repair` saves what can be saved"


def locked(pid: object = "") -> StateError:
    """The error where another process, whose number may be known, writes the world."""
    who = f"process {pid}" if pid else "another process"
    help = "wait for it, or stop it: `lisppump stop`, or Ctrl-C where it runs"
    return StateError("locked", f"{who} is writing this world", help=help)
