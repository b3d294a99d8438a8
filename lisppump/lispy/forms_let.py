"""The forms that bind names for a while: let and its kin. They only build trees."""

from __future__ import annotations

from lisppump.errors import Span
from lisppump.lispy.analyser import Analyser, Scope, Tails, form, written
from lisppump.lispy.building import Maker
from lisppump.lispy.destructure import parts
from lisppump.lispy.errors import LispyError
from lisppump.lispy.forms_basic import value_named
from lisppump.lispy.nodes import Node, shown
from lisppump.lispy.tree import (
    Body,
    Call,
    Label,
    Lambda,
    Let,
    Local,
    Loop,
    Sequence,
    SetLocal,
    Tree,
    Variable,
    tolled,
)  # fmt: skip

_DATA = frozenset({"integer", "float", "string", "keyword"})


def bindings(node: Node, form_node: Node) -> list[tuple[Node, Node]]:
    """The (name value) pairs of a let."""
    if node.kind not in ("list", "nil"):
        raise written(form_node)
    found: list[tuple[Node, Node]] = []
    for item in node.items:
        if item.kind != "list" or len(item.items) != 2:
            raise LispyError(
                "bad-syntax", f"a binding is (name value), not {shown(item)}", span=item.span,
                help="write ((name value) (name value))",
            )  # fmt: skip
        if node.square and item.square and item.items[0].kind in _DATA:  # [[a b] [1 2]], as Clojure writes it
            raise LispyError(
                "bad-syntax", f"a name is wanted here, got {shown(item.items[0])}", span=item.items[0].span,
                help=f"square brackets call, too; write (list {item.text[1:-1].strip()[:60]})",
            )  # fmt: skip
        found.append((item.items[0], item.items[1]))
    return found


def in_turn(node: Node) -> bool:
    """True for bindings as Clojure writes them: [name value name value]."""
    items = node.items
    if node.kind != "list" or len(items) % 2 or not node.square:
        return False
    return not all(item.kind == "list" and len(item.items) == 2 for item in items)


def clojure(analyser: Analyser, node: Node) -> Node:
    """A let with bindings in turn as a let* with pairs."""
    maker = Maker(analyser, node)
    items = node.items[1].items
    found: list[Node] = []
    for pattern, value in zip(items[::2], items[1::2], strict=True):
        found.extend(maker.list(*pair) for pair in parts(maker, pattern, value))
    return maker.form("let*", maker.list(*found), *node.items[2:])


def _init(analyser: Analyser, value: Node, scope: Scope, name: Node) -> Tree:
    return value_named(analyser, value, scope, name.name or "lambda", 3)


@form("let", "(let ((name value) ...) form ...) or (let name ((name value) ...) form ...)",
      "Binds names for the forms; with a name before the bindings, calling it runs the forms again "
      "with new values. A value does not see the names beside it, unless nothing else has the name: "
      "then it is that of the binding before.",
      example="(let loop ((i 0) (sum 0)) (if (< i 4) (loop (+ i 1) (+ sum i)) sum)) ;=> 6")  # fmt: skip
