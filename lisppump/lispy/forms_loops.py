"""The forms that go through lists in other Lisps: dolist, doseq, for and its family, loop with recur."""

from __future__ import annotations

from collections.abc import Callable

from lisppump.lispy.analyser import Analyser, Scope, Tails, form, rewriting, written
from lisppump.lispy.building import Maker
from lisppump.lispy.destructure import parts
from lisppump.lispy.errors import LispyError
from lisppump.lispy.forms_let import bindings, in_turn
from lisppump.lispy.nodes import Node, mentions, shown
from lisppump.lispy.tree import Tree

Group = list[tuple[Node, Node]]  # names with what they go through, side by side
Clauses = list[tuple[str, Group]]  # "each" with a group; "when", "unless" and "let" with what is behind them
ROW, TOTAL = "row of for", "total of for"  # names that no program can write
GUARDS = {":when": "when", "#:when": "when", "#:unless": "unless", ":let": "let"}


@rewriting("dolist", "(dolist (name list [result]) form ...)",
           "The forms for each element of a list; then nil.",
           example="(let ((n 0)) (dolist (x '(1 2 3) n) (set! n (+ n x)))) ;=> 6")  # fmt: skip
def dolist(analyser: Analyser, node: Node) -> Node:
    items = node.items
    if len(items) < 2 or items[1].kind != "list" or not 2 <= len(items[1].items) <= 3:
        raise written(node)
    maker = Maker(analyser, node)
    name, values, *result = items[1].items
    loop = maker.call("for-each", maker.list("lambda", (name,), *(items[2:] or (maker.node("nil"),))), values)
    return maker.form("begin", loop, *(result or (maker.node("nil"),)))


def _clauses(maker: Maker, node: Node, nested: bool) -> Clauses:
    """What a form goes through: [x xs y ys :when test] inside each other, ((x xs) (y ys)) side by side."""
    items = node.items
    if node.kind != "list" or not items:
        raise written(maker.like)
    if items[0].kind == "symbol" or in_turn(node):
        if len(items) % 2:
            raise written(maker.like)
        return [_in_turn(first, second) for first, second in zip(items[::2], items[1::2], strict=True)]
    found: Clauses = []
    rest = list(reversed(items))
    while rest:
        item = rest.pop()
        guard = _guard(item)
        if guard in ("when", "unless") and rest:
            test = rest.pop()
            found.append((guard, [(test, test)]))
        elif item.kind != "list" or len(item.items) != 2:
            raise LispyError(
                "bad-syntax", f"{shown(item)} is no (name list)", span=item.span,
                help="a test is written #:when test, between the bindings",
            )  # fmt: skip
        elif found and found[-1][0] == "each" and not nested:
            found[-1][1].append((item.items[0], item.items[1]))
        else:
            found.append(("each", [(item.items[0], item.items[1])]))
    return found


def _in_turn(first: Node, second: Node) -> tuple[str, Group]:
    if first.kind != "keyword":
        return "each", [(first, second)]
    guard = _guard(first)
    if guard is None:
        raise LispyError(
            "bad-syntax", f"for has no {shown(first)} here", span=first.span,
            help="it has :when test and :let [name value]; take-while stops a list",
        )  # fmt: skip
    return guard, [(second, second)]


def _guard(node: Node) -> str | None:
    """What a word among the bindings does that is no binding; None where it is none."""
    return GUARDS.get(shown(node)) if node.kind in ("keyword", "symbol") else None


def _procedure(maker: Maker, group: Group, body: Node, first: tuple[str, ...] = ()) -> Node:
    """The body as a procedure of a group's names; `first` are parameters before them."""
    parameters: list[Node | str] = list(first)
    names: list[Node] = []
    for place, (pattern, _) in enumerate(group):
        if pattern.kind == "symbol":
            parameters.append(pattern)
        else:
            parameters.append(f"{ROW} {place}")
            names.extend(maker.list(*pair) for pair in parts(maker, pattern, maker.part(parameters[-1])))
    if names:
        body = maker.form("let*", maker.list(*names), body)
    return maker.list("lambda", maker.list(*parameters), body)


def _lists(maker: Maker, group: Group) -> list[Node]:
    """What a group goes through, as lists: a number counts from 0, a text has characters, a dict entries."""
    return [maker.call("sequence->list", values) for _, values in group]


def _nested(maker: Maker, clauses: Clauses, body: Node, over: str, skip: Node) -> Node:
    """Calls of `over` in each other, one for each group; `skip` stands where a test does not hold."""
    for kind, group in reversed(clauses):
        if kind == "each":
            body = maker.call(over, _procedure(maker, group, body), *_lists(maker, group))
        else:
            body = _guarded(maker, kind, group[0][0], body, skip)
    return body


