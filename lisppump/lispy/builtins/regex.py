"""Regular expressions in linear time (RE2): no backtracking, so no pattern can be slow beyond its size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import room, string
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

LONGEST = 1000  # characters of a pattern
MEMORY = 1 << 20  # bytes a compiled pattern may take
FRESH, KEPT = 120, 64  # what compiling a pattern costs; how many of a run are remembered
LIGHT = 250  # parts of a pattern, repeated ones counted as often, that compiling is not charged for
EACH = 30  # what each of all matches in a text costs beside what is said of it
SHORT, FAR = 8192, 6  # characters of a text that is searched again for nothing; 2^FAR others take a step
PARTS = re.compile(
    r"\\[pP](?:\{[^}]*\}|.)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{([0-9]{1,4})(?:,([0-9]{0,4}))?\}|.", re.DOTALL
)
COST = "length x (1 + pattern length / 16), 4 a part of a large pattern, 120 for one new to the run"


@lru_cache(maxsize=256)
def _weight(pattern: str) -> int:
    """How many parts a pattern has once what it repeats is written out: what compiling it takes grows so."""
    around: list[int] = []
    total = last = 0
    for match in PARTS.finditer(pattern):
        part, least, most = match[0], match[1], match[2]
        if part == "(":
            around.append(total)
            total = last = 0
        elif part == ")":
            last, outer = total, around.pop() if around else 0
            total += outer
        elif least is not None:
            times = max(int(least), int(most or 0), 1)
            total += last * (times - 1)
            last *= times
        else:
            last = 200 if "\\p" in part.lower() else 4 if part == "." or part.startswith("[^") else 1
            total += last
        if total > 1 << 20:
            return 1 << 20
    return total + sum(around)


@lru_cache(maxsize=256)
def _looks_far(pattern: str) -> bool:
    """Whether a search may go on far behind a match, in hope of a longer one.

    That takes a choice, or a group that may be left out or come again, and something without end in it.
    """
    bare = "".join(["x" if len(part := match[0]) > 1 and part[0] in "\\[" else part
                    for match in PARTS.finditer(pattern)])  # fmt: skip
    chooses = "|" in bare or re.search(r"\)[?*+{]", bare) is not None
    return "\\Q" in pattern or (chooses and re.search(r"[*+{]", bare) is not None)


@lru_cache(maxsize=KEPT)
def _compiled(pattern: str) -> Any:
    """The compiled pattern, or None if it is none."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


def _ready(run: Run, name: str, pattern: Value, text: Value) -> Any:
    """A compiled pattern, the text's cost charged."""
    string(name, pattern)
    string(name, text, 2)
    if len(pattern) > LONGEST:
        raise LispyError(
            "bad-value", f"{name} wants a pattern of at most {LONGEST:,} characters, got {len(pattern):,}"
        )
    run.meter.charge((1 + len(text)) * (1 + (len(pattern) >> 4)))
    weight = _weight(pattern)
    if weight > LIGHT:
        run.meter.charge(4 * weight)
    known = run.meter.patterns
    if pattern not in known:
        run.meter.charge(FRESH)
        if len(known) == KEPT:
            known.clear()
        known.add(pattern)
    compiled = _compiled(pattern)
    if compiled is None:
        raise LispyError(
            "bad-value", f"{name} got a pattern that is not a regular expression, or a too large one",
            help="RE2 syntax: no look-around, no back-references, repetition up to 1,000",
        )  # fmt: skip
    return compiled


def _matches(run: Run, compiled: Any, text: str, steps: int) -> Iterator[Any]:
    """All matches in a text, at so many steps each and EACH; at more where a search looks far."""
    far = len(text) > SHORT and _looks_far(compiled.pattern)
    for match in compiled.finditer(text):
        run.meter.charge(steps + EACH + ((len(text) - match.end()) >> FAR if far else 0))
        yield match


def _groups(match: Any) -> list[Value]:
    return [match.group(0), *[False if group is None else group for group in match.groups()]]


@builtin("regex-match", "(regex-match pattern text)",
         "The first match and its groups as a list (#f for a group not taken), or #f.",
         example="(regex-match \"(\\\\d+)-(\\\\d+)\" \"a 10-20\") ;=> (\"10-20\" \"10\" \"20\")",
         cost=f"30 + {COST}",
         aliases=("regexp-match", "re-match", "regex-search"))  # fmt: skip
def regex_match(run: Run, pattern: Value, text: Value) -> Value:
    run.meter.charge(30)
    match = _ready(run, "regex-match", pattern, text).search(text)
    return False if match is None else _groups(match)


