"""Arguments of builtins: tests that give a plain Python value or raise a sentence; they change no value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import describe_type
from lisppump.lispy.errors import LispyError
from lisppump.lispy.printer import digits
from lisppump.lispy.values import (
    Keyword,
    Pair,
    Procedure,
    Slice,
    Symbol,
    Value,
    elements,
    is_list,
    length,
    slice_of,
)

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

CELL = 48  # bytes charged for one cons cell
MANY = 10_000  # elements that are gone through between two looks at the clock


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    return f"{place}{'st' if place == 1 else 'nd' if place == 2 else 'rd' if place == 3 else 'th'}"


def counted(count: int, word: str) -> str:
    """1 element, 2 elements, ..."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def wrong(name: str, wanted: str, got: Value, place: int = 0, help: str | None = None) -> LispyError:
    """The error for an argument of the wrong type; `place` counts from 1, 0 leaves it out."""
    where = f" as its {ordinal(place)} argument" if place else ""
    message = f"{name} wants {wanted}{where}, got {describe_type(got)}"
    return LispyError("wrong-type", message, help=help or _hint(wanted, got))


def _hint(wanted: str, got: Value) -> str | None:
    """Where a value of the wrong type often comes from."""
    kind = got.__class__
    if got is None:
        return "nil is what get gives where a key is missing: (get dict key default)"
    if got is False:
        return "#f is what a search gives that finds nothing"
    if isinstance(got, Procedure):
        named = f"{got.name} is a builtin here; " if hasattr(got, "spec") else ""
        return f"{named}(f x) calls a procedure; let* lets a value see the names bound before it"
    if wanted.startswith("a procedure"):
        if kind is Keyword:
            return f"(lambda (d) (get d :{got.name[:40]})) looks a key up"
        if kind is Symbol:
            return f"a procedure is named without a quote: {got.name[:40]}"
        if is_list(got) and length(got) and _front(got).__class__ is Symbol:
            front = islice(elements(got), 20)
            if any(part.__class__ is Symbol and part.name in ("%", "%1", "%&") for part in front):
                return "#( ) is a list of data here; (lambda (x) ...) makes a procedure"
            return "a quoted list is data; (lambda (x) ...) makes a procedure"
    if kind is str and wanted.startswith("a number"):
        return "(string->number text) gives the number that a text spells"
    if is_list(got) and length(got) == 1:
        only = _front(got)
        if ("a number" if is_number(only) else describe_type(only)) not in wanted:
            return None
        return "it has one element, (car x); of a list (key value) the value is cadr, not cdr"
    return None


def _front(value: Value) -> Value:
    """The first element of a list that has one."""
    return value.car if value.__class__ is Pair else value[0]


def arity(name: str, wanted: str, got: int) -> LispyError:
    """The error for a number of arguments that the signature alone cannot refuse."""
    return LispyError("wrong-arity", f"{name} wants {wanted}, got {got}")


def is_number(value: Value) -> bool:
    """True for integers and floats, never for booleans."""
    kind = value.__class__
    return kind is int or kind is float


def number(name: str, value: Value, place: int = 1) -> Any:
    """An integer or float."""
    kind = value.__class__
    if kind is not int and kind is not float:
        raise wrong(name, "a number", value, place)
    return value


def integer(name: str, value: Value, place: int = 1) -> int:
    """An integer; a whole float is taken as one."""
    if value.__class__ is int:
        return value
    if value.__class__ is not float:
        raise wrong(name, "an integer", value, place)
    if not value.is_integer():
        raise LispyError(
            "bad-value",
            f"{name} wants an integer as its {ordinal(place)} argument, got {value!r}",
            help="(quotient a b) divides to an integer; round, floor and ceil make one",
        )
    return int(value)


def count(name: str, value: Value, place: int = 1) -> int:
    """An integer that is not negative."""
    whole = integer(name, value, place)
    if whole < 0:
        raise LispyError(
            "out-of-range", f"{name} wants a number that is not negative as its {ordinal(place)} argument"
        )
    return whole


def string(name: str, value: Value, place: int = 1) -> str:
    """A string."""
    if value.__class__ is not str:
        raise wrong(name, "a string", value, place, string_help(value))
    return value


def string_help(value: Value) -> str | None:
    """How to make a string of a value that is none."""
    kind = value.__class__
    if kind is Symbol or kind is Keyword:
        return "(symbol->string x) gives the name of a symbol"
    if is_number(value):
        return "(number->string x) gives the text of a number"
    return None


def proper(name: str, value: Value, place: int = 1) -> Value:
    """A list in any shape, as it is."""
    if not is_list(value):
        help = "(keys d), (values d) and (entries d) give lists" if isinstance(value, dict) else None
        raise wrong(name, "a list", value, place, help)
    return value


