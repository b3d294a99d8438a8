"""Whatever a server says, byte by byte and in whatever pieces, the portal ends in an answer or a refusal."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lisppump.portal import REASONS, Answer, Portal, PortalRefused
from tests.portal_support import PUBLIC, moved, page

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
GOOD = [
    page(b"hello"),
    page(b'{"a": [1, 2.5, "x", null]}', JSON),
    page(gzip.compress(b"hello " * 99, mtime=0), "Content-Encoding: gzip"),
    page(b"5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\nC: d\r\n\r\n", CHUNKED),
    b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" + page(b"x", "Content-Type: text/html; charset=latin-1"),
    b"HTTP/1.0 200 OK\r\n\r\nhello",
    moved("/x"),
    moved("https://b.com/"),
    page(b"no", status="404 Not Found"),
]
ODD = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"\x00", b" ", b":", b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"-", b"e999", b"\t",
     b",", b"9" * 30, b"\xff\xfe", b"\x1f\x8b", b"101", b"0\r\n\r\n", b"Content-Length: 3\r\n",
     b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"Location: //127.0.0.1\r\n",
     b"Content-Type: application/json\r\n", b"Connection: upgrade\r\n"]
)  # fmt: skip


class Line:
    """A stream that gives the pieces of an answer, then ends."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, max_bytes: int, timeout: float) -> bytes:
        assert timeout > 0
        return next(self._pieces, b"")[:max_bytes]

    def write(self, buffer: bytes, timeout: float) -> None:
        pass

    def close(self) -> None:
        pass

    def start_tls(self, context: Any, name: str, timeout: float) -> Line:
        return self


def ends(answer: bytes, piece: int, url: str = "http://a.com/") -> Answer | PortalRefused:
    pieces = [answer[start : start + piece] for start in range(0, len(answer), piece)]
    portal = Portal(
        resolve=lambda host, port: [PUBLIC], connect=lambda *where: Line(iter(pieces)), max_bytes=20_000
    )
    try:
        found = portal.get(url)
    except PortalRefused as error:
        assert error.reason in REASONS and error.seconds >= 0
        return error
    found.value  # noqa: B018  # it must be there
    return found


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 10])))
        put = draw(st.one_of(ODD, st.binary(max_size=3), st.just(data[start:end])))
        data = data[:start] + put * draw(st.sampled_from([1, 1, 1, 2, 50])) + data[end:]
    return data


@settings(max_examples=400)
@given(mangled(), st.sampled_from([1, 7, 100_000]))
@example(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 19 + b"\r\n\r\n", 100_000)
@example(b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nhi", 100_000)
@example(page(b'"\\ud800"', JSON), 1)
def test_an_answer_or_a_refusal(answer: bytes, piece: int) -> None:
    ends(answer, piece)


@settings(max_examples=100)
@given(st.binary(max_size=300), st.integers(1, 400))
def test_of_any_bytes(answer: bytes, piece: int) -> None:
    ends(answer, piece)
    ends(page(answer, JSON), piece)
    ends(page(answer, "Content-Encoding: gzip"), piece)
    ends(page(answer, CHUNKED), piece)


@pytest.mark.parametrize("good", [good for good in GOOD if b"Location" not in good])
def test_the_pieces_make_no_difference(good: bytes) -> None:
    seen = set()
    for piece in (1, 2, 3, 50, 100_000):
        answer = ends(good, piece)
        assert isinstance(answer, Answer)
        seen.add((answer.status, answer.text, answer.json, answer.ok and answer.bytes))
    assert len(seen) == 1


def test_a_stream_may_bring_its_own_tls() -> None:
    assert isinstance(ends(page(), 100_000, "https://a.com/"), Answer)
