"""The forms that decide, bind and define, with usage, doc and tested example. They only build trees."""

from __future__ import annotations

from functools import partial

from lisppump.lispy.analyser import FORMS, GIVEN, Analyser, Scope, Tails, form, written
from lisppump.lispy.errors import LispyError
from lisppump.lispy.names import UNBOUND, Cell
from lisppump.lispy.nodes import Node, datum, mentions, shown
from lisppump.lispy.tree import (
    And,
    Call,
    Case,
    Clause,
    Cond,
    Const,
    If,
    Label,
    Lambda,
    Let,
    Or,
    SetGlobal,
    SetLocal,
    Tree,
    Variable,
)  # fmt: skip
from lisppump.lispy.values import Keyword, Primitive, Symbol, Value, is_nil


@form("quote", "(quote datum) or 'datum", "The datum itself, not evaluated.", example="'(a b) ;=> (a b)")
def quote(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) != 2:
        raise written(node)
    return Const(analyser.quoted(node.items[1]))


@form("if", "(if test then [else])", "One of two; nil if the test is false and there is no else.",
      example='(if (< 1 2) "yes" "no") ;=> "yes"')  # fmt: skip
def if_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if not 3 <= len(items) <= 4:
        raise written(node)
    test = analyser.expression(items[1], scope, ())
    then = analyser.expression(items[2], scope, tails)
    otherwise = analyser.expression(items[3], scope, tails) if len(items) == 4 else Const(None)
    return If(test, then, otherwise)


@form("when", "(when test form ...)", "The forms if the test holds, else nil.", example="(when #t 1 2) ;=> 2")
def when(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) < 2:
        raise written(node)
    test = analyser.expression(node.items[1], scope, ())
    return If(test, analyser.sequence(node.items[2:], scope, tails), Const(None))


@form("unless", "(unless test form ...)", "The forms if the test does not hold, else nil.",
      example="(unless #f 1 2) ;=> 2")  # fmt: skip
def unless(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) < 2:
        raise written(node)
    test = analyser.expression(node.items[1], scope, ())
    return If(test, Const(None), analyser.sequence(node.items[2:], scope, tails))


@form("and", "(and form ...)", "The last value if all are true, else the first that is not; #t of nothing.",
      example="(and 1 2 3) ;=> 3")  # fmt: skip
def and_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    forms = _all(analyser, node.items[1:], scope, tails)
    return And(forms) if forms else Const(True)


@form("or", "(or form ...)", "The first true value, else the last; #f of nothing.", example="(or #f 2) ;=> 2")
def or_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    forms = _all(analyser, node.items[1:], scope, tails)
    return Or(forms) if forms else Const(False)


def _all(analyser: Analyser, nodes: tuple[Node, ...], scope: Scope, tails: Tails) -> list[Tree]:
    forms = [analyser.expression(item, scope, ()) for item in nodes[:-1]]
    if nodes:
        forms.append(analyser.expression(nodes[-1], scope, tails))
    return forms


def _means(node: Node, word: str, analyser: Analyser, scope: Scope) -> bool:
    return node.name == word and scope.find(word)[0] is None and word not in analyser.namespace.bound


def _is_else(node: Node, analyser: Analyser, scope: Scope, last: bool) -> bool:
    """True for the word that stands before what is left; Common Lisp's words only in the last clause."""
    return _means(node, "else", analyser, scope) or (
        last and any(_means(node, word, analyser, scope) for word in ("t", "otherwise"))
    )


