"""Blobs by the digests that messages name, or beginnings of them. It opens no journal and writes nothing."""

from __future__ import annotations

import re
from pathlib import Path

from lisppump.errors import LisppumpError, declare
from lisppump.keep import FOLDER, Keep

LEAST = 8  # digits of a digest

declare(
    "usage", 1,
    no_such_blob="Nothing is kept under that digest, or more than one thing under that beginning of one.",
)  # fmt: skip


def printed_by(digest: str) -> str:
    """What a message says of a blob: the command that prints it."""
    return f"`lisppump cat {digest[: len('sha256:') + 12]}` prints it"


def blob(root: Path, digest: str) -> tuple[str, bytes]:
    """The digest and the bytes of a blob of a world, by a beginning of its digest; verified."""
    digits = digest.removeprefix("sha256:").lower()
    if not re.fullmatch(f"[0-9a-f]{{{LEAST},64}}", digits):
        raise _nothing(f"`{digest}` is no digest", f"write at least {LEAST} of its digits, such as 7d39c0f1")
    with_snaps = {path.name: path for folder in (f"blobs/{digits[:2]}", "snap")
                  for path in (root / FOLDER / folder).glob(f"{digits}*")}  # fmt: skip
    found = sorted(with_snaps)
    if not found:
        raise _nothing(f"nothing is kept under {digest}", "digests stand in messages, and in `show --json`")
    if len(found) > 1:
        raise _nothing(f"{digest} may be {' or '.join(name[:16] for name in found)}", "write more digits")
    keep = Keep.open(root / FOLDER, write=False)
    name = f"sha256:{found[0]}"
    return name, keep.read_snap(name) if with_snaps[found[0]].parent.name == "snap" else keep.read_blob(name)


def _nothing(said: str, help: str) -> LisppumpError:
    return LisppumpError("no-such-blob", said, help=help)
