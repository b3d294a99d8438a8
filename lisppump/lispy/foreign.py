"""Builtins that others wrote: nothing but LisPy values goes in and out, and no Python error comes out.

Foreign code runs because somebody trusts it; what is kept in here is its faults, not malice. It knows no
plugins: who owns a builtin is a word, and who hears of its faults is a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from threading import get_ident
from typing import Any, TypeVar

from lisppump.errors import CODES, declare, said
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.builtins.check import wrong
from lisppump.lispy.builtins.numbers import settled
from lisppump.lispy.callfaults import too_deep
from lisppump.lispy.errors import LONGEST, LimitError, LispyError
from lisppump.lispy.run import Run
from lisppump.lispy.values import (
    Keyword,
    Pair,
    Primitive,
    Procedure,
    Quantity,
    Symbol,
    Value,
    cons,
    elements,
    is_list,
    length,
)  # fmt: skip

declare("plugin", 4, builtin_failed="The code of a plugin's builtin raised an error, or gave no LisPy value.")

LEVELS = 100  # of the depth limit that one call counts as: foreign code lets the C stack grow
CONTAINER, ELEMENT, ENTRY = 64, 8, 32  # bytes charged for what is copied
ATOMS = (type(None), bool, int, float, str, Symbol, Keyword)  # nobody can change them

T = TypeVar("T")


def guarded(spec: BuiltinSpec, owner: str, complain: Callable[[str], None]) -> BuiltinSpec:
    """The builtin as programs may have it.

    A call charges one step, one more for each list or dict that is copied in or out and for each thing in it,
    and one for each 16 characters that come out. Whatever goes wrong inside is the error `builtin-failed`,
    which names `owner` and nothing else; `complain` gets the sentence that says what, and where.
    """
    return replace(spec, function=_Border(spec, owner, complain).call)


class Later(Mapping[str, BuiltinSpec]):
    """A table of builtins that is made when something is first looked up in it."""

    def __init__(self, make: Callable[[], Mapping[str, BuiltinSpec]]) -> None:
        self._make = make
        self._table: Mapping[str, BuiltinSpec] | None = None

    @property
    def table(self) -> Mapping[str, BuiltinSpec]:
        """The table itself, made now if it was not yet."""
        if self._table is None:
            self._table = self._make()
        return self._table

    def __getitem__(self, name: str) -> BuiltinSpec:
        return self.table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(self.table)


class Lent(Primitive):
    """A procedure in foreign hands: an ordinary function, until the call that it was lent for is over."""

    __slots__ = ("_crossing", "_original")

    def __init__(self, crossing: _Crossing, original: Procedure) -> None:
        call = partial(crossing.inside, crossing.call_back, original)
        super().__init__(original.name, call, original.low, original.high, original.doc)
        self._crossing = crossing
        self._original = original

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)


class LentError(LispyError):
    """An error in foreign hands; where it comes back, the original goes on."""

    def __init__(self, crossing: _Crossing, original: LispyError) -> None:
        super().__init__(original.code, original.message, help=original.help)
        self._crossing = crossing
        self._original = original


class LentRun:
    """The run in foreign hands: what a builtin gets as its first argument, good until the call is over."""

    __slots__ = ("_crossing",)

    def __init__(self, crossing: _Crossing) -> None:
        self._crossing = crossing

    def charge(self, steps: int) -> None:
        """Count steps for work that is about to be done."""
        if type(steps) is not int or steps < 0:
            raise Fault("charges what is no number of steps")
        self._crossing.inside(self._crossing.run.charge, steps)

    def write(self, text: str) -> None:
        """Print text, as `display` does."""
        self._crossing.inside(self._crossing.write, text)

    def randbelow(self, count: int) -> int:
        """A whole number from 0 to count - 1, by the run's own dice."""
        if type(count) is not int:
            raise Fault("throws dice that have no number of sides")
        return self._crossing.inside(self._crossing.run.randbelow, count)

    @property
    def time(self) -> str:
        """The frame's clock."""
        return self._crossing.inside(lambda: self._crossing.run.time)


