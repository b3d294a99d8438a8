"""Text: joining, cutting, searching and changing strings. A character is a string of length one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import (
    count,
    integer,
    is_number,
    room,
    string,
    string_help,
    walk,
    wrong,
)  # fmt: skip
from lisppump.lispy.builtins.compare import LONG
from lisppump.lispy.builtins.trimming import without
from lisppump.lispy.errors import LispyError, figure
from lisppump.lispy.printer import display_text
from lisppump.lispy.values import Keyword, Symbol, Value, is_list

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

LINEAR = "length / 16"
STRINGS = frozenset((str,))
SHORT = 4096  # characters up to which texts are put together before they are charged for


def joined(run: Run, separator: str, parts: list[str]) -> str:
    """Texts put together; the length is checked before."""
    run.meter.text(sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1))
    return separator.join(parts)


@builtin("string-append", "(string-append text ...)", "The texts one after the other.",
         example="(string-append \"ab\" \"cd\") ;=> \"abcd\"", cost=LINEAR)  # fmt: skip
def string_append(run: Run, left: Value = "", right: Value = "", *others: Value) -> Value:
    if not others and left.__class__ is str and right.__class__ is str:
        meter = run.meter
        size = len(left) + len(right)
        if size <= meter.limits.string:
            meter.steps += size >> 4
            if meter.steps > meter.next_look:
                meter.look()
            meter.allocated += size
            if meter.allocated > meter.limits.allocation:
                meter.allocate(0)
            return left + right
    values = left, right, *others
    try:
        size = sum(map(len, values))
        if size <= SHORT:
            text = "".join(values)
            run.meter.steps += len(values) >> 3
            run.meter.text(size)
            return text
    except TypeError:  # not all of them are texts
        pass
    if not STRINGS.issuperset(map(type, values)):
        for place, value in enumerate(values, 1):
            if value.__class__ is not str:
                raise wrong("string-append", "strings", value, place,
                            string_help(value) or "(concat x ...) takes values of any type")  # fmt: skip
    run.meter.charge(len(values) >> 3)
    return joined(run, "", list(values))


@builtin("concat", "(concat x ...)",
         "Lists give one list; anything else is put together as text, as display shows it.",
         example="(concat \"n = \" 5) ;=> \"n = 5\"", cost="4 + elements or length / 16")  # fmt: skip
def concat(run: Run, *values: Value) -> Value:
    run.meter.charge(4)
    if values and is_list(values[0]) and all(map(is_list, values)):
        from lisppump.lispy.builtins.joining import append

        return append(run, *values)
    return string_(run, *values)


@builtin("string", "(string x ...)", "The text of all arguments, as display shows them.",
         example="(string 1 \" \" 'a) ;=> \"1 a\"", cost=LINEAR, aliases=("str",))  # fmt: skip
def string_(run: Run, *values: Value) -> Value:
    parts = []
    size = 0
    for value in values:
        if value.__class__ is not str:
            value = display_text(run, value)
        size += len(value)
        parts.append(value)
    run.meter.text(size)
    return "".join(parts)


@builtin("->string", "(->string x)", "The text of a value, as display shows it.",
         example="(->string '(1 2)) ;=> \"(1 2)\"", cost=f"6 + {LINEAR}",
         aliases=("to-string", "display->string", "value->string", "princ-to-string"))  # fmt: skip
def to_string(run: Run, value: Value) -> Value:
    run.meter.charge(6)
    return display_text(run, value)


@builtin("string-length", "(string-length text)", "How many characters.",
         example="(string-length \"abc\") ;=> 3", aliases=("string-count-chars",))  # fmt: skip
def string_length(run: Run, value: Value) -> Value:
    return len(value) if value.__class__ is str else len(string("string-length", value))


@builtin("substring", "(substring text start [end])",
         "The characters from start up to, not with, end; end is cut.",
         example="(substring \"hello\" 1 3) ;=> \"el\"", cost=LINEAR,
         aliases=("subs", "string-slice", "string-copy"))  # fmt: skip
def substring(run: Run, value: Value, start: Value, end: Value = None) -> Value:
    if value.__class__ is str and start.__class__ is int and start >= 0:
        stop = len(value) if end is None else end
        if stop.__class__ is int and start <= stop <= len(value):
            meter = run.meter
            size = stop - start
            if size > meter.limits.string:
                meter.text(size)
            meter.steps += size >> 4
            if meter.steps > meter.next_look:
                meter.look()
            meter.allocated += size
            if meter.allocated > meter.limits.allocation:
                meter.allocate(0)
            return value[start:stop]
    string("substring", value)
    low = count("substring", start, 2)
    high = len(value) if end is None else min(len(value), count("substring", end, 3))
    if low > len(value) or (end is not None and high < low):
        raise LispyError(
            "out-of-range",
            f"substring wants a start from 0 to {len(value)}, the text's length, got {figure(low)}"
            if low > len(value)
            else f"substring wants an end not before its start, got {figure(low)} to {figure(high)}",
        )
    run.meter.text(high - low)
    return value[low:high]


@builtin("string-ref", "(string-ref text n)", "The character at a position, counted from 0.",
         example="(string-ref \"abc\" 1) ;=> \"b\"", aliases=("char-at", "string-nth"))  # fmt: skip
def string_ref(run: Run, value: Value, position: Value) -> Value:
    if value.__class__ is str and position.__class__ is int and 0 <= position < len(value):
        return value[position]
    string("string-ref", value)
    place = integer("string-ref", position, 2)
    if not 0 <= place < len(value):
        raise LispyError("out-of-range", f"string-ref wants a position from 0 below {len(value)}")
    return value[place]


def _taken(run: Run, parts: list[str], size: int) -> list[str]:
    room(run, len(parts))
    run.meter.allocate(size)
    return parts


@builtin("string-split", "(string-split text [separator])",
         "The parts between separators; without one, the words.",
         example="(string-split \"a,b\" \",\") ;=> (\"a\" \"b\")", cost="length / 16 + parts",
         aliases=("split", "split-string", "str/split"))  # fmt: skip
def string_split(run: Run, value: Value, separator: Value = None) -> Value:
    if value.__class__ is not str:
        string("string-split", value)
    run.meter.charge(len(value) >> 4)
    if separator is None:
        run.meter.charge(len(value) >> 2)
        words = value.split()
        return _taken(run, words, len("".join(words)))
    if separator.__class__ is not str:
        string("string-split", separator, 2)
    if not separator:
        raise LispyError("bad-value", "string-split wants a separator that is not empty",
                         help="(string->list text) gives the characters")  # fmt: skip
    if value in separator and _parts_words(value, separator):
        raise LispyError("ambiguous", "string-split finds its 1st argument between words of its 2nd: "
                         "which is the text?", help="the order is (string-split text separator)")  # fmt: skip
    parts = value.count(separator) + 1
    run.meter.charge(parts)
    return _taken(run, value.split(separator), len(value) - len(separator) * (parts - 1))


def _parts_words(mark: str, text: str) -> bool:
    """True where a mark without letter or digit has some on either side in a text, as a separator has."""
    if not mark or any(map(str.isalnum, mark)):
        return False
    first, *_, last = text.split(mark)
    return any(map(str.isalnum, first)) and any(map(str.isalnum, last))


@builtin("words", "(words text)", "The words, as white space parts them.",
         example="(words \" a  b \") ;=> (\"a\" \"b\")", cost="length / 4",
         aliases=("string-tokenize",))  # fmt: skip
def words(run: Run, value: Value) -> Value:
    return string_split(run, string("words", value))


@builtin("lines", "(lines text)", "The lines, without their ends.",
         example="(lines \"a\\nb\\n\") ;=> (\"a\" \"b\")", cost="length / 4", aliases=("str/split-lines",
                  "string-lines"))  # fmt: skip
def lines(run: Run, value: Value) -> Value:
    string("lines", value)
    run.meter.charge(len(value) >> 2)
    text = value.replace("\r\n", "\n")
    parts = text.split("\n")
    return _taken(run, parts[:-1] if parts[-1] == "" else parts, len(text) - len(parts) + 1)


@builtin("string-join", "(string-join texts [separator])",
         "The texts of a list with a separator between them (\" \").",
         example="(string-join '(\"a\" \"b\") \", \") ;=> \"a, b\"", cost="n + length / 16",
         aliases=("join", "str/join"))  # fmt: skip
def string_join(run: Run, first: Value, second: Value = " ") -> Value:
    if first.__class__ is str and is_list(second):
        first, second = second, first
    if first.__class__ is not list and not is_list(first):
        raise wrong("string-join", "a list of strings", first, 1)
    string("string-join", second, 2)
    parts = walk(run, "string-join", first)
    try:
        size = sum(map(len, parts)) + len(second) * max(0, len(parts) - 1)
        if size <= SHORT:
            text = second.join(parts)
            run.meter.text(size)
            return text
    except TypeError:  # not all of them are texts
        pass
    if not STRINGS.issuperset(map(type, parts)):
        part = next(part for part in parts if part.__class__ is not str)
        help = string_help(part) or "(map ->string list) makes them"
        raise wrong("string-join", "a list of strings", part, 1, help)
    return joined(run, second, parts)


def _case(name: str, doc: str, sample: str, method: str, aliases: tuple[str, ...]) -> None:
    changes = {"upper": str.upper, "lower": str.lower, "capitalize": str.capitalize}
    change = changes[method]

    def cased(run: Run, value: Value) -> Value:
        if value.__class__ is not str:
            string(name, value)
        meter = run.meter
        size = 3 * len(value)  # one character may become three
        if size > meter.limits.string:
            meter.text(size)
        meter.steps += size >> 4
        if meter.steps > meter.next_look:
            meter.look()
        meter.allocated += size
        if meter.allocated > meter.limits.allocation:
            meter.allocate(0)
        return change(value)

    builtin(name, f"({name} text)", doc, example=f"({name} \"aBc\") ;=> \"{sample}\"", cost="3 x length / 16",
            aliases=aliases)(cased)  # fmt: skip


_case("string-upcase", "The text in capitals.", "ABC", "upper", ("upcase", "string-upper", "upper-case",
       "char-upcase", "uppercase", "upper", "str/upper-case"))  # fmt: skip
_case("string-downcase", "The text in small letters.", "abc", "lower", ("downcase", "string-lower",
       "lower-case", "char-downcase", "lowercase", "lower", "str/lower-case"))  # fmt: skip
_case("string-capitalize", "The text with a capital first and small letters after it.", "Abc", "capitalize",
      ("capitalize", "str/capitalize"))  # fmt: skip


def _trimmer(name: str, doc: str, shown: str, side: str, aliases: tuple[str, ...] = ()) -> None:
    def trimmed(run: Run, value: Value, characters: Value = None) -> Value:
        if value.__class__ is not str:
            string(name, value)
        run.meter.text(len(value))
        return without(run, value, None if characters is None else string(name, characters, 2), side)

    builtin(name, f"({name} text [characters])", doc, example=f"({name} \" a \") ;=> \"{shown}\"",
            cost=LINEAR, aliases=aliases)(trimmed)  # fmt: skip


_trimmer("string-trim", "The text without white space (or other characters) at its ends.", "a", "both",
         ("trim", "string-trim-both", "strip", "str/trim"))  # fmt: skip
_trimmer("string-trim-left", "The text without white space at its start.", "a ", "left",
         ("trim-left", "triml"))  # fmt: skip
_trimmer("string-trim-right", "The text without white space at its end.", " a", "right",
         ("trim-right", "trimr"))  # fmt: skip


@builtin("string-replace", "(string-replace text old new)", "The text with every old part replaced.",
         example="(string-replace \"a-b-c\" \"-\" \"+\") ;=> \"a+b+c\"", cost=LINEAR,
         aliases=("replace", "string-replace-all", "str/replace"))  # fmt: skip
def string_replace(run: Run, value: Value, old: Value, new: Value) -> Value:
    if value.__class__ is not str or old.__class__ is not str or new.__class__ is not str:
        string("string-replace", value)
        string("string-replace", old, 2)
        string("string-replace", new, 3)
    if not old:
        raise LispyError("bad-value", "string-replace wants an old part that is not empty")
    run.meter.charge(len(value) >> 4)
    found = value.count(old)
    run.meter.text(len(value) + found * (len(new) - len(old)))
    if not found and len(new) > len(value) > 0 and value in new:
        raise LispyError(
            "ambiguous", "string-replace finds its 1st argument in its 3rd: which is the text?",
            help="the order is (string-replace text old new)",
        )  # fmt: skip
    return value.replace(old, new)


def _find(run: Run, name: str, value: Value, part: Value, start: Value) -> int:
    if value.__class__ is not str or part.__class__ is not str:
        string(name, value)
        string(name, part, 2)
    run.meter.charge(len(value) >> 4)
    return int(value.find(part, start if start.__class__ is int and start >= 0 else count(name, start, 3)))


@builtin("string-contains?", "(string-contains? text part)", "True when the part stands in the text.",
         example="(string-contains? \"hello\" \"ell\") ;=> #t", cost=LINEAR,
         aliases=("string-includes?", "string-has?", "str-contains?", "str/includes?"))  # fmt: skip
def string_contains_p(run: Run, value: Value, part: Value) -> Value:
    if value.__class__ is str and part.__class__ is str:
        meter = run.meter
        meter.steps += len(value) >> 4
        if meter.steps > meter.next_look:
            meter.look()
        return part in value
    return _find(run, "string-contains?", value, part, 0) >= 0


@builtin("substring?", "(substring? part text)", "True when the part, given first, stands in the text.",
         example="(substring? \"ell\" \"hello\") ;=> #t", cost=LINEAR)  # fmt: skip
def is_substring(run: Run, part: Value, value: Value) -> Value:
    return _find(run, "substring?", string("substring?", value, 2), string("substring?", part), 0) >= 0


@builtin("string-index", "(string-index text part [start])",
         "Where the part first stands in the text, or #f.",
         example="(string-index \"hello\" \"l\") ;=> 2", cost=LINEAR,
         aliases=("string-find", "string-contains", "string-index-of", "str/index-of"))  # fmt: skip
def string_index(run: Run, value: Value, part: Value, start: Value = 0) -> Value:
    if value.__class__ is str and part.__class__ is str and start.__class__ is int and start >= 0:
        meter = run.meter
        meter.steps += len(value) >> 4
        if meter.steps > meter.next_look:
            meter.look()
        position = value.find(part, start)
    else:
        position = _find(run, "string-index", value, part, start)
    return False if position < 0 else position


@builtin("string-rindex", "(string-rindex text part)", "Where the part last stands in the text, or #f.",
         example="(string-rindex \"hello\" \"l\") ;=> 3", cost=LINEAR,
         aliases=("string-index-right", "last-index-of"))  # fmt: skip
def string_rindex(run: Run, value: Value, part: Value) -> Value:
    string("string-rindex", value)
    string("string-rindex", part, 2)
    run.meter.charge(len(value) >> 4)
    position = value.rfind(part)
    return False if position < 0 else position


@builtin("string-count", "(string-count text part)", "How often the part stands in the text.",
         example="(string-count \"banana\" \"an\") ;=> 2", cost=LINEAR,
         aliases=("count-substring", "count-occurrences"))  # fmt: skip
def string_count(run: Run, value: Value, part: Value) -> Value:
    string("string-count", value)
    if not string("string-count", part, 2):
        raise LispyError("bad-value", "string-count wants a part that is not empty")
    run.meter.charge(len(value) >> 4)
    return value.count(part)


@builtin("string-repeat", "(string-repeat text n)", "The text n times.",
         example="(string-repeat \"ab\" 2) ;=> \"abab\"", cost=LINEAR)  # fmt: skip
def string_repeat(run: Run, value: Value, times: Value) -> Value:
    string("string-repeat", value)
    whole = count("string-repeat", times, 2)
    run.meter.text(len(value) * whole)
    return value * whole if value else ""


@builtin("make-string", "(make-string n [character])", "A text of n times a character.", cost=LINEAR,
         example="(make-string 3 \"*\") ;=> \"***\"")  # fmt: skip
def make_string(run: Run, times: Value, character: Value = " ") -> Value:
    return string_repeat(run, string("make-string", character, 2), count("make-string", times))


def _pad(name: str, doc: str, shown: str, left: bool, aliases: tuple[str, ...]) -> None:
    def padded(run: Run, value: Value, width: Value, character: Value = " ") -> Value:
        if value.__class__ is str:
            text = value
        else:
            text = display_text(run, value) if is_number(value) else string(name, value)
        size = width if width.__class__ is int and width >= 0 else count(name, width, 2)
        if character != " " and len(string(name, character, 3)) != 1:
            raise LispyError("bad-value", f"{name} wants one character as its 3rd argument")
        run.meter.text(max(size, len(text)))
        return text.rjust(size, character) if left else text.ljust(size, character)

    builtin(name, f"({name} text width [character])", doc, example=f"({name} \"ab\" 4) ;=> \"{shown}\"",
            cost=LINEAR, aliases=aliases)(padded)  # fmt: skip


_pad("string-pad-left", "The text with spaces in front up to a width.", "  ab", True,
     ("string-pad", "pad-left"))  # fmt: skip
_pad("string-pad-right", "The text with spaces behind it up to a width.", "ab  ", False, ("pad-right",))


@builtin("string-prefix?", "(string-prefix? prefix text)", "True when the text starts with the prefix.",
         example="(string-prefix? \"he\" \"hello\") ;=> #t")  # fmt: skip
def is_prefix(run: Run, prefix: Value, value: Value) -> Value:
    if value.__class__ is str and prefix.__class__ is str:
        if len(prefix) >= LONG:
            run.meter.charge(len(prefix) >> 10)
        return value.startswith(prefix)
    return string("string-prefix?", value, 2).startswith(string("string-prefix?", prefix))


@builtin("string-suffix?", "(string-suffix? suffix text)", "True when the text ends with the suffix.",
         example="(string-suffix? \"lo\" \"hello\") ;=> #t")  # fmt: skip
def is_suffix(run: Run, suffix: Value, value: Value) -> Value:
    if value.__class__ is str and suffix.__class__ is str:
        if len(suffix) >= LONG:
            run.meter.charge(len(suffix) >> 10)
        return value.endswith(suffix)
    return string("string-suffix?", value, 2).endswith(string("string-suffix?", suffix))


@builtin("starts-with?", "(starts-with? text prefix)",
         "True when the text, given first, starts with the prefix.",
         example="(starts-with? \"hello\" \"he\") ;=> #t", aliases=("string-starts-with?",
                  "str/starts-with?"))  # fmt: skip
def starts_with(run: Run, value: Value, prefix: Value) -> Value:
    if value.__class__ is str and prefix.__class__ is str:
        if len(prefix) >= LONG:
            run.meter.charge(len(prefix) >> 10)
        return value.startswith(prefix)
    return string("starts-with?", value).startswith(string("starts-with?", prefix, 2))


@builtin("ends-with?", "(ends-with? text suffix)", "True when the text, given first, ends with the suffix.",
         example="(ends-with? \"hello\" \"lo\") ;=> #t", aliases=("string-ends-with?",
                  "str/ends-with?"))  # fmt: skip
def ends_with(run: Run, value: Value, suffix: Value) -> Value:
    if value.__class__ is str and suffix.__class__ is str:
        if len(suffix) >= LONG:
            run.meter.charge(len(suffix) >> 10)
        return value.endswith(suffix)
    return string("ends-with?", value).endswith(string("ends-with?", suffix, 2))


@builtin("string->list", "(string->list text)", "The characters.",
         example="(string->list \"abc\") ;=> (\"a\" \"b\" \"c\")", cost="n",
         aliases=("string-chars", "string->vector", "explode"))  # fmt: skip
def string_to_list(run: Run, value: Value) -> Value:
    if value.__class__ is not str:
        string("string->list", value)
    run.meter.container(len(value))
    return list(value)


@builtin("list->string", "(list->string texts)", "The texts of a list put together.",
         example="(list->string '(\"a\" \"bc\")) ;=> \"abc\"", cost="n + length / 16",
         aliases=("string-concatenate", "vector->string", "implode"), through=("string-join",))  # fmt: skip
def list_to_string(run: Run, value: Value) -> Value:
    return string_join(run, value, "")


@builtin("symbol->string", "(symbol->string name)", "The name of a symbol or keyword.",
         example="(symbol->string 'a) ;=> \"a\"", aliases=("keyword->string", "symbol-name"))  # fmt: skip
def symbol_to_string(run: Run, value: Value) -> Value:
    kind = value.__class__
    if kind is str:
        return value
    if kind is not Symbol and kind is not Keyword:
        raise wrong("symbol->string", "a symbol", value, 1)
    return value.name


@builtin("string->symbol", "(string->symbol text)", "The symbol of that name.",
         example="(string->symbol \"a\") ;=> a", cost=f"20 + {LINEAR}", aliases=("intern",))  # fmt: skip
def string_to_symbol(run: Run, value: Value) -> Value:
    run.meter.charge(20)
    if value.__class__ is Symbol:
        return value
    run.meter.text(len(string("string->symbol", value)))
    return Symbol(value)


@builtin("string->keyword", "(string->keyword text)", "The keyword of that name.", cost=f"20 + {LINEAR}",
         example="(string->keyword \"a\") ;=> :a")  # fmt: skip
def string_to_keyword(run: Run, value: Value) -> Value:
    run.meter.charge(20)
    if value.__class__ is Keyword:
        return value
    run.meter.text(len(string("string->keyword", value)))
    return Keyword(value)
