"""The forms that meet errors and leave early: try, guard, assert, and what other Lisps have for them."""

from __future__ import annotations

from lisppump.lispy.analyser import Analyser, Scope, Tails, form, rewriting, written
from lisppump.lispy.building import Maker
from lisppump.lispy.errors import LispyError
from lisppump.lispy.forms_basic import choice
from lisppump.lispy.nodes import Node, shown
from lisppump.lispy.tree import AGAIN, Assert, Const, Tree, Try

CAUGHT = "error caught"  # a name that no program can write
KINDS = {  # the conditions of Common Lisp and Emacs, by the category or code that they mean here
    "error": None, "condition": None, "serious-condition": None, "t": None,
    "simple-error": ("category", "user"),
    "type-error": ("category", "type"), "wrong-type-argument": ("category", "type"),
    "division-by-zero": ("code", "division-by-zero"), "arith-error": ("code", "division-by-zero"),
    "unbound-variable": ("category", "unbound"), "void-variable": ("category", "unbound"),
    "user-error": ("category", "user"),
}  # fmt: skip


@form("try", "(try form ... (catch name form ...) [(finally form ...)])",
      "The forms; if they end in an error, the catch forms with the name bound to a dict of code, "
      "message, category and data; the finally forms in any case. A limit that was reached is not caught.",
      example='(try (/ 1 0) (catch e (get e :code))) ;=> "division-by-zero"')  # fmt: skip
def try_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if len(items) > 2 and items[-1].head == "finally":
        return analyser.expression(_finally(analyser, node), scope, tails)
    if len(items) < 3 or items[-1].head != "catch" or len(items[-1].items) < 2:
        raise written(node)
    names = items[-1].items[1:]
    if len(names) > 2 and names[0].kind == names[1].kind == "symbol" and _is_class(str(names[0].name)):
        names = names[1:]  # (catch Exception e form ...), as Clojure writes it
    name = names[0]
    if name.kind == "list" and len(name.items) == 1:
        name = name.items[0]
    inner = Scope(scope)
    variable = analyser.parameter(name, inner)
    body = analyser.body(items[1:-1], scope, ())
    return Try(body, variable, analyser.body(names[1:], inner, tails))


def _is_class(name: str) -> bool:
    """Exception, Throwable, js/Error, ..."""
    word = name.rpartition("/")[2].rpartition(".")[2]
    return word[:1].isupper() and word.endswith(("Exception", "Throwable", "Error"))


def _finally(analyser: Analyser, node: Node) -> Node:
    maker = Maker(analyser, node)
    *forms, last = node.items[1:]
    caught = forms[-1].head == "catch"
    body = maker.form("try", *forms) if caught else maker.form("begin", *forms)
    return _wound(maker, body, last.items[1:])


def _wound(maker: Maker, body: Node, after: tuple[Node, ...]) -> Node:
    nothing = maker.form("lambda", (), maker.node("nil"))
    ending = maker.form("lambda", (), *(after or (maker.node("nil"),)))
    return maker.call("dynamic-wind", nothing, maker.form("lambda", (), body), ending)


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
    return Try(body, variable, choice(analyser, items[1].items[1:], inner, tails, Const(AGAIN)))


@form("assert", "(assert test [message])", "An error that shows the test unless it holds; else its value.",
      example="(assert (= 2 (+ 1 1))) ;=> #t")  # fmt: skip