def _guarded(maker: Maker, kind: str, what: Node, body: Node, skip: Node) -> Node:
    if kind == "let":
        names: list[Node] = []
        for pattern, value in zip(what.items[::2], what.items[1::2], strict=False):
            names.extend(maker.list(*pair) for pair in parts(maker, pattern, value))
        return maker.form("let*", maker.list(*names), body)
    return maker.list("if", what, body, skip) if kind == "when" else maker.list("if", what, skip, body)


def _collected(maker: Maker, clauses: Clauses, body: Node) -> Node:
    """The list of what the body gives for each turn."""
    last = len(clauses) - 1
    if clauses and clauses[last][0] == "each":
        group = clauses[last][1]
        whole = maker.call("map", _procedure(maker, group, body), *_lists(maker, group))
        clauses = clauses[:last]
    else:
        whole = maker.call("list", body)
    for kind, group in reversed(clauses):
        if kind == "each":
            made = maker.call("map", _procedure(maker, group, whole), *_lists(maker, group))
            whole = maker.call("flat-map", maker.analyser.own("identity", maker.like), made)
        else:
            whole = _guarded(maker, kind, group[0][0], whole, maker.part(()))
    return whole


def _read(analyser: Analyser, node: Node, nested: bool) -> tuple[Maker, Clauses, Node]:
    """What all of them are made of: the clauses and the body."""
    if len(node.items) < 3:
        raise written(node)
    maker = Maker(analyser, node)
    body = maker.form("let", (), *node.items[2:])
    return maker, _clauses(maker, node.items[1], nested), body


def _run(maker: Maker, clauses: Clauses, body: Node) -> Node:
    nil = maker.node("nil")
    return maker.form("begin", _nested(maker, clauses, body, "for-each", nil), nil)


@rewriting("for", "(for [name list ... :when test] form ...) or (for ((name list) ...) form ...)",
           "With bindings in turn, as Clojure has it, the list of what the forms give, lists inside each "
           "other. With bindings in brackets, as Racket has it, the forms are run, lists side by side, "
           "and nil is given.", example="(for [x '(1 2 3) :when (odd? x)] (* x x)) ;=> (1 9)")  # fmt: skip
def for_(analyser: Analyser, node: Node) -> Node:
    maker, clauses, body = _read(analyser, node, False)
    if node.items[1].items[0].kind == "symbol" or in_turn(node.items[1]):
        return _collected(maker, clauses, body)
    return _run(maker, clauses, body)


@rewriting("doseq", "(doseq [name list ...] form ...)",
           "The forms for each element, lists inside each other; nil.",
           example="(let ((n 0)) (doseq [x '(1 2) y '(10 20)] (set! n (+ n (* x y)))) n) ;=> 90",
           aliases=("for*",))  # fmt: skip
def doseq(analyser: Analyser, node: Node) -> Node:
    maker, clauses, body = _read(analyser, node, True)
    return _run(maker, clauses, body)


def _family(kind: str, doc: str, example: str, finish: Callable[[Maker, Clauses, Node], Node],
            aliases: tuple[str, ...] = ()) -> None:  # fmt: skip
    """for/kind, with lists side by side, and for*/kind, with lists inside each other."""
    for name, nested in ((f"for/{kind}", False), (f"for*/{kind}", True)):
        where = "inside each other" if nested else "side by side"

        def rewrite(analyser: Analyser, node: Node, nested: bool = nested) -> Node:
            return finish(*_read(analyser, node, nested))

        also = tuple(alias for alias in aliases if alias.startswith("for*") is nested)
        rewriting(name, f"({name} ((name list) ...) form ...)", f"{doc}, for lists {where}.",
                  example=f"({name} {example}", aliases=also)(rewrite)  # fmt: skip


def _first(maker: Maker, clauses: Clauses, body: Node) -> Node:
    found = _nested(maker, clauses, maker.call("list", body), "any", maker.part(False))
    chosen = maker.list("if", TOTAL, maker.call("car", TOTAL), False)
    return maker.form("let", ((TOTAL, found),), chosen)


_family("list", "The list of what the forms give", "((x '(1 2 3))) (* x x)) ;=> (1 4 9)", _collected,
        ("for/vector", "for*/vector"))  # fmt: skip
_family("sum", "The sum of what the forms give", "((x '(1 2 3))) (* x x)) ;=> 14",
        lambda maker, clauses, body: maker.call("sum", _collected(maker, clauses, body)))  # fmt: skip
_family("product", "The product of what the forms give", "((x '(1 2 3))) x) ;=> 6",
        lambda maker, clauses, body: maker.call("product", _collected(maker, clauses, body)))  # fmt: skip
