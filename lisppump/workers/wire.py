"""Whole messages between two processes: a length of four bytes, then so many bytes. It reads none of them."""

from __future__ import annotations

import os
import struct
from os import read, write

HEAD = 4
_LENGTH = struct.Struct(">I")
pack, unpack = _LENGTH.pack, _LENGTH.unpack_from
whole = struct.Struct(">i").pack  # the head of so many bytes, also of less than none
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
        data = pack(len(body)) + body
        try:
            sent = write(self.out, data)
            if sent != len(data):
                self._go_on(data[sent:])
        except OSError:
            raise Gone from None

    def receive(self, most: int) -> bytes:
        """The next message."""
        data = self.rest
        if not data:
            try:
                data = read(self.into, CHUNK)
            except OSError:
                raise Gone from None
        if data[:HEAD] == whole(len(data) - HEAD):
            self.rest = b""
            return data[HEAD:]
        return self._long(data, most)

    def exchange(self, body: bytes, most: int) -> bytes:
        """What `send` and then `receive` do where there is no rest, at less cost."""
        data = pack(len(body)) + body
        try:
            sent = write(self.out, data)
            if sent != len(data):
                self._go_on(data[sent:])
            data = read(self.into, CHUNK)
        except OSError:
            raise Gone from None
        if data[:HEAD] == whole(len(data) - HEAD):
            return data[HEAD:]
        return self._long(data, most)

    def _go_on(self, data: bytes) -> None:
        while data:
            data = data[write(self.out, data) :]

    def _long(self, data: bytes, most: int) -> bytes:
        """A message that does not come alone and in one piece, or not at all."""
        if not data:
            raise Gone
        while len(data) < HEAD:
            data += self._more(CHUNK)
        size = unpack(data)[0]
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
            data = read(self.into, size)
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        return data
