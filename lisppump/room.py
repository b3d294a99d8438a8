"""The room that the disk of a world has left: when it is spoken of, and when no frame is begun. It looks."""

from __future__ import annotations

from pathlib import Path

from lisppump.disk import Disk, StateError
from lisppump.errors import declare

LITTLE = 0.05  # of the disk: under it every frame and `status` say so
LEAST = 0.01  # under it no frame is begun: it would be written beside what is there

declare(
    "state", 5,
    disk_full="Less than 1 % of the disk is free: no frame is begun. Under 5 % every frame says so.",
)  # fmt: skip


def note_of_room(disk: Disk, folder: Path) -> str | None:
    """What is to be said of the room there; None where there is enough, or the system does not say."""
    free, total = _room(disk, folder)
    if not total or free >= LITTLE * total:
        return None
    return f"{_free(free, total)} of the disk are free; under {LEAST:.0%} no frame is begun"


def require_room(disk: Disk, folder: Path) -> None:
    """Refuse to begin a frame where next to no room is left; nothing is written by this."""
    free, total = _room(disk, folder)
    if total and free < LEAST * total:
        raise StateError(
            "disk-full",
            f"no frame is begun: {_free(free, total)} of the disk that holds {folder.name} are free, "
            f"which is under {LEAST:.0%}",
            help="make room, then run again; nothing is lost",
        )


def _room(disk: Disk, folder: Path) -> tuple[int, int]:
    try:
        while not folder.exists() and folder.parent != folder:
            folder = folder.parent
        return disk.room(str(folder))
    except OSError:
        return 0, 0  # whether it can be written is found out by writing


def _free(free: int, total: int) -> str:
    return f"only {size(free)} ({free / total:.1%})"


def size(bytes: float) -> str:
    """A size in the largest unit that shows something of it."""
    return f"{bytes / 1e9:.1f} GB" if bytes >= 1e9 else f"{bytes / 1e6:.1f} MB"
