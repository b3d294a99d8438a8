"""Writes programs by the grammar of LisPy: most of them run, some go wrong in a way that a person's do.

A choice is all that it asks for: from dice, or from bytes that somebody else makes up.
"""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Protocol

from lisppump.lispy import library
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS
from tests.lispy.test_error_fuzz import PIECES, VALUES

DEPTH = 5
KINDS = ("number", "text", "list", "dict", "truth", "function", "any")
LITERALS = {
    "number": ("0", "1", "2", "-3", "7", "2.5", "-0.0", "1/2", "1e308", "(expt 2 200)", "100"),
    "text": ('""', '"a"', '"abc def"', '"é\\n"', '"1,2,3"', '"[1, {\\"a\\": null}]"', '"(+ 1 2)"', "#\\x"),
    "list": ("'()", "'(1 2 3)", "(list 1 2.5 \"a\")", "'(c (b) a)", "(range 5)", "'((a 1) (b 2))", "#(1 2)"),
    "dict": ("{}", '{"a" 1}', '{:n 1 :l (list 1 2)}', '(dict "a" {"b" nil})', "(make-dict \"k\" 'v)"),
    "truth": ("#t", "#f", "nil"),
    "function": ("+", "car", "list", "string", "(lambda (x) x)", "identity", "(constantly 1)"),
}
MAKERS = {  # what gives a kind, of which kinds
    "number": (
        "(+ number number)", "(- number number)", "(* number number)",
        "(try (quotient number number) (catch e same))", "(max number number)", "(length list)",
        "(string-length text)", "(abs number)", "(try (sum list) (catch e same))",
        "(try (reduce + 0 (map (lambda (each) number) list)) (catch e same))",
        "(try (mod number number) (catch e same))", "(try (clamp number number number) (catch e same))",
        "(index-of list any)", "(count (lambda (each) truth) list)",
        "(try (/ number number) (catch e same))", "(floor number)",
    ),
    "text": (
        "(string-append text text)", "(string any any)", "(string-upcase text)",
        "(try (substring text 0 number) (catch e same))", "(join list text)", "(write-string any)",
        "(json-encode any)", "(format \"~a {}\" any any)",
        "(try (string-repeat text number) (catch e same))", "(string-replace text text text)",
        "(number->string number)", "(symbol->string 'sym)", "(type-of any)",
    ),
    "list": (
        "(list any any)", "(cons any list)", "(try (map function list) (catch e same))",
        "(filter (lambda (each) truth) list)", "(append list list)", "(reverse list)",
        "(try (sort list) (catch e same))", "(try (take list number) (catch e same))", "(keys dict)",
        "(values dict)", "(try (split text text) (catch e same))", "(sort-by (lambda (each) number) list)",
        "(try (range number) (catch e same))", "(map (lambda (each) any) list)", "(unique list)",
        "(string->list text)", "(try (zip list list) (catch e same))", "(flatten list)",
        "(take-while (lambda (each) truth) list)", "`(1 ,any ,@list)",
        "(let loop ((i 0) (found '())) (if (> i 4) found (loop (+ i 1) (cons any found))))",
    ),
    "dict": (
        "(dict-set dict text any)", "(merge dict dict)", "(dict text any)",
        "(try (group-by function list) (catch e same))", "(frequencies list)",
        "(try (update dict \"a\" function) (catch e same))", "(dict-map (lambda (k v) any) dict)",
        "(try (json-parse (json-encode dict)) (catch e same))", "(try any (catch e e))",
        "(simulation :initial-state dict :step (lambda (state tick) (dict-set state \"t\" any)) "
        ":max-ticks 3 :observables '(t))",
    ),
    "truth": (
        "(= any any)", "(equal? any any)", "(< number number)", "(not any)", "(null? list)",
        "(and truth any)", "(or truth any)", "(member? any list)",
        "(try (any? function list) (catch e same))", "(string-contains? text text)", "(has-key? dict text)",
        "(even? number)", "(list? any)",
    ),
    "function": (
        "(lambda (each) any)", "(lambda rest any)", "(lambda (each . rest) any)",
        "(compose function function)", "(partial function any)", "(if truth function function)",
        "(complement function)",
    ),
}  # fmt: skip
SHAPES = (  # what gives whatever is asked for
    "(if truth same same)", "(cond (truth same) (else same))", "(begin any same)", "(let ((x any)) same)",
    "(let* ((x any) (y any)) same)", "(when #t same)", "((lambda (x) same) any)", "(try same (catch e same))",
    "(case number ((1 2) same) (else same))", "(-> any (list any) ((lambda (it) same)))", "(eval 'same)",
    "(let loop ((i 0)) (if (< i 3) (begin any (loop (+ i 1))) same))", "(identity same)", "(or #f same)",
    "(apply (lambda rest same) list)", "(let ((f (lambda (n) same))) (f number))", "(unless #f same)",
    "(begin (set! shared any) same)", "(do ((i 0 (+ i 1))) ((= i 2) same) any)", "(first (list same))",
    "(dotimes (i 2) any)", "(begin (display any) same)", "(get dict \"a\" same)", "(assert same)",
    "(begin (define (inner n) (if (> n 3) same (inner (+ n 1)))) (inner 0))", "(guard (e (#t same)) any)",
)  # fmt: skip
TOPS = (
    "(define shared number)", "(define (f1 x) any)", "(define (f2 x . rest) any)",
    "(define (f1 n) (if (and (number? n) (< 0 n 9)) (begin any (f1 (- n 1))) any))",
    "(define-macro (m1 x . more) `(list ,x any))", "(define-macro (m1 x . more) (list 'if x y y))",
    "(try (f1 number) (catch e 1))", "(try (f2 any any any) (catch e 1))", "(m1 any)", "(m1 truth any)",
    "(for-each (lambda (x) (try (f1 x) (catch e 1))) list)", "(define f1 function)", "(set! shared any)",
    "(try (map f1 list) (catch e 1))", "(write any)", "(defun f2 (a &optional b) any)",
)  # fmt: skip
WORD = re.compile("|".join(rf"(?<![\w'-]){kind}(?![\w?!-])" for kind in (*KINDS, "same")))
NAMES = {
    "x": "number", "y": "text", "each": "any", "shared": "any", "rest": "list", "i": "number", "e": "dict",
    "f1": "function",
}  # fmt: skip
MEANT = {  # what a usage calls its operands, and what is meant by it
    "list": "list", "lists": "list", "items": "list", "xs": "list", "n": "number", "number": "number",
    "x": "any", "i": "number", "k": "text", "key": "text", "text": "text", "s": "text", "string": "text",
    "d": "dict", "dict": "dict", "f": "function", "function": "function", "predicate": "function",
}  # fmt: skip
GIVEN = (
    "(define x 1) (define y \"a\") (define each '(1 2)) (define shared 2.5) (define rest '(3 \"b\"))",
    "(define i 3) (define e {\"a\" 1}) (define (f1 x) x) (define (f2 . rest) rest)",
    "(define-macro (m1 x . more) `(list ,x))",
)


