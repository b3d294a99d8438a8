"""Values to text and to JSON, with explicit stacks: however deep data is, the host's stack stays flat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.limits import Limits, Meter
from lisppump.lispy.values import Keyword, Pair, Procedure, Quantity, Slice, Symbol, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

_QUOTES = {"quote": "'", "quasiquote": "`", "unquote": ",", "unquote-splicing": ",@"}
_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f]')
_ESCAPES = [
    ("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"),
    *((chr(code), f"\\u{code:04x}") for code in (*range(0x20), 0x7F) if chr(code) not in "\n\t\r"),
]  # fmt: skip
_LIMITS = Limits()
_CHUNK = 4096  # characters after which a text that is being made is charged for
_SIZE, _FEW, _DEEP = 1000, 100, 8  # what is small: characters, elements, levels
_WIDE = 1 << 512
_PLAIN = frozenset({int, float, str, bool})
Memo = dict[tuple[int, int], str | None]  # by the identity of data and the levels that may be in it


def write_text(run: Run, value: Value) -> str:
    """`to_text` on a run's meter."""
    return to_text(value, run.meter)


def display_text(run: Run, value: Value) -> str:
    """The value for a reader: a string as it is, anything else as `write` has it."""
    kind = value.__class__
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is int or kind is float:
        if kind is int:
            run.meter.charge(digits(value))
        text = repr(value)
        run.meter.text(len(text))
        return text
    return to_text(value, run.meter)


def digits(value: int) -> int:
    """The steps that it takes to find the digits of an integer: none of a small one."""
    return value.bit_length() ** 2 >> 17 if not -_WIDE < value < _WIDE else 0


def quoted(text: str) -> str:
    """A string as LisPy writes it."""
    if _SPECIAL.search(text) is None:
        return f'"{text}"'
    for character, escape in _ESCAPES:  # a backslash first; far quicker than one after the other
        text = text.replace(character, escape)
    return f'"{text}"'


def _atom(value: Value) -> str | None:
    kind = value.__class__
    if kind is str:
        return quoted(value)
    if value is True:
        return "#t"
    if value is False:
        return "#f"
    if kind is int or kind is float:
        return repr(value)
    if value is None:
        return "nil"
    if kind is Symbol:
        return value.name  # type: ignore[no-any-return]
    if kind is Keyword:
        return ":" + value.name  # type: ignore[no-any-return]
    if isinstance(value, Procedure):
        return f"#<procedure {value.name}>"
    if kind is Quantity:
        return f"({value.unit} {value.amount!r})"
    return None


def _parts(value: Value) -> tuple[str, Iterator[tuple[str, Value]], str]:
    """How a compound value opens, what it holds with the text before each, and how it closes."""
    if isinstance(value, dict):
        return "{", _entries(value), "}"
    if (
        (value.__class__ is list or value.__class__ is Slice)
        and len(value) == 2
        and value[0].__class__ is Symbol
    ):
        mark = _QUOTES.get(value[0].name)
        if mark is not None:
            return mark, iter([("", value[1])]), ""
    return "(", _elements(value), ")"


def _entries(value: dict[str, Value]) -> Iterator[tuple[str, Value]]:
    space = ""
    for key, item in value.items():
        yield f"{space}{quoted(key)} ", item
        space = " "


def _elements(value: Value) -> Iterator[tuple[str, Value]]:
    space = ""
    while value.__class__ is Pair:
        yield space, value.car
        space = " "
        value = value.cdr
    if value.__class__ is list or value.__class__ is Slice:
        for item in value:
            yield space, item
            space = " "
    elif value is not None:
        yield " . ", value


def _plain(value: Value, deep: int, memo: Memo | None = None) -> str | None:
    """The text of small data that has nothing unusual in it; None of what is to be rendered step by step.

    With a memo, what data shares is looked at once.
    """
    if memo is None:
        return _plain_text(value, deep, None)
    key = id(value), deep
    if key not in memo:
        memo[key] = _plain_text(value, deep, memo)
    return memo[key]


