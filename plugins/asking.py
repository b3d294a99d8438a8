"""What backends share that run a program: its end as a typed failure, and what `doctor` says of it."""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Iterator

from lisppump.calling import BackendError, Failure
from lisppump.delta import UNUSED, Usage
from lisppump.stages import Finding
from lisppump.subprocesses import Ended, Program, find, run, stands_unrunnable

TEXT = 65_536  # bytes of an output without use that are kept
_THROTTLED = re.compile(r"\b429\b|rate.?limit|too many requests|quota exceeded|overloaded", re.IGNORECASE)
# Exit codes that have a meaning of their own (sysexits.h): the rest may be better the next time.
_CODES = {64: Failure.DEFECT, 65: Failure.REFUSED, 70: Failure.DEFECT}


def found(program: str, install: str) -> str:
    """The file of a program; where there is none, asking again is no use."""
    place = find(program)
    if place is not None:
        return place
    what, help = missing(program, install)
    raise BackendError(Failure.REFUSED, f"{what}; {help}")


def missing(program: str, install: str) -> tuple[str, str]:
    """What is wrong with a program that cannot be run, and what to do about it."""
    if stands_unrunnable(program):
        return f"{program} is there, but cannot be run", f"chmod u+x {program}, or name another program"
    where = "does not exist" if os.sep in program else "was not found on the PATH"
    return f"`{program}` {where}", install


def looked_at(program: str, install: str) -> Iterator[Finding]:
    """Where a program was found, or what to do."""
    place = find(program)
    if place is None:
        yield Finding("error", *missing(program, install))
    else:
        yield Finding("ok", f"`{program}` is {place}")


async def ran(program: Program, usage: Usage = UNUSED) -> Ended:
    """A program that ended well; any other end is a BackendError, with what was `used` all the same."""
    try:
        ended = await run(program)
    except OSError as error:
        raise unable(program, error.errno or 0) from None
    if (failure := failed(program, ended, usage)) is not None:
        raise failure
    return ended


def failed(program: Program, ended: Ended, usage: Usage = UNUSED) -> BackendError | None:
    """The failure that an end means; None for a program that ended well."""
    name, said = os.path.basename(program.words[0]), _says(ended)
    if ended.how == "unable":
        return unable(program, ended.number)
    kind, what = Failure.UNAVAILABLE, ""
    if ended.how == "silent":
        kind, what = Failure.TIMED_OUT, f"printed nothing for {program.silence:g} s and was ended"
    elif ended.how == "flooded":
        kind, what = Failure.INVALID, f"printed more than {program.most:,} bytes and was ended"
    elif ended.how == "signal":
        what = f"was killed from outside ({_signal(ended.number)})"
    elif ended.how == "lost":
        what = "was killed from outside, with the process that guards it"
    elif ended.how == "exit" and ended.number:
        throttled = _THROTTLED.search(ended.errors) is not None
        kind = Failure.THROTTLED if throttled else _CODES.get(ended.number, Failure.UNAVAILABLE)
        what = f"ended with the exit code {ended.number}"
    if not what:
        return None
    kept = text_of(ended.output[:TEXT]) or None
    return BackendError(kind, f"`{name}` {what}{said}", usage=usage, text=kept)


def unable(program: Program, number: int) -> BackendError:
    """The failure where a program could not even be started."""
    name, why = os.path.basename(program.words[0]), os.strerror(number).lower()
    help, kind = "", Failure.UNAVAILABLE
    if number in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM):
        help = "; let fewer run side by side: (at-once n)"
    elif number in (errno.EACCES, errno.ENOEXEC):
        help, kind = f"; is {program.words[0]} a program that this user may run?", Failure.REFUSED
    return BackendError(kind, f"`{name}` could not be started: {why}{help}")


def text_of(output: bytes) -> str:
    """An output as text, whatever it is made of."""
    return output.decode("utf-8", "backslashreplace")


def _says(ended: Ended) -> str:
    """The last lines of its stderr as the end of a sentence."""
    lines = [line.strip() for line in ended.errors.splitlines() if line.strip()]
    return f": {' / '.join(lines[-6:])}" if lines else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
