"""The table of builtins: each with usage, doc and example beside its code; each domain is a module.

A builtin is a Python function `f(run, *args)`: `run` carries meter, output, dice and capabilities. It must
charge by size before it works, check types itself, and never hand out a host object.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

from lisppump.errors import LisppumpError, declare

Implementation = Callable[..., Any]

declare("plugin", 4, bad_builtin="A LisPy builtin of a plugin is not declared as it should be.")

_WORD = re.compile(r"(?![-+]?\.?\d)[^\s()\[\]{}\"'`,;#:/][^\s()\[\]{}\"'`,;/]*")
_REST = 0x04  # the flag of functions that collect arguments
_GENERATOR, _COROUTINES = 0x20, 0x80 | 0x200  # the flags of those that return no value yet


@dataclass(frozen=True, slots=True)
class BuiltinSpec:
    """One entry of the table.

    `usage` is a call as one would write it; `example` a transcript line `expr ;=> value`; `cost` the
    published formula in steps over the sizes of the arguments; `capability` the grant it needs; `through` the
    builtins that do the work for it, whose errors are its own.
    """

    name: str
    function: Implementation
    low: int
    high: int | None
    usage: str
    doc: str
    example: str
    cost: str
    domain: str
    aliases: tuple[str, ...] = ()
    capability: str | None = None
    through: tuple[str, ...] = ()

    def usage_as(self, name: str) -> str:
        """The usage as one writes it who calls the builtin `name`."""
        return f"({name}{self.usage[1 + len(self.name) :]}"


BUILTINS: dict[str, BuiltinSpec] = {}


def builtin(
    name: str,
    usage: str,
    doc: str,
    *,
    example: str,
    cost: str = "0",
    aliases: tuple[str, ...] = (),
    capability: str | None = None,
    through: tuple[str, ...] = (),
) -> Callable[[Implementation], Implementation]:
    """Enter a function into the table; how many arguments it takes is read from its signature after `run`."""

    def enter(function: Implementation) -> Implementation:
        spec = _spec(function, name, usage, doc, example, cost, aliases, capability, through)
        for word in (name, *aliases):
            if word in BUILTINS:
                raise ValueError(f"builtin {word} is declared twice")
            BUILTINS[word] = spec
        return function

    return enter


def lispy_builtin(
    name: str,
    usage: str,
    doc: str,
    *,
    example: str,
    cost: str = "0",
    aliases: tuple[str, ...] = (),
    capability: str | None = None,
) -> Callable[[Implementation], BuiltinSpec]:
    """Make a builtin of a plugin's function, for its hook `builtins` to offer.

        @lispy_builtin("tide", "(tide hour)", "The height of the water.", example="(tide 6) ;=> 1.0")
        def tide(run, hour):
            if hour.__class__ is not int:
                raise LispyError("wrong-type", "tide wants an hour")
            return HEIGHTS[hour % 24]

    `usage` is a call as one writes it, `example` one with what comes of it, `cost` says what it charges with
    `run.charge(steps)` beside what every call costs. Without the grant named by `capability` a call is an
    error. `run` can also `write(text)`, throw dice with `randbelow(count)` and say the frame's `time`.

    Lists come in as Python lists and dicts as dicts, copied, so they may be changed; a procedure comes in as
    a function, good until the call is over. What the builtin returns is copied as well: None, bool, int,
    float, str, lists, tuples, dicts with text as keys, symbols and procedures that came in.

    For an error that a program should read, raise `lisppump.lispy.LispyError(code, message)`; let those of
    procedures pass. Any other exception is a fault of the plugin: the program sees that the builtin failed,
    the operator sees why.
    """

    def make(function: Implementation) -> BuiltinSpec:
        _check_words(name, usage, doc, example, cost, aliases, capability)
        _check_function(name, function)
        return _spec(function, name, usage, doc, example, cost, aliases, capability)

    return make


def _spec(
    function: Implementation,
    name: str,
    usage: str,
    doc: str,
    example: str,
    cost: str,
    aliases: tuple[str, ...],
    capability: str | None,
    through: tuple[str, ...] = (),
) -> BuiltinSpec:
    code = function.__code__
    positional = code.co_argcount - 1
    low = positional - len(function.__defaults__ or ())
    high = None if code.co_flags & _REST else positional
    domain = function.__module__.rpartition(".")[2]
    return BuiltinSpec(
        name, function, low, high, usage, doc, example, cost, domain, aliases, capability, through
    )  # fmt: skip


def _check_words(
    name: Any, usage: Any, doc: Any, example: Any, cost: Any, aliases: Any, capability: Any
) -> None:
    """Hold what a plugin's author says of a builtin to what programs and manuals need."""
    words = (name, *aliases) if isinstance(aliases, tuple | list) else (name, aliases)
    for word in words:
        if not _is_word(word):
            raise _bad(name, f"cannot be called {word!r}", "a name has no blanks, brackets or slashes in it")
    if not isinstance(aliases, tuple):
        raise _bad(name, "has aliases that are no tuple", f'write aliases=("{words[-1]}",)')
    if not (_is_text(usage) and usage.startswith((f"({name} ", f"({name})"))):
        raise _bad(name, f"has the usage {usage!r}", f'write a call of it, like "({name} x)"')
    if not _is_text(doc):
        raise _bad(name, "has no doc", "say in one sentence what it gives")
    if not (_is_text(example) and (" ;=> " in example or " ;!> " in example)):
        raise _bad(name, f"has the example {example!r}", f'write a call and its value: "({name} 1) ;=> 2"')
    if not _is_text(cost):
        raise _bad(name, "has a cost that is no text", 'write what it charges, like cost="length"')
    if not (capability is None or _is_word(capability)):
        raise _bad(name, f"needs the capability {capability!r}", "a capability is a word")


