"""From bytes to text and data: compression, charsets and JSON, all measured before they are made."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.portal import PortalRefused
from lisppump.portal_body import DEPTH, DIGITS, FROM, NODES, Inflater, read_json, text_of
from tests.portal_support import PUBLIC, Internet, page

PLAIN = b"some text, " * 50
PACKED = gzip.compress(PLAIN, mtime=0)  # the same whenever it is made
LONG = bytes(1_000_000)


def inflated(data: bytes, encoding: str = "gzip", most: int = 100_000, piece: int = 7) -> bytes:
    whole = Inflater(encoding, most)
    for start in range(0, len(data), piece):
        whole.feed(data[start : start + piece])
    return whole.end()


def reason(work: Any, *arguments: Any) -> str:
    with pytest.raises(PortalRefused) as caught:
        work(*arguments)
    return caught.value.reason


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip ", "identity, gzip"])
def test_gzip(encoding: str) -> None:
    assert inflated(gzip.compress(PLAIN), encoding) == PLAIN
    assert inflated(gzip.compress(PLAIN) + gzip.compress(b"more"), encoding) == PLAIN + b"more"
    assert inflated(b"", encoding) == b""
    assert inflated(PLAIN, "") == inflated(PLAIN, "identity") == PLAIN


@pytest.mark.parametrize(
    "encoding", ["br", "deflate", "zstd", "compress", "gzip, gzip", "gzip, br", "x", "*"]
)
def test_what_was_not_asked_for(encoding: str) -> None:
    assert reason(Inflater, encoding, 100) == "decode"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN, PACKED[:-1], PACKED[:-9], PACKED + b"x", b"\x1f",
        b"\x1f\x8b",
        PACKED[:-8] + bytes(8), zlib.compress(PLAIN), PACKED + bytes(100),
    ],
)  # fmt: skip
def test_what_is_broken(data: bytes) -> None:
    assert reason(inflated, data) == "decode"


@pytest.mark.parametrize("piece", [1, 100, 10_000])
def test_bombs(piece: int) -> None:
    bomb = gzip.compress(LONG)
    assert reason(inflated, bomb, "gzip", 100_000, piece) in ("size", "decode")
    assert reason(inflated, bomb, "gzip", 10_000, piece) == "size"
    assert reason(inflated, bomb, "gzip", 10_000_000, piece) == "decode"  # it is within its limit, and absurd
    nested = gzip.compress(bomb)
    assert inflated(nested, piece=piece) == bomb
    small = gzip.compress(bytes(FROM))
    assert inflated(small, piece=piece) == bytes(FROM)


def test_a_bomb_of_many_small_ones() -> None:
    assert reason(inflated, gzip.compress(bytes(50_000)) * 20, "gzip", 100_000, 64) in ("size", "decode")


def test_a_limit_is_held_to_the_byte() -> None:
    data = bytes(range(256)) * 4
    assert inflated(gzip.compress(data), most=1024) == data
    assert reason(inflated, gzip.compress(data), "gzip", 1023) == "size"
    assert reason(inflated, data, "", 1023) == "size"


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50))
def test_whatever_the_pieces(members: list[bytes], piece: int) -> None:
    assert inflated(b"".join(map(gzip.compress, members)), piece=piece) == b"".join(members)


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("grüß".encode(), None, "grüß"), ("grüß".encode(), "UTF-8", "grüß"), (b"\xef\xbb\xbfx", None, "x"),
        ("grüß".encode("latin-1"), "ISO-8859-1", "grüß"), ("“x”".encode("cp1252"), "windows-1252", "“x”"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"), ("日".encode("utf-16"), "utf-16", "日"),
        ("日".encode("gb18030"), "gb18030", "日"), (b"x", "us-ascii", "x"),
    ],
)  # fmt: skip
def test_charsets(data: bytes, charset: str | None, text: str) -> None:
    assert text_of(data, charset) == text


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        (b"\xff", None), (b"\xc3\xa4", "ascii"), (b"x", "no-such-charset"), (b"x", "rot13"), (b"78", "hex"),
        (b"x", "zlib"),
        (b"\\ud800", "unicode_escape"), (b"+2AA-", "utf-7"), (b"x", "idna"), (b"x", "punycode"), (b"x",
        "undefined"),
        (b"\xed\xa0\x80", None), (b"x", "utf-16"), (b"x", "mbcs"), (b"\x00\xd8", "utf-16le"), (b"x",
        "utf-8-sig"),
    ],
)  # fmt: skip
def test_what_is_no_text(data: bytes, charset: str | None) -> None:
    assert reason(text_of, data, charset) == "decode"


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[1,]", "{'a': 1}", "NaN", "[Infinity]", "-Infinity", "1e999", "nul", "[1] x", '"\\ud800"',
        '["\\uDC00\\uD800"]',
        "[" * (DEPTH + 1) + "]" * (DEPTH + 1), "9" * (DIGITS + 1), "[1." + "9" * (DIGITS + 1) + "]",
        "[" + "1," * NODES + "1]", "[" + "[]," * (NODES // 2) + "1]", '{"a":' * (DEPTH + 1),
        '"' + '\\"' * 100_000,
    ],
)  # fmt: skip
def test_json_that_is_refused(text: str) -> None:
    began = time.monotonic()
    assert reason(read_json, text) == "decode"
    assert time.monotonic() - began < 3.0


def test_json_at_its_limits() -> None:
    assert read_json("[" * DEPTH + "]" * DEPTH)
    assert read_json("9" * DIGITS) == int("9" * DIGITS)
    assert len(read_json("[" + "1," * (NODES - 3) + "1]")) == NODES - 2
    assert read_json('"\\\\ud800 \\ud83d\\ude00 [[[["') == "\\ud800 \U0001f600 [[[["


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DATA, st.booleans())
def test_json_is_read_as_the_library_reads_it(data: Any, ascii: bool) -> None:
    assert read_json(json.dumps(data, ensure_ascii=ascii)) == data


@pytest.mark.parametrize(
    ("type", "body", "value"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}), ("application/geo+json; charset=utf-8", b"[1]", [1]),
        ("APPLICATION/JSON", b"5", 5), ("text/json", b"null", None), ("text/plain", b' {"a": 1}', {"a": 1}),
        ("text/plain; charset=iso-8859-1", b"[\"\xe9\"]", ["é"]), ("text/plain", b"[not json", "[not json"),
        ("text/plain", b"5", "5"), ("text/html", b"[1]", "[1]"), (None, b"[1]", [1]), (None, b"x", "x"),
        ("text/html; charset=\"windows-1252\"", b"\x80", "€"), ("application/octet-stream", b"{}", {}),
    ],
)  # fmt: skip
def test_json_is_data_and_all_else_is_text(type: str | None, body: bytes, value: Any) -> None:
    net = Internet({"a.com": [PUBLIC]}, {PUBLIC: page(body, *([f"Content-Type: {type}"] if type else []))})
    answer = net.get()
    assert answer.value == value
    assert answer.json == (not isinstance(value, str))


@pytest.mark.parametrize("body", [b"{", b"<html>", b"\xff", b"[" * 1000])
def test_what_says_that_it_is_json_must_be(body: bytes) -> None:
    net = Internet({"a.com": [PUBLIC]}, {PUBLIC: page(body, "Content-Type: application/json")})
    assert net.refused().reason == "decode"


def test_a_bomb_on_the_wire() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    net = Internet({"a.com": [PUBLIC]}, {PUBLIC: page(bomb, "Content-Encoding: gzip")})
    assert net.refused().reason in ("size", "decode")
    net.answers[PUBLIC] = page(gzip.compress(PLAIN)[:-3], "Content-Encoding: gzip")
    assert net.refused().reason == "decode"
    net.answers[PUBLIC] = page(PLAIN, "Content-Encoding: br")
    assert net.refused().reason == "decode"
