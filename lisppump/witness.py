"""What the runs of one tock get from outside, and how the machine ends them: written down, and taken again.

It goes out only for pages that the record does not hold, and only where it has a ledger: what it gets is in
the journal before the program sees it. Without a ledger nobody is asked, and what is missing is an error.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from lisppump.errors import LisppumpError
from lisppump.lispy.capabilities import Page, Web
from lisppump.lispy.errors import LimitError
from lisppump.lispy.limits import Limits
from lisppump.portal_rule import PortalRule
from lisppump.records import Record
from lisppump.stages import Thought

if TYPE_CHECKING:
    from lisppump.portal import Window

# Ends of a run that are the machine's, and not the program's.
DECIDED = frozenset({"time-limit", "worker-died", "worker-forbidden", "worker-broken"})
MOST_URL = 2048  # bytes of a URL that a record holds; of longer ones, all refused, it has the digest
_HALVES = re.compile("[\ud800-\udfff]")  # half of a pair, for which JSON has no bytes
_ENDED = ("error", "output", "usage", "capabilities")  # what a record holds of a run that the machine ended


class Ledger(Protocol):
    """Where it is written down."""

    def page(self, **fields: Any) -> None:
        """What the portal gave, or why it gave nothing."""

    def outcome(self, **fields: Any) -> None:
        """How the machine ended a run."""


@dataclass(frozen=True, slots=True)
class Call:
    """Which run of a tock it is, and which of its calls: 0 is none, but the run itself."""

    name: str
    program: str
    run: int
    number: int = 0

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Call:
        """The one that a record speaks of."""
        return cls(fields["name"], fields["program"], fields["run"], fields.get("call", 0))


_WHOLE = Call("", "", 0)  # the tock itself, and none of its runs


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page as it was recorded."""

    url: str
    status: int
    text: str
    json: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a clock."""

    monotonic: Callable[[], float]
    ends: float

    @property
    def over(self) -> bool:
        """True when it has passed."""
        return self.monotonic() >= self.ends


class Witness:
    """Stands by while the echoes of a frame think; `with` it, what it could not do is raised at the end.

    An echo whose `think` has a parameter `witness` runs each program by `run`. `records` are those of the
    same tock from before: of a run that died, or of the frame when it was made.
    """

    def __init__(
        self,
        frame: int,
        tock: int,
        rule: PortalRule,
        records: Iterable[Record] = (),
        ledger: Ledger | None = None,
        agents: tuple[str, tuple[str, ...]] | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self.rule = rule
        self.agents = agents  # the place in the frame at which the policy has them, for who asks
        self.remarks: list[str] = []
        self.sealed = ledger is None
        self._place = {"frame": frame, "tock": tock}
        self._ledger = ledger
        self._known = {
            (record.kind, Call.of(record.fields)): record.fields
            for record in records
            if record.fields.get("tock") == tock
        }
        self._runs: Counter[tuple[str, str]] = Counter()
        self._deadline = deadline
        self._asked = 0  # how often it was asked whether the time is over
        self._cut: int | None = self._known.get(("outcome", _WHOLE), {}).get("cut")
        self._window: Window | None = None
        self._fault: LisppumpError | None = None

    def __enter__(self) -> Witness:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise what no program may have caught: a page that was not recorded, or could not be."""
        if self._fault is not None and (error is None or isinstance(error, LisppumpError)):
            raise self._fault

    def remark(self, sentence: str) -> None:
        """Something for the notes of the frame: no part of the state, and no ground for an error."""
        self.remarks.append(sentence)

    def limits(self, limits: Limits) -> Limits:
        """What a run may use: the clock ends none that is made again, unless it did so the first time."""
        return replace(limits, seconds=None) if self.sealed else limits

    def run(self, blank: Thought, think: Callable[[Web], Thought]) -> Thought:
        """What one run of a program comes to; `blank` says whose and which, `think` is given the portal."""
        digest = f"sha256:{hashlib.sha256(blank.program.encode('utf-8', 'surrogatepass')).hexdigest()}"
        self._runs[blank.key, digest] += 1
        call = Call(blank.key, digest, self._runs[blank.key, digest])
        ended = self._known.get(("outcome", call))
        if ended is not None:
            return replace(blank, **{field: ended[field] for field in _ENDED})
        thought = think(_Recorded(self, call))
        if self._ledger is not None and thought.error is not None and thought.error.get("code") in DECIDED:
            said = thought.to_json(self._place["frame"])
            self._write(self._ledger.outcome, call, {field: said.get(field, ()) for field in _ENDED})
        return thought

    def over(self) -> bool:
        """True when the time of the tock is over, so that no further program is to be run.

        It is when it was so the first time, whatever the clock says when the tock is made again.
        """
        self._asked += 1
        if self._cut is None and self._deadline is not None and self._deadline.over:
            self._cut = self._asked
            if self._ledger is not None:
                self._write(self._ledger.outcome, _WHOLE, {"cut": self._cut})
        return self._cut is not None and self._asked >= self._cut

    def fetch(self, call: Call, url: str, seconds: float) -> Page:
        """A page for a run: from the record, else from the web."""
        if self._fault is not None:
            raise _stopped()
        known = self._known.get(("portal", call))
        if known is not None and known["url"] == _named(url):
            return _answered(known)
        if self._ledger is None:
            what = f"call {call.number} of curl in the program of {call.name}, for {_named(url)}"
            frame, tock = self._place.values()
            self._fault = LisppumpError(
                "not-recorded",
                f"the journal does not hold {what} (tock {frame}.{tock}); nothing is asked of the web again",
                help="the policy or a plugin is not what it was when the frame was made; see `lisppump show`",
            )
            raise _stopped()
        return self._fetched(self._ledger, call, url, seconds)

    def _fetched(self, ledger: Ledger, call: Call, url: str, seconds: float) -> Page:
        """A page from the web, or its refusal, written down before anybody sees it."""
        if self._window is None:
            self._window = self.rule.window()
        told = {"call": call.number, "url": _named(url)}
        try:
            page = self._window.fetch(url, seconds)
        except LisppumpError as error:
            said = {"code": error.code, "message": error.message, "help": error.help, "data": error.data}
            took = getattr(error, "seconds", 0.0)
            self._write(ledger.page, call, {**told, "seconds": took, "refused": said, "page": None})
            raise
        said = {"url": page.url, "status": page.status, "text": page.text, "json": page.json}
        self._write(ledger.page, call, {**told, "seconds": page.seconds, "refused": None, "page": said})
        return page

    def _write(self, write: Callable[..., None], call: Call, fields: Mapping[str, Any]) -> None:
        try:
            write(**self._place, name=call.name, program=call.program, run=call.run, **fields)
        except LisppumpError as error:
            self._fault = error
            raise _stopped() from None


