"""Time: the frame's clock, never the machine's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import number, string
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def seconds_of(text: str) -> float | int | None:
    """Seconds since 1970 of an ISO time, or None; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) if seconds.is_integer() else seconds


def iso_of(seconds: float) -> str:
    """The ISO time of seconds since 1970, in UTC."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise LispyError("out-of-range", "a time must lie in the years 1 to 9999") from None
    return moment.isoformat().replace("+00:00", "Z")


@builtin("now", "(now)", "The frame's time as seconds since 1970.", cost="4",
         example="(number? (now)) ;=> #t",
         aliases=("current-time", "current-seconds", "timestamp"))  # fmt: skip
def now(run: Run) -> Value:
    run.meter.charge(4)
    seconds = seconds_of(run.time)
    if seconds is None:
        raise LispyError("bad-value", "the frame's clock is not an ISO time")
    return seconds


@builtin("now-iso", "(now-iso)", "The frame's time as text.", cost="2", example="(string? (now-iso)) ;=> #t",
         aliases=("current-time-iso", "iso-now"))  # fmt: skip
def now_iso(run: Run) -> Value:
    run.meter.charge(2)
    return run.time


@builtin("iso->seconds", "(iso->seconds text)", "Seconds since 1970 of an ISO time, or #f.",
         cost="6", example="(iso->seconds \"1970-01-01T00:01:00Z\") ;=> 60",
         aliases=("parse-time", "parse-iso", "iso->timestamp", "iso->unix"))  # fmt: skip
def iso_to_seconds(run: Run, value: Value) -> Value:
    run.meter.charge(6)
    seconds = seconds_of(string("iso->seconds", value)[:64])
    return False if seconds is None else seconds


@builtin("seconds->iso", "(seconds->iso n)", "The ISO time of seconds since 1970.",
         cost="8",
         example="(seconds->iso 60) ;=> \"1970-01-01T00:01:00Z\"", aliases=("timestamp->iso",))  # fmt: skip
def seconds_to_iso(run: Run, value: Value) -> Value:
    run.meter.charge(8)
    return iso_of(number("seconds->iso", value))
