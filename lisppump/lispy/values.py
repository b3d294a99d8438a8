"""What LisPy values are in the host: small classes beside int, float, bool, str, list, dict and None.

Invariants every builtin keeps: values are never changed after they are made; `None` is nil, and so is the
empty Python list; a list is a Python list, a non-empty `Slice` of one, or a chain of `Pair`; frame JSON is
used as it is.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

from lisppump import canon

Value = Any
Function = Callable[..., Value]


class Symbol:
    """A name as data; interned, so identity is equality."""

    __slots__ = ("name", "__weakref__")
    _known: ClassVar[weakref.WeakValueDictionary[str, Symbol]] = weakref.WeakValueDictionary()
    name: str

    def __new__(cls, name: str) -> Symbol:
        known = cls._known.get(name)
        if known is None:
            known = object.__new__(cls)
            known.name = name
            cls._known[name] = known
        return known

    def __repr__(self) -> str:
        return self.name


class Keyword:
    """A name with a colon that stands for itself; `name` is without the colon; interned."""

    __slots__ = ("name", "__weakref__")
    _known: ClassVar[weakref.WeakValueDictionary[str, Keyword]] = weakref.WeakValueDictionary()
    name: str

    def __new__(cls, name: str) -> Keyword:
        known = cls._known.get(name)
        if known is None:
            known = object.__new__(cls)
            known.name = name
            cls._known[name] = known
        return known

    def __repr__(self) -> str:
        return ":" + self.name


class Pair:
    """A cons cell; `size` is the length of the proper list it heads, -1 for a dotted one.

    Like windows it has no `__init__`, as too many are made: `pair_of` makes one, and hot code in place.
    """

    __slots__ = ("car", "cdr", "size")
    car: Value
    cdr: Value
    size: int


@canon.register
class Slice:
    """A non-empty window on a Python list that only ever grows behind it: base[start:stop]."""

    __slots__ = ("base", "start", "stop")
    base: list[Value]
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[Value]:
        return map(self.base.__getitem__, range(self.start, self.stop))

    def __getitem__(self, index: int) -> Value:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self.base[self.start + index if index >= 0 else self.stop + index]


new_pair = partial(object.__new__, Pair)  # what is made most often is filled in by who makes it
new_slice = partial(object.__new__, Slice)


class Procedure:
    """Something that can be called: `call` is a plain Python function of the arguments, never a bound slot.

    `low` and `high` bound the number of arguments; `high` is None where there may be any number. It has no
    `__init__`: procedures of programs are made too often.
    """

    __slots__ = ("name", "call", "low", "high", "doc", "source")
    name: str
    call: Function
    low: int
    high: int | None
    doc: str | None
    source: Value


class Primitive(Procedure):
    """A procedure written in Python."""

    __slots__ = ()

    def __init__(
        self,
        name: str,
        call: Function,
        low: int = 0,
        high: int | None = None,
        doc: str | None = None,
        source: Value = None,
    ) -> None:
        self.name = name
        self.call = call
        self.low = low
        self.high = high
        self.doc = doc
        self.source = source


class Quantity:
    """A number with a unit (seconds, tokens, dollars, bytes), as pump.lisp's clauses want them."""

    __slots__ = ("amount", "unit")

    def __init__(self, amount: int | float, unit: str) -> None:
        self.amount = amount
        self.unit = unit


class Documents(dict[str, Value]):
    """The dict `frame`: document names without suffix are its keys; with a suffix they are found as well."""

    __slots__ = ("aliases",)

    def __init__(self, documents: dict[str, Value], aliases: dict[str, str]) -> None:
        super().__init__(documents)
        self.aliases = aliases

    def __missing__(self, key: str) -> Value:
        return self[self.aliases[key]]


def pair_of(car: Value, cdr: Value, size: int) -> Pair:
    """A cons cell."""
    made = Pair()
    made.car = car
    made.cdr = cdr
    made.size = size
    return made


def slice_of(base: list[Value], start: int, stop: int) -> Slice:
    """A window on a list."""
    made = Slice()
    made.base = base
    made.start = start
    made.stop = stop
    return made


def is_nil(value: Value) -> bool:
    """True for nil in both spellings."""
    return value is None or (value.__class__ is list and not value)


def is_true(value: Value) -> bool:
    """Only nil and #f are false."""
    if value is True:
        return True
    return value is not False and value is not None and not (value.__class__ is list and not value)


def is_list(value: Value) -> bool:
    """True for nil, arrays, windows and proper chains."""
    kind = value.__class__
    return value is None or kind is list or kind is Slice or (kind is Pair and value.size >= 0)


def cons(head: Value, tail: Value) -> Value:
    """A new cell in front of `tail`; dotted when `tail` is no list."""
    kind = tail.__class__
    if tail is None:
        return [head]
    if kind is list or kind is Slice:
        return pair_of(head, tail, len(tail) + 1)
    if kind is Pair:
        return pair_of(head, tail, tail.size + 1 if tail.size >= 0 else -1)
    return pair_of(head, tail, -1)


def elements(value: Value) -> list[Value]:
    """The elements of a proper list as a Python list that the caller must not change."""
    kind = value.__class__
    if kind is list:
        return value  # type: ignore[no-any-return]
    if value is None:
        return []
    if kind is Slice:
        return value.base[value.start : value.stop]  # type: ignore[no-any-return]
    out: list[Value] = []
    add = out.append
    while value.__class__ is Pair:
        add(value.car)
        value = value.cdr
    if value is not None:
        out.extend(elements(value))
    return out


def length(value: Value) -> int:
    """The length of a proper list in constant time."""
    if value is None:
        return 0
    if value.__class__ is Pair:
        return value.size
    return len(value)
