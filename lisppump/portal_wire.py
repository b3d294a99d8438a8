"""The wire of the portal: httpcore dials through it, and every byte and second is counted here.

The only module that knows httpcore, and so imported when a page is asked for. It dials the addresses that it
was handed and nothing else; it looks nothing up and reads no environment.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpcore

from lisppump.portal_refusals import refuse

HEAD = 64 * 1024  # bytes of everything before a body: 1xx answers, status line, headers
PIECE = 16 * 1024  # bytes of one read
Connect = Callable[[str, int, float], Any]
LATE = (TimeoutError, httpcore.TimeoutException)
BROKEN = (OSError, httpcore.NetworkError, httpcore.ProtocolError)


class Allowance:
    """What is left of the time and the bytes of one page, all its hops together."""

    def __init__(self, seconds: float, most: int) -> None:
        self.began = time.monotonic()
        self.until = self.began + seconds
        self.seconds = seconds
        self.most = most
        self.taken = 0

    def left(self) -> float:
        """Seconds that are left; a refusal where none are."""
        left = self.until - time.monotonic()
        if left <= 0:
            self.late()
        return left

    def used(self) -> float:
        """Seconds since the beginning, to the millisecond."""
        return round(time.monotonic() - self.began, 3)

    def late(self) -> None:
        """Refuse: the time is over."""
        refuse("time", f"the page was not there within {self.seconds:g} s")

    def take(self, count: int) -> None:
        """Count bytes that came."""
        self.taken += count
        if self.taken > self.most:
            refuse("size", f"the answer is longer than {self.most:,} bytes, headers and framing included")


class Wire(httpcore.NetworkStream):
    """A stream to one server: plain or, once `start_tls` was called, in TLS.

    What is beneath is a socket, or something with read, write and close as httpcore has them.
    """

    def __init__(self, raw: Any, allowance: Allowance) -> None:
        self._raw = raw
        self._allowance = allowance
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.came = bytearray()  # all of HTTP, out of its TLS
        self.in_head = True

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes, b"" at the end."""
        if self.in_head and len(self.came) >= HEAD:
            refuse("size", f"the headers of the answer are longer than {HEAD // 1024} KiB")
        size = min(max_bytes, PIECE)
        data = self._raw_read(size) if self._tls is None else self._tls_read(self._tls, size)
        self.came += data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the bytes."""
        if self._tls is None:
            self._raw_write(buffer)
            return
        try:
            self._tls.write(buffer)
        except ssl.SSLError:
            refuse("tls", "the secure connection broke")
        self._flush()

    def close(self) -> None:
        """Hang up."""
        with suppress(*BROKEN):  # it may be gone already, which is what was wanted
            self._raw.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Itself, in TLS with whom the name says; what brings a TLS of its own speaks that."""
        if hasattr(self._raw, "start_tls"):
            self._raw = self._raw_tls(ssl_context, server_hostname)
            return self
        tls = ssl_context.wrap_bio(self._in, self._out, server_hostname=server_hostname)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLCertVerificationError:
                refuse("tls", "the server's certificate is not valid for the name in the URL")
            except (ssl.SSLError, ValueError):
                refuse("tls", "the server does not speak TLS as it should")
        self._flush()
        self._tls = tls
        return self

    def _raw_tls(self, context: ssl.SSLContext, name: str | None) -> Any:
        left = self._allowance.left()
        try:
            return self._raw.start_tls(context, name, left)
        except LATE:
            self._allowance.late()
        except BROKEN:
            refuse("tls", "the server could not show that it is who it should be")

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for: whether this is TLS."""
        return self._tls if info == "ssl_object" else None

    def _tls_read(self, tls: ssl.SSLObject, size: int) -> bytes:
        while True:
            try:
                return tls.read(size)
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError:
                refuse("tls", "the secure connection broke, or ended without saying so")

    def _feed(self) -> None:
        data = self._raw_read(PIECE)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    def _flush(self) -> None:
        data = self._out.read()
        if data:
            self._raw_write(data)

    def _raw_read(self, size: int) -> bytes:
        left = self._allowance.left()
        try:
            if hasattr(self._raw, "recv"):
                self._raw.settimeout(left)
                data: bytes = self._raw.recv(size)
            else:
                data = self._raw.read(size, left)
        except LATE:
            self._allowance.late()
            raise
        except BROKEN:
            refuse("protocol", "the connection broke")
        self._allowance.take(len(data))
        return data

    def _raw_write(self, data: bytes) -> None:
        left = self._allowance.left()
        try:
            if hasattr(self._raw, "recv"):
                self._raw.settimeout(left)
                self._raw.sendall(data)
            else:
                self._raw.write(data, left)
        except LATE:
            self._allowance.late()
        except BROKEN:
            refuse("protocol", "the connection broke")


class Dialler(httpcore.NetworkBackend):
    """Dials the vetted addresses, one after the other, whatever name httpcore asks for."""

    def __init__(self, addresses: Sequence[str], connect: Connect, allowance: Allowance) -> None:
        self._addresses = addresses
        self._connect = connect
        self._allowance = allowance
        self.wire: Wire | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the first address where anybody answers; each gets its share of what time is left."""
        for at, address in enumerate(self._addresses):
            share = self._allowance.left() / (len(self._addresses) - at)
            try:
                raw = self._connect(address, port, share)
            except (*LATE, *BROKEN):
                continue
            self.wire = Wire(raw, self._allowance)
            return self.wire
        self._allowance.left()
        refuse("protocol", "nobody answers there")


def opened(
    scheme: str,
    host: str,
    port: int,
    target: str,
    headers: Sequence[tuple[bytes, bytes]],
    dialler: Dialler,
    context: ssl.SSLContext | None,
) -> tuple[httpcore.HTTPConnection, httpcore.Response, Wire]:
    """The answer to one GET, its body unread, and what to close after it."""
    url = httpcore.URL(scheme=scheme.encode(), host=host.encode(), port=port, target=target.encode())
    connection = httpcore.HTTPConnection(
        url.origin, ssl_context=context, http1=True, http2=False, retries=0, network_backend=dialler
    )
    try:
        answer = connection.handle_request(httpcore.Request(b"GET", url, headers=list(headers)))
    except BaseException as error:
        _hang_up(connection, dialler)
        raise_as_refusal(error)
        raise
    assert dialler.wire is not None
    dialler.wire.in_head = False
    return connection, answer, dialler.wire


def _hang_up(connection: httpcore.HTTPConnection, dialler: Dialler) -> None:
    connection.close()
    if dialler.wire is not None:
        dialler.wire.close()


def raise_as_refusal(error: BaseException) -> None:
    """Raise what httpcore says of a server as a refusal; return where it said something else."""
    import h11

    if isinstance(error, httpcore.ProtocolError | h11.ProtocolError):
        refuse("protocol", "the server's answer breaks the rules of HTTP")


def overlong(wire: Wire, allowance: Allowance) -> bool:
    """Whether more came than the answer: what follows it may be meant for somebody else.

    httpcore reads on over it; so the bytes are read once more, by the same rules.
    """
    import h11

    again = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * HEAD)
    again.send(h11.Request(method="GET", target="/", headers=[("Host", "again"), ("Connection", "close")]))
    again.send(h11.EndOfMessage())
    again.receive_data(bytes(wire.came))
    while isinstance(event := again.next_event(), h11.Event):
        allowance.left()
        if isinstance(event, h11.EndOfMessage):
            return again.trailing_data[0] != b""
    return False
