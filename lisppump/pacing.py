"""How fast one backend may be asked: calls at once, and starts a second. Pure counting; it reads no clock.

Nobody knows what a server allows until it refuses. So a lane begins with few calls at once, and lets more go
as long as none is refused or comes to nothing. A refusal halves that, and holds all starts for as long as the
server asks. From then on they are paced one by one: from half of what was let through in the second before,
faster with time, up to a little less than that, where they stay for long before a little more is tried. Once
a call has come to nothing, time opens nothing until one ends well.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

OPENING = 8  # calls at once, as long as nobody knows more
SECOND = 1.0  # what servers count by, when they count fast
PAUSE = 1.0  # seconds that a refusal holds all starts, where the server does not say how long
LONGEST_PAUSE = 60.0  # of those that no server asked for
DOUBLING = 2.0  # seconds without a refusal in which a pace grows to twice what it was
OPENS = 1.0  # the same for calls at once
LESS = 0.9  # of a pace that was refused, what is not gone beyond after that
BACK = 0.85  # of that, where it goes on
NEAR = 0.95  # of what is not gone beyond, where it stays
CALM = 20.0  # seconds without a refusal after which a little more is tried; each time it takes longer
MORE = 1.05
PLENTY = 1e6
GAIN = 0.5  # calls at once that one which ended well makes room for


@dataclass(slots=True)
class Start:
    """One call that was let go: when, at which pace, and whether it was refused."""

    at: float
    rate: float
    refused: bool = False


@dataclass(slots=True)
class Pace:
    """What one backend is thought to take; times are a monotonic clock's, in seconds.

    `room` is how many calls may be under way, and never more than `most`; `rate` how many may start in a
    second, `ceiling` the rate that is not gone beyond, `until` the end of a pause. `events` counts refusals,
    those of one burst once; `in_vain` those in a row between which nothing was let through.
    """

    most: float = math.inf
    room: float = OPENING
    rate: float = math.inf
    ceiling: float = math.inf
    until: float = -math.inf
    events: int = 0
    in_vain: int = 0
    flying: int = 0
    _failing: bool = False  # the last call that ended and was not refused came to nothing
    _calm: float = CALM
    _doubling: float = DOUBLING
    _opens: float = OPENS
    _event: float = -math.inf  # when the last refusal came
    _grown: float | None = None  # up to when it has grown
    _next: float = -math.inf
    _through: int = 0  # calls since the last refusal that were not refused
    _starts: deque[Start] = field(default_factory=deque)  # of the last second
    _burst: tuple[Start, ...] = ()  # those of the second before the first refusal
    _began: float = math.inf  # the rate that the last pause was followed by

    @property
    def limit(self) -> int | None:
        """How many calls may be under way now; None where nobody has refused any."""
        return None if self.room >= PLENTY and self.most == math.inf else self._limit

    @property
    def _limit(self) -> int:
        return max(1, int(min(self.room, self.most, PLENTY)))

    def wait(self, now: float) -> float:
        """Seconds to wait before the next start; infinite where a call under way must end first."""
        self._grow(now)
        held = max(0.0, self.until - now, self._next - now)
        if self.flying < self._limit:
            return held
        if self.flying >= self.most or self._vain:
            return math.inf
        return max(held, self._opens * math.log2((self.flying + 1) / self.room) + 1e-6)

    def start(self, now: float) -> Start:
        """A call is let go."""
        made = Start(now, self.rate)
        if self.rate < math.inf:
            # A start that came a little late takes nothing from the next, so that the pace is held.
            due = self._next if now - self._next < 0.5 / self.rate else now
            self._next = max(due, now - 0.5 / self.rate) + 1 / self.rate
        while self._starts and self._starts[0].at < now - SECOND:
            self._starts.popleft()
        self._starts.append(made)
        self.flying += 1
        self._through += 1
        return made

    @property
    def _vain(self) -> bool:
        """True where calls came to nothing, and none has ended well since."""
        return self._failing or self.in_vain > 0

    def ended(self, now: float, *, well: bool) -> None:
        """A call ended and was not refused; where it did not end well, it says nothing of what is allowed."""
        self.flying -= 1
        if well is self._vain:
            self._grow(now)  # by what was known up to now
        self._failing = not well
        if well:
            self.in_vain = 0
            if self.room < PLENTY:
                self.room += GAIN if self.rate == math.inf else 1 / max(1.0, self.room)

    def refused(self, start: Start, now: float, after: float | None = None) -> None:
        """A call was refused by a server that wants to be left alone for so many seconds."""
        self.flying -= 1
        start.refused = True
        if start.at <= self._event:  # it had left before anybody knew
            self._through_first()
            self._hold(now, after or 0.0)
            return
        self._grow(now)
        self.events += 1
        self._through -= 1
        first = self.rate == math.inf
        if first:
            self._burst = tuple(one for one in self._starts if one.at >= now - SECOND)
            self._through_first()
        else:
            self._burst = ()
            self._slower(start.rate, now)
        if first or self.in_vain:
            self.room = max(1.0, self._limit / 2)
        pause = min(LONGEST_PAUSE, PAUSE * 2**self.in_vain) if after is None else after
        self._event, self._through = now, 0
        self._hold(now, max(pause, PAUSE) if first else pause)

    def _hold(self, now: float, seconds: float) -> None:
        self.until = max(self.until, now + seconds)
        self._grown = self._next = self.until
        self._began = self.rate

    def _through_first(self) -> None:
        """The first pace, by what a server let through before it refused; more of a burst may yet be."""
        if self._burst:
            through = sum(not one.refused for one in self._burst)
            self.rate = max(through, OPENING) / 2
            self.ceiling = through if through >= OPENING else math.inf

    def _slower(self, rate: float, now: float) -> None:
        """A pace was too fast: after a while by a little, soon after a pause by what was gained since."""
        if self._through > 0:
            self.in_vain = 0
            self.ceiling = rate * LESS if now - self.until >= SECOND else self._began
            self.rate = self.ceiling * BACK
        else:
            self.in_vain += 1
            self._opens *= 2
            self.ceiling = min(self.ceiling, rate)
            self.rate = max(rate / 2, 1 / LONGEST_PAUSE)
        self._doubling *= 2

    def _grow(self, now: float) -> None:
        """Take more, for the time that has passed without a refusal; nothing while all comes to nothing."""
        passed = 0.0 if self._grown is None else now - self._grown
        self._grown = now if self._grown is None else max(now, self._grown)
        if passed <= 0 or self._vain:
            return
        if self.room < PLENTY:
            self.room *= 2 ** min(60.0, passed / self._opens)
        if self.rate == math.inf:
            return
        top = self.ceiling * NEAR
        if self.rate < top:
            self.rate = min(top, self.rate * 2 ** min(60.0, passed / self._doubling))
        elif now - max(self._event, self.until) > self._calm:
            self._calm += CALM
            self.ceiling *= MORE
