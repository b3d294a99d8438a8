"""The portal on a small internet: where it goes, what it asks, whom it believes, and how long it waits."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from lisppump.portal import AGENT, HOPS, Portal, PortalRefused
from tests.portal_support import (
    OTHER,
    PUBLIC,
    SIX,
    Internet,
    lines,
    moved,
    page,
    request,
    saying,
    tripwire,
)

SHORT = 0.2  # seconds that a test lets the portal wait
PATIENT = 3.0  # seconds within which it must have stopped, on a slow machine


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """An internet with a page; nothing but its servers may be dialled, and nothing looked up."""
    internet = Internet({"a.com": [PUBLIC], "b.com": [OTHER]}, {PUBLIC: page()})

    def allowed(address: Any) -> bool:
        return address[0] == "127.0.0.1" and address[1] in internet.ports

    with tripwire(monkeypatch, allowed) as stray:
        yield internet
        internet.close()
    assert stray == []


def in_time(work: Callable[[], PortalRefused]) -> PortalRefused:
    began = time.monotonic()
    error = work()
    assert time.monotonic() - began < PATIENT
    return error


# -- where it goes, and what it asks


def test_a_page_is_read(net: Internet) -> None:
    answer = net.get("http://a.com:8080/x/y?z=1#part")
    assert (answer.value, answer.status, answer.url) == ("hello", 200, "http://a.com:8080/x/y?z=1")
    assert answer.ok and not answer.json
    assert answer.bytes == len(page()) and 0 <= answer.seconds < PATIENT
    assert (net.looked_up, net.dialled) == (["a.com"], [f"{PUBLIC}:8080"])
    assert lines(net.asked) == [
        ["GET /x/y?z=1 HTTP/1.1", "Host: a.com:8080", f"User-Agent: {AGENT}",
         "Accept: application/json, text/*;q=0.9, */*;q=0.1", "Accept-Encoding: gzip", "Connection: close",
         "", ""]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "dialled", "host"),
    [
        (f"http://{PUBLIC}/", f"{PUBLIC}:80", PUBLIC),
        (f"http://[{SIX}]:8080/", f"{SIX}:8080", f"[{SIX}]:8080"),
        ("http://A.com./", f"{PUBLIC}:80", "a.com"),
        ("http://bücher.de/", f"{OTHER}:80", "xn--bcher-kva.de"),
    ],
)
def test_an_address_is_dialled_as_it_is_and_a_name_by_its_address(
    net: Internet, url: str, dialled: str, host: str
) -> None:
    net.names["xn--bcher-kva.de"] = [OTHER]
    net.answers |= {SIX: page(), OTHER: page()}
    assert net.get(url).value == "hello"
    assert net.dialled == [dialled]
    assert f"Host: {host}" in lines(net.asked)[0]
    assert len(net.looked_up) == (not url.endswith((f"{PUBLIC}/", "8080/")))


def test_the_environment_is_nothing_to_it(
    net: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine a.com login me password secret\n")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    net.answers[PUBLIC] = page(b"hi", "Set-Cookie: a=b; Domain=a.com")
    portal = net.portal()
    assert [portal.get("http://a.com/").value, portal.get("http://a.com/").value] == ["hi", "hi"]
    assert net.dialled == [f"{PUBLIC}:80"] * 2  # and no connection is kept
    assert not any(b"ookie" in asked or b"uthoriz" in asked for asked in net.asked)


def test_addresses_are_tried_one_after_the_other(net: Internet) -> None:
    net.names["a.com"] = [OTHER, OTHER, SIX, PUBLIC]
    assert net.get().value == "hello"
    assert net.dialled == [f"{OTHER}:80", f"{SIX}:80", f"{PUBLIC}:80"]


def test_nobody_answers(net: Internet) -> None:
    del net.answers[PUBLIC]
    assert net.refused().reason == "protocol"


# -- names and what they come to


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"], ["10.1.2.3"], [PUBLIC, "169.254.169.254"], ["::1", PUBLIC], [PUBLIC, SIX, "fe80::1%2"],
        ["64:ff9b::7f00:1"], ["::ffff:127.0.0.1"], ["224.0.0.1"], [PUBLIC, "nonsense"], ["127.1"],
        ["0x7f000001"], [],
    ],
)  # fmt: skip
def test_one_record_that_is_not_public_refuses_the_name(net: Internet, found: list[str]) -> None:
    net.names["a.com"] = found
    error = net.refused()
    assert error.reason == "resolve"
    assert not any(text in error.message for text in found)
    assert (net.looked_up, net.dialled) == (["a.com"], [])


def test_a_name_that_is_not_found(net: Internet) -> None:
    assert net.refused("http://nowhere.com/").reason == "resolve"

    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(PortalRefused) as caught:
        Portal(resolve=resolve, connect=net.connect).get("http://a.com/")
    assert caught.value.reason == "resolve"
    assert caught.value.message == "the name in the URL was not found"


@pytest.mark.parametrize(
    "fault",
    [socket.gaierror(socket.EAI_AGAIN, "later"), socket.gaierror(socket.EAI_FAIL, "never"), OSError()],
)
def test_a_name_that_nobody_could_be_asked_for_is_not_called_unknown(net: Internet, fault: OSError) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise fault

    with pytest.raises(PortalRefused) as caught:
        Portal(resolve=resolve, connect=net.connect).get("http://a.com/")
    assert caught.value.reason == "resolve"
    assert caught.value.message == "nobody could be asked for the name in the URL"


def test_a_resolver_that_changes_its_mind_is_asked_once(net: Internet) -> None:
    net.names["a.com"] = [[PUBLIC], ["127.0.0.1"]]
    assert net.get().value == "hello"
    assert (net.looked_up, net.dialled) == (["a.com"], [f"{PUBLIC}:80"])


def test_a_resolver_that_changes_its_mind_between_two_hops_is_vetted_anew(net: Internet) -> None:
    net.names["a.com"] = [[PUBLIC], ["127.0.0.1"]]
    net.answers[PUBLIC] = moved("/again")
    error = net.refused()
    assert (error.reason, error.cause) == ("redirect", "resolve")
    assert (net.looked_up, net.dialled) == (["a.com", "a.com"], [f"{PUBLIC}:80"])


def test_a_resolver_that_hangs(net: Internet) -> None:
    def resolve(host: str, port: int) -> list[str]:
        net.over.wait(60)
        return [PUBLIC]

    def work() -> PortalRefused:
        with pytest.raises(PortalRefused) as caught:
            Portal(resolve=resolve, connect=net.connect, deadline=SHORT).get("http://a.com/")
        return caught.value

    error = in_time(work)
    assert error.reason == "time" and error.seconds >= SHORT
    assert net.dialled == []


# -- redirects


@pytest.mark.parametrize(
    ("location", "cause"),
    [
        ("http://127.0.0.1/", "address"), ("//169.254.169.254/latest", "address"), ("http://[::1]/",
        "address"),
        ("file:///etc/passwd", "scheme"), ("gopher://b.com/", "scheme"), ("http://127.1/", "numeric"),
        ("http://localhost/", "host"), ("http://b.com:22/", "port"), ("http://u:p@b.com/", "userinfo"),
        ("http://b.com\\@127.0.0.1/", "syntax"), ("http://b\u00fccher.de/\u00e9", "syntax"), ("/\u00ff",
        "syntax"),
        ("http://B\u00dcCHER.de/", "idna"), ("http://b.com/" + "a" * 2048, "long"), ("http://c.com/",
        "resolve"),
        ("http://inside.com/", "resolve"), ("http:b.com", "syntax"), ("http:///b.com", "syntax"),
    ],
)  # fmt: skip
def test_a_redirect_is_parsed_and_vetted_anew(net: Internet, location: str, cause: str) -> None:
    net.names["inside.com"] = ["10.0.0.1"]
    net.answers[PUBLIC] = moved(location)
    error = net.refused()
    assert (error.reason, error.cause) == ("redirect", cause)
    assert error.data == {"reason": "redirect", "cause": cause}
    assert net.dialled == [f"{PUBLIC}:80"]


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_redirects_are_followed(net: Internet, status: str) -> None:
    net.answers |= {PUBLIC: moved("//b.com:8080/x?y#z", status), OTHER: page()}
    answer = net.get("http://a.com/")
    assert (answer.url, answer.value) == ("http://b.com:8080/x?y", "hello")
    assert net.dialled == [f"{PUBLIC}:80", f"{OTHER}:8080"]
    assert [asked[:2] for asked in lines(net.asked)] == [
        ["GET / HTTP/1.1", "Host: a.com"], ["GET /x?y HTTP/1.1", "Host: b.com:8080"]
    ]  # fmt: skip


def test_there_is_an_end_of_sending_on(net: Internet) -> None:
    ports = (80, 443, 8080, 8443)
    for here, there in pairwise(ports):
        net.answers[f"{PUBLIC}:{here}"] = moved(f"http://a.com:{there}/")
    assert net.get().value == "hello"
    assert len(net.dialled) == HOPS + 1
    net.answers[f"{PUBLIC}:8443"] = moved("http://a.com/")
    assert net.refused().reason == "redirect"
    assert len(net.dialled) == 2 * (HOPS + 1)


@pytest.mark.parametrize("headers", [[], ["Location: /a", "Location: /b"]])
def test_a_redirect_that_does_not_say_where_to(net: Internet, headers: list[str]) -> None:
    net.answers[PUBLIC] = page(b"", *headers, status="302 Found")
    error = net.refused()
    assert (error.reason, error.cause) == ("redirect", None)


# -- time


def endless(net: Internet, *pieces: bytes, every: float = 0.01, last: bool = True) -> None:
    net.answers[PUBLIC] = saying(*pieces, over=net.over, every=every, last=last)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"",), (b"HTTP/1.1 200 OK\r\n", b""), (b"HTTP/1.1 200 OK\r\nA: ", b"b"),
        (page(b"", length=1000), b"x"), (page(b"", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n",), (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    ],
)  # fmt: skip
def test_who_drips_is_left_in_time(net: Internet, pieces: tuple[bytes, ...]) -> None:
    endless(net, *pieces)
    error = in_time(lambda: net.refused(deadline=SHORT))
    assert error.reason == "time"
    assert error.seconds >= SHORT


def test_the_time_is_one_for_all_hops(net: Internet) -> None:
    def slow(stream: socket.socket) -> None:
        request(stream)
        net.over.wait(0.12)
        stream.sendall(moved("/"))

    net.answers[PUBLIC] = slow
    assert in_time(lambda: net.refused(deadline=SHORT)).reason == "time"
    assert len(net.dialled) == 2


def test_a_caller_may_give_less_time(net: Internet) -> None:
    endless(net, b"")
    with pytest.raises(PortalRefused) as caught:
        net.portal(deadline=60).get("http://a.com/", SHORT)
    assert caught.value.reason == "time"
    assert caught.value.seconds < PATIENT


def test_dialling_gets_what_is_left(net: Internet) -> None:
    given = []

    def connect(address: str, port: int, timeout: float) -> socket.socket:
        given.append(timeout)
        raise TimeoutError

    net.names["a.com"] = [PUBLIC, OTHER]
    with pytest.raises(PortalRefused):
        Portal(resolve=net.resolve, connect=connect, deadline=1.0).get("http://a.com/")
    assert 0 < given[0] <= 0.5 and given[0] <= given[1] <= 1.0


# -- size


def test_who_never_ends_is_left(net: Internet) -> None:
    for start in (b"HTTP/1.1 200 OK\r\n\r\n", page(b"", "Transfer-Encoding: chunked")):
        chunk = b"x" * 8192 if b"chunked" not in start else b"2000\r\n" + b"x" * 8192 + b"\r\n"
        endless(net, start, chunk, every=0)
        assert in_time(lambda: net.refused(max_bytes=100_000, deadline=30)).reason == "size"


def test_the_framing_counts(net: Internet) -> None:
    body = b"1;" + b"e" * 1000 + b"\r\nx\r\n"
    net.answers[PUBLIC] = page(body * 20 + b"0\r\n\r\n", "Transfer-Encoding: chunked")
    assert net.refused(max_bytes=10_000).reason == "size"
    assert net.get(max_bytes=40_000).value == "x" * 20


def test_an_announced_length_is_enough(net: Internet) -> None:
    net.answers[PUBLIC] = page(b"", length=10**12)
    assert net.refused().reason == "size"


def test_exactly_so_many_bytes_are_read(net: Internet) -> None:
    assert net.get(max_bytes=len(page())).value == "hello"
    assert net.refused(max_bytes=len(page()) - 1).reason == "size"


def test_the_bytes_are_one_cap_for_all_hops(net: Internet) -> None:
    net.answers |= {PUBLIC: moved("http://b.com/"), OTHER: page()}
    whole = len(moved("http://b.com/")) + len(page())
    assert net.get(max_bytes=whole).bytes == whole
    assert net.refused(max_bytes=whole - 1).reason == "size"


@pytest.mark.parametrize(
    "headers",
    [["A: b"] * 101, ["A: " + "b" * 70_000], ["A: " + "b" * 2000] * 60, ["A" * 70_000 + ": b"]],
)
def test_floods_of_headers(net: Internet, headers: list[str]) -> None:
    net.answers[PUBLIC] = page(b"", *headers)
    assert net.refused().reason == "size"


def test_a_flood_of_answers_before_the_answer(net: Internet) -> None:
    net.answers[PUBLIC] = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3000 + page()
    assert net.refused().reason == "size"
    net.answers[PUBLIC] = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + page()
    assert net.get().value == "hello"


# -- HTTP


def chunked(body: bytes) -> bytes:
    return page(body, "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"hello, I am HTTP/0.9\n", b"HTTP/0.9 200 OK\r\n\r\nx", b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 999 What\r\n\r\n", b"HTTP/1.1 000 What\r\n\r\n",
        b"\x16\x03\x01\x02",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        page(b"hello", length=6), page(b"hello", length=4), page(b"hello", "Content-Length: x"),
        page(b"hello", "Content-Length: -5"), page(b"hello", "Content-Length: +5"),
        page(b"hello", "Content-Length: " + "5" * 5000),
        page(b"hello", "Content-Length: 5", "Content-Length: 6"),
        page(b"hello", "Content-Length: 5, 6"),
        page(b"5\r\nhello\r\n0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"),
        page(b"hello", "Transfer-Encoding: gzip, chunked"), page(b"hello", "Transfer-Encoding: identity"),
        page(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        chunked(b"5\r\nhello\r\n"), chunked(b"x\r\nhello\r\n0\r\n\r\n"), chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
        chunked(b"4\r\nhello\r\n0\r\n\r\n"), chunked(b"6\r\nhello\r\n0\r\n\r\n"),
        chunked(b"f" * 40 + b"\r\nhello"),
        chunked(b"5\r\nhello\r\n0\r\n\r\nmore"), chunked(b"5\r\nhello\r\n0\r\n\r\n") + page(),
        page() + page(),
        chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), page(b"hello", " A: folded first"), page(b"hello", "A b: c"),
        page(b"hello", "A : c"), page(b"hello", "no colon"), page(b"hello", "A: b\x00c"),
        page(b"hello", "Content-Type: text/plain", "Content-Type: text/html"),
    ],
)  # fmt: skip
def test_who_breaks_the_rules_of_http_is_not_believed(net: Internet, answer: bytes) -> None:
    net.answers[PUBLIC] = answer
    assert net.refused().reason == "protocol"


@pytest.mark.parametrize(
    "answer",
    [
        chunked(b"5\r\nhello\r\n0\r\n\r\n"), chunked(b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n"),
        b"HTTP/1.0 200 OK\r\n\r\nhello", b"HTTP/1.1 200\r\n\r\nhello",
        b"HTTP/1.1 203 Near\r\nContent-Length: 5, 5\r\n\r\nhello",
        page(b"hello", "Content-Encoding: identity"),
    ],
)  # fmt: skip
def test_who_keeps_to_them_is(net: Internet, answer: bytes) -> None:
    net.answers[PUBLIC] = answer
    assert net.get().value == "hello"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh", "304 Not Modified", "300 Choices", "429 Slow"])
def test_another_status_is_an_answer_whose_body_is_left(net: Internet, status: str) -> None:
    net.answers[PUBLIC] = page(b"\xff" * 100, "Content-Encoding: br", status=status)
    answer = net.get()
    assert (answer.status, answer.text, answer.ok) == (int(status[:3]), "", False)


def test_who_hangs_up(net: Internet) -> None:
    net.answers[PUBLIC] = lambda stream: None
    assert net.refused().reason == "protocol"


# -- what is given may be other than a socket


class Stream:
    """A stream as httpcore has them."""

    def __init__(self, socket: socket.socket) -> None:
        self._socket = socket

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(timeout)
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._socket.sendall(buffer)

    def close(self) -> None:
        self._socket.close()


def test_a_stream_will_do(net: Internet) -> None:
    net.answers[PUBLIC] = page(gzip.compress(b"hello"), "Content-Encoding: gzip")

    def connect(address: str, port: int, timeout: float) -> Stream:
        return Stream(net.connect(address, port, timeout))

    assert Portal(resolve=net.resolve, connect=connect, deadline=5).get("http://a.com/").value == "hello"


def test_private_places_are_read_where_an_operator_says_so(net: Internet) -> None:
    net.names["box"] = ["10.0.0.1"]
    net.answers |= {"10.0.0.1": moved("http://127.0.0.1:9000/"), "127.0.0.1:9000": page()}
    assert net.refused("http://box:9000/").reason == "host"
    exempt = {"box:9000", "127.0.0.1:9000"}
    assert net.get("http://box:9000/", allow_private=exempt).value == "hello"
    assert net.refused("http://box:9000/", allow_private={"box:9000"}).cause == "address"
    assert net.refused("http://box:9001/", allow_private=exempt).reason == "host"


def test_nothing_of_it_stays(net: Internet) -> None:
    before = threading.active_count()
    for _ in range(5):
        net.get()
    assert threading.active_count() <= before + 1  # the last server may still be on its way out
