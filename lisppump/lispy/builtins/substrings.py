"""Parts of texts and walks over their characters, in the ways of Scheme's and Emacs' string libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import call, count, string, watched, wrong
from lisppump.lispy.builtins.text import LINEAR, joined
from lisppump.lispy.errors import LispyError, figure
from lisppump.lispy.printer import display_text
from lisppump.lispy.values import Keyword, Procedure, Symbol, Value, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

EACH = "length, and the calls"


def _part(name: str, doc: str, shown: str, cut: Callable[[str, int], str], aliases: tuple[str, ...]) -> None:
    def part(run: Run, value: Value, size: Value) -> Value:
        text = string(name, value)
        whole = min(count(name, size, 2), len(text))
        run.meter.text(len(text))
        return cut(text, whole)

    builtin(name, f"({name} text n)", doc, example=f"({name} \"hello\" 2) ;=> \"{shown}\"", cost=LINEAR,
            aliases=aliases)(part)  # fmt: skip


_part("string-take", "The first n characters, or all there are.", "he", lambda text, n: text[:n],
      ("string-head", "string-left"))  # fmt: skip
_part("string-drop", "The text without its first n characters.", "llo", lambda text, n: text[n:],
      ("string-tail",))  # fmt: skip
_part("string-take-right", "The last n characters, or all there are.", "lo",
      lambda text, n: text[len(text) - n :], ("string-right",))  # fmt: skip
_part("string-drop-right", "The text without its last n characters.", "hel",
      lambda text, n: text[: len(text) - n], ())  # fmt: skip


@builtin("string-search-forward", "(string-search-forward part text [start])",
         "Where the part, given first, stands in the text, or #f.",
         example="(string-search-forward \"l\" \"hello\" 0) ;=> 2", cost=LINEAR,
         aliases=("string-search",))  # fmt: skip
def string_search_forward(run: Run, part: Value, value: Value, start: Value = 0) -> Value:
    string("string-search-forward", part)
    text = string("string-search-forward", value, 2)
    run.meter.charge(len(text) >> 4)
    position = text.find(part, count("string-search-forward", start, 3))
    return False if position < 0 else position


@builtin("string-titlecase", "(string-titlecase text)", "The text with a capital at the start of each word.",
         example="(string-titlecase \"a bc\") ;=> \"A Bc\"", cost="3 x length / 16",
         aliases=("title-case",))  # fmt: skip
def string_titlecase(run: Run, value: Value) -> Value:
    run.meter.text(3 * len(string("string-titlecase", value)))
    return value.title()


def _characters(run: Run, name: str, first: Value, second: Value) -> tuple[Callable[..., Value], str]:
    """A procedure and the text it is called over, given in any order."""
    procedure, text = (first, second) if isinstance(first, Procedure) else (second, first)
    function = call(run, name, procedure, count=1)
    run.meter.charge(len(string(name, text, 2 if procedure is first else 1)))
    return function, text


@builtin("string-for-each", "(string-for-each f text)", "Calls f for each character; gives nil.",
         example="(string-for-each display \"ab\") ;=> nil", cost=f"4 + {EACH}")  # fmt: skip
def string_for_each(run: Run, first: Value, second: Value) -> Value:
    run.meter.charge(4)
    function, text = _characters(run, "string-for-each", first, second)
    for character in watched(run, text):
        function(character)


@builtin("string-map", "(string-map f text)", "The text of what f gives for each character.",
         example="(string-map char-upcase \"ab\") ;=> \"AB\"", cost=f"4 + {EACH}")  # fmt: skip
def string_map(run: Run, first: Value, second: Value) -> Value:
    run.meter.charge(4)
    function, text = _characters(run, "string-map", first, second)
    parts = [function(character) for character in watched(run, text)]
    for part in parts:
        if part.__class__ is not str:
            raise wrong("string-map", "a procedure that gives characters", part)
    return joined(run, "", parts)


@builtin("string-filter", "(string-filter f text)", "The characters for which f is true.",
         example="(string-filter char-alphabetic? \"a1b\") ;=> \"ab\"", cost=f"4 + {EACH}")  # fmt: skip
def string_filter(run: Run, first: Value, second: Value) -> Value:
    run.meter.charge(4)
    function, text = _characters(run, "string-filter", first, second)
    return joined(run, "", [character for character in watched(run, text) if is_true(function(character))])


@builtin("string-any", "(string-any f text)", "The first true result of f for a character, or #f.",
         example="(string-any char-numeric? \"a1\") ;=> #t", cost=f"4 + {EACH}")  # fmt: skip
def string_any(run: Run, first: Value, second: Value) -> Value:
    run.meter.charge(4)
    function, text = _characters(run, "string-any", first, second)
    for character in watched(run, text):
        result = function(character)
        if is_true(result):
            return result
    return False


@builtin("string-every", "(string-every f text)",
         "The last result of f if it is true for all characters, else #f.",
         example="(string-every char-numeric? \"a1\") ;=> #f", cost=f"4 + {EACH}")  # fmt: skip
def string_every(run: Run, first: Value, second: Value) -> Value:
    run.meter.charge(4)
    function, text = _characters(run, "string-every", first, second)
    result: Value = True
    for character in watched(run, text):
        result = function(character)
        if not is_true(result):
            return False
    return result


@builtin("mapconcat", "(mapconcat f list [separator])",
         "The texts that f gives for each element, with a separator between them.",
         example="(mapconcat number->string '(1 2) \"-\") ;=> \"1-2\"",
         cost="15 + n, the calls, length / 16")  # fmt: skip
def mapconcat(run: Run, procedure: Value, value: Value, separator: Value = "") -> Value:
    run.meter.charge(15)
    from lisppump.lispy.builtins.sequences import map_
    from lisppump.lispy.builtins.text import string_join, string_to_list

    call(run, "mapconcat", procedure)
    items = string_to_list(run, value) if value.__class__ is str else value
    return string_join(run, map_(run, procedure, items), string("mapconcat", separator, 3))


@builtin("symbol-append", "(symbol-append name ...)", "The symbol of all the names together.",
         example="(symbol-append 'a 'b) ;=> ab", cost=f"8 + {LINEAR}")  # fmt: skip
def symbol_append(run: Run, *values: Value) -> Value:
    run.meter.charge(8)
    for place, value in enumerate(values, 1):
        if value.__class__ is not Symbol and value.__class__ is not Keyword:
            raise wrong("symbol-append", "symbols", value, place)
    if not values:
        raise LispyError("wrong-arity", "symbol-append takes at least 1 argument, got 0")
    return Symbol(joined(run, "", [value.name for value in values]))


@builtin("~a", "(~a x ...)", "The text of all arguments, as display shows them.",
         example="(~a \"n = \" 5) ;=> \"n = 5\"", cost=LINEAR)  # fmt: skip
def shown(run: Run, *values: Value) -> Value:
    return joined(run, "", [display_text(run, value) for value in values])


@builtin("string-insert", "(string-insert text n part)", "The text with a part put in at a position.",
         example="(string-insert \"ac\" 1 \"b\") ;=> \"abc\"", cost=f"3 + {LINEAR}")  # fmt: skip
def string_insert(run: Run, value: Value, position: Value, part: Value) -> Value:
    run.meter.charge(3)
    text = string("string-insert", value)
    place = count("string-insert", position, 2)
    if place > len(text):
        raise LispyError(
            "out-of-range",
            f"string-insert wants a position from 0 to {len(text)}, got {figure(place)}",
        )
    return joined(run, "", [text[:place], string("string-insert", part, 3), text[place:]])
