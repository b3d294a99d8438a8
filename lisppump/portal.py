"""The one way out of the sandbox: a guarded GET of public pages. It keeps nothing and knows no LisPy.

Everything around it is an argument; environment, proxies, netrc and cookies are nothing to it.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lisppump.portal_addresses import address_of, is_public
from lisppump.portal_body import Inflater, parsed, read_json, text_of
from lisppump.portal_refusals import REASONS, PortalRefused, refuse
from lisppump.portal_rule import PortalRule
from lisppump.portal_url import Place, joined, parse

if TYPE_CHECKING:
    import ssl

    from lisppump.portal_wire import Allowance

__all__ = ["REASONS", "Answer", "Portal", "PortalRefused", "Window"]

USUAL = PortalRule()
HOPS = 3  # redirects that are followed
HEADERS = 100  # of one answer
ADDRESSES = 8  # that are dialled, of those that a name has
AGENT = "lisppump-portal/1.0"
REDIRECTS = (301, 302, 303, 307, 308)
UNASKED = "this machine got no answer from its name service (DNS); that says nothing about the name"
UNFOUND = "see how it is spelt; where no name at all is found, this machine has no name service (DNS)"
_NO_NAME = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([A-Za-z0-9._:-]+)"?', re.IGNORECASE)

Resolve = Callable[[str, int], list[str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page said: its text, which is JSON or not, and what is worth noting of how it came.

    `url` is where it was in the end; of an answer other than 2xx the text is not read. `seconds` is how long
    it took, `bytes` what came over the wire.
    """

    url: str
    status: int
    text: str
    json: bool
    bytes: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the server gave what was asked for."""
        return 200 <= self.status < 300

    @property
    def value(self) -> Any:
        """The data of JSON, the text of all else."""
        return parsed(self.text) if self.json else self.text


class Portal:
    """Reads public pages.

    `resolve` gives the addresses of a name, `connect` a socket to one address (or a stream with read, write
    and close, as httpcore has them); without them it is this machine's network.
    `allow_private` names places as `host:port` that are read wherever they are: dangerous, meant for tests.
    """

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        connect: Callable[[str, int, float], Any] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        deadline: float = USUAL.deadline,
        max_bytes: int = USUAL.size,
        allow_private: Collection[str] = frozenset(),
    ) -> None:
        self._resolve = resolve or look_up
        self._connect = connect or dial
        self._context = ssl_context
        self._deadline = deadline
        self._most = max_bytes
        self._exempt = frozenset(allow_private)

    def get(self, url: str, seconds: float | None = None) -> Answer:
        """What the page says, within the deadline and within `seconds`, if given; or PortalRefused."""
        place = parse(url, self._exempt)
        from lisppump.portal_wire import Allowance

        allowance = Allowance(self._deadline if seconds is None else min(seconds, self._deadline), self._most)
        try:
            return self._read(place, allowance)
        except PortalRefused as error:
            error.seconds = allowance.used()
            raise

    def _read(self, place: Place, allowance: Allowance) -> Answer:
        """The answer at the end of all redirects."""
        answer = self._hop(place, self._vetted(place, allowance), allowance)
        for _ in range(HOPS):
            if isinstance(answer, Answer):
                return answer
            place, addresses = self._onward(place, answer, allowance)
            answer = self._hop(place, addresses, allowance)
        if isinstance(answer, Answer):
            return answer
        return refuse("redirect", f"the page sends on more than {HOPS} times")

    def _onward(self, place: Place, location: str, allowance: Allowance) -> tuple[Place, list[str]]:
        """Where a redirect leads, vetted like the first place."""
        try:
            there = parse(joined(place, location), self._exempt)
            if place.scheme == "https" and there.scheme == "http":
                refuse("redirect", "the page sends on from https to http")
            return there, self._vetted(there, allowance)
        except PortalRefused as error:
            if error.reason in ("redirect", "time"):
                raise
            raise PortalRefused(
                "redirect", f"the page sends on, where the portal does not go: {error.message}",
                cause=error.reason,
            ) from None  # fmt: skip

    def _vetted(self, place: Place, allowance: Allowance) -> list[str]:
        """The addresses to dial, all of them public; a name is looked up once."""
        if place.address is not None:
            return [str(place.address)]
        try:
            found = _in_time(lambda: list(self._resolve(place.host, place.port)), allowance)
        except (OSError, LookupError, ValueError) as error:
            if isinstance(error, OSError) and not _answers(error):
                refuse("resolve", "nobody could be asked for the name in the URL", help=UNASKED)
            found = []
        if not found:
            refuse("resolve", "the name in the URL was not found", help=UNFOUND)
        addresses = [address_of(text) for text in found]
        if not place.exempt and not all(address is not None and is_public(address) for address in addresses):
            refuse("resolve", "the name in the URL has an address that is not public")
        return list(dict.fromkeys(str(address) for address in addresses if address is not None))[:ADDRESSES]

    def _hop(self, place: Place, addresses: list[str], allowance: Allowance) -> Answer | str:
        """The answer of one place, or where it sends on to."""
        from lisppump.portal_wire import Dialler, opened

        headers = (
            (b"Host", place.authority.encode()), (b"User-Agent", AGENT.encode()),
            (b"Accept", b"application/json, text/*;q=0.9, */*;q=0.1"), (b"Accept-Encoding", b"gzip"),
            (b"Connection", b"close"),
        )  # fmt: skip
        dialler = Dialler(addresses, self._connect, allowance)
        context = self._trusting() if place.scheme == "https" else None
        connection, response, wire = opened(
            place.scheme, place.host, place.port, place.target, headers, dialler, context
        )
        try:
            if response.extensions["http_version"] not in (b"HTTP/1.0", b"HTTP/1.1"):
                refuse("protocol", "the server speaks another HTTP than 1.0 and 1.1")
            head = _Head(response.status, [(name.lower(), value) for name, value in response.headers])
            if head.status in REDIRECTS:
                return head.location()
            text, is_json = "", False
            if 200 <= head.status < 300:
                text, is_json = _content(head, response, wire, allowance)
            allowance.left()
            return Answer(place.url, head.status, text, is_json, allowance.taken, allowance.used())
        finally:
            connection.close()
            wire.close()

    def _trusting(self) -> ssl.SSLContext:
        """What TLS is spoken with: the usual authorities, whatever the environment says."""
        if self._context is None:
            import ssl

            import certifi

            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._context.load_verify_locations(certifi.where())
        return self._context


@dataclass(frozen=True, slots=True)
class Window:
    """What programs are given of a portal: how many pages one run may ask for, and wait how long for all."""

    portal: Portal
    calls: int = USUAL.calls
    seconds: float = USUAL.patience

    def fetch(self, url: str, seconds: float) -> Answer:
        """What a page says, or PortalRefused."""
        return self.portal.get(url, seconds)


class _Head:
    """Status and headers of an answer, with what they must not say."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self._headers = headers
        if len(headers) > HEADERS:
            refuse("size", f"an answer may have {HEADERS} headers, this has {len(headers):,}")
        if not 200 <= status < 600:
            refuse("protocol", "the server's answer has no status that HTTP knows")
        if self.all(b"content-length") and self.all(b"transfer-encoding"):
            refuse("protocol", "the server gives the length of its answer in two ways")
        lengths = {part.strip() for line in self.all(b"content-length") for part in line.split(",")}
        if len(lengths) > 1:
            refuse("protocol", "the server gives two lengths of its answer")
        length = lengths.pop() if lengths else None
        if length is not None and not re.fullmatch("[0-9]{1,18}", length):
            refuse("protocol", "the server gives a length of its answer that is none")
        self.length = None if length is None else int(length)

    def all(self, name: bytes) -> list[str]:
        """The values of a header, one for each time it is there."""
        return [value.decode("latin-1") for key, value in self._headers if key == name]

    def location(self) -> str:
        """Where it sends on to."""
        found = self.all(b"location")
        if len(set(found)) != 1:
            refuse("redirect", "the page sends on, and does not say where to")
        return found[0]


