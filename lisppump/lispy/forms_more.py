"""The forms that loop, thread, build data and make macros, each with usage, doc and a tested example."""

from __future__ import annotations

from lisppump.lispy.analyser import Analyser, Scope, Tails, form, written
from lisppump.lispy.errors import LispyError
from lisppump.lispy.forms_let import finish_loop
from lisppump.lispy.nodes import Node, datum, key_name
from lisppump.lispy.seal import defines
from lisppump.lispy.tree import (
    Call,
    Const,
    DictTemplate,
    If,
    Label,
    Local,
    Repeat,
    Sequence,
    Template,
    Tree,
    Variable,
    While,
    tolled,
)  # fmt: skip
from lisppump.lispy.values import Symbol


@form("while", "(while test form ...)", "Runs the forms as long as the test holds; nil.",
      example="(let ((n 0)) (while (< n 3) (set! n (+ n 1))) n) ;=> 3")  # fmt: skip
def while_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) < 2:
        raise written(node)
    met = analyser.run.meter.nodes
    test = analyser.expression(node.items[1], scope, ())
    body = analyser.body(node.items[2:], scope, ())
    nodes = analyser.run.meter.nodes - met
    return While(test, tolled(body, nodes), nodes)


@form("dotimes", "(dotimes (name count [result]) form ...)", "Runs the forms with the name counting from 0.",
      example="(let ((sum 0)) (dotimes (i 4) (set! sum (+ sum i))) sum) ;=> 6")  # fmt: skip
