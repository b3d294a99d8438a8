"""`match`: the first clause whose pattern fits a value, with the pattern's names bound to its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lisppump.lispy.analyser import Analyser, rewriting, written
from lisppump.lispy.building import Maker
from lisppump.lispy.builtins.compare import same
from lisppump.lispy.builtins.lists import head_of, tail_of
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import Node, datum, key_name, shown
from lisppump.lispy.printer import cut, write_text
from lisppump.lispy.run import Run
from lisppump.lispy.values import Pair, Value, is_list, is_nil, is_true

VALUE, FOUND = "value of match", "parts found"  # names that no program can write
Found = dict[str, Value]  # the parts found so far, by name
Fits = Callable[[Value, Found, tuple[Value, ...]], bool]  # the last are procedures that patterns call


@dataclass(slots=True)
class _Pattern:
    """What the patterns of one clause are made into: names in order, procedures that they call."""

    run: Run
    names: dict[str, Node] = field(default_factory=dict)
    calls: list[Node] = field(default_factory=list)

    def fits(self, node: Node) -> Fits:
        """What tests a value against a pattern."""
        made = self._made(node)
        run = self.run

        def charged(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
            run.charge(1)
            return made(value, found, procedures)

        return charged

    def _made(self, node: Node) -> Fits:
        if node.kind == "symbol":
            return self._name(node)
        if node.kind == "dict":
            return self._dict(node)
        if node.kind == "dotted" and node.items[0].name in ("list", "vector"):
            return self._several([*node.items[1:-1]], self.fits(node.items[-1]))
        if node.kind == "list" and node.items:
            return self._form(node)
        if node.kind == "dotted":
            raise _unknown(node)
        return self._data([] if node.kind == "list" else datum(node))

    def _data(self, wanted: Value) -> Fits:
        run = self.run
        return lambda value, found, procedures: same(run, value, wanted)

    def _name(self, node: Node) -> Fits:
        if node.name == "_":
            return lambda value, found, procedures: True
        word, run = str(node.name), self.run
        self.names.setdefault(word, node)

        def bind(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
            if word in found:
                return same(run, value, found[word])
            found[word] = value
            return True

        return bind

    def _form(self, node: Node) -> Fits:
        word, rest = node.head, list(node.items[1:])
        if word == "quote" and len(rest) == 1:
            return self._data(datum(rest[0]))
        if word == "quasiquote" and len(rest) == 1:
            return self._template(rest[0])
        if word in ("list", "vector"):
            if len(rest) > 1 and rest[-1].name == "...":
                if rest[-2].kind != "symbol":
                    raise _unknown(node)
                return self._several(rest[:-2], last=rest[-2])
            return self._several(rest, self._data([]))
        if word in ("cons", "list*", "cons*", "list-rest") and len(rest) > 1:
            return self._several(rest[:-1], last=rest[-1])
        if word == "?" and rest:
            return self._test(rest[0], rest[1:])
        if word == "not" and len(rest) == 1:
            return self._not(rest[0])
        if word == "and":
            return _all([self.fits(item) for item in rest])
        if word == "or" and rest:
            return self._either(rest)
        raise _unknown(node)

    def _not(self, pattern: Node) -> Fits:
        inner, run = self.fits(pattern), self.run

        def differs(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
            run.charge(len(found) >> 4)
            return not inner(value, dict(found), procedures)

        return differs

    def _test(self, procedure: Node, rest: list[Node]) -> Fits:
        place, run = len(self.calls), self.run
        self.calls.append(procedure)

        def test(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
            return is_true(run.function(procedures[place])(value))

        return _all([test, *[self.fits(item) for item in rest]])

    def _either(self, rest: list[Node]) -> Fits:
        known = len(self.names)
        choices = [self.fits(item) for item in rest]
        if len(self.names) > known:
            raise LispyError(
                "bad-syntax", "the choices of (or ...) in a pattern bind no names", span=rest[0].span
            )

        def either(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
            held = False
            for choice in choices:  # no generator: a procedure may be called in there, and go deep
                held = held or choice(value, found, procedures)
            return held

        return either

    def _several(self, heads: list[Node], tail: Fits | None = None, last: Node | None = None) -> Fits:
        """The first elements of a list, and what follows them."""
        tests = [self.fits(item) for item in heads]
        ending = self.fits(last) if tail is None and last is not None else tail
        assert ending is not None
        return _in_turn(tests, ending)

    def _dict(self, node: Node) -> Fits:
        tests = [
            (key_name(key), self.fits(item))
            for key, item in zip(node.items[::2], node.items[1::2], strict=True)
        ]

        def entries(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
            if not isinstance(value, dict):
                return False
            for key, test in tests:
                if key not in value or not test(value[key], found, procedures):
                    return False
            return True

        return entries

    def _template(self, node: Node) -> Fits:
        """A pattern behind a backquote: data, with patterns behind commas."""
        if node.head == "unquote" and len(node.items) == 2:
            return self.fits(node.items[1])
        if node.kind == "list":
            return _in_turn([self._template(item) for item in node.items], self._data([]))
        if node.kind == "dotted":
            heads = [self._template(item) for item in node.items[:-1]]
            return _in_turn(heads, self._template(node.items[-1]))
        return self._data(datum(node))


def _in_turn(tests: list[Fits], ending: Fits) -> Fits:
    """What tests the first elements of a list, and what follows them."""

    def several(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
        for test in tests:
            if not _is_pair(value):
                return False
            if not test(head_of("match", value), found, procedures):
                return False
            value = tail_of("match", value)
        return ending(value, found, procedures)

    return several


def _is_pair(value: Value) -> bool:
    return value.__class__ is Pair or (is_list(value) and not is_nil(value))


def _all(tests: list[Fits]) -> Fits:
    def every(value: Value, found: Found, procedures: tuple[Value, ...]) -> bool:
        held = True
        for test in tests:  # no generator: a procedure may be called in there, and go deep
            held = held and test(value, found, procedures)
        return held

    return every


def _unknown(node: Node) -> LispyError:
    return LispyError(
        "bad-syntax", f"{shown(node)} is no pattern", span=node.span,
        help="write 1, name, _, 'datum, (list a b), (list a rest ...), (cons a b), (? f name) or {\"k\" p}",
    )  # fmt: skip


@rewriting("match", "(match value (pattern form ...) ...)",
           "The forms of the first clause whose pattern fits, with its names bound. Patterns: data, a "
           "name, _ for anything, (list a b), (list a rest ...), (cons a b), (? test name), (and ...), "
           "(or ...), (not p), `(a ,b), {\"k\" p}. A clause may go on with #:when test.",
           example="(match '(1 2 3) ((list a) a) ((list a rest ...) rest)) ;=> (2 3)")  # fmt: skip
def match(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 3:
        raise written(node)
    maker = Maker(analyser, node)
    run = analyser.run

    def nothing(value: Value) -> Value:
        raise LispyError("bad-value", f"match has no clause for {cut(write_text(run, value))}")

    chosen = maker.host("match", nothing, VALUE)
    for clause in reversed(node.items[2:]):
        if clause.kind != "list" or len(clause.items) < 2:
            raise LispyError("bad-syntax", "a clause of match is (pattern form ...)", span=clause.span)
        chosen = _clause(maker, clause, chosen)
    return maker.form("let", ((VALUE, node.items[1]),), chosen)


def _clause(maker: Maker, clause: Node, otherwise: Node) -> Node:
    """One clause: the list of the parts found, then the names bound to them."""
    pattern = _Pattern(maker.analyser.run)
    fits = pattern.fits(clause.items[0])
    names = list(pattern.names)

    def find(value: Value, *procedures: Value) -> Value:
        found: Found = {}
        if not fits(value, found, procedures):
            return False
        pattern.run.meter.allocate(8 * len(names))
        return [True, *[found[name] for name in names]]

    places = enumerate(pattern.names.values(), 1)
    bound = maker.list(*[maker.list(name, maker.call("nth", FOUND, place)) for place, name in places])
    test, body = maker.part(FOUND), clause.items[1:]
    if len(body) > 2 and shown(body[0]) in ("#:when", ":when"):
        test = maker.list("if", FOUND, maker.form("let", bound, body[1]), False)
        body = body[2:]
    then = maker.form("let", bound, *body)
    parts = maker.host("match", find, VALUE, *pattern.calls)
    return maker.form("let", ((FOUND, parts),), maker.list("if", test, then, otherwise))
