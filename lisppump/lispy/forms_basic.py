"""The forms that decide, bind and define, with usage, doc and tested example. They only build trees."""

from __future__ import annotations

from lisppump.errors import Span
from lisppump.lispy.analyser import Analyser, Scope, Tails, form, written
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import Node, cut, datum
from lisppump.lispy.tree import (
    AGAIN,
    And,
    Assert,
    Body,
    Call,
    Case,
    Clause,
    Cond,
    Const,
    If,
    Label,
    Lambda,
    Let,
    Local,
    Loop,
    Or,
    Sequence,
    SetGlobal,
    SetLocal,
    Tree,
    Try,
    Variable,
)  # fmt: skip
from lisppump.lispy.values import Keyword, Symbol, Value, is_nil


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


@form("cond", "(cond (test form ...) ... (else form ...))",
      "The forms of the first clause whose test holds; (test => procedure) calls it with the test's value.",
      example='(cond ((> 1 2) "a") (else "b")) ;=> "b"')  # fmt: skip
def cond(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    return _choice(analyser, node.items[1:], scope, tails, Const(None))


def _choice(analyser: Analyser, nodes: tuple[Node, ...], scope: Scope, tails: Tails, otherwise: Tree) -> Tree:
    """The clauses of a cond; `otherwise` stands where there is no else."""
    clauses: list[Clause] = []
    for place, clause in enumerate(nodes, 1):
        items = clause.items
        if clause.kind != "list" or not items:
            raise LispyError("bad-syntax", "a clause of cond is (test form ...)", span=clause.span)
        if _means(items[0], "else", analyser, scope):
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
      "the key.",
      example='(case 3 ((1 2) "low") ((3 4) "high") (else "none")) ;=> "high"')  # fmt: skip
def case(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) < 2:
        raise written(node)
    if any(_is_arrow(clause, analyser, scope) for clause in node.items[2:]):
        return _case_arrows(analyser, node, scope, tails)
    key = analyser.expression(node.items[1], scope, ())
    table: dict[object, int] = {}
    others: list[tuple[Value, int]] = []
    bodies: list[Tree] = []
    otherwise: Tree = Const(None)
    for clause in node.items[2:]:
        if clause.kind != "list" or len(clause.items) < 2:
            raise LispyError("bad-syntax", "a clause of case is ((datum ...) form ...)", span=clause.span)
        first = clause.items[0]
        body = analyser.sequence(clause.items[1:], scope, tails)
        if _means(first, "else", analyser, scope):
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
            target, scope, lambda: _value_named(analyser, items[-1], scope, named, len(items)), target.span
        )
    if target.kind not in ("list", "dotted"):
        analyser.binder(target)
    if not target.items:
        raise written(node)
    name, rest = target.items[0], target.items[1:]
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


def _value_named(analyser: Analyser, node: Node, scope: Scope, name: str, count: int) -> Tree:
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
    if len(items) < 4:
        raise written(node)
    name = items[1]
    analyser.binder(name)
    return analyser.define(
        name, scope, lambda: analyser.procedure(name.value.name, items[2], items[3:], node, scope), name.span
    )


@form("set!", "(set! name value)", "Gives a variable that exists another value and returns it.",
      example="(let ((n 1)) (set! n (+ n 1)) n) ;=> 2")  # fmt: skip
def set_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) != 3:
        raise written(node)
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
    return SetGlobal(analyser.namespace.cell(name), value, span)


@form("lambda", "(lambda (parameter ...) form ...)",
      "A procedure. (a . rest) collects further arguments in a list, a name alone collects all.",
      example="((lambda (a . rest) rest) 1 2 3) ;=> (2 3)", aliases=("fn", "λ"))  # fmt: skip
def lambda_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) < 3:
        raise written(node)
    return analyser.procedure("lambda", node.items[1], node.items[2:], node, scope)


def bindings(node: Node, form_node: Node) -> list[tuple[Node, Node]]:
    """The (name value) pairs of a let."""
    if node.kind not in ("list", "nil"):
        raise written(form_node)
    found: list[tuple[Node, Node]] = []
    for item in node.items:
        if item.kind != "list" or len(item.items) != 2:
            raise LispyError("bad-syntax", f"a binding is (name value), not {cut(item.text)}", span=item.span)
        found.append((item.items[0], item.items[1]))
    return found


