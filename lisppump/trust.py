"""Whose Python may run: the folders that the user trusts, each with one content. It reads none of it.

They stand in config.toml, under [trusted], as "folder" = "sha256:...". What is in plugins/ has one digest, so
that whatever is changed there asks again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lisppump import config
from lisppump.errors import LisppumpError, declare, legible

declare("usage", 1, untrustable_folder="The name of a folder cannot be kept in config.toml.")

TABLE = "trusted"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_trusted(root: Path, digest: str) -> bool:
    """Whether the user has said yes to this content of this folder."""
    return trusted().get(os.path.realpath(root)) == digest


def trusted() -> Mapping[str, str]:
    """The folders that are trusted, each with the digest that is."""
    return _table(config.load())


def trust(root: Path, digest: str) -> None:
    """Keep the user's yes, in place of an earlier one to other content."""
    folder = os.path.realpath(root)
    try:
        folder.encode()
    except UnicodeEncodeError:
        raise LisppumpError(
            "untrustable-folder",
            f"the folder {legible(folder)} cannot be kept in config.toml: its name is no UTF-8",
            help="rename it",
        ) from None

    def edit(data: dict[str, Any]) -> None:
        data[TABLE] = {**_table(data), folder: digest}

    config.change(edit)


def distrust(root: Path) -> bool:
    """Take the yes back; False where there was none."""
    folder = os.path.realpath(root)
    if folder not in trusted():
        return False

    def edit(data: dict[str, Any]) -> None:
        data[TABLE] = {name: digest for name, digest in _table(data).items() if name != folder}

    config.change(edit)
    return True


def _table(data: Mapping[str, Any]) -> dict[str, str]:
    """The entries as they are kept, or an error: nobody can say what a damaged one was meant to allow."""
    table = data.get(TABLE, {})
    help = "mend it, or take it out and run `lisppump trust` in the folder"
    if not isinstance(table, dict):
        raise config.refuse(f"has a `{TABLE}` that is no table", TABLE, help)
    for folder, digest in table.items():
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            sentence = f'should trust {legible(folder)} as "sha256:..." with 64 digits'
            raise config.refuse(sentence, folder, help)
    return table
