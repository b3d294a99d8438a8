"""`lisppump verify`: prints what lisppump.verify finds. It locks and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump.cli.context import Settings, as_command

if TYPE_CHECKING:
    from lisppump.audit import Fault

EXIT_DAMAGED = 5


@as_command("verify")
def command(settings: Settings) -> int:
    """Is all of this world as it was written? Every record, blob and document is looked at.

    Each record's length, checksum and chain, every blob that is referred to, and the digests that each frame
    names, against the documents rebuilt. It takes no lock: a run may go on. Exit 0, or 5 where a fault is.
    """
    from lisppump.errors import LisppumpError
    from lisppump.report import count_of
    from lisppump.verify import verify
    from lisppump.view import Unseen

    root = root_of(settings)
    try:
        view = view_of(settings, root)
    except LisppumpError:
        view = Unseen(root)
    found = verify(root, view)
    code = 0 if found.ok else EXIT_DAMAGED
    if settings.json:
        settings.document(found.to_json())
        return code
    for fault in found.faults:
        settings.print(line_of(fault), fg="red")
    for note in found.notes:
        settings.print(f"note: {note}")
    looked = [
        count_of(found.frames, "frame"),
        count_of(found.records, "record"),
        count_of(found.segments, "segment"),
        count_of(found.blobs, "blob"),
        count_of(found.documents, "document"),
    ]
    settings.print(f"looked at {', '.join(looked[:-1])} and {looked[-1]}")
    if found.ok:
        settings.print("ok", fg="green")
    else:
        settings.print(f"{count_of(len(found.faults), 'fault')}; `lisppump repair` saves what can be saved")
    return code


def root_of(settings: Settings) -> Path:
    """The folder of the simulation."""
    from lisppump.folder import find_root

    return settings.dir.resolve() if settings.pump is not None else find_root(settings.dir)


def view_of(settings: Settings, root: Path) -> Any:
    """Where the policy says that the documents are."""
    from lisppump.policy import Policy

    policy = Policy.load(settings.pump or root / "pump.lisp", registry=settings.registry())
    return policy.reservoir.make_reservoir(root / policy.state.folder)


def line_of(fault: Fault) -> str:
    """A fault as a line: its place, as far as it has one, and what is wrong there."""
    place = [] if fault.segment is None else [f"segment {fault.segment:08d}", f"byte {fault.offset}"]
    place += [] if fault.record is None else [f"record {fault.record}"]
    place += [] if fault.frame is None else [f"frame {fault.frame}"]
    return f"{', '.join(place)}: {fault.what}" if place else fault.what
