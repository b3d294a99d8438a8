"""Procedures and data as text that means the same anywhere: with the definitions they reach. It runs nothing.

A name that the language itself gives a meaning is left as it is; whatever else a procedure speaks of or has
captured becomes a definition beside it. What no text can say is `Unwritable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lisppump.lispy.analyser import FIXED, FORMS, GIVEN
from lisppump.lispy.calls import Builtin, Closure
from lisppump.lispy.errors import LimitError
from lisppump.lispy.names import UNBOUND
from lisppump.lispy.nodes import Node, datum
from lisppump.lispy.printer import quoted, to_text
from lisppump.lispy.reach import reach
from lisppump.lispy.tree import Lambda
from lisppump.lispy.values import (
    Keyword,
    Pair,
    Procedure,
    Quantity,
    Slice,
    Symbol,
    Value,
    elements,
    is_list,
    is_nil,
)  # fmt: skip

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

OURS = frozenset({"let", "list", "simulation", "defmacro", "define-macro", "define"})  # words of this text
DEFINING = ("define", "defun")
PLAIN = (int, float, bool, str, type(None))
DEEPEST = 60  # data with procedures in it
MOST_ROUNDS = 20  # of telling procedures of one name apart
LOOK = 10  # steps charged for a procedure that is looked into
NAME = re.compile(r"(?:#:)?(?![-+]?\.?\d|true$|false$|nil$)[^\s()\[\]{}\"'`,;#:\\|.][^\s()\[\]{}\"'`,;\\|]*")


class Unwritable(Exception):
    """Something that no text can say."""


class Carrier:
    """Collects what values reach; then writes the definitions, and the values in terms of them."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.procedures: dict[int, Procedure] = {}  # all that were looked into, by identity
        self.wanted: dict[int, str] = {}  # those that get definitions, with the names they would like to have
        self.names: dict[int, str] = {}  # and the names that they got
        self.uses: dict[int, list[tuple[str, Value]]] = {}  # by procedure: its names, and what they mean
        self.counts: dict[str, int] = {}  # of definitions that would like to have one name
        self.data: dict[tuple[str, str], str] = {}  # from a name and a text to the name of the definition
        self.late: set[str] = set()  # data in which there are procedures
        self.calls: dict[int, list[tuple[str, str]]] = {}  # by procedure: its names, and those they get
        self.macros: dict[str, str] = {}
        self.spoken: set[str] = set()  # names that the language gives their meaning
        self.left = run.limits.source // 2  # parts of data that can be written at all

    # -- looking

    def look(self, value: Value) -> None:
        """Note all that a value reaches; a procedure gets a definition only if something speaks of it."""
        stack = [value] if isinstance(value, Procedure) else self._procedures(value)
        while stack:
            procedure = stack.pop()
            if id(procedure) not in self.procedures:
                self.procedures[id(procedure)] = procedure
                stack.extend(reversed(self._reached(procedure)))

    def _procedures(self, value: Value) -> list[Procedure]:
        """The procedures in data, which get definitions."""
        found: list[Procedure] = []
        stack = [value]
        while stack:
            item = stack.pop()
            kind = item.__class__
            if kind in PLAIN:
                continue
            if kind is Symbol or kind is Keyword:
                if not NAME.fullmatch(item.name):
                    raise Unwritable
            elif isinstance(item, Procedure):
                found.append(item)
                if isinstance(item, Closure):
                    self._want(item, item.name)
            elif isinstance(item, dict):
                self._pay(len(item))
                stack.extend(item.values())
            elif is_list(item):
                parts = elements(item)
                self._pay(len(parts))
                stack.extend(parts)
            elif kind is Pair:
                self._pay(1)
                stack += (item.car, item.cdr)
            elif kind is not Quantity:
                raise Unwritable
        return found

    def _pay(self, count: int) -> None:
        self.left -= 1 + count
        if self.left < 0:
            raise Unwritable
        self.run.charge(1 + count)

    def _reached(self, value: Procedure) -> list[Procedure]:
        """What a procedure reaches at once."""
        if self.known(value):
            self.spoken.add(value.name)
            return []
        if not isinstance(value, Closure):
            if value.source.__class__ is not list:
                raise Unwritable
            head, *parts = value.source
            self.spoken.add(head.name)
            return self._procedures(parts)
        if form_name(_node(value)) in DEFINING:
            self._want(value, value.name)
        self._pay(LOOK)
        self.uses[id(value)] = uses = list(self._references(value))
        self.spoken |= reach(value.template.tree).words - {value.name, *(name for name, _ in uses)}
        found: list[Procedure] = []
        for name, item in uses:
            if isinstance(item, Procedure):
                self._want(item, name)
                found.append(item)
            else:
                found.extend(self._procedures(item))
        for macro in value.template.tree.macros:
            self._macro(macro)
        return found

    def _want(self, value: Procedure, name: str) -> None:
        if not self.known(value):
            self.wanted.setdefault(id(value), name if name not in FIXED else "procedure")

    def _references(self, closure: Closure) -> Iterator[tuple[str, Value]]:
        """The names in a closure that the language does not give a meaning, with what they mean."""
        tree: Lambda = closure.template.tree
        captured = set()
        for variable, place in tree.free.items():
            value = closure.tail[place]
            value = value[0] if variable.boxed else value
            if value is UNBOUND:
                raise Unwritable
            captured.add(variable.name)
            if self._is_own(value, variable.name):
                self.spoken.add(variable.name)
            yield variable.name, value
        for cell in reach(tree).cells:
            name, value = cell.name, cell.value
            if value is cell.builtin:
                self.spoken.add(name)
                continue
            original = self.run.language(name)
            if value is UNBOUND and original is UNBOUND and name not in GIVEN:
                value = self.run.given(name)
            if value is UNBOUND or value is original or self._is_own(value, name):
                self.spoken.add(name)
            elif name in captured:
                raise Unwritable  # two meanings in one text, which only a macro can have brought about
            else:
                yield name, value

    def known(self, value: Procedure) -> bool:
        """Whether the language or a plugin has this procedure, under the name it has."""
        return isinstance(value, Builtin) or self.run.language(value.name) is value

    def _is_own(self, value: Value, name: str) -> bool:
        """Whether a name means a procedure of the language that is called just so."""
        return isinstance(value, Procedure) and value.name == name and self.known(value)

    def _macro(self, macro: Value) -> None:
        """The definition of a macro, with what it needs inside of it."""
        if not isinstance(macro, Closure):
            raise Unwritable
        inner = Carrier(self.run)
        inner.left = self.left
        inner.look(macro)
        inner.settle()
        definitions = list(inner.definitions())
        self.left = inner.left
        if inner.renamed(macro):
            raise Unwritable
        text = _with(_node(macro), definitions) if definitions else _text(_node(macro))
        if self.macros.setdefault(macro.name, text) != text:
            raise Unwritable
        self.spoken |= inner.spoken

    # -- naming

    def settle(self) -> None:
        """Give every definition a name that nothing else has."""
        taken = {*self.spoken, *OURS}
        if not taken.isdisjoint(self.macros):
            raise Unwritable
        taken.update(self.macros)
        kinds = self._kinds() if len({*self.wanted.values()}) < len(self.wanted) else {}
        firsts: dict[Any, str] = {}
        for key, name in self.wanted.items():
            kind = name, kinds.get(key, -key)
            if kind not in firsts:
                firsts[kind] = self._free(name, taken)
            self.names[key] = firsts[kind]
        for key, uses in self.uses.items():
            self.calls[key] = [(name, self._called(name, item, taken)) for name, item in uses]

    def _kinds(self) -> dict[int, int]:
        """Numbers by procedure, the same for those that are the same program: of a simulation and its fork.

        All that are written alike begin as one kind; a kind falls apart where its members mean different
        things by a name, as long as any does. What takes too long to find out is left apart.
        """
        parts = {key: self._parts(value) for key, value in self.procedures.items() if not self.known(value)}
        kinds: dict[int, Any] = {key: text for key, (text, _) in parts.items()}
        count = 0
        for _ in range(MOST_ROUNDS):
            self.run.charge(len(parts))
            numbers: dict[Any, int] = {}
            found = {}
            for key, (_, uses) in parts.items():
                meant = tuple((name, kinds.get(id(item), mark)) for name, item, mark in uses)
                found[key] = numbers.setdefault((kinds[key], meant), len(numbers))
            kinds = found
            if len(numbers) == count:
                return kinds
            count = len(numbers)
        return {}

    def _parts(self, value: Procedure) -> tuple[str, list[tuple[str, Value, Any]]]:
        """How a procedure is written, and what it speaks of: names, values, marks of what is no procedure."""
        if isinstance(value, Closure):
            text, uses = _text(_node(value)), self.uses[id(value)]
        else:
            text, uses = value.source[0].name, [(str(n), part) for n, part in enumerate(value.source[1:])]
        return text, [(name, item, self._mark(item)) for name, item in uses]

    def _mark(self, item: Value) -> Any:
        """What tells data and the language's procedures apart."""
        if isinstance(item, Procedure) or not _is_plain(item):
            return id(item)
        return self._quoted(item)

    def _called(self, name: str, item: Value, taken: set[str]) -> str:
        """What something is called beside all other definitions that a procedure calls by this name."""
        if isinstance(item, Procedure):
            return self.names.get(id(item)) or item.name
        text = self.expression(item)
        found = self.data.get((name, text))
        if found is None:
            found = self.data[name, text] = self._free(name, taken)
            if not _is_plain(item):
                self.late.add(found)
        return found

    def _free(self, name: str, taken: set[str]) -> str:
        if not NAME.fullmatch(name):
            raise Unwritable
        found, count = name, self.counts.get(name, 1)
        while found in taken:
            count += 1
            found = f"{name}-{count}"
        self.counts[name] = count
        taken.add(found)
        return found

    # -- writing

    def definitions(self) -> Iterator[str]:
        """Data, macros, procedures, and what was made of those, each by name."""
        data = sorted((name, text) for (_, text), name in self.data.items())
        yield from (f"(define {name} {text})" for name, text in data if name not in self.late)
        yield from (text for _, text in sorted(self.macros.items()))
        made = [(name, text) for name, text in data if name in self.late]
        closures: dict[str, Closure] = {}
        for name, key in sorted((name, key) for key, name in self.names.items()):
            value = self.procedures[key]
            if isinstance(value, Closure):
                closures[name] = value
            else:
                made.append((name, self._made(value)))
        yield from self._ordered(closures)
        yield from (f"(define {name} {text})" for name, text in sorted(made))

    def _ordered(self, closures: dict[str, Closure]) -> Iterator[str]:
        """The definitions of closures, each after those that it needs to be made."""
        done: set[str] = set()
        for first in closures:
            stack = [first]
            around = {first}
            while stack:
                name = stack[-1]
                needed = {now for _, now in self.renamed(closures[name])}
                missing = sorted((needed & closures.keys()) - done)
                if needed & self.late or (missing and missing[0] in around):
                    raise Unwritable
                if missing:
                    stack.append(missing[0])
                    around.add(missing[0])
                    continue
                around.discard(stack.pop())
                if name not in done:
                    done.add(name)
                    yield self._definition(name, closures[name])

    def _definition(self, name: str, closure: Closure) -> str:
        node = _node(closure)
        if closure.name == name and form_name(node) in DEFINING and not self.renamed(closure):
            return _text(node)
        return f"(define {name} {self._lambda(closure)})"

    def _lambda(self, closure: Closure) -> str:
        """A closure as an expression."""
        node = _node(closure)
        bindings = " ".join(f"({name} {now})" for name, now in self.renamed(closure))
        form = form_name(node)
        if form in DEFINING:
            return f"(let ({bindings}) {_text(node)} {closure.name})"
        if form != "lambda":
            raise Unwritable
        return f"(let ({bindings}) {_text(node)})" if bindings else _text(node)

    def renamed(self, closure: Closure) -> list[tuple[str, str]]:
        """The names in a closure whose definitions got others; its own it gets from its form."""
        own = self.names.get(id(closure)) if form_name(_node(closure)) in DEFINING else None
        return [
            (name, now)
            for name, now in self.calls.get(id(closure), ())
            if name != now and not (now == own and name == closure.name)
        ]

    def _made(self, value: Procedure) -> str:
        """A procedure that a builtin made, as the call that made it."""
        head, *parts = value.source
        return f"({head.name} {' '.join(self.expression(part) for part in parts)})"

    def expression(self, value: Value, depth: int = 0) -> str:
        """The text whose value is this."""
        if isinstance(value, Procedure):
            if self.known(value):
                return value.name
            if not isinstance(value, Closure):
                return self._made(value)
            return self.names.get(id(value)) or self._lambda(value)
        if depth > DEEPEST:
            raise Unwritable
        if value.__class__ is Symbol:
            return f"'{value.name}"
        if isinstance(value, dict) and value:
            if _is_plain(value):
                return self._quoted(value)
            items = [f"{quoted(key)} {self.expression(item, depth + 1)}" for key, item in value.items()]
            return "{" + " ".join(items) + "}"
        if is_list(value) and not is_nil(value) and not _is_plain(value):
            return "(list " + " ".join(self.expression(item, depth + 1) for item in elements(value)) + ")"
        return self._quoted(value)

    def _quoted(self, value: Value) -> str:
        try:
            text = to_text(value, self.run.meter)
        except LimitError as error:
            if error.code in ("string-limit", "data-depth-limit"):
                raise Unwritable from None
            raise
        if isinstance(value, dict) and all(
            item.__class__ in PLAIN or item.__class__ is Keyword for item in value.values()
        ):
            return text
        return f"'{text}" if value.__class__ in (list, Slice, Pair) or isinstance(value, dict) else text


