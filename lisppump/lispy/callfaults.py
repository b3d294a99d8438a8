"""What goes wrong with calls: the errors, in words, and whose they are. It calls nothing."""

from __future__ import annotations

import re

from lisppump.errors import Span
from lisppump.lispy import library
from lisppump.lispy.builtins import BUILTINS, BuiltinSpec, describe_type
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.run import Run
from lisppump.lispy.values import Keyword, Value, is_list

TRACE = 10  # entries of a backtrace
MEANT_OTHERWISE = {"(break f items)": "; to leave a loop write (let/cc break form ...) around it"}


def wrong_arity(name: str, low: int, high: int | None, got: int, usage: str | None = None) -> LispyError:
    """The error of a call with too few or too many arguments."""
    if high is None:
        wanted = f"at least {low}"
    elif low == high:
        wanted = str(low) if low else "no"
    else:
        wanted = f"{low} to {high}" if low else f"at most {high}"
    plural = "argument" if wanted in ("1", "at least 1", "at most 1") else "arguments"
    return LispyError("wrong-arity", f"{name} takes {wanted} {plural}, got {got}", help=usage_help(usage))


def usage_help(usage: str | None) -> str | None:
    """The help of an error about a number of arguments."""
    return None if usage is None else f"usage: {usage}{MEANT_OTHERWISE.get(usage, '')}"


def too_deep(run: Run) -> LimitError:
    """The error of a recursion that goes too deep."""
    return LimitError("depth-limit", f"calls are nested more than {run.limits.depth:,} deep")


class NotCalled(LispyError):
    """The error of calling something that cannot be called; its help looks at how the call is written."""

    got = ""

    def seek(self) -> str | None:
        """What there is to do about it."""
        span = self.span
        if span is None:
            return super().seek()
        text = span.source.text[span.start : span.end]
        if text.startswith("["):
            inside = text[1:-1].strip()
            short = len(inside) <= 60 and "\n" not in inside and ";" not in inside
            return f"square brackets call, too; write (list {inside if short else '...'})"
        word = _HEAD.match(text)
        if word is not None and (word[1] in BUILTINS or library.defines(word[1])):
            return f"the program gave {word[1]} another value, {self.got}; take a name of your own for that"
        return super().seek()


_HEAD = re.compile(r"\(\s*([^\s()\[\]{}\"';`,]+)")


def no_procedure(value: Value) -> LispyError:
    """The error of calling something that cannot be called."""
    hint = None
    if isinstance(value, (dict, Keyword)):
        hint = "(get d :key) looks a key up"
    elif value.__class__ is int or (value is not None and is_list(value)):
        hint = "brackets call what stands first in them; quote a list of data: '(1 2)"
    got = describe_type(value)
    error = NotCalled("wrong-type", f"only a procedure can be called, this is {got}", help=hint)
    error.got = got
    return error


def rename(error: LispyError, spec: BuiltinSpec, name: str) -> None:
    """Let an error that a builtin just raised speak of it by the name the program called it."""
    word = error.message.partition(" ")[0]
    if error.span is not None or (word != spec.name and word not in spec.through):
        return
    if word is not name:
        error.message = name + error.message[len(word) :]
    if error.code == "wrong-arity" and error.help is None:
        error.help = usage_help(spec.usage_as(name))


def blame(error: LispyError, span: Span | None, name: str | None = None) -> None:
    """Give an error its place, if it has none, and the procedure that it passes through."""
    if error.fresh:
        error.fresh = False
        return
    if error.span is None:
        error.span = span
    if name and len(error.trace) < TRACE:
        entry = name if span is None else f"{name} ({span.file}:{span.line}:{span.column})"
        if error.trace[-1:] != (entry,):  # a deep recursion shows its place once
            error.trace += (entry,)