def _flat(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Clauses that are written without brackets of their own, as Clojure does it, with brackets."""
    pairs = zip(nodes[::2], nodes[1::2], strict=False)
    return tuple([Node("list", None, pair, pair[0].source, pair[0].start, pair[1].end) for pair in pairs])


@form("cond", "(cond (test form ...) ... (else form ...))",
      "The forms of the first clause whose test holds; (test => procedure) calls it with the test's value. "
      "(cond test form ... :else form), without brackets, is read as well.",
      example='(cond ((> 1 2) "a") (else "b")) ;=> "b"')  # fmt: skip
def cond(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    clauses = node.items[1:]
    if len(clauses) % 2 == 0:
        if all(clause.kind == "list" for clause in clauses):
            _refuse_bare(clauses, analyser, scope)
        else:
            clauses = _flat(clauses)
    return choice(analyser, clauses, scope, tails, Const(None))


def _refuse_bare(clauses: tuple[Node, ...], analyser: Analyser, scope: Scope) -> None:
    """(cond (zero? x) (f x)): is `zero?` the test, or (zero? x)?"""
    for clause in clauses[::2]:
        name = clause.head
        if name is None or len(clause.items) < 2 or scope.find(name)[0] is not None:
            continue
        cell = analyser.namespace.cell(name)
        if cell.builtin is not None and cell.value is cell.builtin and name not in analyser.namespace.bound:
            raise LispyError(
                "ambiguous",
                f"{name} is a procedure, as a test always true: is {shown(clause)} the test?",
                span=clause.span, help="a clause of cond is ((test) form ...), in brackets of its own",
            )  # fmt: skip


def choice(analyser: Analyser, nodes: tuple[Node, ...], scope: Scope, tails: Tails, otherwise: Tree) -> Tree:
    """The clauses of a cond; `otherwise` stands where there is no else."""
    clauses: list[Clause] = []
    for place, clause in enumerate(nodes, 1):
        items = clause.items
        if clause.kind != "list" or not items:
            raise LispyError("bad-syntax", "a clause of cond is (test form ...)", span=clause.span)
        if _is_else(items[0], analyser, scope, place == len(nodes)):
            if place != len(nodes):
                raise LispyError("bad-syntax", "else stands in the last clause of cond", span=clause.span)
            otherwise = analyser.sequence(items[1:], scope, tails)
            break
        test = analyser.expression(items[0], scope, ())
        if len(items) == 1:
            clauses.append(Clause(test, None))
        elif len(items) == 3 and _means(items[1], "=>", analyser, scope):
            clauses.append(Clause(test, analyser.expression(items[2], scope, ()), clause.span))
        else:
            clauses.append(Clause(test, analyser.sequence(items[1:], scope, tails)))
    return Cond(clauses, otherwise)


PLAIN = (int, float, bool, str, Symbol, Keyword)


@form("case", "(case key ((datum ...) form ...) ... (else form ...))",
      "The forms of the clause that lists the key, compared with equal?; (... => procedure) calls it with "
      "the key. (case key datum form ... form), without brackets, is read as well.",
      example='(case 3 ((1 2) "low") ((3 4) "high") (else "none")) ;=> "high"')  # fmt: skip
def case(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) < 2:
        raise written(node)
    clauses = node.items[2:]
    if any(_is_arrow(clause, analyser, scope) for clause in clauses):
        return _case_arrows(analyser, node, scope, tails)
    if len(clauses) > 1 and any(clause.kind != "list" for clause in clauses):
        return _case_flat(analyser, node, scope, tails)
    key = analyser.expression(node.items[1], scope, ())
    table: dict[object, int] = {}
    others: list[tuple[Value, int]] = []
    bodies: list[Tree] = []
    otherwise: Tree = Const(None)
    for clause in clauses:
        if clause.kind != "list" or len(clause.items) < 2:
            raise LispyError("bad-syntax", "a clause of case is ((datum ...) form ...)", span=clause.span)
        first = clause.items[0]
        body = analyser.sequence(clause.items[1:], scope, tails)
        if _is_else(first, analyser, scope, clause is clauses[-1]):
            otherwise = body
            break
        for item in first.items if first.kind == "list" else (first,):
            value = datum(item)
            if value.__class__ in PLAIN or is_nil(value):
                table.setdefault(case_key(value), len(bodies))
            else:
                others.append((value, len(bodies)))
        bodies.append(body)
    return Case(key, table, others, bodies, otherwise)


def _case_flat(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    """A case as Clojure writes it: data and values in turn, at the end what else."""
    clauses = node.items[2:]
    bracketed = list(_flat(clauses))
    if len(clauses) % 2:
        last = clauses[-1]
        other = Node("symbol", Symbol("else"), (), last.source, last.start, last.end)
        bracketed.append(Node("list", None, (other, last), last.source, last.start, last.end))
    whole = Node("list", None, (*node.items[:2], *bracketed), node.source, node.start, node.end)
    return case(analyser, whole, scope, tails)


def _is_arrow(clause: Node, analyser: Analyser, scope: Scope) -> bool:
    items = clause.items
    return clause.kind == "list" and len(items) == 3 and _means(items[1], "=>", analyser, scope)


def _case_arrows(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    """A case whose key gets a name that no program can write, for its procedures to be called with."""
    head, key, *clauses = node.items
    inner = Scope(scope)
    name = Node("symbol", Symbol("key of case"), (), key.source, key.start, key.end)
    init = analyser.expression(key, scope, ())
    variable = analyser.parameter(name, inner)
    made: list[Node] = []
    for clause in clauses:
        items = clause.items
        if _is_arrow(clause, analyser, scope):
            span = (clause.source, clause.start, clause.end)
            items = (items[0], Node("list", None, (items[2], name), *span))
            clause = Node("list", None, items, *span)
        made.append(clause)
    plain = Node("list", None, (head, name, *made), node.source, node.start, node.end)
    return Let([(variable, init)], case(analyser, plain, inner, tails))


def case_key(value: Value) -> object:
    """What plain data is looked up by in a case: its value with its type, nil in either spelling as one."""
    return (list, None) if is_nil(value) else (value.__class__, value)


@form("begin", "(begin form ...)", "The forms one after the other; the value of the last.",
      example="(begin 1 2 3) ;=> 3", aliases=("progn",))  # fmt: skip
def begin(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    return analyser.sequence(node.items[1:], scope, tails)


@form("define", "(define name value) or (define (name parameter ...) form ...)",
      "Binds a name, in the body around it or at the top level, and returns the value bound. A string before "
      "other forms of a procedure is its docstring.",
      example="(begin (define (twice x) (* 2 x)) (twice 4)) ;=> 8", aliases=("def",))  # fmt: skip
def define(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3 and not (len(items) == 2 and items[1].kind == "symbol"):
        raise written(node)
    target = items[1]
    if target.kind == "symbol":
        if len(items) > 4 or (len(items) == 4 and items[2].kind != "string"):
            raise written(node)
        named = target.value.name
        return analyser.define(
            target, scope, lambda: value_named(analyser, items[-1], scope, named, len(items)), target.span
        )
    if target.kind not in ("list", "dotted"):
        analyser.binder(target)
    if not target.items:
        raise written(node)
    name, rest = target.items[0], target.items[1:]
    if name.kind in ("list", "dotted") and name.items:
        return define(analyser, _curried(node, name, rest), scope, tails)
    kind = "list" if target.kind == "list" or not rest else "dotted"
    parameters = Node(kind, None, rest, target.source, target.start, target.end)
    if kind == "dotted" and len(rest) == 1:
        parameters = rest[0]
    return analyser.define(
        name,
        scope,
        lambda: analyser.procedure(name.value.name, parameters, items[2:], node, scope),
        name.span,
    )


def _list(like: Node, *parts: Node | str) -> Node:
    """A list of nodes and names, at the place of another node."""
    place = (like.source, like.start, like.end)
    items = [Node("symbol", Symbol(part), (), *place) if isinstance(part, str) else part for part in parts]
    return Node("list", None, tuple(items), *place)


def _curried(node: Node, target: Node, rest: tuple[Node, ...]) -> Node:
    """(define ((f a) b) form ...) as (define (f a) (lambda (b) form ...))."""
    parameters = _list(node, *rest)
    if node.items[1].kind == "dotted":
        parameters.kind = "dotted"
        parameters = rest[0] if len(rest) == 1 else parameters
    return _list(node, node.items[0], target, _list(node, "lambda", parameters, *node.items[2:]))


def _by_count(nodes: tuple[Node, ...]) -> bool:
    """True for the clauses of a procedure of Clojure that goes by the number of arguments: ([x] form ...)."""
    return all(
        node.kind == "list" and node.items and node.items[0].kind == "list" and node.items[0].square
        and not node.square
        for node in nodes
    )  # fmt: skip


def value_named(analyser: Analyser, node: Node, scope: Scope, name: str, count: int) -> Tree:
    """The value of a definition; a procedure without a name takes that of the definition."""
    if count == 2:
        return Const(None)
    tree = analyser.expression(node, scope, ())
    if isinstance(tree, Lambda) and tree.name == "lambda":
        tree.name = name
    return tree


@form("defun", "(defun name (parameter ...) form ...)", "The same as (define (name parameter ...) form ...).",
      example="(begin (defun inc2 (x) (+ x 2)) (inc2 1)) ;=> 3", aliases=("defn",))  # fmt: skip
def defun(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) > 2 and _by_count(items[2:]):
        return define(analyser, _list(node, items[0], items[1], _list(node, "fn", *items[2:])), scope, tails)
    if len(items) < 4:
        raise written(node)
    name = items[1]
    analyser.binder(name)
    if items[2].kind == "string" and node.head == "defn" and len(items) > 4:  # Clojure's docstring
        items = (*items[:2], items[3], items[2], *items[4:])
    body = _recurring(analyser, node, items[2], items[3:])
    return analyser.define(
        name, scope, lambda: analyser.procedure(name.value.name, items[2], body, node, scope), name.span
    )


def _recurring(
    analyser: Analyser, node: Node, parameters: Node, body: tuple[Node, ...]
) -> tuple[Node, ...]:
    """The body of a procedure of Clojure, which recur runs again with other arguments."""
    if node.head not in ("fn", "defn") or "recur" not in node.text:
        return body
    names = parameters.items
    plain = all(name.kind == "symbol" and name.name not in ("&", "&rest") for name in names)
    analyser.weigh((node.end - node.start) >> 3)
    if not plain or not mentions(node, "recur"):
        return body
    doc = body[:1] if len(body) > 1 and body[0].kind == "string" else ()
    whole = Node("form", FORMS["let"], (), node.source, node.start, node.end)
    pairs = _list(node, *[_list(node, name, name) for name in names])
    return (*doc, _list(node, whole, "recur", pairs, *body[len(doc) :]))


def in_place(node: Node) -> LispyError:
    """The error for setting a part of a value."""
    return LispyError(
        "immutable",
        f"{node.head} of {shown(node.items[1])} would change data in place, which LisPy does not do",
        span=node.span,
        help="write (set! d (dict-set d key value)) or (set! l (list-set l n x))",
    )  # fmt: skip


@form("set!", "(set! name value)", "Gives a variable that exists another value and returns it.",
      example="(let ((n 1)) (set! n (+ n 1)) n) ;=> 2")  # fmt: skip
def set_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) != 3:
        raise written(node)
    if items[1].kind == "list" and items[1].items:
        raise in_place(node)
    name = analyser.binder(items[1])
    known, _ = scope.find(name)
    value = analyser.expression(items[2], scope, ())
    span = analyser.span(items[1])
    if isinstance(known, Label):
        known.fail()
        known = known.variable
    if isinstance(known, Variable):
        known.assigned = True
        return SetLocal(known, value, span)
    cell = analyser.namespace.cell(name)
    analyser.run.heat.unsettle(cell)
    if name in GIVEN and name not in analyser.namespace.bound:
        value = Call(Const(Primitive("set!", partial(_not_given, cell), 1, 1)), [value], span)
    return SetGlobal(cell, value, span)


def _not_given(cell: Cell, value: Value) -> Value:
    """The value, unless the name that gets it is one that the run itself gives."""
    if cell.value is UNBOUND:
        raise LispyError("unbound", f"{cell.name} cannot be set: the run gives it its value",
                         help=f"(define {cell.name} ...) makes one of your own")  # fmt: skip
    return value


@form("lambda", "(lambda (parameter ...) form ...)",
      "A procedure. (a . rest) collects further arguments in a list, a name alone collects all.",
      example="((lambda (a . rest) rest) 1 2 3) ;=> (2 3)", aliases=("fn", "λ"))  # fmt: skip
def lambda_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if node.head == "fn" and len(items) > 1:
        if _by_count(items[1:]):
            whole = Node("form", FORMS["case-lambda"], (), node.source, node.start, node.end)
            return analyser.expression(_list(node, whole, *items[1:]), scope, tails)
        if len(items) > 3 and items[1].kind == "symbol" and items[2].square:  # (fn name [x] form ...)
            procedure = _list(node, items[0], *items[2:])
            whole = Node("form", FORMS["letrec"], (), node.source, node.start, node.end)
            bound = _list(node, _list(node, items[1], procedure))
            return analyser.expression(_list(node, whole, bound, items[1]), scope, tails)
    if len(items) < 3:
        raise written(node)
    name = "" if items[0].kind == "form" else "lambda"  # nobody wrote it, so no backtrace names it
    return analyser.procedure(name, items[1], _recurring(analyser, node, items[1], items[2:]), node, scope)
