"""A reply that has come, on its way into its pipe: held to its contract, read, written down. It asks nobody.

Nearly every reply is plain, all usual, and the first and last of its pipe: it takes a shorter road, and comes
to what it would come to on the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lisppump import canon, clock
from lisppump.call import misanswered
from lisppump.calling import answered, is_plain
from lisppump.delta import UNUSED, Attempt, Delta
from lisppump.delta_records import beside, ended_well
from lisppump.errors import LisppumpError
from lisppump.schema_usual import own_usual

if TYPE_CHECKING:
    from lisppump.pour import Pipe


class Taking:
    """One reply; `usable` tells whether anything of it stays.

    What can be said of a usual reply before it has come is made ready while pipes are out, since nobody waits
    for that, or when it comes. `own` is all that such a reply holds.
    """

    __slots__ = (
        "_alias", "_claim", "_delta", "_digest", "_due", "_ended", "_first", "_named", "_own", "_pipe",
        "_record", "_said", "reply", "usable",
    )  # fmt: skip

    def __init__(self, pipe: Pipe, alias: str) -> None:
        self._pipe = pipe
        self._alias = alias
        self._claim = pipe.claim
        self._due: Delta | None = None
        self._own: canon.Whole | None = None
        self._record: canon.Whole | None = None
        self.reply: Any = None
        self.usable = False
        self._first = not pipe.attempts and len(pipe.tick.policy.pipe.passes) == 1
        if self._first:
            pipe.tick.intake.out[pipe.stream.number] = self

    def foresee(self) -> None:
        """Make ready the record and the delta of a stream of whose only reply nothing else is to be said."""
        pipe, alias, tick = self._pipe, self._alias, self._pipe.tick
        number, agents = pipe.stream.number, pipe.stream.agents
        utc = clock.later(tick.time, microseconds=number)
        self._said: dict[str, Any] = {
            "frame": tick.number, "stream": number, "utc": utc, "agents": agents, "backend": alias,
            "node": tick.node, "epoch": tick.epoch,
        }  # fmt: skip
        self._named = {
            "node": tick.node, "epoch": tick.epoch, "frame": tick.number, "stream": number, "digest": None,
        }  # fmt: skip
        self._ended = ended_well(pipe.stream, alias)
        self._said["in_commit"] = self._named, self._ended
        self._delta = Delta.having(self._said)  # which goes on holding this dict
        self._record = canon.Whole(
            frame=tick.number, epoch=tick.epoch, stream=number, attempt=1, turn=pipe.turn, backend=alias,
            model=None, stop="end", reason=None, text=None, data=None, usage={},
            settled={"utc": utc, "digest": None, "agents": [*agents]},
        )  # fmt: skip

    def comes(self, reply: Any) -> None:
        """What the backend gave; it is made ready at the latest now, when all of its pipe is at hand."""
        self.reply = reply
        if self._first:
            self._pipe.tick.intake.out.pop(self._pipe.stream.number, None)
            if self._record is None:
                self.foresee()

    def read(self) -> None:
        """Hold what a backend gave to its contract; what cannot be used at all is an attempt that failed."""
        pipe, reply = self._pipe, self.reply
        if self._record is not None and pipe.delta is None and is_plain(reply):
            own = own_usual(pipe.tick.policy.schema, reply.data)
            digest = None if own is None else canon.digest_of_whole(own)
            if digest is not None:
                self._own, self._digest = own, digest
                return
        try:
            self.reply = reply = answered(reply)
        except LisppumpError as error:
            self.reply = None
            pipe.decided(self._alias, *misanswered(error, pipe.offer_of(self._alias)))
            return
        used = pipe.tick.purse.priced(self._alias, reply.model, reply.usage)
        if used is not reply.usage:
            self.reply = replace(reply, usage=used)
        pipe.tick.purse.used(self._claim, used)

    def record(self) -> tuple[str, dict[str, Any]] | None:
        """What is journalled of the reply: where that is all of its stream, also what the stream comes to.

        One that comes when its stream is settled is late.
        """
        if self._own is not None and self._record is not None:
            return "reply", self._filled(self._own, self._record)
        pipe, reply = self._pipe, self.reply
        if reply is None:
            return None
        record: dict[str, Any] = canon.Whole(pipe.place(self._alias))
        record |= {
            "model": reply.model, "stop": reply.stop, "reason": reply.reason, "text": reply.text,
            "data": reply.data, "usage": {} if reply.usage is UNUSED else reply.usage.to_json(),
        }  # fmt: skip
        if pipe.delta is not None:
            return "late", dict(record)
        self.usable = pipe.read(self._alias, reply)
        if self.usable and len(pipe.attempts) == len(pipe.tick.policy.pipe.passes) == 1:
            self._due = pipe.made()
            record["settled"] = beside(self._due, record)
            if pipe.heard.__class__ is canon.Whole and reply.usage is UNUSED:
                return "reply", record
        return "reply", dict(record)

    def _filled(self, own: canon.Whole, record: canon.Whole) -> canon.Whole:
        """The record of a reply that takes the shorter road, on which its pipe comes to its delta, too."""
        pipe, node = self._pipe, self._pipe.tick.node
        status = "ok" if own else "empty"
        attempt = Attempt.usual(self._alias, status)
        pipe.heard, self.usable = own, True
        pipe.attempts = (attempt,)
        said, settled = self._said, record["settled"]
        said["collections"], said["attempts"], said["status"] = own, pipe.attempts, status
        said["digest"] = settled["digest"] = self._named["digest"] = self._digest
        self._due = self._delta
        record["data"] = own
        if not own:
            settled["status"] = self._ended["status"] = status
        if node != "local":
            settled["node"] = node
        return record

    def settle(self) -> None:
        """The reply is written; where nobody is asked any more, its stream settles."""
        pipe = self._pipe
        if pipe.delta is None and (self._due is not None or pipe.handed):
            pipe.settle_now(self._due or pipe.made(), recorded=self._due is not None)
