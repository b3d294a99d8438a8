"""The forms that other Lisps bind names with: several values, parts of lists, a value if it is true."""

from __future__ import annotations

from collections.abc import Callable

from lisppump.lispy.analyser import DEFINING, Analyser, Scope, Tails, form, rewriting, written
from lisppump.lispy.building import Maker
from lisppump.lispy.destructure import parts
from lisppump.lispy.errors import LispyError
from lisppump.lispy.forms_let import bindings, in_turn
from lisppump.lispy.nodes import Node
from lisppump.lispy.tree import Tree
from lisppump.lispy.values import Value, is_list

BOUND = "value bound"  # a name that no program can write


def _several(maker: Maker, names: Node, value: Node) -> list[tuple[Node, Node]]:
    """The bindings of names to several values, which are a list here."""
    if names.kind == "symbol":
        return [(names, _listed(maker, value))]
    if names.kind == "list" and len(names.items) == 1:
        return [(names.items[0], value)]
    return parts(maker, names, value, strict=True)


def _listed(maker: Maker, value: Node) -> Node:
    def listed(given: Value) -> Value:
        return given if is_list(given) else [given]

    return maker.host("values", listed, value)


@rewriting("let-values", "(let-values (((name ...) value) ...) form ...)",
           "Binds the names to the values that (values x ...) gave; (values x y) is the list of both here.",
           example="(let-values (((a b) (values 1 2))) (+ a b)) ;=> 3", aliases=("let*-values",))  # fmt: skip
