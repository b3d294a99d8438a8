"""The documents of snapshots: files that frames are rebuilt from, and which of them stay. It knows no frame.

An entry's `snap` lists them as [digest, items, bytes]. A log has several, since each snapshot adds only what
came since the last; a small one is joined to the one before it, so that there are never many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lisppump import canon
from lisppump.disk import StateError
from lisppump.documents import LogDigest, encode, encode_lines, entry, is_log
from lisppump.journal import Journal, Record
from lisppump.keep import Keep
from lisppump.lispy.values import elements

NEWEST = 4  # snapshots that keep their documents, whatever their number

Entry = Mapping[str, Any]
Part = Sequence[Any]  # digest, items, bytes


def snaps_of(said: Entry | None) -> list[str]:
    """The digests of a document's files, where a snapshot has it."""
    return [part[0] for part in said.get("snap", ())] if said is not None else []


def read_base(keep: Keep, said: Entry) -> bytes:
    """The bytes of a document that a record has whole, verified."""
    if "snap" in said:
        return b"".join([keep.read_snap(digest) for digest in snaps_of(said)])
    return keep.read_blob(said["blob"])


class Snapshots:
    """Keeps documents for snapshots; what it knows of logs spares it hashing them whole again."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._logs: dict[str, tuple[tuple[str, ...], LogDigest]] = {}
        self._named: dict[int, list[str]] = {}  # the files that each snapshot names

    def keep_all(
        self,
        documents: Mapping[str, Entry],
        logs: Mapping[str, Sequence[Part]],
        value: Callable[[str], Any],
        past: Callable[[str], Any],
    ) -> dict[str, Any]:
        """The entries of a snapshot: each document as a file, but where one has it already.

        `logs` are the parts of logs in the snapshot before. `value` gives a document as it is in memory;
        where somebody changed it there, the one of `past` is taken.
        """
        plans: dict[str, list[Part | bytes]] = {}
        for name, said in documents.items():
            if "blob" not in said and "snap" not in said:
                plans[name] = self._grown(name, said, logs.get(name, ()), value) or [
                    encode(name, _sound(name, said, value, past))
                ]
        fresh = [part for plan in plans.values() for part in plan if isinstance(part, bytes)]
        digests = iter(self._keep.snap(fresh))
        made: dict[str, Any] = {}
        for name, said in documents.items():
            made[name] = dict(said)
            if name in plans:
                snap = [_part(part, digests) for part in plans[name]]
                made[name] = {"digest": said["digest"], "length": said["length"], "snap": snap}
                if name in self._logs:
                    self._logs[name] = (tuple(part[0] for part in snap), self._logs[name][1])
        return made

    def thin(self, journal: Journal, newest: Record) -> None:
        """Let go of the documents of old snapshots: the newest keep theirs, and of the older ever fewer.

        Records never change: what the one that was just written names is known, others are read once.
        """
        named = {**self._named, newest.seq: _files_of(newest)}
        snapshots = journal.snapshots
        kept = [seq for n, seq in enumerate(snapshots, 1) if stays(n, len(snapshots) - n)]
        if len(kept) < len(snapshots):
            named = {seq: named[seq] if seq in named else _files_of(journal.read(seq)) for seq in kept}
            journal.keep.thin({digest for digests in named.values() for digest in digests})
        self._named = named

    def _grown(
        self, name: str, said: Entry, parts: Sequence[Part], value: Callable[[str], Any]
    ) -> list[Part | bytes] | None:
        """A log's parts with what came since as the last; None where it does not go on from them."""
        if not is_log(name):
            return None
        items, count = elements(value(name)), sum(part[1] for part in parts)
        known = self._logs.get(name)
        if known is not None and known[0] == tuple(part[0] for part in parts):
            log = known[1]
        elif not _begin(parts, items):
            return None
        else:
            log = LogDigest().extended(items[:count])
        log = log.extended(items[count:])
        self._logs.pop(name, None)
        if log.entry()["digest"] != said["digest"]:
            return None
        data, left = encode_lines(items[count:]), list(parts)
        try:
            while left and left[-1][2] <= len(data):
                data = self._keep.read_snap(left.pop()[0]) + data
        except StateError:
            return None
        self._logs[name] = ((), log)
        return [*left, data] if data or not left else left


def _files_of(snapshot: Record) -> list[str]:
    """The digests of all files that a snapshot names."""
    return [digest for said in snapshot.fields["documents"].values() for digest in snaps_of(said)]


def _begin(parts: Sequence[Part], items: Sequence[Any]) -> bool:
    """Whether a log still begins with its parts: a hand may have edited it since the snapshot."""
    start = 0
    for digest, count, _ in parts:
        if canon.digest_bytes(encode_lines(items[start : start + count])) != digest:
            return False
        start += count
    return True


def _part(part: Part | bytes, digests: Any) -> Part:
    return [next(digests), part.count(b"\n"), len(part)] if isinstance(part, bytes) else part


def _sound(name: str, said: Entry, value: Callable[[str], Any], past: Callable[[str], Any]) -> Any:
    """A document's value as the journal has it, whatever became of the one in memory."""
    found = value(name)
    return found if entry(name, found)["digest"] == said["digest"] else past(name)


def stays(number: int, age: int) -> bool:
    """Of the snapshots of age 4 to 7 every second stays, of 8 to 15 every fourth, and so on."""
    return age < NEWEST or number % (1 << (age.bit_length() - 2)) == 0
