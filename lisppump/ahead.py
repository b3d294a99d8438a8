"""Tells when the documents are of a later frame than the journal has: its end was lost. It writes nothing.

The index of the view names the record that the documents were shown for. That is synced before, so that a
journal without it is not what it was; a crash or a power cut never leaves that.
"""

from __future__ import annotations

from lisppump.disk import StateError
from lisppump.history import Head
from lisppump.view import Index

HELP = (
    "nothing was written over: `lisppump verify` tells all that is damaged, `lisppump repair` keeps the "
    "documents as they are and goes on from them"
)


def ahead(index: Index, head: Head, records: int) -> bool:
    """True when the documents were shown for a record that the journal has not."""
    if index.record:
        return index.record > records
    return index.frame is not None and tuple(index.frame) > (head.number, head.tock)  # written long ago


def said(index: Index, head: Head) -> str:
    """The same as a sentence that names both frames."""
    frame, tock = index.frame or (0, 0)
    shown = f"the documents are those of frame {frame}.{tock}"
    if head.number < 0:
        return f"{shown}, but the journal has no frame at all"
    more = "" if (frame, tock) > (head.number, head.tock) else ", and records behind it are gone"
    return f"{shown}, but the journal ends at frame {head.number}.{head.tock}{more}"


def refusal(index: Index, head: Head) -> StateError:
    """The error for a world whose journal has lost its end."""
    shown = None if index.frame is None else index.frame[0]
    return StateError(
        "damaged", said(index, head), help=HELP, data={"frame": head.number, "documents": shown}
    )
