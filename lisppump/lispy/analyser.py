"""Nodes to the resolved tree: scopes, macros, calls; forms stand in a table. It runs only macros."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lisppump.errors import Span
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.names import UNBOUND, Cell, Namespace
from lisppump.lispy.nodes import Node, datum, key_name, node_of, pay, shown
from lisppump.lispy.options import has_options, with_options
from lisppump.lispy.run import Run
from lisppump.lispy.scope import Scope as Scope
from lisppump.lispy.seal import defines
from lisppump.lispy.tree import (
    Body,
    Call,
    Const,
    DefineGlobal,
    DictTemplate,
    Global,
    Label,
    Lambda,
    Local,
    Sequence,
    SetLocal,
    Tree,
    Variable,
    tolled,
)  # fmt: skip
from lisppump.lispy.values import Primitive, Procedure, Value

Tails = tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class FormSpec:
    """One form of the language, as the documentation and `describe` show it."""

    name: str
    usage: str
    doc: str
    example: str
    analyse: Callable[[Analyser, Node, Scope, Tails], Tree]
    aliases: tuple[str, ...] = ()
    rewrite: Callable[[Analyser, Node], Node] | None = None  # what it stands for, if that is another form
    valued: bool = False  # it is a name with a value as well


FORMS: dict[str, FormSpec] = {}
FIXED = frozenset({"quote", "if", "define", "set!", "lambda"})  # no program may bind these
BINDING = 2  # nodes that a local name counts as, beside those it is written with
DEFINING: set[str] = set()  # forms that stand for definitions
DATA = frozenset({"string", "integer", "float", "boolean", "keyword"})  # kinds of what stands for itself
GIVEN = {  # names that get their values from the state, when they are used
    "frame": "The documents of the newest frame. They are one dict, by their names without suffix.",
    "agents": "The agents of the newest frame. They are a list of dicts, each with its id.",
}


def form(
    name: str, usage: str, doc: str, *, example: str, aliases: tuple[str, ...] = ()
) -> Callable[[Any], Callable[[Analyser, Node, Scope, Tails], Tree]]:
    """Enter a form into the table."""

    def enter(analyse: Any) -> Any:
        spec = FormSpec(name, usage, doc, example, analyse, aliases)
        for word in (name, *aliases):
            FORMS[word] = spec
        return analyse

    return enter


def rewriting(
    name: str, usage: str, doc: str, *, example: str, aliases: tuple[str, ...] = (), valued: bool = False
) -> Callable[[Any], Callable[[Analyser, Node], Node]]:
    """Enter a form that stands for others: the function gives the node to put in its place."""

    def enter(rewrite: Any) -> Any:
        def analyse(analyser: Analyser, node: Node, scope: Scope, tails: Tails) -> Tree:
            return analyser.expression(rewrite(analyser, node), scope, tails)

        spec = FormSpec(name, usage, doc, example, analyse, aliases, rewrite, valued)
        for word in (name, *aliases):
            FORMS[word] = spec
        return rewrite

    return enter


class Analyser:
    """Turns the forms of one namespace into trees; `evaluate` runs the procedure of a macro definition."""

    __slots__ = ("deepest", "depth", "evaluate", "expanded", "namespace", "origins", "run", "spans")

    def __init__(
        self, run: Run, namespace: Namespace, evaluate: Callable[[Tree], Value], spans: bool = True
    ) -> None:
        self.run = run
        self.namespace = namespace
        self.evaluate = evaluate
        self.spans = spans
        self.deepest = 4 * run.limits.syntax_depth
        self.depth = 0
        self.origins: dict[int, tuple[Value, Node]] = {}
        self.expanded: list[Procedure] = []  # the macros that were used, in order

    def program(self, node: Node) -> Lambda:
        """The tree of one form of the top level, as a procedure without parameters."""
        self.depth = 0
        if self.origins:
            self.origins.clear()
        body = self.expression(node, Scope(None), ())
        return Lambda("", [], None, body)

    def span(self, node: Node) -> Span | None:
        """The place an error at this node shows; none in library code, whose callers are to blame."""
        return Span(node.source, node.start, node.end) if self.spans else None

    def expression(self, node: Node, scope: Scope, tails: Tails) -> Tree:
        """The tree of a node; `tails` are the loops that a call standing here may jump to."""
        kind = node.kind
        meter = self.run.meter
        meter.nodes += 1 + len(node.items)
        if meter.nodes > meter.next_weighing:
            meter.weigh()
        if kind == "list":
            if not node.items:
                return Const([])
            self.depth += 1
            if self.depth > self.deepest:
                raise LimitError(
                    "syntax-depth-limit", "macros expand this into a program nested too deep", span=node.span
                )
            try:
                tree = self.compound(node, scope, tails)
            except LispyError as error:
                self.depth -= 1
                raise error.located(node.span) from None
            self.depth -= 1
            return tree
        if kind == "symbol":
            return self.reference(node, scope)
        if kind == "dict":
            items = node.items
            keys = [key_name(key) for key in items[::2]]
            return DictTemplate(keys, self.expressions(items[1::2], scope))
        if kind == "vector":
            return Const(datum(node))
        if kind == "dotted":
            raise LispyError(
                "bad-syntax", "a dotted pair is data; quote it to use it as such", span=node.span
            )
        if kind == "own":
            return Global(node.value, self.span(node), scope)
        return Const(node.value)

    def expressions(self, nodes: tuple[Node, ...], scope: Scope) -> list[Tree]:
        """The trees of several nodes, none of which stands where its procedure ends."""
        trees: list[Tree] = []
        for node in nodes:
            kind = node.kind
            if kind == "symbol":
                trees.append(self.reference(node, scope))
            elif kind in DATA:
                trees.append(Const(node.value))
            else:
                trees.append(self.expression(node, scope, ()))
        return trees

    def reference(self, node: Node, scope: Scope) -> Tree:
        """The value of a name."""
        name = node.value.name
        around: Scope | None = scope
        while around is not None:
            known = around.names.get(name)
            if known is not None:
                return self._local(known, node)
            around = around.parent
        return self._outer(node, name, scope)

    def _outer(self, node: Node, name: str, scope: Scope) -> Tree:
        """The value of a name that nothing binds around here."""
        namespace = self.namespace
        if (name in FORMS or name in namespace.macros) and name not in namespace.bound:
            spec = FORMS.get(name)
            if name in namespace.macros or (spec is not None and not spec.valued):
                raise LispyError(
                    "bad-syntax",
                    f"{name} is a form, not a value; it stands first in its brackets",
                    span=node.span,
                    help=None if spec is None else f"write {spec.usage}",
                )
        return self._global(node, name, scope)

    def _global(self, node: Node, name: str, scope: Scope) -> Tree:
        """The value of a name that is no form, and that nothing binds around here."""
        cell = self.namespace.cell(name)
        if name[:4] == "eval" and self.run.heat.is_eval(cell):
            self.run.heat.freeze()  # it may rebind anything while other code runs
        if cell.value is UNBOUND and name not in GIVEN:
            earlier = scope.before(name)
            if earlier is not None:
                return self._or_earlier(cell, earlier, node)
        return Global(cell, Span(node.source, node.start, node.end) if self.spans else None, scope)

    def _local(self, known: Variable | Label | Procedure, node: Node) -> Tree:
        """The value of a name that is bound around here."""
        if known.__class__ is Variable:
            return Local(known, Span(node.source, node.start, node.end) if self.spans else None)
        if isinstance(known, Label):
            known.fail()
            return Local(known.variable, self.span(node))
        raise LispyError("bad-syntax", f"{node.value.name} is a macro, not a value", span=node.span)

    def _or_earlier(self, cell: Cell, earlier: Variable, node: Node) -> Tree:
        """A global name, or while that has no value an earlier binding of the same `let`."""

        def settled(value: Value) -> Value:
            return value if cell.value is UNBOUND else cell.value

        span = self.span(node)
        return Call(Const(Primitive(cell.name, settled, 1, 1)), [Local(earlier, span)], span)

    def own(self, name: str, like: Node) -> Node:
        """A builtin of the language at a place of the program, whatever the program means by its name."""
        value = self.namespace.original(name)
        if value is UNBOUND:  # the library itself is being read
            return Node("own", self.namespace.cell(name), (), like.source, like.start, like.end)
        return Node("own", Cell(name, value, value), (), like.source, like.start, like.end)

    def compound(self, node: Node, scope: Scope, tails: Tails) -> Tree:
        """A call, a form or the use of a macro."""
        items = node.items
        head = items[0]
        kind = head.kind
        if kind == "symbol":
            name = head.value.name
            known = None
            around: Scope | None = scope
            while around is not None and known is None:
                known = around.names.get(name)
                around = around.parent
            if known is None:
                namespace = self.namespace
                if name not in namespace.bound:
                    if name in namespace.macros:
                        return self.expression(self.expand(node, namespace.macros[name]), scope, tails)
                    if name in FORMS:
                        return FORMS[name].analyse(self, node, scope, tails)
                operator = self._global(head, name, scope)
            elif known.__class__ is Variable:
                operator = self._local(known, head)
            elif isinstance(known, Label):
                return self.labelled(node, known, scope, tails)
            else:
                return self.expression(self.expand(node, known), scope, tails)  # type: ignore[arg-type]
        elif kind == "form":  # put there by another form
            return head.value.analyse(self, node, scope, tails)  # type: ignore[no-any-return]
        elif kind in DATA and (node.square or (kind == "keyword" and 2 <= len(items) <= 3)):
            if node.square:  # no call: Clojure's and JSON's [1 2]
                items = (self.own("list", head), *items)
            else:  # (:key d), as Clojure writes it
                items = (self.own("get", head), items[1], head, *items[2:])
            return self.expression(Node("list", None, items, node.source, node.start, node.end), scope, tails)
        else:
            operator = self.expression(head, scope, ())
        span = Span(node.source, node.start, node.end) if self.spans else None
        return Call(operator, self.expressions(items[1:], scope), span)

    def labelled(self, node: Node, label: Label, scope: Scope, tails: Tails) -> Tree:
        """A call of a named let, which is a jump as long as nothing speaks against it."""
        _, crossed = scope.find(label.variable.name)
        operands = self.expressions(node.items[1:], scope)
        if crossed or label not in tails or len(operands) != len(label.parameters):
            label.fail()
        else:
            for inner in tails[tails.index(label) + 1 :]:
                inner.jumps_out.append(label)
                if not inner.loop:
                    label.fail()
        return Call(Local(label.variable, self.span(node.items[0])), operands, self.span(node), label)

    def expand(self, node: Node, macro: Procedure) -> Node:
        """What a macro makes of its use; pieces passed through keep their places."""
        self.expanded.append(macro)
        arguments = [self.quoted(item) for item in node.items[1:]]
        result = self.run.function(macro)(*arguments)
        self.run.charge(1)
        return self.placed(result, node)

    def weigh(self, count: int) -> None:
        """Count nodes that are made or gone through beside those that are analysed."""
        meter = self.run.meter
        meter.nodes += count
        if meter.nodes > meter.next_weighing:
            meter.weigh()

    def quoted(self, node: Node) -> Value:
        """The datum of a node, remembered so that it finds back to its place."""
        if node.kind != "list":
            return datum(node)
        self.weigh(len(node.items))
        value = [self.quoted(item) for item in node.items]
        if value:
            self.origins[id(value)] = (value, node)
        return value

    def placed(self, value: Value, like: Node, depth: int = 0) -> Node:
        """Data as a node: where it came from if a macro only passed it on, else where the macro was used."""
        known = self.origins.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        if value.__class__ is list and value:
            if depth > self.run.limits.syntax_depth:
                raise LimitError(
                    "syntax-depth-limit", "a macro made a program nested too deep", span=like.span
                )
            pay(self.run.meter, len(value))
            items = tuple([self.placed(item, like, depth + 1) for item in value])
            return Node("list", None, items, like.source, like.start, like.end)
        return node_of(value, like, self.run.meter, depth)

    def sequence(self, nodes: tuple[Node, ...], scope: Scope, tails: Tails) -> Tree:
        """Several forms where no new scope begins."""
        if len(nodes) == 1:
            return self.expression(nodes[0], scope, tails)
        forms = [self.expression(item, scope, ()) for item in nodes[:-1]]
        if nodes:
            forms.append(self.expression(nodes[-1], scope, tails))
        return Sequence(forms) if forms else Const(None)

    def body(self, nodes: tuple[Node, ...], parent: Scope, tails: Tails) -> Tree:
        """Several forms in a scope of their own; definitions among them are seen by all of them."""
        variables: list[Variable] = []
        scope = Scope(parent, False, variables)
        for name in self.defined(nodes, scope):
            self.declare(name, scope)
        if len(nodes) == 1:
            tree = self.expression(nodes[0], scope, tails)
        else:
            tree = self.sequence(nodes, scope, tails)
        if not variables:
            return tree
        forms = tree.forms if isinstance(tree, Sequence) else [tree]
        for item in forms:  # nothing can read a procedure before the procedures at the start are all made
            if not (isinstance(item, SetLocal) and item.first and isinstance(item.value, Lambda)):
                break
            item.variable.checked = False
        return Body(variables, tree)

    def defined(self, nodes: tuple[Node, ...], scope: Scope) -> list[Node]:
        """The names that definitions among these forms bind."""
        found: list[Node] = []
        for node in nodes:
            if node.kind != "list" or not node.items:
                continue
            head = node.items[0]
            if head.kind == "form":
                spec = head.value
            elif head.kind == "symbol":
                word = head.value.name
                spec = FORMS.get(word)
                if spec is None or scope.find(word)[0] is not None or word in self.namespace.bound:
                    continue
            else:
                continue
            kind = spec.name
            if kind == "begin":
                found.extend(self.defined(node.items[1:], scope))
            elif kind in ("define", "defun") and len(node.items) > 2:
                target = node.items[1]
                while target.kind in ("list", "dotted") and target.items:
                    target = target.items[0]
                if target.kind == "symbol":
                    found.append(target)
            elif kind in DEFINING and spec.rewrite is not None:
                found.extend(self.defined((spec.rewrite(self, node),), scope))
        return found

    def declare(self, name: Node, scope: Scope) -> Variable:
        """A late variable of a scope with a body."""
        text = self.binder(name)
        known = scope.names.get(text)
        if isinstance(known, Variable):
            return known
        self.run.meter.nodes += BINDING
        variable = Variable(text, late=True, checked=True)
        scope.names[text] = variable
        assert scope.body is not None
        scope.body.append(variable)
        return variable

    def define(self, name: Node, scope: Scope, make: Callable[[], Tree], span: Span | None) -> Tree:
        """A definition: of the innermost body around it, or of the top level."""
        target: Scope | None = scope
        while target is not None and target.body is None:
            target = target.parent
        if target is None:
            word = self.binder(name)
            if self.run.sealed:
                raise defines(word, name.span)
            cell = self.namespace.bind(word)
            tree = DefineGlobal(cell, make())
            self.run.heat.unsettle(cell, once=True)
            return tree
        variable = self.declare(name, target)
        first = not variable.defined
        if not first:
            variable.assigned = True
        variable.defined = True
        if first and target.parent is not None:
            outer, _ = target.parent.find(variable.name)
            variable.hides = outer or variable.name in self.namespace.bound
        return SetLocal(variable, make(), span, first)

    def binder(self, node: Node) -> str:
        """The name a program binds; an error where it may not."""
        if node.kind != "symbol":
            raise LispyError("bad-syntax", f"a name is wanted here, got {shown(node)}", span=node.span)
        name: str = node.value.name
        if name in FIXED:
            raise LispyError(
                "bad-syntax",
                f"{name} cannot be bound: it is one of the five fixed names",
                span=node.span,
                help="take any name but quote, if, define, set! and lambda",
            )
        return name

    def parameters(self, node: Node, scope: Scope) -> tuple[list[Variable], Variable | None]:
        """The variables of `(a b)`, `(a . rest)`, `(a &rest rest)` or `rest`."""
        if node.kind == "symbol":
            names: tuple[Node, ...] = ()
            rest: Node | None = node
        elif node.kind == "dotted":
            names, rest = node.items[:-1], node.items[-1]
        elif node.kind in ("list", "nil"):
            names, rest = node.items, None
            if len(names) > 1 and names[-2].name in ("&rest", "&", "&body"):
                names, rest = names[:-2], names[-1]
        else:
            raise LispyError(
                "bad-syntax", f"parameters are a list of names, not {shown(node)}", span=node.span
            )
        variables = [self.parameter(name, scope) for name in names]
        return variables, None if rest is None else self.parameter(rest, scope)

    def parameter(self, node: Node, scope: Scope) -> Variable:
        """A variable that a call fills."""
        name = self.binder(node)
        if name[0] in "&#" and name[1:] and node.text == name:  # a gensym is not written like that
            raise LispyError(
                "bad-syntax",
                f"{name} is no kind of parameter here",
                span=node.span,
                help="write (a &optional (b 1)), (a &key (b 1)) or (a . rest)",
            )
        if name in scope.names and name != "_":
            raise LispyError("bad-syntax", f"{name} is bound twice here", span=node.span)
        self.run.meter.nodes += BINDING
        variable = Variable(name)
        scope.names[name] = variable
        return variable

    def procedure(
        self, name: str, parameters: Node, nodes: tuple[Node, ...], whole: Node, parent: Scope | None
    ) -> Lambda:
        """A procedure; a string before other forms is its docstring."""
        scope = Scope(parent, True)
        met = self.run.meter.nodes
        if parameters.items and has_options(parameters):
            parameters, nodes = with_options(self, name, parameters, nodes, whole)
        variables, rest = self.parameters(parameters, scope)
        check = None
        if nodes and nodes[0].kind == "check":
            check, nodes = nodes[0].value, nodes[1:]
        doc = None
        if len(nodes) > 1 and nodes[0].kind == "string":
            doc, nodes = nodes[0].value, nodes[1:]
        before = len(self.expanded)
        body = self.body(nodes, scope, ())
        macros = tuple(self.expanded[before:]) if len(self.expanded) > before else ()
        span = Span(whole.source, whole.start, whole.end)
        made = Lambda(name, variables, rest, body, doc, whole, span, macros=macros, check=check)
        made.nodes = self.run.meter.nodes - met
        made.body = tolled(body, made.nodes)
        return made


def written(node: Node) -> LispyError:
    """The error for a form that is not written as it should be."""
    spec = FORMS[str(node.items[0].value.name)]
    return LispyError(
        "bad-syntax", f"{spec.name} is not written like this", span=node.span, help=f"write {spec.usage}"
    )
