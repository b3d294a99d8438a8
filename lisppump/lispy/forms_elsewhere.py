"""Forms of Emacs Lisp, Common Lisp, Clojure and Scheme that others stand for, and some that are errors."""

from __future__ import annotations

from lisppump.lispy.analyser import DEFINING, Analyser, Scope, Tails, form, rewriting, written
from lisppump.lispy.building import Maker
from lisppump.lispy.errors import LispyError
from lisppump.lispy.forms_basic import in_place
from lisppump.lispy.nodes import Node
from lisppump.lispy.tree import DefineGlobal, Label, SetLocal, Tree, Variable
from lisppump.lispy.values import Value

FIRST = "first value"  # names that no program can write
PROMISE = "form put off"


@rewriting("defvar", "(defvar name [value] [doc])", "The same as (define name value).",
           example="(begin (defvar *most* 5 \"How many.\") *most*) ;=> 5",
           aliases=("defparameter", "defconstant", "defconst"))  # fmt: skip
def defvar(analyser: Analyser, node: Node) -> Node:
    if not 2 <= len(node.items) <= 4:
        raise written(node)
    maker = Maker(analyser, node)
    return maker.list("define", node.items[1], node.items[2] if len(node.items) > 2 else maker.node("nil"))


DEFINING.add("defvar")


@form("setq", "(setq name value ...)",
      "Gives variables other values, one after the other; a name of the top level that has none is defined.",
      example="(begin (setq a 1 b (+ a 1)) (list a b)) ;=> (1 2)")  # fmt: skip