def assert_(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items
    if not 2 <= len(items) <= 3:
        raise written(node)
    test = analyser.expression(items[1], scope, ())
    message = analyser.expression(items[2], scope, ()) if len(items) == 3 else None
    return Assert(test, message, shown(items[1], 200), analyser.span(node))


@rewriting("unwind-protect", "(unwind-protect form cleanup ...)",
           "The value of the form; the cleanup forms are run after it, even if it ends in an error.",
           example="(let ((n 0)) (ignore-errors (unwind-protect (car '()) (set! n 1))) n) ;=> 1")  # fmt: skip
def unwind_protect(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 2:
        raise written(node)
    return _wound(Maker(analyser, node), node.items[1], node.items[2:])


@rewriting("ignore-errors", "(ignore-errors form ...)", "The forms; nil if they end in an error.",
           example="(ignore-errors (car '())) ;=> nil")  # fmt: skip
def ignore_errors(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 2:
        raise written(node)
    maker = Maker(analyser, node)
    return maker.form("guard", (CAUGHT, (True, maker.node("nil"))), *node.items[1:])


@rewriting("with-handlers", "(with-handlers ((test handler) ...) form ...)",
           "The forms; if they end in an error, the handler whose test holds for it is called with it.",
           example="(with-handlers ((error? error-message)) (error \"no\")) ;=> \"no\"")  # fmt: skip
def with_handlers(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 3 or node.items[1].kind not in ("list", "nil"):
        raise written(node)
    maker = Maker(analyser, node)
    clauses = []
    for clause in node.items[1].items:
        if clause.kind != "list" or len(clause.items) != 2:
            raise LispyError("bad-syntax", "a clause of with-handlers is (test handler)", span=clause.span)
        test, handler = clause.items
        clauses.append(maker.list((test, CAUGHT), (handler, CAUGHT)))
    return maker.form("guard", maker.list(CAUGHT, *clauses), *node.items[2:])


@rewriting("handler-case", "(handler-case form (error (name) form ...) ...)",
           "The form; if it ends in an error of that kind (error means any), the forms after it.",
           example="(handler-case (/ 1 0) (error (e) (get e :code))) ;=> \"division-by-zero\"")  # fmt: skip
def handler_case(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 3:
        raise written(node)
    maker = Maker(analyser, node)
    clauses = []
    for clause in node.items[2:]:
        items = clause.items
        if clause.kind != "list" or len(items) < 2 or items[1].kind not in ("list", "nil"):
            raise LispyError(
                "bad-syntax", "a clause of handler-case is (error (name) form ...)", span=clause.span
            )
        names = items[1].items
        body = maker.form("let", ((names[0], CAUGHT),) if names else (), *(items[2:] or (maker.node("nil"),)))
        clauses.append(maker.list(_kind(maker, items[0]), body))
    return maker.form("guard", maker.list(CAUGHT, *clauses), node.items[1])


@rewriting("condition-case", "(condition-case name form (error form ...) ...)",
           "The form; if it ends in an error of that kind (error means any), the forms after it, with the "
           "name bound to the error unless it is nil.",
           example="(condition-case e (/ 1 0) (error (get e :code))) ;=> \"division-by-zero\"")  # fmt: skip
def condition_case(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 4 or node.items[1].kind not in ("symbol", "nil"):
        raise written(node)
    maker = Maker(analyser, node)
    name = node.items[1]
    clauses = []
    for clause in node.items[3:]:
        if clause.kind != "list" or not clause.items:
            raise LispyError("bad-syntax", "a clause of condition-case is (error form ...)", span=clause.span)
        body = clause.items[1:] or (maker.node("nil"),)
        bound = ((name, CAUGHT),) if name.kind == "symbol" else ()
        clauses.append(maker.list(_kind(maker, clause.items[0]), maker.form("let", bound, *body)))
    return maker.form("guard", maker.list(CAUGHT, *clauses), node.items[2])


def _kind(maker: Maker, kind: Node) -> Node:
    """The test for a kind of error."""
    if kind.kind == "list":
        return maker.form("or", *[_kind(maker, item) for item in kind.items])
    word = kind.name
    if word not in KINDS:
        raise LispyError(
            "bad-syntax", f"{shown(kind)} is no kind of error here", span=kind.span,
            help="write error, which means any, and look at (get e :code)",
        )  # fmt: skip
    wanted = KINDS[word]
    if wanted is None:
        return maker.part(True)
    return maker.call("equal?", maker.call("get", CAUGHT, maker.text(wanted[0])), maker.text(wanted[1]))


@rewriting("let/cc", "(let/cc name form ...)",
           "The forms; calling the name with a value leaves them at once with that value.",
           example="(let/cc return (for-each (lambda (x) (when (> x 1) (return x))) '(1 2 3)) 0) ;=> 2",
           aliases=("let/ec",))  # fmt: skip
def let_cc(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 3 or node.items[1].kind != "symbol":
        raise written(node)
    maker = Maker(analyser, node)
    return maker.call("call/cc", maker.list("lambda", (node.items[1],), *node.items[2:]))