def walk(run: Run, name: str, value: Value, place: int = 1) -> list[Value]:
    """The elements of a list, one step each charged before they are gathered."""
    if value.__class__ is list:
        meter = run.meter
        meter.steps += len(value)
        if meter.steps > meter.next_look:
            meter.look()
        return value
    proper(name, value, place)
    if value is None:
        return []
    run.meter.charge(length(value))
    return elements(value)


def watched(run: Run, items: Sequence[Value]) -> Iterable[Value]:
    """The same items; the clock is looked at after every so many, whatever is done with each.

    What the work costs is charged before; a builtin that is called for each may itself look at nothing.
    """
    return items if len(items) <= MANY else _watched(run, items)


def _watched(run: Run, items: Sequence[Value]) -> Iterator[Value]:
    for start in range(0, len(items), MANY):
        yield from items[start : start + MANY]
        run.meter.look()


def dictionary(name: str, value: Value, place: int = 1) -> dict[str, Value]:
    """A dict; nil is the empty one."""
    if isinstance(value, dict):
        return value
    if value is None or (value.__class__ is list and not value):
        return {}
    raise wrong(name, "a dict", value, place)


def has(items: dict[str, Value], key: str) -> bool:
    """Whether a dict has a key; the documents of a frame are found under either of their names."""
    try:
        items[key]
    except KeyError:
        return False
    return True


def call(
    run: Run, name: str, value: Value, place: int = 1, count: int | None = None
) -> Callable[..., Value]:
    """What calls a procedure from Python; faster where it is known with how many arguments."""
    if not isinstance(value, Procedure):
        raise wrong(name, "a procedure", value, place)
    return run.function(value, count)


def accepts(procedure: Procedure, arguments: int) -> bool:
    """True when a procedure can be called with that many arguments."""
    return procedure.low <= arguments and (procedure.high is None or arguments <= procedure.high)


def key_of(name: str, value: Value, place: int = 2) -> str:
    """The string that a dict key means: a string, or the name of a keyword or symbol."""
    kind = value.__class__
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is Keyword or kind is Symbol:
        return value.name  # type: ignore[no-any-return]
    help = "(number->string n) makes a key of a number" if is_number(value) else None
    raise wrong(name, "a key (string, keyword or symbol)", value, place, help)


def text_key(run: Run, name: str, value: Value) -> str:
    """The key that a computed value gives: numbers, booleans and nil count by their text."""
    kind = value.__class__
    if kind is int:
        run.meter.charge(digits(value))
        return str(value)
    if kind is float:
        return repr(value)
    if kind is bool:
        return "#t" if value else "#f"
    if value is None:
        return "nil"
    return key_of(name, value, 0)


def room(run: Run, count: int) -> None:
    """Refuse a list or dict that would be too large and count its bytes; the steps are charged elsewhere."""
    meter = run.meter
    if count > run.limits.elements:
        meter.container(count)
    meter.allocated += 8 * count
    if meter.allocated > meter.limits.allocation:
        meter.allocate(0)


FREE = object()  # what stands in the room before the elements of an array
WIDE = 32  # elements of an array from which on it has room in front


def flat(value: Value) -> tuple[list[Value], int, int]:
    """A proper list as (base, start, stop), without copying.

    A chain is turned into windows on one array, cell by cell, so that no cell is ever walked twice: the value
    stays the same, only how it lies in memory changes. A long array has room in front for as many elements as
    it has, so that what is put before it later need not copy it.
    """
    kind = value.__class__
    if kind is list:
        return value, 0, len(value)
    if kind is Slice:
        return value.base, value.start, value.stop
    if value is None:
        return [], 0, 0
    chain = []
    while value.__class__ is Pair:
        chain.append(value)
        value = value.cdr
    base: list[Value] = []
    start = stop = 0
    if value.__class__ is Slice:
        base, start, stop = value.base, value.start, value.stop
        while chain and start > 0 and base[start - 1] is chain[-1].car:  # its window lies in it already
            chain.pop()
            start -= 1
    count = len(chain)
    cars = [cell.car for cell in chain]
    if count == 0:
        return base, start, stop
    if count <= start and base[start - 1] is FREE:
        base[start - count : start] = cars
        start -= count
    else:
        rest = base[start:stop] or elements(value)
        size = count + len(rest)
        start = size if size >= WIDE else 0
        base = [*[FREE] * start, *cars, *rest]
        stop = start + size
    for place, cell in enumerate(chain, start + 1):
        if place < stop:
            cell.cdr = slice_of(base, place, stop)
    return base, start, stop


def window(base: list[Value], start: int, stop: int) -> Value:
    """A list over part of an array."""
    if start >= stop:
        return []
    if start == 0 and stop == len(base) and base.__class__ is list:
        return base
    return slice_of(base, start, stop)