_family("and", "The last of what the forms give if all are true, else #f", "((x '(1 2))) (> x 0)) ;=> #t",
        lambda maker, clauses, body: _nested(maker, clauses, body, "every", maker.part(True)))  # fmt: skip
_family("or", "The first of what the forms give that is true, else #f", "((x '(1 2))) (and (> x 1) x)) ;=> 2",
        lambda maker, clauses, body: _nested(maker, clauses, body, "any", maker.part(False)))  # fmt: skip
_family("first", "What the forms give for the first turn, #f if there is none",
        "((x '(1 2 3)) #:when (even? x)) x) ;=> 2", _first)  # fmt: skip


@rewriting("for/fold", "(for/fold ((total start) ...) ((name list) ...) form ...)",
           "Goes through lists side by side; each turn the forms give the new total, or (values x ...) "
           "the new totals.", example="(for/fold ((total 0)) ((x '(1 2 3))) (+ total x)) ;=> 6")  # fmt: skip
def for_fold(analyser: Analyser, node: Node) -> Node:
    return _folded(analyser, node, False)


@rewriting("for*/fold", "(for*/fold ((total start) ...) ((name list) ...) form ...)",
           "Goes through lists inside each other; each turn the forms give the new total, or (values x "
           "...) the new totals.",
           example="(for*/fold ((n 0)) ((x '(1 2)) (y '(10 20))) (+ n (* x y))) ;=> 90")  # fmt: skip
def nested_fold(analyser: Analyser, node: Node) -> Node:
    return _folded(analyser, node, True)


def _folded(analyser: Analyser, node: Node, nested: bool) -> Node:
    if len(node.items) < 4:
        raise written(node)
    maker = Maker(analyser, node)
    totals = bindings(node.items[1], node)
    if len(totals) == 1:
        names: list[Node] = [maker.list(totals[0][0], TOTAL)]
        start = totals[0][1]
    else:
        formals = maker.list(*[name for name, _ in totals])
        names = [maker.list(*pair) for pair in parts(maker, formals, maker.part(TOTAL), strict=True)]
        start = maker.call("list", *[value for _, value in totals])
    body = maker.form("let*", maker.list(*names), maker.form("let", (), *node.items[3:]))
    for kind, group in reversed(_clauses(maker, node.items[2], nested)):
        if kind != "each":
            body = _guarded(maker, kind, group[0][0], body, maker.part(TOTAL))
            if names:
                body = maker.form("let*", maker.list(*names), body)
            continue
        turn = maker.call("apply", _procedure(maker, group, body), ROW)
        rows = maker.call("zip", *_lists(maker, group))
        body = maker.call("reduce", maker.list("lambda", (TOTAL, ROW), turn), TOTAL, rows)
    return maker.form("let", ((TOTAL, start),), body)


@form("loop", "(loop [name value ...] form ...)",
      "Binds the names for the forms; (recur value ...) runs them again with new values.",
      example="(loop [i 0 sum 0] (if (< i 4) (recur (+ i 1) (+ sum i)) sum)) ;=> 6")  # fmt: skip
def loop(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3 or items[1].kind not in ("list", "nil"):
        raise _other_loop(node)
    maker = Maker(analyser, node)
    inside = items[1].items
    analyser.weigh((node.end - node.start) >> 3)
    if in_turn(items[1]):
        pairs = list(zip(inside[::2], inside[1::2], strict=True))
    elif all(item.kind == "list" and len(item.items) == 2 for item in inside) and mentions(node, "recur"):
        pairs = bindings(items[1], node)
    else:
        raise _other_loop(node)
    named = maker.form("let", "recur", maker.list(*[maker.list(*pair) for pair in pairs]), *items[2:])
    return analyser.expression(named, scope, tails)


def _other_loop(node: Node) -> LispyError:
    return LispyError(
        "bad-syntax", "loop is written as Clojure has it; that of Common Lisp is not here", span=node.span,
        help="write (loop [i 0] (if (< i 9) (recur (+ i 1)) i)), (dotimes (i n) ...), (dolist (x list) ...) "
        "or (map f list)",
    )  # fmt: skip


@form("recur", "(recur value ...)", "Inside loop, fn and defn: runs the forms again with new values.",
      example="(loop [i 3 acc '()] (if (= i 0) acc (recur (- i 1) (cons i acc)))) ;=> (1 2 3)")  # fmt: skip
def recur(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    raise LispyError(
        "bad-syntax", "recur stands inside loop, fn or defn", span=node.span,
        help="a procedure calls itself by its name: (define (f x) ... (f (- x 1)))",
    )  # fmt: skip
