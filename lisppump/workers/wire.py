"""Whole messages between two processes: a length of four bytes, then so many bytes. It reads none of them."""

from __future__ import annotations

import os

HEAD = 4
CHUNK, LARGE = 1 << 13, 1 << 18  # bytes that are read at once; room for the large ones has its price


class Gone(Exception):
    """The other end is closed, or says nothing for longer than it may."""


class Broken(Exception):
    """The other end says what nobody may say; the text goes on after "the worker that ran a program"."""


class Line:
    """A descriptor that is read and one that is written. What comes is held to a length."""

    __slots__ = ("into", "out", "rest")

    def __init__(self, into: int, out: int) -> None:
        self.into = into
        self.out = out
        self.rest = b""  # what came with the last message and behind it

    def send(self, body: bytes) -> None:
        """A message, whole."""
        data = len(body).to_bytes(HEAD, "big") + body
        try:
            sent = os.write(self.out, data)
            while sent < len(data):
                data = data[sent:]
                sent = os.write(self.out, data)
        except OSError:
            raise Gone from None

    def receive(self, most: int) -> bytes:
        """The next message."""
        data = self.rest
        if not data:
            try:
                data = os.read(self.into, CHUNK)
            except OSError:
                raise Gone from None
        if len(data) >= HEAD and len(data) == HEAD + int.from_bytes(data[:HEAD], "big"):
            self.rest = b""
            return data[HEAD:]
        return self._long(data, most)

    def _long(self, data: bytes, most: int) -> bytes:
        """A message that does not come alone and in one piece, or not at all."""
        if not data:
            raise Gone
        while len(data) < HEAD:
            data += self._more(CHUNK)
        size = int.from_bytes(data[:HEAD], "big")
        if size > most:
            raise Broken(f"said {size:,} bytes, where {most:,} are the most")
        whole = HEAD + size
        parts, length = [data], len(data)
        while length < whole:
            parts.append(self._more(LARGE))
            length += len(parts[-1])
        data = b"".join(parts) if len(parts) > 1 else data
        self.rest = data[whole:]
        return data[HEAD:whole]

    def close(self) -> None:
        """Let go of both ends."""
        for descriptor in {self.into, self.out}:
            os.close(descriptor)

    def _more(self, size: int) -> bytes:
        try:
            data = os.read(self.into, size)
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        return data
