"""Where a simulation lies: the folder that holds its pump.lisp. It reads nothing in it."""

from __future__ import annotations

from pathlib import Path

from lisppump.errors import LisppumpError


def find_root(start: Path) -> Path:
    """The simulation's folder: the nearest one, from `start` upwards, that holds a pump.lisp."""
    start = start.resolve()
    if not start.is_dir():
        raise LisppumpError("no-simulation", f"there is no folder {start}", help="name one that exists")
    for folder in (start, *start.parents):
        if (folder / "pump.lisp").is_file():
            return folder
    raise LisppumpError(
        "no-simulation",
        f"there is no pump.lisp in {start} or above it",
        help="make a world with `lisppump init`, or name one with `-C DIR`",
    )


def root_of(folder: Path, pump: Path | None) -> Path | None:
    """The simulation's folder, if there is one; with another policy than its own, it is the folder itself."""
    try:
        if pump is not None:
            return folder.resolve() if folder.is_dir() else None
        return find_root(folder)
    except (LisppumpError, OSError):  # a folder that nobody may look into is said where it is wanted
        return None
