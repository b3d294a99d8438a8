"""Packed segments: gzip members that `zcat` and `zgrep` read, each of whole records. It opens no file.

A member says in its extra field how long it is, where its bytes lay in the plain segment, and a CRC-32C over
all of itself: so a block is found and read alone, and no byte of it can change unnoticed. Hashes do not pack;
where a record of a kind that is frequent only repeats that of the one before it, it is left out and put back.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import google_crc32c

from lisppump.records import HEAD, chained

BLOCK = 256 * 1024  # bytes of the plain segment in one member
LEVEL = 6
_SAID = struct.Struct("<IIQI")  # length of the member, of its plain bytes, where those lay, CRC-32C
_MAGIC = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H2sH", _SAID.size + 4, b"LP", _SAID.size)
_BEGIN = len(_MAGIC) + _SAID.size
_CRC = slice(_BEGIN - 4, _BEGIN)


@dataclass(frozen=True, slots=True)
class Member:
    """Where a block lies: in the packed file, and in the segment that was packed."""

    packed: int
    length: int
    plain: int
    size: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """The plain bytes of one member, or what could be saved of them; `packed` is where it lies."""

    packed: int
    plain: int
    data: bytes
    sound: bool


def members(data: bytes) -> Iterator[bytes]:
    """A segment as members, each of whole lines."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", min(start + BLOCK, len(data)) - 1) + 1 or len(data)
        yield _member(data[start:end], start)
        start = end


def _member(block: bytes, start: int) -> bytes:
    lean = _lean(block)
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(lean) + deflate.flush() + struct.pack("<II", zlib.crc32(lean), len(lean))
    length = _BEGIN + len(body)
    empty = _MAGIC + _SAID.pack(length, len(block), start, 0) + body
    return _MAGIC + _SAID.pack(length, len(block), start, google_crc32c.value(empty)) + body


def header(data: bytes, packed: int) -> Member | None:
    """What the beginning of a member says of it; None where no member begins."""
    if len(data) < _BEGIN or not data.startswith(_MAGIC):
        return None
    length, size, plain, _ = _SAID.unpack(data[len(_MAGIC) : _BEGIN])
    return Member(packed, length, plain, size)


HEADER = _BEGIN  # bytes that `header` needs


def block(data: bytes) -> bytes | None:
    """The plain bytes of a whole member, or None where a byte of it is not what was written."""
    said = header(data, 0)
    if said is None or said.length != len(data):
        return None
    checksum = int.from_bytes(data[_CRC], "little")
    if google_crc32c.value(b"%s\0\0\0\0%s" % (data[: _BEGIN - 4], data[_BEGIN:])) != checksum:
        return None
    return _full(zlib.decompress(data[_BEGIN:-8], -zlib.MAX_WBITS))


def chunks(data: bytes) -> Iterator[Chunk]:
    """All members of a packed file in order; of a damaged one, what can be saved."""
    packed, plain = 0, 0
    while packed < len(data):
        said = header(data[packed : packed + _BEGIN], packed)
        found = None if said is None else block(data[packed : packed + said.length])
        if said is not None and found is not None and said.plain >= plain:
            yield Chunk(packed, said.plain, found, True)
            packed, plain = packed + said.length, said.plain + said.size
            continue
        after = _next(data, packed + 1)
        saved = _salvaged(data[packed + _BEGIN : after])
        yield Chunk(packed, plain, saved, False)
        packed, plain = after, plain + len(saved)


def _next(data: bytes, start: int) -> int:
    """Where the next sound member begins, or the end."""
    while (start := data.find(_MAGIC, start)) >= 0:
        said = header(data[start : start + _BEGIN], start)
        if said is not None and block(data[start : start + said.length]) is not None:
            return start
        start += 1
    return len(data)


def _salvaged(body: bytes) -> bytes:
    """As much as can be read of a damaged member; what it is worth, the records' checksums say."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    saved = b""
    for start in range(0, len(body), 64):
        try:
            saved += inflate.decompress(body[start : start + 64])
        except zlib.error:
            break
    return _full(saved)


def _lean(block: bytes) -> bytes:
    """The lines without the hashes that can be put back; as they are where that would change anything."""
    lines = block.splitlines(keepends=True)
    lean = lines[:1]
    for before, line in pairwise(lines):
        if _HASH.search(line, len(line) - _TAIL) is not None:
            hash, line = line[-_HASHED:-3], line[: -_HASHED] + line[-3:]
            if hash != chained(before[HEAD:-1]).encode() or not _left_out(line):
                return block
        elif _left_out(line):
            return block
        lean.append(line)
    return b"".join(lean)


def _full(lean: bytes) -> bytes:
    """The lines as they were: where one is shorter than it says, the hash of the one before it is put in."""
    lines: list[bytes] = []
    for line in lean.splitlines(keepends=True):
        if lines and _left_out(line):
            line = b'%s"%s"}\n' % (line[:-4], chained(lines[-1][HEAD:-1]).encode())
        lines.append(line)
    return b"".join(lines)


def _left_out(line: bytes) -> bool:
    """True for a line that lacks the hash of the one before it: it is shorter than it says."""
    return line.endswith(_LEFT_OUT) and line[:8] == b"%08x" % (len(line) - _AROUND + 64)


_FREQUENT = rb"reply|delta|late|tool|portal|outcome"
_HASH = re.compile(rb'("kind":"(?:%s)","seq":\d+,"prev":)"[0-9a-f]{64}"\}\n\Z' % _FREQUENT)
_HASHED = 64 + 3  # letters of a hash and what is behind it, at the end of a line
_TAIL = 150  # bytes at the end of a line in which all is that `_HASH` looks for
_LEFT_OUT = b',"prev":""}\n'
_AROUND = HEAD + 1  # bytes of a line that are not its payload
