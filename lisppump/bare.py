"""A bare interpreter for a part of the work that is done in a process of its own. It starts none.

Such a process knows nothing of its parent's environment, its site or its working folder: where the packages
are that it needs is all that it is told.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import util
from pathlib import Path

KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # without which some interpreters do not start


def command(boot: str, *arguments: str) -> list[str]:
    """The words that start one with a few lines of Python; OSError where there is no Python to start."""
    if not sys.executable or getattr(sys, "frozen", False):  # which would be the program itself
        raise OSError(0, "there is no Python to start")
    flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
    return [sys.executable, *flags, "-c", boot, *arguments]


def environment() -> dict[str, str]:
    """What it has of ours."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def folders(packages: Iterable[str]) -> list[str]:
    """Where these are looked for, each folder once; OSError where one is not installed."""
    found: dict[str, None] = {}
    for name in packages:
        spec = util.find_spec(name)
        if spec is None or spec.origin is None:
            raise OSError(0, f"the package {name} is not installed")
        file = Path(spec.origin)
        found[str((file.parent.parent if file.name == "__init__.py" else file.parent).resolve())] = None
    return [*found]