class Choices(Protocol):
    """Where choices come from."""

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""


class Dice:
    """Choices by a seed."""

    def __init__(self, *seed: int) -> None:
        self._random = random.Random(":".join(map(str, seed)))

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        return self._random.randrange(count)


class Bytes:
    """Choices by bytes; where they end, always the first, which is the simplest."""

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        return next(self._left, 0) % count


@cache
def calls(forms: bool) -> tuple[str, ...]:
    """Every builtin and definition of the library, with forms or not, and operands of the kinds it names."""
    tables = {**load(), **(FORMS if forms else {})}
    found = []
    for name in sorted({*(spec.name for spec in tables.values()), *library.names()}):
        words = tables[name].usage.strip("()").split(" ")[1:] if name in tables else ["x", "y"]
        kinds = [MEANT.get(word.strip("[]()."), "any") for word in words[:4]]
        found.append(f"({' '.join([name, *kinds])})")
    return tuple(found)


class Writer:
    """Writes one program."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._left = 120  # expressions, so that no program is endless
        self._wild = False  # whether it may break the rules of forms

    def program(self) -> str:
        """Some forms, behind what gives the names that they use a meaning."""
        self._wild = self._choices.below(6) == 5
        forms = list(GIVEN)
        for _ in range(1 + self._choices.below(4)):
            forms.append(self._filled(self._one(TOPS), DEPTH - 1, "any"))
        forms.append(self._expression("any", DEPTH))
        return "\n".join(forms)

    def _one(self, many: tuple[str, ...]) -> str:
        return many[self._choices.below(len(many))]

    def _expression(self, kind: str, depth: int) -> str:
        self._left -= 1
        if kind == "any":
            kind = self._one(KINDS[:-1])
        if depth <= 0 or self._left < 0:
            return self._plain(kind)
        way = self._choices.below(24)
        if way < 9:
            return self._filled(self._one(MAKERS[kind]), depth - 1, kind)
        if way < 14:
            return self._filled(self._one(SHAPES), depth - 1, kind)
        if way < 19:
            return self._plain(kind)
        if way < 22 or not self._wild:
            call = self._one(calls(self._wild))
            return self._filled(call if self._wild else f"(try {call} (catch e same))", depth - 1, kind)
        if way == 22:
            return self._one(VALUES)
        return self._filled(f"({self._one(tuple(sorted(FORMS)))} {self._one(PIECES)} same)", depth - 1, kind)

    def _plain(self, kind: str) -> str:
        way = self._choices.below(40)
        if way == 39:
            return self._one(tuple(NAMES))  # of whatever kind
        named = tuple(name for name, meant in NAMES.items() if meant == kind)
        return self._one(named) if named and way > 20 else self._one(LITERALS[kind])

    def _filled(self, template: str, depth: int, kind: str) -> str:
        """A template with an expression in the place of every kind."""

        def written(found: re.Match[str]) -> str:
            return self._expression(kind if found[0] == "same" else found[0], depth)

        return WORD.sub(written, template)


def program_of(choices: Choices) -> str:
    """A program."""
    return Writer(choices).program()