class Fault(Exception):
    """Foreign code did what it may not; its text goes on after "the builtin ..."."""


@dataclass(frozen=True, slots=True)
class _Border:
    """What stands around one builtin."""

    spec: BuiltinSpec
    owner: str
    complain: Callable[[str], None]

    def call(self, run: Run, *arguments: Value) -> Value:
        """One call from end to end."""
        spec, depth = self.spec, run.depth
        run.charge(1)
        if spec.capability is not None:
            if spec.capability not in run.granted:
                run.need(spec.capability)
            run.used.add(spec.capability)  # what it grants may be nothing but this call
        run.depth += LEVELS
        if run.depth > run.limits.depth:
            raise too_deep(run)
        crossing = _Crossing(run, spec.name)
        given = [crossing.hand(argument) for argument in arguments]
        try:
            value = self._value(crossing, given)
        except (LispyError, KeyboardInterrupt):  # the latter is the person's, whatever was running
            raise
        except BaseException as error:
            if error is crossing.ended:
                raise
            raise self._failed(error) from None
        run.depth = depth
        run.meter.look()  # foreign code takes its time
        return value

    def _value(self, crossing: _Crossing, given: list[Any]) -> Value:
        """What foreign code gives, or a LispyError that programs may see; anything else is a fault."""
        try:
            answer = self.spec.function(LentRun(crossing), *given)
        except LispyError as error:
            raise crossing.own(error) from None
        finally:
            crossing.end()  # raises what ended the program meanwhile, whatever foreign code made of that
        return crossing.take(answer)

    def _failed(self, error: BaseException) -> LispyError:
        """Tell the operator what happened; what the program hears is only that something did."""
        what = str(error) if type(error) is Fault else f"raised {said(error)}"
        self.complain(f"builtin `{self.spec.name}` of plugin {self.owner} {what} ({self._place(error)})")
        return LispyError(
            "builtin-failed", f"{self.spec.name} failed inside; it comes from the plugin {self.owner}"
        )

    def _place(self, error: BaseException) -> str:
        """Where the builtin's own file was left, or where its function begins."""
        code = getattr(self.spec.function, "__code__", None)
        if code is None:
            return "place unknown"
        line, step = code.co_firstlineno, error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == code.co_filename:
                line = step.tb_lineno
            step = step.tb_next
        return f"{code.co_filename}:{line}"


