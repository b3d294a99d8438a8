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
