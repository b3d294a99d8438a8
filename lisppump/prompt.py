"""The prompt of a pipe: a shared prefix, the same bytes for every pipe of a frame, then the room. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lisppump import canon


@dataclass(frozen=True)
class Prompt:
    """What a backend reads: `shared` is byte-identical over the pipes of a frame."""

    shared: str
    room: str

    @cached_property
    def shared_digest(self) -> str:
        """The sha256 of the shared prefix."""
        return canon.digest_bytes(self.shared.encode())

    @cached_property
    def room_digest(self) -> str:
        """The sha256 of the room's part."""
        return canon.digest_bytes(self.room.encode())

    @property
    def size(self) -> int:
        """Bytes of both parts."""
        return len(self.shared.encode()) + len(self.room.encode())
