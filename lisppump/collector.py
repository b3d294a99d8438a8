"""Python's collector of garbage, as a process that does nothing but make frames wants it. It frees nothing.

A frame makes many objects that live until its end and die by themselves; each is looked at in vain, again and
again. Only who owns the process may say that this is what it is for: a library never does.
"""

from __future__ import annotations

import gc

OFTEN = (250_000, 10, 10)  # more than a frame of a thousand pipes holds; Python's own: 700, 10, 10


def look_less_often() -> None:
    """Leave what is there out of all further looks, and look at what comes only when there is much of it."""
    gc.freeze()
    gc.set_threshold(*OFTEN)