def setq(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    items = node.items[1:]
    if not items or len(items) % 2:
        raise written(node)
    maker = Maker(analyser, node)
    if len(items) > 2:
        pairs = zip(items[::2], items[1::2], strict=True)
        whole = maker.form("begin", *[maker.form("setq", *pair) for pair in pairs])
        return analyser.expression(whole, scope, ())
    name = analyser.binder(items[0])
    known, _ = scope.find(name)
    value = analyser.expression(items[1], scope, ())
    if isinstance(known, Label):
        known.fail()
        known = known.variable
    if isinstance(known, Variable):
        known.assigned = True
        return SetLocal(known, value, analyser.span(items[0]))
    cell = analyser.namespace.bind(name)
    analyser.run.heat.unsettle(cell)
    return DefineGlobal(cell, value)


@form("setf", "(setf name value ...)",
      "The same as setq; a part of a value cannot be set, data never changes.",
      example="(begin (setf a 1) a) ;=> 1")  # fmt: skip
def setf(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
    for place in node.items[1::2]:
        if place.kind == "list" and place.items:
            raise in_place(node)
    return setq(analyser, node, scope, tails)


def _counting(name: str, sign: str, words: str, result: int) -> None:
    @rewriting(name, f"({name} name [number])",
               f"Makes a variable {words} by a number (1); gives the new value.",
               example=f"(let ((n 5)) ({name} n 2)) ;=> {result}", aliases=(f"cl-{name}",))  # fmt: skip
    def counted(analyser: Analyser, node: Node) -> Node:
        if not 2 <= len(node.items) <= 3:
            raise written(node)
        if node.items[1].kind == "list":
            raise in_place(node)
        maker = Maker(analyser, node)
        by = node.items[2] if len(node.items) == 3 else maker.node("integer", 1)
        return maker.list("set!", node.items[1], maker.call(sign, node.items[1], by))


_counting("incf", "+", "larger", 7)
_counting("decf", "-", "smaller", 3)


@rewriting("prog1", "(prog1 form form ...)", "All the forms; the value of the first.",
           example="(let ((n 1)) (list (prog1 n (set! n 2)) n)) ;=> (1 2)", aliases=("begin0",))  # fmt: skip
def prog1(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 2:
        raise written(node)
    maker = Maker(analyser, node)
    return maker.form("let", ((FIRST, node.items[1]),), *node.items[2:], FIRST)


@rewriting("when-not", "(when-not test form ...)", "The same as unless.", example="(when-not #f 1) ;=> 1")
def when_not(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 2:
        raise written(node)
    return Maker(analyser, node).form("unless", *node.items[1:])


@rewriting("if-not", "(if-not test then [else])", "if with the test turned about.",
           example="(if-not #f 1 2) ;=> 1")  # fmt: skip
def if_not(analyser: Analyser, node: Node) -> Node:
    if not 3 <= len(node.items) <= 4:
        raise written(node)
    maker = Maker(analyser, node)
    return maker.list("if", maker.call("not", node.items[1]), *node.items[2:])


@rewriting("null", "(null x)", "As (null? x); without brackets around it null is nil.",
           example="(list (null '()) null) ;=> (#t nil)", valued=True)  # fmt: skip
def null(analyser: Analyser, node: Node) -> Node:
    if len(node.items) != 2:
        raise written(node)
    return Maker(analyser, node).call("null?", node.items[1])


@rewriting("function", "(function f) or #'f",
           "The procedure itself: procedures and data share their names here.",
           example="(map (function inc) '(1 2)) ;=> (2 3)")  # fmt: skip
def function(analyser: Analyser, node: Node) -> Node:
    if len(node.items) != 2:
        raise written(node)
    return node.items[1]


@rewriting("delay", "(delay form)", "A promise: (force p) evaluates the form, once.",
           example="(force (delay (+ 1 2))) ;=> 3", aliases=("delay-force",))  # fmt: skip
def delay(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 2:
        raise written(node)
    maker = Maker(analyser, node)
    return maker.call("memoize", maker.list("lambda", (), *node.items[1:]))


@rewriting("cons-stream", "(cons-stream x form)",
           "A pair of a value and a promise of what follows; stream-car and stream-cdr take it apart.",
           example="(stream-car (stream-cdr (cons-stream 1 (cons-stream 2 '())))) ;=> 2",
           aliases=("stream-cons",))  # fmt: skip
def cons_stream(analyser: Analyser, node: Node) -> Node:
    if len(node.items) != 3:
        raise written(node)
    maker = Maker(analyser, node)
    return maker.call("cons", node.items[1], maker.form("delay", node.items[2]))


@rewriting("as->", "(as-> value name form ...)",
           "Binds the name to the value, then to that of each form in turn.",
           example="(as-> 5 x (+ x 1) (list x x)) ;=> (6 6)")  # fmt: skip
def thread_as(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 3 or node.items[2].kind != "symbol":
        raise written(node)
    maker = Maker(analyser, node)
    name = node.items[2]
    pairs = [maker.list(name, value) for value in (node.items[1], *node.items[3:])]
    return maker.form("let*", maker.list(*pairs), name)


def _some(name: str, thread: str, where: str, example: str) -> None:
    @rewriting(name, f"({name} value form ...)", f"As {thread}; where a value is nil the rest is left out.",
               example=example)  # fmt: skip
    def threaded(analyser: Analyser, node: Node) -> Node:
        if len(node.items) < 2:
            raise written(node)
        maker = Maker(analyser, node)
        pairs = [maker.list(FIRST, node.items[1])]
        for step in node.items[2:]:
            call = maker.form(thread, FIRST, step)
            pairs.append(maker.list(FIRST, ("if", maker.call("nil?", FIRST), maker.node("nil"), call)))
        return maker.form("let*", maker.list(*pairs), FIRST)


_some("some->", "->", "first", "(some-> {\"a\" 1} (get :b) (+ 1)) ;=> nil")
_some("some->>", "->>", "last", "(some->> '(1 2) (map inc) (reduce +)) ;=> 5")


def _conditional(name: str, thread: str, example: str) -> None:
    @rewriting(name, f"({name} value test form ...)",
               f"As {thread}, with a test before each form: where it does not hold the form is left out.",
               example=example)  # fmt: skip
    def threaded(analyser: Analyser, node: Node) -> Node:
        if len(node.items) < 2 or len(node.items) % 2:
            raise written(node)
        maker = Maker(analyser, node)
        pairs = [maker.list(FIRST, node.items[1])]
        for test, step in zip(node.items[2::2], node.items[3::2], strict=True):
            pairs.append(maker.list(FIRST, ("if", test, maker.form(thread, FIRST, step), FIRST)))
        return maker.form("let*", maker.list(*pairs), FIRST)


_conditional("cond->", "->", "(cond-> 1 (< 1 2) (+ 10) #f (* 5)) ;=> 11")
_conditional("cond->>", "->>", "(cond->> '(1 2) #t (map inc)) ;=> (2 3)")


@rewriting("condp", "(condp f x test form ... [form])",
           "The form behind the first test for which (f test x) is true; at the end what else.",
           example="(condp = 2 1 \"one\" 2 \"two\" \"many\") ;=> \"two\"")  # fmt: skip
def condp(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 4:
        raise written(node)
    maker = Maker(analyser, node)
    clauses = node.items[3:]
    if len(clauses) % 2:
        chosen = clauses[-1]
    else:
        chosen = maker.host("condp", _nothing_left)
    for test, then in reversed(list(zip(clauses[::2], clauses[1::2], strict=False))):
        chosen = maker.list("if", maker.list("test of condp", test, FIRST), then, chosen)
    return maker.form("let", (("test of condp", node.items[1]), (FIRST, node.items[2])), chosen)


def _nothing_left() -> Value:
    raise LispyError("bad-value", "condp has no test that holds, and nothing for what else")


@rewriting("with-output-to-string", "(with-output-to-string form ...)",
           "What the forms print, as a text; a procedure without arguments is called. (name) before the "
           "forms binds a port.",
           example="(with-output-to-string (display \"a\") (display 1)) ;=> \"a1\"")  # fmt: skip
def with_output(analyser: Analyser, node: Node) -> Node:
    if len(node.items) < 2:
        raise written(node)
    maker = Maker(analyser, node)
    forms = node.items[1:]
    names = forms[0].items
    if forms[0].kind == "list" and len(names) == 1 and names[0].kind == "symbol" and len(forms) > 1:
        return maker.call("call-with-output-string", maker.list("lambda", forms[0], *forms[1:]))
    return maker.call("output-of", maker.list("lambda", (), *forms), len(forms) == 1)


def _absent(names: tuple[str, ...], message: str, help: str) -> None:
    """Forms of other Lisps that are always an error here, which says what to write."""
    for name in names:

        @form(name, f"({name} ...)", f"Always an error: {message}. {help[0].upper()}{help[1:]}.",
              example=f"({name} x) ;!> bad-syntax")  # fmt: skip
        def refuse(
            analyser: Analyser, node: Node, scope: Scope, tails: Tails, name: str = name
        ) -> Tree:
            said = f"{name} is no form of LisPy: {message}"
            raise LispyError("bad-syntax", said, span=node.span, help=help)


_absent(("import", "require", "use-modules", "ns", "in-package", "provide"),
        "nothing is imported, the whole library is there", "leave it out")  # fmt: skip
_absent(("define-syntax", "let-syntax", "letrec-syntax", "syntax-rules", "define-syntax-rule"),
        "macros are procedures on forms",
        "write (define-macro (name a b) `(list ,b ,a))")  # fmt: skip
_absent(("parameterize", "fluid-let"), "there are no dynamic variables",
        "bind a name with let, and pass it on")  # fmt: skip
_absent(("defclass", "defmethod", "defgeneric", "defprotocol", "defmulti"), "there are no classes",
        "keep data in dicts, and write procedures of them: (define (area shape) ...)")  # fmt: skip
_absent(("block", "return-from"), "a block has no name to leave it by",
        "write (let/cc return form ...), and (return value) in it")  # fmt: skip