def let_values(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 3:
        raise written(node)
    maker = Maker(analyser, node)
    pairs = bindings(node.items[1], node)
    if node.head == "let*-values":
        names = [pair for formals, value in pairs for pair in _several(maker, formals, value)]
        return maker.form("let*", _listing(maker, names), *node.items[2:])
    wholes = [maker.part(f"values {place}") for place in range(len(pairs))]
    names = [
        pair
        for whole, (formals, _) in zip(wholes, pairs, strict=True)
        for pair in _several(maker, formals, whole)
    ]
    inside = maker.form("let*", _listing(maker, names), *node.items[2:])
    values = [(whole, value) for whole, (_, value) in zip(wholes, pairs, strict=True)]
    return maker.form("let", _listing(maker, values), inside)


def _listing(maker: Maker, pairs: list[tuple[Node, Node]]) -> Node:
    return maker.list(*[maker.list(*pair) for pair in pairs])


@rewriting("receive", "(receive (name ...) value form ...)", "let-values of one value.",
           example="(receive (a . more) (values 1 2 3) more) ;=> (2 3)",
           aliases=("multiple-value-bind", "cl-multiple-value-bind"))  # fmt: skip
def receive(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 4:
        raise written(node)
    maker = Maker(analyser, node)
    names = _several(maker, node.items[1], node.items[2])
    return maker.form("let*", _listing(maker, names), *node.items[3:])


@rewriting("define-values", "(define-values (name ...) value)",
           "Defines the names as the values that (values x ...) gave.",
           example="(begin (define-values (a b) (values 1 2)) (list b a)) ;=> (2 1)")  # fmt: skip
def define_values(analyser: Analyser, node: Node) -> Node:
    if len(node.items) != 3 or node.items[1].kind not in ("list", "dotted", "symbol"):
        raise written(node)
    maker = Maker(analyser, node)
    names = _several(maker, node.items[1], node.items[2])
    return maker.form("begin", *[maker.list("define", *pair) for pair in names])


DEFINING.add("define-values")


@rewriting("multiple-value-list", "(multiple-value-list form)", "The list of the values that the form gives.",
           example="(multiple-value-list (values 1 2)) ;=> (1 2)")  # fmt: skip
def multiple_value_list(analyser: Analyser, node: Node) -> Node:
    if len(node.items) != 2:
        raise written(node)
    return _listed(Maker(analyser, node), node.items[1])


@rewriting("destructuring-bind", "(destructuring-bind (name ...) list form ...)",
           "Binds the names to the elements of a list; lists among the names take lists apart.",
           example="(destructuring-bind (a (b) . rest) '(1 (2) 3) (list a b rest)) ;=> (1 2 (3))",
           aliases=("cl-destructuring-bind",))  # fmt: skip
def destructuring_bind(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 4:
        raise written(node)
    maker = Maker(analyser, node)
    names = parts(maker, node.items[1], node.items[2], strict=True)
    return maker.form("let*", _listing(maker, names), *node.items[3:])


def _conditions(maker: Maker, node: Node) -> list[tuple[Node, Node]]:
    """The bindings of if-let: (name value), ((a x) (b y)) or [a x b y]."""
    items = node.items
    if node.kind != "list" or not items:
        raise written(maker.like)
    if len(items) == 2 and (items[0].kind == "symbol" or in_turn(node)):
        return [(items[0], items[1])]
    if in_turn(node):
        return list(zip(items[::2], items[1::2], strict=True))
    return bindings(node, maker.like)


def _bound(maker: Maker, then: Node, otherwise: Node, some: bool) -> Node:
    """Ifs in each other: a name is bound where the value before it holds (with `some`: is not nil)."""
    for pattern, value in reversed(_conditions(maker, maker.like.items[1])):
        names = _listing(maker, parts(maker, pattern, maker.part(BOUND)))
        inside = maker.form("let*", names, then)
        test = maker.call("some-value?", BOUND) if some else maker.part(BOUND)
        then = maker.form("let", ((BOUND, value),), maker.list("if", test, inside, otherwise))
    return then


@rewriting("if-let", "(if-let (name value) then [else])",
           "Binds the name for `then` if the value is true, else gives `else`; ((a x) (b y)) binds "
           "several as long as all are true.", example="(if-let (x (get {\"a\" 1} :a)) (+ x 1) 0) ;=> 2",
           aliases=("if-let*",))  # fmt: skip
def if_let(analyser: Analyser, node: Node) -> Node:
    return _if_bound(analyser, node, False)


@rewriting("if-some", "(if-some (name value) then [else])",
           "As if-let; #f counts as a value, only nil does not.",
           example="(if-some (x (get {\"a\" #f} :a)) (list x) 0) ;=> (#f)")  # fmt: skip
def if_some(analyser: Analyser, node: Node) -> Node:
    return _if_bound(analyser, node, True)


def _if_bound(analyser: Analyser, node: Node, some: bool) -> Node:
    if not 3 <= len(node.items) <= 4:
        raise written(node)
    maker = Maker(analyser, node)
    otherwise = node.items[3] if len(node.items) == 4 else maker.node("nil")
    return _bound(maker, node.items[2], otherwise, some)


@rewriting("when-let", "(when-let (name value) form ...)",
           "Binds the name for the forms if the value is true, else gives nil.",
           example="(when-let (x (find even? '(1 2))) (* x 10)) ;=> 20", aliases=("when-let*",))  # fmt: skip
def when_let(analyser: Analyser, node: Node) -> Node:
    return _when_bound(analyser, node, False)


@rewriting("when-some", "(when-some (name value) form ...)",
           "As when-let; #f counts as a value, only nil does not.",
           example="(when-some (x #f) (list x)) ;=> (#f)")  # fmt: skip
def when_some(analyser: Analyser, node: Node) -> Node:
    return _when_bound(analyser, node, True)


def _when_bound(analyser: Analyser, node: Node, some: bool) -> Node:
    if len(node.items) < 2:
        raise written(node)
    maker = Maker(analyser, node)
    return _bound(maker, maker.form("begin", *node.items[2:]), maker.node("nil"), some)


@rewriting("and-let*", "(and-let* ((name value) (test) ...) form ...)",
           "Binds one after the other as long as all values are true; then the forms.",
           example="(and-let* ((x 4) ((even? x))) (/ x 2)) ;=> 2")  # fmt: skip
def and_let(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 2 or node.items[1].kind not in ("list", "nil"):
        raise written(node)
    maker = Maker(analyser, node)
    clauses = node.items[1].items
    body = node.items[2:] or ((maker.part(BOUND),) if clauses else (maker.part(True),))
    then = maker.form("begin", *body)
    for clause in reversed(clauses):
        if clause.kind == "list" and len(clause.items) == 2:
            name, value = clause.items
            inside = maker.list("if", name, maker.form("let", ((BOUND, name),), then), False)
            then = maker.form("let", ((name, value),), inside)
            continue
        test = clause.items[0] if clause.kind == "list" and len(clause.items) == 1 else clause
        then = maker.form("let", ((BOUND, test),), maker.list("if", BOUND, then, False))
    return then


@rewriting("labels", "(labels ((name (parameter ...) form ...) ...) form ...)",
           "Defines procedures that may call each other, for the forms.",
           example="(labels ((even (n) (if (= n 0) #t (odd (- n 1)))) (odd (n) (if (= n 0) #f (even (- n "
                   "1))))) (even 4)) ;=> #t", aliases=("letfn", "cl-labels"))  # fmt: skip
def labels(analyser: Analyser, node: Node) -> Node:
    return _functions(analyser, node, "letrec")


@rewriting("flet", "(flet ((name (parameter ...) form ...) ...) form ...)",
           "Defines procedures for the forms; they do not see each other.",
           example="(flet ((twice (x) (* 2 x))) (twice 4)) ;=> 8", aliases=("cl-flet",))  # fmt: skip
def flet(analyser: Analyser, node: Node) -> Node:
    return _functions(analyser, node, "let")


def _functions(analyser: Analyser, node: Node, binder: str) -> Node:
    if len(node.items) < 3 or node.items[1].kind not in ("list", "nil"):
        raise written(node)
    maker = Maker(analyser, node)
    found = []
    for item in node.items[1].items:
        if item.kind != "list" or len(item.items) < 3:
            raise LispyError("bad-syntax", "a procedure is (name (parameter ...) form ...)", span=item.span)
        found.append(maker.list(item.items[0], maker.list("lambda", *item.items[1:])))
    return maker.form(binder, maker.list(*found), *node.items[2:])


@form("case-lambda", "(case-lambda ((parameter ...) form ...) ...)",
      "A procedure that takes the first clause with as many parameters as it gets arguments.",
      example="((case-lambda ((a) (list a)) ((a b) (+ a b))) 1 2) ;=> 3")  # fmt: skip
def case_lambda(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) < 2:
        raise written(node)
    maker = Maker(analyser, node)
    everything, count = maker.part("all arguments"), "count of arguments"
    chosen = maker.node("nil")
    counts = []
    for clause in reversed(node.items[1:]):
        if clause.kind != "list" or len(clause.items) < 2:
            raise LispyError("bad-syntax", "a clause of case-lambda is ((parameter ...) form ...)",
                             span=clause.span)  # fmt: skip
        least, more = _count(clause.items[0])
        counts.append((least, more))
        test = maker.call(">=" if more else "=", count, least)
        procedure = maker.list("lambda", *clause.items)
        chosen = maker.list("if", test, maker.call("apply", procedure, everything), chosen)
    inside = maker.form("let", ((count, maker.call("length", everything)),), chosen)
    check = maker.node("check", _clause_checker(counts))
    return analyser.procedure("lambda", everything, (check, inside), node, scope)


def _count(names: Node) -> tuple[int, bool]:
    """How many arguments a clause takes, and whether it takes more."""
    if names.kind == "symbol":
        return 0, True
    if names.kind == "dotted":
        return len(names.items) - 1, True
    if len(names.items) > 1 and names.items[-2].name in ("&", "&rest"):
        return len(names.items) - 2, True
    return len(names.items), False


def _clause_checker(counts: list[tuple[int, bool]]) -> Callable[[str, list[Value]], None]:
    """What refuses arguments that no clause takes."""

    def check(name: str, given: list[Value]) -> None:
        got = len(given)
        if not any(got >= least if more else got == least for least, more in counts):
            called = "case-lambda" if name == "lambda" else name
            raise LispyError("wrong-arity", f"{called} has no clause for {got} arguments")

    return check