@builtin("regex-match?", "(regex-match? pattern text)",
         "True when the pattern matches somewhere in the text.",
         example="(regex-match? \"^a+$\" \"aaa\") ;=> #t", cost=f"24 + {COST}", aliases=("regexp-match?",
                  "string-match-p"))  # fmt: skip
def is_regex_match(run: Run, pattern: Value, text: Value) -> Value:
    run.meter.charge(24)
    return _ready(run, "regex-match?", pattern, text).search(text) is not None


@builtin("regex-match-all", "(regex-match-all pattern text)",
         "All matches: texts, or lists of match and groups if the pattern has groups.",
         example="(regex-match-all \"[0-9]+\" \"a1 b22\") ;=> (\"1\" \"22\")", cost=f"24 + {COST}",
         aliases=("regex-find-all", "regexp-match*", "re-find-all", "re-seq"))  # fmt: skip
def regex_match_all(run: Run, pattern: Value, text: Value) -> Value:
    run.meter.charge(24)
    compiled = _ready(run, "regex-match-all", pattern, text)
    out: list[Value] = []
    for match in _matches(run, compiled, text, 1):
        out.append(_groups(match) if compiled.groups else match.group(0))
        if len(out) > run.limits.elements:
            break
    room(run, len(out))
    run.meter.allocate(64 * len(out))
    return out


@builtin("regex-replace", "(regex-replace pattern text new)",
         "The text with every match replaced by a text, taken as it is.",
         example="(regex-replace \"[0-9]+\" \"a1 b22\" \"#\") ;=> \"a# b#\"", cost=f"30 + {COST}",
         aliases=("regexp-replace*", "regex-replace-all"))  # fmt: skip
def regex_replace(run: Run, pattern: Value, text: Value, new: Value) -> Value:
    run.meter.charge(30)
    string("regex-replace", new, 3)
    parts: list[str] = []
    size = end = 0
    for match in _matches(run, _ready(run, "regex-replace", pattern, text), text, 1):
        parts.extend((text[end : match.start()], new))
        size += match.start() - end + len(new)
        if size > run.limits.string:
            run.meter.text(size)
        end = match.end()
    if not end:
        _in_order(run, "regex-replace", pattern, text, new)
    parts.append(text[end:])
    run.meter.text(size + len(text) - end)
    return "".join(parts)


def _in_order(run: Run, name: str, pattern: str, text: str, new: str) -> None:
    """Refuse a call that finds nothing, but would have the other way round."""
    if len(new) > len(text) > 0 and _ready(run, name, pattern, new).search(new) is not None:
        raise LispyError(
            "ambiguous", f"{name} finds nothing in its 2nd argument, but in its 3rd: which is the text?",
            help=f"the order is ({name} pattern text new)",
        )  # fmt: skip


@builtin("regex-replace-first", "(regex-replace-first pattern text new)",
         "The text with the first match replaced by a text, taken as it is.",
         example="(regex-replace-first \"[0-9]+\" \"a1 b22\" \"#\") ;=> \"a# b22\"", cost=f"30 + {COST}",
         aliases=("regexp-replace",))  # fmt: skip
def regex_replace_first(run: Run, pattern: Value, text: Value, new: Value) -> Value:
    run.meter.charge(30)
    string("regex-replace-first", new, 3)
    match = _ready(run, "regex-replace-first", pattern, text).search(text)
    if match is None:
        _in_order(run, "regex-replace-first", pattern, text, new)
        return text
    run.meter.text(len(text) - (match.end() - match.start()) + len(new))
    return f"{text[: match.start()]}{new}{text[match.end() :]}"


@builtin("regex-quote", "(regex-quote text)", "A pattern that matches just this text.",
         example="(regex-quote \"a.b\") ;=> \"a\\\\.b\"", cost="length / 8",
         aliases=("regexp-quote",))  # fmt: skip
def regex_quote(run: Run, text: Value) -> Value:
    run.meter.text(2 * len(string("regex-quote", text)))
    return "".join([mark if mark.isalnum() or mark in "_ " else f"\\{mark}" for mark in text])


@builtin("regex-split", "(regex-split pattern text)", "The parts of the text between the matches.",
         example="(regex-split \", *\" \"a,b, c\") ;=> (\"a\" \"b\" \"c\")", cost=f"30 + 4 a match + {COST}",
         aliases=("regexp-split",))  # fmt: skip
def regex_split(run: Run, pattern: Value, text: Value) -> Value:
    run.meter.charge(30)
    parts: list[str] = []
    end = 0
    for match in _matches(run, _ready(run, "regex-split", pattern, text), text, 4):
        if match.end() > match.start():
            parts.append(text[end : match.start()])
            end = match.end()
    parts.append(text[end:])
    room(run, len(parts))
    return parts