def _is_word(word: Any) -> bool:
    """A name that a program can write."""
    return _is_text(word) and word.isprintable() and _WORD.fullmatch(word) is not None


def _is_text(text: Any) -> bool:
    """A text that a program may see; one with half a character in it is none."""
    return type(text) is str and bool(text.strip()) and text == text.encode("utf-8", "replace").decode()


def _check_function(name: str, function: Any) -> None:
    """Hold the function itself to how builtins are called."""
    if not isinstance(function, FunctionType):
        raise _bad(name, "should be a function", "put the decorator on a `def`")
    code = function.__code__
    if code.co_flags & (_GENERATOR | _COROUTINES):
        what = "a generator" if code.co_flags & _GENERATOR else "`async def`"
        raise _bad(name, f"is {what}; a builtin is an ordinary function", "return its value")
    first = code.co_varnames[0] if code.co_argcount else None
    if first is None or not (first == "run" or first.startswith("_")):
        raise _bad(name, "does not take the run first", f"write `def {function.__name__}(run, ...)`")
    if len(function.__defaults__ or ()) >= code.co_argcount:
        raise _bad(name, "has a default for the run", "it is always given")
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or {}):
        raise _bad(name, "has arguments that must be named", "LisPy has places only")


def _bad(name: Any, what: str, help: str) -> LisppumpError:
    return LisppumpError("bad-builtin", f"the builtin `{name}` {what}", help=help)


@cache
def load() -> dict[str, BuiltinSpec]:
    """The whole table, each domain imported."""
    from lisppump.lispy.builtins import (  # noqa: F401
        alists,
        bits,
        characters,
        clock,
        control,
        data,
        dict_calls,
        dicts,
        faults,
        format,
        generic,
        hashes,
        immutable,
        joining,
        lists,
        meta,
        numbers,
        numeric,
        output,
        predicates,
        quantities,
        randomness,
        regex,
        searching,
        sequences,
        sets,
        shared,
        simulation,
        sorting,
        state,
        substrings,
        text,
        web,
    )  # fmt: skip

    return BUILTINS


def describe_type(value: Any) -> str:
    """What a person calls the type of a LisPy value; the only text about types that a program may see."""
    from lisppump.lispy import values

    kind = value.__class__
    if value is None:
        return "nil"
    if kind is bool:
        return "a boolean"
    if kind is int:
        return "an integer"
    if kind is float:
        return "a float"
    if kind is str:
        return "a string"
    if kind is values.Symbol:
        return "a symbol"
    if kind is values.Keyword:
        return "a keyword"
    if kind is values.Pair and value.size < 0:
        return "a pair"
    if values.is_list(value):
        return "a list"
    if isinstance(value, dict):
        return "a dict"
    if isinstance(value, values.Procedure):
        return "a procedure"
    if kind is values.Quantity:
        return f"a quantity of {value.unit}"
    return "a value"