def _content(head: _Head, response: Any, wire: Any, allowance: Allowance) -> tuple[str, bool]:
    """The text of an answer, and whether it is JSON."""
    from lisppump.portal_wire import overlong, raise_as_refusal

    if head.length is not None and head.length > allowance.most:
        refuse("size", f"the answer is longer than {allowance.most:,} bytes")
    whole = Inflater(", ".join(head.all(b"content-encoding")), allowance.most)
    try:
        for piece in response.iter_stream():
            allowance.left()
            whole.feed(piece)
    except Exception as error:
        raise_as_refusal(error)
        raise
    if overlong(wire, allowance):
        refuse("protocol", "the server sent more than it said")
    types = head.all(b"content-type")
    if len(set(types)) > 1:
        refuse("protocol", "the server gives two types of its answer")
    charset = _CHARSET.search(types[0]) if types else None
    text = text_of(whole.end(), charset[1] if charset else None)
    return text, _is_json(types[0] if types else "", text)


def _is_json(type: str, text: str) -> bool:
    """Whether a text is JSON: it says so, or it says nothing better and reads as a list or dict."""
    kind = type.partition(";")[0].strip().lower()
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        read_json(text)
        return True
    if kind in ("", "text/plain", "application/octet-stream") and text.lstrip()[:1] in ("[", "{"):
        try:
            read_json(text)
        except PortalRefused:
            return False
        return True
    return False


def _in_time(work: Callable[[], T], allowance: Allowance) -> T:
    """What the work gives; the time is held even where the work itself never ends."""
    box: queue.SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put((work(), None))
        except BaseException as error:  # it is raised where it was waited for
            box.put((None, error))

    threading.Thread(target=run, name="portal-look-up", daemon=True).start()
    try:
        value, error = box.get(timeout=allowance.left())
    except queue.Empty:
        return refuse("time", f"the page was not there within {allowance.seconds:g} s")
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # without an error there is a value


def _answers(error: OSError) -> bool:
    """Whether a look-up that failed was answered: there is no such name, or none with an address."""
    return isinstance(error, socket.gaierror) and error.errno in _NO_NAME


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name as this machine finds them; the dot keeps local search domains out."""
    found = socket.getaddrinfo(f"{host}.", port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def dial(address: str, port: int, timeout: float) -> socket.socket:
    """A socket to an address, which is no name and is looked up by nobody."""
    stream = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        stream.settimeout(timeout)
        stream.connect((address, port))
        return stream
    except BaseException:
        stream.close()
        raise
