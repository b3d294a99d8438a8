"""What backends that speak HTTP share: one client a run, failures by status, their words. It asks nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Protocol, TypeVar

from lisppump.calling import BackendError, Failure
from lisppump.clock import Wall
from lisppump.errors import LisppumpError
from lisppump.secrets import has_password
from lisppump.stages import Finding

LOOK = 5.0  # seconds that `doctor` waits for the next piece of an answer
CONNECT = 10.0  # seconds that a server has to take a connection
ROUNDS = 8  # calls of one room in which its model may use tools; after them it has to answer
SAID = 300  # letters of what a server says that are told
EMPTY = "(nothing)"  # what is said to have been answered where that was an empty text

_THROTTLED = (429, 529)


class Closing(Protocol):
    """A client that can be closed."""

    async def close(self) -> None:
        """Close what it holds open."""
        ...


C = TypeVar("C", bound=Closing)


class Shared(Generic[C]):
    """One client for all calls of a run, made in a thread: importing an SDK would hold up all streams."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._making: asyncio.Task[C] | None = None

    async def client(self) -> C:
        """The client of the loop that runs; what making it raises is raised to everybody who waits."""
        loop = asyncio.get_running_loop()
        if self._making is None or self._loop is not loop or _failed(self._making):
            self._loop, self._making = loop, loop.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)

    async def close(self) -> None:
        """Close the client; the next call makes another."""
        making, self._making = self._making, None
        if making is None or self._loop is not asyncio.get_running_loop():
            return  # of a loop that is over nothing is open
        await asyncio.wait({making})
        if not _failed(making):
            await making.result().close()


def _failed(making: asyncio.Task[Any]) -> bool:
    return making.done() and (making.cancelled() or making.exception() is not None)


def absent(package: str, extra: str) -> BackendError:
    """The failure where a backend's package is not installed."""
    way = f"pip install 'lisppump[{extra}]'"
    return BackendError(Failure.REFUSED, f"the package {package} is not installed: {way}")


def failure_of(status: int, *, asks_to_wait: bool = False) -> Failure:
    """What a status says of a call: later (throttled), perhaps later (unavailable), or never (refused)."""
    if status in _THROTTLED or (status == 503 and asks_to_wait):
        return Failure.THROTTLED
    if status >= 500 or status in (408, 409, 425, 499):
        return Failure.UNAVAILABLE
    return Failure.REFUSED if status >= 400 else Failure.INVALID


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to be left alone: as they are, in milliseconds, or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name) or "") * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    due = _date(headers.get("retry-after"))
    if due is None:
        return None
    return max(0.0, (due - (_date(headers.get("date")) or Wall().now())).total_seconds())


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def brief(said: Any) -> str:
    """What a server or an SDK says, as a part of a sentence."""
    text = " ".join(str(said).split())
    return text if len(text) <= SAID else f"{text[:SAID]} ..."


def cause(error: BaseException) -> str:
    """The innermost reason of a failed connection that says something."""
    said, seen = "", error
    while seen is not None:
        said = str(seen) or said
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
    return brief(said) or type(error).__name__


def unreadable(error: BaseException) -> str:
    """The sentence for an answer that an SDK cannot read."""
    return f"the server's answer cannot be read: {type(error).__name__}: {brief(error)}"


def without_password(clause: str, address: str | None, variable: str) -> str | None:
    """An address of pump.lisp, in which no password may stand: it would be kept in the world's history."""
    if address is not None and has_password(address):
        raise LisppumpError(
            "bad-clause",
            f"({clause} ...) holds a user or a password, which would be kept in the world's history",
            help=f"put the whole address into the environment as {variable} and leave ({clause} ...) out",
        )
    return address


def installed(package: str, extra: str) -> Finding:
    """Which version of a package is there."""
    from importlib import metadata

    try:
        return Finding("ok", f"{package} {metadata.version(package)} is installed")
    except metadata.PackageNotFoundError:
        return Finding("error", f"{package} is not installed", f"pip install 'lisppump[{extra}]'")


def looked(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look at a server finds within a bounded time, however slowly it answers."""
    import threading

    found: list[Finding] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            for finding in look():
                found.append(finding)
        except Exception as error:  # raised again where it is asked
            failed.append(error)

    looker = threading.Thread(target=run, daemon=True)
    looker.start()
    looker.join(2 * LOOK)
    yield from found[:]
    if failed:
        raise failed[0]
    if looker.is_alive():
        help = "see whether something stands between here and the server"
        yield Finding("warning", f"no complete answer within {2 * LOOK:g} s", help)


def count(value: Any) -> int:
    """A number of tokens as a server gives it, 0 for what is none."""
    return value if value.__class__ is int and value > 0 else 0