class _Crossing:
    """One call across the border: what is lent for it, and what is copied in and out."""

    __slots__ = ("ended", "name", "run", "thread")

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self.thread = get_ident()  # the only one that may use what was lent; 0 when the call is over
        self.ended: BaseException | None = None  # what no program could have caught, if it came to that

    def inside(self, function: Callable[..., T], *arguments: Any) -> T:
        """Do something of the language for foreign code, which may catch the errors that a program could."""
        if self.thread != get_ident():
            raise Fault("uses what it was lent after its call, or in another thread")
        if self.ended is not None:
            raise self.ended
        depth = self.run.depth
        try:
            return function(*arguments)
        except Fault:
            raise
        except BaseException as error:
            self.run.depth = depth
            if isinstance(error, LispyError) and not isinstance(error, LimitError):
                raise LentError(self, error) from None
            self.ended = error
            raise

    def call_back(self, procedure: Procedure, *arguments: Any) -> Any:
        """What a procedure that was lent gives."""
        return self.hand(self.run.apply(procedure, [self.take(argument) for argument in arguments]))

    def write(self, text: Any) -> None:
        """Print what should be text."""
        self.run.write(self._text(text))

    def end(self) -> None:
        """Nothing that was lent works from now on; raises what ended the program, if something did."""
        self.thread = 0
        if self.ended is not None:
            raise self.ended

    def own(self, error: LispyError) -> LispyError:
        """An error as the program may have it: its own that comes back, or one made anew.

        A limit that foreign code made up is none of the run's, so that a program may catch it.
        """
        if type(error) is LentError and error._crossing is self:
            return error._original
        if type(error.code) is not str or error.code not in CODES:
            raise Fault(f"raised a LispyError with the code {error.code!r}, which is not declared")
        help = None if error.help is None else self._text(error.help)[:LONGEST]
        return LispyError(error.code, self._text(error.message), help=help, data=self.take(error.data))

    def hand(self, value: Value, depth: int = 0) -> Any:
        """A value for foreign code: plain lists and dicts that are its own, procedures lent."""
        if value.__class__ in ATOMS:
            return value
        if isinstance(value, dict):
            self._pay(len(value), ENTRY, depth)
            return {key: self.hand(part, depth + 1) for key, part in value.items()}
        if is_list(value):
            self._pay(length(value), ELEMENT, depth)
            return [self.hand(part, depth + 1) for part in elements(value)]
        if value.__class__ is Pair:
            return self._cells(value, self.hand, depth)
        if value.__class__ is Quantity:
            return Quantity(value.amount, value.unit)
        if isinstance(value, Procedure):
            return Lent(self, value)
        raise wrong(self.name, "data or a procedure", value)

    def take(self, item: Any, depth: int = 0) -> Value:
        """What foreign code gave as a value that nobody else holds, or the fault that it is none."""
        kind = type(item)  # what `__class__` says may be made up
        if item is None or kind is bool:
            return item
        if kind is int or kind is float:
            return settled(self.run, self.name, item)
        if kind is str:
            return self._text(item)
        if kind is list or kind is tuple:
            self._make(len(item), ELEMENT, depth)
            return [self.take(part, depth + 1) for part in item]
        if kind is dict:
            self._make(len(item), ENTRY, depth)
            return {self._text(key, "a key"): self.take(part, depth + 1) for key, part in item.items()}
        if kind is Symbol or kind is Keyword:
            return kind(self._text(item.name))
        if kind is Pair:
            return self._cells(item, self.take, depth)
        if kind is Quantity and type(item.amount) in (int, float):
            return Quantity(self.take(item.amount), self._text(item.unit))
        if kind is Lent and item._crossing is self:
            return item._original
        if issubclass(kind, Procedure):
            raise Fault("gave a procedure that it made itself, or kept from another call")
        raise Fault(f"gave {_kind(item)}, which is no LisPy value")

    def _cells(self, item: Any, copy: Callable[[Any, int], Any], depth: int) -> Any:
        """A chain of pairs, copied cell by cell."""
        heads: list[Any] = []
        while type(item) is Pair:  # one that never ends runs into a limit
            self._pay(0, 0, depth)
            heads.append(copy(item.car, depth + 1))
            item = item.cdr
        made = copy(item, depth)
        for head in reversed(heads):
            made = cons(head, made)
        return made

    def _text(self, text: Any, what: str = "a text") -> str:
        """A string of the language: no longer than it may be, and no half characters in it."""
        if type(text) is not str:
            raise Fault(f"gave {_kind(text)} as {what}; LisPy wants a str")
        self.run.meter.text(len(text))
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Fault("gave a str with half a character in it (a lone surrogate)") from None
        return text

    def _make(self, size: int, each: int, depth: int) -> None:
        """Charge for the copy of what foreign code made; it may be no larger than what a program makes."""
        limits = self.run.limits
        if depth >= limits.data_depth:
            raise Fault(f"gave data nested more than {limits.data_depth} deep, or data that holds itself")
        if size > limits.elements:
            self.run.meter.container(size)
        self._pay(size, each, depth)

    def _pay(self, size: int, each: int, depth: int) -> None:
        """Charge for a copy before it is made."""
        limits = self.run.limits
        if depth >= limits.data_depth:
            raise LimitError(
                "data-depth-limit", f"data may be nested {limits.data_depth} deep, this is deeper"
            )
        self.run.charge(1 + size)
        self.run.meter.allocate(CONTAINER + each * size)


def _kind(item: Any) -> str:
    """What a plugin's author calls it."""
    name = type.__repr__(type(item))[8:-2]  # <class 'NAME'>
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