def _init(analyser: Analyser, value: Node, scope: Scope, name: Node) -> Tree:
    return _value_named(analyser, value, scope, name.name or "lambda", 3)


@form("let", "(let ((name value) ...) form ...) or (let name ((name value) ...) form ...)",
      "Binds names for the forms; with a name before the bindings, calling it runs the forms again with "
      "new values.",
      example="(let loop ((i 0) (sum 0)) (if (< i 4) (loop (+ i 1) (+ sum i)) sum)) ;=> 6")  # fmt: skip
def let(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3:
        raise written(node)
    if items[1].kind == "symbol":
        return named_let(analyser, node, scope, tails)
    inner = Scope(scope)
    pairs: list[tuple[Variable, Tree]] = []
    for name, value in bindings(items[1], node):
        init = _init(analyser, value, scope, name)
        pairs.append((analyser.parameter(name, inner), init))
    return Let(pairs, analyser.body(items[2:], inner, tails))


def named_let(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    """A loop if the name is only called in tail position, else a procedure that calls itself."""
    items = node.items
    if len(items) < 4:
        raise written(node)
    pairs = bindings(items[2], node)
    inits = [_init(analyser, value, scope, name) for name, value in pairs]
    name = analyser.binder(items[1])
    outer = Scope(scope)
    inner = Scope(outer)
    parameters = [analyser.parameter(item, inner) for item, _ in pairs]
    label = Label(Variable(name, late=True), parameters)
    outer.names[name] = label
    body = analyser.body(items[3:], inner, (*tails, label))
    return finish_loop(label, inits, body, node, analyser.span(node))


def finish_loop(label: Label, inits: list[Tree], body: Tree, node: Node, span: Span | None) -> Tree:
    """The tree of a named let whose body is known."""
    if label.loop:
        return Loop(label, inits, body)
    variable = label.variable
    procedure = Lambda(variable.name, label.parameters, None, body, None, node, node.span)
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
    pairs: list[tuple[Variable, Tree]] = []
    for name, value in bindings(items[1], node):
        init = _init(analyser, value, scope, name)
        scope = Scope(scope)
        pairs.append((analyser.parameter(name, scope), init))
    return Let(pairs, analyser.body(items[2:], scope, tails))


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


@form("try", "(try form ... (catch name form ...))",
      "The forms; if they end in an error, the catch forms with the name bound to a dict of code, "
      "message, category and data. Limits and missing capabilities are not caught.",
      example='(try (/ 1 0) (catch e (get e :code))) ;=> "division-by-zero"')  # fmt: skip
def try_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3 or items[-1].head != "catch" or len(items[-1].items) < 2:
        raise written(node)
    handler = items[-1]
    name = handler.items[1]
    if name.kind == "list" and len(name.items) == 1:
        name = name.items[0]
    inner = Scope(scope)
    variable = analyser.parameter(name, inner)
    body = analyser.body(items[1:-1], scope, ())
    return Try(body, variable, analyser.body(handler.items[2:], inner, tails))


@form("guard", "(guard (name (test form ...) ...) form ...)",
      "The forms; if they end in an error, the first clause whose test holds, as in cond, with the name "
      "bound as in try; an error that no clause takes goes on.",
      example="(guard (e ((equal? (get e :code) \"division-by-zero\") 0)) (/ 1 0)) ;=> 0")  # fmt: skip
def guard(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 3 or items[1].kind != "list" or not items[1].items:
        raise written(node)
    inner = Scope(scope)
    variable = analyser.parameter(items[1].items[0], inner)
    body = analyser.body(items[2:], scope, ())
    choice = _choice(analyser, items[1].items[1:], inner, tails, Const(AGAIN))
    return Try(body, variable, choice)


@form("assert", "(assert test [message])", "An error that shows the test unless it holds; else its value.",
      example="(assert (= 2 (+ 1 1))) ;=> #t")  # fmt: skip
def assert_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if not 2 <= len(items) <= 3:
        raise written(node)
    test = analyser.expression(items[1], scope, ())
    message = analyser.expression(items[2], scope, ()) if len(items) == 3 else None
    return Assert(test, message, items[1].text, analyser.span(node))