def _plain_text(value: Value, deep: int, memo: Memo | None) -> str | None:
    whole = value.__class__
    if (whole is not list and whole is not dict) or len(value) > _FEW:
        return None
    if whole is list and value and value[0].__class__ is Symbol and value[0].name in _QUOTES:
        return None
    parts: list[str] = []
    size = 0
    for item in value if whole is list else value.values():
        kind = item.__class__
        if kind is int or kind is float:
            text: str | None = repr(item)
        elif kind is list or kind is dict:
            text = _plain(item, deep - 1, memo) if deep else None
        elif kind is str and len(item) > _SIZE:
            return None
        else:
            text = _atom(item)
        if text is None:
            return None
        size += len(text)
        if size > _SIZE:
            return None
        parts.append(text)
    if whole is list:
        return f"({' '.join(parts)})"
    if sum(map(len, value)) > _SIZE:
        return None
    entries = [f"{quoted(key)} {text}" for key, text in zip(value, parts, strict=True)]
    return f"{{{' '.join(entries)}}}"


def _fitting(value: Value, levels: int, most: int, memo: Memo | None = None) -> str | None:
    """The text of small data inside other data, unless part of it is charged for before the rest is made."""
    if levels <= 0 or most < _SIZE:
        return None
    text = _plain(value, min(_DEEP, levels - 1), memo)
    return text if text is not None and len(text) <= most else None


def to_text(value: Value, meter: Meter | None = None) -> str:
    """The text that reads back as the value; with a meter it is charged and bounded by the run's limits."""
    limits = _LIMITS if meter is None else meter.limits
    text = _short_text(value, meter, limits)
    if text is not None:
        return text
    out: list[str] = []
    memo: Memo = {}
    size = paid = 0
    opening, parts, closing = _parts(value)
    out.append(opening)
    stack = [(parts, closing)]
    while stack:
        parts, closing = stack[-1]
        for before, item in parts:
            text = _atom(item)
            if text is None:
                most = _CHUNK - size + paid - len(before)
                text = _fitting(item, limits.data_depth - len(stack), most, memo)
            if text is None:
                opening, inner, end = _parts(item)
                out.append(before + opening)
                stack.append((inner, end))
                if len(stack) > limits.data_depth:
                    raise _too_deep(limits)
                size += len(before) + 2
            else:
                out.append(before)
                out.append(text)
                size += len(before) + len(text)
            if meter is not None and size - paid > _CHUNK:
                if size > limits.string:
                    meter.text(size)
                _pay(meter, size - paid)
                paid = size
            if text is None:
                break
        else:
            out.append(closing)
            stack.pop()
    if meter is not None:
        if size > limits.string:
            meter.text(size)
        _pay(meter, size - paid)
    return "".join(out)


def _short_text(value: Value, meter: Meter | None, limits: Limits) -> str | None:
    """The text of an atom or of small data."""
    least = len(value) + 2 if value.__class__ is str else 0
    if meter is not None:
        if least:
            meter.text(least)
        elif value.__class__ is int:
            meter.charge(digits(value))
    text = _atom(value)
    if text is not None:
        if meter is not None:
            if len(text) > limits.string:
                meter.text(len(text))
            meter.text(len(text) - least)
        return text
    text = _fitting(value, limits.data_depth, _CHUNK)
    if text is not None and meter is not None:
        _pay(meter, len(text) - 2)  # the outermost brackets are for nothing
    return text


def _pay(meter: Meter, size: int) -> None:
    """Charge for so much text of data: there may be a part of it in every second character."""
    meter.text(size)
    meter.charge(size >> 1)


def glimpse(value: Value, most: int) -> str:
    """The beginning of what `to_text` gives, so many characters at most, however large the value is."""
    out: list[str] = []
    size = 0
    stack: list[tuple[Iterator[tuple[str, Value]], str]] = [(iter((("", value),)), "")]
    while stack and size <= most:
        parts, closing = stack[-1]
        for before, item in parts:
            text = quoted(item[:most]) if item.__class__ is str else _atom(item)
            if text is None:
                text, inner, end = _parts(item)
                stack.append((inner, end))
            out.append(before + text)
            size += len(out[-1])
            break
        else:
            out.append(closing)
            stack.pop()
    return cut("".join(out), most)