def dotimes(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 2 or items[1].kind != "list" or not 2 <= len(items[1].items) <= 3:
        raise written(node)
    head = items[1].items
    count = analyser.expression(head[1], scope, ())
    inner = Scope(scope)
    variable = analyser.parameter(head[0], inner)
    met = analyser.run.meter.nodes
    body = analyser.body(items[2:], inner, ())
    nodes = analyser.run.meter.nodes - met
    result = analyser.expression(head[2], inner, ()) if len(head) == 3 else Const(None)
    return Repeat(variable, count, tolled(body, nodes), result, analyser.span(items[1]), nodes)


@form("do", "(do ((name init [step]) ...) (test result ...) form ...)",
      "Runs the forms, stepping the names, until the test holds. With anything else there it is begin.",
      example="(do ((i 0 (+ i 1)) (sum 0 (+ sum i))) ((= i 4) sum)) ;=> 6")  # fmt: skip
def do(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if not _iterates(node):
        return analyser.sequence(items[1:], scope, tails)
    inits = [analyser.expression(item.items[1], scope, ()) for item in items[1].items]
    met = analyser.run.meter.nodes
    inner = Scope(scope)
    variables = [analyser.parameter(item.items[0], inner) for item in items[1].items]
    label = Label(Variable("do", late=True), variables)
    inside = (*tails, label)
    ending = items[2]
    test = analyser.expression(ending.items[0], inner, ())
    result = analyser.sequence(ending.items[1:], inner, inside)
    forms = [analyser.body(items[3:], inner, ())] if len(items) > 3 else []
    steps: list[Tree] = []
    for item, variable in zip(items[1].items, variables, strict=True):
        if len(item.items) == 3:
            steps.append(analyser.expression(item.items[2], inner, ()))
        else:
            steps.append(Local(variable, None))
    span = analyser.span(node)
    jump = Call(Local(label.variable, span), steps, span, label)
    body = If(test, result, Sequence([*forms, jump]))
    return finish_loop(label, inits, body, node, span, analyser.run.meter.nodes - met)


def _iterates(node: Node) -> bool:
    items = node.items
    if (
        len(items) < 3
        or items[1].kind not in ("list", "nil")
        or items[2].kind != "list"
        or not items[2].items
    ):
        return False
    return all(
        item.kind == "list" and 2 <= len(item.items) <= 3 and item.items[0].kind == "symbol"
        for item in items[1].items
    )


@form("->", "(-> value form ...)", "The value as first argument of the first form, that of the next, ...",
      example="(-> 10 (- 3) (* 2)) ;=> 14")  # fmt: skip
def thread_first(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    return _thread(analyser, node, scope, tails, last=False)


@form("->>", "(->> value form ...)", "The value as last argument of the first form, that of the next, ...",
      example="(->> '(1 2 3) (map inc) (reduce + 0)) ;=> 9")  # fmt: skip
def thread_last(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    return _thread(analyser, node, scope, tails, last=True)


def _thread(analyser: Analyser, node: Node, scope: Scope, tails: Tails, last: bool) -> Tree:
    if len(node.items) < 2:
        raise written(node)
    value = node.items[1]
    for step in node.items[2:]:
        whole = step.head not in ("lambda", "fn", "λ") and step.kind == "list" and step.items
        items = step.items if whole else (step,)
        items = (*items, value) if last else (items[0], value, *items[1:])
        value = Node("list", None, items, step.source, step.start, step.end)
    return analyser.expression(value, scope, tails)


@form("define-macro", "(define-macro (name parameter ...) form ...)",
      "A macro: called with its operands unevaluated when the program is compiled, it gives the form "
      "to put in its place. "
      "(gensym) makes names that clash with none.",
      example="(begin (define-macro (swap a b) (list 'list b a)) (swap 1 2)) ;=> (2 1)")  # fmt: skip
def define_macro(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    target = items[1] if len(items) > 2 else node
    if len(items) < 3:
        raise written(node)
    if target.kind == "symbol":
        if len(items) == 3 and items[2].kind == "list" and items[2].head in ("lambda", "fn", "λ"):
            inner = items[2].items
            return _macro(analyser, node, scope, target, inner[1], inner[2:])
        return defmacro(analyser, node, scope, tails)
    if target.kind not in ("list", "dotted") or not target.items:
        raise written(node)
    rest = target.items[1:]
    parameters = rest[0] if target.kind == "dotted" and len(rest) == 1 else Node(
        target.kind, None, rest, target.source, target.start, target.end
    )  # fmt: skip
    return _macro(analyser, node, scope, target.items[0], parameters, items[2:])


@form("defmacro", "(defmacro name (parameter ...) form ...)",
      "The same as (define-macro (name parameter ...) ...).",
      example="(begin (defmacro twice (x) `(begin ,x ,x)) (twice 3)) ;=> 3")  # fmt: skip
def defmacro(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) < 4:
        raise written(node)
    return _macro(analyser, node, scope, items[1], items[2], items[3:])


def _macro(
    analyser: Analyser, node: Node, scope: Scope, name: Node, parameters: Node, body: tuple[Node, ...]
) -> Tree:
    word = analyser.binder(name)
    target: Scope | None = scope
    while target is not None and target.body is None:
        target = target.parent
    if target is None and analyser.run.sealed:
        raise defines(word, name.span)
    procedure = analyser.evaluate(analyser.procedure(word, parameters, body, node, None))
    if target is None:
        analyser.namespace.bound.discard(word)
        analyser.namespace.macros[word] = procedure
    else:
        target.names[word] = procedure
    return Const(Symbol(word))


@form("quasiquote", "(quasiquote template) or `template",
      "The template as data, with ,form replaced by its value and ,@form by the elements of its value.",
      example="`(1 ,(+ 1 1) ,@(list 3 4)) ;=> (1 2 3 4)")  # fmt: skip
def quasiquote(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    if len(node.items) != 2:
        raise written(node)
    return _template(analyser, node.items[1], scope, 1)


@form("unquote", ",form", "Inside a quasiquote: the value of the form.", example="`(a ,(+ 1 2)) ;=> (a 3)")
def unquote(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    raise LispyError("bad-syntax", "unquote (,) stands only inside a quasiquote (`)", span=node.span)


@form("unquote-splicing", ",@form", "Inside a quasiquote: the elements of the form's value.",
      example="`(a ,@(list 1 2)) ;=> (a 1 2)")  # fmt: skip
def unquote_splicing(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    raise LispyError(
        "bad-syntax", "unquote-splicing (,@) stands only inside a list in a quasiquote (`)", span=node.span
    )


def _template(analyser: Analyser, node: Node, scope: Scope, level: int) -> Tree:
    if node.kind == "dict":
        keys = [key_name(key) for key in node.items[::2]]
        return DictTemplate(keys, [_template(analyser, item, scope, level) for item in node.items[1::2]])
    if node.kind not in ("list", "vector", "dotted"):
        return Const(node.value)
    if not node.items:
        return Const([])
    word = node.head if node.kind == "list" and len(node.items) == 2 else None
    if word == "unquote":
        if level == 1:
            return analyser.expression(node.items[1], scope, ())
        level -= 1
    elif word == "quasiquote":
        level += 1
    parts: list[tuple[bool, Tree]] = []
    items, tail = node.items, None
    if node.kind == "dotted":
        items, tail = items[:-1], _template(analyser, items[-1], scope, level)
    elif len(items) > 2 and items[-2].name == "unquote" and level == 1:  # `(a . ,b)
        items, tail = items[:-2], analyser.expression(items[-1], scope, ())
    for item in items:
        if item.head == "unquote-splicing" and len(item.items) == 2 and level == 1:
            parts.append((True, analyser.expression(item.items[1], scope, ())))
        else:
            parts.append((False, _template(analyser, item, scope, level)))
    if tail is None and all(isinstance(part, Const) and not splice for splice, part in parts):
        return Const(datum(node))
    return Template(parts, tail, analyser.span(node))