def carried(run: Run, values: Iterable[Value]) -> Carrier:
    """A carrier that has looked at values and found a name for all that they reach."""
    carrier = Carrier(run)
    for value in values:
        carrier.look(value)
    carrier.settle()
    return carrier


def program(run: Run, procedure: Procedure) -> list[str]:
    """The definitions that a procedure reaches, and last itself."""
    carrier = carried(run, [procedure])
    texts = [*carrier.definitions(), carrier.expression(procedure)]
    run.charge(sum(map(len, texts)) >> 4)
    return texts


def _is_plain(value: Value) -> bool:
    """Whether quoting says all of it."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif is_list(item):
            stack.extend(elements(item))
        elif item.__class__ is Pair:
            stack += (item.car, item.cdr)
        elif isinstance(item, Procedure | Quantity):
            return False
    return True


# -- the text of nodes


def _node(closure: Closure) -> Node:
    """The form that made a closure."""
    node = closure.template.node
    if node is None or closure.template.tree is None:
        raise Unwritable
    return node


def form_name(node: Node) -> str | None:
    """The form a node is, by its own name: what it begins with, or what another form put there."""
    if node.items and node.items[0].kind == "form":
        return str(node.items[0].value.name)
    spec = FORMS.get(node.head or "")
    return None if spec is None else spec.name


def _text(node: Node) -> str:
    """A node as it was read; where a form or a macro made it, as it would have to be written."""
    if node.depth:  # only the reader says how deep brackets are nested
        return node.text
    if node.kind in ("list", "dotted"):
        texts = [_text(item) for item in node.items]
        if node.kind == "dotted":
            texts.insert(-1, ".")
        return f"({' '.join(texts)})"
    if node.kind in ("form", "own"):
        return str(node.value.name)
    if node.kind == "value":
        if node.value.__class__ not in PLAIN:
            raise Unwritable
        return to_text(node.value)
    return to_text(datum(node))


def _with(node: Node, definitions: list[str]) -> str:
    """The definition of a macro with others at the beginning of its body."""
    place = 3 if form_name(node) == "defmacro" or node.items[1].kind == "symbol" else 2
    body = [_text(item) for item in node.items]
    if len(body) == place or form_name(node) not in ("defmacro", "define-macro"):
        raise Unwritable
    return f"({' '.join([*body[:place], *definitions, *body[place:]])})"