@dataclass(slots=True)
class _Recorded:
    """The portal as one run has it."""

    witness: Witness
    call: Call

    @property
    def calls(self) -> int:
        """Most pages of one run."""
        return self.witness.rule.calls

    @property
    def seconds(self) -> float:
        """Longest time of one run."""
        return self.witness.rule.patience

    def fetch(self, url: str, seconds: float) -> Page:
        """The next page that the run asks for."""
        self.call = replace(self.call, number=self.call.number + 1)
        return self.witness.fetch(self.call, url, seconds)


def _answered(known: Mapping[str, Any]) -> Page:
    """What a record gave the program the first time."""
    page, refused = known["page"], known["refused"]
    if page is not None:
        return KnownPage(seconds=known["seconds"], **page)
    error = LisppumpError(refused["code"], refused["message"], help=refused["help"], data=refused["data"])
    error.seconds = known["seconds"]  # type: ignore[attr-defined]  # what it took counts
    raise error


def _named(url: str) -> str:
    """A URL as a record has it."""
    data = url.encode("utf-8", "surrogatepass")
    whole = len(data) <= MOST_URL and _HALVES.search(url) is None
    return url if whole else f"sha256:{hashlib.sha256(data).hexdigest()}"


def _stopped() -> LimitError:
    """What ends a program whose tock comes to nothing: no `try` catches it."""
    return LimitError("not-recorded", "what the web says here was not recorded")
