"""One call of a backend under way: its steps, and what the error means that it came to. It asks nobody."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import suppress
from typing import Any

from lisppump import clock
from lisppump.calling import BackendError, Failure, Reply, refused
from lisppump.delta import Usage
from lisppump.errors import LisppumpError, declare, place_of, said
from lisppump.plugin import Offer
from lisppump.secrets import safe

declare(
    "state", 5,
    not_recorded="The journal does not hold what a frame would need to be made again as it was.",
)  # fmt: skip

MOST_REASON = 2000  # letters of a reason; the rest of a longer one tells nobody anything


def reply_of(record: Mapping[str, Any]) -> Reply:
    """The reply that a record holds."""
    return Reply(
        text=record["text"],
        data=record["data"],
        usage=Usage.from_json(record["usage"]),
        model=record["model"],
        stop=record["stop"],
        reason=record["reason"],
    )


def unrecorded(what: str) -> LisppumpError:
    """The journal holds something else than what is due."""
    return LisppumpError(
        "not-recorded",
        f"the journal holds {what}",
        help="the policy or a plugin is not what it was when the frame was made; see `lisppump show`",
    )


def sentence(reason: Any) -> str:
    """A reason as it can be kept and read: text, not endless."""
    text = safe(" ".join(reason.split())) if isinstance(reason, str) else "the backend did not say why"
    text = text if len(text) <= MOST_REASON else text[:MOST_REASON] + " ..."
    return text.encode("utf-8", "backslashreplace").decode()


async def awaited(called: Awaitable[Any]) -> Any:
    """What anything that can be awaited gives, as a coroutine."""
    return await called


class Call:
    """One call of a backend, step by step: how long one step held up all others, and who ended it.

    Cancelled, a backend may tidy up; cancelled with the word DROPPED it is, whatever it makes of that. Time
    limits of its own cancel it as well, some of them several times, and take that back: they end what it
    does, and not its call.
    """

    __slots__ = ("_closed", "_monotonic", "longest")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.longest = 0.0
        self._closed = False
        self._monotonic = monotonic

    @property
    def ending(self) -> bool:
        """True where it is asked to end by who runs it."""
        return self._closed or clock.cancellings() > 0

    @types.coroutine
    def of(self, call: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """What the backend answers; what the loop throws in meanwhile is passed on to it."""
        monotonic = self._monotonic
        step: Callable[..., Any] = call.send
        said: Any = None
        while True:
            began = monotonic()
            try:
                waits_for = step(said)
            except StopIteration as end:
                return end.value
            finally:
                took = monotonic() - began
                if took > self.longest:
                    self.longest = took
            try:
                step, said = call.send, (yield waits_for)
            except BaseException as error:
                if self._drops(call, error):
                    raise
                step, said = call.throw, error

    def _drops(self, call: Coroutine[Any, Any, Any], error: BaseException) -> bool:
        """True where the call is to go no further; other wishes to end it are passed on."""
        dropped = clock.cancelled(error) and error.args == (clock.DROPPED,)
        if not dropped and not isinstance(error, GeneratorExit):
            return False
        self._closed = True
        with suppress(RuntimeError):  # it will not end; nobody asks it again
            call.close()
        return True


def fault(error: BaseException, offer: Offer, frame: int) -> tuple[str, Any]:
    """Status and reason of a call that came to an error."""
    if isinstance(error, BackendError):
        try:
            return refused(error)
        except LisppumpError as broken:  # a class of its own may have neither
            return misanswered(broken, offer)
        except BaseException as worse:
            return Failure.DEFECT.status, _blame(worse, offer, frame)
    if isinstance(error, LisppumpError):
        return misanswered(error, offer)
    return Failure.DEFECT.status, _blame(error, offer, frame)


def typed(error: BaseException) -> BackendError:
    """A failure as lanes and books can read it; one of a class of its own may not be as it says."""
    try:
        if isinstance(error, BackendError) and isinstance(error.failure, Failure):
            return error
    except BaseException:
        return BackendError(Failure.DEFECT, "")
    return BackendError(Failure.DEFECT, "")


def misanswered(error: LisppumpError, offer: Offer) -> tuple[str, str]:
    """Status and reason where a reply cannot be used at all."""
    if error.code == "bad-json":
        return Failure.INVALID.status, f"the reply is no JSON data: {error.message}"
    broke = f"backend `{offer.name}` of plugin {offer.plugin} broke its contract: {error.message}"
    return Failure.DEFECT.status, broke if error.code == "contract" else error.message


def _blame(error: BaseException, offer: Offer, frame: int) -> str:
    """A plugin's fault names stage, plugin and place; the pump goes on."""
    place = place_of(error) or offer.file or "?"
    return f"backend `{offer.name}` of plugin {offer.plugin} raised {said(error)} ({place}, frame {frame})"