def cut(text: str, most: int = 40) -> str:
    """The beginning of a text that is too long for a message."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _too_deep(limits: Limits) -> LimitError:
    return LimitError("data-depth-limit", f"data may be nested {limits.data_depth} deep, this is deeper")


def to_json(
    value: Value,
    meter: Meter | None = None,
    *,
    procedures: bool = False,
    spelt: bool = False,
    indent: int | None = None,
) -> Any:
    """The value as plain host data, shared with nobody; a procedure is an error, null if allowed, or `spelt`.

    With an `indent` it is about to be written, with so many spaces a level (below 0: in one line): what would
    be too long for a text is refused.
    """
    if value is None or value.__class__ in _PLAIN:
        return value
    limits = _LIMITS if meter is None else meter.limits
    most = None if indent is None or meter is None else limits.string
    size = 0
    top: list[Any] = [None]
    stack: list[tuple[Value, Any, Any, int]] = [(value, top, 0, 0)]
    while stack:
        item, holder, key, depth = stack.pop()
        kind = item.__class__
        if most is not None:
            size += _least(key, item, depth, indent)
            if size > most:
                meter.text(size)  # type: ignore[union-attr]
            if indent >= 0:  # type: ignore[operator]
                meter.charge(depth)  # type: ignore[union-attr]
        if item is None or kind in _PLAIN:
            holder[key] = item
            continue
        if depth > limits.data_depth:
            raise _too_deep(limits)
        if kind is Symbol or kind is Keyword:
            holder[key] = item.name
        elif isinstance(item, dict):
            made: Any = dict.fromkeys(item)
            if meter is not None:
                meter.take(2 + 2 * len(made), 64 + 32 * len(made))
            holder[key] = made
            stack.extend([(part, made, name, depth + 1) for name, part in item.items()])
        elif kind is list or kind is Slice or kind is Pair:
            holder[key] = _json_list(item, stack, depth + 1, meter)
        elif kind is Quantity:
            holder[key] = item.amount
        elif isinstance(item, Procedure) and (procedures or spelt):
            holder[key] = _atom(item) if spelt else None
        else:
            raise LispyError(
                "json-error",
                "JSON has no way to write a procedure",
                help="only data can be kept or written: give what the procedure gives, not the procedure",
            )
    return top[0]


def _least(key: str | int, item: Value, depth: int, indent: int | None) -> int:
    """How many characters an item of a list or dict has in JSON at least, with what is around it."""
    before = 2 if indent is None or indent < 0 else 2 + indent * depth
    if isinstance(key, str):
        before += len(key) + 4
    kind = item.__class__
    if kind is str:
        return before + 2 + len(item)
    if kind is int and not -_SIZE < item < _SIZE:
        return before + item.bit_length() * 3 // 10  # type: ignore[no-any-return]
    return before + 1


def _json_list(
    value: Value, stack: list[tuple[Value, Any, Any, int]], depth: int, meter: Meter | None
) -> Any:
    items = []
    dotted = value.__class__ is Pair and value.size < 0
    while value.__class__ is Pair and not dotted:
        items.append(value.car)
        value = value.cdr
    if dotted:
        made: Any = {"car": None, "cdr": None}
        stack.extend([(value.cdr, made, "cdr", depth), (value.car, made, "car", depth)])
        count = 2
    else:
        items.extend(value or ())
        made = [None] * len(items)
        stack.extend([(item, made, index, depth) for index, item in enumerate(items)])
        count = len(items)
    if meter is not None:
        meter.charge(2 + 2 * count)
        meter.allocate(64 + 8 * count)
    return made


def from_json(data: Any) -> Value:
    """JSON data as a value: it is one already, and nobody may change it from now on."""
    return data
