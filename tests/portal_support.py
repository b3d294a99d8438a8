"""A small internet for the portal's tests: names, public addresses, scripted servers, a tripwire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lisppump.portal import Answer, Portal, PortalRefused

PUBLIC = "93.184.216.34"
OTHER = "151.101.1.69"
SIX = "2606:4700:4700::1111"
Script = Callable[[socket.socket], None]


def page(body: bytes = b"hello", *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """An answer as a server sends it."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if not any(header.lower().startswith(("transfer-encoding", "content-length")) for header in headers):
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def moved(location: str, status: str = "302 Found") -> bytes:
    """An answer that sends on."""
    return page(b"", f"Location: {location}", status=status)


@dataclass
class Internet:
    """Who has which addresses, who answers there, and all that was looked up, dialled and asked."""

    names: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)  # by address, or by address:port: bytes or a script
    looked_up: list[str] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _listeners: list[socket.socket] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a name; one whose addresses are a list of lists has others each time."""
        self.looked_up.append(host)
        found = self.names[host]
        if found and isinstance(found[0], list):
            return found.pop(0) if len(found) > 1 else found[0]
        return list(found)

    def connect(self, address: str, port: int, timeout: float) -> socket.socket:
        """A socket to the server that plays the address."""
        self.dialled.append(f"{address}:{port}")
        script = self.answers.get(f"{address}:{port}", self.answers.get(address))
        if script is None:
            raise ConnectionRefusedError
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        self._listeners.append(listener)
        self.ports.add(listener.getsockname()[1])
        threading.Thread(target=self._serve, args=(listener, script), daemon=True).start()
        stream = socket.socket()
        stream.settimeout(timeout)
        stream.connect(listener.getsockname())
        return stream

    def _serve(self, listener: socket.socket, script: bytes | Script) -> None:
        try:
            stream, _ = listener.accept()
            with stream:
                if callable(script):
                    script(stream)
                    return
                self.asked.append(request(stream))
                stream.sendall(script)
        except OSError:
            pass  # the portal hung up, as it should
        finally:
            listener.close()

    def portal(self, **more: Any) -> Portal:
        """A portal on this internet."""
        more.setdefault("deadline", 5.0)
        return Portal(resolve=self.resolve, connect=self.connect, **more)

    def get(self, url: str = "http://a.com/", **more: Any) -> Answer:
        """What a page of it says."""
        return self.portal(**more).get(url)

    def refused(self, url: str = "http://a.com/", **more: Any) -> PortalRefused:
        """The refusal that a page of it ends in."""
        with pytest.raises(PortalRefused) as caught:
            self.get(url, **more)
        return caught.value

    def close(self) -> None:
        """Let everyone go home."""
        self.over.set()
        for listener in self._listeners:
            listener.close()


def request(stream: socket.socket) -> bytes:
    """What was asked."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = stream.recv(4096)
        if not piece:
            break
        data += piece
    return data


def saying(
    *pieces: bytes, over: threading.Event | None = None, every: float = 0.0, last: bool = False
) -> Script:
    """A server that says the pieces; with `over` it stays, and says the last again and again if `last`."""

    def script(stream: socket.socket) -> None:
        request(stream)
        for piece in pieces:
            stream.sendall(piece)
        while over is not None and not over.wait(every):
            if last:
                stream.sendall(pieces[-1])

    return script


@contextmanager
def tripwire(monkeypatch: pytest.MonkeyPatch, allowed: Callable[[Any], bool]) -> Iterator[list[Any]]:
    """Everything that is dialled or looked up beside the scripted servers."""
    stray: list[Any] = []
    connect = socket.socket.connect

    def dial(stream: socket.socket, address: Any) -> None:
        if not allowed(address):
            stray.append(("connect", address))
            raise AssertionError(f"dialled {address}")
        connect(stream, address)

    def refuse(name: str) -> Callable[..., Any]:
        def called(*arguments: Any, **more: Any) -> Any:
            stray.append((name, arguments))
            raise AssertionError(f"{name} was called")

        return called

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", dial)
        patch.setattr(socket.socket, "connect_ex", refuse("connect_ex"))
        for name in (
            "getaddrinfo",
            "gethostbyname",
            "gethostbyname_ex",
            "create_connection",
            "gethostbyaddr",
        ):
            patch.setattr(socket, name, refuse(name))
        yield stray


def lines(asked: Sequence[bytes]) -> list[list[str]]:
    """The lines of each request."""
    return [data.decode().split("\r\n") for data in asked]