def let(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3:
        raise written(node)
    if items[1].kind == "symbol":
        return named_let(analyser, node, scope, tails)
    if in_turn(items[1]):
        return analyser.expression(clojure(analyser, node), scope, tails)
    inner = Scope(scope)
    pairs: list[tuple[Variable, Tree]] = []
    view = scope
    for name, value in bindings(items[1], node):
        init = _init(analyser, value, view, name)
        variable = analyser.parameter(name, inner)
        pairs.append((variable, init))
        if view is scope:
            view = Scope(scope)
            view.earlier = {}
        view.earlier[variable.name] = variable  # type: ignore[index]
    return Let(pairs, analyser.body(items[2:], inner, tails))


def named_let(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    """A loop if the name is only called in tail position, else a procedure that calls itself."""
    items = node.items
    if len(items) < 4:
        raise written(node)
    pairs = bindings(items[2], node)
    view = Scope(scope)
    view.earlier = {}
    inits: list[Tree] = []
    for name, value in pairs:
        inits.append(_init(analyser, value, view, name))
        word = analyser.binder(name)
        view.earlier[word] = Variable(word)
    if view.leant:
        return analyser.expression(_bound_before(analyser, node, pairs), scope, tails)
    return _looping(analyser, node, [name for name, _ in pairs], inits, scope, tails)


def _bound_before(analyser: Analyser, node: Node, pairs: list[tuple[Node, Node]]) -> Node:
    """A named let whose values see names before them: a let around it binds those."""
    maker = Maker(analyser, node)
    again = maker.list(*[maker.list(name, name) for name, _ in pairs])
    loop = maker.form("let", node.items[1], again, *node.items[3:])
    return maker.form("let", node.items[2], loop)


def _looping(
    analyser: Analyser, node: Node, names: list[Node], inits: list[Tree], scope: Scope, tails: Tails
) -> Tree:
    """The tree of a named let whose values are known."""
    items = node.items
    name = analyser.binder(items[1])
    outer = Scope(scope)
    inner = Scope(outer)
    parameters = [analyser.parameter(item, inner) for item in names]
    label = Label(Variable(name, late=True), parameters)
    outer.names[name] = label
    met = analyser.run.meter.nodes
    body = analyser.body(items[3:], inner, (*tails, label))
    return finish_loop(label, inits, body, node, analyser.span(node), analyser.run.meter.nodes - met)


def finish_loop(
    label: Label, inits: list[Tree], body: Tree, node: Node, span: Span | None, nodes: int
) -> Tree:
    """The tree of a named let whose body is known, and how many nodes it was made of."""
    body = tolled(body, nodes)
    if label.loop:
        return Loop(label, inits, body, nodes)
    variable = label.variable
    procedure = Lambda(variable.name, label.parameters, None, body, None, node, node.span, nodes=nodes)
    first = SetLocal(variable, procedure, span, first=True)
    return Let([], Body([variable], Call(_made(first, variable), inits, span)))


def _made(first: SetLocal, variable: Variable) -> Tree:
    return Sequence([first, Local(variable, first.span)])


@form("let*", "(let* ((name value) ...) form ...)",
      "Binds names one after the other: each sees those before it.",
      example="(let* ((a 1) (b (+ a 1))) b) ;=> 2")  # fmt: skip
def let_star(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3:
        raise written(node)
    if in_turn(items[1]):
        return analyser.expression(clojure(analyser, node), scope, tails)
    pairs: list[tuple[Variable, Tree]] = []
    inner = Scope(scope)  # one for all: who looks a name up goes through as many as there are
    for name, value in bindings(items[1], node):
        init = _init(analyser, value, inner, name)
        inner.names.pop(name.name or "", None)
        pairs.append((analyser.parameter(name, inner), init))
    return Let(pairs, analyser.body(items[2:], inner, tails))


@form("letrec", "(letrec ((name value) ...) form ...)", "Binds names that may use each other: procedures.",
      example="(letrec ((even (lambda (n) (if (= n 0) #t (odd (- n 1))))) "
      "(odd (lambda (n) (if (= n 0) #f (even (- n 1)))))) (even 10)) ;=> #t",
      aliases=("letrec*",))  # fmt: skip
def letrec(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3:
        raise written(node)
    variables: list[Variable] = []
    inner = Scope(scope, body=variables)
    pairs = bindings(items[1], node)
    for name, _ in pairs:
        if analyser.binder(name) in inner.names:
            raise LispyError("bad-syntax", f"{name.name} is bound twice here", span=name.span)
        analyser.declare(name, inner)
    forms: list[Tree] = []
    for name, value in pairs:
        make = _init(analyser, value, inner, name)
        forms.append(analyser.define(name, inner, lambda tree=make: tree, analyser.span(name)))  # type: ignore[misc]
    forms.append(analyser.body(items[2:], inner, tails))
    return Body(variables, Sequence(forms))
