"""What a run may spend and when it must stop: budget and breaker. Pure counting; it reads no clock.

What was spent is remembered: it stands in every commit, so that who opens the world counts on from the last
of them, by what came since. A reservation that was open when a process died is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lisppump.delta import BAD_STATUSES, Usage
from lisppump.delta_records import told
from lisppump.errors import LisppumpError, declare

declare(
    "stopped", 6,
    breaker_open="Too many streams failed, or nothing was merged, for too many frames in a row.",
    budget_spent="The run has spent its budget.",
)  # fmt: skip


class Stopped(LisppumpError):
    """The run was stopped by its breaker or its budget; everything committed stays."""


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """`bad` is the share of bad streams that makes a frame bad; `frames` bad ones in a row, or `empty` frames
    without one merged item, stop the run."""

    bad: float = 0.5
    frames: int = 3
    empty: int = 20


@dataclass(slots=True)
class Breaker:
    """Counts bad and empty frames in a row."""

    rule: BreakerRule
    bad_frames: int = 0
    empty_frames: int = 0

    def note(self, statuses: Sequence[str], merged: int) -> str | None:
        """Count one frame; the sentence that says why the run must stop, or None."""
        bad = sum(map(BAD_STATUSES.__contains__, statuses))
        is_bad = bool(statuses) and bad >= self.rule.bad * len(statuses)
        self.bad_frames = self.bad_frames + 1 if is_bad else 0
        self.empty_frames = self.empty_frames + 1 if merged == 0 else 0
        if self.bad_frames >= self.rule.frames:
            return (
                f"{self.bad_frames} frames in a row were bad; "
                f"in the last one {bad} of {len(statuses)} streams brought no usable answer"
            )
        if self.empty_frames >= self.rule.empty:
            return f"{self.empty_frames} frames in a row merged nothing"
        return None

    def to_json(self) -> dict[str, Any]:
        """As `status` shows it."""
        return {
            "bad_frames": self.bad_frames,
            "empty_frames": self.empty_frames,
            "limit": {"bad": self.rule.bad, "frames": self.rule.frames, "empty": self.rule.empty},
        }


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """The `(budget ...)` clause: None is no limit; `wall` is in seconds."""

    per: str = "run"
    tokens: int | None = None
    dollars: float | None = None
    wall: float | None = None
    when_spent: str = "stop"


SPANS = ("run", "day", "world")
CENT = 1e-9  # dollars that no sum is exact to


class Entry(Protocol):
    """A record of the journal."""

    @property
    def kind(self) -> str:
        """What it is."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """What it holds."""


@dataclass(slots=True)
class Spent:
    """What was spent in a run, on a day, in a world: `unpriced` are the tokens whose price is unknown."""

    tokens: int = 0
    dollars: float = 0.0
    unpriced: int = 0
    wall: float = 0.0

    def add(self, tokens: int, dollars: float | None) -> None:
        """Count what a call used."""
        self.tokens += tokens
        self.dollars += dollars or 0.0
        self.unpriced += tokens if dollars is None else 0

    def to_json(self) -> dict[str, Any]:
        """As records and `status` hold it."""
        return {
            "tokens": self.tokens,
            "dollars": round(self.dollars, 9),
            "unpriced": self.unpriced,
            "wall": round(self.wall, 6),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Spent:
        """The inverse of `to_json`."""
        return cls(**{name: said[name] for name in cls.__slots__ if name in said})


@dataclass(slots=True, eq=False)
class Claim:
    """A reservation for all that a pipe asks of one backend; what is used is taken from it."""

    tokens: int
    dollars: float
    open: bool = True


@dataclass(slots=True)
class Budget:
    """What was spent and what is reserved for calls in flight."""

    rule: BudgetRule
    run: Spent = field(default_factory=Spent)
    day: Spent = field(default_factory=Spent)
    world: Spent = field(default_factory=Spent)
    date: str = ""  # the day that `day` counts
    reserved_tokens: int = 0
    reserved_dollars: float = 0.0
    _began: float | None = None  # when the frame began that is under way

    @property
    def spent(self) -> Spent:
        """What counts for the limits."""
        return {"run": self.run, "day": self.day, "world": self.world}[self.rule.per]

    def on(self, date: str) -> None:
        """It is that day now: another one begins with nothing spent."""
        if date != self.date:
            self.date, self.day = date, Spent()

    # -- calls -----------------------------------------------------------------------------------------------

    def reserve(self, tokens: int, dollars: float | None, now: float = 0.0) -> Claim | str:
        """Set aside what a pipe may use, or a sentence that says why it may not; nothing may always be."""
        if not tokens and dollars == 0.0:
            return Claim(0, 0.0)
        why = self.short(tokens, dollars, now)
        if why is not None:
            return why
        claim = Claim(tokens, dollars or 0.0)
        self.reserved_tokens += claim.tokens
        self.reserved_dollars += claim.dollars
        return claim

    def renew(self, claim: Claim, tokens: int, dollars: float, now: float = 0.0) -> str | None:
        """Set aside so much once more, for an attempt that has to be made again; or why that may not be."""
        why = self.short(tokens, dollars, now)
        if why is None:
            claim.tokens += tokens
            claim.dollars += dollars
            self.reserved_tokens += tokens
            self.reserved_dollars += dollars
        return why

    def short(self, tokens: int, dollars: float | None, now: float = 0.0) -> str | None:
        """Why so much cannot be set aside; None where it can."""
        rule, per = self.rule, _span(self.rule.per)
        if rule.tokens is not None:
            left = rule.tokens - self.spent.tokens - self.reserved_tokens
            if tokens > left:
                return (
                    f"it may take {tokens:,} tokens, and {max(0, left):,} of {rule.tokens:,} are left {per}"
                    f"{self._others(self.reserved_tokens)}"
                )
        if rule.dollars is not None:
            spare = rule.dollars - self.spent.dollars - self.reserved_dollars
            if dollars is None:
                return f"nobody knows its price, and {money(rule.dollars)} may be spent {per}"
            if dollars > spare + CENT:
                return (
                    f"it may take {money(dollars)}, and {money(max(0.0, spare))} of {money(rule.dollars)} "
                    f"are left {per}{self._others(self.reserved_dollars)}"
                )
        if rule.wall is not None and self.wall(now) >= rule.wall:
            return f"the {rule.wall:.0f} seconds that may be taken {per} are over"
        return None

    def _others(self, reserved: float) -> str:
        return " beside what is reserved for calls under way" if reserved > 0 else ""

    def used(self, claim: Claim | None, tokens: int, dollars: float | None) -> None:
        """Count what a call used, and take it from its reservation, as far as that is still there."""
        for spent in (self.run, self.day, self.world):
            spent.add(tokens, dollars)
        if claim is not None and claim.open:
            self._take(claim, min(tokens, claim.tokens), min(dollars or 0.0, claim.dollars))

    def release(self, claim: Claim) -> None:
        """Give back what is left of a reservation; a second time gives nothing."""
        if claim.open:
            claim.open = False
            if claim.tokens or claim.dollars:
                self._take(claim, claim.tokens, claim.dollars)

    def _take(self, claim: Claim, tokens: int, dollars: float) -> None:
        claim.tokens -= tokens
        claim.dollars -= dollars
        self.reserved_tokens -= tokens
        self.reserved_dollars = max(0.0, self.reserved_dollars - dollars)

    # -- time ------------------------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """A frame begins."""
        self._began = now

    def end(self, now: float) -> None:
        """A frame has ended, however it did."""
        if self._began is not None:
            for spent in (self.run, self.day, self.world):
                spent.wall += now - self._began
            self._began = None

    def wall(self, now: float) -> float:
        """Seconds in which frames were made, with the one that is under way."""
        return self.spent.wall + (0.0 if self._began is None else now - self._began)

    # -- limits ----------------------------------------------------------------------------------------------

    def exhausted(self) -> str | None:
        """The sentence that says which limit is reached, or None."""
        rule, spent = self.rule, self.spent
        per = "" if rule.per == "run" else f" {_span(rule.per)}"
        if rule.tokens is not None and spent.tokens >= rule.tokens:
            return f"{spent.tokens:,} of {rule.tokens:,} tokens are spent{per}"
        if rule.dollars is not None and spent.dollars >= rule.dollars - CENT:
            return f"{money(spent.dollars)} of {money(rule.dollars)} are spent{per}"
        if rule.wall is not None and spent.wall >= rule.wall:
            return f"{spent.wall:.0f} of {rule.wall:.0f} seconds are spent{per}"
        return None

    def reset(self) -> Spent:
        """Begin to count anew for the span of the limits; what had been spent in it is given."""
        spent = self.spent
        setattr(self, self.rule.per, Spent())
        return spent

    # -- remembering -----------------------------------------------------------------------------------------

    def record(self, now: float) -> dict[str, Any] | None:
        """What a commit keeps of it; None where nothing was ever spent that anybody limits."""
        if not (self.world.tokens or self.world.dollars or self.rule.wall is not None):
            return None
        extra = 0.0 if self._began is None else now - self._began
        said: dict[str, Any] = {}
        for span in SPANS:
            spent: Spent = getattr(self, span)
            said[span] = {**spent.to_json(), "wall": round(spent.wall + extra, 6)}
        return {**said, "date": self.date}

    def recall(self, kept: Mapping[str, Any] | None, since: Iterable[Entry], *, going: bool) -> None:
        """Count on from what a record kept, by the records since then.

        Where a process is `going`, what it reserved last is reserved; else it died, and that is spent.
        """
        said = kept or {}
        self.run, self.day, self.world = (Spent.from_json(said.get(span, {})) for span in SPANS)
        self.date = said.get("date", self.date)
        self.reserved_tokens, self.reserved_dollars = 0, 0.0
        claims: dict[tuple[int, int], Claim] = {}
        for record in since:
            fields = record.fields
            key = (fields.get("frame", -1), fields.get("stream", -1))
            if record.kind == "open":
                self._lost(claims)
            elif record.kind == "claim":
                if key in claims:
                    self.release(claims.pop(key))
                claims[key] = claim = Claim(fields["tokens"], fields["dollars"])
                self.reserved_tokens += claim.tokens
                self.reserved_dollars += claim.dollars
            elif record.kind in ("reply", "outcome", "late"):
                for usage in (fields.get("usage"), fields.get("lost")):
                    if usage:
                        used = Usage.from_json(usage)
                        self.used(claims.get(key), _tokens(used), used.dollars)
            if (fields.get("settles") or told(record.kind, fields) is not None) and key in claims:
                self.release(claims.pop(key))
        if not going:
            self._lost(claims)

    def _lost(self, claims: dict[tuple[int, int], Claim]) -> None:
        """What was reserved by a process that died is spent."""
        for claim in claims.values():
            tokens, dollars = claim.tokens, claim.dollars
            self.release(claim)
            self.used(None, tokens, dollars)
        claims.clear()

    def to_json(self) -> dict[str, Any]:
        """As `status` shows it."""
        rule = self.rule
        return {
            "limit": {
                "per": rule.per,
                "tokens": rule.tokens,
                "dollars": rule.dollars,
                "wall": rule.wall,
                "when_spent": rule.when_spent,
            },
            "spent": self.spent.to_json(),
            "reserved": {"tokens": self.reserved_tokens, "dollars": round(self.reserved_dollars, 9)},
        }


def money(dollars: float) -> str:
    """Dollars in words, small ones with as many digits as they need."""
    return f"${dollars:.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def _span(per: str) -> str:
    return "today" if per == "day" else f"in this {per}"


def _tokens(usage: Usage) -> int:
    return usage.input + usage.cache_read + usage.cache_write + usage.output
