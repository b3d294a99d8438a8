"""From the bytes of an answer to its text, and to data where it is JSON, all measured before it is made."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from lisppump.portal_refusals import refuse

RATIO = 250  # times longer that a body may become
FROM = 64 * 1024  # bytes, up to which nobody asks how it became so long
DEPTH = 256  # lists and dicts of JSON within each other
NODES = 250_000  # values of JSON in all
DIGITS = 4_200  # of one number of JSON

CHARSETS = frozenset(
    ("utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "latin1", "latin-1", "koi8-r",
     "koi8-u", "shift_jis", "euc-jp", "iso-2022-jp", "gb2312", "gbk", "gb18030", "big5", "euc-kr",
     *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),
     *(f"windows-{page}" for page in range(1250, 1259)))
)  # fmt: skip
# Every string, closed or not, and every run of digits is taken whole: to look for its end from every place
# in it takes hours.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]},]|[0-9]+', re.DOTALL)
_HALVES = re.compile("[\ud800-\udfff]")
_HALF_ESCAPED = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


class Inflater:
    """The bytes of a body as they were before they were compressed, if they were."""

    def __init__(self, encoding: str, most: int) -> None:
        names = [
            name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")
        ]
        if names not in ([], ["gzip"], ["x-gzip"]):
            refuse("decode", "the answer is compressed in a way that was not asked for")
        self._most = most
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS) if names else None
        self._came = 0
        self._whole = bytearray()

    def feed(self, data: bytes) -> None:
        """Take a piece as it came."""
        self._came += len(data)
        if self._member is None:
            self._whole += data
        else:
            self._inflate(data)
        if len(self._whole) > self._most:
            refuse("size", f"the answer is longer than {self._most:,} bytes")
        if len(self._whole) > FROM and len(self._whole) > RATIO * self._came:
            refuse("decode", f"the answer is compressed to less than a {RATIO}th of its length")

    def _inflate(self, data: bytes) -> None:
        assert self._member is not None
        while data:
            if self._member.eof:  # another member follows
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                self._whole += self._member.decompress(data, self._most + 1 - len(self._whole))
            except zlib.error:
                refuse("decode", "the answer should be compressed with gzip, and is broken")
            if len(self._whole) > self._most:
                return
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def end(self) -> bytes:
        """All of it."""
        if self._member is not None and not self._member.eof and self._came:
            refuse("decode", "the answer is compressed, and its end is missing")
        return bytes(self._whole)


def text_of(data: bytes, charset: str | None) -> str:
    """The text of a body: in its charset, or in UTF-8."""
    name = (charset or "utf-8").lower()
    if name not in CHARSETS:
        refuse("decode", "the answer is in a charset that the portal does not read")
    try:
        text = data.decode("utf-8-sig" if name in ("utf-8", "utf8") else name)
    except (UnicodeError, LookupError):
        refuse("decode", "the answer is no text in the charset that it should be in")
    if _HALVES.search(text):
        refuse("decode", "the answer has half a character in it")
    return text


def check_json(text: str) -> None:
    """Refuse JSON that is too deep, has too many values or too long numbers, before it is read."""
    depth, nodes = 0, 1
    for found in _TOKEN.finditer(text):
        mark = found[0][0]
        if mark in "[{":
            depth += 1
            nodes += 1
            if depth > DEPTH:
                refuse("decode", f"JSON may be nested {DEPTH} deep, the answer is deeper")
        elif mark in "]}":
            depth -= 1
        elif mark == ",":
            nodes += 1
        elif mark != '"' and len(found[0]) > DIGITS:
            refuse("decode", f"a number may have {DIGITS:,} digits, the answer has a longer one")
        if nodes > NODES:
            refuse("decode", f"JSON may have {NODES:,} values, the answer has more")
    if any(found[1] for found in _HALF_ESCAPED.finditer(text)):
        refuse("decode", "the answer has half a character in it")


def parsed(text: str) -> Any:
    """The data of a text that `check_json` let pass."""
    return json.loads(text, parse_float=_float, parse_constant=_constant)


def read_json(text: str) -> Any:
    """The data of a text that should be JSON."""
    check_json(text)
    try:
        return parsed(text)
    except ValueError:
        refuse("decode", "the answer should be JSON, and is not")


def _float(text: str) -> float:
    found = float(text)
    if found - found != 0.0:
        raise ValueError("a number too large for a float")
    return found


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
