"""The reservoir `files`: documents as files of a folder that people read and edit."""

from __future__ import annotations

from collections.abc import Mapping

from lisppump import hookimpl
from lisppump.files import Files


@hookimpl
def reservoirs() -> Mapping[str, type]:
    """Offer `files`."""
    return {"files": Files}
